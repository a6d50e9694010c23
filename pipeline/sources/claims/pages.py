"""A stranger's web page as it came: fetched, and as a tree whose links can be read (`markup` drops them)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lxml import etree

from pipeline.sources.fetch import ANYTHING, ARTICLE, Fetched, Fetcher
from pipeline.sources.markup import decoded, without_forbidden

MAX_PAGE = 5_000_000  # characters
_LONG_TAG = re.compile(r"<[^<>]{20000,}>?")  # libxml2 takes quadratic time for a tag's attributes
_BEFORE_SIGN = re.compile(r" ([.,:;!?)\]])")


class PageFetcher(Fetcher):
    """A fetcher that remembers the last article as it came, and how the last call was answered."""

    page = ""
    status = 0

    def get(
        self, url: str, *, etag: str | None = None, modified: str | None = None, accept: Sequence[str] = ANYTHING
    ) -> Fetched:
        """As Fetcher.get."""
        fetched = super().get(url, etag=etag, modified=modified, accept=accept)
        if accept is ARTICLE:
            self.page = decoded(fetched.content, fetched.charset)
        return fetched

    def _read(self, response: Any, call: Any) -> Any:
        self.status = response.status_code
        return super()._read(response, call)


def tree_of(page: str) -> Any:
    """The tree of any text, None if there is nothing in it (lxml has no types)."""
    clean = without_forbidden(_LONG_TAG.sub(" ", page[:MAX_PAGE])).encode("utf-8", "replace")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(clean, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def words_of(element: Any) -> str:
    """The words of an element on one line; what stands in two elements is two words, as "<b>HOAKS</b><p>TPS"."""
    return _BEFORE_SIGN.sub(r"\1", " ".join(" ".join(element.itertext()).split()))
