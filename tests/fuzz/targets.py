"""What is fuzzed, as plain functions from bytes: any bytes in, and one of the allowed ends out.

Allowed are posts, Quarantined, ItemError, ConfigError and SourceUnavailable; anything else that is raised is a fault,
and so is a result that cannot be kept (JSON, UTF-8) or a span that points outside its text. `fuzz_*.py` drive these
with atheris; tests/hostile/test_targets.py with the seeds, with what was found before, and with Hypothesis.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.classify.registry import load_classifier
from pipeline.classify.service import find_model
from pipeline.core.config import Settings, SourceSettings, load_settings
from pipeline.core.errors import ConfigError, ItemError, SourceUnavailable
from pipeline.core.identity import Pseudonyms
from pipeline.core.ports import Classifier, Source
from pipeline.core.types import Flag, Post, Quarantined, RawItem
from pipeline.enrich.gazetteer import shipped
from pipeline.enrich.regions import RegionEnricher
from pipeline.enrich.threats import load_threats
from pipeline.enrich.topics import TopicEnricher, load_topics
from pipeline.landing.near import minhash
from pipeline.sources.address import canonical_address
from pipeline.sources.dates import parse_time
from pipeline.sources.entries import Entry
from pipeline.sources.export import ExportSource
from pipeline.sources.feed import FeedSource, _payload
from pipeline.sources.fetch import Fetcher
from pipeline.sources.form import FormSource, is_form
from pipeline.sources.formats import read_feed
from pipeline.sources.markup import article_text, decoded, tidied
from pipeline.sources.registry import guess_source
from pipeline.store.query import explain_query, parse_query
from pipeline.text import mask, normalise

NOW = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Jakarta")
CHARSETS = (None, "utf-8", "utf-16", "iso-8859-1", "gb18030", "zlib", "x-none")
SUFFIXES = (".csv", ".jsonl", ".json", ".txt")
MANY = 200  # rows of one input that are parsed


@cache
def config() -> Settings:
    """The settings as shipped."""
    return load_settings(None, {})[0]


@cache
def pseudonyms() -> Pseudonyms:
    """Keys that are no secret."""
    return Pseudonyms(b"a" * 32, b"b" * 32, frozenset({"kpu_contoh"}))


@cache
def feed_source() -> FeedSource:
    """A feed's parser; it is never asked to fetch."""
    source = SourceSettings(kind="feed", url="-", subject="media", visibility="media")
    return FeedSource(
        "portal",
        source,
        fetcher=Fetcher(config().fetch),
        pseudonyms=pseudonyms(),
        office=config().office,
        intake=config().intake,
        state_dir=Path("unused"),
        clock=lambda: NOW,
    )


def feed(data: bytes) -> None:
    """A feed's bytes: entries, their payloads, their posts; and the same bytes as the page behind a link."""
    source = feed_source()
    charset = CHARSETS[len(data) % len(CHARSETS)]
    with contextlib.suppress(SourceUnavailable):
        for entry in read_feed(data, charset=charset, base="https://kabar.example/a/").entries[:MANY]:
            if isinstance(entry, Entry):
                check_item(source, RawItem("portal", "feed", NOW, entry.place, _payload(entry)))
            else:
                assert entry.reason
    page = tidied(decoded(data, charset))
    if len(page) < 5_000:
        assert len(article_text(page)) <= len(page)


def export(data: bytes) -> None:
    """A file's bytes, under a name that they choose: what it is taken for, its rows, their posts."""
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        path = Path(folder) / f"a{SUFFIXES[len(data) % len(SUFFIXES)]}"
        if data.startswith(b"<") and b"sheetData" in data:
            path = path.with_suffix(".xlsx")
            data = workbook(data)
        path.write_bytes(data)
        with contextlib.suppress(ConfigError):
            _name, settings = guess_source(str(path), {})
            if settings.kind != "feed":  # `feed` has a harness of its own
                read_source(settings.model_copy(update={"kind": "export"}))
            if is_form(path):
                read_source(settings.model_copy(update={"kind": "form", "subject": "field"}))


def read_source(settings: SourceSettings) -> None:
    """Fetch and parse a file; every row is an item or in quarantine."""
    kind = FormSource if settings.kind == "form" else ExportSource
    office, intake = config().office, config().intake
    source = kind("berkas", settings, pseudonyms=pseudonyms(), office=office, intake=intake, clock=lambda: NOW)
    with contextlib.suppress(ConfigError):
        for number, item in enumerate(source.fetch()):
            if isinstance(item, Quarantined):
                json.dumps(asdict(item) | {"at": ""}).encode()
                assert item.reason
                assert item.place
            elif number < MANY:
                check_item(source, item)
    "".join((*source.notes, *source.dropped, source.refused)).encode()


