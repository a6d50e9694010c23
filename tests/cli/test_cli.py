"""The command line as its users meet it: exit codes, messages, JSON, and no traceback ever."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import main
from pipeline.cli.app import app, call

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = str(ROOT / "data" / "sample" / "sample.toml")
PARTITION = "2026-11-21/10"

Cli = Callable[..., tuple[int, str, str]]


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _leaves(child, (*path, name))
    else:
        yield path


VERBS = sorted(_leaves(app))


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Call the command in English with a home of its own; gives exit code, standard output and standard error."""
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(tmp_path / "home"))

    def run(*arguments: str, stdin: str = "", lang: str = "en") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogateescape"))))
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([*arguments, "--lang", lang])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the sample went the whole way."""
    home = tmp_path_factory.mktemp("demo") / "home"
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", "--config", SAMPLE, "--partition", PARTITION, "--json"],
        capture_output=True,
        text=True,
        env={"KENTONGAN__PATHS__HOME": str(home), "PATH": "/usr/bin:/bin"},
        check=True,
    )
    (home / "run.json").write_text(done.stdout)
    assert "Fetching" not in done.stderr, "no progress in a pipe"
    return home


@pytest.fixture
def sample(demo: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Cli:
    """The command on the demo's home."""
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(demo))
    return cli


# ---- help


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_every_verb_has_an_example_and_the_common_options(path: tuple[str, ...], cli: Cli) -> None:
    code, out, _err = cli(*path, "--help")
    assert code == 0
    assert "kentongan " + path[0] in out.partition("Example")[2] or "| kentongan" in out
    assert all(option in out for option in ("--config", "--json", "--lang", "-v"))


def test_the_readme_names_every_verb_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in readme.splitlines() if line.startswith("| `")]
    named = {word.strip("` ") for row in rows for word in row.split(",")}
    assert named == {" ".join(path) for path in VERBS}


def test_messages_are_indonesian_unless_asked(cli: Cli) -> None:
    assert "Contoh:" in cli("run", "--help", lang="id")[1] or "Example:" in cli("run", "--help", lang="id")[1]
    code, _out, err = cli("show", "x~0", lang="id")
    assert code == 2
    assert "tidak ada" in err.lower()


def test_the_language_may_stand_before_the_verb(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(tmp_path / "home"))
    for arguments in (["show", "x~0"], ["claims", "show", "K0"]):
        assert call(["--lang", "en", *arguments]) == 2
        assert "there is no" in capsys.readouterr().err
        assert call(["--lang", "en", *arguments, "--lang", "id"]) == 2, "what stands nearer to the verb holds"
        assert "tidak ada" in capsys.readouterr().err


# ---- the demo


def test_the_sample_walks_every_source_and_ends_in_every_count(demo: Path) -> None:
    reports = {report["step"]: report for report in json.loads((demo / "run.json").read_text())["reports"]}
    assert reports["ingest"]["counts"]["landed"] >= 190
    assert reports["ingest"]["counts"]["quarantined"] >= 1
    assert reports["flag"]["counts"]["flagged"] >= 20
    assert {"hate_group", "threat"} <= set(reports["flag"]["tables"]["label"])
    assert len(reports["flag"]["tables"]["topic"]) >= 12
    assert len(reports["flag"]["tables"]["province"]) >= 12
    assert min(reports["flag"]["tables"]["cluster"].values()) >= 3
    assert reports["index"]["counts"]["new"] == sum(
        reports["flag"]["counts"].get(name, 0) for name in ("flagged", "sampled", "taught")
    )


def test_search_finds_marks_and_pages(sample: Cli) -> None:
    code, out, _err = sample("search", "--limit", "3", "--json", "--facets")
    page = json.loads(out)
    assert code == 0
    assert len(page["hits"]) == 3
    assert {"label", "topic", "region", "source", "status", "day"} == set(page["facets"])
    second = json.loads(sample("search", "--limit", "3", "--json", "--after", page["next"])[1])
    assert not {hit["id"] for hit in page["hits"]} & {hit["id"] for hit in second["hits"]}
    assert all("author_key" not in hit for hit in page["hits"])


def test_search_for_people(sample: Cli) -> None:
    code, out, err = sample("search", "KPU", "--limit", "2", "--facets")
    assert code == 0
    assert "posts found" in out, "samples are among them: not all are flags"
    assert "--after" in err
    assert "%" not in out


