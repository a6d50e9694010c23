"""The feed source: what it takes, what it remembers, what it never does, whatever a feed holds."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from feeds import feed_source
from hypothesis import example, given
from hypothesis import strategies as st
from webserver import Page, Site, serving

from pipeline.core.errors import ConfigError, ItemError, SourceUnavailable
from pipeline.core.types import Post, Quarantined, RawItem
from pipeline.sources.entries import Entry
from pipeline.sources.feed import _payload
from pipeline.sources.feed_state import KEPT_GONE, FeedState
from pipeline.sources.formats import read_feed
from pipeline.sources.markup import article_text, decoded, feed_hint, page_title, tidied

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "feed"
NOW = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
ARTICLE = Page((EXAMPLES / "article.html").read_bytes())


def rss(*items: str, head: str = "") -> Page:
    text = (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Kabar</title>{head}{"".join(items)}</channel></rss>'
    )
    return Page(text.encode(), type="application/rss+xml")


def item(number: int, link: str = "", title: str = "", date: str = "2026-11-21T08:00:00+07:00") -> str:
    return (
        f"<item><title>{title or f'Berita {number}'}</title><link>{link or f'https://kabar.example/{number}'}</link>"
        f"<guid isPermaLink='false'>g{number}</guid><pubDate>{date}</pubDate>"
        f"<description>Isi berita nomor {number}.</description></item>"
    )


@pytest.fixture
def site() -> Iterator[Site]:
    with serving({"/feed": rss(item(1), item(2)), "/robots.txt": Page(status=404)}) as running:
        yield running


def titles(found: list[RawItem | Quarantined]) -> list[str]:
    return [raw.payload["title"] for raw in found if isinstance(raw, RawItem)]


# --- what it remembers -------------------------------------------------------------------------------------------


def test_what_was_landed_is_not_given_again(site: Site, tmp_path: Path) -> None:
    first = feed_source(site.url + "/feed", tmp_path, articles=False)
    assert titles(list(first.fetch())) == ["Berita 1", "Berita 2"]
    first.commit()
    again = feed_source(site.url + "/feed", tmp_path, articles=False)
    assert list(again.fetch()) == []
    assert again.notes == ["2 entries were already taken"]
    again.commit()
    site.routes["/feed"] = rss(item(3), item(2, title="Berita 2, diperbarui"), item(1))
    later = feed_source(site.url + "/feed", tmp_path, articles=False)
    assert titles(list(later.fetch())) == ["Berita 3", "Berita 2, diperbarui"]


def test_without_a_commit_all_comes_again(site: Site, tmp_path: Path) -> None:
    for _twice in range(2):
        assert len(list(feed_source(site.url + "/feed", tmp_path, articles=False).fetch())) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_stop_half_way_hides_nothing(site: Site, tmp_path: Path) -> None:
    site.routes["/feed"] = lambda headers: (
        Page(status=304) if headers.get("if-none-match") else Page(rss(item(1), item(2)).body, headers={"ETag": '"v1"'})
    )
    first = feed_source(site.url + "/feed", tmp_path, articles=False)
    for raw in first.fetch():
        assert titles([raw]) == ["Berita 1"]
        break
    first.commit()
    assert titles(list(feed_source(site.url + "/feed", tmp_path, articles=False).fetch())) == ["Berita 2"]


def test_a_feed_that_has_not_changed_is_not_sent_again(site: Site, tmp_path: Path) -> None:
    changed = "Sat, 21 Nov 2026 04:00:00 GMT"
    site.routes["/feed"] = lambda headers: (
        Page(status=304)
        if (headers.get("if-none-match"), headers.get("if-modified-since")) == ('"v1"', changed)
        else Page(rss(item(1)).body, headers={"ETag": '"v1"', "Last-Modified": changed})
    )
    for expected in (1, 0, 0):
        source = feed_source(site.url + "/feed", tmp_path, articles=False)
        assert len(list(source.fetch())) == expected
        source.commit()
    assert source.notes == ["the feed has not changed since the last time"]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"address": 5}', '{"seen": 5}', "\x00", "[" * 100_000])
def test_a_damaged_memory_is_an_empty_one(site: Site, tmp_path: Path, damage: str) -> None:
    source = feed_source(site.url + "/feed", tmp_path, articles=False)
    list(source.fetch())
    source.commit()
    (stored,) = tmp_path.iterdir()
    stored.write_text(damage)
    again = feed_source(site.url + "/feed", tmp_path, articles=False)
    assert len(list(again.fetch())) == 2
    again.commit()
    assert list(tmp_path.iterdir()) == [stored]


def test_the_memory_belongs_to_the_address_and_holds_no_ids(site: Site, tmp_path: Path) -> None:
    site.routes["/lain"] = site.routes["/feed"]
    source = feed_source(site.url + "/feed", tmp_path, articles=False)
    list(source.fetch())
    source.commit()
    (stored,) = tmp_path.iterdir()
    assert not {"g1", "kabar.example", site.host} & set(json.loads(stored.read_text())["seen"])
    assert "kabar.example" not in stored.read_text()
    assert len(list(feed_source(site.url + "/lain", tmp_path, articles=False).fetch())) == 2


def test_a_long_feed_comes_in_portions(site: Site, tmp_path: Path) -> None:
    site.routes["/feed"] = Page(rss(*map(item, range(5))).body, headers={"ETag": '"v1"'})
    got = []
    for _run in range(3):
        source = feed_source(site.url + "/feed", tmp_path, articles=False, fetch={"max_entries": 2})
        got.append(titles(list(source.fetch())))
        if len(got) == 1:
            assert source.notes == ["3 entries were left for the next time ([fetch] max_entries)"]
        source.commit()
    assert got == [["Berita 0", "Berita 1"], ["Berita 2", "Berita 3"], ["Berita 4"]]


def test_since_leaves_out_what_is_older_and_keeps_it_for_later(site: Site, tmp_path: Path) -> None:
    site.routes["/feed"] = rss(
        item(1, date="2026-11-20T08:00:00+07:00"), item(2, date="Sabtu, 21 November 2026 08.00"), item(3, date="?")
    )
    source = feed_source(site.url + "/feed", tmp_path, articles=False)
    assert titles(list(source.fetch(datetime(2026, 11, 21, tzinfo=UTC)))) == ["Berita 2", "Berita 3"]
    assert source.notes == ["1 entries are older than asked for"]
    source.commit()
    assert titles(list(feed_source(site.url + "/feed", tmp_path, articles=False).fetch())) == ["Berita 1"]


def test_an_entry_that_stands_twice_comes_once(site: Site, tmp_path: Path) -> None:
    site.routes["/feed"] = rss(item(1), item(1), item(2))
    assert len(list(feed_source(site.url + "/feed", tmp_path, articles=False).fetch())) == 2


def test_a_broken_entry_is_quarantined_once_and_the_rest_goes_on(site: Site, tmp_path: Path) -> None:
    site.routes["/feed"] = rss(item(1), "<item><guid isPermaLink='false'>kosong</guid></item>", item(2))
    source = feed_source(site.url + "/feed", tmp_path, articles=False)
    found = list(source.fetch())
    assert titles(found) == ["Berita 1", "Berita 2"]
    (broken,) = [one for one in found if isinstance(one, Quarantined)]
    assert (broken.step, broken.source, broken.place, broken.at) == ("ingest", "portal", "entry 2", NOW)
    assert "neither a link" in broken.reason
    source.commit()
    assert list(feed_source(site.url + "/feed", tmp_path, articles=False).fetch()) == []


def test_entries_that_the_feed_no_longer_shows_are_forgotten_in_the_end() -> None:
    state = FeedState("x", seen={f"k{n}": "m" for n in range(KEPT_GONE + 10)}, failed={"k1": 1, "k9": 2})
    state.forget_gone({"k0", "k1"})
    assert len(state.seen) == KEPT_GONE + 2
    assert {"k0", "k1", f"k{KEPT_GONE + 9}"} <= state.seen.keys()
    assert "k2" not in state.seen
    assert state.failed == {"k1": 1}


# --- articles ----------------------------------------------------------------------------------------------------


def test_the_article_behind_an_entry_is_opened_and_tidied(site: Site, tmp_path: Path) -> None:
    title = "Panen raya di Lembah Sari, harga gabah bertahan"
    site.routes |= {"/feed": rss(item(1, f"{site.url}/panen", title)), "/panen": ARTICLE}
    source = feed_source(site.url + "/feed", tmp_path)
    (raw,) = source.fetch()
    assert isinstance(raw, RawItem)
    assert "lacak" not in raw.payload["html"]
    post = source.parse(raw)
    assert post.text.startswith("Petani di Lembah Sari mulai memanen")
    assert post.text.endswith("dibersihkan bersama-sama.")
    assert "komentar" not in post.text
    assert json.loads(json.dumps(raw.payload)) == raw.payload


@pytest.mark.parametrize(
    ("page", "word"),
    [
        (Page(status=404), "404"),
        (Page(b"%PDF-1.7", type="application/pdf"), "application/pdf"),
        (Page(b"x" * 3_000_000), "larger"),
        (Page(b""), "empty"),
        (Page(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}), "internal address"),
    ],
)
def test_an_article_that_cannot_be_had_is_not_lost(site: Site, tmp_path: Path, page: Page, word: str) -> None:
    site.routes |= {
        "/feed": rss(item(1, f"{site.url}/panen"), item(2, f"{site.url}/lagi")),
        "/panen": page,
        "/lagi": ARTICLE,
    }
    source = feed_source(site.url + "/feed", tmp_path)
    first, second = source.fetch()
    assert word in first.payload["article_error"]
    assert source.parse(first).text == "Isi berita nomor 1."
    assert "html" in second.payload
    source.commit()
    assert list(feed_source(site.url + "/feed", tmp_path).fetch()) == []
    assert site.paths.count("/panen") == 1


def test_an_article_that_fails_for_now_is_tried_again(site: Site, tmp_path: Path) -> None:
    feed = rss(item(1, f"{site.url}/panen"))
    site.routes |= {
        "/feed": Page(feed.body, headers={"ETag": '"v1"'}),
        "/panen": [Page(status=503), Page(status=503), ARTICLE],
    }
    got = []
    for _run in range(4):
        source = feed_source(site.url + "/feed", tmp_path)
        got.append([sorted({"html", "article_error"} & set(raw.payload)) for raw in source.fetch()])
        source.commit()
    assert got == [[["article_error"]], [], [["html"]], []]
    assert site.paths.count("/panen") == 3


def test_an_article_is_given_up_after_three_tries(site: Site, tmp_path: Path) -> None:
    site.routes |= {"/feed": rss(item(1, f"{site.url}/panen")), "/panen": Page(status=503)}
    for _run in range(5):
        source = feed_source(site.url + "/feed", tmp_path)
        list(source.fetch())
        source.commit()
    assert site.paths.count("/panen") == 3


def test_a_host_that_is_down_is_left_alone(site: Site, tmp_path: Path) -> None:
    site.routes |= {"/feed": rss(*(item(n, f"{site.url}/{n}") for n in range(9)))}
    site.routes |= {f"/{n}": Page(status=503) for n in range(9)}
    found = list(feed_source(site.url + "/feed", tmp_path).fetch())
    assert len(found) == 9
    assert len(site.paths) == 1 + 3


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433"])
def test_a_feed_cannot_send_us_into_the_office(site: Site, tmp_path: Path, host: str) -> None:
    with serving({"/rahasia": Page(b"<p>rahasia</p>")}) as inner:
        site.routes["/feed"] = rss(item(1, f"http://{host}:{inner.server_port}/rahasia"))
        (raw,) = feed_source(site.url + "/feed", tmp_path).fetch()
        assert inner.asked == []
    assert "html" not in raw.payload
    assert "article_error" in raw.payload


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "file:///etc/passwd", "http://a:b@kabar.example/", "ftp://x/", "//["]
)
def test_links_that_cannot_be_opened_are_dropped(site: Site, tmp_path: Path, link: str) -> None:
    site.routes["/feed"] = rss(item(1, link))
    source = feed_source(site.url + "/feed", tmp_path)
    (raw,) = source.fetch()
    assert "link" not in raw.payload
    assert source.parse(raw).id.startswith("sha:")


def test_robots_txt_speaks_for_articles_too(site: Site, tmp_path: Path) -> None:
    site.routes |= {"/robots.txt": Page(b"User-agent: *\nDisallow: /panen"), "/feed": rss(item(1, f"{site.url}/panen"))}
    (raw,) = feed_source(site.url + "/feed", tmp_path).fetch()
    assert "robots.txt" in raw.payload["article_error"]


# --- what is no feed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "word"),
    [
        (Page(status=404), "404"),
        (Page(status=503), "503"),
        (Page(b""), "empty"),
        (Page(b"  \n"), "empty"),
        (ARTICLE, "a web page, not a feed"),
        (Page(b"<link rel=alternate type=application/rss+xml href=/umpan><p>x"), "web page|no feed"),
        (Page(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "svg"),
        (Page(b'{"a": 1}'), "no JSON Feed"),
        (Page(b'{"items": 5}'), "no JSON Feed"),
        (Page(b"[" * 100_000), "no feed"),
        (Page(b'{"items": [' + b"9" * 10_000 + b"]}"), "no feed"),
        (Page(b"<<<<"), "no feed"),
        (Page(b"halo"), "halo"),
        (Page(bytes(range(256))), "no feed"),
        (Page(b"<!DOCTYPE x [<!ENTITY a 'b'>]><rss><channel/></rss>"), "entities"),
    ],
)
def test_what_is_no_feed_says_what_it_is(site: Site, tmp_path: Path, page: Page, word: str) -> None:
    site.routes["/feed"] = page
    source = feed_source(site.url + "/feed", tmp_path)
    with pytest.raises(SourceUnavailable, match=word):
        list(source.fetch())


def test_a_web_page_that_names_its_feed(site: Site, tmp_path: Path) -> None:
    site.routes["/"] = Page(
        b"<!doctype html><html><head><link rel='alternate' type='application/rss+xml' href='/umpan'></head><p>x</html>"
    )
    with pytest.raises(SourceUnavailable, match=f"names the feed {site.url}/umpan"):
        list(feed_source(site.url + "/", tmp_path).fetch())


def test_a_dead_feed(tmp_path: Path) -> None:
    with serving({}) as gone:
        address = gone.url + "/feed"
    with pytest.raises(SourceUnavailable, match="no good answer"):
        list(feed_source(address, tmp_path).fetch())


@pytest.mark.parametrize(
    "page", [rss(), Page(b'{"version": "https://jsonfeed.org/version/1", "items": []}'), Page(b"<urlset/>")]
)
def test_an_empty_feed_gives_nothing(site: Site, tmp_path: Path, page: Page) -> None:
    site.routes["/feed"] = page
    source = feed_source(site.url + "/feed", tmp_path)
    assert list(source.fetch()) == []
    assert source.notes == []
    source.commit()


def test_a_file_is_read_without_the_web_and_without_memory(tmp_path: Path) -> None:
    for _twice in range(2):
        source = feed_source(EXAMPLES / "rss2.xml", tmp_path)
        found = list(source.fetch())
        source.commit()
        assert len(found) == 5
        assert not any("article_error" in raw.payload for raw in found)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tidak-ada"):
        list(feed_source(tmp_path / "tidak-ada.xml", tmp_path).fetch())
    with pytest.raises(ConfigError):
        list(feed_source(tmp_path, tmp_path).fetch())


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sources.feed.MAX_FILE", 1_000)
    with pytest.raises(ConfigError, match="larger than 1,000 bytes"):
        list(feed_source(EXAMPLES / "rss2.xml", tmp_path).fetch())


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://x/feed", "https://budi:rahasia@kabar.example/feed"])
def test_a_wrong_address_is_an_error_of_the_config(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError):
        feed_source(address, tmp_path)


# --- formats -------------------------------------------------------------------------------------------------------


def only(page: Page | bytes, **given: str) -> Entry:
    feed = read_feed(page if isinstance(page, bytes) else page.body, **given)
    (entry,) = feed.entries
    assert isinstance(entry, Entry)
    return entry


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Air &nbsp;bersih", "Air bersih"),
        ("Tanah & air", "Tanah & air"),
        ("Tanah &amp; air &hellip;", "Tanah & air …"),
        ("<![CDATA[Tanah & air]]>", "Tanah & air"),
        ("<![CDATA[<b>Tanah</b> &amp; air]]>", "Tanah & air"),
        ("&lt;b&gt;Tanah&lt;/b&gt; air", "Tanah air"),
        ("Sungai &#233;&#x20;kering", "Sungai é kering"),
        ("Kering\x0b \x01sekali", "Kering sekali"),
        ("3 &lt; 5", "3 < 5"),
    ],
)
def test_titles_as_feeds_really_write_them(text: str, title: str) -> None:
    assert only(rss(f"<item><title>{text}</title><link>https://kabar.example/1?a=1&b=2</link></item>")).title == title


def test_a_lone_ampersand_in_a_link_stays_one() -> None:
    assert (
        only(rss("<item><link>https://kabar.example/1?a=1&b=2</link></item>")).link == "https://kabar.example/1?a=1&b=2"
    )
    cdata = "<item><title>Tanah & air</title><link><![CDATA[https://kabar.example/1?a=1&b=2]]></link></item>"
    assert only(rss(cdata)).link == "https://kabar.example/1?a=1&b=2"


def test_a_feed_that_was_cut_off_gives_what_came() -> None:
    body = rss(item(1), item(2)).body
    entries = read_feed(body[: body.index(b"Berita 2") + 4]).entries
    assert entries[0].title == "Berita 1"


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<?xml version='1.0' encoding='iso-8859-1'?>{}".encode("latin-1"), None),
        (b"<?xml version='1.0'?>{}", "iso-8859-1"),
        (b"<?xml version='1.0' encoding='utf-8'?>{}", "x-user-defined"),
        (b"{}", "unicode_escape"),
    ],
)
def test_encodings(body: bytes, charset: str | None) -> None:
    text = "<rss><channel><item><title>Café</title></item></channel></rss>"
    for encoded in (text.encode("latin-1"), text.encode("utf-8")):
        assert only(body.replace(b"{}", encoded), charset=charset).title == "Café"


def test_a_stray_byte_does_not_spoil_a_unicode_text() -> None:
    text = "<rss><channel><item><title>“Café” é é é é ~</title></item></channel></rss>"
    assert only(text.encode().replace(b"~", b"\xe9")).title.startswith("“Café” é é é é")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_encodings(codec: str) -> None:
    text = "<rss><channel><item><title>Café desa</title></item></channel></rss>"
    assert only(text.encode(codec)).title == "Café desa"


def test_a_prefix_that_was_not_declared_is_understood() -> None:
    entry = only(
        rss("<item><title>x</title><dc:date>2026-11-21</dc:date><content:encoded>isi</content:encoded></item>")
    )
    assert (entry.published, entry.content) == ("2026-11-21", "isi")
    with pytest.raises(SourceUnavailable, match="its root is"):
        read_feed(b"<a:b:c xmlns:d='e'>x</a:b:c>")


def test_relative_links_are_completed() -> None:
    assert (
        only(rss("<item><link>/a/b</link></item>"), base="https://kabar.example/umpan/rss").link
        == "https://kabar.example/a/b"
    )
    assert only(rss("<item><title>x</title><link>/a/b</link></item>")).link == ""


def test_a_guid_is_a_link_unless_it_says_otherwise() -> None:
    guid = "<item><title>x</title><guid{}>https://kabar.example/1</guid></item>"
    assert only(rss(guid.format(""))).link == "https://kabar.example/1"
    assert only(rss(guid.format(' isPermaLink="false"'))).link == ""


def test_a_packed_sitemap_and_an_index_of_sitemaps(site: Site, tmp_path: Path) -> None:
    packed = Page(gzip.compress((EXAMPLES / "newssitemap.xml").read_bytes()), type="application/gzip")
    index = "".join(
        f"<sitemap><loc>{site.url}/{name}</loc><lastmod>2026-11-{day}</lastmod></sitemap>"
        for name, day in (("lama.xml", 10), ("baru.xml.gz", 21), ("mati.xml", 20), ("dalam.xml", 15))
    )
    nested = "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{}</sitemapindex>"
    site.routes |= {
        "/feed": Page(nested.format(index).encode(), headers={"ETag": '"v1"'}),
        "/baru.xml.gz": packed,
        "/lama.xml": Page(b"<urlset><url><loc>https://suara.example/lama</loc></url></urlset>"),
        "/dalam.xml": Page(nested.format(f"<sitemap><loc>{site.url}/feed</loc></sitemap>").encode()),
        "/mati.xml": Page(status=404),
    }
    source = feed_source(site.url + "/feed", tmp_path, articles=False)
    found = list(source.fetch())
    assert [raw.payload["link"] for raw in found if isinstance(raw, RawItem)] == [
        "https://suara.example/berita/festival-layang-layang",
        "https://suara.example/lama",
    ]
    assert len(found) == 3  # and the broken entry of the example
    assert site.paths == ["/feed", "/baru.xml.gz", "/mati.xml", "/dalam.xml", "/lama.xml"]
    assert ["404" in note for note in source.notes] == [True]


def test_of_an_index_only_the_newest_sitemaps_are_read(site: Site, tmp_path: Path) -> None:
    links = "".join(
        f"<sitemap><loc>{site.url}/s{n:02}.xml</loc><lastmod>2026-10-{n:02}</lastmod></sitemap>" for n in range(1, 25)
    )
    site.routes["/feed"] = Page(f"<sitemapindex>{links}</sitemapindex>".encode())
    source = feed_source(site.url + "/feed", tmp_path, articles=False)
    with pytest.raises(SourceUnavailable, match="404"):
        list(source.fetch())
    assert len(site.paths) == 21
    site.routes["/s24.xml"] = Page(b"<urlset><url><loc>https://suara.example/a</loc></url></urlset>")
    assert len(list(source.fetch())) == 1
    assert source.notes[-1] == "of 24 sitemaps the newest 20 were read"


def test_a_packed_bomb_in_a_sitemap(site: Site, tmp_path: Path) -> None:
    site.routes["/feed"] = Page(gzip.compress(b"\0" * 30_000_000, 1), type="application/gzip")
    with pytest.raises(SourceUnavailable, match="holds more than"):
        list(feed_source(site.url + "/feed", tmp_path).fetch())


def test_a_page_behind_a_plain_sitemap_gives_its_own_title(site: Site, tmp_path: Path) -> None:
    site.routes |= {
        "/feed": Page(f"<urlset><url><loc>{site.url}/panen</loc></url></urlset>".encode()),
        "/panen": ARTICLE,
    }
    source = feed_source(site.url + "/feed", tmp_path)
    (raw,) = source.fetch()
    assert source.parse(raw).title == "Panen raya di Lembah Sari, harga gabah bertahan"


# --- privacy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rss2.xml", "rss1.xml", "atom.xml", "jsonfeed.json", "youtube.xml"])
def test_no_author_reaches_the_payload(tmp_path: Path, name: str) -> None:
    kept = json.dumps([raw.payload for raw in feed_source(EXAMPLES / name, tmp_path).fetch()])
    for gone in ("redaksi@", "Redaksi", "humas@", "Petugas Humas", "Bagian Humas", "Kanal Contoh", "UCcontoh"):
        assert gone not in kept


def test_a_video_of_a_channel_is_a_post_under_a_pseudonym(tmp_path: Path) -> None:
    source = feed_source(EXAMPLES / "youtube.xml", tmp_path)
    post = source.parse(next(iter(source.fetch())))
    assert (post.kind, post.visibility, post.url, post.institution) == ("post", "broadcast", None, None)
    assert post.id.startswith("youtube~")
    assert "coNtoH" not in post.id
    assert post.author_key


def test_an_institutions_channel_stays_readable(tmp_path: Path) -> None:
    text = (EXAMPLES / "youtube.xml").read_text(encoding="utf-8").replace("UCcontohcontohcontoh0001", "UClembagacontoh")
    (tmp_path / "kanal.xml").write_text(text, encoding="utf-8")
    source = feed_source(tmp_path / "kanal.xml", tmp_path, visibility="official", subject="institution")
    post = source.parse(next(iter(source.fetch())))
    assert post.institution == "UClembagacontoh"
    assert post.id == f"url:{post.url}" == "url:https://www.youtube.com/watch?v=coNtoH_0001"
    assert post.visibility == "official"


def test_a_feed_of_another_platform_is_social_too(site: Site, tmp_path: Path) -> None:
    site.routes["/feed"] = rss(item(1, "https://sosial.example/@akun/112233445566"))
    source = feed_source(site.url + "/feed", tmp_path, platform="mastodon", visibility="broadcast")
    (raw,) = source.fetch()
    post = source.parse(raw)
    assert (post.kind, post.url, post.platform) == ("post", None, "mastodon")
    assert "sosial.example" not in post.id
    assert site.paths == ["/feed"]


# --- anything at all -----------------------------------------------------------------------------------------------

SEEDS = [path.read_bytes() for path in sorted(EXAMPLES.iterdir()) if ".expected." not in path.name]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An example feed with pieces cut out, doubled or overwritten."""
    body = bytearray(draw(st.sampled_from(SEEDS)))
    for _cut in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 200)))
        body[start:end] = draw(st.sampled_from([b"", bytes(body[start:end]) * 2])) + draw(st.binary(max_size=8))
    return bytes(body)