def check_item(source: Source, raw: RawItem) -> None:
    """An item survives landing, and its post can be kept in derived/ and the index."""
    stored = json.loads(json.dumps(raw.payload, allow_nan=False))
    try:
        post = source.parse(RawItem(raw.source, raw.connector, raw.fetched_at, raw.place, stored))
    except ItemError:
        return
    check_post(post)


def check_post(post: Post) -> None:
    """A post has an id and a text, its texts are UTF-8, its time is in UTC."""
    assert post.id
    assert post.text
    for value in (post.id, post.text, post.title, post.platform, post.author_key or "", post.institution or ""):
        value.encode("utf-8")
    assert post.published_at is None or post.published_at.utcoffset().total_seconds() == 0


@cache
def classifier() -> Classifier:
    """The shipped model."""
    return load_classifier(find_model(config().models, Path("unused")))


@cache
def rooms() -> tuple[Classifier, RegionEnricher, TopicEnricher]:
    """The rules and gazetteer as shipped."""
    return load_threats(), RegionEnricher(shipped()), TopicEnricher(load_topics())


def text(data: bytes) -> None:
    """Any text (bytes that are no UTF-8 become lone surrogates): the chain, the models, what people type."""
    words = data.decode("utf-8", "surrogateescape")
    read = normalise(words)
    check_chain(words)
    masked = mask(words)
    check_chain(masked)
    assert normalise(masked).tokens == read.tokens
    check_found(words)
    minhash([" ".join(read.tokens)], 40)
    typed(words)


def check_chain(words: str) -> None:
    """Tokens and pieces lie inside the text, in order, without overlap."""
    read = normalise(words)
    assert len(read.tokens) == len(read.spans) == len(read.stems)
    assert len(read.pieces) == len(read.piece_spans)
    for spans in (read.spans, read.piece_spans):
        ends = [0, *(end for _start, end in spans), len(words)]
        assert all(before <= start < end <= len(words) for before, (start, end) in zip(ends, spans, strict=False))
        assert ends == sorted(ends)


def check_found(words: str) -> None:
    """What models, rules and gazetteer find points inside the text."""
    threats, regions, topics = rooms()
    signals = [signal for room in (classifier(), threats) for signal in room.classify([words])[0]]
    for signal in signals:
        assert 0 <= signal.score <= 1
        _inside(((reason.start, reason.end) for reason in signal.reasons), words)
    post = Post("sha:0", "s", "61", "post", "broadcast", "x", words, NOW, "2026-11-21/12", title=words[:200])
    found = topics.enrich(regions.enrich(Flag(post)))
    for thing in (*found.regions, *found.topics):
        _inside(thing.spans, words)


def _inside(spans: Iterable[tuple[int, int]], words: str) -> None:
    assert all(0 <= start < end <= len(words) for start, end in spans)


def typed(words: str) -> None:
    """The same text as a search, a time and an address."""
    explain_query(parse_query(words, zone=ZONE), zone=ZONE).encode("utf-8", "surrogatepass")
    moment, precision = parse_time(words, ZONE)
    assert (moment is None) == (precision == "none")
    try:
        address = canonical_address(words)
    except ValueError:
        return
    assert canonical_address(address) == address


# ---- files to begin with


def workbook(sheet: bytes) -> bytes:
    """A workbook with this worksheet: mutated XML reaches the reader, which mutated ZIP hardly ever does."""
    content = io.BytesIO()
    with zipfile.ZipFile(form_example()) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == "xl/worksheets/sheet2.xml" else old.read(name))
    return content.getvalue()


def form_example() -> Path:
    """A filled form of the tests."""
    return Path(__file__).parent.parent / "examples" / "form" / "laporan" / "input.xlsx"


def seeds(name: str) -> list[bytes]:
    """What a harness begins with: the project's own sample and examples."""
    root = Path(__file__).parents[2]
    sample, examples = root / "data" / "sample", root / "tests" / "examples"
    if name == "feed":
        files = sorted([*sample.iterdir(), *(examples / "feed").iterdir()])
        kinds = (".rss", ".atom", ".xml", ".html", ".json")
        return [path.read_bytes() for path in files if path.suffix in kinds]
    if name == "export":
        files = [*sample.glob("unggahan.csv"), *sample.glob("kanal.jsonl"), *examples.glob("export/*/input.*")]
        with zipfile.ZipFile(form_example()) as archive:
            sheet = archive.read("xl/worksheets/sheet2.xml")
        return [*(path.read_bytes() for path in sorted(files)), sheet, form_example().read_bytes(), parquet_example()]
    rows = (sample / "unggahan.csv").read_bytes().splitlines() + (sample / "kanal.jsonl").read_bytes().splitlines()
    return [*rows, *((examples.parent / "fuzz" / "texts.txt").read_bytes().splitlines())]


def parquet_example() -> bytes:
    """A small Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = io.BytesIO()
    pq.write_table(pa.table({"text": ["banjir di Ende", None], "id": [1, 2], "user": [{"name": "a"}] * 2}), content)
    return content.getvalue()


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # a folder of its own is made there
