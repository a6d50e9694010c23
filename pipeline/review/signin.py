"""Signing in and out, one's own account, and where to go first."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import LANGUAGES, _, language
from pipeline.core.roles import Permission, Role
from pipeline.ledger import audit, people
from pipeline.review.forms import own_path
from pipeline.review.guard import ACCOUNT, SIGN_IN, SIGN_OUT, Visit, page

_NAME_LENGTH = 64
_FIRST: tuple[tuple[Permission, str], ...] = (
    ("queue", "/antrean"),
    ("audit", "/jejak"),
    ("users", "/pengguna"),
    ("overview", "/ikhtisar"),
    ("published", "/terbitan"),
)


@page("/sehat", None)
def health(_visit: Visit) -> Response:
    """Whether the desk answers; says nothing else."""
    return PlainTextResponse("ok")


@page("/", "account")
def first(visit: Visit) -> Response:
    """Go to the page that the role works on."""
    return visit.redirect(next((path for permission, path in _FIRST if visit.may(permission)), ACCOUNT))


# ---- signing in and out


@page(SIGN_IN, None)
def sign_in_form(visit: Visit) -> Response:
    """Ask for name and password."""
    after = _after(visit.request.query_params.get("lanjut", ""))
    if visit.signed_in:
        return visit.redirect(after)
    return visit.render("signin.html", after=after, name="", error="")


@page(SIGN_IN, None, "POST")
def sign_in(visit: Visit) -> Response:
    """Check name and password, say nothing of what is wrong with them, and begin a session of its own."""
    name = _field(visit, "name").strip().casefold()[:_NAME_LENGTH]
    password = _field(visit, "password")
    after = _after(_field(visit, "lanjut"))
    with visit.place.ledger.read() as db:
        refused = people.refused(db, _limits(visit, name), visit.now)
        user_id, stored = people.password_hash(db, name)
    if refused:
        return _again(visit, name, after, 429)
    right = people.password_matches(stored, password)  # takes 50 ms on purpose: outside any transaction
    with visit.place.ledger.write() as db:
        # Asked once more: of many tries at once, those behind the limit get nothing even for the right password
        if people.refused(db, _limits(visit, name), visit.now):
            return _again(visit, name, after, 429)
        if user_id is None or not right:
            _note_failed(visit, db, name)
            return _again(visit, name, after, 400)
        people.forget_failures(db, f"name:{name}")
        people.end_old_sessions(db, visit.now)
        people.end_session(db, visit.cookies.token(visit.request))
        token, csrf = people.start_session(db, user_id, visit.now)
        found = people.find(db, name)
        offices = found.rights if found else {}
        audit.note(db, "sign_in", office=_office(visit, offices), actor=user_id, at=visit.now)
    response = replace(visit, csrf=csrf).redirect(after)
    visit.cookies.keep_token(response, token)
    return response


@page(SIGN_OUT, "account", "POST")
def sign_out(visit: Visit) -> Response:
    """End this session."""
    with visit.place.ledger.write() as db:
        people.end_session(db, visit.cookies.token(visit.request))
        _note(visit, db, "sign_out")
    return _signed_out(visit, _("You are signed out."))


def _again(visit: Visit, name: str, after: str, status: int) -> Response:
    error = _("Name or password is wrong, or the account is closed.")
    if status == 429:
        error = _("Too many tries. Wait a quarter of an hour, then try again.")
    return visit.render("signin.html", status_code=status, after=after, name=name, error=error)


def _note_failed(visit: Visit, db: Connection, name: str) -> None:
    """The tried name stands in the payload, which can be erased: people type passwords into the wrong field."""
    people.note_failure(db, [key for key, _tries in _limits(visit, name)], visit.now)
    found = people.find(db, name)
    office = _office(visit, found.rights if found else {})
    audit.note(db, "sign_in_failed", office=office, actor="", at=visit.now, payload={"name": name})


def _signed_out(visit: Visit, notice: str) -> Response:
    token = visit.cookies.form_token(visit.request)
    response = replace(visit, csrf=token).redirect(SIGN_IN, notice)
    visit.cookies.keep_form_token(response, token)
    visit.cookies.drop_token(response)
    return response


# ---- one's own account


@page(ACCOUNT, "account")
def account(visit: Visit) -> Response:
    """Password, language, and signing out everywhere."""
    return _account(visit, "")


@page(ACCOUNT, "account", "POST")
def change_account(visit: Visit) -> Response:
    """Do what the form's button says."""
    match _field(visit, "do"):
        case "password":
            return _change_password(visit)
        case "language":
            return _change_language(visit)
        case "everywhere":
            with visit.place.ledger.write() as db:
                people.end_sessions(db, visit.user.id)
                _note(visit, db, "sign_out", {"everywhere": True})
            return _signed_out(visit, _("You are signed out everywhere."))
    raise HTTPException(400)


