"""The contract of every store (core.ports.Store): each product store passes all of it, and they agree on every search.

A new store joins by one line in `store` and one in `test_stores_agree`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from services.elastic_store import elastic_settings, prepared_store

from pipeline.core.errors import ConfigError
from pipeline.core.types import ClaimMatch, Flag, Page, Post, PutCount, Query, Reason, Region, Signal, Topic
from pipeline.store.fields import FACETS
from pipeline.store.memory import MemoryStore
from pipeline.store.query import parse_query
from pipeline.store.sqlite import SQLiteStore

ZONE = ZoneInfo("Asia/Jakarta")
START = datetime(2024, 11, 16, 3, tzinfo=UTC)

_numbers = itertools.count(1)
KINDS = ("memory", "sqlite", "elastic")


def make_flag(number: int = 0, text: str = "surat suara kurang", **changes: Any) -> Flag:
    """A flag; names of Post fields change the post, those of Flag fields the flag."""
    post = Post(
        id=f"x~{number:04d}",
        source="contoh",
        office="00",
        kind="post",
        visibility="broadcast",
        platform="x",
        text=text,
        fetched_at=START + timedelta(minutes=number),
        partition="2024-11-16/10",
        author_key="kunci",
    )
    of_post = {name: changes.pop(name) for name in list(changes) if name in Post.__dataclass_fields__}
    return replace(
        Flag(replace(post, **of_post), why=("signal",), fingerprint="a", month="2024.11", cluster=f"x~{number:04d}"),
        **changes,
    )


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "elastic":
        yield request.getfixturevalue("elastic_store")
        return
    with closing(
        MemoryStore(ZONE) if request.param == "memory" else SQLiteStore(tmp_path / "index.db", ZONE)
    ) as opened:
        yield opened


def ids(page: Page) -> list[str]:
    return [hit.flag.id for hit in page.hits]


def find(store: Any, typed: str, **options: Any) -> list[str]:
    return sorted(ids(store.search(parse_query(typed, zone=ZONE), **options)))


# put, get


def test_put_twice_is_once(store: Any) -> None:
    flags = [make_flag(1), make_flag(2)]
    assert store.put(flags) == PutCount(created=2)
    assert store.put(flags) == PutCount(unchanged=2)
    assert store.search(Query()).total == 2


def test_put_of_one_id_twice_in_one_call_counts_both(store: Any) -> None:
    assert store.put([make_flag(1), make_flag(1), make_flag(1, fingerprint="b")]) == PutCount(
        created=1, unchanged=1, updated=1
    )


def test_get_gives_back_what_was_put_without_the_author(store: Any) -> None:
    flag = make_flag(
        1,
        text="Warga \U0001f1ee\U0001f1e9 Kapuas “ribut”\n\x00 di TPS",
        title="Judul",
        published_at=START,
        published_precision="day",
        expires_at=START + timedelta(days=90),
        deleted_at_source=START,
        covers=("62", "62.03"),
        stage="kampanye",
        signals=(Signal("threat", 0.7, 0.5, "rules-1", (Reason(0, 5, 1.0),)), Signal("abusive", 0.1, 0.5, "m")),
        regions=(Region("62.03", "Kapuas", "regency", 0.9, "mention", ((9, 15),)),),
        topics=(Topic("logistik", "Logistik", False, ((0, 5), (6, 9))),),
        claims=(ClaimMatch("k1", 0.75, "match", True, ((0, 5),)), ClaimMatch("k2", 0.5, "suggest")),
        why=("signal", "claim"),
        why_not=("topic",),
        sample_probability=0.25,
        status="claimed",
    )
    store.put([flag])
    assert store.get(flag.id) == replace(flag, post=replace(flag.post, author_key=None))
    assert store.get("x~none") is None
    assert store.get_many(["x~none", flag.id]) == {flag.id: store.get(flag.id)}
    assert store.get_many([]) == {}
    assert store.get("\udcff") is None


def test_address_is_kept_for_news_and_institutions_only(store: Any) -> None:
    store.put(
        [
            make_flag(1, url="https://example.org/a"),
            make_flag(2, url="https://example.org/b", kind="news"),
            make_flag(3, url="https://example.org/c", institution="kpu"),
        ]
    )
    assert [store.get(f"x~{n:04d}").post.url for n in (1, 2, 3)] == [
        None,
        "https://example.org/b",
        "https://example.org/c",
    ]


def test_an_update_changes_signals_and_never_the_review(store: Any) -> None:
    store.put([make_flag(1, text="lama sekali", topics=(Topic("isu-a", "A", False),), month="2024.11")])
    store.mirror({"x~0001": "confirmed"})
    new = make_flag(
        1, text="baru saja", topics=(Topic("isu-b", "B", False),), month="2024.12", fingerprint="b", cluster="x~0009"
    )
    assert store.put([new]) == PutCount(updated=1)
    got = store.get("x~0001")
    assert (got.post.text, got.status, got.month, got.fingerprint) == ("baru saja", "confirmed", "2024.11", "b")
    assert find(store, "lama") == []
    assert find(store, "isu:isu-a") == []
    assert find(store, "klaster:x~0001") == []
    assert find(store, "baru isu:isu-b status:confirmed klaster:x~0009") == ["x~0001"]
    assert store.facets(Query(), FACETS)["topic"] == {"isu-b": 1}
    assert store.facets(Query(), FACETS)["status"] == {"confirmed": 1}


def test_index_name_is_that_of_the_first_landing(store: Any) -> None:
    store.put([make_flag(1, office="31", month="2026.11"), make_flag(2, office="31", month="")])
    store.put([make_flag(1, office="32", month="2027.01", fingerprint="b")])
    assert store.index_of("x~0001") == "flags-v1-31-2026.11"
    assert store.index_of("x~0002") == "flags-v1-31-2024.11"
    assert store.index_of("x~none") is None


def test_a_candidate_is_refused(store: Any) -> None:
    with pytest.raises(ConfigError, match="why"):
        store.put([make_flag(1, why=())])
    assert store.search(Query()).total == 0


# mirror, erase, expire


def test_mirror_touches_the_status_only(store: Any) -> None:
    store.put([make_flag(1), make_flag(2)])
    before = store.get("x~0001")
    assert store.mirror({"x~0001": "rejected", "x~0002": "open", "x~none": "rejected"}) == 1
    assert store.get("x~0001") == replace(before, status="rejected")
    assert store.mirror({"x~0001": "rejected"}) == 0
    assert store.facets(Query(), ["status"]) == {"status": {"open": 1, "rejected": 1}}
    with pytest.raises(ConfigError, match="x~0002"):
        store.mirror({"x~0002": "guilty"})


def test_what_is_erased_is_gone_and_never_taken_again(store: Any) -> None:
    store.put([make_flag(1, text="rahasia"), make_flag(2, text="rahasia juga")])
    assert store.erase(["x~0001", "x~0001", "x~0007"]) == 1
    assert store.get("x~0001") is None
    assert find(store, "rahasia") == ["x~0002"]
    assert store.facets(Query(), ["source"]) == {"source": {"contoh": 1}}
    again = [make_flag(1, text="rahasia", fingerprint="c"), make_flag(7), make_flag(8)]
    assert store.put(again) == PutCount(erased=2, created=1)
    assert find(store, "") == ["x~0002", "x~0008"]
    assert store.mirror({"x~0001": "open"}) == 0
    assert store.erase([]) == 0


def test_what_is_withdrawn_is_gone_unless_somebody_took_it_up_and_may_come_again(store: Any) -> None:
    store.put([make_flag(1), make_flag(2), make_flag(3)])
    store.mirror({"x~0002": "claimed"})
    assert store.withdraw(["x~0001", "x~0002", "x~0007"]) == 1
    assert find(store, "") == ["x~0002", "x~0003"]
    assert store.withdraw([]) == 0
    assert store.put([make_flag(1)]) == PutCount(created=1)


def test_an_expired_flag_loses_its_text_and_keeps_its_row(store: Any) -> None:
    reasons = (Signal("threat", 0.9, 0.5, "rules", (Reason(0, 5, 1.0),)),)
    region = Region("61", "Kalimantan Barat", "province", 0.9, "mention", ((0, 5),))
    store.put([make_flag(1, text="serang", title="judul", signals=reasons, regions=(region,)), make_flag(2)])
    assert store.expire(["x~0001", "x~none"]) == 1
    got = store.get("x~0001")
    assert (got.status, got.post.text, got.post.title) == ("expired", "", "")
    assert got.signals == (replace(reasons[0], reasons=()),)
    assert got.regions == (replace(region, spans=()),)
    assert find(store, "serang") == find(store, "judul") == []
    assert find(store, "wilayah:61 indikasi:ancaman status:kedaluwarsa") == ["x~0001"]
    assert find(store, "-serang") == ["x~0001", "x~0002"]
    assert store.put([make_flag(1, text="serang", fingerprint="b")]) == PutCount(unchanged=1)
    assert store.get("x~0001") == got
    assert store.expire(["x~0001"]) == 0
    [hit] = store.search(parse_query("id:x~0001", zone=ZONE)).hits
    assert (hit.snippet, hit.marks) == ("", ())
    assert store.erase(["x~0001"]) == 1
    assert store.facets(Query(), ["status", "region"]) == {"status": {"open": 1}, "region": {}}


def test_a_decided_flag_can_lose_its_text_and_keep_its_status(store: Any) -> None:
    store.put([make_flag(1)])
    store.mirror({"x~0001": "rejected"})
    assert store.expire(["x~0001"], keep_status=True) == 1
    assert (store.get("x~0001").status, store.get("x~0001").post.text) == ("rejected", "")


def test_due_are_undecided_flags_past_their_time(store: Any) -> None:
    limit = START + timedelta(days=90)
    store.put([make_flag(n, expires_at=limit) for n in range(4)] + [make_flag(5)])
    store.put([make_flag(3, expires_at=limit + timedelta(days=1), fingerprint="b")])
    store.mirror({"x~0000": "confirmed", "x~0001": "unsure"})
    assert store.due(limit - timedelta(seconds=1)) == []
    assert store.due(limit) == ["x~0001", "x~0002"]
    store.expire(["x~0001"], keep_status=True)
    assert store.due(limit) == ["x~0002"]
    store.expire(store.due(limit))
    assert store.due(limit) == []


# search


def test_a_word_matches_its_forms_and_slang(store: Any) -> None:
    store.put(
        [
            make_flag(1, text="Kecurangan dalam pilkada kemarin"),
            make_flag(2, text="mereka CURANG di Pilkada!"),
            make_flag(3, text="pilkada yg jujur"),
            make_flag(4, text="Orang-orang dicurangi"),
        ]
    )
    assert find(store, "pilkada curang") == ["x~0001", "x~0002"]
    assert find(store, "dicurangi") == ["x~0001", "x~0002", "x~0004"]
    assert find(store, "yang") == ["x~0003"]
    assert find(store, "orang") == ["x~0004"]
    assert find(store, '"curang"') == ["x~0002"]


def test_words_are_found_whatever_their_case_accents_and_signs(store: Any) -> None:
    store.put([make_flag(1, text="SÉNTRA gakkumdu: C1-plano,jum'at ①"), make_flag(2, text="ＳＥＮＴＲＡ")])
    assert find(store, "sentra") == ["x~0001", "x~0002"]
    assert find(store, "c1-plano") == find(store, '"c1 plano jum at"') == find(store, "jumat") == ["x~0001"]
    assert find(store, "se\u0301ntra gakkumdu!!") == ["x~0001"]


def test_the_parts_of_a_hyphenated_word_may_stand_apart(store: Any) -> None:
    store.put([make_flag(1, text="plano untuk c1"), make_flag(2, text="c1 plano"), make_flag(3, text="C1, tanpa")])
    assert ids(store.search(parse_query("c1-plano", zone=ZONE))) == ["x~0002", "x~0001"]


def test_a_phrase_stands_side_by_side_and_not_across_title_and_text(store: Any) -> None:
    store.put(
        [
            make_flag(1, text="surat suara kurang"),
            make_flag(2, text="suara surat"),
            make_flag(3, title="satu surat", text="suara itu"),
        ]
    )
    assert find(store, '"surat suara"') == ["x~0001"]
    assert find(store, "surat suara") == ["x~0001", "x~0002", "x~0003"]


def test_not_excludes_words_phrases_and_fields(store: Any) -> None:
    store.put([make_flag(1, text="banjir besar"), make_flag(2, text="kebanjiran"), make_flag(3, text="besar banjir")])
    assert find(store, "-banjir") == []
    assert find(store, '-"banjir besar"') == ["x~0002", "x~0003"]
    assert find(store, "banjir -besar") == ["x~0002"]
    assert find(store, "-id:x~0002 -id:x~0003") == ["x~0001"]


def test_fields_any_value_of_one_all_of_several(store: Any) -> None:
    def region(code: str, how: Any = "mention") -> Region:
        return Region(code, code, "regency", 0.9, how)

    store.put(
        [
            make_flag(1, regions=(region("61.01"),), source="A", kind="news", platform="web", stage="kampanye"),
            make_flag(2, regions=(region("62"), region("61", "source")), source="B", why=("topic", "claim")),
            make_flag(3, regions=(region("16.11"),), office="61.01", status="claimed"),
        ]
    )
    assert find(store, "wilayah:61") == ["x~0001"]
    assert find(store, "wilayah:61 wilayah:62") == ["x~0001", "x~0002"]
    assert find(store, "wilayah:61 sumber:b") == []
    assert find(store, "region:61.0") == []
    assert find(store, "liputan:61") == ["x~0002"]
    assert find(store, "sumber:a jenis:berita kanal:WEB tahapan:kampanye") == ["x~0001"]
    assert find(store, "alasan:klaim") == ["x~0002"]
    assert find(store, "kantor:61.01") == find(store, "status:diambil") == ["x~0003"]
    assert find(store, "kantor:61") == []  # an office is no region: rights do not reach down
    assert find(store, "-wilayah:61 -kantor:61.01") == ["x~0002"]


def test_a_claim_is_found_and_counted_only_where_a_post_carries_it(store: Any) -> None:
    both = (ClaimMatch("k1", 0.9, "match"), ClaimMatch("k2", 0.5, "suggest"))
    store.put(
        [
            make_flag(1, claims=both, why=("claim",)),
            make_flag(2, claims=(ClaimMatch("k1", 0.8, "denial"),), why=("topic",)),
            make_flag(3, claims=(ClaimMatch("k2", 0.9, "match"), ClaimMatch("k1", 0.8, "match")), why=("spread",)),
        ]
    )
    assert find(store, "klaim:k1") == find(store, "claim:K1") == ["x~0001", "x~0003"]
    assert find(store, "klaim:k2") == find(store, "alasan:menyebar") == ["x~0003"]
    assert find(store, "-klaim:k1") == ["x~0002"]
    assert find(store, "klaim:k") == []
    assert store.facets(Query(), ["claim"]) == {"claim": {"k1": 2, "k2": 1}}
    assert store.facets(Query(), ["fact_check"]) == {
        "fact_check": {"match": 2, "denial": 1, "missing": 1, "suggest": 1}
    }
    assert find(store, "cek_fakta:sama") == find(store, "-cek_fakta:bantahan") == ["x~0001", "x~0003"]
    assert find(store, 'cek_fakta:"belum ada"') == find(store, "fact_check:missing") == ["x~0003"]
    store.put([make_flag(3, fingerprint="b", why=("topic",))])
    assert store.facets(Query(), ["claim"]) == {"claim": {"k1": 1}}


def test_only_shown_labels_that_are_over_can_be_found_and_counted(store: Any) -> None:
    def signals(score: float) -> tuple[Signal, ...]:
        names = ("threat", "hate_group", "hoax_style", "abusive", "hate_speech", "insult_person")
        return tuple(Signal(name, score, 0.5, "m") for name in names)

    store.put([make_flag(1, signals=signals(0.5)), make_flag(2, signals=signals(0.4))])
    assert store.facets(Query(), ["label"]) == {"label": {"hate_group": 1, "threat": 1}}
    assert find(store, "label:threat") == ["x~0001"]
    for hidden in ("hoax_style", "abusive", "hate_speech"):
        assert find(store, f"label:{hidden}") == []


def test_days_are_the_offices_and_bounds_are_half_open(store: Any) -> None:
    midnight = datetime(2024, 11, 17, tzinfo=ZONE).astimezone(UTC)
    store.put(
        [
            make_flag(1, published_at=midnight - timedelta(microseconds=1)),
            make_flag(2, published_at=midnight),
            make_flag(3, fetched_at=midnight + timedelta(days=1)),
        ]
    )
    assert store.facets(Query(), ["day"]) == {"day": {"2024-11-16": 1, "2024-11-17": 1, "2024-11-18": 1}}
    assert find(store, "hari:2024-11-17") == ["x~0002"]
    assert find(store, "sejak:2024-11-17 sampai:2024-11-17") == ["x~0002"]
    assert find(store, "sampai:16-11-2024") == ["x~0001"]
    assert sorted(ids(store.search(Query(since=midnight, until=midnight + timedelta(days=1))))) == ["x~0002"]


def test_extreme_times_are_kept(store: Any) -> None:
    far = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    store.put([make_flag(n, published_at=time) for n, time in enumerate(far)])
    assert ids(store.search(Query(), order="newest")) == ["x~0001", "x~0000"]
    assert store.facets(Query(), ["day"]) == {"day": {"0001-01-01": 1, "9999-12-31": 1}}


def test_relevance_puts_titles_forms_as_typed_and_short_texts_first(store: Any) -> None:
    store.put(
        [
            make_flag(1, text="kebanjiran di mana mana " + "dan seterusnya " * 20),
            make_flag(2, text="banjir di mana mana " + "dan seterusnya " * 20),
            make_flag(3, text="isi", title="banjir"),
            make_flag(4, text="banjir saja"),
            make_flag(5, text="dulu banjir"),
        ]
    )
    query = parse_query("banjir", zone=ZONE)
    assert ids(store.search(query)) == ["x~0003", "x~0005", "x~0004", "x~0002", "x~0001"]
    newest = [f"x~{n:04d}" for n in (5, 4, 3, 2, 1)]
    assert ids(store.search(query, order="newest")) == newest
    assert ids(store.search(Query())) == ids(store.search(Query(fields=(("source", "contoh"),)))) == newest


def test_ties_stand_by_id(store: Any) -> None:
    store.put([make_flag(n, fetched_at=START) for n in (3, 1, 2)])
    for order in ("relevance", "newest"):
        assert ids(store.search(parse_query("suara", zone=ZONE), order=order)) == ["x~0001", "x~0002", "x~0003"]


def test_facets_are_sorted_by_count_then_name_and_limited(store: Any) -> None:
    store.put([make_flag(n, source=name) for n, name in enumerate("cabbaac")])
    assert list(store.facets(Query(), ["source"])["source"].items()) == [("a", 3), ("b", 2), ("c", 2)]
    assert list(store.facets(Query(), ["source"], limit=2)["source"]) == ["a", "b"]
    assert store.facets(parse_query("tidakada", zone=ZONE), FACETS) == {field: {} for field in FACETS}
    assert store.facets(Query(), []) == {}


def test_a_regency_counts_for_its_province_as_the_search_does(store: Any) -> None:
    store.put(
        [
            make_flag(n, regions=tuple(Region(code, code, "regency", 0.9, "mention") for code in codes))
            for n, codes in enumerate([("61.01",), ("61.01", "61.02"), ("61", "62.03")])
        ]
    )
    facet = store.facets(Query(), ["region"])["region"]
    assert facet == {"61": 3, "61.01": 2, "61.02": 1, "62": 1, "62.03": 1}
    for code, number in facet.items():
        assert store.search(parse_query(f"region:{code}", zone=ZONE)).total == number


@pytest.mark.parametrize("field", ["author", "author_key", "cluster", "id", "hoax_style", "text"])
def test_what_cannot_be_counted_is_refused(store: Any, field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        store.facets(Query(), [field])


def test_wrong_use_is_explained(store: Any) -> None:
    with pytest.raises(ConfigError, match="newest"):
        store.search(Query(), order="best")
    with pytest.raises(ConfigError, match="1000"):
        store.search(Query(), limit=1001)
    with pytest.raises(ConfigError):
        store.search(Query(), limit=-1)
    with pytest.raises(ConfigError):
        store.facets(Query(), ["label"], limit=0)
    for query in (Query(fields=(("author", "a"),)), Query(without_fields=(("author", "a"),))):
        with pytest.raises(ConfigError, match="author"):
            store.search(query)
        with pytest.raises(ConfigError, match="author"):
            store.facets(query, ["label"])


# pages


def all_pages(
    store: Any, query: Query, order: str, limit: int, between: Callable[[int], None] = lambda page: None
) -> Any:
    found: list[str] = []
    after = None
    for number in range(100):
        page = store.search(query, order=order, limit=limit, after=after)
        found += ids(page)
        after = page.next
        if after is None:
            return found
        assert len(page.hits) == limit
        between(number)
    raise AssertionError("pages without end")


def numbered(number: int, same_time: bool) -> Flag:
    time = START if same_time else START + timedelta(minutes=number * 37 % 11)
    return make_flag(number, text="suara " + "lain " * (number % 3), fetched_at=time)


@pytest.mark.parametrize("order", ["relevance", "newest"])
@pytest.mark.parametrize("same_time", [False, True])
def test_pages_together_are_the_whole_list(store: Any, order: str, same_time: bool) -> None:
    store.put([numbered(n, same_time) for n in range(20)])
    query = parse_query("suara", zone=ZONE)
    whole = ids(store.search(query, order=order, limit=1_000))
    assert len(set(whole)) == 20
    for limit in (1, 3, 7, 19, 20):
        assert all_pages(store, query, order, limit) == whole


@pytest.mark.parametrize("order", ["relevance", "newest"])
@pytest.mark.parametrize("same_time", [False, True])
def test_pages_do_not_shift_while_flags_are_added(store: Any, order: str, same_time: bool) -> None:
    store.put([numbered(n, same_time) for n in range(0, 40, 2)])
    query = parse_query("suara", zone=ZONE)
    before = ids(store.search(query, order=order, limit=100))

    def add(page: int) -> None:
        if page < 6:
            store.put([numbered(2 * n + 1, same_time) for n in range(5 * page, 5 * page + 5)])

    found = all_pages(store, query, order, 3, add)
    assert [flag_id for flag_id in found if flag_id in before] == before
    assert len(set(found)) == len(found)


def test_an_erased_last_hit_does_not_break_the_next_page(store: Any) -> None:
    store.put([make_flag(n) for n in range(4)])
    page = store.search(Query(), limit=2)
    store.erase([page.hits[-1].flag.id])
    assert ids(store.search(Query(), limit=2, after=page.next)) == ["x~0001", "x~0000"]


def test_total_without_hits(store: Any) -> None:
    store.put([make_flag(1)])
    assert store.search(Query(), limit=0) == Page((), 1)
    assert store.search(parse_query("tidakada", zone=ZONE)) == Page((), 0)


def test_a_damaged_or_foreign_token_is_refused(store: Any) -> None:
    store.put([make_flag(n) for n in range(4)])
    token = store.search(Query(), limit=2, order="newest").next
    for bad in ("", "x", "☃", token[:-3], token[1:], "\udcff", "W10", "bnVsbA", "W1tbW1tbW1tb" * 500):
        with pytest.raises(ConfigError):
            store.search(Query(), order="newest", after=bad)
    with pytest.raises(ConfigError, match="another search"):
        store.search(Query(), order="relevance", after=token)
    with pytest.raises(ConfigError, match="another search"):
        store.search(Query(words=("suara",)), order="newest", after=token)


# highlight


def test_the_snippet_marks_what_matched_in_any_form(store: Any) -> None:
    store.put([make_flag(1, text="Katanya Kecurangan itu, dan\ncurang-nya terlihat di pilkada")])
    [hit] = store.search(parse_query("curang pilkada", zone=ZONE)).hits
    assert hit.snippet == "Katanya Kecurangan itu, dan curang-nya terlihat di pilkada"
    assert [hit.snippet[a:b] for a, b in hit.marks] == ["Kecurangan", "curang-nya", "pilkada"]


def test_the_snippet_of_a_long_text_is_cut_round_the_match(store: Any) -> None:
    store.put([make_flag(1, text="awal kata " * 200 + "surat suara sah " + "akhir kata " * 200)])
    [hit] = store.search(parse_query('"surat suara"', zone=ZONE)).hits
    assert len(hit.snippet) <= 240
    assert hit.snippet[0] == hit.snippet[-1] == "…"
    assert [hit.snippet[a:b] for a, b in hit.marks] == ["surat suara"]


def test_the_snippet_is_the_title_where_only_that_matches(store: Any) -> None:
    store.put([make_flag(1, title="Logistik terlambat", text="isi"), make_flag(2, text="isi", title="lain")])
    [hit] = store.search(parse_query("logistik", zone=ZONE)).hits
    assert (hit.snippet, hit.marks) == ("Logistik terlambat", ((0, 8),))
    [hit] = store.search(parse_query("id:x~0002", zone=ZONE)).hits
    assert (hit.snippet, hit.marks) == ("isi", ())


# all stores agree, whatever is typed

WORDS = (
    "banjir",
    "kebanjiran",
    "surat",
    "suara",
    "bersuara",
    "yg",
    "yang",
    "é",
    "NOT",
    "a-b",
    "①",
    "#tag",
    "*",
    '"',
    ":",
)
typed = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.one_of(
            st.sampled_from([*WORDS, "-banjir", "-yang", '"surat suara"', '-"surat suara"', "NEAR(", "AND", "OR"]),
            st.sampled_from(
                [
                    "wilayah:61",
                    "-wilayah:61.01",
                    "isu:a",
                    "isu:b",
                    "klaim:k1",
                    "-klaim:k2",
                    "status:open",
                    "-status:open",
                    "why:topic",
                ]
            ),
            st.sampled_from(
                ["sejak:2024-11-17", "sampai:2024-11-17", "hari:2024-11-18", "id:x~0001", "klaster:x~0000"]
            ),
        ),
        max_size=5,
    ).map(" ".join),
)
flags = st.lists(
    st.builds(
        lambda number, text, title, day, codes, topic, claims, status, fingerprint: make_flag(
            number,
            text=text,
            title=title,
            published_at=START + timedelta(days=day),
            regions=tuple(Region(code, code, "regency", 0.9, "mention") for code in codes),
            topics=(Topic(topic, topic, False),),
            claims=tuple(ClaimMatch(name, 0.7, level) for name, level in claims),
            status=status,
            fingerprint=fingerprint,
            cluster=f"x~{number // 2:04d}",
        ),
        st.integers(0, 7),
        st.one_of(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), st.text(max_size=30)),
        st.sampled_from(["", "surat", "banjir suara"]),
        st.integers(0, 3),
        st.lists(st.sampled_from(["61", "61.01", "62.03"]), max_size=2),
        st.sampled_from("abc"),
        st.lists(st.tuples(st.sampled_from(["k1", "k2"]), st.sampled_from(["match", "suggest", "denial"])), max_size=2),
        st.sampled_from(["open", "claimed"]),
        st.sampled_from("ab"),
    ),
    max_size=12,
)


asked = given(flags, st.lists(typed, min_size=1, max_size=4), st.sampled_from(["relevance", "newest"]), st.data())


@settings(deadline=None)
@asked
def test_stores_agree(batch: list[Flag], texts: list[str], order: str, data: st.DataObject) -> None:
    with TemporaryDirectory() as folder, closing(SQLiteStore(Path(folder) / "index.db", ZONE)) as store:
        agree([MemoryStore(ZONE), store], batch, texts, order, data)


@settings(
    deadline=None,
    max_examples=30,
    phases=[Phase.generate],  # to shrink an example takes minutes: each has indices of its own
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@asked
def test_a_cluster_agrees(
    elastic_url: str, elastic_prefix: str, batch: list[Flag], texts: list[str], order: str, data: st.DataObject
) -> None:
    prefix = f"{elastic_prefix}{next(_numbers)}-"
    with closing(prepared_store(elastic_settings(elastic_url, prefix=prefix))) as store:
        agree([MemoryStore(ZONE), store], batch, texts, order, data)


def agree(stores: list[Any], batch: list[Flag], texts: list[str], order: str, data: st.DataObject) -> None:
    """All stores do and answer the same."""
    assert same(store.put(batch) for store in stores)
    assert same(store.put(batch[-1:]) for store in stores) == PutCount(unchanged=len(batch[-1:]))
    known = sorted({flag.id for flag in batch})
    gone, bare, moved = (data.draw(st.sets(st.sampled_from(known or ["x"]), max_size=2)) for _ in range(3))
    same(store.erase(gone) for store in stores)
    same(store.mirror(dict.fromkeys(sorted(moved), "unsure")) for store in stores)
    same(store.expire(bare) for store in stores)
    same(store.put(batch) for store in stores)
    for text in texts:
        query = parse_query(text, zone=ZONE)
        whole = same(store.search(query, order=order) for store in stores)
        assert whole.total == len(whole.hits)
        assert same(all_pages(store, query, order, 2) for store in stores) == ids(whole)
        counts = same(store.facets(query, FACETS) for store in stores)
        assert sum(counts["status"].values()) == whole.total
        for hit in whole.hits:
            assert len(hit.snippet) <= 240
            assert all(0 <= a < b <= len(hit.snippet) for a, b in hit.marks)


def same(answers: Iterator[Any]) -> Any:
    first, *others = answers
    for other in others:
        assert other == first
    return first
