"""drift: are the posts still like those that the model learnt from, and do reviewers still agree with it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.table import Table

from pipeline import drift as drifting
from pipeline.cli.common import Call, table, verb
from pipeline.comparing import MEANT, Compared, NewWord, SourceDrift
from pipeline.core.i18n import _
from pipeline.core.names import drift_level_name, drift_name
from pipeline.drift import LabelDrift, Report

_LABELS = ("hate_group", "incitement", "threat", "hoax_claim", "hate_speech")


@verb(
    "drift",
    _(
        "How scores, words and decisions of each week differ from those that the model learnt from, by source. "
        "Counts only."
    ),
    "kentongan drift --weeks 4",
)
@click.option("--week", default="", metavar="WEEK", help=_("One week alone, as in 2026-W47."))
@click.option(
    "--weeks", default=8, show_default=True, type=click.IntRange(1, 104), help=_("How many of the last weeks to show.")
)
def drift(call: Call, week: str, weeks: int) -> int:
    """0 whenever it could look: an alarm is said, and stands in `alarms` of the JSON."""
    found = drifting.look(call.workplace(), weeks, week)
    call.show(asdict(found), _scores(found.sources), _words(found.sources), _decisions(found.labels))
    if not call.as_json:
        for word in found.words:
            click.echo(_new_word(word))
        for note in found.notes:
            click.echo(note)
        for line in _alarms(found):
            click.echo(line)
    return 0


VERBS = (drift,)


def _scores(sources: Sequence[SourceDrift]) -> Table:
    made = table(_("Scores (PSI)"), _("Week"), _("Source"), _("Posts"), *_LABELS)
    for each in sources:
        made.add_row(each.week, each.source, f"{each.posts:,}", *(_cell(each.scores[label]) for label in _LABELS))
    return made


def _words(sources: Sequence[SourceDrift]) -> Table:
    heads = (_("Unknown words"), _("Before"), _("PSI"), _("Frequent words (PSI)"))
    made = table(_("Words"), _("Week"), _("Source"), _("Posts read"), *heads)
    for each in sources:
        shares = (_share(each.unknown.mean), _share(each.unknown.before))
        figures = (*shares, _cell(each.unknown), _cell(each.stems))
        made.add_row(each.week, each.source, f"{each.sampled:,}", *figures)
    return made


def _decisions(labels: Sequence[LabelDrift]) -> Table:
    made = table(_("Decisions that the label fits"), _("Week"), _("Label"), _("Decided"), _("Share"), _("Before"), "")
    for each in labels:
        now = _interval(each.fits, each.decided, each.interval)
        before = _interval(each.before_fits, each.before_decided, each.before_interval)
        made.add_row(each.week, each.label, str(each.decided), now, before, drift_level_name(each.level))
    return made


def _cell(figure: Compared) -> str:
    level = drift_level_name(figure.level)
    return level if figure.psi is None or figure.level not in MEANT else f"{figure.psi:.2f} {level}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _interval(hits: int, of: int, interval: tuple[float, float]) -> str:
    return f"{hits / of:.2f} ({interval[0]:.2f}-{interval[1]:.2f})" if of else "-"


def _new_word(word: NewWord) -> str:
    text = _('{week}: "{word}" is new: in {share:.1%} of the posts, before {before:.1%}')
    return text.format(week=word.week, word=word.word, share=word.share, before=word.before)


def _alarms(found: Report) -> list[str]:
    if not found.weeks:
        return [_("no post was scored yet: nothing to compare; run: kentongan run")]
    if not found.alarms:
        return [_("No alarm.")]
    text = _(
        "ALARM {week} {source}: {what} differ so much that the model's figures may no longer hold; see docs/drift.md"
    )
    return [
        " ".join(
            text.format(
                week=alarm["week"], source=alarm["source"], what=drift_name(alarm["what"], alarm["label"])
            ).split()
        )
        for alarm in found.alarms
    ]
