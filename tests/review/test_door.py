"""The desk's frame: who gets in, what a form must carry, what headers and errors say, and to whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
import structlog
from review.frame import BASE, ELSEWHERE, PASSWORD, Browser, Clock, PeopleOf
from starlette.applications import Starlette
from starlette.responses import Response

from pipeline.core.errors import ConfigError, Conflict, Forbidden, LedgerUnavailable
from pipeline.core.roles import ROLES
from pipeline.ledger import people
from pipeline.ledger.chain import Entry, entries, verify
from pipeline.review import guard
from pipeline.review.app import build_app
from pipeline.review.forms import own_path
from pipeline.review.guard import PAGES, PUBLIC, Visit, page
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
SECRET = "nama orang dan isi pos"
HOSTILE = '<script>alert("x")</script>'
ERRORS: dict[str, Exception] = {
    "conflict": Conflict("already decided"),
    "forbidden": Forbidden("the role may not do this"),
    "wrong": ConfigError("that is no label"),
    "later": LedgerUnavailable(f"the ledger does not answer ({SECRET})", retry_after=7),
    "bug": ValueError(SECRET),
}


@pytest.fixture
def app(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """The desk with a few pages of our own."""
    monkeypatch.setattr(guard, "PAGES", PAGES.copy())

    @page("/coba/{kind}", "read")
    def fail(visit: Visit) -> Response:
        raise ERRORS[visit.request.path_params["kind"]]

    @page("/gema", "queue")
    def echo(visit: Visit) -> Response:
        return visit.render("message.html", title=visit.request.query_params.get("t", ""), text=",".join(visit.offices))

    @page("/gema", "queue", "POST")
    def note(visit: Visit) -> Response:
        for office in visit.offices:
            visit.audit("search", office=office, payload={"words": visit.form["words"]})
        return visit.redirect("/gema", notice=f"noted {visit.form['words']}")

    monkeypatch.setattr("pipeline.review.app.PAGES", guard.PAGES)
    return build_app(place)


def form_of(browser: Browser, path: str = "/masuk") -> str:
    """Open a page with a form; returns its token."""
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get(path).text)
    assert found
    return found[1]


def sign_in(browser: Browser, name: str, password: str = PASSWORD, after: str = "") -> httpx.Response:
    browser.csrf = form_of(browser)
    return browser.submit("/masuk", name=name, password=password, lanjut=after)


def audited(place: Workplace, *actions: str) -> list[Entry]:
    with place.ledger.read() as db:
        return list(entries(db, actions=actions))


# ---- who gets in


def test_a_page_without_a_permission_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="needs a permission"):
        page("/rahasia", None)
    assert {info.path for info in PAGES if info.may is None} <= PUBLIC


def test_nothing_is_routed_but_pages_and_static_files(app: Starlette) -> None:
    paths = {getattr(route, "path", None) for route in app.routes}
    assert paths == {info.path for info in guard.PAGES} | {"/static/{version}/{name:path}"}


def test_two_pages_of_one_address_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="two pages"):
        page("/masuk", None)


def test_a_stranger_is_asked_to_sign_in_and_comes_back_to_where_they_wanted(stranger: Browser) -> None:
    answer = stranger.get("/gema?t=a&u=b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/masuk?lanjut=/gema%3Ft%3Da%26u%3Db")
    assert 'name="lanjut" value="/gema?t=a&amp;u=b"' in stranger.get(answer.headers["location"]).text
    assert sign_in(stranger, "reviewer", after="/gema?t=a&u=b").headers["location"] == "/gema?t=a&u=b"
    assert stranger.get("/gema").status_code == 200


def test_a_stranger_may_see_that_the_desk_is_there_and_no_more(stranger: Browser) -> None:
    assert stranger.get("/sehat").text == "ok"
    for info in PAGES:
        if info.may is not None:
            path = re.sub(r"\{.*?\}", "1", info.path)
            assert (
                stranger.request(info.method, path, headers={"Origin": BASE}).headers["location"].startswith("/masuk")
            )


@pytest.mark.parametrize("role", ROLES)
def test_a_page_opens_only_for_roles_that_hold_its_permission(client: Client, role: str) -> None:
    assert client(role).get("/gema").status_code == (200 if role in ("reviewer", "supervisor") else 403)
    assert client(role).get("/akun").status_code == 200


def test_offices_are_those_where_the_role_holds_the_permission(
    client: Client, place: Workplace, people_of: PeopleOf
) -> None:
    with place.ledger.write() as db:
        people.set_right(db, people_of["reviewer"].id, "61", "admin")
        people.set_right(db, people_of["reviewer"].id, "62", "supervisor")
    assert "00,62" in client("reviewer").get("/gema").text
    assert "61" in client(ELSEWHERE).get("/gema").text


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("reviewer", "/antrean"),
        ("supervisor", "/antrean"),
        ("approver", "/ikhtisar"),
        ("privacy", "/jejak"),
        ("scientist", "/ikhtisar"),
        ("admin", "/pengguna"),
        ("partner", "/terbitan"),
    ],
)
def test_the_first_page_is_the_one_that_the_role_works_on(client: Client, role: str, path: str) -> None:
    assert client(role).get("/").headers["location"] == path
    assert f'href="{path}"' in client(role).get("/akun").text


def test_the_administrator_sees_no_way_to_content_in_the_header(client: Client) -> None:
    text = client("admin").get("/akun").text
    assert not any(f'href="{path}"' in text for path in ("/antrean", "/cari", "/ringkasan", "/terbitan", "/jejak"))


def test_whoever_must_change_the_password_gets_nowhere_else(
    client: Client, place: Workplace, people_of: PeopleOf
) -> None:
    with place.ledger.write() as db:
        people.set_password(db, people_of["reviewer"].id, "Sementara 2026 saja", must_change=True)
    browser = client("reviewer")
    assert [browser.get(path).headers["location"] for path in ("/", "/gema")] == ["/akun", "/akun"]
    assert browser.submit("/gema", words="x").headers["location"] == "/akun"
    assert "Choose a password of your own" in browser.get("/akun").text
    sent = {"do": "password", "old": "Sementara 2026 saja", "new": PASSWORD, "again": PASSWORD}
    assert browser.submit("/akun", **sent).headers["location"] == "/"
    assert browser.get("/gema").status_code == 200  # signed in all along, in a new session


def test_a_closed_account_is_out_at_once(client: Client, place: Workplace, people_of: PeopleOf, clock: Clock) -> None:
    browser = client("reviewer")
    assert browser.get("/gema").status_code == 200
    with place.ledger.write() as db:
        people.disable(db, people_of["reviewer"].id, clock())
    assert browser.get("/gema").headers["location"].startswith("/masuk")


def test_a_session_ends_after_the_hours_of_the_settings_even_in_use(client: Client, clock: Clock) -> None:
    browser = client("reviewer")
    for _hour in range(9):
        clock.move(hours=1)
        assert browser.get("/gema").status_code == 200
    clock.move(hours=1, seconds=1)
    assert browser.get("/gema").status_code == 303


def test_an_unused_session_ends_after_two_hours(client: Client, clock: Clock) -> None:
    browser = client("reviewer")
    clock.move(hours=2, seconds=1)
    assert browser.get("/gema").status_code == 303


def test_a_session_is_written_as_in_use_once_a_minute_at_most(
    client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[object] = []
    monkeypatch.setattr(people, "keep_session", lambda _db, _token, now: kept.append(now))
    browser = client("reviewer")
    for _time in range(5):
        browser.get("/gema")
        clock.move(seconds=20)
    assert len(kept) == 2


# ---- signing in


def test_signing_in_begins_a_new_session_and_ends_the_one_of_an_old_cookie(
    client: Client, stranger: Browser, place: Workplace
) -> None:
    planted = client("partner").cookies["kentongan-sesi"]
    stranger.cookies.set("kentongan-sesi", planted, domain="127.0.0.1")
    stranger.cookies.set("kentongan-masuk", "x" * 43, domain="127.0.0.1")
    answer = stranger.post(
        "/masuk", data={"csrf": "x" * 43, "name": " Reviewer ", "password": PASSWORD}, headers={"Origin": BASE}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/"))
    assert "Secure" not in cookie
    assert planted not in cookie
    other = Browser(stranger.app, base_url=BASE, follow_redirects=False)
    other.cookies.set("kentongan-sesi", planted)
    assert other.get("/akun").status_code == 303
    assert [entry.office for entry in audited(place, "sign_in")] == ["00"]


@pytest.mark.parametrize("name", ["reviewer", "nobody.here", "partner"])
def test_a_failed_sign_in_says_the_same_whatever_is_wrong(
    stranger: Browser, place: Workplace, people_of: PeopleOf, clock: Clock, name: str
) -> None:
    with place.ledger.write() as db:
        people.disable(db, people_of["partner"].id, clock())
    password = PASSWORD if name == "partner" else "salah sama sekali"
    answer = sign_in(stranger, name, password)
    assert answer.status_code == 400
    assert "Name or password is wrong, or the account is closed." in answer.text
    assert password not in answer.text
    (failed,) = audited(place, "sign_in_failed")
    assert (failed.actor, dict(failed.details), failed.payload) == ("", {}, {"name": name})


@pytest.mark.parametrize("name", ["reviewer", "nobody.here"])
def test_a_name_that_is_nobody_s_costs_as_long_as_any_other(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    checked = []
    monkeypatch.setattr(people, "password_matches", lambda stored, _password: bool(checked.append(stored)))
    assert sign_in(stranger, name, "salah").status_code == 400
    (stored,) = checked
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_failed_sign_in_stands_in_the_chain_of_the_office_of_its_account(stranger: Browser, place: Workplace) -> None:
    sign_in(stranger, ELSEWHERE, "salah sama sekali")
    assert [entry.office for entry in audited(place, "sign_in_failed")] == ["61"]


def test_a_password_is_checked_outside_any_transaction(
    stranger: Browser, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(_stored: str, _password: str) -> bool:
        with place.ledger.write():  # would wait for 15 seconds and fail if another one were open
            return True

    monkeypatch.setattr(people, "password_matches", check)
    assert sign_in(stranger, "reviewer").status_code == 303


@pytest.fixture
def quick_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password's check without its 50 ms."""
    monkeypatch.setattr(people, "password_matches", lambda _stored, password: password == PASSWORD)


