"""The inbox: each content once, nothing half-written, no links."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources import inbox
from pipeline.sources.inbox import Again, done, pending, refuse, strangers

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample"


def drop(folder: Path, name: str, content: str = "teks\nisi\n", age: int = 60) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    old = path.stat().st_mtime - age
    os.utime(path, (old, old))
    return path


def test_files_come_in_order_of_their_names(tmp_path: Path) -> None:
    made = [drop(tmp_path, name, name) for name in ("c.csv", "a.xlsx", "b.jsonl")]
    assert pending(tmp_path) == sorted(made)
    assert pending(tmp_path / "tiada") == []


@pytest.mark.parametrize(
    "name", [".a.csv", "~$laporan.xlsx", "a.csv.part", "a.crdownload", "a.csv~", "a.TMP", ".~lock.a.ods#"]
)
def test_hidden_and_temporary_files_wait(tmp_path: Path, name: str) -> None:
    drop(tmp_path, name)
    assert pending(tmp_path) == []


def test_empty_files_folders_and_links_are_not_taken(tmp_path: Path) -> None:
    outside = drop(tmp_path, "rahasia.csv")
    box = tmp_path / "inbox"
    (box / "folder").mkdir(parents=True)
    drop(box, "kosong.csv", "")
    (box / "tautan.csv").symlink_to(outside)
    assert pending(box) == []
    assert strangers(box) == ["folder", "tautan.csv"]


def test_a_file_is_taken_once_whatever_it_is_called(tmp_path: Path) -> None:
    first = drop(tmp_path, "a.csv")
    drop(tmp_path, "salinan.csv")
    assert pending(tmp_path) == [first]
    target = done(first)
    assert target.parent.name == "done"
    assert target.name.endswith("-a.csv")
    assert target.read_bytes() == b"", "the names of accounts that it held are gone"
    drop(tmp_path, "lagi.csv")
    assert pending(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done"]
    assert len(list((tmp_path / "done").iterdir())) == 3


def test_what_was_read_before_is_told_with_the_first_time(tmp_path: Path) -> None:
    target = done(drop(tmp_path, "a.csv"))
    first = datetime(2026, 11, 21, 3, 10, tzinfo=UTC)
    os.utime(target, (first.timestamp(), first.timestamp()))
    for _time in range(2):
        again: list[Again] = []
        drop(tmp_path, "a.csv")
        drop(tmp_path, "nama lain.csv")
        assert pending(tmp_path, again) == []
        assert again == [Again("a.csv", first), Again("nama_lain.csv", first)]
    again = []
    one, _same = drop(tmp_path, "b.csv", "baru"), drop(tmp_path, "c.csv", "baru")
    assert pending(tmp_path, again) == [one]
    assert again == [Again("c.csv", None)]


def test_a_refused_file_is_out_of_the_way_and_may_come_again(tmp_path: Path) -> None:
    path = drop(tmp_path, "a.csv")
    assert refuse(path).parent.name == "refused"
    assert pending(tmp_path) == []
    again = drop(tmp_path, "a.csv")
    assert pending(tmp_path) == [again]
    assert strangers(tmp_path) == []


def test_a_file_that_still_grows_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    growing = drop(tmp_path, "tumbuh.csv", age=0)
    still = drop(tmp_path, "diam.csv", "lain", age=0)

    def meanwhile(_seconds: float) -> None:
        with growing.open("a", encoding="utf-8") as file:
            file.write("baris lagi\n")

    monkeypatch.setattr(inbox.time, "sleep", meanwhile)
    assert pending(tmp_path) == [still]


@given(st.text(min_size=1, max_size=120))
def test_names_in_done_are_plain(name: str) -> None:
    kept = inbox._clean(name)
    assert 0 < len(kept) <= 80
    assert not kept.startswith(".")
    assert all(char.isalnum() or char in "-_." for char in kept)
    assert Path(kept).name == kept
