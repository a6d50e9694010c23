"""The home: one folder, mode 0700, in which the program keeps everything; one run at a time works in it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import ConfigError, Conflict
from pipeline.core.i18n import _


@dataclass(frozen=True, slots=True)
class Home:
    """The places inside `paths.home` (DESIGN section 3: landing is the truth, derived and index can be made again)."""

    root: Path

    @property
    def landing(self) -> Path:
        """Raw items, immutable."""
        return self.root / "landing"

    @property
    def quarantine(self) -> Path:
        """Items that could not be used, with the reason."""
        return self.root / "quarantine"

    @property
    def derived(self) -> Path:
        """Every post with what was found about it."""
        return self.root / "derived"

    @property
    def inbox(self) -> Path:
        """A file dropped here is ingested once."""
        return self.root / "inbox"

    @property
    def state(self) -> Path:
        """What a source needs to ask only for what is new; losing it costs one full fetch."""
        return self.root / "state"

    def make(self) -> None:
        """Create the home; raises ConfigError if that is impossible or if others may read it."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.inbox.mkdir(mode=0o700, exist_ok=True)
            open_to_others = self.root.stat().st_mode & 0o077
        except OSError as error:
            raise ConfigError(
                _("the home {path} cannot be created or written: {error}").format(path=self.root, error=error.strerror)
            ) from error
        if open_to_others:
            raise ConfigError(_("the home {path} is open to other users; run: chmod 700 {path}").format(path=self.root))

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold one kind of work ("flag", "ingest-<source>"); raises Conflict if another run does. A kill lets go."""
        self.make()
        folder = self.root / "lock"
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict(
                    _("another run is at work ({name} in {path}); wait until it is done").format(
                        name=name, path=self.root
                    )
                ) from error
            yield
        finally:
            os.close(descriptor)
