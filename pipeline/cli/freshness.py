"""freshness: which sources fell quiet, each against its own past."""

from __future__ import annotations

from dataclasses import asdict

import click

from pipeline import steps
from pipeline.cli.common import Call, table, verb
from pipeline.core.i18n import _
from pipeline.core.names import freshness_name
from pipeline.freshness import told


@verb(
    "freshness",
    _("Which sources fell quiet: what each gave of late against its own past. Counts only."),
    "kentongan freshness",
)
def freshness(call: Call) -> int:
    """0 if all are well, 1 if one fell quiet, as `doctor` does."""
    place = call.workplace()
    found = steps.check_freshness(place, now=place.clock())
    heads = (_("Last new"), _("Hours since"), _("Yesterday"), _("Usual on such a day"), "")
    made = table(_("Sources"), _("Source"), *heads)
    for each in found.sources:
        figures = ["-" if value is None else f"{value:,}" for value in (each.quiet_hours, each.day, each.usual)]
        made.add_row(each.source, each.last or "-", *figures, freshness_name(each.level))
    call.show(asdict(found), *([made] if found.sources else []))
    if not call.as_json:
        if not found.sources:
            click.echo(_("the config has no sources: nothing to judge"))
        for each in found.sources:
            if each.source in found.alarms:
                click.echo(told(each))
    return 1 if found.alarms else 0


VERBS = (freshness,)
