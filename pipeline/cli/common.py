"""What all verbs share: common options, the settings, progress on a terminal, tables and JSON."""

from __future__ import annotations

import functools
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.core.config import Settings, load_settings
from pipeline.core.errors import ConfigError, Forbidden
from pipeline.core.i18n import LANGUAGES, _, set_language
from pipeline.core.log import configure_logs
from pipeline.core.roles import Permission, may
from pipeline.ledger import people
from pipeline.workplace import Workplace

_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)  # a day before the first or after the last has no time


@dataclass(frozen=True, slots=True)
class Call:
    """What the common options of one call said."""

    settings: Settings
    origins: dict[str, str]
    as_json: bool

    def workplace(self) -> Workplace:
        """The workplace of these settings, its home made."""
        place = Workplace(self.settings, actor=f"os:{_os_account()}")
        place.home.make()
        return place

    def workplace_without_home(self) -> Workplace:
        """For verbs that keep nothing: no folder is made."""
        return Workplace(self.settings)

    def show(self, value: Any, *tables: Table) -> None:
        """Print the value as JSON if that was asked for, else the tables."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False, default=_plain))
        else:
            for table in tables:
                console().print(table)


def verb(name: str, help: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A click command with the common options; the function gets a `Call` first."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def wrapped(config: Path | None, as_json: bool, verbose: int, lang: str | None, **rest: Any) -> Any:
            settings, origins = load_settings(config)
            before_the_verb = click.get_current_context().find_object(str)
            set_language(lang or before_the_verb or settings.office.language)
            configure_logs(settings.log, verbose)
            return function(Call(settings, origins, as_json), **rest)

        heading = _("Example:")
        text = f"{help}\n\n{heading} {example}"
        command = click.command(name, help=text)(wrapped)
        command.params += [
            click.Option(["--config"], type=click.Path(path_type=Path), help=_("Your settings (a TOML file).")),
            click.Option(["--json", "as_json"], is_flag=True, help=_("Print JSON for programs.")),
            click.Option(["-v", "--verbose"], count=True, help=_("More log lines; -vv for all.")),
            click.Option(["--lang"], type=click.Choice(LANGUAGES), help=_("Language of the messages.")),
        ]
        return command

    return decorate


partition_option = click.option(
    "--partition", default="", metavar="DAY/HOUR", help=_("One partition, as in 2026-11-21/05.")
)
since_option = click.option("--since", default="", metavar="DAY", help=_("From this day on, as in 2026-11-21."))
dry_run_option = click.option("--dry-run", is_flag=True, help=_("Count only; write nothing."))


as_option = click.option(
    "--as", "as_name", default="", envvar="KENTONGAN_USER", metavar="NAME", help=_("Who you are; it is audited.")
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who looks, and at which offices' posts; `named` is False before the office made its first account."""

    id: str
    offices: tuple[str, ...]
    named: bool = True


def acting(call: Call, place: Workplace, name: str, permission: Permission) -> Actor:
    """The named user, if his role allows it; raises ConfigError or Forbidden.

    Before the office made its first account, the account of the operating system counts as the name.
    """
    with place.ledger.read() as db:
        if not people.count(db):
            return Actor(place.actor, (call.settings.office.code,), named=False)
        if not name:
            raise ConfigError(_("say who you are: --as NAME, or KENTONGAN_USER in the environment"))
        user = people.find(db, name) if people.NAME.fullmatch(name) else None
    if user is None or user.disabled:
        raise ConfigError(_("there is no user {name}; see: kentongan user list").format(name=name))
    offices = tuple(office for office, role in sorted(user.rights.items()) if may(role, permission))
    if not offices:
        raise Forbidden(_("{name} may not do this: no role of this account allows it").format(name=name))
    return Actor(user.id, offices)


def _os_account() -> str:
    """Who runs the program; a container may run it as a number that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def check_day(text: str) -> str:
    """The day as ISO text, or empty; raises ConfigError with an example."""
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        day = date.min
    if day is not None and not _FIRST_DAY <= day <= _LAST_DAY:
        raise ConfigError(_('"{text}" is no day; write it as 2026-11-21').format(text=text))
    return str(day) if day else ""


def day_start(text: str, settings: Settings) -> datetime | None:
    """The first moment of a day in the office's zone, in UTC."""
    day = check_day(text)
    if not day:
        return None
    return datetime.combine(date.fromisoformat(day), time(), settings.office.zone).astimezone(UTC)


def console() -> Console:
    """Where tables go; wide enough for a pipe to keep lines whole."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 160, highlight=False)


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int], None]]:
    """A function that steps call with what they have done; shown on a terminal, silent in a pipe."""
    names = {"ingest": _("Fetching"), "flag": _("Reading and scoring"), "index": _("Indexing")}
    names |= {
        "claims": _("Fetching claims"),
        "look-back": _("Looking back"),
        "fit": _("Comparing"),
        "move": _("Moving"),
    }
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        tasks: dict[str, Any] = {}

        def report(step: str, items: int) -> None:
            if step not in tasks:
                total = progress.tasks[tasks["ingest"]].completed if step == "flag" and "ingest" in tasks else None
                tasks[step] = progress.add_task(names.get(step, step), total=total)
            progress.advance(tasks[step], items)

        yield report


def table(title: str, *columns: str) -> Table:
    """An empty table with this title; the first column is text, the others stand to the right."""
    made = Table(title=title, title_justify="left", header_style="bold")
    for at, column in enumerate(columns):
        made.add_column(column, justify="left" if at == 0 else "right")
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)