@pytest.mark.usefixtures("quick_check")
def test_five_wrong_passwords_close_a_name_for_a_quarter_of_an_hour(stranger: Browser, clock: Clock) -> None:
    assert [sign_in(stranger, "reviewer", f"salah {n}").status_code for n in range(6)] == [400] * 5 + [429]
    refused = sign_in(stranger, "reviewer")
    assert refused.status_code == 429
    assert "Wait a quarter of an hour" in refused.text
    assert sign_in(stranger, "supervisor").status_code == 303
    clock.move(minutes=15, seconds=1)
    stranger.cookies.clear()
    assert sign_in(stranger, "reviewer").status_code == 303


@pytest.mark.usefixtures("quick_check")
def test_thirty_failures_close_an_address_for_all_names(stranger: Browser) -> None:
    assert {sign_in(stranger, f"nama{n}", "salah").status_code for n in range(30)} == {400}
    assert sign_in(stranger, "reviewer").status_code == 429


def test_a_try_that_was_overtaken_by_others_gets_nothing_for_the_right_password(
    stranger: Browser, place: Workplace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(_stored: str, _password: str) -> bool:
        with place.ledger.write() as db:
            people.note_failure(db, ["name:reviewer"] * people.TRIES_NAME, clock())
        return True

    monkeypatch.setattr(people, "password_matches", meanwhile)
    assert sign_in(stranger, "reviewer").status_code == 429


def test_nobody_can_sign_a_browser_in_from_elsewhere(stranger: Browser) -> None:
    sent = {"csrf": form_of(stranger), "name": "reviewer", "password": PASSWORD}
    assert stranger.post("/masuk", data=sent, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert stranger.post("/masuk", data=sent | {"csrf": "y" * 43}, headers={"Origin": BASE}).status_code == 403
    stranger.cookies.clear()  # the token of a form without the browser's cookie
    assert stranger.post("/masuk", data=sent, headers={"Origin": BASE}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/\t/elsewhere.example",
        "\\\\elsewhere.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
        "elsewhere",
        "/" + "a" * 3_000,
        "",
    ],
)
def test_signing_in_never_leads_to_another_site(stranger: Browser, path: str) -> None:
    assert own_path(path) == "/"
    answer = sign_in(stranger, "reviewer", after=path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", ["/masuk", "/masuk?lanjut=/masuk", "/keluar"])
def test_signing_in_does_not_lead_back_to_signing_in(stranger: Browser, path: str) -> None:
    assert sign_in(stranger, "reviewer", after=path).headers["location"] == "/"


def test_signing_out_ends_the_session_in_the_ledger_too(client: Client, stranger: Browser, place: Workplace) -> None:
    browser = client("reviewer")
    token = browser.cookies["kentongan-sesi"]
    assert browser.get("/keluar").status_code == 405
    assert browser.submit("/keluar").headers["location"] == "/masuk"
    assert "kentongan-sesi" not in browser.cookies
    assert "You are signed out." in browser.get("/masuk").text
    stranger.cookies.set("kentongan-sesi", token)
    assert stranger.get("/akun").status_code == 303
    assert len(audited(place, "sign_out")) == 1


# ---- one's own account


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"old": "salah"}, "The present password is wrong."),
        ({"again": "lain sama sekali"}, "The two new passwords differ."),
        ({"new": PASSWORD, "again": PASSWORD}, "The new password is the old one."),
        ({"new": "pendek", "again": "pendek"}, "the password needs 12 to 200 characters"),
    ],
)
@pytest.mark.usefixtures("quick_check")
def test_a_password_that_cannot_be_is_not_changed(client: Client, fields: dict[str, str], says: str) -> None:
    sent = {"do": "password", "old": PASSWORD, "new": "Lima gajah di sawah", "again": "Lima gajah di sawah"}
    answer = client("reviewer").submit("/akun", **(sent | fields))
    assert answer.status_code == 400
    assert says in answer.text


