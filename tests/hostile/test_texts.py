"""Hostile texts through the text chain, the models and the rules: time grows with the length, and nothing is raised."""

from __future__ import annotations

import time

import pytest
from fuzz import targets

from pipeline.core.types import Flag, Post
from pipeline.landing.near import minhash
from pipeline.sources.markup import article_text, plain_text, tidied
from pipeline.text import normalise

LENGTH = 100_000
UNITS = {
    "satu huruf": "a",
    "kata": "bakar kantor ",
    "sebutan": "@a ",
    "alamat": "http://a.b/",
    "surel": "a@",
    "nomor": "0812-",
    "tanda hubung": "a-",
    "gabung": "\u0301",
    "tak tampak": "\u200b",
    "emoji": "\U0001f468\u200d\U0001f469",
    "acuan": "&amp;",
    "garis miring": "\\u",
    "byte": "\\xf0",
    "kurung": "(((",
    "tempat": "Kota Kab. Ketapang ",
    "laporan": "RT 05 RT ",
    "ligatur": "\ufdfa",
    "kanan ke kiri": "\u202e\u202d",
    "pengganti": "\ud800",
    "ulang": "wkwkwk2nya-",
    "kutip": "'",
    "isian": "[akun]",
    "spasi": " \n\t",
}


@pytest.mark.parametrize("name", UNITS)
def test_a_post_of_a_hundred_thousand_characters_is_done_soon(name: str) -> None:
    text = (UNITS[name] * LENGTH)[:LENGTH]
    targets.rooms()
    targets.classifier()
    start = time.process_time()
    targets.check_chain(text)
    targets.check_found(text)
    minhash([" ".join(normalise(text).tokens)], 40)
    assert time.process_time() - start < 6


PAGES = {
    "dalam": "<div>" * 80_000,
    "paragraf": "<p>a" * 40_000,
    "tautan": "<a href=x>y</a>" * 30_000,
    "tabel": "<table><tr><td>" * 25_000,
    "daftar": "<ul><li>" * 50_000,
    "huruf": "<b>" * 130_000 + "x",
    "atribut": "<p " + "".join(f"a{n}=1 " for n in range(40_000)) + ">x",
    "acuan": "&#x" * 130_000,
    "pecah": "<" * 400_000,
    "baris": "<br>\n" * 30_000,
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_to_be_slow_is_done_soon(name: str) -> None:
    start = time.process_time()
    page = tidied(PAGES[name])
    article_text(page)
    plain_text(PAGES[name])
    assert time.process_time() - start < 15


def test_a_post_of_tricks_alone_flags_nobody() -> None:
    for text in ("\u200b\u202e", "\U0001f600\U0001f525", "\u0301" * 50, "=1+1", "?!.,;"):
        signals = targets.classifier().classify([text])[0] + targets.rooms()[0].classify([text])[0]
        post = Post("sha:0", "s", "61", "post", "broadcast", "x", text, targets.NOW, "2026-11-21/12")
        assert not [signal.label for signal in signals if signal.over and signal.label == "threat"]
        assert Flag(post, signals).why == ()
