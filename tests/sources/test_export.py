"""The export source: mappings by example, the allow-list, what is refused, ids, and hostile files."""

from __future__ import annotations

import csv
import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.core.config import Intake, Office, SourceSettings
from pipeline.core.errors import ConfigError, ItemError, KentonganError
from pipeline.core.identity import Pseudonyms
from pipeline.core.types import Post, Quarantined, RawItem
from pipeline.sources.export import ExportSource

EXAMPLES = Path(__file__).parent.parent / "examples" / "export"
PSEUDONYMS = Pseudonyms(b"a" * 32, b"i" * 32, frozenset({"kpu_contoh", "halaman contoh"}))
OFFICE = Office(code="61", name="Kesbangpol", timezone="Asia/Jakarta", language="id", calendar="", institutions="")
INTAKE = Intake(one_person_share=0.3, one_person_rows=20, max_text=1000)
NOW = datetime(2024, 12, 1, 3, 0, tzinfo=UTC)
READY = ("4cat", "x-v2", "telegram", "youtube-comments", "listening", "plain")


def source(path: Path, **options: Any) -> ExportSource:
    configured = SourceSettings(kind="export", path=str(path), **options)
    return ExportSource("contoh", configured, pseudonyms=PSEUDONYMS, office=OFFICE, intake=INTAKE, clock=lambda: NOW)


def read(made: ExportSource, since: datetime | None = None) -> tuple[list[RawItem], list[Quarantined]]:
    given_items = list(made.fetch(since))
    raws = [item for item in given_items if isinstance(item, RawItem)]
    return raws, [item for item in given_items if isinstance(item, Quarantined)]


def posts(made: ExportSource) -> list[Post]:
    return [made.parse(raw) for raw in read(made)[0]]


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def outcome(made: ExportSource) -> dict[str, Any]:
    """All that reading a file gave, as JSON."""
    raws, quarantined = read(made)
    found, unfit = [], [(item.place, item.reason) for item in quarantined]
    for raw in raws:
        try:
            found.append(dataclasses.asdict(made.parse(raw)))
        except ItemError as error:
            unfit.append((raw.place, str(error)))
    result = {
        "mapping": made.mapping_name,
        "columns": made.mapping,
        "dropped": dict(made.dropped),
        "skipped": dict(made.skipped),
        "refused": made.refused,
        "quarantined": unfit,
        "posts": found,
    }
    return json.loads(json.dumps(result, default=str))


@pytest.mark.parametrize("folder", sorted(path.name for path in EXAMPLES.iterdir()))
def test_example(folder: str) -> None:
    """Each folder holds an input, maybe settings, and what it must give; one that is missing is written."""
    home = EXAMPLES / folder
    path = next(home.glob("input.*"))
    told = home / "source.json"
    found = outcome(source(path, **(json.loads(told.read_text(encoding="utf-8")) if told.exists() else {})))
    expected = home / "expected.json"
    if not expected.exists():
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        pytest.fail(f"{expected} was missing and has been written: read it, then commit it")
    assert found == json.loads(expected.read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", sorted({path.name for path in EXAMPLES.iterdir()} & set(READY)))
def test_a_ready_mapping_is_recognised_and_can_be_named(folder: str) -> None:
    path = next((EXAMPLES / folder).glob("input.*"))
    guessed, named = source(path), source(path, mapping=folder)
    assert outcome(guessed) == outcome(named)
    assert guessed.mapping_name == folder


def test_every_ready_mapping_has_an_example() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} >= set(READY)


def test_nothing_but_the_allow_list_leaves_fetch(tmp_path: Path) -> None:
    row = {"Tweet": "lampu jalan padam", "akun": "warga.rahasia", "nama lengkap": "Nama Rahasia", "bio": "RAHASIA"}
    row |= {"telepon": "0812RAHASIA", "followers": "12"}
    made = source(write_csv(tmp_path / "a.csv", [row]))
    raws, _ = read(made)
    assert "rahasia" not in json.dumps(raws[0].payload).casefold()
    assert set(raws[0].payload) == {"text", "kind", "platform", "author_key"}
    assert made.dropped == {"nama lengkap": 1, "bio": 1, "telepon": 1, "followers": 1}
    assert made.mapping == {"text": "Tweet", "author": "akun"}


