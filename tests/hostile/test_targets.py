"""The fuzz targets on their seeds, on what fuzzing found, and on anything Hypothesis thinks of."""

from __future__ import annotations

import copy
import json
import tomllib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from fuzz import targets
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.core import config
from pipeline.core.config import Settings, flatten, load_settings
from pipeline.core.errors import ConfigError, SourceUnavailable
from pipeline.core.types import Flag, Post
from pipeline.sources.address import canonical_address, typed_hosts
from pipeline.sources.dates import parse_time
from pipeline.sources.formats import read_feed
from pipeline.sources.markup import page_title, plain_text, tidied
from pipeline.sources.registry import guess_source
from pipeline.store.memory import MemoryStore
from pipeline.store.query import explain_query, parse_query
from pipeline.store.sqlite import SQLiteStore

TARGETS = {"feed": targets.feed, "export": targets.export, "text": targets.text}


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_ends_as_it_may(name: str) -> None:
    seeds = targets.seeds(name)
    assert len(seeds) > 10
    for seed in seeds[:40]:
        TARGETS[name](seed)


# ---- found by fuzzing; libxml2 lets references to forbidden characters pass, and lxml raises on what it then holds

REFERENCES = "&#xD800; &#55296; &#xDFFF &#000000055296; &#1; &#x1F &#0; &#65534; &#xFFFF; &#11".split()
RSS = '<?xml version="1.0"?><rss><channel><item><title>judul</title><guid a="{0}">x{0}y</guid></item>{1}'


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("end", ["</channel></rss>", "", "<!-- <![CDATA[ -->"])
def test_a_reference_to_no_character_does_not_stop_the_feed(reference: str, end: str) -> None:
    [entry] = read_feed(RSS.format(reference, end).encode()).entries
    assert entry.title == "judul"
    json.dumps(entry.native_id, ensure_ascii=False).encode()


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_to_no_character_does_not_stop_the_page(reference: str) -> None:
    page = (
        f'<h1>isi{reference}</h1><p class="a{reference}b">satu<script>x</script>dua{reference}<img>tiga</p>{reference}'
    )
    assert "satudua" in tidied(page).replace(" ", "")
    assert plain_text(page).startswith("isi")
    assert page_title(page).startswith("isi")


# ---- anything at all

MARKUP = st.lists(
    st.sampled_from(
        [
            "<item>",
            "</item>",
            "<entry>",
            "<title>",
            "</title>",
            "<![CDATA[",
            "]]>",
            "&#xD83D;",
            "&#2;",
            "&nbsp;",
            "&x;<link href='http://[1'/>",
            "<media:group>",
            '<p a="',
            "<div>",
            "</div>",
            "<!--",
            "-->",
            "<?x",
            "\0",
            "\ufffe",
            "<rss><channel>",
            "<feed xmlns='http://www.w3.org/2005/Atom'>",
            "<urlset><url><loc>",
            "<content type='xhtml'>",
            "{",
            '"items":[',
            '{"id":1e999,',
            '"title":"\\ud800"',
            "}]}",
            "isi",
            "2024-11-16",
        ]
    )
    | st.text(max_size=4),
    max_size=25,
).map("".join)
SHEETS = st.lists(
    st.sampled_from(
        [
            "<row>",
            '<row r="9">',
            '<row r="-1">',
            '<row r="x">',
            "</row>",
            '<c t="s"><v>0</v></c>',
            '<c t="s"><v>-9</v></c>',
            '<c r="XFD9"><v>1e999</v></c>',
            '<c t="d"><v>x</v></c>',
            '<c t="e"><v>#N/A</v></c>',
            '<c><f>1+1</f></c><c s="99999"><v>1</v></c>',
            '<c t="b"><v>2</v></c>',
            '<c t="inlineStr"><is><t>isi</t></is></c>',
            "&x;",
            "&#1;",
        ]
    ),
    max_size=15,
).map("".join)


@given(MARKUP)
def test_any_markup_is_a_feed_a_page_or_our_error(markup: str) -> None:
    targets.feed(markup.encode("utf-8", "surrogatepass"))


@settings(max_examples=40)
@given(SHEETS)
def test_any_worksheet_is_read_or_our_error(rows: str) -> None:
    head = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in ("text", "id", "Apa yang terjadi"))
    sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row>{head}</row>{rows}'
    targets.export(f"{sheet}</sheetData></worksheet>".encode())


