"""Which store the settings ask for."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from pipeline.core.config import StoreSettings
from pipeline.store.memory import MemoryStore
from pipeline.store.sqlite import SQLiteStore

FILE_NAME = "index.db"


def open_store(settings: StoreSettings, home: Path, zone: tzinfo) -> MemoryStore | SQLiteStore:
    """Open the index of a home; days are those of `zone`. Raises StoreUnavailable or ConfigError."""
    if settings.kind == "memory":
        return MemoryStore(zone)
    return SQLiteStore(home / FILE_NAME, zone)