def test_the_users_own_columns_go_over_the_guess(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"text": "salah", "Kolom 7": "benar", "Hari Muat": "26/06/2020"}])
    made = source(path, columns={"text": "Kolom 7", "published_at": "hari muat"})
    [post] = posts(made)
    assert (post.text, post.published_precision) == ("benar", "day")
    assert made.dropped == {"text": 1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ("--map text=COLUMN", "kolom_a, kolom_b")),
        ({"columns": {"text": "kolom_c"}}, ('no column "kolom_c"', "kolom_a")),
        ({"columns": {"teks": "kolom_a"}}, ('no field "teks"', '"text"')),
        ({"mapping": "4kat"}, ('no ready mapping "4kat"', '"4cat"')),
    ],
)
def test_a_wrong_mapping_is_told_with_what_there_is(tmp_path: Path, options: Any, words: tuple[str, ...]) -> None:
    path = write_csv(tmp_path / "a.csv", [{"kolom_a": "x", "kolom_b": "y"}])
    with pytest.raises(ConfigError) as caught:
        list(source(path, **options).fetch())
    for word in words:
        assert word in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def rows_by(accounts: list[str]) -> list[dict[str, str]]:
    return [{"text": f"tulisan nomor {number}", "author": account} for number, account in enumerate(accounts)]


@pytest.mark.parametrize(
    ("accounts", "refused"),
    [
        (["satu"] * 7 + [f"lain{n}" for n in range(13)], True),  # 7 of 20 is 35 %
        (["satu"] * 6 + [f"lain{n}" for n in range(14)], False),  # 30 % is not over 30 %
        (["Satu", "satu", "SATU", " satu "] * 2 + [f"lain{n}" for n in range(12)], True),
        (["satu"] * 19, False),  # fewer than 20 rows say nothing
        (["@KPU_contoh"] * 30, False),  # an institution
        ([""] * 30, False),
    ],
)
def test_a_file_about_one_person_is_refused_whole(tmp_path: Path, accounts: list[str], refused: bool) -> None:
    made = source(write_csv(tmp_path / "orang.csv", rows_by(accounts)))
    raws, quarantined = read(made)
    assert bool(made.refused) is refused
    if refused:
        assert raws == []
        assert [(item.place, item.reason) for item in quarantined] == [("orang.csv", made.refused)]
        assert "satu" not in made.refused.casefold().replace("about one person", "")
    else:
        assert len(raws) == len(accounts)


def test_one_person_is_also_told_by_addresses(tmp_path: Path) -> None:
    rows = [{"text": f"t{n}", "url": f"https://x.com/orang_itu/status/{10**18 + n}"} for n in range(20)]
    assert source_refused(write_csv(tmp_path / "a.csv", rows))


def source_refused(path: Path) -> bool:
    made = source(path)
    list(made.fetch())
    return bool(made.refused)


def test_bylines_of_news_are_neither_counted_nor_kept(tmp_path: Path) -> None:
    rows = [{"text": f"berita {n}", "author": "wartawan"} for n in range(25)]
    made = source(write_csv(tmp_path / "a.csv", rows), item_kind="news")
    found = posts(made)
    assert len(found) == 25
    assert {(post.author_key, post.visibility) for post in found} == {(None, "media")}


def test_counting_accounts_stays_bounded_and_finds_the_heavy_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.sources.export.COUNTED_ACCOUNTS", 10)
    accounts = [name for n in range(300) for name in ("satu", f"a{n}")]
    assert source_refused(write_csv(tmp_path / "a.csv", rows_by(accounts)))
    assert not source_refused(write_csv(tmp_path / "b.csv", rows_by([f"a{n}" for n in range(600)])))


@pytest.mark.parametrize(
    "kind",
    ["private_group", "private_supergroup", "personal_chat", "bot_chat", "private_channel", "public_supergroup", ""],
)
@pytest.mark.parametrize("mapping", ["", "plain", "telegram"])
def test_telegram_chats_that_are_no_public_channel_are_refused(tmp_path: Path, kind: str, mapping: str) -> None:
    chat = json.loads((EXAMPLES / "telegram" / "input.json").read_text(encoding="utf-8")) | {"type": kind}
    path = tmp_path / "result.json"
    path.write_text(json.dumps(chat), encoding="utf-8")
    made = source(path, mapping=mapping)
    raws, quarantined = read(made)
    assert (raws, len(quarantined)) == ([], 1)
    assert "public channels" in made.refused


def test_telegram_messages_without_their_head_are_refused(tmp_path: Path) -> None:
    chat = json.loads((EXAMPLES / "telegram" / "input.json").read_text(encoding="utf-8"))
    path = tmp_path / "pesan.jsonl"
    path.write_text("\n".join(json.dumps(message) for message in chat["messages"]), encoding="utf-8")
    assert source_refused(path)