@given(st.binary(max_size=300) | st.text(max_size=150).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_of_a_file_are_rows_or_our_error(data: bytes) -> None:
    targets.export(b"text,id\n" + data)
    targets.export(b'{"text":"a"}\n{"text":' + data)


@given(st.text(max_size=120) | st.binary(max_size=120).map(lambda data: data.decode("utf-8", "surrogateescape")))
@example("\ud800bakar\udfff kantor KPU")
@example("[akun]" * 20 + "\ue000")
def test_any_text_goes_through_chain_models_rules_and_search_with_spans_inside(text: str) -> None:
    targets.text(text.encode("utf-8", "surrogatepass"))


DATES = st.lists(
    st.sampled_from(
        "Jumat , 26 Juni 2020 pukul 14.30 WITA 1900 2999 W53-7 +99:99 24:60 31/02 00 -1 T Z jam kemarin".split()
    )
    | st.characters(),
    max_size=9,
).map(" ".join)


@given(DATES, st.sampled_from(["Asia/Jakarta", "Asia/Jayapura", "America/New_York"]))
def test_any_words_are_a_time_in_utc_or_none(text: str, zone: str) -> None:
    moment, precision = parse_time(text, ZoneInfo(zone))
    assert (moment is None) == (precision == "none")
    assert moment is None or moment.tzinfo is UTC or moment.utcoffset().total_seconds() == 0


@given(st.text(max_size=60) | st.text("htps:/@[]%.?#&=\ud800a1\u3002xn-", max_size=40).map("http://".__add__))
def test_any_address_is_canonical_typed_guessed_or_our_error(text: str) -> None:
    with suppress(ValueError):
        assert canonical_address(canonical_address(text)) == canonical_address(text)
    for ask in (typed_hosts, lambda address: guess_source(address, {})):
        with suppress(ConfigError):
            ask(text)


@given(st.text(max_size=60))
def test_what_is_no_feed_says_so_in_words_that_can_be_printed(text: str) -> None:
    try:
        read_feed(text.encode("utf-8", "surrogatepass"))
    except SourceUnavailable as error:
        str(error).encode()


NOW = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
TYPED = st.lists(
    st.sampled_from(
        ["wilayah:61", "-isu:x", "sejak:2024-02-30", "sampai:9999-99-99", "hari:2024-11-16", '"', "-", "*", "OR"]
    )
    | st.sampled_from(
        ["NEAR(a b)", "text:", "'; DROP", "\ud800", "\0", "a*", "^a", "{a}", "banjir", '"surat suara"', "ﷺ", "२"]
    )
    | st.text(max_size=6),
    max_size=8,
).map(" ".join)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory):
    """Both stores, with a few flags."""
    sqlite = SQLiteStore(tmp_path_factory.mktemp("indeks") / "index.db", ZoneInfo("Asia/Jakarta"))
    for store in (found := (sqlite, MemoryStore(ZoneInfo("Asia/Jakarta")))):
        store.put(
            Flag(
                Post(f"x~{n}", "s", "61", "post", "broadcast", "x", text, NOW, "2026-11-21/12", published_at=NOW),
                why=("signal",),
                month="2026.11",
            )
            for n, text in enumerate(["banjir di Ende", "surat suara\u202e rusak", "ﷺ \u200b😂", "a" * 5_000])
        )
    return found


@settings(max_examples=150)
@given(typed=TYPED)
def test_anything_typed_can_be_searched_and_explained_in_both_stores(stores, typed: str) -> None:
    query = parse_query(typed, zone=ZoneInfo("Asia/Jakarta"))
    explain_query(query, zone=ZoneInfo("Asia/Jakarta"))
    for store in stores:
        page = store.search(query, limit=5)
        assert len(page.hits) <= page.total <= 4
        for hit in page.hits:
            assert all(0 <= start < end <= len(hit.snippet) for start, end in hit.marks)


# ---- the config

KEYS = st.sampled_from([*flatten(tomllib.loads(config.DEFAULTS.read_text("utf-8"))), "sources.a.kind", "x.y", "x"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.datetimes()
    | st.dates()
    | st.times(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_table_is_settings_or_a_config_error(values: dict[str, object]) -> None:
    tables: dict[str, object] = {}
    for key, value in values.items():
        *above, last = key.split(".")
        table = tables
        for part in above:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                break
            table = inner
        else:
            table[last] = value
    read = config._read_toml
    given_tables = mock.patch.object(
        config, "_read_toml", lambda path: read(path) if path == config.DEFAULTS else copy.deepcopy(tables)
    )
    with given_tables, suppress(ConfigError):
        assert isinstance(load_settings(Path("kantor.toml"), {})[0], Settings)


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda data: data.decode("latin-1")))
@example("a = " + "[" * 5_000)
@example("a = " + "9" * 5_000)
def test_any_file_is_a_config_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("config") / "kantor.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(ConfigError):
        load_settings(path, {})
