"""The door of every page: who asks, what that person may do here, whether the form is ours, and what errors look like.

A page is a function with a stated permission, put into `PAGES` by `@page`; app.py routes nothing else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

import structlog
from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from structlog.contextvars import bound_contextvars

from pipeline.core.errors import ConfigError, Conflict, Forbidden, KentonganError, TransientError
from pipeline.core.i18n import _, language
from pipeline.core.log import fault_of
from pipeline.core.roles import Permission, Role, may
from pipeline.ledger import audit, people
from pipeline.review.cookies import Cookies
from pipeline.review.forms import from_our_page, has_nul, own_path, read_form, same_token
from pipeline.review.traffic import OTHER, Traffic
from pipeline.workplace import Workplace

SIGN_IN, SIGN_OUT, ACCOUNT, METRICS = "/masuk", "/keluar", "/akun", "/metrik"
PUBLIC = frozenset({SIGN_IN, "/sehat", METRICS})
"""The pages that nobody need sign in for (METRICS asks for a token of its own); static files hold no data."""

NOBODY = people.User("", "", "", False, False, {})
_KEEP = timedelta(minutes=1)  # a session is written as in use at most so often
_KNOWN_SESSIONS = 10_000
_KEY = re.compile(r"[0-9a-f]{32}")  # what a page names a post by; an address may hold anything else
_WAIT = 30  # seconds after which a browser or script may try again

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for one page: by whom, with which rights; `user` is NOBODY where nobody is signed in.

    `offices` are those in which the user's role holds the page's permission; `csrf` must stand in each form.
    """

    request: Request
    place: Workplace
    user: people.User
    csrf: str
    offices: tuple[str, ...]
    form: FormData
    now: datetime

    @property
    def signed_in(self) -> bool:
        """Whether there is a user."""
        return bool(self.user.id)

    @property
    def language(self) -> str:
        """The language of the page."""
        return self.user.language or self.place.settings.office.language

    @property
    def cookies(self) -> Cookies:
        """How the desk's cookies are set."""
        cookies: Cookies = self.request.app.state.cookies
        return cookies

    def render(self, template: str, /, *, status_code: int = 200, **values: Any) -> Response:
        """Draw a page; the template sees `visit`, `notice` and the values."""
        templates: Environment = self.request.app.state.templates
        notice = self.cookies.take_notice(self.request, self.csrf)
        html = templates.get_template(template).render(**({"notice": notice} | values), visit=self)
        # What comes from outside may hold half of a character, which no encoding knows
        response = HTMLResponse(html.encode("utf-8", "replace"), status_code)
        self.cookies.drop_notice(self.request, response)
        if not self.signed_in:
            self.cookies.keep_form_token(response, self.csrf)
        return response

    def redirect(self, path: str, notice: str = "") -> Response:
        """Go on to a page of the desk, never elsewhere; the notice (without a post's text) is shown there once."""
        response = RedirectResponse(own_path(path), 303)
        if notice:
            self.cookies.keep_notice(response, notice, self.csrf)
        return response

    def role_in(self, office: str) -> Role:
        """The role in an office; raises Forbidden if there is none."""
        if office not in self.user.rights:
            raise Forbidden(_("you have no role in the office {office}").format(office=office))
        return self.user.rights[office]

    def may(self, permission: Permission) -> bool:
        """Whether the user holds the permission in any office; one's own account is everybody's."""
        return permission == "account" or any(may(role, permission) for role in self.user.rights.values())

    def audit(
        self,
        action: str,
        *,
        office: str,
        flag_id: str = "",
        details: Mapping[str, Any] | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Note in the ledger what the user did."""
        with self.place.ledger.write() as db:
            audit.note(
                db,
                action,
                office=office,
                actor=self.user.id,
                at=self.now,
                flag_id=flag_id,
                details=details,
                payload=payload,
            )


Handler = Callable[[Visit], Response]


@dataclass(frozen=True, slots=True)
class PageInfo:
    """A page: where it is, who may see it, and what draws it."""

    path: str
    method: Method
    may: Permission | None
    handler: Handler
    name: str


PAGES: list[PageInfo] = []


def page(path: str, may: Permission | None, method: Method = "GET") -> Callable[[Handler], Handler]:
    """Make a function a page; `may=None` is only for the paths in PUBLIC."""
    if may is None and path not in PUBLIC:
        raise ValueError(f"{path} needs a permission")
    if any((known.path, known.method) == (path, method) for known in PAGES):
        raise ValueError(f"there are two pages {method} {path}")

    def add(handler: Handler) -> Handler:
        PAGES.append(PageInfo(path, method, may, handler, handler.__name__))
        return handler

    return add


def endpoint(info: PageInfo) -> Callable[[Request], Any]:
    """What the router calls: reads the form, then answers in a worker thread (the ledger waits for its disk)."""

    async def answered(request: Request) -> Response:
        began = time.perf_counter()
        form = await read_form(request) if info.method == "POST" else FormData()
        response = await run_in_threadpool(_answer, info, request, form)
        _count(request, info.path, info.method, response, began)
        return response

    return answered


async def http_error(request: Request, error: Exception) -> Response:
    """The answer to what the router or the form's reader refused."""

    def refuse(_visit: Visit) -> Response:
        raise error

    began = time.perf_counter()
    info = PageInfo(request.url.path, "GET", None, refuse, "http_error")
    response = await run_in_threadpool(_answer, info, request, FormData())
    _count(request, OTHER, "GET", response, began)
    return response


def _count(request: Request, path: str, method: str, response: Response, began: float) -> None:
    traffic: Traffic = request.app.state.traffic
    traffic.saw(path, method, response.status_code, time.perf_counter() - began)


# ---- the wrapper, in a worker thread


def _answer(info: PageInfo, request: Request, form: FormData) -> Response:
    place: Workplace = request.app.state.place
    cookies: Cookies = request.app.state.cookies
    visit = Visit(request, place, NOBODY, cookies.form_token(request), (), form, place.clock())
    with bound_contextvars(page=info.name, **_post_of(request)):
        try:
            visit = _known(info, visit)
            with language(visit.language):
                response = _checked(info, visit)
        except Exception as error:  # whatever it is, the visitor sees a page and no details
            with language(visit.language):
                response = _problem(visit, error)
        structlog.get_logger().debug("answered", method=info.method, status=response.status_code)
        return response


def _post_of(request: Request) -> dict[str, str]:
    """Which post the page is about, for the log."""
    key = str(request.path_params.get("key", ""))
    return {"post": key} if _KEY.fullmatch(key) else {}


def _known(info: PageInfo, visit: Visit) -> Visit:
    """The visit with its user, if the browser is signed in; who signs in again starts as nobody."""
    token = visit.cookies.token(visit.request)
    if not token or (info.path == SIGN_IN and info.method == "POST"):
        return visit
    with visit.place.ledger.read() as db:
        session = people.open_session(db, token, visit.now, visit.place.settings.review.session_hours)
    if session is None:
        return visit
    seen: dict[str, datetime] = visit.request.app.state.seen
    if session.csrf not in seen or visit.now - seen[session.csrf] >= _KEEP:
        with visit.place.ledger.write() as db:
            people.keep_session(db, token, visit.now)
        if len(seen) >= _KNOWN_SESSIONS:
            seen.clear()
        seen[session.csrf] = visit.now
    needed = info.may
    offices = sorted(office for office, role in session.user.rights.items() if needed and may(role, needed))
    return replace(visit, user=session.user, csrf=session.csrf, offices=tuple(offices))


def _checked(info: PageInfo, visit: Visit) -> Response:
    """Let the page answer, if everything is in order."""
    request = visit.request
    if has_nul(request, visit.form):
        raise HTTPException(400)
    if info.method == "POST" and not from_our_page(request, visit.place.settings.review.public_address):
        raise Forbidden(_("the form was not sent from a page of this desk; nothing was done"))
    if info.may is not None and not visit.signed_in:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        after = "" if info.method == "POST" or here == "/" else f"?lanjut={quote(own_path(here), safe='/')}"
        return visit.redirect(SIGN_IN + after)
    if info.method == "POST" and not same_token(visit.form.get("csrf"), visit.csrf):
        raise Forbidden(_("the form is out of date; go back, load the page again and send it once more"))
    if visit.user.must_change and info.may is not None and info.path not in (ACCOUNT, SIGN_OUT):
        return visit.redirect(ACCOUNT)
    if info.may is not None and not visit.may(info.may):
        raise Forbidden(_("your role may not see this page"))
    return info.handler(visit)


# ---- errors


def _problem(visit: Visit, error: Exception) -> Response:
    """A page that says what is wrong; only those who are signed in see messages that the program made."""
    status, title, text = _explained(error)
    if isinstance(error, KentonganError) and not isinstance(error, TransientError) and visit.signed_in:
        text = str(error)
    if isinstance(error, Forbidden):
        text = str(error)
    if status >= 500:
        structlog.get_logger().error("page_failed", **fault_of(error))
    response = visit.render("message.html", status_code=status, title=title, text=text, notice="")
    if status == 503:
        wait = error.retry_after if isinstance(error, TransientError) else None
        response.headers["Retry-After"] = str(int(wait or _WAIT))
    return response


def _explained(error: Exception) -> tuple[int, str, str]:
    """(status, title, text without details)."""
    if isinstance(error, HTTPException):
        return error.status_code, *_refused(error.status_code)
    if isinstance(error, Conflict):
        return 409, _("Somebody was faster"), _("Somebody else changed the same thing first. Load the page again.")
    if isinstance(error, Forbidden):
        return 403, _("Not allowed"), ""
    if isinstance(error, ConfigError):
        return 400, _("That does not work"), _("What was sent cannot be used.")
    if isinstance(error, TransientError):
        text = _("The desk cannot reach what it needs just now. Nothing was lost; try again in a moment.")
        return 503, _("Try again in a moment"), text
    text = _("Something went wrong in the program, and nothing was saved. Tell your administrator the time.")
    return 500, _("An error in the program"), text


def _refused(status: int) -> tuple[str, str]:
    """(title, text) of what the router or the form's reader refuses."""
    texts = {
        404: (_("Page not found"), _("There is no such page, or it is no longer there.")),
        405: (_("Page not found"), _("This page cannot be opened in this way.")),
        413: (_("Too much at once"), _("The form is larger than the desk takes. Shorten it and send it again.")),
        429: (_("Too many tries"), _("Wait a quarter of an hour, then try again.")),
    }
    return texts.get(status, (_("That does not work"), _("What was sent cannot be used.")))
