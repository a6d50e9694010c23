"""The election's calendar: which step a moment falls into, and clear errors for a wrong file."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.core.errors import ConfigError
from pipeline.core.identity import load_institutions
from pipeline.core.resources import data_path
from pipeline.core.types import Region
from pipeline.enrich.stages import Calendar, load_calendar, stage_at

WIB, WIT = ZoneInfo("Asia/Jakarta"), ZoneInfo("Asia/Jayapura")
STEP = """
[[elections]]
code = "uji"
name_id = "Uji"
name_en = "Test"
source = "ditulis untuk uji"
  [[elections.steps]]
  code = "kampanye"
  name_id = "Kampanye"
  name_en = "Campaign"
  from = 2030-01-01
  to = 2030-01-31
  scope = ["*"]
"""


def regions(*codes: str) -> tuple[Region, ...]:
    return tuple(Region(code, code, "province" if len(code) == 2 else "regency", 0.9, "mention") for code in codes)


@pytest.fixture(scope="module")
def shipped() -> Calendar:
    return load_calendar()


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "kalender.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("day", "stage"),
    [
        ((2022, 10, 1), ""),
        ((2022, 10, 14), "pemilu-2024/pemutakhiran-pemilih"),
        ((2023, 7, 1), "pemilu-2024/pencalonan-legislatif"),
        ((2023, 11, 1), "pemilu-2024/pencalonan-presiden"),
        ((2023, 11, 27), ""),
        ((2023, 11, 28), "pemilu-2024/kampanye"),
        ((2024, 2, 10), "pemilu-2024/kampanye"),
        ((2024, 2, 11), "pemilu-2024/masa-tenang"),
        ((2024, 2, 14), "pemilu-2024/pemungutan-suara"),
        ((2024, 2, 15), "pemilu-2024/penghitungan"),
        ((2024, 2, 16), "pemilu-2024/rekapitulasi"),
        ((2024, 8, 25), "pilkada-2024/pengumuman-pendaftaran"),
        ((2024, 8, 28), "pilkada-2024/pendaftaran"),
        ((2024, 9, 10), "pilkada-2024/penelitian-syarat"),
        ((2024, 9, 22), "pilkada-2024/penetapan-paslon"),
        ((2024, 9, 25), "pilkada-2024/kampanye"),
        ((2024, 11, 23), "pilkada-2024/kampanye"),
        ((2024, 11, 24), "pilkada-2024/masa-tenang"),
        ((2024, 11, 26), "pilkada-2024/masa-tenang"),
        ((2024, 11, 27), "pilkada-2024/pemungutan-suara"),
        ((2024, 11, 28), "pilkada-2024/rekapitulasi"),
        ((2024, 12, 16), "pilkada-2024/rekapitulasi"),
        ((2024, 12, 17), ""),
    ],
)
def test_the_shipped_calendar(day: tuple[int, int, int], stage: str, shipped: Calendar) -> None:
    assert stage_at(datetime(*day, 12, tzinfo=WIB).astimezone(UTC), (), shipped, WIB) == stage


def test_the_day_is_the_offices(shipped: Calendar) -> None:
    moment = datetime(2024, 11, 26, 16, 0, tzinfo=UTC)  # 23.00 in Jakarta, 01.00 of the next day in Jayapura
    assert stage_at(moment, (), shipped, WIB) == "pilkada-2024/masa-tenang"
    assert stage_at(moment, (), shipped, WIT) == "pilkada-2024/pemungutan-suara"


def test_a_step_may_take_place_in_some_regions_only(shipped: Calendar) -> None:
    moment = datetime(2025, 8, 27, 3, tzinfo=UTC)
    assert stage_at(moment, regions("19.71", "19"), shipped, WIB) == "pilkada-ulang-2025/pemungutan-suara"
    assert stage_at(moment, regions("19.02", "19"), shipped, WIB) == ""
    assert stage_at(moment, (), shipped, WIB) == ""


def test_a_province_as_scope_covers_its_regencies(tmp_path: Path) -> None:
    calendar = load_calendar(written(tmp_path, STEP.replace('"*"', '"61"')))
    moment = datetime(2030, 1, 5, tzinfo=UTC)
    assert stage_at(moment, regions("61.01"), calendar, WIB) == "uji/kampanye"
    assert stage_at(moment, regions("62.01"), calendar, WIB) == ""


def test_of_steps_as_short_the_first_written_wins(tmp_path: Path) -> None:
    second = STEP[STEP.index("  [[") :].replace("kampanye", "lain")
    calendar = load_calendar(written(tmp_path, STEP + second))
    assert stage_at(datetime(2030, 1, 5, tzinfo=UTC), (), calendar, WIB) == "uji/kampanye"


def test_a_step_has_names_in_both_languages(shipped: Calendar) -> None:
    step = shipped.step("pilkada-2024/masa-tenang")
    assert step is not None
    assert (step.name_id, step.name_en) == ("Masa tenang", "Quiet period")
    assert (step.first, step.last) == (date(2024, 11, 24), date(2024, 11, 26))
    assert shipped.step("pilkada-2024/tidak-ada") is None


def test_an_empty_calendar_has_no_stage(tmp_path: Path) -> None:
    calendar = load_calendar(written(tmp_path, "# kosong\n"))
    assert stage_at(datetime(2024, 11, 27, tzinfo=UTC), (), calendar, WIB) == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[elections]]", "[[election]]", "election: unknown key; did you mean elections?"),
        ('source = "', 'sorce = "', "elections[0].sorce: unknown key; did you mean source?"),
        ("scope =", "skope =", "elections[0].steps[0].skope: unknown key; did you mean scope?"),
        ("2030-01-31", "2029-01-31", "elections[0].steps[0].to: is before `from`"),
        ("2030-01-31", '"31 Januari 2030"', "elections[0].steps[0].to: must be a date"),
        ("2030-01-31", "2030-01-31T07:00:00", "elections[0].steps[0].to: must be a date"),
        ("  to = 2030-01-31\n", "", "elections[0].steps[0].to: must be a date"),
        ("2030-01-31", "2030-02-31", "is no valid TOML"),
        ('["*"]', "[]", "elections[0].steps[0].scope: must be a list"),
        ('["*"]', '"*"', "elections[0].steps[0].scope: must be a list"),
        ('["*"]', '["Jawa Barat"]', "elections[0].steps[0].scope: Jawa Barat is no region code"),
        ('["*"]', "[32]", "elections[0].steps[0].scope: 32 is no region code"),
        ('"kampanye"', '"Masa Kampanye"', "elections[0].steps[0].code: must be small letters"),
        ('name_en = "Campaign"', 'name_en = " "', "elections[0].steps[0].name_en: must be a text"),
        ('code = "uji"\n', "", "elections[0].code: must be a text"),
    ],
)
def test_a_wrong_calendar_names_the_key(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in STEP
    path = written(tmp_path, STEP.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_calendar(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_step_may_stand_only_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the step uji/kampanye stands twice"):
        load_calendar(written(tmp_path, STEP + STEP))


def test_steps_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="elections: must be a list of tables"):
        load_calendar(written(tmp_path, 'elections = "semua"\n'))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[[elections"])
def test_a_file_that_is_no_toml_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "kalender.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is no valid TOML"):
        load_calendar(path)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the calendar"):
        load_calendar(tmp_path / "none.toml")


def test_institutions_are_each_listed_once() -> None:
    path = data_path("institutions.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["platform"], row["account"].casefold()) for row in rows}) == len(rows) >= 40
    assert all(row["name"] and row["kind"] for row in rows)
    assert {"kpu_id", "bawaslu_ri", "infobmkg"} <= load_institutions(path)
