"""ledger verify and export, erase, privacy verify and lengthen: what was decided stays, what must go is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from pipeline import erasing, keeping, looking
from pipeline.cli.common import Call, acting, as_option, table, verb
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.identity import subject_of
from pipeline.ledger import audit, chain, erasure, verdicts
from pipeline.workplace import Workplace

_NEVER_TAUGHT = frozenset({"private", "child"})


@click.group("ledger", help=_("What people decided and looked at."))
def ledger() -> None:
    """Verbs on the ledger."""


@verb(
    "verify",
    _("Walk along the hash chains: was anything changed, dropped or put in?"),
    "kentongan ledger verify --head 3f2a...",
)
@click.option(
    "--head", "heads", multiple=True, metavar="HASH", help=_("A hash noted earlier that must still be there.")
)
def verify(call: Call, heads: tuple[str, ...]) -> int:
    """0 if the chains are whole, 1 if not."""
    place = call.workplace()
    with place.ledger.read() as db:
        found = chain.verify(db, heads)
    made = table(_("Ledger"), _("Office"), _("Entries"), _("Hash of the last"))
    for office, (number, link) in found.heads.items():
        made.add_row(office, f"{number:,}", link)
    problems = [{"office": p.office, "number": p.number, "says": p.says} for p in found.problems]
    call.show({"entries": found.entries, "heads": found.heads, "problems": problems}, made)
    if not call.as_json:
        for problem in found.problems:
            click.echo(_("Office {office}, entry {number}: {says}").format(**problem_words(problem)))
        if not found.problems:
            click.echo(_("The ledger is whole. Note the hash of the last entry: it proves it later."))
    return 1 if found.problems else 0


def problem_words(problem: chain.Problem) -> dict[str, object]:
    """A problem's parts, for its message."""
    return {"office": problem.office or "-", "number": problem.number, "says": problem.says}


