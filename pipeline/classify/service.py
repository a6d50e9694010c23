"""Which model serves: the one that was promoted if it is whole, else the last good one, else the shipped one.

A worker holds one `ModelService` for its life and asks `renew` before each piece of work: that costs one `stat` while
nothing was promoted. What cannot be used never stops the work; it is an alarm, which stays until it is mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import structlog

from pipeline.classify.promoted import POINTER, Entry, State, check_vouched, read_state
from pipeline.classify.registry import default_model, load_classifier
from pipeline.core.config import Models
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.i18n import _
from pipeline.core.ports import Classifier

_log = structlog.get_logger()

Mark = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Served:
    """A loaded model, and where it lies."""

    folder: Path
    classifier: Classifier


class ModelService:
    """The model in service of one home; loaded at the first use, exchanged by `renew` only."""

    def __init__(self, models: Models, home: Path) -> None:
        self._models = models
        self._place = home / "models"
        self._lock = RLock()
        self._mark: Mark = None
        self._served: Served | None = None
        self._alarms: tuple[str, ...] = ()

    @property
    def classifier(self) -> Classifier:
        """The model that serves; raises ConfigError or ModelError if there is none at all."""
        return self._now().classifier

    @property
    def folder(self) -> Path:
        """Where the model that serves lies."""
        return self._now().folder

    @property
    def alarms(self) -> tuple[str, ...]:
        """What keeps the promoted model from serving, one sentence each; empty if it does."""
        self._now()
        return self._alarms

    def renew(self) -> bool:
        """Take up what was promoted since; True if another model serves from now on.

        If it cannot be used, the loaded one goes on serving; each call tries again.
        """
        with self._lock:
            if self._models.folder or (self._served and self._mark == self._stat() and not self._alarms):
                return False
            before = self._served
            now = self._choose()
            return before is not None and before.classifier.digest != now.classifier.digest

    def _now(self) -> Served:
        with self._lock:
            return self._served or self._choose()

    def _choose(self) -> Served:
        """Set what serves, and the alarms. The mark is taken first: a promotion meanwhile is seen at the next call."""
        if self._models.folder:
            folder = default_model(self._models)
            self._served = Served(folder, load_classifier(folder))
            return self._served
        mark = self._stat()
        state = read_state(self._place)
        alarms = [state.alarm] if state.alarm else []
        served = self._served
        if not (state.alarm and served):  # a pointer that cannot be read is no reason to change anything
            served = self._first_good(state, alarms)
        self._served, self._mark = served, mark
        says = _("{name} serves instead").format(name=served.classifier.name)
        self._raise_alarms(tuple(f"{alarm}; {says}" for alarm in alarms))
        return served

    def _first_good(self, state: State, alarms: list[str]) -> Served:
        for entry in _in_turn(state):
            if self._served and entry.sha256 == self._served.classifier.digest:
                return self._served
            try:
                return load_entry(entry, self._place, self._models)
            except (ModelError, ConfigError) as error:
                alarms.append(_("the model {name} is not used: {error}").format(name=entry.name, error=error))
            if self._served:
                return self._served
        folder = default_model(self._models)
        return Served(folder, load_classifier(folder))

    def _raise_alarms(self, alarms: tuple[str, ...]) -> None:
        if alarms and alarms != self._alarms:
            _log.warning("model_alarm", alarms=list(alarms))
        self._alarms = alarms

    def _stat(self) -> Mark:
        return mark_of(self._place / POINTER)


def mark_of(path: Path) -> Mark:
    """Changes whenever the file is replaced; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _in_turn(state: State) -> Iterator[Entry]:
    if state.now:
        yield state.now
        yield from state.before


def load_entry(entry: Entry, place: Path, models: Models) -> Served:
    """The model of an entry, checked and loaded; raises ModelError or ConfigError.

    The shipped one is vouched for by the program that ships it, and may be newer than the entry.
    """
    if entry.where == "shipped":
        folder = default_model(models)
        return Served(folder, load_classifier(folder))
    folder = place / entry.name
    check_vouched(folder, entry.sha256)
    classifier = load_classifier(folder)
    if classifier.digest != entry.sha256:
        raise ModelError(_("{path} changed while it was read; run again").format(path=folder))
    return Served(folder, classifier)


def find_model(models: Models, home: Path) -> Path:
    """The folder of the model in service; raises ConfigError or ModelError if none can be used."""
    return ModelService(models, home).folder
