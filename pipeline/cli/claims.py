"""claims sync, match, show, fit, export: what fact-checkers wrote, and the posts that carry it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from pipeline import claim_steps, looking
from pipeline.cli.common import (
    Call,
    acting,
    as_option,
    day_start,
    dry_run_option,
    progress_bar,
    since_option,
    table,
    verb,
)
from pipeline.cli.flow import closing, tell_failed
from pipeline.core.claims import Claim
from pipeline.core.config import ClaimSourceSettings
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.names import checker_kind_name, level_name, standing_name, verdict_name
from pipeline.ledger import claims as ledger_claims
from pipeline.report import claim_reviews
from pipeline.report.sheets import Sheet, to_csv
from pipeline.sources.claims.registry import guess_claim_source
from pipeline.workplace import Workplace

_FILE = click.Path(path_type=Path, dir_okay=False)
_RATE = click.FloatRange(0, 0.1, min_open=True)


@click.group("claims", help=_("Claims that fact-checkers wrote about, and the posts that carry them."))
def claims() -> None:
    """sync, match, show, fit, export."""


@verb("sync", _("Fetch what fact-checkers wrote, and look back for posts that carry it."), "kentongan claims sync")
@click.option("--source", "names", multiple=True, help=_("Only this claim source of the config (repeatable)."))
@click.option(
    "--input", "address", default="", metavar="FILE_OR_URL", help=_("A file or feed of claims; needs no config.")
)
@click.option("--again", is_flag=True, help=_("Read all that landed once more, after a reader was mended."))
@since_option
@dry_run_option
def sync(call: Call, names: tuple[str, ...], address: str, again: bool, since: str, dry_run: bool) -> int:
    """Claim sources -> ledger -> index -> posts of the last 90 days."""
    place = call.workplace()
    sources = {} if again and not (names or address) else _chosen(place, names, address)
    start = day_start(since, call.settings)
    with progress_bar() as progress:
        done, reports = claim_steps.sync_claims(
            place, sources, since=start, again=again, dry_run=dry_run, progress=progress
        )
    value = {"reports": [asdict(report) for report in reports], "notes": done.notes}
    call.show(value | {"failed": {each.source: str(each.error) for each in done.failed}}, closing(reports))
    for note in done.notes:
        click.echo(note, err=True)
    return tell_failed(done.failed)


def _chosen(place: Workplace, names: tuple[str, ...], address: str) -> dict[str, ClaimSourceSettings]:
    """The claim sources of this call; raises ConfigError if there is none."""
    configured = place.settings.claim_sources
    if address:
        name, settings = guess_claim_source(address)
        return {f"input-{name}"[:40] if name in configured else name: settings}
    unknown = sorted(set(names) - set(configured))
    if unknown:
        raise ConfigError(
            _("the config has no claim source {names}; it has {known}").format(
                names=", ".join(unknown), known=", ".join(configured) or _("none")
            )
        )
    if not configured:
        raise ConfigError(
            _("there are no claims to fetch: write [claim_sources] in a config file, or name a file with --input")
        )
    return {name: configured[name] for name in names or configured}


@verb("match", _("Which claims a text carries; nothing is stored."), 'kentongan claims match "TPS pasar dipindah"')
@click.argument("text", default="-")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(1, 50), help=_("Claims that are shown."))
def match(call: Call, text: str, limit: int) -> int:
    """The likest claims of one text (`-`: from standard input), with what is shared and what differs."""
    place = call.workplace()
    words = sys.stdin.read() if text == "-" else text
    if not words.strip():
        raise ConfigError(_("there is no text; write it behind the verb, or pipe it in"))
    found = looking.likest_claims(place, words, limit)
    made = table(_("Claims"), _("Claim"), _("Level"), _("Standing"), _("Likeness"), _("Shared words"), _("Differences"))
    for each in found:
        cells = (
            "" if each.level == "none" else level_name(each.level),
            standing_name(each.standing),
            f"{each.score:.3f}",
            ", ".join(each.shared),
        )
        made.add_row(f"{each.id} {each.text}", *cells, ", ".join(each.differing))
    call.show([asdict(each) for each in found], made)
    if not found and not call.as_json:
        click.echo(
            _("No claim resembles it. Claims known: {count}").format(count=looking.count_claims(place)), err=True
        )
    return 0


@verb("show", _("One claim: who judged it, and how many posts carry it."), "kentongan claims show k0f1e2d3c4b5a")
@click.argument("claim_id", metavar="ID")
@as_option
def show(call: Call, claim_id: str, as_name: str) -> int:
    """The claim's card without any post's text."""
    place = call.workplace()
    actor = acting(call, place, as_name, "search")
    with place.ledger.read() as db:
        claim = ledger_claims.named(db, claim_id)
        carriers = ledger_claims.carriers(db, claim_id, actor.offices)
        provinces = ledger_claims.provinces(db, claim_id, actor.offices)
    flags = {"flags": len(carriers), "clusters": len({each.cluster for each in carriers}), "provinces": provinces}
    made = table(
        claim.text, _("Checker"), _("Kind of checker"), _("Verdict"), _("In their words"), _("Date"), _("Link")
    )
    for review in claim.reviews:
        day = f"{review.reviewed_at:%Y-%m-%d}" if review.reviewed_at else ""
        verdict = _("withdrawn") if review.withdrawn else verdict_name(review.rating, review.checker_kind)
        made.add_row(review.checker, checker_kind_name(review.checker_kind), verdict, review.original, day, review.url)
    call.show(asdict(claim) | {"standing": claim.standing} | flags, made)
    if not call.as_json:
        says = _("{standing}; carried by {flags} posts in {clusters} clusters of copies")
        click.echo(says.format(standing=standing_name(claim.standing), **flags))
    return 0


@verb("fit", _("Set both thresholds by the share of ordinary posts that may match."), "kentongan claims fit --dry-run")
@click.option(
    "--ordinary",
    type=_FILE,
    multiple=True,
    help=_("A file of ordinary posts, one text a line (repeatable); else the office's own unflagged posts."),
)
@click.option("--suggest-rate", type=_RATE, default=None, help=_("Instead of [claims] suggest_rate."))
@click.option("--match-rate", type=_RATE, default=None, help=_("Instead of [claims] match_rate."))
@dry_run_option
def fit(
    call: Call, ordinary: tuple[Path, ...], suggest_rate: float | None, match_rate: float | None, dry_run: bool
) -> int:
    """Thresholds from ordinary posts and from what reviewers said of matches."""
    place = call.workplace()
    with progress_bar() as progress:
        fitted = claim_steps.fit_claims(place, ordinary, suggest_rate, match_rate, dry_run=dry_run, progress=progress)
    made = table(_("Thresholds of claims"), "", _("Before"), _("Now"))
    for name, before, now in fitted.rows():
        made.add_row(name, before, now)
    call.show(fitted.as_dict(), made)
    for note in fitted.notes:
        click.echo(note, err=True)
    return 0


@verb("export", _("Claims as a table or as schema.org ClaimReview."), "kentongan claims export --format jsonld")
@click.option("--format", "form", type=click.Choice(["csv", "jsonld"]), default="csv", show_default=True)
@click.option("--out", type=_FILE, default=None, help=_("The file to write; else standard output."))
@click.option("--carried", is_flag=True, help=_("Only claims that posts of this office carry."))
@as_option
def export(call: Call, form: str, out: Path | None, carried: bool, as_name: str) -> int:
    """Public fact-checks only: no post is in it."""
    place = call.workplace()
    actor = acting(call, place, as_name, "export")
    found = looking.exported_claims(place, actor.id, actor.offices, carried=carried)
    as_table = form == "csv" and not call.as_json
    written = _csv(found) if as_table else json.dumps(claim_reviews.json_ld(found), ensure_ascii=False).encode()
    if out is None:
        click.echo(written)
    else:
        out.write_bytes(written)
        click.echo(_("{count} claims written to {path}").format(count=len(found), path=out), err=True)
    return 0


def _csv(found: list[Claim]) -> bytes:
    return to_csv(Sheet(_("Claims"), claim_reviews.COLUMNS, tuple(claim_reviews.rows(found))))


for _verb in (sync, match, show, fit, export):
    claims.add_command(_verb)

VERBS = (claims,)