def test_a_whole_telegram_account_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text('{"about": "x", "personal_information": {"phone_number": "1"}, "chats": {"list": []}}')
    made = source(path)
    assert read(made)[0] == []
    assert "whole account" in made.refused


@pytest.mark.parametrize(
    ("url", "kept"),
    [("https://t.me/c/123456/7", 0), ("https://t.me/+AbCdEf", 0), ("https://t.me/kanal_contoh/7", 1)],
)
def test_links_that_only_members_can_open_are_restricted(tmp_path: Path, url: str, kept: int) -> None:
    made = source(write_csv(tmp_path / "a.csv", [{"text": "isi", "url": url}]))
    assert len(read(made)[0]) == kept
    assert made.skipped["restricted"] == 1 - kept


SAME_POST = [
    ("x", "1858112233445566001", "https://twitter.com/akun/status/1858112233445566001?s=20"),
    ("X", "1858112233445566001", "https://mobile.x.com/i/web/status/1858112233445566001"),
    ("Twitter", "'1858112233445566001", "x.com/akun/statuses/1858112233445566001#m"),
    ("facebook", "1000_1234567890123", "https://www.facebook.com/halaman/posts/1234567890123"),
    ("fb", "998877665544332", "https://m.facebook.com/story.php?story_fbid=998877665544332&id=10"),
    ("youtube", "abcDEF12345", "https://www.youtube.com/watch?v=abcDEF12345&t=3"),
    ("yt", "abcDEF12345", "https://youtu.be/abcDEF12345?si=x"),
    ("youtube", "abcDEF12345", "https://youtube.com/shorts/abcDEF12345"),
    ("tiktok", "7430000000000000001", "https://www.tiktok.com/@warga/video/7430000000000000001"),
    ("instagram", "DC1abcdEFgh", "https://www.instagram.com/reel/DC1abcdEFgh/"),
    ("ig", "3504196357872438305_77", "https://www.instagram.com/akun/p/DChaAV-NEwh/"),
    ("telegram", "kanal_contoh/77", "https://t.me/s/Kanal_Contoh/77"),
    ("threads", "DC2xyzABCde", "https://www.threads.com/@warga/post/DC2xyzABCde"),
]


@pytest.mark.parametrize(("platform", "own", "url"), SAME_POST)
def test_id_and_address_of_one_post_agree(tmp_path: Path, platform: str, own: str, url: str) -> None:
    by_id = posts(source(write_csv(tmp_path / "a.csv", [{"text": "a", "platform": platform, "id": own}])))
    by_url = posts(source(write_csv(tmp_path / "b.csv", [{"text": "b", "url": url}])))
    assert by_id[0].id == by_url[0].id
    assert "~" in by_id[0].id
    assert by_url[0].url is None  # the address of a citizen's post goes no further than landing


@pytest.mark.parametrize("own", ["1", "10001", "1,85811E+18", "1.858112233445566e+18", ""])
def test_row_numbers_and_rounded_numbers_are_no_ids(tmp_path: Path, own: str) -> None:
    rows = [{"text": text, "platform": "x", "id": own} for text in ("hujan deras", "panas terik")]
    first, second = posts(source(write_csv(tmp_path / "a.csv", rows)))
    assert first.id.startswith("sha:")
    assert first.id != second.id


def test_without_id_and_address_words_and_time_tell_posts_apart(tmp_path: Path) -> None:
    texts = ["Jalan RUSAK!", "jalan   rusak", "jalan mulus"]
    rows = [{"text": text, "published_at": "2024-11-20T10:00:00Z"} for text in texts]
    rows.append({"text": "jalan rusak", "published_at": "2024-11-21T10:00:00Z"})
    ids = [post.id for post in posts(source(write_csv(tmp_path / "a.csv", rows)))]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_copies_on_pages_of_other_sites_stay_apart(tmp_path: Path) -> None:
    rows = [{"text": "sebarkan", "url": f"https://forum{n}.example/utas/5"} for n in range(2)]
    rows.append({"text": "balasan lain", "url": "https://forum0.example/utas/5"})
    assert len({post.id for post in posts(source(write_csv(tmp_path / "a.csv", rows)))}) == 3


