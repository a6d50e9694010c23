"""ingest, flag, index, run, replay, reindex, purge: what the scheduler does at night, by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from pipeline import claim_steps, looking, steps
from pipeline.classify.shadow import COMPARED
from pipeline.cli import desk
from pipeline.cli.common import (
    Call,
    check_day,
    console,
    day_start,
    dry_run_option,
    partition_option,
    progress_bar,
    since_option,
    table,
    verb,
)
from pipeline.core.clock import check_partition
from pipeline.core.config import SourceSettings, load_settings
from pipeline.core.errors import ConfigError, Failed
from pipeline.core.i18n import _
from pipeline.core.names import count_name, label_name, outcome_name, why_name
from pipeline.core.resources import data_path
from pipeline.core.types import StepReport
from pipeline.sources.inbox import Again
from pipeline.sources.registry import guess_source
from pipeline.workplace import Workplace

_CLAIMS = 10  # at the end of the demo

_source_option = click.option(
    "--source", "names", multiple=True, help=_("Only this source of the config (repeatable).")
)
_input_option = click.option(
    "--input", "address", default="", metavar="FILE_OR_URL", help=_("A file or feed address; needs no config.")
)
_map_option = click.option(
    "--map", "columns", multiple=True, metavar="FIELD=COLUMN", help=_("Which column is text, published_at, author, ...")
)


def _intake_options(function: Callable[..., int]) -> Callable[..., int]:
    """What `ingest` and `run` can be told."""
    for option in (dry_run_option, partition_option, since_option, _map_option, _input_option, _source_option):
        function = option(function)
    return function


def _intake(
    call: Call,
    *,
    names: tuple[str, ...],
    address: str,
    columns: tuple[str, ...],
    since: str,
    partition: str,
    dry_run: bool,
) -> tuple[Workplace, dict[str, Any]]:
    """The workplace, and what the step is called with."""
    place = call.workplace()
    return place, {
        "sources": _chosen(place, names, address, columns),
        "since": day_start(since, call.settings),
        "partition": check_partition(partition) if partition else "",
        "dry_run": dry_run,
    }


@verb("ingest", _("Fetch sources into landing."), "kentongan ingest --source portal")
@_intake_options
def ingest(call: Call, **options: Any) -> int:
    """Fetch only."""
    place, arguments = _intake(call, **options)
    with progress_bar() as progress:
        done = steps.ingest(place, **arguments, progress=progress)
    call.show(_as_json([done.report], done), *_tables(place, [done.report]))
    return _tell(done)


@verb("flag", _("Read, score and flag landed partitions."), "kentongan flag --partition 2026-11-21/05")
@partition_option
@since_option
@dry_run_option
def flag(call: Call, partition: str, since: str, dry_run: bool) -> int:
    """Flag the partition, or those since a day, or all that were not flagged yet."""
    place = call.workplace()
    with progress_bar() as progress:
        reports = [
            steps.flag(place, each, now=place.clock(), dry_run=dry_run, progress=progress)
            for each in _landed(place, partition, since, only_new=True)
        ]
    call.show(_as_json(reports), *_tables(place, reports))
    return 0


@verb("index", _("Bring flags into the search index."), "kentongan index --partition 2026-11-21/05")
@partition_option
@since_option
@dry_run_option
def index(call: Call, partition: str, since: str, dry_run: bool) -> int:
    """Index the partition, or those since a day, or all."""
    place = call.workplace()
    with progress_bar() as progress:
        reports = [
            steps.index(place, each, now=place.clock(), dry_run=dry_run, progress=progress)
            for each in _landed(place, partition, since)
        ]
    call.show(_as_json(reports), *_tables(place, reports))
    return 0


@verb("run", _("Ingest, flag and index in one go."), "kentongan run --input posts.csv --map text=Tweet")
@_intake_options
def run(call: Call, **options: Any) -> int:
    """The whole job."""
    place, arguments = _intake(call, **options)
    with progress_bar() as progress:
        done, reports = steps.run(place, **arguments, progress=progress)
    call.show(_as_json(reports, done), *_tables(place, reports))
    return _tell(done)


@verb("replay", _("Make derived posts and flags again from landing."), "kentongan replay --since 2026-11-14")
@partition_option
@since_option
@dry_run_option
def replay(call: Call, partition: str, since: str, dry_run: bool) -> int:
    """Flag and index again; what stood in quarantine is tried again."""
    place = call.workplace()
    with progress_bar() as progress:
        reports = steps.replay(place, _landed(place, partition, since), dry_run=dry_run, progress=progress)
    call.show(_as_json(reports), *_tables(place, reports))
    return 0


@verb("reindex", _("Fill the search index again from derived posts."), "kentongan reindex")
@since_option
@dry_run_option
def reindex(call: Call, since: str, dry_run: bool) -> int:
    """Index all again."""
    place = call.workplace()
    with progress_bar() as progress:
        reports = steps.reindex(place, check_day(since), dry_run=dry_run, progress=progress)
    call.show(_as_json(reports), *_tables(place, reports))
    return 0


@verb("purge", _("Remove what is past its time."), "kentongan purge --dry-run")
@dry_run_option
def purge(call: Call, dry_run: bool) -> int:
    """Retention."""
    place = call.workplace()
    now = place.clock()
    report = steps.purge(place, now=now, dry_run=dry_run)
    if rows := _purged_datasets(place, now, dry_run):
        report = replace(report, total=report.total + rows, counts={**report.counts, "dataset_rows": rows})
    call.show(_as_json([report]), *_tables(place, [report]))
    return 0


def _purged_datasets(place: Workplace, now: datetime, dry_run: bool) -> int:
    """Datasets are beside the flow, which knows nothing of them."""
    if not (place.home.root / "datasets").is_dir():
        return 0
    from pipeline.train.ageing import purge_datasets  # the flow's verbs load nothing of train/

    return purge_datasets(place, now, dry_run=dry_run)


@verb("demo", _("The whole job on the bundled sample, in a home of its own."), "kentongan demo --home ./demo")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".demo"),
    show_default=True,
    help=_("Its home."),
)
@click.option("--serve/--no-serve", default=False, help=_("End with the review desk, until it is stopped."))
def demo(call: Call, home: Path, serve: bool) -> int:
    """DATA CONTOH: invented posts, real places."""
    environ = dict(os.environ) | {"KENTONGAN__PATHS__HOME": str(home.absolute())}
    settings, origins = load_settings(data_path("sample", "sample.toml"), environ)
    sample = Call(settings, origins, call.as_json)
    place = sample.workplace()
    steps.purge(place, now=place.clock())  # a demo of last month is past its time
    with progress_bar() as progress:
        claims, checked = claim_steps.sync_claims(place, settings.claim_sources, progress=progress)
        done, reports = steps.run(place, dict(settings.sources), progress=progress)
    reports = [*(each for each in checked if each.total), *reports]
    sample.show(_as_json(reports, done), *_tables(place, reports, texts=True), *_carried(place))
    code = tell_failed(claims.failed) or _tell(done)
    if not call.as_json:
        click.echo(_("DATA CONTOH: all of this is invented. Look further with:"))
        click.echo(f"  KENTONGAN__PATHS__HOME={home} kentongan search 'serangan fajar'")
    return _serve_demo(place) if serve and not code else code


def _carried(place: Workplace) -> list[Table]:
    """The claims that most flags carry; their texts are public."""
    found = looking.carried_claims(place, [place.settings.office.code], _CLAIMS)
    made = table(_("Claims of fact-checkers that posts carry"), "", _("Count"))
    for each in found:
        made.add_row(each.text, f"{each.flags:,}")
    return [made] if found else []


def _serve_demo(place: Workplace) -> int:
    """The desk on the sample, with accounts made for this run."""
    listening = desk.listen(place.settings.review)
    accounts, password = desk.demo_people(place)
    made = table(_("Accounts for this run"), _("Name"), _("Role"))
    for name, role in accounts:
        made.add_row(name, role)
    console().print(made)
    click.echo(_("Password of all of them: {password}").format(password=password))
    click.echo(_("The desk is open at {address} (stop it with Ctrl-C)").format(address=listening.address))
    return desk.serve(place, listening)


VERBS = (demo, ingest, flag, index, run, replay, reindex, purge)


def _chosen(
    place: Workplace, names: tuple[str, ...], address: str, columns: tuple[str, ...]
) -> dict[str, SourceSettings]:
    """The sources of this call."""
    configured = place.settings.sources
    if address:
        name, settings = guess_source(address, _mapping(columns))
        return {f"input-{name}"[:40] if name in configured else name: settings}
    unknown = sorted(set(names) - set(configured))
    if unknown:
        raise ConfigError(
            _("the config has no source {names}; it has {known}").format(
                names=", ".join(unknown), known=", ".join(configured) or _("none")
            )
        )
    chosen = {name: configured[name] for name in names} if names else dict(configured)
    again: list[Again] = []
    if not names:
        chosen |= place.inbox_sources(again)
    read_before = "; ".join(_read_before(place, file) for file in again)
    if not chosen and again:
        raise ConfigError(_("there is nothing new to read: {files}").format(files=read_before))
    if again:
        click.echo(read_before, err=True)
    if not chosen:
        raise ConfigError(
            _(
                "there is nothing to read: name a file or feed with --input, put a file into {inbox}, "
                "or write [sources] in a config file"
            ).format(inbox=place.home.inbox)
        )
    return chosen


def _read_before(place: Workplace, file: Again) -> str:
    if file.when is None:
        return _("{name} holds the same as another file of the inbox, and is read once").format(name=file.name)
    when = file.when.astimezone(place.settings.office.zone)
    return _("{name} was read already, on {when:%Y-%m-%d %H:%M}").format(name=file.name, when=when)


def _mapping(columns: tuple[str, ...]) -> dict[str, str]:
    pairs = [column.partition("=") for column in columns]
    for field, equals, column in pairs:
        if not (field and equals and column):
            raise ConfigError(_('"{text}" is no mapping; write --map text=Tweet').format(text=field + equals + column))
    return {field: column for field, _equals, column in pairs}


def _landed(place: Workplace, partition: str, since: str, *, only_new: bool = False) -> list[str]:
    if partition:
        if check_partition(partition) not in steps.landed(place):
            newest = max(steps.landed(place), default=_("none"))
            raise ConfigError(
                _("nothing landed in {partition}; the newest is {newest}").format(partition=partition, newest=newest)
            )
        return [partition]
    day = check_day(since)
    return steps.unflagged(place) if only_new and not day else steps.landed(place, day)


def _tell(done: steps.Ingested) -> int:
    """Say on standard error what was guessed and which sources failed; the exit code."""
    for note in done.notes:
        click.echo(note, err=True)
    for name, columns in done.report.tables.items():
        text = ", ".join(f"{column} ({count:,})" for column, count in columns.items())
        click.echo(_("{name}: dropped before the first write: {columns}").format(name=name, columns=text), err=True)
    return tell_failed(done.failed)


def tell_failed(failed: Sequence[Failed]) -> int:
    """Say on standard error which sources or steps failed; the exit code."""
    for failure in failed:
        of_step = failure.source in ("flag", "index")
        text = _("Error: {message}") if of_step else _("Source {name}: {error}")
        click.echo(text.format(name=failure.source, error=failure.error, message=failure.error), err=True)
    return steps.exit_code(failed)


def _as_json(reports: list[StepReport], done: steps.Ingested | None = None) -> dict[str, Any]:
    value: dict[str, Any] = {"reports": [asdict(report) for report in reports]}
    if done is not None:
        value["failed"] = {failure.source: str(failure.error) for failure in done.failed}
        value["notes"] = list(done.notes)
    return value


def closing(reports: list[StepReport]) -> Table:
    """In, new, duplicate, quarantined, flagged: one line a step."""
    made = table(_("What happened"), _("Step"), _("In"), _("Out"))
    for report in reports:
        parts = [
            f"{count_name(name)} {number:,}" for name, number in report.counts.items() if number or name == "flagged"
        ]
        made.add_row(f"{report.step} {report.partition}", f"{report.total:,}", " · ".join(parts))
    return made


def _tables(place: Workplace, reports: list[StepReport], *, texts: bool = False) -> list[Table]:
    """What happened; with `texts` clusters are told by their first words, which only who is audited may read."""
    tell_notes(reports)
    return [closing(reports), *(made for report in reports for made in _breakdown(place, report, texts))]


def tell_notes(reports: Sequence[StepReport]) -> None:
    """Say on standard error what steps noted; what is the same in each partition (an alarm of a model) is said once."""
    told: set[str] = set()
    for report in reports:
        for note in report.notes:
            if report.step != "flag" or note not in told:
                click.echo(note, err=True)
            told.add(note)


def _breakdown(place: Workplace, report: StepReport, texts: bool) -> list[Table]:
    titles: dict[str, tuple[str, Callable[[str], str]]] = {
        "why": (_("Flags by reason"), why_name),
        "label": (_("Flags by label"), label_name),
        "topic": (_("Flags by topic"), str),
        "province": (_("Flags by province"), str),
        "cluster": (_("Largest clusters of copies"), lambda name: words.get(name, name)),
    }
    for label in COMPARED:
        titles[f"shadow_{label}"] = (_("A candidate beside: {label}").format(label=label_name(label)), outcome_name)
    clusters = list(report.tables.get("cluster", {})) if texts else []
    words = looking.first_words(place, report.partition, clusters)
    made = []
    for name, (title, naming) in titles.items():
        if counts := report.tables.get(name):
            made.append(table(title, "", _("Count")))
            for value, number in counts.items():
                made[-1].add_row(naming(value), f"{number:,}")
    return made
