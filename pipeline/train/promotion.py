"""Putting a model in service, and the one before it again: checked, judged, noted on the ledger, swapped in one rename.

The ledger is written before the pointer: a kill between them leaves an entry for a swap that did not happen (the next
`promote` does it), never a swap that nobody answers for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.classify.artefact import is_model_name, read_manifest
from pipeline.classify.promoted import (
    Entry,
    State,
    Where,
    check_vouched,
    copy_in,
    read_state,
    remove_unfinished,
    shadow_hash,
    write_shadow,
    write_state,
)
from pipeline.classify.registry import default_model, load_classifier
from pipeline.classify.service import load_entry
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.files import remove_leftovers
from pipeline.core.i18n import _
from pipeline.core.ports import Classifier
from pipeline.core.resources import models_path
from pipeline.ledger import audit
from pipeline.train.floors import read_floors
from pipeline.train.functional import read_checks
from pipeline.train.gate import AtOffice, Judgement, Refusal, judge, read_metrics
from pipeline.workplace import Workplace

MAX_REASON = 2_000
_LOCK = "models"


@dataclass(frozen=True, slots=True)
class Promoted:
    """What a promotion or rollback did. `changed` is False if it was in service already, or if the gate refused it."""

    name: str
    before: str
    changed: bool
    refusals: tuple[Refusal, ...] = ()
    overridden: bool = False
    notes: tuple[str, ...] = ()


def promote(place: Workplace, wanted: str, actor: str, *, reason: str = "", override: bool = False) -> Promoted:
    """Put a model in service if the gate lets it, or if a person overrides what may be overridden.

    `wanted` is a model's name or its folder. Raises ConfigError (wrong use), ModelError (the model is damaged or of
    another version) or Conflict (another promotion is at work).
    """
    if override and not reason.strip():
        raise ConfigError(_("an override needs a reason that stays on the ledger: --reason TEXT"))
    if len(reason) > MAX_REASON:
        raise ConfigError(_("the reason is longer than {most} letters").format(most=MAX_REASON))
    models = _folder(place)
    with place.home.lock(_LOCK):
        remove_unfinished(models)
        remove_leftovers(models)
        source = find_candidate(place, wanted)
        candidate = _loaded(source)
        place.renew_model()
        served, state = place.classifier, read_state(models)
        if served.digest == candidate.digest and not place.models.alarms:
            return Promoted(candidate.name, served.name, False)
        judgement = judged(place, candidate, served, source)
        refused = judgement.refusals
        if judgement.absolute or (refused and not override):
            return Promoted(candidate.name, served.name, False, refused)
        where: Where = "shipped" if source.resolve() == default_model(place.settings.models).resolve() else "home"
        left = copy_in(source, models, candidate.digest)[1] if where == "home" else []
        details = {"because": reason.strip(), "overridden": [each.says for each in refused], "floors": _floors_hash()}
        entry = Entry(candidate.name, candidate.digest, where)
        before = _before(state, served, place)
        _swap(place, entry, before, actor, "promote", details | {"before": served.name})
        return Promoted(candidate.name, served.name, True, refused, bool(refused), _left(left))


def roll_back(place: Workplace, actor: str, *, reason: str = "") -> Promoted:
    """Put the model before in service again; one that is damaged by now is passed over, and said.

    Raises ConfigError if there is none. It is not judged again: it served before.
    """
    if len(reason) > MAX_REASON:
        raise ConfigError(_("the reason is longer than {most} letters").format(most=MAX_REASON))
    models = _folder(place)
    with place.home.lock(_LOCK):
        place.renew_model()
        served, state = place.classifier, read_state(models)
        notes = []
        for at, entry in enumerate(state.before):
            try:
                found = load_entry(entry, models, place.settings.models)
            except (ModelError, ConfigError) as error:
                notes.append(_("the model {name} is not used: {error}").format(name=entry.name, error=error))
                continue
            entry = replace(entry, name=found.classifier.name, sha256=found.classifier.digest)
            details = {"because": reason.strip(), "before": served.name}
            _swap(place, entry, state.before[at + 1 :], actor, "rollback", details)
            return Promoted(entry.name, served.name, True, notes=tuple(notes))
    says = _("there is no earlier model to go back to; see: kentongan models list")
    raise ConfigError("; ".join([*notes, says]))


def set_shadow(place: Workplace, wanted: str, actor: str) -> str:
    """Let a candidate score beside the model in service, or none if `wanted` is empty; returns its name.

    Raises ConfigError (wrong use, or it is the model in service), ModelError (damaged) or Conflict.
    """
    models = _folder(place)
    with place.home.lock(_LOCK):
        remove_unfinished(models)
        remove_leftovers(models)
        entry = None
        if wanted:
            source = find_candidate(place, wanted)
            candidate = _loaded(source)
            place.renew_model()
            if candidate.digest == place.classifier.digest:
                raise ConfigError(_("{name} is the model in service; name another one").format(name=candidate.name))
            copy_in(source, models, candidate.digest)
            entry = Entry(candidate.name, candidate.digest, "home", _moment(place), actor)
        details = {"model": entry.name, "sha256": entry.sha256} if entry else {"model": ""}
        _note(place, "shadow", actor, details)
        write_shadow(models, entry)
    return entry.name if entry else ""


def find_candidate(place: Workplace, wanted: str) -> Path:
    """The folder of a model by its name (of this office, else shipped) or by its path; raises ConfigError."""
    if Path(wanted).name.startswith("claims-"):
        raise ConfigError(_("{name} ranks claims; it scores no posts").format(name=ascii(Path(wanted).name)[1:-1]))
    folders = {folder.name: folder for folder in reversed(place.model_folders())}
    if is_model_name(wanted) and wanted in folders:
        return folders[wanted]
    folder = Path(wanted).expanduser()
    if "/" in wanted and folder.is_dir():
        return folder.absolute()
    raise ConfigError(
        _("there is no model {name}; give a name from `kentongan models list`, or the path of its folder").format(
            name=ascii(wanted)
        )
    )


def judged(place: Workplace, candidate: Classifier, served: Classifier, source: Path) -> Judgement:
    """What the gate says of a candidate beside the model in service, with this office's thresholds; changes nothing."""
    thresholds = place.policy.thresholds
    return judge(
        AtOffice(candidate, thresholds),
        AtOffice(served, thresholds),
        read_metrics(source),
        read_floors(_floors_file()),
        read_checks(),
        place.threats,
    )


