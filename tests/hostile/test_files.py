"""Hostile files through the whole program: a message and an exit code, or counted quarantine and the good rows kept."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import hostile
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.config import SourceSettings, load_settings
from pipeline.core.errors import ConfigError
from pipeline.report.sheets import Sheet, to_csv, to_xlsx
from pipeline.sources import delimited, inbox, rows
from pipeline.sources.readers import open_table
from pipeline.sources.registry import guess_source
from pipeline.sources.rows import BadRow

MB = 1_000_000
GOOD = "warga bergotong royong memperbaiki jembatan di Sintang"
ALSO = "pasar pagi di Ketapang ramai menjelang hari raya"


def read(path: Path) -> tuple[list[dict[str, object]], list[BadRow]]:
    """The rows of a file and those that cannot be read."""
    found = list(open_table(path).rows())
    return [row[1] for row in found if not isinstance(row, BadRow)], [row for row in found if isinstance(row, BadRow)]


def saved(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


# ---- what cannot be read at all

REFUSED = {
    "kosong.csv": b"",
    "hanya-baris.csv": b"\n\r\n\n",
    "biner.csv": bytes(range(256)) * 40,
    "gambar.csv": b"\x89PNG\r\n\x1a\n" + os.urandom(64),
    "padat.csv": gzip.compress(b"teks\nisi\n"),
    "bom.csv.gz": gzip.compress(b"\0" * 30 * MB),
    "bom.xlsx": hostile.zipped(**{"xl/workbook.xml": b"<x/>", "xl/worksheets/sheet1.xml": b"\0" * 30 * MB}),
    "jalan.zip": hostile.zipped(**{"../../../etc/cron.d/x": b"x", "/etc/passwd": b"x"}),
    "rusak.xlsx": b"PK\x03\x04" + b"\0" * 200,
    "rusak.parquet": b"PAR1" + b"\xff" * 400 + b"PAR1",
    "dalam.json": b"[" * 200_000,
    "tawa.xml": b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel><title>&b;</title></channel></rss>',
    "luar.rss": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>',
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_file_of_posts_is_refused_in_one_line_with_exit_code_two(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / name, REFUSED[name])
    done = hostile.run(tmp_path / "home", str(path), monkeypatch, capsys)
    assert done.code == 2
    assert 0 < len(done.said.strip().splitlines()) <= 2
    assert "root:" not in done.said
    assert done.texts == []
    assert not (tmp_path / "etc").exists()


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipa.csv")
    waiting = threading.Timer(5, lambda: os.close(os.open(tmp_path / "pipa.csv", os.O_RDWR | os.O_NONBLOCK)))
    waiting.start()
    try:
        with pytest.raises(ConfigError, match="no file"):
            guess_source(str(tmp_path / "pipa.csv"), {})
    finally:
        waiting.cancel()


@pytest.mark.parametrize(
    "name", ["a\x1b[31m.csv", "a\nb.csv", "\u202egnp.csv", "..\\..\\a.csv", "-rf.csv", "\udcff\udcfe.csv"]
)
def test_a_file_s_name_can_neither_lead_elsewhere_nor_write_on_the_terminal(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "berkas"
    folder.mkdir()
    saved(folder / name, f"text\n{GOOD}\n")
    done = hostile.run(tmp_path / "home", str(folder / name), monkeypatch, capsys)
    assert (done.code, done.texts) == (0, [GOOD])
    assert "\x1b" not in done.said
    sources = list((tmp_path / "home" / "landing").iterdir())
    assert len(sources) == 1
    assert sources[0].name.replace("-", "").isalnum()
    with pytest.raises(ConfigError) as told:
        guess_source(str(folder / f"tiada{name}"), {})
    assert "\x1b" not in str(told.value)
    str(told.value).encode()


@pytest.mark.parametrize("name", ["../../luar.csv", "a/../b.csv", "\x1b]0;x\x07.csv", "." * 300])
def test_a_name_in_the_inbox_stays_in_the_inbox(name: str) -> None:
    plain = inbox._clean(name)
    assert len(plain) <= 80
    assert not {"/", "\\", "\x1b"} & set(plain)
    assert plain.strip(".")


@pytest.mark.parametrize("name", ["../luar", "a/b", "", "A", "x" * 41, "a\nb", ".", "a b"])
def test_a_source_s_name_in_the_config_cannot_be_a_path(name: str, tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text(f'[sources.{json.dumps(name)}]\nkind = "export"\npath = "x.csv"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="source name"):
        load_settings(config, {})


# ---- bad rows beside good ones

LONG = "kata-kata " * 10_000  # 100,000 characters
TRICKS = {
    "pembalik": "\u202etxet\u202c \u2066isi\u2069 \u200f\u200e biasa",
    "tak-tampak": "b\u200ba\u200ck\u200da\u2060r \ufeff\u00ad kabar biasa",
    "emoji": "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f3fd\U0001f1ee\U0001f1e9",
    "zalgo": "k" + "\u0301" * 500 + "abar",
    "rumus": '=HYPERLINK("http://x.example","klik")',
    "rumus-2": "+cmd|' /C calc'!A0",
    "rumus-3": "@SUM(1+1)*cmd",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "sql": "'); DROP TABLE flag;-- \" OR 1=1",
    "panjang": LONG,
}


def test_odd_texts_all_arrive_beside_each_other_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["text"], [GOOD], *([text] for text in TRICKS.values()), [ALSO]])
    done = hostile.run(tmp_path / "home", str(saved(tmp_path / "a.csv", buffer.getvalue())), monkeypatch, capsys)
    assert done.code == 0
    assert done.counts["ingest"] == {"landed": len(TRICKS) + 2, "again": 0, "quarantined": 0}
    assert {GOOD, ALSO, TRICKS["sql"], TRICKS["html"], TRICKS["emoji"], LONG.strip()} <= set(done.texts)
    assert len(done.texts) == len(TRICKS) + 2


def test_lone_surrogates_nul_and_broken_lines_of_json_cost_themselves_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        json.dumps({"text": GOOD}),
        '{"text": "\\ud83d setengah \\udc00 huruf", "id": "\\ud800", "platform": "\\udfff", "url": "\\ud800"}',
        '{"text": "nol \\u0000 di tengah", "\\ud800": "\\udfff"}',
        '{"text": ',
        "[1, 2]",
        '{"text": NaN, "x": 1e999}',
        "\0" * 50,
        json.dumps({"text": ALSO}),
    ]
    path = saved(tmp_path / "a.jsonl", "\n".join(lines) + "\n")
    done = hostile.run(tmp_path / "home", str(path), monkeypatch, capsys)
    assert done.code == 0
    assert {GOOD, ALSO} <= set(done.texts)
    assert sum(done.counts["ingest"].values()) == len(lines)
    assert done.counts["ingest"]["quarantined"] == 3
    for text in done.texts:
        text.encode()


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_each_encoding_that_offices_write_is_read(codec: str, suffix: str, tmp_path: Path) -> None:
    text = "caf\u00e9 \u00abbiasa\u00bb di Bengkulu, harga naik 5\u00b0"
    lines = ["text", f'"{text}"'] if suffix == "csv" else [json.dumps({"text": text}, ensure_ascii=False)] * 2
    found, bad = read(saved(tmp_path / f"a.{suffix}", ("\n".join(lines) + "\n").encode(codec)))
    assert bad == []
    assert found[0]["text"] == text


def test_lines_of_another_encoding_are_quarantined_and_the_others_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = [f"kabar baik ke-{n}: caf\u00e9 di Ende \u2014 ramai".encode() for n in range(20)]
    body = b"text\n" + b"\n".join([*good[:10], b"caf\xe9 Latin-1 \x96 rusak", *good[10:]]) + b"\n"
    done = hostile.run(tmp_path / "home", str(saved(tmp_path / "a.csv", body)), monkeypatch, capsys)
    assert done.code == 0
    assert done.counts["ingest"]["quarantined"] == 1
    assert [place for place, _reason in done.quarantined] == ["line 12"]
    assert sorted(done.texts) == sorted(text.decode() for text in good)


@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("Jumat, 26 Juni 2020 pukul 14.30 WITA", 2020),
        ("1900-01-01", None),
        ("0001-01-01T00:00:00Z", None),
        ("2999-12-31", None),
        ("9999999999999999999", None),
        ("-1", None),
        ("31 Februari 2024", None),
        ("00/00/0000", None),
    ],
)
def test_a_time_that_cannot_be_is_left_out_and_the_post_kept(written: str, year: int | None, tmp_path: Path) -> None:
    from pipeline.sources.export import ExportSource

    path = saved(tmp_path / "a.csv", f'text,published_at\n"{GOOD}","{written}"\n')
    place = hostile.place_in(tmp_path / "home")
    source = place.source("a", SourceSettings(kind="export", path=str(path)))
    assert isinstance(source, ExportSource)
    [post] = [source.parse(raw) for raw in source.fetch()]
    assert post.text == GOOD
    assert (post.published_at.year if post.published_at else None) == year
    if year:
        assert post.published_at.isoformat() == "2020-06-26T06:30:00+00:00"


# ---- size

LINES = {
    "csv": (b"text,id\n" + GOOD.encode() + b",1\n", b"\n" + ALSO.encode() + b",2\n"),
    "jsonl": (json.dumps({"text": GOOD}).encode() + b'\n{"text": "', b'"}\n' + json.dumps({"text": ALSO}).encode()),
}
BOUNDED = """
import sys
sys.path.insert(0, sys.argv[2])
import hostile
from pathlib import Path
place = hostile.place_in(Path(sys.argv[1]).parent / "home")
done = hostile.ingested(place, sys.argv[1])
print(*(done.report.counts[name] for name in ("landed", "quarantined")), len(done.failed))
status = Path("/proc/self/status").read_text()  # getrusage would count the process that this one was forked from
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def measured(path: Path) -> tuple[tuple[int, ...], int]:
    """Landed, quarantined and failed of a file that is read by a process of its own, and the most MB that it took."""
    here = str(Path(__file__).parent)
    root = str(Path(__file__).parents[2])
    environ = {"PATH": os.environ["PATH"], "LANGUAGE": "en", "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(path), here], capture_output=True, text=True, timeout=60, env=environ
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    *_log, counts, peak = done.stdout.splitlines()
    return tuple(map(int, counts.split())), int(peak)


@pytest.mark.parametrize("kind", LINES)
def test_a_line_of_200_mb_costs_itself_and_little_memory(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    before, after = LINES[kind]
    with path.open("wb") as file:
        file.write(before)
        for _block in range(200):
            file.write(b"y" * MB)
        file.write(after)
    counts, peak = measured(path)
    path.unlink()
    assert counts == (2, 1, 0)
    assert peak < 600


def bomb_of_keys(path: Path) -> Path:
    keys = ",".join(f'"{number}":1' for number in range(200_000))
    bad = f'{{"text":"{GOOD} dua","{"K" * 4 * MB}":{{{keys}}}}}'
    return saved(path.with_suffix(".jsonl"), f'{{"text":"{GOOD}"}}\n{bad}\n{{"text":"{ALSO}"}}\n')


def bomb_of_texts(path: Path) -> Path:
    """One text of 30 MB that 300 rows name: 1,400 bytes that would be 9 GB."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] + [1] * 300, pa.int32()), pa.array([GOOD, "x" * 30 * MB]))
    pq.write_table(pa.table({"text": texts}), path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def bomb_of_nested_texts(path: Path) -> Path:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 300, pa.int32()), pa.array(["x" * 30 * MB]))
    user = pa.StructArray.from_arrays([texts, pa.array([["a"]] * 300)], ["bio", "tags"])
    pq.write_table(pa.table({"text": [GOOD] * 300, "user": user}), path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


@pytest.mark.parametrize("bomb", [bomb_of_keys, bomb_of_texts, bomb_of_nested_texts])
def test_a_small_file_cannot_fill_the_memory(bomb, tmp_path: Path) -> None:
    (landed, quarantined, failed), peak = measured(bomb(tmp_path / "bom"))
    assert landed >= 1
    assert failed == 0
    assert quarantined == (0 if bomb is bomb_of_keys else 1)
    assert peak < 1_000


def test_a_row_without_end_in_a_workbook_is_refused(tmp_path: Path) -> None:
    cells = [b"<c/>" * 250_000] * 12
    path = hostile.workbook(
        tmp_path / "a.xlsx", [b"<sheetData>", hostile.row("text"), b"<row>", *cells, b"</row></sheetData>"]
    )
    with pytest.raises(ConfigError, match="ZIP bomb"):
        open_table(path)


def test_a_text_without_end_in_a_workbook_is_refused_wherever_it_hides(tmp_path: Path) -> None:
    noise = [os.urandom(50_000).hex().encode()] * 120
    sheet = [b"<sheetData>", hostile.row("text"), hostile.row(GOOD), b"</sheetData>"]
    path = hostile.workbook(tmp_path / "a.xlsx", sheet, [b"<si><t>", *noise, b"</t></si>"], name="theme1.xml")
    with pytest.raises(ConfigError, match="ZIP bomb"):
        open_table(path)
    sheet = [
        b"<sheetData>",
        hostile.row("text"),
        b"<!-- </row> -->",
        b"<row>" + b"<c/>" * 2_500_000,
        b"</row></sheetData>",
    ]
    with pytest.raises(ConfigError, match="ZIP bomb"):
        open_table(hostile.workbook(tmp_path / "b.xlsx", sheet))


def test_a_workbook_of_many_plain_rows_is_no_bomb(tmp_path: Path) -> None:
    sheet = [b"<sheetData>", hostile.row("text", "id"), *[hostile.row(GOOD, "1") * 1_000] * 90, b"</sheetData>"]
    path = hostile.workbook(tmp_path / "a.xlsx", sheet, [b"<si><t>x</t></si>" * 10])
    table = open_table(path)
    assert next(table.rows())[1] == {"text": GOOD, "id": "1"}


def test_rows_that_come_to_far_more_than_the_file_end_with_a_bad_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_EXPANDED", 1_000)
    many = ((f"row {number}", {"text": "x" * 100}) for number in range(1_000))
    found = list(rows.bounded(many, packed=1))
    assert len(found) == 7
    assert isinstance(found[-1], BadRow)


# ---- found by looking and by fuzzing; each once broke something


@pytest.mark.parametrize(
    "head", ['a,b\n"buka,1\n' + "x" * 30_000 + "\n", "a,b\n" + "x" * 999 + "\n", "a,b\n" + "x" * 1_000 + "\n"]
)
def test_the_row_after_a_line_that_is_too_long_is_not_lost(
    head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "MAX_RECORD", 1_000)
    found, bad = read(saved(tmp_path / "a.csv", head + "3,4\n5,6\n"))
    assert found == [{"a": "3", "b": "4"}, {"a": "5", "b": "6"}]
    assert len(bad) == head.count("\n") - 1


def test_parquet_with_types_that_nobody_expects_gives_its_texts(tmp_path: Path) -> None:
    nested = pa.array([{"t": 2**62, "b": b"\xff", "l": [b"x"], "s": {"n": 1}}] * 2, pa.struct([
        ("t", pa.timestamp("us", tz="Mars/Phobos")), ("b", pa.binary()), ("l", pa.list_(pa.binary())),
        ("s", pa.struct([("n", pa.int8())])),
    ]))  # fmt: skip
    columns = {
        "text": pa.array([GOOD.encode(), b"rusak \xff\xfe"], pa.binary()).view(pa.string()),
        "published_at": pa.array([20200626, None], pa.int32()),
        "zona": pa.array([1, 2**62], pa.timestamp("us", tz="Mars/Phobos")),
        "uang": pa.array([10**60, None], pa.decimal256(76, 2)),
        "hari": pa.array([10**9, 0], pa.date32()),
        "kosong": pa.nulls(2),
        "peta": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
        "kamus": pa.array(["a", None]).dictionary_encode(),
        "dalam": nested,
    }
    table = pa.Table.from_arrays([*columns.values(), pa.array(["kembar", "dua"])], names=[*columns, "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    found, bad = read(tmp_path / "a.parquet")
    assert bad == []
    assert [row["text"] for row in found] == [GOOD, "rusak \ufffd\ufffd"]
    assert [row["text (10)"] for row in found] == ["kembar", "dua"]
    assert [row["kamus"] for row in found] == ["a", None]
    assert found[0]["published_at"] == 20200626
    assert str(found[0]["zona"]).startswith("1970-01-01")
    assert found[0]["dalam.s.n"] == 1
    json.dumps(found)


# ---- out again

FORMULAS = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\u200b=1",
    "\uff1d1",
    "a;=1",
    "x\n=1",
    "'=1",
    '"=1"',
]


@given(st.sampled_from(FORMULAS) | st.text(max_size=30), st.text(max_size=10))
def test_no_text_of_a_post_becomes_a_formula_in_a_file_for_people(text: str, title: str) -> None:
    sheet = Sheet(title, ("Isi", "=Kolom"), ((text, text + text),))
    [_heading, row] = list(csv.reader(io.StringIO(to_csv(sheet).decode("utf-8-sig"), newline="")))
    for cell in row:
        for part in cell.replace("\n", ";").replace("\t", ";").split(";"):
            assert not part.lstrip(' "\u200b\u3000\ufeff\r').startswith(("=", "+", "-", "@", "\uff1d"))
    page = openpyxl.load_workbook(io.BytesIO(to_xlsx(sheet))).worksheets[0]
    assert all(cell.data_type != "f" for line in page.iter_rows() for cell in line)
