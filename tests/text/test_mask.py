"""Masking: what names or addresses somebody goes, what everybody may read stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from texts import TEXTS

from pipeline.text import mask

KEEP = frozenset({"KPU_RI", "@bawaslu"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kata @warga_01, benar", "kata [akun], benar"),
        ("halo@warga!", "halo[akun]!"),
        ("＠warga dan @\u200bwarga", "[akun] dan [akun]"),
        ("tulis ke pos.desa@contoh.go.id.", "tulis ke [surel]."),
        ("@warga@contoh.id", "[surel]"),
        ("WA 081234567890", "WA [telepon]"),
        ("WA 0812-3456-7890 atau 0813 1111 2222", "WA [telepon] atau [telepon]"),
        ("+62 812 3456 7890 / 62812.3456.7890", "[telepon] / [telepon]"),
        ("kantor (0536) 322 1234", "kantor [telepon]"),
        ("kantor 021-5551234", "kantor [telepon]"),
        ("0 8 1 2 3 4 5 6 7 8 9 0", "[telepon]"),
        ("NIK 3201012345678901", "NIK [nomor]"),
        ("NIK 3201 0123 4567 8901", "NIK [nomor]"),
        ("NPWP 01.234.567.8-901.000", "NPWP [nomor]"),
        ("rek 1234567890", "rek [nomor]"),
        ("rek 123-456-78901", "rek [nomor]"),
        ("id12345678901x", "id[nomor]x"),
        ("lihat https://t.me/grup/12?x=1.", "lihat [tautan]."),
        ("(wa.me/6281234567890)", "([tautan])"),
        ("www.contoh.id dan Www.contoh.id/a", "[tautan] dan [tautan]"),
        ("instagram.com/warga ya", "[tautan] ya"),
        ("https://contoh.id/a\\nlagi", "[tautan]\\nlagi"),
    ],
)
def test_hidden(text: str, expected: str) -> None:
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Rp 10.000.000.000 dan 1.234.567.890 suara",
        "tanggal 08-12-2024 pukul 08.00-10.00",
        "08/12/2024 10.30 WIB",
        "periode 2019-2024, 2024-2029",
        "surat 12/PUU-XIX/2021 dan/atau lampiran",
        "berita di kompas.com hari ini",
        "harga 3 @ Rp5.000",
        "jl.sudirman/thamrin no. 12",
        "C1 beda: 123 456 suara",
    ],
)
def test_left_alone(text: str) -> None:
    assert mask(text) == text


def test_institutions_stay_readable() -> None:
    text = "cc @kpu_ri @Bawaslu @kpu_ri.palsu @warga"
    assert mask(text, KEEP) == "cc @kpu_ri @Bawaslu [akun] [akun]"


@given(TEXTS, st.sampled_from([frozenset(), KEEP]))
@example("@@a.b@c.d", frozenset())
@example("08123 https://x.id/@a 4567890", KEEP)
def test_twice_is_once_and_no_handle_survives(text: str, keep: frozenset[str]) -> None:
    masked = mask(text, keep)
    assert mask(masked, keep) == masked
    rest = re.sub(r"(?i)@(?:kpu_ri|bawaslu)(?![\w.])", "", masked) if keep else masked
    assert not re.search(r"[@＠﹫]\w", rest)
    assert not re.search(r"\d{9}|https?://", masked)
