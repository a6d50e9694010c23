"""reclassify: after a promotion, the flags of the last days as the model in service sees them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import click

from pipeline import reclassifying, steps
from pipeline.cli.common import Call, dry_run_option, partition_option, progress_bar, verb
from pipeline.cli.flow import closing
from pipeline.core.clock import check_partition
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.landing.retention import AGAIN_DAYS


@verb(
    "reclassify",
    _("Flag the last days again with the model in service, and index them; what people decided stays."),
    "kentongan reclassify --days 3 --dry-run",
)
@click.option(
    "--days",
    default=AGAIN_DAYS,
    show_default=True,
    type=click.IntRange(1, AGAIN_DAYS),
    help=_("How many days back, by when they were fetched."),
)
@partition_option
@dry_run_option
def reclassify(call: Call, days: int, partition: str, dry_run: bool) -> int:
    """May be killed and run again: what was done is passed over."""
    place = call.workplace()
    now = place.clock()
    if partition and check_partition(partition) not in steps.landed(place):
        raise ConfigError(_("nothing landed in {partition}").format(partition=partition))
    chosen = [partition] if partition else reclassifying.recent(place, days, now)
    with progress_bar() as progress:
        reports = [steps.reclassify(place, each, now=now, dry_run=dry_run, progress=progress) for each in chosen]
    counts: Counter[str] = Counter()
    flags: Counter[str] = Counter()
    for report in reports:
        counts.update(report.counts)
        flags.update(report.tables["flags"])
    told = [each for each in reports if each.total != each.counts.get("still_flagged", 0)]
    value = {"model": place.classifier.name, "before": flags["before"], "after": flags["after"], **counts}
    call.show(value | {"reports": [asdict(report) for report in reports]}, *([closing(told)] if told else []))
    if not call.as_json:
        text = _("{partitions} partitions with {model}: {before} flags before, {after} now")
        if dry_run:
            text = _(
                "{partitions} partitions with {model}: {before} flags before, {after} would be now; nothing written"
            )
        changes = _("{new} new, {gone} gone, {kept} kept because a person took them up")
        figures = {"new": counts["new_flags"], "gone": counts["gone_flags"], "kept": counts["kept_flags"]}
        click.echo(text.format(partitions=len(reports), model=place.classifier.name, **_both(flags)))
        click.echo(changes.format(**figures))
        for note in (note for report in reports for note in report.notes):
            click.echo(note, err=True)
    return 0


VERBS = (reclassify,)


def _both(flags: Counter[str]) -> dict[str, int]:
    return {"before": flags["before"], "after": flags["after"]}