def _change_password(visit: Visit) -> Response:
    old, new = _field(visit, "old"), _field(visit, "new")
    limits = [(f"name:{visit.user.name}", people.TRIES_NAME)]
    with visit.place.ledger.read() as db:
        refused = people.refused(db, limits, visit.now)
        _id, stored = people.password_hash(db, visit.user.name)
    if refused:
        return _account(visit, _("Too many tries. Wait a quarter of an hour, then try again."), 429)
    if not people.password_matches(stored, old):
        with visit.place.ledger.write() as db:
            people.note_failure(db, [key for key, _tries in limits], visit.now)
        return _account(visit, _("The present password is wrong."), 400)
    if new != _field(visit, "again"):
        return _account(visit, _("The two new passwords differ."), 400)
    if new == old:
        return _account(visit, _("The new password is the old one."), 400)
    try:
        with visit.place.ledger.write() as db:
            people.set_password(db, visit.user.id, new)  # ends all sessions; this browser gets a new one
            token, csrf = people.start_session(db, visit.user.id, visit.now)
            _note(visit, db, "password", {"user": visit.user.id})
    except ConfigError as error:
        return _account(visit, str(error), 400)
    notice = _("The password is changed; all other browsers are signed out.")
    response = replace(visit, csrf=csrf).redirect("/" if visit.user.must_change else ACCOUNT, notice)
    visit.cookies.keep_token(response, token)
    return response


def _change_language(visit: Visit) -> Response:
    code = _field(visit, "language")
    if code not in LANGUAGES:
        raise HTTPException(400)
    with visit.place.ledger.write() as db:
        people.set_language(db, visit.user.id, code)
    with language(code):
        return visit.redirect(ACCOUNT, _("The language is changed."))


def _account(visit: Visit, error: str, status: int = 200) -> Response:
    rules = _("{least} characters at least; not the user name. A sentence of several words is good.")
    values = {"error": error, "rules": rules.format(least=people.SHORTEST), "longest": people.LONGEST}
    return visit.render("account.html", status_code=status, **values)


# ---- small things


def _note(visit: Visit, db: Connection, action: str, details: Mapping[str, object] | None = None) -> None:
    office = _office(visit, visit.user.rights)
    audit.note(db, action, office=office, actor=visit.user.id, at=visit.now, details=details)


def _field(visit: Visit, name: str) -> str:
    return str(visit.form.get(name, ""))


def _after(path: str) -> str:
    """Where to go after signing in; never back to the sign-in page itself."""
    path = own_path(path)
    return "/" if urlsplit(path).path in (SIGN_IN, SIGN_OUT) else path


def _limits(visit: Visit, name: str) -> list[tuple[str, int]]:
    """What failed tries are counted by; of IPv6, the network that one household or provider hands to one customer."""
    host = visit.request.client.host if visit.request.client else ""
    try:
        address = ipaddress.ip_address(host)
        host = str(ipaddress.ip_network((int(address), 64), strict=False)) if address.version == 6 else host
    except ValueError:
        pass  # a socket file has no address
    return [(f"name:{name}", people.TRIES_NAME), (f"address:{host}", people.TRIES_ADDRESS)]


def _office(visit: Visit, rights: Mapping[str, Role]) -> str:
    """The office in whose chain it stands: the user's first, else the desk's own."""
    return min(rights, default=visit.place.settings.office.code)
