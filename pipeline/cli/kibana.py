"""kibana build, check, push: the saved objects that show the flags in Kibana."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from pipeline.cli.common import Call, table, verb
from pipeline.core.config import Settings
from pipeline.core.errors import ConfigError
from pipeline.core.files import written_aside
from pipeline.core.i18n import _
from pipeline.review import kibana as room

_TEMPLATE = Path(__file__).resolve().parent.parent / "store" / "templates" / "mappings.json"
_PATTERN = re.compile(r"[a-z0-9*][a-z0-9._*,:-]{0,254}")

index_option = click.option(
    "--index",
    default="",
    metavar="NAME",
    help=_("Index, alias or pattern that Kibana reads, as in flags-v1-31-*; without it the alias of all flags."),
)


@click.group("kibana", help=_("What Kibana shows of the flags."))
def kibana() -> None:
    """Verbs on Kibana's saved objects."""


@verb("build", _("Write the saved objects from their description."), "kentongan kibana build --to objects")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help=_("Folder to write to."))
@index_option
def build(call: Call, folder: Path | None, index: str) -> int:
    """The same bytes each time."""
    if folder is None and index:
        raise ConfigError(_("name a folder: the shipped objects read the alias of all flags"))
    folder = folder or room.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    content = room.build(_index(call.settings, index) if folder != room.FOLDER else room.INDEX)
    with written_aside(folder / room.FILE) as aside:
        aside.write_bytes(content)
        aside.chmod(0o644)  # part of the program, and without any secret
    count = content.count(b"\n")
    call.show({"file": str(folder / room.FILE), "objects": count})
    if not call.as_json:
        click.echo(_("Written: {name} ({count} objects)").format(name=folder / room.FILE, count=count))
    return 0


@verb(
    "check",
    _("Is every reference, field and column of the saved objects in order?"),
    "kentongan kibana check exported.ndjson",
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=False)
def check(call: Call, file: Path | None) -> int:
    """0 if all is in order, 1 if not; the shipped objects without a file."""
    content = (file or room.FOLDER / room.FILE).read_bytes()
    problems = room.check(content, _mapping())
    made = table(_("Saved objects"), _("Object"), _("Place"), _("Problem"))
    for each in problems:
        made.add_row(each.object, each.place, each.says)
    call.show({"problems": [asdict(each) for each in problems]}, *([made] if problems else []))
    if not call.as_json and not problems:
        click.echo(_("The saved objects are in order: {count}").format(count=len(content.splitlines())))
    return 1 if problems else 0


@verb(
    "push",
    _("Import the saved objects into a running Kibana, over older ones."),
    "kentongan kibana push --url https://kibana.example.go.id --space kesbangpol",
)
@click.option("--url", required=True, metavar="URL", help=_("Kibana's address."))
@click.option("--space", default="", metavar="NAME", help=_("Kibana's space; without it the default one."))
@click.option("--ca-file", default="", metavar="FILE", help=_("The CA that signed Kibana's certificate."))
@index_option
def push(call: Call, url: str, space: str, ca_file: str, index: str) -> int:
    """Checked before they are sent; the key comes from the environment."""
    content = room.build(_index(call.settings, index))
    if room.check(content, _mapping()):
        raise ConfigError(_("the saved objects are not in order; see: kentongan kibana check"))
    pushed = room.push(content, url, space=space, ca_file=ca_file)
    call.show(asdict(pushed))
    if not call.as_json:
        click.echo(_("Kibana took {taken} objects, {replaced} of them over older ones.").format(**asdict(pushed)))
    return 0


for _verb in (build, check, push):
    kibana.add_command(_verb)

VERBS = (kibana,)


def _index(settings: Settings, index: str) -> str:
    """What the data view reads: what was asked for, else the alias of all flags behind the store's prefix."""
    name = index or f"{getattr(settings.store, 'prefix', '')}{room.INDEX}"
    if not _PATTERN.fullmatch(name):
        raise ConfigError(_('"{name}" is no name of an index; write it as flags-v1-31-*').format(name=name))
    return name


def _mapping() -> dict[str, Any]:
    """The mapping of the flags' indices, as it is shipped."""
    try:
        found: dict[str, Any] = json.loads(_TEMPLATE.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            _("the installation is incomplete: {path} is missing; install Kentongan again").format(path=_TEMPLATE.name)
        ) from error
    return found
