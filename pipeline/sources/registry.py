"""Which source the settings ask for, and which one a file or address on the command line is."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.core.clock import Clock
from pipeline.core.config import Fetch, Intake, Office, SourceSettings
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.identity import Pseudonyms
from pipeline.core.ports import Source
from pipeline.sources.export import ExportSource
from pipeline.sources.feed import FeedSource
from pipeline.sources.fetch import Fetcher
from pipeline.sources.form import FormSource, is_form
from pipeline.sources.rows import shown

_FEED_SUFFIXES = frozenset({".rss", ".atom", ".xml", ".rdf"})
_JSON_FEED = re.compile(rb'"version"\s*:\s*"https?://jsonfeed\.org/version/')
_HEAD = 4_096  # bytes of a file that are looked at to tell what it is


def build_source(
    name: str,
    settings: SourceSettings,
    *,
    office: Office,
    intake: Intake,
    fetch: Fetch,
    pseudonyms: Pseudonyms,
    state: Path,
    clock: Clock,
) -> Source:
    """The source of these settings; the host that they name may be a private one, those that it links to may not."""
    if settings.kind == "feed":
        fetcher = Fetcher(fetch, typed=(settings.url,))
        return FeedSource(
            name,
            settings,
            fetcher=fetcher,
            pseudonyms=pseudonyms,
            office=office,
            intake=intake,
            state_dir=state,
            clock=clock,
        )
    kind = FormSource if settings.kind == "form" else ExportSource
    return kind(name, settings, pseudonyms=pseudonyms, office=office, intake=intake, clock=clock)


def guess_source(address: str, columns: dict[str, str]) -> tuple[str, SourceSettings]:
    """The name and settings of what a person named: a web address is a feed, a file is told by its content.

    Raises ConfigError if there is no such file.
    """
    if "://" in address:
        host = address.split("://", 1)[1].split("/", 1)[0]
        is_video = host.endswith("youtube.com")
        return _name(host), SourceSettings(
            kind="feed", url=address, subject="media", visibility="broadcast" if is_video else "media"
        )
    path = Path(address)
    if path.exists() and not path.is_file():  # to open a pipe would wait for ever
        raise ConfigError(
            _("{name}: {problem}; give the path of an export").format(name=shown(path), problem=_("it is no file"))
        )
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except (OSError, ValueError) as error:
        problem = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        raise ConfigError(_("{name} cannot be read: {problem}").format(name=shown(path), problem=problem)) from error
    name = _name(path.name)
    if path.suffix.lower() in _FEED_SUFFIXES or _JSON_FEED.search(head):
        return name, SourceSettings(kind="feed", url=str(path), subject="media", visibility="media")
    if path.suffix.lower() == ".xlsx" and is_form(path):
        return name, SourceSettings(kind="form", path=str(path), subject="field", visibility="submitted")
    return name, SourceSettings(kind="export", path=str(path), subject="topic", columns=columns)


def _name(text: str) -> str:
    """A source name (it names a folder) from a host or file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].rstrip("-") or "input"