@given(
    st.one_of(st.binary(max_size=300), damaged()), st.sampled_from([None, "utf-8", "utf-16", "zlib", "x", "punycode"])
)
def test_any_bytes_are_entries_or_our_error(body: bytes, charset: str | None) -> None:
    source = feed_source(EXAMPLES / "rss2.xml", Path("unused"))
    try:
        feed = read_feed(body, charset=charset, base="https://kabar.example/")
    except SourceUnavailable:
        return

    for entry in feed.entries:
        if not isinstance(entry, Entry):
            assert entry.reason
            continue
        payload = _payload(entry)
        stored = json.loads(json.dumps(payload).encode("utf-8"))
        raw = RawItem("portal", "feed", NOW, entry.place, stored)
        try:
            post = source.parse(raw)
        except ItemError:
            continue
        assert post == source.parse(raw)
        assert post.text
        assert post.published_at is None or post.published_at.tzinfo is not None


@given(st.one_of(st.binary(max_size=300), damaged()))
@example(b'<p <type": "a" {"b": 1}>x</p>')
def test_any_page_is_tidied_and_read(body: bytes) -> None:
    page = tidied(decoded(body))
    assert tidied(decoded(page.encode())) is not None
    assert len(article_text(page)) <= len(page)
    assert "<script" not in page
    assert isinstance(page_title(page) + feed_hint(page, "https://kabar.example/"), str)