def test_a_new_password_ends_all_other_sessions(client: Client, place: Workplace) -> None:
    browser, other = client("reviewer"), client("reviewer")
    new = "Lima gajah di sawah"
    assert browser.submit("/akun", do="password", old=PASSWORD, new=new, again=new).headers["location"] == "/akun"
    assert "The password is changed" in browser.get("/akun").text
    assert other.get("/akun").status_code == 303
    assert len(audited(place, "password")) == 1


@pytest.mark.usefixtures("quick_check")
def test_a_stolen_session_cannot_guess_the_password_for_long(client: Client) -> None:
    sent = {"do": "password", "old": "salah", "new": "Lima gajah di sawah", "again": "Lima gajah di sawah"}
    browser = client("reviewer")
    assert [browser.submit("/akun", **sent).status_code for _try in range(6)] == [400] * 5 + [429]


def test_signing_out_everywhere_ends_all_sessions(client: Client) -> None:
    browser, other = client("reviewer"), client("reviewer")
    assert browser.submit("/akun", do="everywhere").headers["location"] == "/masuk"
    assert [b.get("/akun").status_code for b in (browser, other)] == [303, 303]


def test_each_person_reads_the_desk_in_their_own_language(client: Client) -> None:
    browser, other = client("reviewer"), client("supervisor")
    assert '<html lang="en">' in browser.get("/akun").text
    assert browser.submit("/akun", do="language", language="id").status_code == 303
    text = browser.get("/akun").text
    assert '<html lang="id">' in text
    assert '<html lang="id">' in browser.get("/tidak-ada").text
    assert '<html lang="en">' in other.get("/akun").text
    assert browser.submit("/akun", do="language", language="../x").status_code == 400


