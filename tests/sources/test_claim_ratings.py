"""The verdict scale and who checks: listed words, numbers, and what nobody listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.claims import RATINGS
from pipeline.core.errors import ConfigError
from pipeline.sources.claims.checkers import host_of, load_checkers, read_checkers
from pipeline.sources.claims.ratings import load_scale, plain, rate_number, read_scale

SCALE = load_scale()


@pytest.mark.parametrize(
    ("verdict", "rating"),
    [
        ("Salah", "false"),
        ("  SALAH! ", "false"),
        ("❌ HOAKS", "false"),
        ("Hoaks, foto itu diambil pada 2019", "false"),
        ("Tidak Benar - konteksnya lain", "false"),
        ("Klaim ini salah", "false"),
        ("This claim is FALSE.", "false"),
        ("Sebagian Benar", "partly_false"),
        ("partly_false", "partly_false"),
        ("Menyesatkan", "misleading"),
        ("False Context", "misleading"),
        ("Satire", "satire"),
        ("Benar", "true"),
        ("bukan hoaks", "true"),
        ("Klarifikasi", "clarification"),
        ("Belum terbukti", "unrated"),
    ],
)
def test_a_listed_verdict_has_its_rating(verdict: str, rating: str) -> None:
    assert SCALE.rate(verdict) == rating


@pytest.mark.parametrize(
    "verdict",
    [
        "",
        "tidak salah",
        "Kesalahan",
        "Benarkah",
        "Salah kaprah besar",
        "not false",
        "Agak meleset",
        "1",
        "none",
        "ralat",
    ],
)
def test_a_verdict_that_nobody_listed_is_not_guessed(verdict: str) -> None:
    assert SCALE.rate(verdict) is None


@given(st.text(max_size=300))
def test_any_verdict_is_rated_or_not_and_never_raises(text: str) -> None:
    assert SCALE.rate(text) in (None, *RATINGS)
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("value", "worst", "best", "rating"),
    [
        (1, None, None, "false"),
        ("2", "1", "5", "misleading"),
        (3, 1, 5, "partly_false"),
        (5, 1, 5, "true"),
        ("1,0", "1", "5", "false"),
        (0, 0, 100, "false"),
        (5, 5, 1, "false"),  # a scale turned round
        (1, 5, 1, "true"),
        (0, None, None, None),
        (7, None, None, None),
        ("-1", "1", "5", None),
        (3, 3, 3, None),
        ("banyak", None, None, None),
        (True, None, None, None),
        ("nan", None, None, None),
        ("1e999", None, None, None),
        (None, 1, 5, None),
        ([1], 1, 5, None),
    ],
)
def test_a_number_is_read_by_its_scale(value: object, worst: object, best: object, rating: str | None) -> None:
    assert rate_number(value, worst, best) == rating


def test_a_wrong_line_of_the_list_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    for line in ("salah,wrong,id,yes", ",false,id,yes", "salah,false,id,yes\nSalah!,true,id,"):
        path.write_text(f"words,rating,language,title\n{line}\n", encoding="utf-8")
        with pytest.raises(ConfigError, match=r"ratings\.csv, line \d"):
            read_scale(path)
    path = tmp_path / "checkers.csv"
    for line in ("a.id,A,friend,id", ",A,independent,id", "a.id,A,independent,id\na.id,B,independent,id"):
        path.write_text(f"host,name,kind,language\n{line}\n", encoding="utf-8")
        with pytest.raises(ConfigError, match=r"checkers\.csv, line \d"):
            read_checkers(path)


def test_a_site_is_known_by_its_host_and_its_subdomains() -> None:
    known = load_checkers()
    assert known.name_of("https://www.turnbackhoax.id/2024/x") == "TurnBackHoax (Mafindo)"
    assert known.kind_of("https://gfd.turnbackhoax.id/focus/1") == "independent"
    assert known.kind_of("https://turnbackhoax.id.contoh.example/x") == "interested"
    assert known.kind_of("https://bukanturnbackhoax.id/x") == "interested"


def test_a_government_stays_a_government_whatever_is_told() -> None:
    known = load_checkers()
    for address in ("https://www.komdigi.go.id/x", "https://saberhoaks.jabarprov.go.id/x", "https://desa.go.id/x"):
        assert known.kind_of(address, "independent") == "government"
    assert known.kind_of("https://antaranews.com/x", "independent") == "interested"


def test_who_is_unknown_is_not_independent_until_somebody_says_so() -> None:
    known = load_checkers()
    assert known.kind_of("https://periksa.example/x") == "interested"
    assert known.kind_of("https://periksa.example/x", "independent") == "independent"
    assert known.kind_of("https://turnbackhoax.id/x", "government") == "government"
    assert known.kind_of("https://periksa.example/x", "sahabat") == "interested"
    assert known.name_of("https://www.periksa.example/x") == "periksa.example"
    assert known.kind_of("https://[x/") == "interested"


@given(st.text(max_size=80))
def test_any_address_has_a_kind(address: str) -> None:
    assert load_checkers().kind_of(address) in ("independent", "government", "interested")
    assert host_of(address) == host_of(address).lower()
