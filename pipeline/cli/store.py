"""store init, store check: a search cluster is made ready for the flags, and looked over."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.text import Text

from pipeline.cli.common import Call, console, progress_bar, verb
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _


@click.group("store", help=_("The search index on a cluster."))
def store() -> None:
    """Verbs on the cluster of `store.urls`."""


@verb(
    "init",
    _("Make the cluster ready for the flags, or move it to new mappings; twice is once."),
    "kentongan store init",
)
def init(call: Call) -> int:
    """Templates, aliases, and the list of what was erased."""
    _refuse_other_kinds(call)
    from pipeline.store.elastic.care import prepare

    with progress_bar() as progress:
        done = prepare(
            call.settings.store,
            call.workplace_without_home().document_writer,
            lambda count: progress("move", count),
        )
    call.show(asdict(done))
    if call.as_json:
        return 0
    for name in done.made:
        click.echo(_("made: {name}").format(name=name))
    for what in done.left_out:
        click.echo(_("left out: {what}").format(what=what))
    if done.before:
        text = _(
            "moved: {count} documents from the mappings {before}; delete those indices, their texts no longer expire"
        )
        click.echo(text.format(count=f"{done.moved:,}", before=done.before))
    click.echo(_("The cluster is ready."))
    return 0


@verb("check", _("Is it the right cluster, is it well, and may we do our work there?"), "kentongan store check")
@click.option("--allow-superuser", is_flag=True, help=_("Accept a user who may do everything."))
def check(call: Call, allow_superuser: bool) -> int:
    """0 if all is well, 1 if it may be well later, 2 if a person must change something."""
    _refuse_other_kinds(call)
    from pipeline.store.elastic.checking import look_over

    found = list(look_over(call.settings.store, allow_superuser=allow_superuser))
    call.show([asdict(finding) for finding in found])
    names = {"good": _("well "), "note": _("note "), "wrong": _("WRONG"), "away": _("AWAY ")}
    for finding in () if call.as_json else found:
        console().print(Text(f"{names[finding.level]}  {finding.says}"), soft_wrap=True)
    levels = {finding.level for finding in found}
    return 2 if "wrong" in levels else 1 if "away" in levels else 0


def _refuse_other_kinds(call: Call) -> None:
    if call.settings.store.kind != "elastic":
        kind = call.settings.store.kind
        raise ConfigError(_('store.kind is "{kind}": only "elastic" has a cluster to look after').format(kind=kind))
    try:
        import elasticsearch  # noqa: F401
    except ImportError as error:
        raise ConfigError(_('Elasticsearch needs a client: pip install "kentongan[elastic]"')) from error


store.add_command(init)
store.add_command(check)
VERBS = (store,)