def test_what_no_button_says_is_refused(client: Client) -> None:
    assert client("reviewer").submit("/akun", do="anything").status_code == 400


# ---- forms


@pytest.mark.parametrize("csrf", ["", "wrong", "é" * 43, None])
def test_a_form_without_its_token_does_nothing(client: Client, place: Workplace, csrf: str | None) -> None:
    sent = {"words": "x"} | ({"csrf": csrf} if csrf is not None else {})
    answer = client("reviewer").post("/gema", data=sent, headers={"Origin": BASE})
    assert answer.status_code == 403
    assert "out of date" in answer.text
    assert not audited(place, "search")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "http://127.0.0.1:8101"},
        {"Origin": BASE, "Sec-Fetch-Site": "cross-site"},
        {"Origin": BASE, "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_form_from_elsewhere_does_nothing_even_with_the_token(
    client: Client, place: Workplace, headers: dict[str, str]
) -> None:
    browser = client("reviewer")
    answer = browser.post("/gema", data={"csrf": browser.csrf, "words": "x"}, headers=headers)
    assert answer.status_code == 403
    assert not audited(place, "search")


@pytest.mark.parametrize("headers", [{"Origin": BASE}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_form_of_our_own_is_taken_and_noted(client: Client, place: Workplace, headers: dict[str, str]) -> None:
    browser = client("reviewer")
    answer = browser.post("/gema", data={"csrf": browser.csrf, "words": "kata"}, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/gema")
    (noted,) = audited(place, "search")
    assert (noted.office, noted.payload) == ("00", {"words": "kata"})
    with place.ledger.read() as db:
        assert not verify(db).problems


def test_another_person_s_token_is_no_good(client: Client) -> None:
    browser = client("reviewer")
    browser.csrf = client("supervisor").csrf
    assert browser.submit("/gema", words="x").status_code == 403


@pytest.mark.parametrize("say_length", [True, False])
def test_a_form_that_is_too_large_is_refused(client: Client, say_length: bool) -> None:
    browser = client("reviewer")

    def body() -> Iterator[bytes]:
        yield from [b"words=" + b"x" * 10_000] * 10

    content = b"".join(body()) if say_length else body()
    kind = {"Origin": BASE, "Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/gema", content=content, headers=kind).status_code == 413


def test_a_form_of_too_many_fields_or_of_another_kind_is_refused(client: Client) -> None:
    browser = client("reviewer")
    assert browser.submit("/gema", **{f"f{n}": "" for n in range(501)}).status_code == 400
    assert browser.post("/gema", json={"csrf": browser.csrf}, headers={"Origin": BASE}).status_code == 415
    assert browser.post("/gema", files={"words": b"x"}, headers={"Origin": BASE}).status_code == 415


def test_a_nul_is_refused_wherever_it_stands(client: Client) -> None:
    browser = client("reviewer")
    assert browser.submit("/gema", words="a\0b").status_code == 400
    assert browser.get("/gema?t=%00").status_code == 400
    assert browser.get("/coba/%00").status_code == 400


def test_a_notice_is_shown_once_and_nobody_can_plant_one(client: Client) -> None:
    browser = client("reviewer")
    browser.submit("/gema", words=HOSTILE)
    shown = browser.get("/gema").text
    assert "noted &lt;script&gt;" in shown
    assert "noted" not in browser.get("/gema").text
    browser.submit("/gema", words="lain")
    planted = browser.cookies["kentongan-kabar"]
    other = client("supervisor")
    for value in (planted, "bm90ZWQ=.00", "x", "."):
        other.cookies.set("kentongan-kabar", value)
        assert "noted" not in other.get("/gema").text


# ---- what pages say


def test_what_people_typed_is_shown_as_text(client: Client, stranger: Browser) -> None:
    assert "&lt;script&gt;" in client("reviewer").get("/gema", params={"t": HOSTILE}).text
    for answer in (client("reviewer").get("/gema", params={"t": HOSTILE}), sign_in(stranger, HOSTILE, "x")):
        assert "<script>" not in answer.text
        assert not re.search(r"\son\w+=|style=|<style", answer.text)


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        ("conflict", 409, "already decided"),
        ("forbidden", 403, "the role may not do this"),
        ("wrong", 400, "that is no label"),
        ("later", 503, "try again in a moment"),
        ("bug", 500, "Something went wrong in the program"),
    ],
)
def test_an_error_is_a_page_that_says_what_to_do(client: Client, kind: str, status: int, says: str) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        answer = client("reviewer").get(f"/coba/{kind}")
    assert answer.status_code == status
    assert says in answer.text
    assert SECRET not in answer.text + repr(logs)
    assert "Traceback" not in answer.text
    assert answer.headers.get("retry-after") == ("7" if kind == "later" else None)
    failed = [(line["page"], line["error"]) for line in logs if line["event"] == "page_failed"]
    assert failed == ([("fail", type(ERRORS[kind]).__name__)] if status >= 500 else [])


def test_a_ledger_that_is_away_is_said_without_details(
    stranger: Browser, client: Client, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: object) -> None:
        raise LedgerUnavailable(f"cannot reach {SECRET}")

    browser = client("reviewer")
    monkeypatch.setattr(people, "open_session", away)
    monkeypatch.setattr(people, "refused", away)
    for answer in (browser.get("/gema"), sign_in(stranger, "reviewer")):
        assert answer.status_code == 503
        assert SECRET not in answer.text
    assert place.ledger


def test_an_unknown_page_is_a_page_too(client: Client, stranger: Browser) -> None:
    for browser in (client("reviewer"), stranger):
        answer = browser.get("/tidak-ada")
        assert answer.status_code == 404
        assert "There is no such page" in answer.text
    assert 'href="/antrean"' in client("reviewer").get("/tidak-ada").text


def test_even_a_broken_error_page_gives_no_details(
    client: Client, app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(app.state.templates, "get_template", broken)
    answer = client("reviewer").get("/gema")
    assert (answer.status_code, answer.text) == (500, "An error in the program")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


# ---- walls


@pytest.mark.parametrize("path", ["/masuk", "/sehat", "/akun", "/gema", "/tidak-ada", "/coba/bug", "/keluar"])
def test_every_answer_carries_the_headers(client: Client, path: str) -> None:
    headers = client("reviewer").get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "", "[", "localhost@elsewhere.example"]
)
def test_the_desk_answers_only_under_its_own_names(stranger: Browser, host: str) -> None:
    answer = stranger.get("/masuk", headers={"Host": host})
    assert answer.status_code == 400
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1", "[::1]:8100", "LOCALHOST"])
def test_the_loopback_names_are_the_desk_s_own(stranger: Browser, host: str) -> None:
    assert stranger.get("/masuk", headers={"Host": host}).status_code == 200


