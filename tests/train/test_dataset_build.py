"""Datasets of decisions and labelled files: what comes in, what stays out and is counted, splits, refusals."""

from __future__ import annotations

import csv
import json
import random
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from homes import Clock, decide, file_of, id_of, place_at, row, take

from pipeline import erasing
from pipeline.cli.app import call
from pipeline.core.config_dataset import DatasetMap
from pipeline.core.errors import ConfigError
from pipeline.core.identity import subject_of
from pipeline.train import ageing
from pipeline.train.ageing import purge_datasets
from pipeline.train.build import Built, build_dataset
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import HATE_COLUMNS
from pipeline.train.imports import import_file, read_imported
from pipeline.train.recall import Judged, Reviewed, estimate_recall
from pipeline.train.records import SCHEMA
from pipeline.train.splits import check_splits, fold_of
from pipeline.train.stored import IMPORTED, datasets_folder, forget, left_in, read_dataset
from pipeline.workplace import Workplace

LEAST = {"KENTONGAN__DATASET__MIN_POSITIVES": "2"}
THREATS = (
    "besok malam kita bakar kantor KPU ramai-ramai, siapkan bensin dan parang",
    "nanti malam kita bakar gudang logistik, bawa bensin",
    "minggu depan kita bakar kantor bawaslu, kumpulkan jeriken di simpang",
    "lusa kita bakar kantor camat, parang jangan lupa dibawa",
    "habis magrib ayo bakar balai desa itu, korek dan solar sudah ada",
    "sabtu pagi kita serbu dan bakar kantor panwas, semua bawa golok",
    "hari rabu bakar saja kantor lurah, obor disiapkan dari rumah masing-masing",
    "selepas isya kita bakar gedung dewan, bensin dua jeriken cukup",
)
TWELVE = DatasetMap(group="near_dup_group", labels={name: name for name in HATE_COLUMNS})


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with eight flags: two fit, two do not, and four are out for a reason each; never written to."""
    folder = tmp_path_factory.mktemp("decided")
    place = place_at(folder / "home", Clock())
    take(place, file_of(folder, *(row(number, THREATS[number]) for number in range(8))))
    decide(place, id_of(place, 0), "fits", "confirmed", by="r1")
    decide(place, id_of(place, 0), "fits", "confirmed", by="r2")
    decide(place, id_of(place, 1), "not", "rejected", "satire", by="r1")
    decide(place, id_of(place, 1), "fits", "confirmed", by="r2")
    decide(place, id_of(place, 2), "not", "rejected", "satire")
    decide(place, id_of(place, 3), "not", "rejected", "report")
    decide(place, id_of(place, 4), "not", "rejected", "child")
    decide(place, id_of(place, 5), "fits", "confirmed")
    decide(place, id_of(place, 6), "unsure", "unsure")
    decide(place, id_of(place, 7), "fits", "confirmed")
    erasing.erase(place, id_of(place, 5), actor="p", reason="request")
    with place.ledger.write() as db:
        from pipeline.ledger import verdicts

        last = verdicts.latest(db, id_of(place, 7))
        assert last is not None
        verdicts.record(db, replace(last, decisions={}, status="open", supersedes=last.id))
    place.close()
    return folder / "home"


@pytest.fixture
def place(decided: Path, tmp_path: Path) -> Workplace:
    """A copy of that home."""
    shutil.copytree(decided, tmp_path / "home")
    return place_at(tmp_path / "home", Clock(), **LEAST)


def build(place: Workplace, **options: Any) -> Built:
    """The dataset of the office's decisions."""
    return build_dataset(place, offices=[place.settings.office.code], moment=place.clock(), **options)


def rows_of(built: Built) -> dict[str, Mapping[str, Any]]:
    """The rows by id."""
    assert built.folder is not None
    return {row["id"]: row for row in pq.read_table(built.folder / "rows.parquet").to_pylist()}


