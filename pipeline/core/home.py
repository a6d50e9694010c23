"""The home: one folder, mode 0700, in which the program keeps everything; one run at a time works in it."""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import ConfigError, Conflict, TransientError
from pipeline.core.i18n import _

_LONGEST = 400  # bytes; below it lie names of up to 110
_FULL = (errno.ENOSPC, errno.EDQUOT)


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

    @property
    def claims(self) -> Path:
        """What fact-checkers wrote as it was fetched, and the index made of it (the ledger is the truth)."""
        return self.root / "claims"

    @property
    def secret(self) -> Path:
        """What pseudonyms are made with."""
        return self.root / "secret"

    def make(self) -> None:
        """Create the home; raises ConfigError if that is impossible or if others may read it."""
        self._check_name()
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            state = self.root.stat()
            if state.st_uid != os.geteuid():  # what we write there its owner could not read
                raise ConfigError(
                    _(
                        "the home {path} belongs to another user ({owner}); run as that user, or change its owner"
                    ).format(path=self.root, owner=_name_of(state.st_uid))
                )
            self.inbox.mkdir(mode=0o700, exist_ok=True)
            if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise self._unwritable(error) from error
        if state.st_mode & 0o077:
            raise ConfigError(_("the home {path} is open to other users; run: chmod 700 {path}").format(path=self.root))

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold one kind of work ("flag", "ingest-<source>"); raises Conflict if another run does. A kill lets go."""
        self.make()
        folder = self.root / "lock"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
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

    def _check_name(self) -> None:
        """SQLite opens no path of more than 512 bytes, and Parquet none that is not UTF-8."""
        try:
            length = len(str(self.root.absolute()).encode())
        except UnicodeEncodeError as error:
            raise ConfigError(
                _("the path of the home {path} is not UTF-8; choose another for paths.home").format(
                    path=ascii(str(self.root))
                )
            ) from error
        if length > _LONGEST:
            raise ConfigError(
                _(
                    "the path of the home is too long ({length} bytes, at most {most}); choose another for paths.home"
                ).format(length=length, most=_LONGEST)
            )

    def _unwritable(self, error: OSError) -> ConfigError | TransientError:
        text = _("the home {path} cannot be created or written: {error}").format(path=self.root, error=error.strerror)
        if error.errno in _FULL:
            return TransientError(f"{text}; {_('make room on the disk, then run again')}")
        return ConfigError(f"{text}; {_('check owner and rights')}")


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