def test_show_explains_a_flag_and_a_post_that_is_none(sample: Cli, demo: Path) -> None:
    hit = json.loads(sample("search", "--json", "label:threat", "--limit", "1")[1])["hits"][0]
    code, out, _err = sample("show", hit["id"])
    assert code == 0
    assert "Flagged because of" in out
    assert "high" in out
    assert json.loads(sample("show", hit["id"], "--json")[1])["id"] == hit["id"]
    from pipeline.landing.derived import derived_file, read_derived

    path = derived_file(demo / "derived", PARTITION)
    assert path is not None
    unflagged = next(flag for flag in read_derived(path) if not flag.why)
    assert "Not flagged for" in sample("show", unflagged.id)[1]


def test_step_by_step_is_what_run_does(sample: Cli) -> None:
    for verb in ("flag", "index", "replay"):
        code, out, _err = sample(verb, "--config", SAMPLE, "--partition", PARTITION, "--json")
        assert code == 0
        assert json.loads(out)["reports"][-1]["partition"] == PARTITION
    report = json.loads(sample("reindex", "--config", SAMPLE, "--json")[1])["reports"][0]
    assert report["counts"]["unchanged"] == report["total"]
    assert sample("flag", "--config", SAMPLE)[0] == 0
    assert sample("purge", "--dry-run")[0] == 0
    assert sample("doctor", "--json")[0] in (0, 1)
    assert "home" in sample("doctor")[1]


# ---- a file, no config


def test_a_file_needs_no_config_and_the_guess_is_printed(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    path.write_text("Tweet;tanggal;suka\nhalo warga;2026-11-20;3\n", encoding="utf-8")
    code, out, err = cli("run", "--input", str(path))
    assert code == 0
    assert "text <- Tweet" in err
    assert "suka (1)" in err
    assert "not flagged 1" in out
    assert cli("run", "--input", str(path), "--map", "text=Tweet", "--map", "published_at=tanggal")[0] == 0
    assert cli("ingest", "--input", str(path), "--dry-run")[0] == 0


def test_a_file_that_comes_again_is_told_to_be_read_already(cli: Cli, tmp_path: Path) -> None:
    content = "text,published_at\nhalo warga,2026-11-20\n"
    box = tmp_path / "home" / "inbox"
    cli("config")
    box.mkdir(parents=True, exist_ok=True, mode=0o700)
    (tmp_path / "home").chmod(0o700)
    (box / "a.csv").write_text(content)
    assert cli("run")[0] == 0
    (box / "a.csv").write_text(content)
    code, _out, err = cli("run")
    assert code == 2
    assert "nothing new to read: a.csv was read already, on 20" in err
    (box / "a.csv").write_text(content)
    (box / "b.csv").write_text(content + "kabar lain,2026-11-20\n")
    code, _out, err = cli("run")
    assert code == 0
    assert "a.csv was read already" in err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("run",), 2, "nothing to read"),
        (("run", "--input", "none.csv"), 2, "none.csv cannot be read"),
        (("run", "--source", "none"), 2, "no source none"),
        (("run", "--input", "x.csv", "--map", "text"), 2, "no mapping"),
        (("flag", "--partition", "yesterday"), 2, "is no partition"),
        (("flag", "--since", "yesterday"), 2, "is no day"),
        (("flag", "--config", "none.toml"), 2, "no config file"),
        (("show", "x~none"), 2, "no post x~none"),
        (("search", "--after", "damaged"), 2, ""),
        (("models", "show", "none"), 2, "no model none"),
        (("evaluate", "--hate", "none.csv"), 2, "none.csv"),
        (("classify", "none.txt"), 2, "none.txt"),
        (("nonsense",), 2, "nonsense"),
        (("run", "--nonsense"), 2, "--nonsense"),
    ],
)
def test_wrong_use_is_said_in_one_message(cli: Cli, arguments: tuple[str, ...], code: int, says: str) -> None:
    found, _out, err = cli(*arguments)
    assert found == code
    assert says in err