def labelled(path: Path, *, wrong: int = 0) -> Path:
    """A file in the shape of okky2019 of sentences written for this project; the first `wrong` contradict."""
    written = counterexamples(7, 1)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", *HATE_COLUMNS, "near_dup_group"])
        for number, (text, frame) in enumerate(zip(written.texts, written.frames, strict=True)):
            said = {name: bool(values[number]) for name, values in written.labels.items()}
            hate, group, strong = said["HS"], said["HS_Group"], said["HS_Strong"]
            grounds = {f"HS_{name.capitalize()}": said[name] for name in ("religion", "race", "gender", "physical")}
            own = grounds | {"HS": hate, "Abusive": said["Abusive"], "HS_Group": group, "HS_Strong": strong}
            own |= {"HS_Individual": hate and not group, "HS_Other": hate and not any(grounds.values())}
            own |= {"HS_Weak": hate and not group and not strong, "HS_Moderate": group and not strong}
            if number < wrong:
                own |= {"HS": False, "HS_Weak": True}
            writer.writerow([text, *(int(own[name]) for name in HATE_COLUMNS), frame])
    return path


def bring(place: Workplace, file: Path, name: str = "berkas", **options: Any) -> dict[str, Any]:
    """Import a file."""
    given = {"licence": "CC0", "mapping": TWELVE, "max_contradictions": 0.01} | options
    return import_file(file, datasets_folder(place.home.root) / IMPORTED, name=name, **given)[1]


# ---- decisions


def test_every_flag_stands_in_one_count(place: Workplace) -> None:
    counts = build(place).manifest["counts"]["verdict"]
    assert counts.pop("copies") == 0
    assert counts == {"in": 8, "kept": 4, "child": 1, "erased": 1, "undecided": 1, "undone": 1}


def test_what_stands_is_the_label_and_both_opinions_are_kept(place: Workplace) -> None:
    rows = rows_of(build(place))
    agreed, disputed = (rows[subject_of(id_of(place, number))] for number in (0, 1))
    assert (agreed["threat"], agreed["threat_for"], agreed["threat_against"]) == (True, 2, 0)
    assert (disputed["threat"], disputed["threat_for"], disputed["threat_against"]) == (True, 1, 1)
    assert agreed["hate_group"] is None
    assert (agreed["selection"], agreed["weight"], agreed["week"]) == ("flag", 1.0, "2026-W47")


def test_no_row_says_who_wrote_it_or_where(place: Workplace) -> None:
    built = build(place)
    assert built.folder is not None
    content = b"".join(path.read_bytes() for path in built.folder.iterdir())
    flags = [id_of(place, number) for number in range(8)]
    assert not [each for each in (*flags, "akun0", "x.com") if each.encode() in content]
    assert set(pq.read_schema(built.folder / "rows.parquet").names) == set(SCHEMA.names)


def test_the_same_ledger_makes_the_same_bytes(place: Workplace, tmp_path: Path) -> None:
    first, other, again = build(place), build(place, out=tmp_path / "other"), build(place)
    assert first.folder is not None
    assert other.folder is not None
    assert again.again
    assert again.folder == first.folder
    for path in first.folder.iterdir():
        assert path.read_bytes() == (other.folder / path.name).read_bytes()
    assert first.folder.name == f"kentongan-{read_dataset(first.folder).hash[:12]}"


def test_a_dry_run_writes_nothing(place: Workplace) -> None:
    assert build(place, dry_run=True).folder is None
    assert not datasets_folder(place.home.root).exists()


def test_a_copy_of_a_child_s_text_stays_out(place: Workplace, tmp_path: Path) -> None:
    take(place, file_of(tmp_path, row(20, THREATS[4] + " ya")))
    decide(place, id_of(place, 20), "fits", "confirmed")
    assert build(place).manifest["counts"]["verdict"]["copy_of_child_or_private"] == 1


def test_what_is_past_its_time_stays_out(place: Workplace) -> None:
    clock = place.clock
    assert isinstance(clock, Clock)
    clock.move(days=31)  # what did not fit is kept for 30 days
    with pytest.raises(ConfigError, match="2 texts are left"):
        build(place)


def test_other_offices_decisions_stay_out_and_a_lone_class_is_refused(place: Workplace) -> None:
    with pytest.raises(ConfigError, match=r"0 texts are left.*dataset import"):
        build_dataset(place, offices=["61"], moment=place.clock())
    with pytest.raises(ConfigError, match="nearest: threat, 2 and 2"):
        build_dataset(place_at(place.home.root, Clock()), offices=["00"], moment=place.clock())


