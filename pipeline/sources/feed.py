"""A feed of news or of a video channel: RSS, Atom, JSON Feed or news sitemap, from the web or from a file.

fetch:  the feed -> its new entries -> (the article behind each) -> RawItem     remembers what it gave at `commit`
parse:  RawItem -> Post                                                        touches nothing
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.core.clock import Clock
from pipeline.core.config import Intake, Office, SourceSettings
from pipeline.core.errors import ConfigError, SourceUnavailable
from pipeline.core.i18n import _
from pipeline.core.identity import Pseudonyms
from pipeline.core.types import Post, Quarantined, RawItem
from pipeline.sources.address import is_local_path, typed_hosts
from pipeline.sources.articles import Articles
from pipeline.sources.dates import parse_time
from pipeline.sources.entries import MAX_ENTRIES, Broken, Entry, Feed
from pipeline.sources.feed_state import TRIES, FeedState, load_state, save_state
from pipeline.sources.fetch import Fetcher, Refused
from pipeline.sources.formats import read_feed
from pipeline.sources.markup import article_text, page_title, plain_text
from pipeline.sources.posts import PostMaker
from pipeline.sources.transport import unzipped

MAX_CHILDREN = 20  # sitemaps of a sitemap index that are opened
MAX_FILE = 100_000_000  # bytes of a feed in a local file
_GZIP = b"\x1f\x8b"
_NEWS_PLATFORMS = ("", "web", "news")


class FeedSource:
    """Reads one feed; after `fetch` its `notes` say what was left out.

    `articles` overrides [fetch] articles; articles behind a feed in a local file are only opened if it is True.
    """

    connector = "feed"

    def __init__(
        self,
        name: str,
        settings: SourceSettings,
        *,
        fetcher: Fetcher,
        pseudonyms: Pseudonyms,
        office: Office,
        intake: Intake,
        state_dir: Path,
        clock: Clock,
        articles: bool | None = None,
    ) -> None:
        typed_hosts(settings.url)
        self.name = name
        self.notes: list[str] = []
        self.dropped: dict[str, int] = {}  # a feed has no columns
        self.refused = ""
        self._settings, self._fetcher, self._pseudonyms, self._clock = settings, fetcher, pseudonyms, clock
        self._zone = office.zone
        self._maker = PostMaker(settings, pseudonyms, office, intake)
        self._local = is_local_path(settings.url)
        self._articles = (fetcher.settings.articles and not self._local) if articles is None else articles
        self._state_path = state_dir / f"feed-{quote(name, safe='')}.json"
        self._state: FeedState | None = None

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield what is new or changed since the last commit, at most [fetch] max_entries of it.

        An entry whose article cannot be opened comes with the feed's own words and `article_error`; a broken entry
        comes as Quarantined. Raises SourceUnavailable (no feed there, not now) or ConfigError (no such file).
        """
        self.notes = []
        state = self._state = self._remembered()
        try:
            yield from self._new(state, since, self._clock())
        finally:
            self._fetcher.close()

    def commit(self) -> None:
        """Remember what the last fetch gave, to be called when it has been landed; without it all comes again."""
        if self._state is not None and not self._local:
            save_state(self._state_path, self._state)

    def parse(self, raw: RawItem) -> Post:
        """The post of an entry; raises ItemError if it has no text at all."""
        payload = raw.payload
        platform = _str(payload, "platform") or self._settings.platform
        social = platform not in _NEWS_PLATFORMS
        page = _str(payload, "html")
        title = _str(payload, "title") or page_title(page)
        row: dict[str, Any] = {
            "kind": self._settings.item_kind or ("post" if social else "news"),
            "title": title,
            "text": _body(page, _str(payload, "content"), _str(payload, "summary"), title) or title,
            "url": _str(payload, "link"),
            "published_at": _str(payload, "published") or _str(payload, "updated"),
        }
        if social:
            row |= {"platform": platform, "id": _str(payload, "id")}
        for name in ("author_key", "institution"):
            if payload.get(name):
                row[name] = _str(payload, name)
        post = self._maker.post(replace(raw, payload=row))
        if social and post.visibility == "media":  # a channel is no news site, whatever a feed usually is
            return replace(post, visibility="broadcast")
        return post

    def _new(self, state: FeedState, since: datetime | None, now: datetime) -> Iterator[RawItem | Quarantined]:
        feed, validators = self._read(state)
        if feed is None:
            self.notes.append(_("the feed has not changed since the last time"))
            return
        state.etag = state.modified = None  # set again when all has been given: a stop half-way must not hide the rest
        reading = _Reading(self, state, since, now)
        yield from reading.items(feed)
        state.forget_gone(reading.present)
        if reading.left_out == 0 and reading.old == 0 and not state.failed:
            state.etag, state.modified = validators
        self.notes += reading.notes(feed)

    def _remembered(self) -> FeedState:
        address = hashlib.sha256(self._settings.url.encode("utf-8", "surrogatepass")).hexdigest()
        return FeedState(address) if self._local else load_state(self._state_path, address)

    def _read(self, state: FeedState) -> tuple[Feed | None, tuple[str | None, str | None]]:
        """The feed, None if it has not changed, and its validators."""
        if self._local:
            try:
                return read_feed(_file_content(Path(self._settings.url))), (None, None)
            except SourceUnavailable as error:
                raise ConfigError(str(error)) from error  # a file does not mend itself: to try again is no use
        known = (None, None) if state.failed else (state.etag, state.modified)
        fetched = self._fetcher.get(self._settings.url, etag=known[0], modified=known[1])
        if fetched.not_modified:
            return None, known
        feed = read_feed(self._plain(fetched.content), charset=fetched.charset, base=fetched.url)
        if feed.children:  # an index may stay the same while its sitemaps change: no validators
            return self._sitemaps(feed.children), (None, None)
        return feed, (fetched.etag, fetched.last_modified)

    def _sitemaps(self, addresses: tuple[str, ...]) -> Feed:
        """The entries of an index's newest sitemaps; one that fails is noted, all failing is an error."""
        entries: list[Entry | Broken] = []
        failure: SourceUnavailable | None = None
        read = 0
        for address in addresses[:MAX_CHILDREN]:
            try:
                fetched = self._fetcher.get(address)
                entries += read_feed(self._plain(fetched.content), charset=fetched.charset, base=fetched.url).entries
                read += 1
            except SourceUnavailable as error:
                failure = error
                self.notes.append(str(error))
        if failure is not None and not read:
            raise failure
        if len(addresses) > MAX_CHILDREN:
            self.notes.append(
                _("of {count} sitemaps the newest {limit} were read").format(count=len(addresses), limit=MAX_CHILDREN)
            )
        return Feed("sitemap", tuple(entries))

    def _plain(self, content: bytes) -> bytes:
        return unzipped(content, self._fetcher.settings.max_bytes) if content.startswith(_GZIP) else content


