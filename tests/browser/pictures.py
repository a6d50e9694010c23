"""The pictures of docs/panduan.md, taken from the desk on the demo's data."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from desk import Desk, answer, claim, save, sign_in
from playwright.sync_api import Page

NewPage = Callable[..., Page]
WIDTH = 960
_SUBJECT = "gudang kotak suara"  # a threat against a thing: no group is named in the guide's pictures


class Camera:
    """Takes pictures of a page into a folder."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self._folder = page, folder

    def take(self, name: str, *, begin: str = "", height: int = 720) -> None:
        """The page from an element's upper edge on (its beginning if none is named), so many pixels high."""
        self.page.evaluate("document.activeElement.blur()")
        top = 0.0
        if begin:
            box = self.page.locator(begin).first.bounding_box()
            assert box, begin
            top = max(0.0, box["y"] - 12)
        whole = float(self.page.evaluate("document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": top, "width": WIDTH, "height": min(height, whole - top)}
        self.page.screenshot(path=self._folder / f"{name}.png", clip=clip, full_page=True, animations="disabled")


def draw(folder: Path, new_page: NewPage, desk: Desk) -> None:
    """Take all pictures."""

    def camera(name: str, path: str) -> Camera:
        page = new_page(viewport={"width": WIDTH, "height": 3000}, reduced_motion="reduce", color_scheme="light")
        if name:
            sign_in(page, desk, name, path)
        else:
            page.goto(f"{desk.url}{path}")
        return Camera(page, folder)

    camera("", "/masuk").take("masuk", height=470)
    reviewer = camera("penelaah", "/antrean")
    claim(reviewer.page)
    reviewer.page.goto(f"{desk.url}/antrean")
    reviewer.take("antrean", height=464)  # no hateful text in an official guide
    key = _item(desk)
    reviewer.page.goto(f"{desk.url}/butir/{key}")
    reviewer.take("butir", height=560)
    answer(reviewer.page, "not", "abuse_without_group")
    reviewer.page.check("input[name='decision:threat'][value=fits]")
    reviewer.take("telaah", begin=".decision fieldset:nth-of-type(2)", height=430)
    save(reviewer.page)
    reviewer.page.goto(f"{desk.url}/butir/{key}")
    reviewer.take("hasil", begin="section[aria-labelledby=h-history]", height=270)
    reviewer.page.get_by_role("button", name="Tampilkan alamat").click()
    reviewer.page.wait_for_url("**/sumber")
    reviewer.take("sumber", begin="main", height=260)
    reviewer.page.goto(f"{desk.url}/cari?q=%22serangan+fajar%22")
    reviewer.take("cari", begin="main", height=640)
    reviewer.page.goto(f"{desk.url}/ikhtisar")
    reviewer.take("ikhtisar", begin="main", height=620)
    reviewer.take("peta", begin="section[aria-labelledby=h-provinces]", height=480)
    reviewer.page.goto(f"{desk.url}/klaim/{desk.carried()[0]}")
    reviewer.take("klaim", begin="main", height=560)
    camera("penyelia", "/ringkasan").take("ringkasan", begin="section[aria-labelledby=h-text]", height=440)
    officer = camera("pdp", "/jejak")
    officer.page.get_by_role("button", name="Periksa rantai").click()
    officer.take("jejak", begin="main", height=620)


def _item(desk: Desk) -> str:
    """The key of the item that the guide goes through."""
    with desk.place() as place:
        for item in desk.waiting():
            flag = place.store.get(item.flag_id)
            if flag is not None and re.search(_SUBJECT, flag.post.text):
                return item.key
    raise AssertionError(f"the demo has no item about {_SUBJECT!r}")
