"""What tests of decisions share: to decide as the page's form does, and to look at what the ledger kept."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
from review.frame import Browser

from pipeline.core.decisions import Verdict
from pipeline.ledger import items, verdicts
from pipeline.ledger.chain import verify
from pipeline.ledger.items import Item
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
CODES = ("hate_group", "incitement", "threat")


def item_of(place: Workplace, key: str) -> Item:
    with place.ledger.read() as db:
        found = items.get(db, key, ["00", "61"], place.clock())
    assert found is not None
    return found


def said_of(place: Workplace, flag_id: str = "x~0001") -> list[Verdict]:
    """All verdicts on a flag; the chain is whole each time somebody asks."""
    with place.ledger.read() as db:
        assert not verify(db).problems
        return verdicts.history(db, flag_id)


def status_in_index(place: Workplace, flag_id: str = "x~0001") -> str:
    flag = place.store.get(flag_id)
    assert flag is not None
    return flag.status


def say(browser: Browser, key: str, *said: str, **more: str) -> httpx.Response:
    """Decide on the labels in their order (or on all alike); as the page's form, it names the decision before."""
    answers = dict(zip(CODES, said if len(said) > 1 else said * 3, strict=True))
    reasons = {"reason": "satire"} if "not" in said else {}
    sent = {f"decision:{code}": answer for code, answer in answers.items()}
    return browser.submit(f"/butir/{key}/telaah", **(sent | reasons | {"supersedes": shown(browser, key)} | more))


def shown(browser: Browser, key: str) -> str:
    """The decision that the page shows as the last one."""
    found = re.search(r'name="supersedes" value="([^"]*)"', browser.get(f"/butir/{key}").text)
    return found[1] if found else ""
