"""Clock, home, identity, codec, types, messages: the ground that every room stands on."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.clock import check_partition, days_before, partition_of, partition_start, utc_now
from pipeline.core.codec import flag_from_dict, flag_to_dict
from pipeline.core.errors import ConfigError, Conflict, KentonganError, TransientError
from pipeline.core.home import Home
from pipeline.core.i18n import _, set_language
from pipeline.core.identity import Pseudonyms, load_institutions, open_pseudonyms
from pipeline.core.names import count_name, label_name, why_not_name
from pipeline.core.resources import data_path
from pipeline.core.types import LABELS, Flag, Post, Reason, Region, Signal, StepReport, Topic

WIT = ZoneInfo("Asia/Jayapura")
MOMENT = datetime(2024, 11, 27, 15, 30, tzinfo=UTC)


# ---- clock


def test_a_partition_is_of_the_office_s_day_and_hour() -> None:
    assert partition_of(MOMENT, WIT) == "2024-11-28/00"
    assert partition_start("2024-11-28/00", WIT) == datetime(2024, 11, 27, 15, tzinfo=UTC)


@given(st.integers(950_000_000, 4_000_000_000))
def test_a_moment_lies_in_its_partition(second: int) -> None:
    moment = datetime.fromtimestamp(second, UTC)
    start = partition_start(partition_of(moment, WIT), WIT)
    assert 0 <= (moment - start).total_seconds() < 3600


@pytest.mark.parametrize(
    "text", ["", "2024-11-27", "2024-11-27/24", "2024-02-30/01", "../../etc", "2024-11-27/1", "1901-01-01/00"]
)
def test_a_wrong_partition_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write it as"):
        check_partition(text)


def test_days_before_keeps_the_hour() -> None:
    assert days_before("2024-03-01/05", 7) == "2024-02-23/05"


def test_now_is_in_utc() -> None:
    assert utc_now().tzinfo is UTC


# ---- home


def test_the_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    home.root.chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 700"):
        home.make()


def test_a_home_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    with pytest.raises(ConfigError, match="cannot be created"):
        Home(tmp_path / "home").make()


def test_two_runs_of_one_kind_do_not_meet(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.lock("flag"):
        with pytest.raises(Conflict, match="another run"), home.lock("flag"):
            pass
        with home.lock("index"):
            pass
    with home.lock("flag"):
        pass


# ---- identity


def test_keys_of_two_sources_or_periods_cannot_be_joined(tmp_path: Path) -> None:
    first = open_pseudonyms(tmp_path, "2024", frozenset())
    second = open_pseudonyms(tmp_path, "2029", frozenset())
    assert first.author_key("a", "@Warga") == first.author_key("a", "warga ")
    assert len({first.author_key("a", "warga"), first.author_key("b", "warga"), second.author_key("a", "warga")}) == 3
    assert first.item_id("x", "1") == second.item_id("x", "1")


def test_the_secrets_are_made_once_and_are_for_the_owner_alone(tmp_path: Path) -> None:
    key = open_pseudonyms(tmp_path, "2024", frozenset()).author_key("a", "warga")
    assert open_pseudonyms(tmp_path, "2024", frozenset()).author_key("a", "warga") == key
    files = sorted((tmp_path / "secret").iterdir())
    assert [file.name for file in files] == ["author-2024.key", "item.key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_damaged_secret_is_not_replaced_in_silence(tmp_path: Path) -> None:
    open_pseudonyms(tmp_path, "2024", frozenset())
    (tmp_path / "secret" / "item.key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="damaged"):
        open_pseudonyms(tmp_path, "2024", frozenset())


@given(st.text())
def test_any_account_name_makes_a_key(account: str) -> None:
    key = Pseudonyms(b"a" * 32, b"b" * 32).author_key("s", account)
    assert len(key) == 20
    assert account not in key or len(account) < 3


def test_the_shipped_institutions_can_be_read() -> None:
    institutions = load_institutions(data_path("institutions.csv"))
    assert "kpu_id" in institutions
    assert Pseudonyms(b"", b"", institutions).is_institution("@KPU_ID")


def test_a_list_of_institutions_without_accounts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("nama\nKPU\n")
    with pytest.raises(ConfigError, match="column `account`"):
        load_institutions(tmp_path / "list.csv")


# ---- values


def _flag() -> Flag:
    post = Post(
        id="x~1",
        source="s",
        office="61",
        kind="post",
        visibility="broadcast",
        platform="x",
        text="halo",
        fetched_at=MOMENT,
        partition="2024-11-27/22",
        published_at=MOMENT,
        published_precision="second",
        author_key="k",
        covers=("61", "61.01"),
    )
    return Flag(
        post,
        signals=(Signal("hate_group", 0.9, 0.5, "m", (Reason(0, 4, 1.5),)),),
        regions=(Region("61.01", "Sambas", "regency", 0.9, "mention", ((0, 4),)),),
        topics=(Topic("nphd", "NPHD", True, ((0, 4),)),),
        why=("signal",),
        why_not=("never_flags:abusive",),
        cluster="x~0",
        fingerprint="f",
        month="2024.11",
        status="confirmed",
    )


def test_a_flag_survives_its_dict() -> None:
    assert flag_from_dict(flag_to_dict(_flag(), private=True)) == _flag()


def test_the_author_s_key_leaves_only_when_asked() -> None:
    row = flag_to_dict(_flag())
    assert "author_key" not in row
    assert flag_from_dict(row) == replace(_flag(), post=replace(_flag().post, author_key=None))


def test_bands_are_three() -> None:
    bands = [Signal("threat", score, 0.5, "m").band for score in (0.49, 0.5, 0.74, 0.76)]
    assert bands == ["low", "medium", "medium", "high"]


def test_a_report_that_lost_count_is_refused() -> None:
    assert StepReport("s", "p", 3, {"a": 1, "b": 2}).total == 3
    with pytest.raises(AssertionError, match="lost count"):
        StepReport("s", "p", 3, {"a": 1})


def test_errors_say_what_to_do() -> None:
    assert ConfigError("x").exit_code == 2
    assert KentonganError("x").exit_code == 1
    assert TransientError("x", retry_after=3).retry_after == 3


# ---- messages


def test_messages_are_indonesian_first_and_english_beside_it() -> None:
    set_language("id")
    indonesian = [label_name(label) for label in LABELS]
    assert label_name("hate_group") == "Indikasi kebencian terhadap kelompok"
    assert label_name("hoax_style") == "Ciri tulisan pesan berantai"
    set_language("en")
    english = [label_name(label) for label in LABELS]
    assert not set(indonesian) & set(english)
    assert not any("hoaks" in name.lower() for name in indonesian)


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert label_name("x") == count_name("x") == why_not_name("x") == "x"
    assert "Coarse language" in why_not_name("never_flags:abusive")
    assert _("no such message") == "no such message"


def test_the_language_reaches_click_too() -> None:
    set_language("id")
    assert os.environ["LANGUAGE"] == "id"