def test_static_files_are_kept_for_ever_under_the_address_of_their_content(stranger: Browser) -> None:
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', stranger.get("/masuk").text)
    assert len(set(found)) == 3
    for path in found:
        answer = stranger.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert stranger.get("/static/0/desk.css").status_code == 404
    assert stranger.get(found[0].rsplit("/", 1)[0] + "/../app.py").status_code == 404
    assert stranger.get("/static/0/..%2f..%2fapp.py").status_code == 404


@pytest.mark.parametrize("asset", ["desk.css", "desk.js"])
def test_static_files_name_no_other_site(app: Starlette, stranger: Browser, asset: str) -> None:
    path = app.state.templates.globals["asset"](asset)
    assert not re.search(r"https?:|//\w+\.\w|@import|url\(", stranger.get(path).text)


class TestOverHttps:
    """The desk behind a TLS proxy."""

    BASE = "https://desk.example.go.id"

    @pytest.fixture
    def review_settings(self) -> dict[str, str]:
        return {"KENTONGAN__REVIEW__PUBLIC_ADDRESS": self.BASE, "KENTONGAN__OFFICE__NAME": "Kesbangpol (data contoh)"}

    @pytest.fixture
    def behind_proxy(self, app: Starlette, people_of: PeopleOf) -> Browser:
        return Browser(app, base_url=self.BASE, follow_redirects=False)

    def test_cookies_are_bound_to_this_host(self, behind_proxy: Browser) -> None:
        answer = sign_in(behind_proxy, "reviewer")
        assert answer.status_code == 303
        cookies = answer.headers.get_list("set-cookie")
        assert any(cookie.startswith("__Host-kentongan-sesi=") for cookie in cookies)
        for cookie in cookies:
            assert "Secure" in cookie
            assert "Domain" not in cookie
        assert answer.headers["strict-transport-security"] == "max-age=31536000"

    def test_a_proxy_that_does_not_say_https_is_no_hindrance(self, app: Starlette, people_of: PeopleOf) -> None:
        assert people_of
        browser = Browser(app, base_url="http://desk.example.go.id", follow_redirects=False)
        answer = browser.get("/masuk")
        cookie = answer.headers["set-cookie"].partition(";")[0]
        sent = {"csrf": cookie.partition("=")[2], "name": "reviewer", "password": PASSWORD}
        headers = {"Origin": self.BASE, "Cookie": cookie}
        assert browser.post("/masuk", data=sent, headers=headers).status_code == 303

    def test_sample_data_says_so_on_every_page(self, behind_proxy: Browser) -> None:
        assert "Everything on these pages is made up." in behind_proxy.get("/masuk").text