@verb(
    "export",
    _("Decisions for training (masked, no reviewer, no note), or the whole chain for an auditor."),
    "kentongan ledger export decisions.jsonl",
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--chain", "whole", is_flag=True, help=_("All entries with their hashes, without payloads."))
@as_option
def export(call: Call, file: Path, whole: bool, as_name: str) -> int:
    """JSON Lines; audited."""
    place = call.workplace()
    actor = acting(call, place, as_name, "audit" if whole else "training")
    rows = _links(place, actor.offices) if whole else _decisions(place, actor.offices)
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
            count += 1
    with place.ledger.write() as db:
        details = {"what": "chain" if whole else "decisions", "rows": count}
        for office in actor.offices:
            audit.note(db, "export", office=office, actor=actor.id, at=place.clock(), details=details)
    call.show({"file": str(file), "rows": count})
    if not call.as_json:
        click.echo(_("Written: {name} ({count} rows)").format(name=file, count=count))
    return 0


@verb("erase", _("Erase a post everywhere, for good."), "kentongan erase x~1f2e3d4c5b6a79880716 --reason request")
@click.argument("flag_id", metavar="ID")
@click.option("--reason", type=click.Choice(erasure.REASONS), required=True, help=_("Why; it stays in the ledger."))
@as_option
def erase(call: Call, flag_id: str, reason: str, as_name: str) -> int:
    """Landing, derived posts, index, ledger payloads; the post is never taken again."""
    place = call.workplace()
    actor = acting(call, place, as_name, "erase")
    found = looking.find(place, flag_id)
    office = found.post.office if found else call.settings.office.code
    if office not in actor.offices or (found is None and not _was_known(place, flag_id)):
        raise ConfigError(_("there is no post {id} here; nothing was erased").format(id=flag_id))
    counts = erasing.erase(place, flag_id, actor=actor.id, reason=reason)
    counts["datasets"] = _datasets().forget(_datasets().datasets_folder(place.home.root), subject_of(flag_id))
    left = _left(place, flag_id)
    call.show({"erased": counts, "left": [(each.where, each.what) for each in left]})
    if not call.as_json:
        says = _("Erased: {raw} raw items, {derived} derived rows, {index} index documents, {payloads} ledger payloads")
        click.echo(says.format(**counts))
        if counts["datasets"]:
            click.echo(_("Erased from datasets: {count} rows").format(count=counts["datasets"]))
        click.echo(_("Copies in backups are yours to erase: see docs/architecture.md."), err=True)
    return 1 if left else 0


@click.group("privacy", help=_("What must be gone."))
def privacy() -> None:
    """Verbs on erasure and retention."""


@verb("verify", _("Show that nothing is left of what was erased."), "kentongan privacy verify")
@click.argument("flag_id", metavar="[ID]", default="")
def privacy_verify(call: Call, flag_id: str) -> int:
    """0 if nothing is left, 1 if something is."""
    place = call.workplace()
    left = _left(place, flag_id)
    call.show({"left": [(each.where, each.what) for each in left]})
    if not call.as_json:
        for each in left:
            click.echo(_("{where}: {what} is still there; erase it again").format(where=each.where, what=each.what))
        if not left:
            click.echo(_("Nothing is left of what was erased."))
    return 1 if left else 0


@verb(
    "lengthen",
    _("Note that two people answer for keeping something for longer than the program was shipped with."),
    "kentongan privacy lengthen raw_social 60 --by pdp --and kabid --reason 'dispute over the result'",
)
@click.argument("period")
@click.argument("days", type=int)
@click.option("--by", "first", required=True, metavar="NAME", help=_("The one who answers for it."))
@click.option("--and", "second", required=True, metavar="NAME", help=_("The other one."))
@click.option("--reason", required=True, help=_("Why; stays on the ledger."))
def lengthen(call: Call, period: str, days: int, first: str, second: str, reason: str) -> int:
    """The ledger allows it then; the settings still have to say it."""
    place = call.workplace()
    before = keeping.lengthen(place, period, days, (first, second), reason)
    call.show({"period": period, "days": days, "before": before})
    if not call.as_json:
        text = _("retention.{period} may now be up to {days} days (before: {before}); write it into the settings")
        click.echo(text.format(period=period, days=days, before=before))
    return 0


ledger.add_command(verify)
ledger.add_command(export)
privacy.add_command(privacy_verify)
privacy.add_command(lengthen)

VERBS = (ledger, erase, privacy)


def _left(place: Workplace, flag_id: str) -> list[erasing.Left]:
    """What is left of erased posts, in datasets too: these are beside the flow, which knows nothing of them."""
    with place.ledger.read() as db:
        keys = frozenset({subject_of(flag_id)}) if flag_id else erasure.erased_keys(db)
    folder = _datasets().datasets_folder(place.home.root)
    in_datasets = [erasing.Left(f"datasets/{name}", subject) for name, subject in _datasets().left_in(folder, keys)]
    return [*erasing.left_behind(place, flag_id), *in_datasets]


def _datasets() -> ModuleType:
    from pipeline.train import stored  # the flow's verbs load nothing of train/

    return stored


def _was_known(place: Workplace, flag_id: str) -> bool:
    """Whether it was erased before (a killed erasure is finished by erasing again)."""
    with place.ledger.read() as db:
        return subject_of(flag_id) in erasure.erased_keys(db)


def _links(place: Workplace, offices: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    with place.ledger.read() as db:
        yield from chain.export_rows(db, offices)


def _decisions(place: Workplace, offices: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The verdict that stands for each flag, with the text as it is kept (handles masked); never of a child."""
    standing = {}
    with place.ledger.read() as db:
        for _seq, verdict in verdicts.since(db, offices):
            if verdict.flag_id:
                standing[verdict.flag_id] = verdict
    for flag_id, verdict in standing.items():
        found = place.store.get(flag_id)
        if not verdict.decisions or _NEVER_TAUGHT & set(verdict.reasons) or found is None or not found.post.text:
            continue
        yield {
            "id": subject_of(flag_id),
            "text": found.post.text,
            "kind": found.post.kind,
            "day": verdict.at.date().isoformat(),
            "decisions": dict(verdict.decisions),
            "reasons": verdict.reasons,
            "grounds": verdict.grounds,
            "status": verdict.status,
            "snapshot": dict(verdict.snapshot),
        }
