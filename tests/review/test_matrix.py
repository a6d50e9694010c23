"""Who may see which page: every page, every role, in one's own office and in another, signed in or not.

Both tables are written out by hand. A page or permission that has no line here fails.
"""

from __future__ import annotations

import io
import pkgutil
import zipfile
from collections.abc import Callable
from importlib import import_module

import httpx
import pytest
from review.flags import make_claim, make_flag, put_claims, put_flags
from review.frame import BASE, Browser, Clock, PeopleOf

import pipeline.review
from pipeline.core.decisions import Verdict
from pipeline.core.roles import MAY, ROLES
from pipeline.core.types import ClaimMatch, Signal, Topic
from pipeline.ledger import items, people, verdicts
from pipeline.ledger.chain import Entry, entries
from pipeline.review import app as desk
from pipeline.review.guard import PAGES, PageInfo
from pipeline.workplace import Workplace

for module in pkgutil.iter_modules(pipeline.review.__path__, "pipeline.review."):
    import_module(module.name)  # whatever page anybody wrote is in PAGES now

Client = Callable[[str], Browser]

TRUTH = {  # DOMAIN 4.7
    "reviewer": {"account", "queue", "read", "search", "export", "open_source", "overview", "daily", "published"},
    "supervisor": {
        *("account", "queue", "read", "search", "export", "open_source", "overview", "daily", "published"),
        *("adjudicate", "publish"),
    },
    "approver": {"account", "read", "search", "export", "overview", "daily", "published"},
    "privacy": {"account", "audit", "erase", "overview", "published"},
    "scientist": {"account", "overview", "training"},
    "admin": {"account", "users"},
    "partner": {"account", "published"},
}
WITHOUT_CONTENT = ("privacy", "scientist", "admin", "partner")

TABLE: dict[tuple[str, str], tuple[str | None, dict[str, str]]] = {  # page -> permission, and what a form sends
    ("GET", "/sehat"): (None, {}),
    ("GET", "/metrik"): (None, {}),  # asks for a token of its own: test_metrics.py
    ("GET", "/masuk"): (None, {}),
    ("POST", "/masuk"): (None, {}),
    ("GET", "/"): ("account", {}),
    ("GET", "/akun"): ("account", {}),
    ("POST", "/akun"): ("account", {"do": "language", "language": "en"}),
    ("POST", "/keluar"): ("account", {}),
    ("GET", "/antrean"): ("queue", {}),
    ("POST", "/antrean/ambil"): ("queue", {}),
    ("POST", "/antrean/lepas"): ("queue", {}),
    ("GET", "/butir/{key}"): ("read", {}),
    ("POST", "/butir/{key}/telaah"): ("queue", {"quick": "criticism"}),
    ("POST", "/butir/{key}/batal"): ("queue", {"supersedes": "0"}),
    ("POST", "/butir/{key}/ambil"): ("queue", {}),
    ("POST", "/butir/{key}/tugaskan"): ("adjudicate", {"reviewer": "nobody"}),
    ("POST", "/butir/{key}/sumber"): ("open_source", {"reason": "context"}),
    ("GET", "/butir/{key}/cek-fakta"): ("export", {}),
    ("GET", "/cari"): ("search", {}),
    ("GET", "/cari/ekspor"): ("export", {}),
    ("POST", "/cari/simpan"): ("search", {"q": "suara", "nama": "suara"}),
    ("POST", "/cari/hapus"): ("search", {"id": "1"}),
    ("GET", "/klaim"): ("read", {}),
    ("GET", "/klaim/{id}"): ("read", {}),
    ("GET", "/klaim/ekspor"): ("export", {}),
    ("GET", "/ikhtisar"): ("overview", {}),
    ("GET", "/ikhtisar/ekspor"): ("export", {}),
    ("GET", "/mutu"): ("overview", {}),
    ("GET", "/ringkasan"): ("daily", {}),
    ("GET", "/ringkasan/ekspor"): ("export", {}),
    ("POST", "/ringkasan/terbitkan"): ("publish", {}),
    ("GET", "/terbitan"): ("published", {}),
    ("GET", "/jejak"): ("audit", {}),
    ("POST", "/jejak/periksa"): ("audit", {}),
    ("GET", "/jejak/ekspor"): ("audit", {}),
    ("GET", "/pengguna"): ("users", {}),
    ("GET", "/pengguna/ekspor"): ("users", {}),
}
GUARDED = [info for info in PAGES if TABLE.get((info.method, info.path), ("?",))[0] is not None]
QUERIES = {"/cari": "?q=semua", "/cari/ekspor": "?q=semua&bentuk=csv"}
CLAIM = "k0123456789ab"
MARK, NOTE, TITLE, TOPIC = "zebrabelang", "gajahabu", "kudanilbiru", "isuterlarang"