def test_a_broken_chain_is_refused_with_office_and_entry(place: Workplace) -> None:
    with sqlite3.connect(place.home.root / "ledger.db") as db:
        db.execute("update entry set body = replace(body, 'satire', 'report') where kind = 'verdict'")
    with pytest.raises(ConfigError, match=r"office 00, entry \d+: it was changed.*ledger verify"):
        build(place)


def test_samples_weigh_what_they_stand_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.flagging.sample_rank", lambda _id: 0.0)
    place = place_at(tmp_path / "home", Clock(), **LEAST, KENTONGAN__POLICY__SAMPLE_SHARE="0.01")
    calm = [f"pasar {name} ramai, harga {name} turun lagi hari ini" for name in ("bawang", "cabai", "telur")]
    take(place, file_of(tmp_path, *(row(n, text) for n, text in enumerate([*THREATS[:2], *calm]))))
    for number in range(5):
        decide(place, id_of(place, number), "fits" if number < 2 else "not", *(
            ("confirmed",) if number < 2 else ("rejected", "satire")
        ))  # fmt: skip
    built = build(place)
    sampled = [row for row in rows_of(built).values() if row["sampled"]]
    assert [row["weight"] for row in sampled] == pytest.approx([100.0] * 3)
    assert built.manifest["selection"] == {"flag": 2, "sample": 3}
    assert built.manifest["recall"]["threat"]["why"] == "too_few_samples"


def test_what_was_chosen_to_teach_is_learnt_and_counts_for_no_recall(tmp_path: Path) -> None:
    asked = {
        "KENTONGAN__POLICY__TEACH_PER_DAY": "50",
        "KENTONGAN__POLICY__UNSURE_FROM": "0",
        "KENTONGAN__POLICY__UNSURE_TO": "1",
    }
    place = place_at(tmp_path / "home", Clock(), **LEAST, **asked)
    calm = [f"pasar {name} ramai, harga {name} turun lagi hari ini" for name in ("bawang", "cabai", "telur")]
    take(place, file_of(tmp_path, *(row(n, text) for n, text in enumerate([*THREATS[:2], *calm]))))
    for number in range(5):
        decide(place, id_of(place, number), "fits" if number < 2 else "not", *(
            ("confirmed",) if number < 2 else ("rejected", "satire")
        ))  # fmt: skip
    built = build(place)
    assert built.manifest["selection"] == {"flag": 2, "teach": 3}
    assert {row["weight"] for row in rows_of(built).values()} == {1.0}
    recall = built.manifest["recall"]["threat"]
    assert (recall["flags"], recall["samples"]) == (2, 0)


# ---- erasure


def test_what_is_erased_leaves_the_datasets_that_stand(place: Workplace) -> None:
    built = build(place)
    gone = subject_of(id_of(place, 0))
    datasets = datasets_folder(place.home.root)
    assert list(left_in(datasets, {gone})) == [(str(built.folder and built.folder.name), gone)]
    assert (forget(datasets, gone), forget(datasets, gone)) == (1, 0)
    assert list(left_in(datasets, {gone})) == []
    assert built.folder is not None
    assert len(read_dataset(built.folder)) == 3


def test_decisions_that_grew_too_old_leave_the_datasets_that_stand(place: Workplace, tmp_path: Path) -> None:
    bring(place, labelled(tmp_path / "berkas.csv"))
    built = build(place, files=["berkas"])
    assert built.folder is not None
    before = {path.name: path.read_bytes() for path in built.folder.iterdir()}
    clock, whole = place.clock, len(read_dataset(built.folder))
    assert isinstance(clock, Clock)
    assert purge_datasets(place, clock.now, dry_run=False) == 0
    clock.move(days=725)
    decide(place, id_of(place, 1), "fits", "confirmed", by="r1")  # looked at again: it is as old as that
    clock.move(days=10)
    assert purge_datasets(place, clock.now, dry_run=True) == 3
    assert {path.name: path.read_bytes() for path in built.folder.iterdir()} == before
    assert (purge_datasets(place, clock.now, dry_run=False), purge_datasets(place, clock.now, dry_run=False)) == (3, 0)
    left = read_dataset(built.folder)
    assert (len(left), left.manifest["expired_since"]) == (whole - 3, 3)
    assert [row["id"] for row in rows_of(built).values() if row["origin"] == "verdict"] == [subject_of(id_of(place, 1))]


