"""review, ringkas: the desk for people, and the daily summary as a text."""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass
from datetime import date

import click

from pipeline import summary
from pipeline.cli.common import Call, acting, as_option, check_day, verb
from pipeline.core.config import Review
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.roles import role_name
from pipeline.ledger import audit, people
from pipeline.report.daily import daily_text
from pipeline.steps import note_settings
from pipeline.workplace import Workplace

_WAITING = 128  # connections
_DEMO_PEOPLE = {
    "penelaah": "reviewer",
    "penelaah2": "reviewer",
    "penyelia": "supervisor",
    "pdp": "privacy",
    "admin": "admin",
}


@verb("review", _("Serve the review desk."), "kentongan review")
@click.option("--host", default="", help=_("Where it listens; over review.host."))
@click.option("--port", type=click.IntRange(0, 65535), default=None, help=_("Over review.port; 0: any free one."))
def review(call: Call, host: str, port: int | None) -> int:
    """Runs until it is stopped."""
    place = call.workplace()
    with place.ledger.read() as db:
        if not people.count(db):
            raise ConfigError(
                _("nobody can sign in yet; make an account first: kentongan user add NAME --role reviewer")
            )
    note_settings(place)
    listening = listen(call.settings.review, host, port)
    click.echo(_("The desk is open at {address} (stop it with Ctrl-C)").format(address=listening.address), err=True)
    return serve(place, listening)


@dataclass(frozen=True, slots=True)
class Listening:
    """A bound socket and the address that a person opens."""

    socket: socket.socket
    address: str


def listen(review: Review, host: str = "", port: int | None = None) -> Listening:
    """Bind the desk's address, before anything is promised; raises ConfigError if it is taken."""
    host, port = host or review.host, review.port if port is None else port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(_WAITING)  # whoever opens the address before the server is up waits for it, and is not refused
    except OSError as error:
        bound.close()
        raise ConfigError(
            _("{host}:{port} cannot be listened at ({error}); choose another with --port").format(
                host=host, port=port, error=error.strerror or error
            )
        ) from error
    shown = f"[{host}]" if ":" in host else host
    return Listening(bound, review.public_address or f"http://{shown}:{bound.getsockname()[1]}")


def serve(place: Workplace, listening: Listening) -> int:
    """Serve the desk on a bound socket until the process is told to stop."""
    import uvicorn  # only who serves loads the server

    from pipeline.review.app import build_app

    config = uvicorn.Config(
        build_app(place), log_config=None, access_log=False, server_header=False, date_header=False, lifespan="off"
    )
    # Once it has stopped, the server sends itself the signal again: that would end the process before we have tidied up
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        uvicorn.Server(config).run(sockets=[listening.socket])
    except KeyboardInterrupt:
        pass  # how people and service managers stop it
    finally:
        place.close()
    return 0


def demo_people(place: Workplace) -> tuple[list[tuple[str, str]], str]:
    """Accounts for one run of the demo: (name, role) and the password that all of them share."""
    password, office = people.new_password(), place.settings.office.code
    with place.ledger.write() as db:
        for name, role in _DEMO_PEOPLE.items():
            known = people.find(db, name)
            if known is None:
                made = people.add(db, name, office, role, password, place.clock(), must_change=False)
                details = {"user": made.id, "role": role}
                audit.note(db, "rights", office=office, actor=place.actor, at=place.clock(), details=details)
            else:
                people.set_password(db, known.id, password)
    return [(name, role_name(role)) for name, role in _DEMO_PEOPLE.items()], password


@verb("ringkas", _("The daily summary as a text of at most 1,500 characters."), "kentongan ringkas --day 2026-11-24")
@click.option("--day", default="", metavar="DAY", help=_("Which day; today if you name none."))
@as_option
def ringkas(call: Call, day: str, as_name: str) -> int:
    """Counts only: no account, no post."""
    place = call.workplace()
    actor = acting(call, place, as_name, "daily")
    wanted = date.fromisoformat(check_day(day)) if day else summary.day_of(place, place.clock())
    text = daily_text(summary.daily(place, wanted, actor.offices))
    call.show({"day": wanted.isoformat(), "text": text})
    if not call.as_json:
        click.echo(text)
    return 0


VERBS = (review, ringkas)
