"""The officer's guide tells the truth: its pictures come from the desk as it is, its keys and messages exist.

`make pictures` runs this with PICTURES=docs/gambar, and then the pictures are taken into that folder.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

from desk import Desk, sign_in
from pictures import WIDTH, draw
from playwright.sync_api import Page

NewPage = Callable[..., Page]
DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "panduan.md"
LARGEST = 120_000  # bytes of a picture
_PICTURE = re.compile(r"!\[([^\]]*)\]\(gambar/([\w-]+\.png)\)")


def test_every_picture_of_the_guide_is_taken_and_every_taken_one_is_shown(
    new_page: NewPage, desk: Desk, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("PICTURES", "") or tmp_path / "gambar").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder, new_page, desk)
    shown = {name: says for says, name in _PICTURE.findall(GUIDE.read_text(encoding="utf-8"))}
    assert sorted(path.name for path in folder.iterdir()) == sorted(shown)
    assert sorted(path.name for path in (DOCS / "gambar").iterdir()) == sorted(shown), "run: make pictures"
    for path in sorted(folder.iterdir()):
        body = path.read_bytes()
        assert struct.unpack(">I", body[16:20]) == (WIDTH,), path.name
        assert len(body) <= LARGEST, (path.name, len(body))
    assert all(len(says) > 20 for says in shown.values()), "a picture needs words for those who cannot see it"


def test_the_guide_names_every_key_of_the_queue_and_of_an_item(page: Page, shown_desk: Desk) -> None:
    sign_in(page, shown_desk, "penelaah")
    used = set(page.locator("[data-key]").evaluate_all("all => all.map((each) => each.dataset.key)"))
    page.goto(f"{shown_desk.url}/butir/{max(shown_desk.waiting(), key=lambda item: item.spread).key}")
    used |= set(page.locator("[data-key]").evaluate_all("all => all.map((each) => each.dataset.key)"))
    table = re.search(r"^## Tombol pintas\n(.*?)^## ", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert table
    named = set(re.findall(r"`([^`\s]+)`", table[1]))
    assert used <= named


def test_the_messages_that_the_guide_explains_are_messages_of_the_program() -> None:
    section = re.search(r"^## Bila ada yang tidak berjalan\n(.*?)^## ", _guide(), re.MULTILINE | re.DOTALL)
    assert section
    said = re.findall(r"^\| \*([^*]+)\*", section[1], re.MULTILINE)
    catalogue = (DOCS.parent / "pipeline" / "locale" / "id" / "LC_MESSAGES" / "kentongan.po").read_text("utf-8")
    known = re.sub(r'"\n"', "", catalogue)
    assert len(said) >= 6
    assert [message for message in said if message.strip(". …") not in known] == []


def _guide() -> str:
    return GUIDE.read_text(encoding="utf-8")
