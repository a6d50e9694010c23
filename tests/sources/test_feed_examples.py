"""The example pairs of the feed source: what came from the world, and the posts that it must become.

A missing expectation is written and the test fails, so that a person looks at it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from feeds import feed_source

from pipeline.core.types import Post, RawItem
from pipeline.sources.markup import decoded, tidied

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "feed"
FEEDS = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".html" and ".expected." not in path.name)
NOW = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)


def shown(post: Post) -> dict[str, object]:
    """A post as JSON, without what it does not have."""
    fields = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(post).items()}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in fields.items()
        if value not in (None, "", [])
    }


def compare(name: str, found: object) -> None:
    path = FOLDER / f"{name}.expected.json"
    if not path.exists():
        path.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        pytest.fail(f"{path.name} was missing and has been written: look at it, then run again")
    assert found == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FEEDS)
def test_feed(name: str, tmp_path: Path) -> None:
    source = feed_source(FOLDER / name, tmp_path, visibility="broadcast" if name == "youtube.xml" else "media")
    items = list(source.fetch())
    found = [
        shown(source.parse(item)) if isinstance(item, RawItem) else {"quarantined": item.place, "reason": item.reason}
        for item in items
    ]
    compare(name, found)


def test_article(tmp_path: Path) -> None:
    source = feed_source(FOLDER / "rss2.xml", tmp_path)
    page = tidied(decoded((FOLDER / "article.html").read_bytes()))
    entry = {"link": "https://kabar.example/daerah/panen-raya", "published": "2026-11-21T07:00:00+07:00", "html": page}
    raw = RawItem("portal", "feed", NOW, "entry 1", entry)
    compare("article.html", [shown(source.parse(raw))])
    for gone in ("Redaksi", "redaksi@", "Pembaca Satu", "tipuan.example", "lacak", "iklan()", "base64", "mailto"):
        assert gone not in page
    other = source.parse(replace(raw, payload=entry | {"html": "", "summary": "Ringkas."}))
    assert other.text == "Ringkas."