def test_a_file_without_a_text_column_says_which_columns_it_has(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "angka.csv"
    path.write_text("a,b\n1,2\n")
    code, _out, err = cli("run", "--input", str(path))
    assert code == 2
    assert "--map text=" in err


def test_a_typo_in_the_config_is_named(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[polcy]\nsample_share = 0\n")
    code, _out, err = cli("run", "--config", str(path))
    assert code == 2
    assert "did you mean policy?" in err


def test_a_missing_or_corrupt_model_is_said(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENTONGAN__MODELS__FOLDER", str(tmp_path / "none"))
    assert cli("classify", "-", stdin="halo\n")[0] == 2
    broken = tmp_path / "tfidf-2026-01-01"
    broken.mkdir()
    (broken / "manifest.json").write_text("{")
    monkeypatch.setenv("KENTONGAN__MODELS__FOLDER", str(broken))
    code, _out, err = cli("classify", "-", stdin="halo\n")
    assert code == 1
    assert "tfidf-2026-01-01" in err


def test_an_unexpected_error_is_no_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("secret text")

    monkeypatch.setattr("pipeline.looking.find", fail)
    code, out, err = cli("show", "x")
    assert code == 1
    assert "internal error (RuntimeError)" in err
    assert "secret text" not in out + err


@pytest.mark.parametrize(("error", "code"), [(OSError(28, "No space left on device"), 1), (KeyboardInterrupt(), 130)])
def test_a_full_disk_and_an_interrupt(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail(*_args: object) -> None:
        raise error

    monkeypatch.setattr("pipeline.looking.find", fail)
    assert cli("show", "x")[0] == code


# ---- classify


def test_classify_gives_one_object_a_line_in_order(cli: Cli) -> None:
    code, out, _err = cli("classify", "-", stdin="selamat pagi\nbesok kita bakar kantor KPU, siapkan bensin\n\n")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert len(rows) == 3
    assert set(rows[0]) == {"labels", "reasons", "model"}
    assert set(rows[0]["labels"]["hate_speech"]) == {"score", "threshold", "over"}
    assert rows[1]["labels"]["threat"]["over"]
    assert all(reason["end"] > reason["start"] for reason in rows[1]["reasons"])
    assert "reasons" not in json.loads(cli("classify", "-", "--no-reasons", stdin="halo\n")[1])


def test_classify_reads_columns_of_csv_and_json_lines(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('no;isi\n1;"halo\nwarga"\n2;apa kabar\n')
    (tmp_path / "a.jsonl").write_text('{"isi": "halo"}\n\n{"isi": 5}\n')
    assert len(cli("classify", str(tmp_path / "a.csv"), "--column", "isi")[1].splitlines()) == 2
    assert len(cli("classify", str(tmp_path / "a.jsonl"), "--column", "isi")[1].splitlines()) == 2
    assert "no;isi" not in cli("classify", str(tmp_path / "a.csv"), "--column", "teks")[2]
    assert cli("classify", str(tmp_path / "a.csv"), "--column", "teks")[0] == 2
    assert cli("classify", str(tmp_path / "a.jsonl"), "--column", "teks")[0] == 2


def test_classify_takes_bytes_that_are_no_utf8(cli: Cli) -> None:
    code, out, _err = cli("classify", "-", stdin="\udcff\udcfe halo\n")
    assert code == 0
    assert json.loads(out)


# ---- care


def test_config_says_where_each_value_comes_from(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('[office]\ncode = "61"\n')
    values = json.loads(cli("config", "--config", str(path), "--json")[1])
    assert values["office.code"] == {"value": "61", "from": "my.toml"}
    assert values["paths.home"]["from"] == "KENTONGAN__PATHS__HOME"
    assert values["fetch.pace"]["from"] == "default"
    assert "office.code" in cli("config")[1]


def test_topics_are_checked(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("topics", "check") == (0, "All topics are in order.\n", "")
    path = tmp_path / "topics.toml"
    path.write_text('[[topic]]\ncode = "faith_alone"\nname = {id = "X", en = "X"}\n[[topic.rule]]\nany = ["islam"]\n')
    monkeypatch.setenv("KENTONGAN__POLICY__TOPICS", str(path))
    code, out, err = cli("topics", "check")
    assert code == 2
    assert "islam" in out + err


def test_the_form_is_written(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "laporan.xlsx"
    assert cli("form", str(path))[0] == 0
    assert path.read_bytes()[:2] == b"PK"


def test_models_are_listed_and_shown(cli: Cli) -> None:
    listed = json.loads(cli("models", "list", "--json")[1])
    served = {Path(model["folder"]).name.split("-")[0] for model in listed if model["in_service"]}
    assert served == {"tfidf", "claims"}
    assert "CC BY-NC-SA" in cli("models", "show")[1]
    assert all(json.loads(cli("models", "show", Path(model["folder"]).name, "--json")[1]) for model in listed)
    assert "*" in cli("models", "list")[1]


@given(st.lists(st.text(max_size=12), max_size=4))
def test_no_arguments_at_all_make_a_traceback(arguments: list[str]) -> None:
    assert call([*[argument for argument in arguments if argument not in ("-", "run")][:3], "--help"]) in (0, 1, 2)


def test_a_reader_that_goes_away_is_no_error(demo: Path) -> None:
    code = f"{sys.executable} -m pipeline search --json --limit 500 | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", code],
        capture_output=True,
        text=True,
        env={"KENTONGAN__PATHS__HOME": str(demo), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
