"""promote, rollback, models diff: which model serves, and who answers for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from pipeline.classify.artefact import read_manifest
from pipeline.classify.promoted import check_vouched, read_state, shadow_hash
from pipeline.cli.common import Actor, Call, acting, as_option, table, verb
from pipeline.cli.shadow import show_beside
from pipeline.core.errors import ConfigError, Forbidden, KentonganError
from pipeline.core.i18n import _
from pipeline.core.resources import models_path
from pipeline.ledger import people
from pipeline.workplace import Workplace

_FIGURES = ("labels", "political", "dataset", "over_all")  # of metrics.json, what says how good a model is


@verb(
    "promote",
    _("Put a model in service, if it passes the gate; running workers pick it up."),
    "kentongan promote tfidf-2026-12-01 --as ilmuwan",
)
@click.argument("model")
@click.option("--override", is_flag=True, help=_("In spite of the gate; never where lawful politics is flagged."))
@click.option("--reason", default="", help=_("Why; stays on the ledger. Needed for --override."))
@as_option
def promote(call: Call, model: str, override: bool, reason: str, as_name: str) -> int:
    """0: in service (or was already); 2: refused."""
    from pipeline.train import promotion  # the flow never loads train/

    place = call.workplace()
    try:
        actor = _overriding(call, place, as_name) if override else acting(call, place, as_name, "training")
        done = promotion.promote(place, model, actor.id, reason=reason, override=override)
    finally:
        place.close()
    made = table(_("The gate"), _("Figure"), _("Wanted"), _("Found"))
    for refusal in done.refusals:
        made.add_row(refusal.figure, refusal.wanted, refusal.found)
    _say(call, _promoted_title(done))
    call.show(_plain(done), *([made] if done.refusals else []))
    for says in [*(refusal.says for refusal in done.refusals), *done.notes]:
        click.echo(says, err=True)
    if done.changed or not done.refusals:
        return 0
    if all(refusal.lifts for refusal in done.refusals):
        click.echo(_("A supervisor may override this: --override --as NAME --reason TEXT"), err=True)
    return 2


@verb("rollback", _("Put the model before in service again."), "kentongan rollback --as ilmuwan --reason 'false flags'")
@click.option("--reason", default="", help=_("Why; stays on the ledger."))
@as_option
def rollback(call: Call, reason: str, as_name: str) -> int:
    """One command, and running workers pick it up."""
    from pipeline.train import promotion

    place = call.workplace()
    try:
        try:
            actor = acting(call, place, as_name, "training")
        except Forbidden:
            actor = acting(call, place, as_name, "adjudicate")
        done = promotion.roll_back(place, actor.id, reason=reason)
    finally:
        place.close()
    title = _("In service again: {name} (before: {before})").format(name=done.name, before=done.before)
    _say(call, title)
    call.show(_plain(done))
    for note in done.notes:
        click.echo(note, err=True)
    return 0


@verb("diff", _("Two models side by side."), "kentongan models diff tfidf-2026-11-25 tfidf-2026-12-01")
@click.argument("first", default="")
@click.argument("second", default="")
@click.option("--shadow", "beside", is_flag=True, help=_("The candidate in the shadow beside the model in service."))
@click.option(
    "--days", type=click.IntRange(1, 366), default=7, show_default=True, help=_("With --shadow: so far back.")
)
@as_option
def diff(call: Call, first: str, second: str, beside: bool, days: int, as_name: str) -> int:
    """Figures, functional classes, thresholds and size; only what differs. Decisions are counted for --shadow alone."""
    from pipeline.train import promotion

    if beside != (not first and not second) or bool(first) != bool(second):
        raise ConfigError(_("name two models, or give --shadow alone"))
    if beside:
        return show_beside(call, days, as_name)
    place = call.workplace_without_home()
    folders = [promotion.find_candidate(place, name) for name in (first, second)]
    figures, classes = _differences(*map(_figures, folders)), _functional_changes(place, folders)
    made = table(_("Figures"), _("Figure"), folders[0].name, folders[1].name, _("Difference"))
    for name, (one, other) in figures.items():
        made.add_row(name, _number(one), _number(other), _change(one, other))
    right = table(_("Functional classes"), _("Class"), folders[0].name, folders[1].name)
    for name, counts in classes.items():
        right.add_row(name, *counts)
    if not figures and not classes:
        _say(call, _("No figure, class, threshold or size differs."))
    call.show(
        {"models": [path.name for path in folders], "figures": figures, "functional": classes},
        *([made] if figures else []),
        *([right] if classes else []),
    )
    return 0


def standing(place: Workplace, folder: Path) -> str:
    """What a model is to this office, in a word or two."""
    if folder.name.startswith("claims-"):
        return _("shipped") if folder.parent == models_path() else _("of this office")
    try:
        check_vouched(folder)
        digest = read_manifest(folder)[1]
    except KentonganError:
        return _("damaged")
    state = read_state(place.home.root / "models")
    words = []
    if shadow_hash(place.home.root / "models") == digest:
        words.append(_("in the shadow"))
    if state.now and state.now.sha256 == digest:
        words.append(_("since {when:.10}").format(when=state.now.since))
    if digest in [entry.sha256 for entry in state.before]:
        words.append(_("before"))
    if folder.parent == models_path():
        words.append(_("shipped"))
    return ", ".join(words) or _("not promoted")


def _overriding(call: Call, place: Workplace, name: str) -> Actor:
    """Who overrides is a named supervisor: whoever trained the model is not the one who lifts its floors."""
    with place.ledger.read() as db:
        if not people.count(db):
            raise ConfigError(
                _("only a named account may override the gate, and there is none; see: kentongan user add")
            )
    return acting(call, place, name, "adjudicate")


def _promoted_title(done: Any) -> str:
    if not done.changed:
        text = _("Refused: {name}; {before} stays in service") if done.refusals else _("{name} is in service already")
    else:
        text = _("In service: {name} (before: {before})")
        text = _("In service in spite of the gate: {name} (before: {before})") if done.overridden else text
    return text.format(name=done.name, before=done.before)


def _say(call: Call, text: str) -> None:
    if not call.as_json:
        click.echo(text)


def _plain(done: Any) -> dict[str, Any]:
    names = ("figure", "wanted", "found", "says", "lifts")
    refusals = [{name: getattr(refusal, name) for name in names} for refusal in done.refusals]
    found = {"model": done.name, "before": done.before, "changed": done.changed, "overridden": done.overridden}
    return found | {"refusals": refusals, "notes": list(done.notes)}


def _figures(folder: Path) -> dict[str, float]:
    """Of a whole model: its measured figures, thresholds, and how large it is."""
    from pipeline.train.gate import read_metrics

    manifest = check_vouched(folder)
    metrics = read_metrics(folder)
    found = {name: value for part in _FIGURES for name, value in _leaves(part, metrics.get(part))}
    labels = manifest.get("labels")
    for label, settings in labels.items() if isinstance(labels, dict) else ():
        if isinstance(settings, dict) and isinstance(settings.get("threshold"), int | float):
            found[f"threshold.{label}"] = settings["threshold"]
    return found | {"bytes": sum((folder / name).stat().st_size for name in manifest["files"])}


def _leaves(path: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name not in ("low", "high"):
                yield from _leaves(path if name == "value" else f"{path}.{name}", each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def _differences(one: dict[str, float], other: dict[str, float]) -> dict[str, list[float | None]]:
    names = [*one, *(name for name in other if name not in one)]
    return {name: [one.get(name), other.get(name)] for name in names if one.get(name) != other.get(name)}


def _functional_changes(place: Workplace, folders: list[Path]) -> dict[str, list[str]]:
    from pipeline.classify.registry import load_classifier
    from pipeline.train.functional import read_checks, run_checks
    from pipeline.train.gate import AtOffice

    checks, thresholds = read_checks(), place.policy.thresholds
    results = [run_checks(AtOffice(load_classifier(path), thresholds), checks, place.threats) for path in folders]
    pairs = zip(*(result.classes for result in results), strict=True)
    return {
        one.name: [f"{each.right}/{each.number}" for each in (one, other)]
        for one, other in pairs
        if one.failed != other.failed
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _change(one: float | None, other: float | None) -> str:
    return "" if one is None or other is None else f"{other - one:+.4g}"