class _Reading:
    """One pass over a feed's entries; `present` are the keys seen, `old` and `left_out` count what was not given."""

    def __init__(self, source: FeedSource, state: FeedState, since: datetime | None, now: datetime) -> None:
        self._source, self._state, self._since, self._now = source, state, since, now
        self._limit = MAX_ENTRIES if source._local else source._fetcher.settings.max_entries
        self._articles = Articles(source._fetcher) if source._articles else None
        self.present: set[str] = set()
        self.old = self.left_out = self.unchanged = self._given = 0

    def items(self, feed: Feed) -> Iterator[RawItem | Quarantined]:
        """Yield what is to be landed of a feed."""
        for entry in feed.entries:
            key, mark = self._key(entry), _mark(entry)
            if key in self.present:
                continue  # twice in one feed
            self.present.add(key)
            again = self._state.seen.get(key) == mark
            if again and key not in self._state.failed:
                self.unchanged += 1
            elif self._given >= self._limit:
                self.left_out += 1
            elif self._is_old(entry):
                self.old += 1
            else:
                item = self._item(entry, key)
                self._state.seen[key] = mark
                if not (again and isinstance(item, RawItem) and "article_error" in item.payload):
                    self._given += 1
                    yield item

    def notes(self, feed: Feed) -> list[str]:
        """What a person should know of this pass."""
        counted = (
            (_("{count} entries were already taken"), self.unchanged),
            (_("{count} entries are older than asked for"), self.old),
            (_("{count} entries were left for the next time ([fetch] max_entries)"), self.left_out),
            (_("{count} entries were not read: the feed is too long"), feed.left_out),
            (_("{count} articles could not be opened; they are tried again"), len(self._state.failed)),
        )
        return [text.format(count=count) for text, count in counted if count]

    def _key(self, entry: Entry | Broken) -> str:
        own = entry.what if isinstance(entry, Broken) else entry.native_id or entry.link or entry.title or entry.summary
        return self._source._pseudonyms.item_id("feed", own)

    def _is_old(self, entry: Entry | Broken) -> bool:
        if self._since is None or isinstance(entry, Broken):
            return False
        moment = parse_time(entry.published or entry.updated, self._source._zone)[0]
        return moment is not None and moment < self._since

    def _item(self, entry: Entry | Broken, key: str) -> RawItem | Quarantined:
        source = self._source
        if isinstance(entry, Broken):
            return Quarantined("ingest", source.name, entry.place, entry.reason, self._now, {"id": entry.what})
        payload = _payload(entry)
        social = (entry.platform or source._settings.platform) not in _NEWS_PLATFORMS
        if entry.channel:
            payload["author_key"] = source._pseudonyms.author_key(source.name, entry.channel)
            if source._pseudonyms.is_institution(entry.channel):
                payload["institution"] = entry.channel
        if self._articles is not None and entry.link and not social:
            payload |= self._article(self._articles, entry.link, key)
        return RawItem(source.name, source.connector, self._now, entry.place, payload)

    def _article(self, articles: Articles, link: str, key: str) -> dict[str, str]:
        """The article's page or why there is none; what failed for now is tried again at the next readings."""
        tries = self._state.failed.pop(key, 0) + 1
        try:
            return {"html": articles.open(link)}
        except Refused as error:
            return {"article_error": str(error)[:300]}
        except SourceUnavailable as error:
            if tries < TRIES:
                self._state.failed[key] = tries
            return {"article_error": str(error)[:300]}