def test_institutions_and_news_keep_their_address(tmp_path: Path) -> None:
    rows = [
        {"text": "pengumuman", "author": "@KPU_Contoh", "url": "https://x.com/kpu_contoh/status/1858112233445566009"},
        {"text": "profil saja", "author": "kpu_contoh", "url": "https://x.com/kpu_contoh"},
    ]
    first, second = posts(source(write_csv(tmp_path / "a.csv", rows)))
    assert first.id == "url:https://x.com/kpu_contoh/status/1858112233445566009"
    assert (first.institution, first.author_key) == ("kpu_contoh", None)
    assert (second.url, second.id[:4]) == (None, "sha:")
    news = write_csv(tmp_path / "b.csv", [{"text": "isi", "url": "https://Portal.example/a?utm_source=x#b"}])
    assert posts(source(news, item_kind="news"))[0].id == "url:https://portal.example/a"


def test_a_row_cannot_make_itself_a_field_report(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"text": "isi", "kind": "field"}])
    assert posts(source(path))[0].kind == "post"
    assert posts(source(path, item_kind="field"))[0].kind == "field"


@pytest.mark.parametrize(
    ("written", "precision"),
    [("2024-12-02 09:00", "minute"), ("2024-12-03 09:00", "none"), ("1994-12-30", "none"), ("besok", "none")],
)
def test_times_that_cannot_be_are_left_out(tmp_path: Path, written: str, precision: str) -> None:
    [post] = posts(source(write_csv(tmp_path / "a.csv", [{"text": "isi", "published_at": written}])))
    assert post.published_precision == precision
    assert (post.published_at is None) == (precision == "none")
    assert post.partition == "2024-12-01/10"


def test_since_leaves_out_older_rows_and_counts_them(tmp_path: Path) -> None:
    rows = [{"text": f"isi {day}", "published_at": f"2024-11-{day} 10:00"} for day in (18, 19, 20)]
    rows.append({"text": "tanpa waktu", "published_at": ""})
    made = source(write_csv(tmp_path / "a.csv", rows))
    raws, _ = read(made, since=datetime(2024, 11, 19, tzinfo=UTC))
    assert [raw.payload["text"] for raw in raws] == ["isi 19", "isi 20", "tanpa waktu"]
    assert made.skipped_old == 1


def test_long_texts_are_cut_and_counted(tmp_path: Path) -> None:
    made = source(write_csv(tmp_path / "a.csv", [{"text": "panjang " * 1000}]))
    [post] = posts(made)
    assert len(post.text) <= INTAKE.max_text
    assert made.cut == 1


def test_empty_text_is_an_item_error(tmp_path: Path) -> None:
    made = source(write_csv(tmp_path / "a.csv", [{"text": " ", "author": "a"}]))
    [raw], _ = read(made)
    with pytest.raises(ItemError, match="no text"):
        made.parse(raw)


def test_a_file_that_vanishes_between_the_two_readings_is_told(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"text": "isi", "author": "a"}])
    made = source(path)
    table = made._open(path)
    path.unlink()
    with pytest.raises(ConfigError, match=r"a\.csv cannot be read"):
        list(made._items(table, None, NOW))


def test_keys_of_two_sources_differ_and_ids_do_not(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"text": "isi", "author": "a", "platform": "x", "id": "1858112233445566001"}])
    first = source(path)
    other = ExportSource(
        "lain",
        SourceSettings(kind="export", path=str(path)),
        pseudonyms=PSEUDONYMS,
        office=OFFICE,
        intake=INTAKE,
        clock=lambda: NOW,
    )
    [one], [two] = posts(first), posts(other)
    assert one.id == two.id
    assert one.author_key != two.author_key


NAMES = st.sampled_from(["text", "isi", "id", "url", "author", "published_at", "platform", "kind", "privasi", "x", ""])
CELLS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["https://x.com/a/status/12345678", "t.me/c/1/2", "26/06/2020", "1e30", "news", "\ud800", "[", '"']
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.dictionaries(NAMES, CELLS | st.integers() | st.none() | st.lists(CELLS, max_size=3)), max_size=8))
def test_any_objects_give_posts_quarantine_or_our_errors(tmp_path: Path, objects: list[dict[str, Any]]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(item) for item in objects) + "\n{}", encoding="utf-8")
    made = source(path)
    try:
        raws, quarantined = read(made)
    except KentonganError:
        return
    assert made.refused or len(raws) + len(quarantined) + sum(made.skipped.values()) == len(objects) + 1
    for raw in raws:
        json.dumps(raw.payload, allow_nan=False).encode()
        json.dumps(raw.payload, ensure_ascii=False).encode("utf-8")
        try:
            post = made.parse(raw)
        except ItemError:
            continue
        assert post.text
        assert post.id.partition("~")[2] or post.id.startswith(("sha:", "url:"))