@given(
    st.dictionaries(
        st.sampled_from(["id", "link", "title", "published", "summary", "content", "html", "platform", "author_key"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=50), st.lists(st.text(max_size=5))),
    )
)
def test_any_payload_is_a_post_or_an_item_error(payload: dict[str, object]) -> None:
    source = feed_source("-", Path("unused"))
    try:
        assert isinstance(source.parse(RawItem("portal", "feed", NOW, "entry 1", payload)), Post)
    except ItemError:
        return


HEAD = b'<?xml version="1.0"?><rss version="2.0"><channel>'
BOMBS = {
    "open": HEAD + b"<" * 400_000,
    "cdata": HEAD + b"<item><title>" + b"<![CDATA[" * 50_000,
    "comments": HEAD + b"<!--" * 100_000,
    "nested": HEAD + b"<item><title>x</title>" * 20_000,
    "deep": HEAD + b"<item><description>" + b"<b>" * 100_000,
    "deep html": HEAD
    + b"<item><description><![CDATA["
    + b"<div>" * 60_000
    + b"x]]></description></item></channel></rss>",
    "ampersands": HEAD + b"<item><title>" + b"&" * 400_000,
    "references": HEAD + b"<item><title>" + b"&#x" * 150_000,
    "attributes": HEAD + b"<item " + b"".join(b'a%d="1" ' % n for n in range(30_000)),
    "spaces": HEAD + b"<item><title>x" + b" \n" * 200_000 + b"y</title></item></channel></rss>",
    "many": HEAD + b"<item><title>x</title></item>" * 15_000,
    "laughs": b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel><title>&b;</title></channel></rss>',
    "outside": b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><rss><channel><item><title>&x;</title></item></channel></rss>',
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_take_little_time(name: str) -> None:
    start = time.process_time()
    try:
        feed = read_feed(BOMBS[name])
    except SourceUnavailable:
        feed = None
    if feed is not None and feed.entries:
        source = feed_source("-", Path("unused"))
        for entry in feed.entries[:100]:
            if isinstance(entry, Entry):
                with contextlib.suppress(ItemError):
                    source.parse(RawItem("portal", "feed", NOW, entry.place, _payload(entry)))
    assert time.process_time() - start < 5
    assert b"root:" not in repr(feed).encode()
