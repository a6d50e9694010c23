"""Work in lists of bounded length (itertools.batched comes with Python 3.12 only)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` items, in order; none is empty."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
