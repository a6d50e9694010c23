"""How posts word a claim, as a fact-check quotes it; and what of it names somebody.

TurnBackHoax and others write "NARASI: ... PENJELASAN: ...": the first part quotes the post, or describes it ("Akun
Facebook ... mengunggah ... dengan narasi: “...”"), then what is in quotation marks is the wording.
"""

from __future__ import annotations

import re

from pipeline.text import mask

MAX_WORDING = 5_000
_SEEN = 60_000  # characters of an article that are looked at
_START = re.compile(
    r"^[^\w\n]{0,5}(?:isi )?(?:narasi|narrative|narration|berita|klaim|claim)\b[^\w\n]{0,4}(?::|$|\n|=)[^\S\n]*",
    re.I | re.M,
)
_END = re.compile(
    r"^[^\w\n]{0,5}(?:penjelasan|explanation|fakta|faktanya|fact|hasil (?:cek|periksa) fakta|pemeriksaan fakta"
    r"|kesimpulan|conclusion|referensi|rujukan|references?|sumber|source|arsip|archive|kategori|category"
    r"|hasil penelusuran|penelusuran fakta)\b[^\w\n]{0,4}(?::|$|\n|=)|^\s*={3,}|^\s*-{3,}\s*$",
    re.I | re.M,
)
_QUOTE = re.compile(r"“([^“”]{20,})”|\"([^\"]{20,})\"|„([^„”]{20,})”")
_DESCRIBES = re.compile(
    r"^\W*(?:beredar|sebuah|sejumlah|akun|pengguna|saluran|kanal|pesan berantai|unggahan|pada |baru-baru"
    r"|belakangan|telah|terdapat|viral|tersebar|muncul|di media sosial|melalui|[a-z]+ facebook"
    r"|a (?:facebook|post|video|photo)|an account)",
    re.I,
)
_NOTHING = re.compile(
    r"\(?(?:narasi|tidak|teks|pesan)[^()\n]{0,40}(?:tidak|di)(?: )?(?:ditampilkan|terdapat|tersedia|dipublikasikan"
    r"|narasi)[^()\n]{0,20}\)?\.?|\(?tidak (?:ada|terdapat) narasi\)?",
    re.I,
)
_PLATFORM = r"facebook|twitter|x|instagram|tiktok|youtube|whatsapp|telegram|threads|snack video|medsos|media sosial"
_NAMED = re.compile(
    rf"\b(akun|kanal|channel|saluran|pengguna|laman|halaman|grup|account|user)((?:\s+(?:{_PLATFORM})){{0,2}})"
    r"(?:\s+(?:bernama|dengan nama|atas nama|milik|named))?\s+[“\"'‘]([^“”\"'‘’\n]{1,60})[”\"'’]",
    re.I,
)
_NAMED_PLAIN = re.compile(
    rf"\b((?i:akun|pengguna|account|user))((?:\s+(?i:{_PLATFORM}))?)\s+(?:bernama|dengan nama|atas nama|named)"
    r"((?:\s+[A-Z][\w.'’-]{0,30}){1,4})"
)
_TAKEN_BACK = re.compile(
    r"(?:artikel|tulisan|cek fakta|periksa fakta|pemeriksaan(?: fakta)?|konten|laporan)\s+"
    r"(?:(?:cek|periksa) fakta\s+)?ini\s+(?:(?:telah|sudah|kami|resmi)\s+)*(?:di)?(?:tarik|cabut|batalkan)\b"
    r"|kami\s+(?:telah\s+)?(?:menarik|mencabut)\s+(?:kembali\s+)?(?:artikel|tulisan|pemeriksaan|cek fakta)\s+ini"
    r"|this (?:article|fact[- ]check|story) (?:has been|was|is) (?:retracted|withdrawn)",
    re.I,
)


def wording_of(article: str) -> str:
    """The wording that an article quotes in a part of its own; empty if it has none."""
    text = article[:_SEEN]
    start = _START.search(text)
    if start is None:
        return ""
    end = _END.search(text, start.end())
    return quoted(text[start.end() : end.start() if end else start.end() + MAX_WORDING])


def quoted(section: str) -> str:
    """What a part about the post says in the post's own words: all of it, or the quotation in a description."""
    text = section[: 2 * MAX_WORDING].strip()
    if _DESCRIBES.match(text):
        quotes = [next(filter(None, match.groups())).strip() for match in _QUOTE.finditer(text)]
        text = "\n".join(dict.fromkeys(quotes))
    text = _NOTHING.sub("", text).strip(" \n\t=-–—“”\"'")
    return text[:MAX_WORDING].rstrip()


def taken_back(article: str) -> bool:
    """Whether an article says of itself that its checker took it back."""
    return _TAKEN_BACK.search(article[:_SEEN]) is not None


def masked(text: str, keep: frozenset[str] = frozenset()) -> str:
    """A text of a fact-check without what names private people: as posts are masked, and accounts called by name."""
    hidden = _NAMED.sub(r"\1\2 [akun]", text)
    hidden = _NAMED_PLAIN.sub(r"\1\2 [akun]", hidden)
    return mask(hidden, keep=keep).strip()