@pytest.fixture
def key(place: Workplace, people_of: PeopleOf, clock: Clock) -> str:
    """An item of the office 00, with a decision whose note nobody but reviewers should read."""
    threat = Signal("threat", 0.9, 0.5, "rules-1")
    topic = Topic(TOPIC, TOPIC, False)
    put_claims(place, make_claim(CLAIM, "semua TPS dipindah"))
    carries = {"claims": (ClaimMatch(CLAIM, 0.9, "match"),), "why": ("signal", "claim", "spread")}
    flag = make_flag(
        1, f"semua {MARK}", title=f"{TITLE} semua", kind="field", signals=(threat,), topics=(topic,), **carries
    )
    [made, other, _third] = put_flags(
        place,
        flag,
        make_flag(2, f"semua {MARK} lain", signals=(threat,)),
        make_flag(3, f"semua {MARK} lagi", title=TITLE, kind="news", url=f"https://{MARK}.example/a", topics=(topic,)),
        addresses={flag.id: f"https://{MARK}.example/b"},
    )
    with place.ledger.write() as db:
        said = Verdict("x~0002", "00", people_of["supervisor"].id, clock(), {"threat": "fits"}, "confirmed", note=NOTE)
        verdicts.record(db, said)
        assert items.get(db, other, ["00"], clock())
    place.store.mirror({"x~0002": "confirmed"})
    return made


def ask(browser: Browser, info: PageInfo, key: str) -> httpx.Response:
    """Open a page, or send its form as our own page would."""
    path = info.path.replace("{key}", key).replace("{id}", CLAIM)
    if info.method == "GET":
        return browser.get(path + QUERIES.get(info.path, ""))
    return browser.submit(path, **TABLE[info.method, info.path][1])


def all_text(answer: httpx.Response) -> str:
    """All that stands in an answer, in a workbook too, its headers among it."""
    text = answer.text + repr(answer.headers)
    if answer.content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            text += "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return text


def audit_of(place: Workplace) -> list[Entry]:
    with place.ledger.read() as db:
        return list(entries(db))


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/masuk")


def opened(answer: httpx.Response) -> bool:
    return answer.status_code not in (403, 404) and answer.status_code < 500


# ---- the tables


def test_each_role_holds_the_permissions_that_the_domain_gives_it() -> None:
    assert {role: set(held) for role, held in MAY.items()} == TRUTH


def test_each_page_stands_in_the_table_with_its_permission() -> None:
    ours = [info for info in PAGES if info.handler.__module__.startswith("pipeline.")]
    assert {(info.method, info.path): info.may for info in ours} == {page: line[0] for page, line in TABLE.items()}


def test_each_module_with_pages_is_served() -> None:
    served = {module.__name__ for module in desk.MODULES}
    assert {info.handler.__module__ for info in PAGES} == served


def test_a_form_never_answers_to_a_link() -> None:
    changing = {path for method, path in TABLE if method == "POST"}
    both = changing & {path for method, path in TABLE if method == "GET"}
    assert both == {"/masuk", "/akun"}  # of these, GET shows the form only


# ---- who is not signed in


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(stranger: Browser, place: Workplace, key: str) -> None:
    before = audit_of(place)
    for info in GUARDED:
        answer = ask(stranger, info, key)
        assert refused(answer), (info.method, info.path, answer.status_code)
        assert MARK not in all_text(answer)
    assert audit_of(place) == before


@pytest.mark.parametrize("role", ROLES)
def test_a_closed_account_gets_nothing_even_with_a_session(
    client: Client, place: Workplace, people_of: PeopleOf, clock: Clock, key: str, role: str
) -> None:
    before, browser = len(audit_of(place)), client(role)
    with place.ledger.write() as db:
        people.disable(db, people_of[role].id, clock())
    late = client(role)  # a session that was begun after all
    for info in GUARDED:
        for each in (browser, late):
            assert refused(ask(each, info, key)), (info.method, info.path)
    assert len(audit_of(place)) == before


