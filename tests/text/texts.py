"""Texts to try the room with: what posts hold, and what is meant to break it."""

from __future__ import annotations

from hypothesis import strategies as st

BITS = st.sampled_from(
    [
        "@warga", "＠x", "a@b.co", "http://", "https://x.id/a", "www.", "t.me/", "/a", "RT ", "rt ", "USER", "URL",
        "[akun]",
        "[nomor]", ":", "'", '"', "-", "--", "nya", "orang", "anak2", "0812", "345678", "(", ")", "+62", "8",
        "12345678",
        "\\n", "\\x41", "\\xf0\\x9f\\x98\\x82", "\\xf0\\x9f", "\\u00e9", "\\ud83d\\ude02", "&amp;", "&amp;lt;", "&#64;",
        "\u200b", "\u0301", "😂", "🇮🇩", "🏽", "é", "Ａ", "ｶ", "\ud800", "\x00", " ", "  ", "\n", ".", "..", "*", "wkwk",
        "baaanget", "ﷺ", "㏂", "ß", "İ", "ſ", "ı", "2", "2nya", "kalo", "…", "»", "@", "\\", "&", "\ue000", "سلام",
        "ห้าม",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.one_of(BITS, st.text(max_size=3)), max_size=14).map("".join))