def _loaded(source: Path) -> Classifier:
    check_vouched(source)
    classifier = load_classifier(source)
    shipped = models_path() / source.name
    if shipped.is_dir() and read_manifest(shipped)[1] != classifier.digest:
        raise ConfigError(
            _("another model of the name {name} is in {place}: train it again with another --date").format(
                name=source.name, place=models_path()
            )
        )
    if classifier.digest != read_manifest(source)[1]:
        raise ModelError(_("{path} changed while it was read; run again").format(path=source))
    return classifier


def _folder(place: Workplace) -> Path:
    if place.settings.models.folder:
        raise ConfigError(
            _("models.folder in the settings names {path}, which goes before any promotion; remove it first").format(
                path=place.settings.models.folder
            )
        )
    return place.home.root / "models"


def _before(state: State, served: Classifier, place: Workplace) -> tuple[Entry, ...]:
    """What a rollback finds: the model that really served, then what came before it."""
    earlier = (state.now, *state.before) if state.now else ()
    known = next((at for at, entry in enumerate(earlier) if entry and entry.sha256 == served.digest), None)
    if known is not None:
        return tuple(entry for entry in earlier[known:] if entry)
    shipped = place.model_folder.parent.resolve() == models_path().resolve()
    now = Entry(served.name, served.digest, "shipped" if shipped else "home")
    return (now, *(entry for entry in earlier if entry and entry.where == "home"))


def _swap(
    place: Workplace, entry: Entry, before: tuple[Entry, ...], actor: str, action: str, details: Mapping[str, Any]
) -> None:
    """Note it on the ledger, then point at it, and take it up in this process."""
    _note(place, action, actor, {"model": entry.name, "sha256": entry.sha256, **details})
    folder = place.home.root / "models"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_state(folder, State(replace(entry, since=_moment(place), by=actor), before))
    if shadow_hash(folder) == entry.sha256:  # it would be compared with itself
        write_shadow(folder, None)
    place.renew_model()


def _note(place: Workplace, action: str, actor: str, details: Mapping[str, Any]) -> None:
    with place.ledger.write() as db:
        audit.note(db, action, office=place.settings.office.code, actor=actor, at=place.clock(), details=details)


def _moment(place: Workplace) -> str:
    return place.clock().isoformat(timespec="seconds")


def _floors_file() -> Path:
    return models_path() / "floors.json"


def _floors_hash() -> str:
    return sha256(_floors_file().read_bytes()).hexdigest()[:12]


def _left(names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return (_("not copied, for the manifest does not vouch for it: {names}").format(names=", ".join(names)),)