# ---- roles


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_own_pages_and_no_others(client: Client, place: Workplace, key: str, role: str) -> None:
    for info in GUARDED:
        permission, before = TABLE[info.method, info.path][0], len(audit_of(place))
        answer = ask(client(role), info, key)
        said = (info.method, info.path, answer.status_code)
        if permission in TRUTH[role]:
            assert opened(answer), said
        else:
            assert answer.status_code == 403, said
            assert MARK not in all_text(answer), said
            assert len(audit_of(place)) == before, said


@pytest.mark.parametrize("role", ROLES)
def test_the_same_role_in_another_office_sees_nothing_of_this_one(
    client: Client, place: Workplace, people_of: PeopleOf, key: str, role: str
) -> None:
    with place.ledger.write() as db:
        people.set_right(db, people_of[role].id, "00", None)
        people.set_right(db, people_of[role].id, "61", role)
    before = len(audit_of(place))
    for info in GUARDED:
        permission = TABLE[info.method, info.path][0]
        answer = ask(client(role), info, key)
        said = (info.method, info.path, answer.status_code)
        if permission not in TRUTH[role]:
            assert answer.status_code == 403, said
        elif "{key}" in info.path:
            assert answer.status_code == 404, said
        else:
            assert opened(answer), said
        for word in (MARK, NOTE, TITLE, key[:8]):
            assert word not in all_text(answer), (said, word)
    assert not [entry for entry in audit_of(place)[before:] if entry.subject or entry.office == "00"]


def test_a_right_in_one_office_is_none_in_another(client: Client, place: Workplace, people_of: PeopleOf) -> None:
    """An approver here who is a reviewer elsewhere reads here and decides there."""
    [here, there] = put_flags(place, make_flag(1), make_flag(2, office="61"))
    with place.ledger.write() as db:
        people.set_right(db, people_of["approver"].id, "61", "reviewer")
    browser = client("approver")
    assert browser.get(f"/butir/{here}").status_code == browser.get(f"/butir/{there}").status_code == 200
    assert "/telaah" in browser.get(f"/butir/{there}").text
    for form in ("telaah", "ambil", "sumber", "batal"):
        assert f'action="/butir/{here}/{form}"' not in browser.get(f"/butir/{here}").text
        sent = {"quick": "criticism", "reason": "context"}
        assert browser.submit(f"/butir/{here}/{form}", **sent).status_code == 404
    assert browser.submit(f"/butir/{there}/telaah", quick="criticism").status_code == 303


@pytest.mark.parametrize("role", ROLES)
def test_no_form_is_taken_without_its_token(client: Client, place: Workplace, key: str, role: str) -> None:
    browser, before = client(role), len(audit_of(place))
    for info in GUARDED:
        if info.method == "POST":
            path, sent = info.path.replace("{key}", key), TABLE[info.method, info.path][1]
            for wrong in ({}, {"csrf": ""}, {"csrf": "x" * 43}):
                answer = browser.post(path, data=sent | wrong, headers={"Origin": BASE})
                assert answer.status_code == 403, (info.path, answer.status_code)
    assert len(audit_of(place)) == before
    assert browser.get("/akun").status_code == 200  # nor was anybody signed out


# ---- content


@pytest.mark.parametrize("role", WITHOUT_CONTENT)
def test_who_is_to_see_no_content_finds_none_on_any_page(client: Client, key: str, role: str) -> None:
    reviewer, supervisor = client("reviewer"), client("supervisor")
    reviewer.get(f"/butir/{key}")
    reviewer.get(f"/cari?q={MARK}")
    assert supervisor.submit(f"/butir/{key}/telaah", quick="satire", note=NOTE).status_code == 303
    supervisor.submit(f"/butir/{key}/sumber", reason="context")
    supervisor.submit("/cari/simpan", q=MARK, nama=MARK)
    supervisor.submit("/ringkasan/terbitkan")
    read = reviewer.get(f"/butir/{key}").text
    assert MARK in read
    assert NOTE in read
    for info in GUARDED:
        text = all_text(ask(client(role), info, key))
        for word in (MARK, NOTE, TITLE, "x~000"):
            assert word not in text, (info.method, info.path, word)
