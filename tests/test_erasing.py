"""Erasing a post: not a byte of it is left under the home, it never comes back, and its copies live on."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import pyarrow.parquet as pq
import pytest
from homes import (
    MOMENT,
    PARTITION,
    THREAT,
    Clock,
    address,
    decide,
    derived,
    file_of,
    id_of,
    native,
    place_at,
    queue,
    row,
    statuses,
    take,
)
from sqlalchemy import delete

from pipeline import erasing, looking, steps
from pipeline.cli.app import call
from pipeline.core.clock import partition_of
from pipeline.core.identity import subject_of
from pipeline.landing.derived import derived_file
from pipeline.landing.near import identity_of, read_signatures
from pipeline.landing.raw import parts
from pipeline.ledger import chain, verdicts
from pipeline.ledger.schema import item, item_tag
from pipeline.workplace import Workplace

NEXT = "2026-11-22/10"
GONE = f"{THREAT}, kata amatorahasia dari Kota Pontianak sebelum subuh"
EDITED = f"{GONE}, disunting pagihari"
COPY = GONE.replace("amatorahasia", "amatorterbuka")
WORDS = ("amatorahasia", "pagihari")
NOTE = "catatan penelaah tentang amatorahasia"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which post 1 stands in three parts of two partitions and names a cluster; never written to."""
    folder = tmp_path_factory.mktemp("made")
    clock = Clock()
    place = place_at(folder / "home", clock)
    take(place, file_of(folder, row(1, GONE), row(2, COPY), row(6, f"{COPY} nah"), row(3, "selamat pagi warga semua")))
    take(place, file_of(folder, row(1, GONE), name="lagi.csv"))
    clock.move(days=1)
    take(place, file_of(folder, row(4, f"{COPY} ya"), row(1, EDITED), name="besok.csv"))
    take(place, file_of(folder, row(1, GONE), row(1, EDITED), name="sendiri.csv"))
    flag_id = id_of(place, 1)
    assert {flag.cluster for flag in (*derived(place), *derived(place, NEXT)) if flag.why} == {flag_id}
    assert sum(bool(flag.why) for flag in (*derived(place), *derived(place, NEXT))) == 5
    decide(place, flag_id, "fits", "confirmed", note=NOTE)
    decide(place, id_of(place, 4), "not", "rejected", "satire", by="r2")
    found = looking.find(place, flag_id)
    assert found is not None
    looking.note_read(place, "r1", found)
    steps.index(place, NEXT, now=clock.now)
    place.close()
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """That home, to write to."""
    shutil.copytree(made / "home", tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def place(home: Path) -> Iterator[Workplace]:
    """A workplace in it, a day later."""
    opened = _later(home)
    yield opened
    opened.close()


def _later(home: Path, **moved: float) -> Workplace:
    clock = Clock()
    clock.move(days=1)
    clock.move(**moved)
    return place_at(home, clock)


def _erase(place: Workplace, number: int = 1) -> dict[str, int]:
    return erasing.erase(place, id_of(place, number), actor="pdp", reason="request")


def _bytes(home: Path) -> Iterator[tuple[str, bytes]]:
    """All that stands under a home, also as its readers see it."""
    for path in sorted(home.rglob("*")):
        yield f"name of {path}", str(path).encode()
        if not path.is_file():
            continue
        yield str(path), path.read_bytes()
        if path.suffix == ".gz":
            yield f"{path} unpacked", gzip.decompress(path.read_bytes())
        elif path.suffix == ".parquet":
            table = pq.read_table(path)
            yield f"{path} read", repr((table.to_pylist(), table.schema.metadata)).encode()


def _traces(home: Path, *secrets: str) -> list[str]:
    """Where something of these stands."""
    found = []
    for where, data in _bytes(home):
        found += [f"{secret} in {where}" for secret in secrets if secret.encode() in data]
    return found


def _secrets(place: Workplace) -> tuple[str, ...]:
    return (*WORDS, native(1), address(1), id_of(place, 1), id_of(place, 1).partition("~")[2], NOTE)


def _whole(place: Workplace) -> bool:
    with place.ledger.read() as db:
        return not chain.verify(db).problems


def test_the_search_for_traces_finds_what_there_is(home: Path, place: Workplace) -> None:
    secrets = _secrets(place)
    place.close()
    found = _traces(home, *secrets)
    for what in ("landing", "derived", "index.db", "ledger.db"):
        assert any(what in each for each in found)
    assert all(any(secret in each for each in found) for secret in secrets)


def test_not_a_byte_of_an_erased_post_is_left(home: Path, place: Workplace) -> None:
    secrets = _secrets(place)
    counts = _erase(place)
    assert counts == {"payloads": 2, "index": 1, "derived": 2, "raw": 5}
    assert list(erasing.left_behind(place)) == list(erasing.left_behind(place, id_of(place, 1))) == []
    assert _whole(place)
    place.close()
    assert _traces(home, *secrets) == []


def _beside(home: Path, place: Workplace) -> Workplace:
    """A desk that is open while something is erased, and has just written."""
    desk = _later(home)
    found = desk.store.get(id_of(place, 1))
    assert found is not None
    looking.note_read(desk, "r1", found)
    decide(desk, id_of(place, 2), "fits", "confirmed")
    return desk


def test_nothing_is_left_in_the_index_while_the_desk_has_it_open(home: Path, place: Workplace) -> None:
    desk = _beside(home, place)
    _erase(place)
    assert [each for each in _traces(home, *_secrets(place)) if "ledger.db" not in each] == []
    desk.close()


def test_nothing_is_left_in_the_ledger_while_the_desk_has_it_open(home: Path, place: Workplace) -> None:
    desk = _beside(home, place)
    _erase(place)
    found = _traces(home, *_secrets(place))
    desk.close()
    assert found == []


def test_the_signatures_of_all_its_versions_go(place: Workplace) -> None:
    gone = {identity_of(flag.post) for flag in (*derived(place), *derived(place, NEXT)) if flag.id == id_of(place, 1)}
    assert len(gone) == 2
    before = _signatures(place)
    assert gone <= before
    _erase(place)
    assert before - _signatures(place) == gone


def _signatures(place: Workplace) -> set[int]:
    found = [read_signatures(path) for path in place.home.derived.glob("*/*/signatures.parquet")]
    return {int(identity) for signatures in found if signatures for identity in signatures.identity}


def test_the_verdict_stays_in_the_chain_without_its_words(place: Workplace) -> None:
    with place.ledger.read() as db:
        before = [(link.hash, link.action, dict(link.details)) for link in chain.entries(db)]
    _erase(place)
    with place.ledger.read() as db:
        after = list(chain.entries(db))
        assert [(link.hash, link.action, dict(link.details)) for link in after[:-1]] == before
        assert after[-1].action == "erase"
        assert after[-1].details["reason"] == "request"
        assert all(link.payload is None for link in after if link.subject == subject_of(id_of(place, 1)))
        (found,) = verdicts.history(db, id_of(place, 1))
        assert (found.flag_id, found.note, found.status) == ("", "", "confirmed")


def test_its_copies_live_on_under_the_name_of_the_next_earliest(place: Workplace) -> None:
    first, heir, other, last = (id_of(place, number) for number in (1, 2, 6, 4))
    accounts = {key: found.account for key, found in queue(place).items()}
    _erase(place)
    left = [*derived(place), *derived(place, NEXT)]
    assert {flag.id: flag.cluster for flag in left if flag.why} == dict.fromkeys((heir, other, last), heir)
    for key in (heir, other, last):
        found = place.store.get(key)
        assert found is not None
        assert found.cluster == heir
    rows = queue(place)
    assert first not in rows
    assert {found.cluster for found in rows.values()} == {subject_of(heir)}
    assert {found.spread for found in rows.values()} == {3}
    assert {found.status for found in rows.values()} == {"open", "rejected"}
    assert rows[heir].address == address(2)
    assert rows[heir].account not in (accounts[heir], "", rows[last].account), "its value in another cluster is another"
    assert statuses(place) == {heir: "open", other: "open", last: "rejected"}


def test_a_later_copy_joins_the_cluster_under_its_new_name(home: Path, place: Workplace, tmp_path: Path) -> None:
    _erase(place)
    place.close()
    later = _later(home, days=1)
    take(later, file_of(tmp_path, row(9, f"{COPY} juga"), name="lusa.csv"))
    assert {flag.cluster for flag in derived(later, "2026-11-23/10")} == {id_of(later, 2)}
    assert queue(later)[id_of(later, 9)].spread == 4


def test_an_erased_post_without_copies_leaves_the_others_alone(place: Workplace) -> None:
    before = statuses(place)
    _erase(place, 4)
    assert statuses(place) == {key: status for key, status in before.items() if key != id_of(place, 4)}
    assert queue(place)[id_of(place, 1)].spread == 3
    assert {flag.cluster for flag in derived(place) if flag.why} == {id_of(place, 1)}
    assert list(erasing.left_behind(place)) == []


def test_a_post_that_nothing_flagged_can_be_erased(home: Path, place: Workplace) -> None:
    assert _erase(place, 3) == {"payloads": 0, "index": 0, "derived": 1, "raw": 1}
    secrets = (native(3), id_of(place, 3), "selamat pagi warga")
    place.close()
    assert _traces(home, *secrets) == []


# ---- never again


@pytest.mark.parametrize("hours", [0, 24])
@pytest.mark.parametrize("name", ["warga.csv", "lain.csv"], ids=["same source", "another source"])
def test_it_is_never_taken_again(home: Path, place: Workplace, tmp_path: Path, hours: int, name: str) -> None:
    secrets = _secrets(place)
    _erase(place)
    place.close()
    again = _later(home, days=-1, hours=hours)  # the hour in which it landed first, and a day later
    file = file_of(tmp_path, row(1, GONE), row(1, EDITED), row(5, "satu lagi yang baru"), name=name)
    hour = partition_of(again.clock(), again.settings.office.zone)
    ingest, flag, _index = take(again, file, partition=hour)
    assert ingest.counts["erased"] == 2
    assert ingest.counts["landed"] == 1
    assert flag.counts["erased"] == 0, "it did not even land"
    assert list(erasing.left_behind(again)) == []
    again.close()
    assert _traces(home, *secrets) == []


def test_a_file_that_holds_nothing_else_lands_nothing(home: Path, place: Workplace, tmp_path: Path) -> None:
    _erase(place)
    files = sorted(home.rglob("*.gz"))
    (report, *_others) = take(place, file_of(tmp_path, row(1, GONE), name="baru.csv"))
    assert report.counts == {"landed": 0, "again": 0, "quarantined": 0, "erased": 1}
    assert sorted(home.rglob("*.gz")) == files


def test_its_partitions_can_be_flagged_and_indexed_again(place: Workplace) -> None:
    _erase(place)
    before = statuses(place)
    assert not any(steps.was_purged(place, partition) for partition in (PARTITION, NEXT))
    assert steps.unflagged(place) == []
    reports = steps.replay(place, steps.landed(place))
    assert [report.step for report in reports] == ["flag", "index"] * 2
    steps.reindex(place)
    assert statuses(place) == before
    assert {flag.cluster for flag in (*derived(place), *derived(place, NEXT)) if flag.why} == {id_of(place, 2)}
    assert list(erasing.left_behind(place)) == []


def test_a_part_that_held_nothing_else_stays_empty(place: Workplace) -> None:
    before = {partition: len(parts(place.home.landing, partition)) for partition in (PARTITION, NEXT)}
    _erase(place)
    assert {partition: len(parts(place.home.landing, partition)) for partition in (PARTITION, NEXT)} == before
    steps.purge(place, now=MOMENT.replace(year=2027))
    assert not list(place.home.landing.rglob("*.gz"))


def test_a_lost_index_and_queue_come_again_without_it(home: Path, place: Workplace) -> None:
    _erase(place)
    before = statuses(place)
    with place.ledger.write() as db:
        db.execute(delete(item_tag))
        db.execute(delete(item))
    place.close()
    (home / "index.db").unlink()
    fresh = _later(home)
    steps.reindex(fresh)
    assert statuses(fresh) == before
    assert list(erasing.left_behind(fresh)) == []


def test_erasing_twice_is_erasing_once(place: Workplace) -> None:
    _erase(place)
    before = statuses(place)
    assert _erase(place) == {"payloads": 0, "index": 0, "derived": 0, "raw": 0}
    assert statuses(place) == before
    assert _whole(place)


def test_what_never_was_cannot_be_erased(
    home: Path, place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.close()
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(home))
    assert call(["erase", "x~none", "--reason", "request", "--lang", "en"]) == 2
    assert "there is no post x~none here" in capsys.readouterr().err
    again = _later(home)
    assert _whole(again)
    with again.ledger.read() as db:
        assert not list(chain.entries(db, actions=["erase"]))


# ---- a kill on the way


_STOPS = (
    ("pipeline.store.sqlite.SQLiteStore.erase", 0),
    ("pipeline.store.sqlite.SQLiteStore.put", 0),
    ("pipeline.erasing.enqueue", 0),
    ("pipeline.landing.near.rewrite_signatures", 0),
    ("pipeline.erasing.rewrite_derived", 0),
    ("pipeline.landing.near.rewrite_signatures", 1),
    ("pipeline.erasing.rewrite_derived", 1),
    ("pipeline.erasing.rewrite_part", 0),
    ("pipeline.erasing.rewrite_part", 1),
    ("pipeline.erasing.rewrite_part", 3),
)


@pytest.mark.parametrize(("stop", "done"), _STOPS)
def test_a_kill_between_two_places_is_found_and_finished_by_erasing_again(
    home: Path, place: Workplace, stop: str, done: int
) -> None:
    secrets, flag_id, heir = _secrets(place), id_of(place, 1), id_of(place, 2)
    with pytest.MonkeyPatch.context() as patched:
        _killed_after(patched, stop, done)
        with pytest.raises(KeyboardInterrupt):
            _erase(place)
    assert list(erasing.left_behind(place))
    assert _whole(place)
    _erase(place)
    assert list(erasing.left_behind(place)) == list(erasing.left_behind(place, flag_id)) == []
    assert {flag.cluster for flag in (*derived(place), *derived(place, NEXT)) if flag.why} == {heir}
    assert {found.cluster for found in queue(place).values()} == {subject_of(heir)}
    assert _whole(place)
    place.close()
    assert _traces(home, *secrets) == []


def _killed_after(patched: pytest.MonkeyPatch, name: str, done: int) -> None:
    """Let the function do its work `done` times, then stop the program where it would do it again."""
    owner, _dot, attribute = name.rpartition(".")
    work, calls = getattr(resolve_name(owner), attribute), iter(range(done))

    def stopped(*given: object, **named: object) -> object:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return work(*given, **named)

    patched.setattr(name, stopped)


def test_after_a_kill_a_copy_that_comes_meanwhile_is_taken_and_renamed(home: Path, tmp_path: Path) -> None:
    place = _later(home)
    with pytest.MonkeyPatch.context() as patched:
        _killed_after(patched, "pipeline.store.sqlite.SQLiteStore.erase", 0)
        with pytest.raises(KeyboardInterrupt):
            _erase(place)
    place.close()
    later = _later(home, days=1)
    take(later, file_of(tmp_path, row(9, f"{COPY} juga"), name="lusa.csv"))
    assert list(erasing.left_behind(later))
    _erase(later)
    assert list(erasing.left_behind(later)) == []
    assert queue(later)[id_of(later, 9)].cluster == subject_of(id_of(later, 2))


# ---- news


def test_an_erased_news_article_leaves_no_address(tmp_path: Path) -> None:
    feed = tmp_path / "berita.rss"
    link = "https://portal.example/berita/alamatrahasia-bakar-kpu"
    feed.write_text(
        '<?xml version="1.0"?><rss version="2.0"><channel><title>P</title><link>https://portal.example</link>'
        f"<item><title>Ancaman judulrahasia</title><link>{link}</link><guid>{link}</guid>"
        f"<pubDate>Fri, 20 Nov 2026 08:00:00 +0700</pubDate><description>{GONE}</description></item></channel></rss>",
        encoding="utf-8",
    )
    source = f'{{"kind": "feed", "url": "{feed}", "visibility": "media", "subject": "media"}}'
    place = place_at(tmp_path / "home", KENTONGAN__SOURCES__PORTAL=source, KENTONGAN__FETCH__ARTICLES="false")
    done, _reports = steps.run(place, dict(place.settings.sources))
    assert not done.failed
    (flag_id,) = queue(place)
    assert flag_id.startswith("url:")
    assert queue(place)[flag_id].address
    assert erasing.erase(place, flag_id, actor="pdp", reason="mistake")["raw"] == 1
    done, _reports = steps.run(place, dict(place.settings.sources))
    assert done.report.counts["landed"] == 0
    place.close()
    assert _traces(tmp_path / "home", "alamatrahasia", "judulrahasia", "amatorahasia") == []


def test_a_copy_whose_text_is_past_its_time_does_not_keep_the_name(home: Path) -> None:
    place = _later(home, days=35)  # the rejected copy has lost its text, the others wait
    steps.purge(place, now=place.clock())
    copy = place.store.get(id_of(place, 4))
    assert copy is not None
    assert copy.post.text == ""
    _erase(place)
    assert list(erasing.left_behind(place)) == []
    place.close()
    assert _traces(home, id_of(place, 1)) == []


def test_derived_files_are_whole_after_it(place: Workplace) -> None:
    _erase(place)
    path = derived_file(place.home.derived, PARTITION)
    assert path is not None
    assert len(list(path.parent.glob("posts-*.parquet"))) == 1
    assert [flag.id for flag in derived(place)] == [id_of(place, number) for number in (2, 6, 3)]
