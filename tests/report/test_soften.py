"""Coarse words in lists: softened whole, of the same length, and never a word that is only a name."""

from __future__ import annotations

import csv
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.resources import data_path
from pipeline.report.soften import coarse_words, soften

PIECES = st.sampled_from(
    ["anjing", "ASU", "ＡＮＪＩＮＧ", "babinya", "&amp;", "\\u0061su", "\u200b", "ﬀ", " ", "_", "2", "́"]
)
TEXTS = st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=3))).map("".join))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dasar anjing!", "dasar a·····!"),
        ("ANJIIIING kau", "A········ kau"),
        ("anjingnya, anjingmu, anjing2", "a········, a·······, a······"),
        ("tolollah _goblok_ *asu*", "t······· _g·····_ *a··*"),
        ("ＡＮＪＩＮＧ dan an\u200bjing", "Ａ····· dan a······"),
        ("anjing-anjing", "a·····-a·····"),
    ],
)
def test_a_coarse_word_becomes_its_first_letter_and_dots(text: str, shown: str) -> None:
    assert soften(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Islam Kristen Katolik Hindu Buddha Khonghucu Yahudi Syiah Ahmadiyah kafir",
        "Jawa Sunda Batak Dayak Papua Cina Tionghoa Arab Madura pribumi pendatang",
        "babinsa bangsa asuransi asuhan kasus bahasa cukita anjingan telekomunikasi",
        "rezim antek komunis PKI teroris lengserkan LGBT autis TKA",
    ],
)
def test_names_of_groups_and_words_that_only_contain_a_coarse_one_stay(text: str) -> None:
    assert soften(text) == text


def test_no_region_is_softened() -> None:
    with data_path("regions", "gazetteer.csv").open(encoding="utf-8", newline="") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    assert [name for name in names if soften(name) != name] == []


def test_every_word_of_the_list_is_plain_stands_once_and_is_softened() -> None:
    words = coarse_words()
    assert len(words) == len(set(words)) > 80
    for word in words:
        assert word.isascii()
        assert word.isalnum()
        assert soften(f"{word.upper()}nya") == word[0].upper() + "·" * (len(word) + 2)


@given(TEXTS)
def test_any_text_keeps_its_length_and_softening_twice_changes_nothing(text: str) -> None:
    once = soften(text)
    assert len(once) == len(text)
    assert soften(once) == once
    assert all(new in (old, "·") for old, new in zip(text, once, strict=True))


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "anjing" * 30_000, "taik" + "k" * 200_000, "asu" + "u" * 200_000 + "x"]
)
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    start = time.process_time()
    soften(text)
    assert time.process_time() - start < 5