def test_the_verb_purges_datasets_and_says_which_is_damaged(
    place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = build(place).folder
    assert folder is not None
    place.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KENTONGAN__PATHS__HOME", str(place.home.root))
        patch.setattr(ageing, "oldest_taught", lambda now, _months: now + timedelta(days=1))
        assert call(["purge", "--json", "--lang", "en"]) == 0
        assert json.loads(capsys.readouterr().out)["reports"][0]["counts"]["dataset_rows"] == 4
        (folder / "rows.parquet").write_bytes(b"x")
        assert call(["purge", "--json", "--lang", "en"]) == 2
    assert "remove the folder and build it again" in capsys.readouterr().err


# ---- labelled files


def test_labels_of_a_file_are_derived_and_the_twelve_kept(place: Workplace, tmp_path: Path) -> None:
    file = labelled(tmp_path / "berkas.csv")
    notes = bring(place, file)
    assert notes["counts"]["in"] == notes["counts"]["kept"]
    read = read_dataset(build(place, files=["berkas"]).folder or Path())
    data = read.hate_data()
    assert set(data.labels) == set(HATE_COLUMNS)
    known, true = read.label("hate_group")
    assert known.sum() > true.sum() > 20
    with pytest.raises(ConfigError, match="hoax_claim"):
        read.label("hoax_claim")
    card = (read.folder / "card.md").read_text(encoding="utf-8")
    assert all(words in card for words in ("CC0", notes["sha256"], "Forbidden use", "**kept**"))


def test_one_class_columns_are_refused_for_training(place: Workplace, tmp_path: Path) -> None:
    file = tmp_path / "polos.csv"
    file.write_text("isi,jahat\n" + "".join(f"kalimat {w} tentang {w}saja,1\n" for w in "abcdefg"), encoding="utf-8")
    bring(place, file, mapping=DatasetMap(text="isi", labels={"hate_group": "jahat"}))
    read = read_dataset(build(place, files=["berkas"]).folder or Path())
    assert "| hate_group | 7 | 0 | 4 | 0 | no: one class only |" in (read.folder / "card.md").read_text(
        encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="hate_group fits 7 texts and does not fit 0"):
        read.label("hate_group")
    with pytest.raises(ConfigError, match="twelve columns"):
        read.hate_data()


def test_contradicting_labels_are_listed_or_refused(place: Workplace, tmp_path: Path) -> None:
    notes = bring(place, labelled(tmp_path / "b.csv", wrong=1))
    assert notes["counts"]["contradicts"] == 1
    assert notes["contradictions"] == [{"row": 1, "says": "target, ground or strength without hate"}]
    bad = labelled(tmp_path / "c.csv", wrong=60)
    with pytest.raises(ConfigError, match=r"c\.csv: the labels of 60 of .*row 1: target"):
        bring(place, bad, name="lain")
    assert not (datasets_folder(place.home.root) / IMPORTED / "lain.parquet").exists()


@pytest.mark.parametrize(
    ("content", "mapping", "says"),
    [
        ("teks,a\nx,1\n", {"labels": {"threat": "a"}}, "lacks rows or the columns text"),
        ("text,a\nx,mungkin\n", {"labels": {"threat": "a"}}, 'row 1: "mungkin" in column a'),
        ("text,a\nx,1\n", {"labels": {"jahat": "a"}}, "jahat, which is no label"),
        ("text,a\nx,1\n", {"labels": {"HS": "a"}}, "all must be mapped or none"),
        ("text,a,d\nx,1,kemarin\n", {"labels": {"threat": "a"}, "published": "d"}, '"kemarin" is no day'),
        ("text,a\n,1\n", {"labels": {"threat": "a"}}, "no row with a text and a label"),
        ("text,a,b\nx,0,1\n", {"labels": {"hate_group": "a", "incitement": "b"}}, "incitement without hate"),
        ("text,a,b\nx,0,1\n", {"labels": {"hate_speech": "a", "ground_race": "b"}}, "on a group, but no hate"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    place: Workplace, tmp_path: Path, content: str, mapping: dict[str, Any], says: str
) -> None:
    file = tmp_path / "data.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        bring(place, file, mapping=DatasetMap(**mapping))


def test_handles_in_a_file_are_masked(place: Workplace, tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("text,a\nkata @seseorang_ini di https://x.com/s/1,1\n", encoding="utf-8")
    bring(place, file, mapping=DatasetMap(labels={"threat": "a"}))
    (only,) = read_imported(datasets_folder(place.home.root) / IMPORTED, "berkas").rows
    assert only.text == "kata [akun] di [tautan]"


def test_what_was_not_imported_is_said(place: Workplace) -> None:
    with pytest.raises(ConfigError, match="nothing was imported as lain"):
        build(place, files=["lain"])


# ---- splits


def test_copies_stay_on_one_side_of_every_split(place: Workplace, tmp_path: Path) -> None:
    dated = tmp_path / "dated.csv"
    letters = random.Random(3)
    words = ["".join(letters.choices("aiueobdgklmnprst", k=6)) for _word in range(400)]
    lines = [f"2026-{n % 8 + 1:02}-05,{' '.join(words[n * 8 : n * 8 + 8])},{n % 2}" for n in range(48)]
    copy = "kalimat panjang yang disalin orang berkali-kali dari bulan ke bulan tanpa henti"
    lines += [f"2026-01-06,{copy},1", f"2026-08-06,{copy} ya,1"]
    dated.write_text("hari,text,a\n" + "\n".join(lines) + "\n", encoding="utf-8")
    bring(place, dated, mapping=DatasetMap(published="hari", labels={"threat": "a"}))
    built = build(place, files=["berkas"])
    rows = list(rows_of(built).values())
    check_splits(rows, "here")
    pair = [row for row in rows if row["text"].startswith("kalimat panjang")]
    assert len({row["group"] for row in pair}) == 1
    assert built.manifest["splits"]["time"]["train"] > 0
    assert len({row["fold"] for row in rows}) == 5
    torn = [row | {"fold": number} for number, row in enumerate(pair)]
    with pytest.raises(ConfigError, match="two sides of the split fold"):
        check_splits(torn, "here")


def test_a_group_stays_in_its_fold() -> None:
    assert [fold_of(name, 0) for name in ("a", "b")] == [fold_of(name, 0) for name in ("a", "b")]
    assert {fold_of(str(number), 1) for number in range(100)} == {0, 1, 2, 3, 4}


# ---- reading back


def test_damage_and_the_future_are_refused(place: Workplace, tmp_path: Path) -> None:
    folder = build(place).folder
    assert folder is not None
    with pytest.raises(ConfigError, match="is no dataset"):
        read_dataset(tmp_path)
    manifest = (folder / "manifest.json").read_text(encoding="utf-8")
    for said, wrong in (("newer version", manifest.replace('"version": 1', '"version": 9')), ("damaged", "[]")):
        (folder / "manifest.json").write_text(wrong, encoding="utf-8")
        with pytest.raises(ConfigError, match=said):
            read_dataset(folder)
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    with (folder / "rows.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ConfigError, match=r"damaged .rows.parquet was changed.*build it again"):
        read_dataset(folder)


# ---- recall


def judged(sampled: int, sampled_fit: int, flags_fit: int, probability: float = 0.01) -> list[Judged]:
    """Decisions on threat."""
    samples = [Judged(f"s{n:03}", "threat", True, probability, n < sampled_fit) for n in range(sampled)]
    return samples + [Judged(f"f{n:03}", "threat", False, None, True) for n in range(flags_fit)]


def test_recall_is_what_the_samples_say() -> None:
    found = estimate_recall(judged(100, 1, 100), Reviewed(), 0)["threat"]
    assert found["recall"]["value"] == 0.5  # one of a hundred samples stands for a hundred posts
    assert found["recall"]["low"] < 0.35 < 0.9 < found["recall"]["high"]


def test_recall_counts_what_was_not_reviewed_yet() -> None:
    reviewed = Reviewed()
    reviewed.count([(False, True)] * 50 + [(False, False)] * 50 + [(True, True)] * 100)
    assert estimate_recall(judged(100, 1, 100), reviewed, 0)["threat"]["recall"]["value"] == pytest.approx(0.667)


def test_recall_without_enough_samples_is_none_and_none_missed_is_no_certainty() -> None:
    assert estimate_recall(judged(29, 1, 100), Reviewed(), 0)["threat"]["recall"] is None
    none_missed = estimate_recall(judged(100, 0, 100), Reviewed(), 0)["threat"]["recall"]
    assert (none_missed["value"], none_missed["low"], none_missed["high"]) == (1.0, 0.25, 1.0)
