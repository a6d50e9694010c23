"""config, doctor, topics, form: keeping the program well."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click
from rich.text import Text

from pipeline import doctor as doctor_room
from pipeline.cli.common import Call, console, table, verb
from pipeline.core.config import flatten
from pipeline.core.i18n import LANGUAGES, _
from pipeline.enrich.topics import lint_topics
from pipeline.sources.form import write_template


@verb("config", _("Print each setting and where its value came from."), "kentongan config --config my.toml")
def config(call: Call) -> int:
    """Never a secret: secrets are no settings."""
    values = flatten(call.settings.model_dump(mode="json"))
    rows = {name: (value, _origin(call.origins, name)) for name, value in values.items()}
    made = table(_("Settings"), _("Setting"), _("Value"), _("From"))
    for name, (value, origin) in rows.items():
        made.add_row(name, Text(str(value)), Text(origin))
    call.show({name: {"value": value, "from": origin} for name, (value, origin) in rows.items()}, made)
    return 0


@verb("doctor", _("Say in plain words what is wrong, and what to do."), "kentongan doctor")
def doctor(call: Call) -> int:
    """0 if all is well, 1 if something is not."""
    findings = doctor_room.examine(call.workplace_without_home())
    if call.as_json:
        call.show([asdict(finding) for finding in findings])
    for finding in findings if not call.as_json else ():
        mark = _("well ") if finding.well else _("WRONG")
        console().print(Text(f"{mark}  {finding.what}: {finding.says}"), soft_wrap=True)
    return 0 if all(finding.well for finding in findings) else 1


@click.group("topics", help=_("The watch topics."))
def topics() -> None:
    """Verbs on topics."""


@verb(
    "check",
    _("Refuse topics that name only a person, faith, ethnic group or party, and try each topic's examples."),
    "kentongan topics check",
)
def check(call: Call) -> int:
    """0 if all topics are in order, 2 if not."""
    book = call.workplace_without_home().topics
    problems = lint_topics(book)
    call.show({"problems": problems})
    if not call.as_json:
        for problem in problems:
            click.echo(problem)
        if not problems:
            click.echo(_("All topics are in order."))
    return 2 if problems else 0


topics.add_command(check)


@verb("form", _("Write the XLSX form for field reports and forwarded messages."), "kentongan form laporan.xlsx")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--form-lang", type=click.Choice(LANGUAGES), default="id", show_default=True, help=_("Its language."))
def form(call: Call, file: Path, form_lang: Literal["id", "en"]) -> int:
    """An empty form."""
    write_template(file, form_lang)
    call.show({"form": str(file)})
    if not call.as_json:
        click.echo(_("Written: {name}").format(name=file))
    return 0


VERBS = (config, doctor, topics, form)


def _origin(origins: dict[str, str], name: str) -> str:
    while name not in origins and "." in name:
        name = name.rpartition(".")[0]
    return origins.get(name, "default")
