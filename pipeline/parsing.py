"""Which parser an item in landing belongs to: today's settings of its source or, no longer configured, those it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core.config import SourceSettings
from pipeline.core.errors import ItemError
from pipeline.core.types import Post, RawItem
from pipeline.landing.raw import read_header, read_part

if TYPE_CHECKING:
    from pipeline.core.ports import Source
    from pipeline.workplace import Workplace


class Parsers:
    """The parsers of all sources that stand in landing, each made once."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._sources: dict[tuple[str, str], Source] = {}
        self._landed_with: dict[tuple[str, str], dict[str, Any]] = {}

    def read(self, part: Path) -> Iterator[RawItem]:
        """Yield the items of a part and learn the settings that it landed with; raises ItemError if it is damaged."""
        header = read_header(part)
        key, settings = (header.get("source", ""), header.get("connector", "")), header.get("settings", {})
        if self._landed_with.get(key) != settings:
            self._sources.pop(key, None)  # a source that is not configured is read as each of its parts landed
        self._landed_with[key] = settings
        yield from read_part(part)

    def posts(self, part: Path) -> Iterator[tuple[RawItem, Post | None]]:
        """Yield each item with its post, or with None if it is not one; what is damaged is passed over."""
        try:
            for raw in self.read(part):
                yield raw, self.post_or_none(raw)
        except ItemError:
            return

    def parse(self, raw: RawItem) -> Post:
        """The post of an item; raises ItemError if it is not one."""
        key = raw.source, raw.connector
        if key not in self._sources:
            self._sources[key] = self._place.source(raw.source, self.settings(*key))
        return self._sources[key].parse(raw)

    def post_or_none(self, raw: RawItem) -> Post | None:
        """The post of an item, or None if it is not one."""
        try:
            return self.parse(raw)
        except ItemError:
            return None

    def settings(self, source: str, connector: str) -> SourceSettings:
        """What is known of a source."""
        settings = self._place.settings.sources.get(source)
        if settings is None or settings.kind != connector:
            landed_with = self._landed_with.get((source, connector), {})
            settings = SourceSettings.model_validate(landed_with | {"url": "-", "path": "-"})
        return settings