def _payload(entry: Entry) -> dict[str, Any]:
    """The fields that are kept of an entry, without the empty ones."""
    fields: dict[str, Any] = {
        "id": entry.native_id,
        "link": entry.link,
        "title": entry.title,
        "published": entry.published,
        "updated": entry.updated,
        "summary": entry.summary,
        "content": entry.content,
        "language": entry.language,
        "categories": list(entry.categories),
        "platform": entry.platform,
    }
    return {name: value for name, value in fields.items() if value}


def _mark(entry: Entry | Broken) -> str:
    """Changes when the feed says that the entry has changed."""
    own = (entry.reason,) if isinstance(entry, Broken) else (entry.title, entry.published, entry.updated, entry.link)
    return hashlib.sha256("\0".join(own).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _body(page: str, content: str, summary: str, title: str) -> str:
    """The article's words: those of its page, unless the feed itself gives more (teaser pages, cookie walls)."""
    own = max(plain_text(content), plain_text(summary), key=len)
    article = article_text(page) if page else ""
    text = article if len(article) >= len(own) else own
    return text.removeprefix(title).lstrip()  # many pages begin with the title once more


def _file_content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE:
            raise ConfigError(_("{path} is larger than {limit:,} bytes").format(path=path, limit=MAX_FILE))
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(_("{path} cannot be read: {error}").format(path=path, error=error.strerror)) from error


def _str(payload: dict[str, Any], name: str) -> str:
    value = payload.get(name)
    return value if isinstance(value, str) else ""
