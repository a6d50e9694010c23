"""Every page of the desk, for every eye and hand: WCAG 2.2 AA, narrow and dark screens, keys, and slow lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from accessibility import axe
from desk import Desk, sign_in
from playwright.sync_api import Page, Response

NewPage = Callable[..., Page]
HEAVIEST = 200_000  # bytes of a page's first load, all in all
DESK, PHONE, SMALL = 1280, 360, 320
LAPTOPS = (1100, 960, 720)  # and tablets: neither wide nor narrow
PAGES = [
    ("", "/masuk"),
    ("penelaah", "/antrean"),
    ("penelaah", "/butir/*"),
    ("penelaah", "/butir/*/sumber"),
    ("penelaah", "/klaim"),
    ("penelaah", "/klaim/+"),
    ("penelaah", "/butir/+"),
    ("penelaah", "/cari"),
    ("penelaah", "/cari?q=kpu&urut=cocok"),
    ("penelaah", "/cari?q=label:kebencian+wilayah:99+-damai&dari=2024-11-01&sampai=2024-11-02"),
    ("penelaah", "/ikhtisar?hari=90"),
    ("penelaah", "/akun"),
    ("penyelia", "/butir/*"),
    ("penyelia", "/ringkasan"),
    ("penyelia", "/terbitan"),
    ("pdp", "/jejak"),
    ("admin", "/pengguna"),
    ("admin", "/tidak-ada"),
    ("penelaah", "/mutu"),
]
_FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const seen = (box.width > 0 && box.height > 0) && box.bottom > 0 && box.top < innerHeight;
  const over = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const clear = !over || at.contains(over) || over.contains(at) || !over.closest(".sticky");
  return {
    name: `${at.tagName} ${at.id || at.name || at.textContent.trim().slice(0, 30)}`,
    marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen, clear,
  };
}"""

_WIDER = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const all = [...document.body.querySelectorAll("*")];
  const wide = all.filter((each) => each.getBoundingClientRect().right > root.clientWidth);
  return [`${root.scrollWidth} > ${root.clientWidth}`, ...wide.map((each) => each.outerHTML.slice(0, 200))];
}"""


def _opened(page: Page, desk: Desk, name: str, path: str) -> None:
    """Open a page as a person sees it; `*` stands for the key of an item with a form and copies, `+` for a claim
    that posts carry, or for such a post."""
    if not name:
        page.goto(f"{desk.url}{path}")
        return
    if "*" in path:
        path = path.replace("*", max(desk.waiting(), key=lambda item: item.spread).key)
    if "+" in path:
        claim_id, key = desk.carried()
        path = path.replace("+", claim_id if path.startswith("/klaim") else key)
    if path == "/mutu":
        desk.run("drift")
    sign_in(page, desk, name)
    page.goto(f"{desk.url}{path.removesuffix('/sumber')}")
    if path.endswith("/sumber"):
        page.get_by_role("button", name="Tampilkan alamat").click()
        page.wait_for_url("**/sumber")


def _wider(page: Page) -> list[str]:
    """What makes the page wider than the screen; empty is good."""
    return list(page.evaluate(_WIDER))


@pytest.mark.parametrize(("name", "path"), PAGES)
def test_a_page_is_accessible_on_wide_and_narrow_light_and_dark_screens(
    name: str, path: str, new_page: NewPage, shown_desk: Desk
) -> None:
    page = new_page(expected=("status of 404",), reduced_motion="reduce")
    _opened(page, shown_desk, name, path)
    found = []
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 740})
        for details in page.locator("details:not([open]) > summary").all():
            if details.is_visible():
                details.click()
        whole = int(page.evaluate("document.documentElement.scrollHeight"))  # how long it is depends on the fonts
        page.set_viewport_size({"width": width, "height": whole + 400})  # nothing lies half under the bar that sticks
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{width} {scheme}: {line}" for line in axe(page)]
    assert found == []
    for width in (*LAPTOPS, PHONE, SMALL):
        page.set_viewport_size({"width": width, "height": 740})
        assert _wider(page) == [], f"{path} scrolls sideways at {width}"


@contextmanager
def _loaded(page: Page) -> Iterator[dict[str, int]]:
    """The bytes of each response body, once the page has loaded."""
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))
    sizes: dict[str, int] = {}
    yield sizes
    for response in responses:
        if not 300 <= response.status < 400:
            sizes[response.url] = len(response.body())


@pytest.mark.parametrize(("name", "path"), [pair for pair in PAGES if "sumber" not in pair[1]])
def test_the_first_load_of_a_page_is_light(name: str, path: str, new_page: NewPage, shown_desk: Desk) -> None:
    known = new_page(expected=("status of 404",))
    _opened(known, shown_desk, name, path)
    fresh = new_page(expected=("status of 404",), storage_state=known.context.storage_state())  # with an empty cache
    with _loaded(fresh) as sizes:
        fresh.goto(known.url)
    assert len(sizes) >= 3
    assert sum(sizes.values()) <= HEAVIEST, sizes


@pytest.mark.parametrize(
    ("name", "path"), [PAGES[0], PAGES[1], PAGES[2], PAGES[4], PAGES[5], PAGES[6], PAGES[8], PAGES[13], PAGES[15]]
)
def test_what_has_the_focus_can_be_seen(name: str, path: str, page: Page, shown_desk: Desk) -> None:
    _opened(page, shown_desk, name, path)
    page.evaluate("document.activeElement.blur()")
    names = []
    for _press in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        if focus is None:
            break
        assert focus["marked"], focus
        assert focus["seen"], focus
        assert focus["clear"], focus
        names.append(focus["name"])
    assert len(names) >= 4, names
