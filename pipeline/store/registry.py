"""Which store the settings ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core.config import StoreSettings
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.store.elastic.document import Writer
from pipeline.store.memory import MemoryStore
from pipeline.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from pipeline.store.elastic.store import ElasticStore

FILE_NAME = "index.db"


def open_store(settings: StoreSettings, home: Path, writer: Writer) -> MemoryStore | SQLiteStore | ElasticStore:
    """Open the index of a home; days are those of the writer's zone. Raises StoreUnavailable or ConfigError."""
    if settings.kind == "memory":
        return MemoryStore(writer.zone)
    if settings.kind == "sqlite":
        return SQLiteStore(home / FILE_NAME, writer.zone)
    try:
        from pipeline.store.elastic.store import ElasticStore
    except ImportError as error:
        raise ConfigError(_('Elasticsearch needs a client: pip install "kentongan[elastic]"')) from error
    return ElasticStore(settings, writer)
