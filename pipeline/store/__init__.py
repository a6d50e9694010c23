"""The search index of flags: what a person typed becomes a `Query`, a store answers it with pages and facets."""

from __future__ import annotations

from pipeline.store.query import explain_query, parse_query
from pipeline.store.registry import open_store

__all__ = ["explain_query", "open_store", "parse_query"]
