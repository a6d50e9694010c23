"""Opens the articles that a feed links to, within a time for all and with little patience for a host that is down."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlsplit

from pipeline.core.errors import SourceUnavailable
from pipeline.core.i18n import _
from pipeline.sources.fetch import ARTICLE, Fetcher, Refused
from pipeline.sources.markup import decoded, tidied

SECONDS = 3_600.0  # for all articles of one reading; at one call a second it is enough for 2,000
_HOST_FAILURES = 3  # in a row; then the host is left alone until the next reading


class Articles:
    """The articles of one reading of one feed."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._end = fetcher.clock() + SECONDS
        self._failures: Counter[str] = Counter()

    def open(self, link: str) -> str:
        """The tidied page behind a link; raises Refused where a later try cannot help, else SourceUnavailable."""
        host = urlsplit(link).netloc
        if self._failures[host] >= _HOST_FAILURES:
            raise SourceUnavailable(_("{host} failed too often in this run").format(host=host))
        if self._fetcher.clock() > self._end:
            raise SourceUnavailable(_("no time was left to open the article in this run"))
        try:
            fetched = self._fetcher.get(link, accept=ARTICLE)
        except Refused:
            raise
        except SourceUnavailable:
            self._failures[host] += 1
            raise
        self._failures[host] = 0
        page = tidied(decoded(fetched.content, fetched.charset))
        if not page:
            raise Refused(_("the page is empty"))
        return page
