"""Settings: defaults < file < environment, and errors that name the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.config import flatten, load_settings
from pipeline.core.errors import ConfigError


def _file(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_defaults_alone_are_valid_and_say_where_they_come_from() -> None:
    settings, origins = load_settings(None, {})
    assert settings.office.code == "00"
    assert set(origins.values()) == {"default"}
    assert settings.office.zone.key == "Asia/Jakarta"


def test_the_file_goes_over_the_defaults_and_the_environment_over_both(tmp_path: Path) -> None:
    path = _file(tmp_path, '[office]\ncode = "61"\n[fetch]\npace = 3')
    settings, origins = load_settings(path, {"KENTONGAN__FETCH__PACE": "0.5"})
    assert (settings.office.code, settings.fetch.pace, settings.fetch.retries) == ("61", 0.5, 2)
    assert origins["office.code"] == "mine.toml"
    assert origins["fetch.pace"] == "KENTONGAN__FETCH__PACE"
    assert origins["fetch.retries"] == "default"


def test_the_file_may_be_named_in_the_environment(tmp_path: Path) -> None:
    path = _file(tmp_path, '[office]\nname = "Kesbangpol Contoh"')
    settings, _origins = load_settings(None, {"KENTONGAN_CONFIG": str(path)})
    assert settings.office.name == "Kesbangpol Contoh"


def test_paths_of_the_file_are_relative_to_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, '[paths]\nhome = "h"\n[sources.a]\nkind = "export"\npath = "a.csv"\n')
    settings, _origins = load_settings(path, {})
    assert settings.paths.home == tmp_path / "h"
    assert settings.sources["a"].path == str(tmp_path / "a.csv")


def test_a_web_address_stays_what_it_is(tmp_path: Path) -> None:
    path = _file(tmp_path, '[sources.a]\nkind = "feed"\nurl = "https://berita.example/feed"\n')
    assert load_settings(path, {})[0].sources["a"].url == "https://berita.example/feed"


def test_lists_in_the_environment_are_json() -> None:
    settings, _origins = load_settings(None, {"KENTONGAN__FETCH__ALLOW_HOSTS": '["10.0.0.7:8080"]'})
    assert settings.fetch.allow_hosts == ("10.0.0.7:8080",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[ofice]\ncode = '61'", "unknown setting ofice; did you mean office?"),
        ("[fetch]\ntimout = 3", "unknown setting fetch.timout; did you mean timeout?"),
        ("[sources.a]\nkind = 'feed'\nurl = 'x'\ncover = ['61']", "did you mean covers?"),
        ("[office]\nzzz = 1", "known here: code, name"),
        ("[office]\ncode = 'Jabar'", "setting office.code"),
        ("[office]\ntimezone = 'Mars/Base'", "unknown time zone"),
        ("[retention]\nraw_social = 4000", "setting retention.raw_social"),
        ("[sources.a]\nkind = 'feed'", "a feed needs a url"),
        ("[sources.a]\nkind = 'export'", "needs a path"),
        ("[sources.a]\nkind = 'feed'\nurl = 'x'\nvisibility = 'restricted'", "is never read"),
        ("[sources.a]\nkind = 'feed'\nurl = 'x'\nsubject = 'person'", "setting sources.a.subject"),
        ("[sources.'../x']\nkind = 'feed'\nurl = 'x'", "small letters"),
        ("[office", "cannot be read as TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings(_file(tmp_path, text), {})
    assert says in str(raised.value)
    assert "mine.toml" in str(raised.value)


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(ConfigError, match="KENTONGAN__FETCH__PACE"):
        load_settings(None, {"KENTONGAN__FETCH__PACE": "quick"})


def test_who_set_one_end_of_a_band_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[policy]\nsample_share = 0\n")
    low, high = "KENTONGAN__POLICY__UNSURE_FROM", "KENTONGAN__POLICY__UNSURE_TO"
    for environ in ({low: "0.9"}, {high: "0.1"}, {low: "0.9", high: "0.8"}):
        with pytest.raises(ConfigError) as refused:
            load_settings(path, environ)
        assert str(refused.value).endswith(f"[{', '.join(environ)}]")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no config file"):
        load_settings(tmp_path / "none.toml", {})


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=4))
def test_any_section_is_either_valid_or_a_config_error(values: dict[str, object]) -> None:
    environ = {f"KENTONGAN__{key}__{key}": str(value) for key, value in values.items()}
    if not environ:
        return
    with pytest.raises(ConfigError):
        load_settings(None, environ)


def test_flatten_keeps_empty_tables() -> None:
    assert flatten({"a": {"b": 1, "c": {}}, "d": 2}) == {"a.b": 1, "a.c": {}, "d": 2}


@pytest.mark.parametrize(
    "address",
    [
        "https://elastic:rahasia@es.example.go.id:9200",
        "https://es.example.go.id:9200/?api_key=rahasia",
        "https://es.example.go.id:9200/#rahasia",
        "https://rahasia",
        "ftp://rahasia:9200",
        "rahasia:9200",
        "https://rahasia:99999",
        "",
    ],
)
def test_an_address_of_the_cluster_holds_no_secret_and_is_whole(address: str) -> None:
    with pytest.raises(ConfigError, match="write each address as https://") as caught:
        load_settings(None, {"KENTONGAN__STORE__URLS": json.dumps([address])})
    assert "rahasia" not in str(caught.value)
