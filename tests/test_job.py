"""The main job on a real disk with the shipped model: ingest, flag, index, again, later, and past its time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from pipeline import doctor, looking, steps
from pipeline.core.config import SourceSettings, load_settings
from pipeline.core.errors import ConfigError, Conflict, SourceUnavailable, TransientError
from pipeline.core.types import Flag, StepReport
from pipeline.landing.derived import derived_file, read_derived
from pipeline.landing.quarantine import read_quarantine
from pipeline.landing.raw import parts
from pipeline.ledger.schema import item
from pipeline.sources.registry import guess_source
from pipeline.workplace import Workplace

MOMENT = datetime(2026, 11, 21, 3, 10, tzinfo=UTC)
PARTITION = "2026-11-21/10"
HEAD = "id,teks,tanggal,akun,suka\n"
THREAT = "besok kita bakar kantor KPU ramai-ramai, siapkan bensin dan parang"
CHAIN = (
    "Info dari grup sebelah, besok listrik padam seharian di seluruh kecamatan karena ada perbaikan gardu induk, "
    "mohon siapkan lilin dan air bersih, sebarkan ke keluarga"
)


class _Clock:
    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> datetime:
        return self.now


def _place(home: Path, clock: _Clock | None = None, **environ: str) -> Workplace:
    settings, _origins = load_settings(None, {"KENTONGAN__PATHS__HOME": str(home), **environ})
    return Workplace(settings, clock or _Clock())


def _file(folder: Path, *rows: str, name: str = "warga.csv") -> str:
    path = folder / name
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return str(path)


def _rows(*texts: str, first: int = 1) -> list[str]:
    return [f'{n},"{text}",2026-11-20 08:00,akun{n},7' for n, text in enumerate(texts, start=first)]


def _outs(report: StepReport) -> dict[str, int]:
    return {name: number for name, number in report.counts.items() if number}


def _run(place: Workplace, address: str, **options: object) -> list[StepReport]:
    name, settings = guess_source(address, {})
    done, reports = steps.run(place, {name: settings}, **options)  # type: ignore[arg-type]
    assert not done.failed
    return reports


def _state(place: Workplace) -> dict[str, tuple[str, str]]:
    """What stands in the index: id -> fingerprint and status."""
    page = place.store.search(looking.parse_query(place, ""), limit=500)
    return {hit.flag.id: (hit.flag.fingerprint, hit.flag.status) for hit in page.hits}


def _derived(place: Workplace, partition: str = PARTITION) -> list[Flag]:
    path = derived_file(place.home.derived, partition)
    return list(read_derived(path)) if path else []


def test_posts_go_the_whole_way(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    ingest, flag, index = _run(place, _file(tmp_path, *_rows(THREAT, "selamat pagi, hari ini cerah di kampung")))
    assert ingest.counts == {"landed": 2, "again": 0, "quarantined": 0}
    assert ingest.tables == {"warga-csv": {"suka": 2}}
    assert _outs(flag) == {"flagged": 1, "unflagged": 1}
    assert flag.tables["label"] == {"threat": 1}
    assert index.counts["new"] == 1
    (flag_id,) = _state(place)
    found = looking.find(place, flag_id)
    assert found is not None
    assert found.why == ("signal",)
    assert found.post.author_key is None
    assert found.month == "2026.11"


def test_no_account_name_reaches_the_disk(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    _run(place, _file(tmp_path, '1,"halo @tetangga_saya semua",2026-11-20,nama_akun_rahasia,1'))
    place.close()
    for path in (tmp_path / "home").rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert b"nama_akun_rahasia" not in data
    assert _derived(place)[0].post.text == "halo [akun] semua"


def test_twice_is_once(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    address = _file(tmp_path, *_rows(THREAT, CHAIN))
    _run(place, address)
    before, files = _state(place), sorted(str(path) for path in (tmp_path / "home").rglob("*"))
    ingest, flag, index = _run(place, address)
    assert ingest.counts["again"] == 2
    assert _outs(flag) == {"flagged": 1, "unflagged": 1}
    assert index.counts == {"new": 0, "updated": 0, "unchanged": 1, "expired": 0, "erased": 0}
    assert _state(place) == before
    assert sorted(str(path) for path in (tmp_path / "home").rglob("*")) == files


def test_an_hour_later_the_same_posts_are_duplicates(tmp_path: Path) -> None:
    clock = _Clock()
    place = _place(tmp_path / "home", clock)
    address = _file(tmp_path, *_rows(THREAT, CHAIN))
    _run(place, address)
    before = _state(place)
    clock.now += timedelta(hours=1)
    _ingest, flag, _index = _run(place, address)
    assert _outs(flag) == {"duplicate": 2}
    assert _state(place) == before


def test_copies_join_the_cluster_of_the_first_also_on_a_later_day(tmp_path: Path) -> None:
    clock = _Clock()
    place = _place(tmp_path / "home", clock)
    _run(place, _file(tmp_path, *_rows(CHAIN, CHAIN.replace("mohon", "tolong"), "lain sama sekali")))
    first = [flag.cluster for flag in _derived(place)]
    assert first[0] == first[1] != first[2]
    clock.now += timedelta(days=2)
    _run(place, _file(tmp_path, *_rows(CHAIN + " ya", first=9), name="lagi.csv"))
    assert [flag.cluster for flag in _derived(place, "2026-11-23/10")] == [first[0]]


def test_an_edited_post_is_a_new_version_of_the_same_flag(tmp_path: Path) -> None:
    clock = _Clock()
    place = _place(tmp_path / "home", clock)
    _run(place, _file(tmp_path, f'1860000000000000001,"{THREAT}",2026-11-20,a,1'))
    before = _state(place)
    clock.now += timedelta(hours=1)
    index = _run(place, _file(tmp_path, f'1860000000000000001,"{THREAT}!! awas",2026-11-20,a,1'))[2]
    assert index.counts["updated"] == 1
    assert _state(place).keys() == before.keys()
    assert _state(place) != before


def test_a_new_setting_is_a_new_fingerprint_and_leaves_the_review_alone(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    _run(place, _file(tmp_path, *_rows(THREAT)))
    (flag_id,) = _state(place)
    place.store.mirror({flag_id: "confirmed"})
    place.close()
    changed = _place(tmp_path / "home", KENTONGAN__NEAR_DUPLICATES__DAYS="3")
    reports = steps.replay(changed, steps.landed(changed))
    assert reports[1].counts["updated"] == 1
    assert _state(changed)[flag_id][1] == "confirmed"
    assert len(list((tmp_path / "home" / "derived").glob("*/*/posts-*.parquet"))) == 1


def test_what_no_rule_flags_any_more_leaves_the_index_unless_a_person_decided(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    _run(place, _file(tmp_path, *_rows(THREAT, "nanti malam kita bakar kantor KPU, bawa bensin")))
    first, second = sorted(_state(place))
    place.store.mirror({first: "confirmed"})
    place.close()
    stricter = _place(tmp_path / "home", KENTONGAN__POLICY__THRESHOLDS='{"threat": 1.1, "hate_group": 1.1}')
    report = steps.replay(stricter, steps.landed(stricter))[1]
    assert report.notes == ("1 flags withdrawn: no rule flags them any more",)
    assert set(_state(stricter)) == {first}
    again = _place(tmp_path / "home")
    steps.replay(again, steps.landed(again))
    assert set(_state(again)) == {first, second}


def test_replay_and_reindex_give_the_same_again(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    _run(place, _file(tmp_path, *_rows(THREAT, CHAIN, "halo")))
    before = _state(place)
    place.close()
    (tmp_path / "home" / "index.db").unlink()
    fresh = _place(tmp_path / "home")
    assert sum(report.counts["new"] for report in steps.reindex(fresh)) == len(before)
    assert _state(fresh) == before
    for path in (tmp_path / "home" / "derived").rglob("*.parquet"):
        path.unlink()
    steps.replay(fresh, steps.landed(fresh))
    assert _state(fresh) == before


def test_dry_runs_write_nothing(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    address = _file(tmp_path, *_rows(THREAT))
    (ingest,) = _run(place, address, dry_run=True)
    assert ingest.counts["landed"] == 1
    assert not place.home.landing.exists()
    _run(place, address)
    before = sorted((tmp_path / "home").rglob("*.parquet"))
    assert steps.flag(place, PARTITION, now=MOMENT, dry_run=True).total == 1
    assert steps.index(place, PARTITION, now=MOMENT, dry_run=True).counts["new"] == 1
    assert sorted((tmp_path / "home").rglob("*.parquet")) == before


def test_bad_rows_are_quarantined_with_their_place_and_the_rest_goes_on(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    ingest, flag, _index = _run(place, _file(tmp_path, *_rows(THREAT), '2,"",2026-11-20,a,1', '3,"a,b', "4,x"))
    assert ingest.total == 4
    assert ingest.counts["quarantined"] + flag.counts["quarantined"] == 3
    reasons = {item.place: item.reason for item in read_quarantine(place.home.quarantine)}
    assert len(reasons) >= 2
    assert all(reasons.values())
    assert flag.counts["flagged"] == 1


def test_a_damaged_part_is_quarantined_and_the_others_are_read(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    _run(place, _file(tmp_path, *_rows(THREAT)))
    _run(place, _file(tmp_path, *_rows("halo warga semua", first=2), name="dua.csv"))
    (part,) = parts(place.home.landing, PARTITION, "dua-csv")
    part.write_bytes(b"damaged")
    report = steps.flag(place, PARTITION, now=MOMENT)
    assert _outs(report) == {"quarantined": 1, "flagged": 1}


def test_a_post_of_another_province_is_counted_and_dropped(tmp_path: Path) -> None:
    place = _place(tmp_path / "home", KENTONGAN__OFFICE__CODE="61")
    texts = ["warga Kota Pontianak antre beras", "jalan rusak di Kabupaten Bantul parah", "halo semua"]
    flag = _run(place, _file(tmp_path, *_rows(*texts)))[1]
    assert _outs(flag) == {"unflagged": 2, "out_of_area": 1}
    assert {row.post.office for row in _derived(place)} == {"61"}


def test_samples_are_few_and_say_how_likely_they_were(tmp_path: Path) -> None:
    settings = {"KENTONGAN__POLICY__SAMPLE_PER_DAY": "3", "KENTONGAN__CLAIMS__SPREAD_COPIES": "0"}
    place = _place(tmp_path / "home", **settings)
    texts = [f"hari ke {n} panen cabai di kebun belakang rumah" for n in range(1500)]
    flag, index = _run(place, _file(tmp_path, *_rows(*texts)))[1:]
    assert flag.counts["sampled"] == 3
    assert index.counts["new"] == 3
    samples = [row for row in _derived(place) if row.why == ("sample",)]
    assert all(row.sample_probability is not None and 0 < row.sample_probability < 0.01 for row in samples)
    again = _run(place, _file(tmp_path, *_rows("satu lagi", first=5000), name="lagi.csv"))[1]
    assert again.counts["sampled"] == 3


def test_of_what_the_model_is_unsure_people_are_asked_a_few_of_the_day_and_each_text_once(tmp_path: Path) -> None:
    settings = {
        "KENTONGAN__POLICY__SAMPLE_SHARE": "0",
        "KENTONGAN__POLICY__TEACH_PER_DAY": "6",
        "KENTONGAN__POLICY__UNSURE_FROM": "0",
        "KENTONGAN__POLICY__UNSURE_TO": "1",
        "KENTONGAN__CLAIMS__SPREAD_COPIES": "0",
    }
    place = _place(tmp_path / "home", **settings)
    copies = [f"pagi ini warga antre minyak goreng di depan balai desa lagi ya{'!' * n}" for n in range(8)]
    others = [f"panen {word} di kebun belakang rumah kakek" for word in ("cabai", "tomat", "jagung", "kopi")]
    flag, index = _run(place, _file(tmp_path, *_rows(THREAT, *copies, *others)))[1:]
    assert (flag.counts["flagged"], flag.counts["taught"]) == (1, 3)  # by ten o'clock 11 / 24 of the day's six
    assert index.counts["new"] == 4
    taught = [row for row in _derived(place) if row.why == ("teach",)]
    assert len({row.cluster for row in taught}) == 3
    assert all(row.cluster == row.id and row.sample_probability is None for row in taught)
    with place.ledger.read() as db:
        assert {(row.sample, row.teach, row.address) for row in db.execute(select(item)) if row.sample} == {
            (True, True, None)
        }
    steps.replay(place, steps.landed(place))
    assert [row.id for row in _derived(place) if row.why == ("teach",)] == [row.id for row in taught]
    again = _run(place, _file(tmp_path, *_rows("satu lagi soal padi", first=5000), name="lagi.csv"))[1]
    assert again.counts["taught"] == 3


def test_what_is_past_its_time_goes(tmp_path: Path) -> None:
    clock = _Clock()
    place = _place(tmp_path / "home", clock)
    _run(place, _file(tmp_path, *_rows(THREAT, "halo warga semua")))
    (flag_id,) = _state(place)
    assert steps.purge(place, now=MOMENT + timedelta(days=29)).counts.get("raw_removed", 0) == 0
    after = MOMENT + timedelta(days=31)
    assert steps.purge(place, now=after, dry_run=True).counts["raw_removed"] == 1
    report = steps.purge(place, now=after)
    assert (report.counts["raw_removed"], report.counts["posts_to_counts"]) == (1, 1)
    assert [row.id for row in _derived(place)] == [flag_id]
    assert steps.index(place, PARTITION, now=MOMENT + timedelta(days=91)).counts["expired"] == 1
    report = steps.purge(place, now=MOMENT + timedelta(days=91))
    assert report.counts["flags_expired"] == 1
    found = place.store.get(flag_id)
    assert found is not None
    assert (found.status, found.post.text) == ("expired", "")
    steps.reindex(place)
    assert place.store.get(flag_id) == found


def test_a_dead_source_does_not_stop_the_others(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    sources = {
        "mati": SourceSettings(kind="feed", url=str(tmp_path / "none.rss")),
        "salah": SourceSettings(kind="export", path=str(tmp_path / "none.csv")),
        "warga": SourceSettings(kind="export", path=_file(tmp_path, *_rows(THREAT))),
    }
    done, reports = steps.run(place, sources)
    assert {failed.source for failed in done.failed} == {"mati", "salah"}
    assert reports[1].counts["flagged"] == 1
    assert steps.exit_code(done.failed) == 2
    assert steps.exit_code([steps.Failed("a", SourceUnavailable("x"))]) == 1
    assert steps.exit_code([]) == 0


def test_two_runs_at_once_do_not_meet(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    name, settings = guess_source(_file(tmp_path, *_rows(THREAT)), {})
    with place.home.lock(f"ingest-{name}"):
        done = steps.ingest(place, {name: settings})
    assert isinstance(done.failed[0].error, Conflict)
    with place.home.lock("flag"), pytest.raises(Conflict):
        steps.flag(place, PARTITION, now=MOMENT)


def test_a_file_in_the_inbox_is_taken_once(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    place.home.make()
    _file(place.home.inbox, *_rows(THREAT))
    (place.home.inbox / "foto.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    done = steps.ingest(place, place.inbox_sources())
    assert done.report.counts["landed"] == 1
    assert [type(failed.error) for failed in done.failed] == [ConfigError]
    assert place.inbox_sources() == {}
    assert len(list((place.home.inbox / "done").iterdir())) == 1


def test_a_source_that_is_no_longer_configured_is_read_as_it_landed(tmp_path: Path) -> None:
    source = {"kind": "export", "path": _file(tmp_path, *_rows(THREAT)), "visibility": "submitted", "covers": ["61"]}
    settings, _origins = load_settings(None, {"KENTONGAN__PATHS__HOME": str(tmp_path / "home")})
    with_source = settings.model_copy(update={"sources": {"warga": SourceSettings.model_validate(source)}})
    steps.run(Workplace(with_source, _Clock()), dict(with_source.sources))
    place = Workplace(settings, _Clock())
    steps.replay(place, steps.landed(place))
    assert [(row.post.visibility, row.post.covers) for row in _derived(place)] == [("submitted", ("61",))]


def test_find_reads_derived_posts_too_and_passes_over_damage(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    _run(place, _file(tmp_path, *_rows("halo warga semua")))
    (row,) = _derived(place)
    found = looking.find(place, row.id)
    assert found is not None
    assert found.why_not == ("below_thresholds",)
    path = derived_file(place.home.derived, PARTITION)
    assert path is not None
    path.write_bytes(b"damaged")
    assert looking.find(place, row.id) is None


def test_unflagged_partitions_are_those_that_got_something_new(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    name, settings = guess_source(_file(tmp_path, *_rows(THREAT)), {})
    steps.ingest(place, {name: settings})
    assert steps.unflagged(place) == [PARTITION]
    steps.flag(place, PARTITION, now=MOMENT)
    assert steps.unflagged(place) == []


def test_the_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    clock = _Clock()
    place = _place(tmp_path / "home", clock, KENTONGAN__SOURCES__PORTAL='{"kind": "feed", "url": "x.rss"}')
    name, settings = guess_source(_file(tmp_path, *_rows(THREAT)), {})
    steps.ingest(place, {name: settings})
    said = {(finding.well, finding.says) for finding in doctor.examine(place)}
    assert any(not well and says.startswith("portal never gave anything; ") for well, says in said)
    assert any(not well and "not flagged" in says for well, says in said)
    clock.now = datetime(2020, 1, 1, tzinfo=UTC)
    assert any(not well and "the clock says" in finding for well, finding in _said(place))
    (tmp_path / "home").chmod(0o755)
    assert any(not well and "chmod" in finding for well, finding in _said(place))


def test_a_broken_model_is_a_finding_of_the_doctor(tmp_path: Path) -> None:
    place = _place(tmp_path / "home", KENTONGAN__MODELS__FOLDER=str(tmp_path / "none"))
    assert any(not finding.well and finding.what == "model" for finding in doctor.examine(place))


def _said(place: Workplace) -> list[tuple[bool, str]]:
    return [(finding.well, finding.says) for finding in doctor.examine(place)]


def test_what_the_reports_hold_is_json(tmp_path: Path) -> None:
    place = _place(tmp_path / "home")
    reports = _run(place, _file(tmp_path, *_rows(THREAT)))
    assert json.dumps([report.tables for report in reports])
    assert issubclass(SourceUnavailable, TransientError)
