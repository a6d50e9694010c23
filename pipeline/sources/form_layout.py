"""The form's sheets, columns, lists and instructions in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.sources.mappings import fold

Language = Literal["id", "en"]
HEADER_ROW = 3
ROWS = 500  # rows that offer the lists


@dataclass(frozen=True, slots=True)
class Column:
    """One column: our field, its heading by language, and the words it may hold (code -> words by language)."""

    field: str
    heading: dict[Language, str]
    width: int
    needed: bool = False
    choices: tuple[tuple[str, str, str], ...] = ()

    def keep(self, text: str) -> str:
        """The cell as it may be kept: of a list only its own words, as their code."""
        if not self.choices:
            return text
        folded = fold(text)
        return next((code for code, *words in self.choices if folded in {fold(code), *map(fold, words)}), "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: the kind of its posts, its name, what it says on top, its columns."""

    kind: Literal["field", "forwarded"]
    title: dict[Language, str]
    hint: dict[Language, str]
    columns: tuple[Column, ...]

    def column(self, folded: str) -> Column | None:
        """The column with that folded heading, in either language."""
        return next((col for col in self.columns if folded in map(fold, col.heading.values())), None)


REPORTERS = (
    ("citizen", "warga", "citizen"),
    ("community_figure", "tokoh masyarakat", "community figure"),
    ("village", "perangkat desa/kelurahan", "village office"),
    ("district", "kecamatan", "district office"),
    ("fkdm", "FKDM", "FKDM"),
    ("organiser", "penyelenggara", "election organiser"),
    ("security", "kepolisian/TNI", "police/military"),
    ("local_media", "media setempat", "local media"),
    ("own_observation", "pengamatan sendiri", "own observation"),
    ("other", "lainnya", "other"),
)
RELIABILITY = tuple((letter, letter, letter) for letter in "ABCDEF")
CREDIBILITY = tuple((digit, digit, digit) for digit in "123456")
REPEATED = (("yes", "ya", "yes"), ("no", "tidak", "no"))

_REGENCY: dict[Language, str] = {"id": "Kabupaten/Kota", "en": "Regency/City"}
SHEETS = (
    Sheet(
        "field",
        {"id": "Laporan lapangan", "en": "Field reports"},
        {
            "id": "Isi di sini, satu kejadian satu baris. Jangan tulis nama orang, sumber, atau nomor telepon.",
            "en": "Fill in here, one event a row. Write no names of people or informants and no phone numbers.",
        },
        (
            Column("published_at", {"id": "Waktu kejadian", "en": "Time of the event"}, 20),
            Column("regency", _REGENCY, 24),
            Column("district", {"id": "Kecamatan", "en": "District"}, 18),
            Column("village", {"id": "Desa/Kelurahan", "en": "Village"}, 18),
            Column("text", {"id": "Apa yang terjadi", "en": "What happened"}, 70, needed=True),
            Column("informant", {"id": "Golongan sumber", "en": "Kind of source"}, 22, choices=REPORTERS),
            Column("reliability", {"id": "Keandalan sumber (A-F)", "en": "Source (A-F)"}, 14, choices=RELIABILITY),
            Column("credibility", {"id": "Kebenaran isi (1-6)", "en": "Content (1-6)"}, 14, choices=CREDIBILITY),
            Column("unit", {"id": "Unit pelapor", "en": "Reporting unit"}, 24),
        ),
    ),
    Sheet(
        "forwarded",
        {"id": "Pesan terusan", "en": "Forwarded messages"},
        {
            "id": "Isi di sini, satu pesan satu baris. Hanya isi pesan: tanpa pengirim, tanpa nama grup.",
            "en": "Fill in here, one message a row. Only what it says: no sender, no name of a group.",
        },
        (
            Column("text", {"id": "Isi pesan", "en": "Message"}, 80, needed=True),
            Column("published_at", {"id": "Tanggal diterima", "en": "Received on"}, 20),
            Column("repeated", {"id": "Diteruskan berkali-kali", "en": "Forwarded many times"}, 16, choices=REPEATED),
            Column("informant", {"id": "Jenis pelapor", "en": "Kind of reporter"}, 22, choices=REPORTERS),
            Column("regency", _REGENCY, 24),
        ),
    ),
)
HELP: dict[Language, tuple[str, tuple[str, ...]]] = {
    "id": (
        "Petunjuk",
        (
            "Formulir laporan lapangan dan pesan terusan",
            "Isi lembar 'Laporan lapangan' untuk kejadian, 'Pesan terusan' untuk pesan berantai yang dibawa warga.",
            "Waktu: 27/11/2024 14.05 atau 27 November 2024 pukul 14.05 WIB. Tanpa zona berarti zona kantor.",
            "Kabupaten/Kota: boleh dengan kode Kemendagri di depan, misalnya '61.04 Kab. Ketapang'.",
            (
                "Apa yang terjadi: apa, di mana, berapa orang menurut siapa. Pihak ditulis sebagai golongan (warga, "
                "pendukung paslon 01), bukan nama."
            ),
            "Keandalan sumber: A sangat dipercaya, B dipercaya, C cukup, D kurang, E tidak, F belum dapat dinilai.",
            "Kebenaran isi: 1 dipastikan, 2 hampir pasti, 3 mungkin, 4 meragukan, 5 tak mungkin, 6 belum dinilai.",
            (
                "Jangan masukkan: nama pengirim atau anggota grup, nama informan, nomor telepon, NIK, alamat rumah, "
                "keadaan kesehatan seseorang, percakapan utuh dari grup tertutup."
            ),
            "Kolom lain yang ditambahkan sendiri tidak dibaca.",
        ),
    ),
    "en": (
        "Instructions",
        (
            "Form for field reports and forwarded messages",
            "Use the sheet 'Field reports' for events, 'Forwarded messages' for chain messages that citizens bring.",
            "Time: 27/11/2024 14.05 or 27 November 2024 14:05 WIB. Without a zone it is the office's.",
            "Regency/City: may start with its Kemendagri code, as in '61.04 Kab. Ketapang'.",
            (
                "What happened: what, where, how many people and who says so. Parties are categories (villagers, "
                "supporters of pair 01), never names."
            ),
            "Source: A completely reliable, B usually, C fairly, D not usually, E unreliable, F cannot be judged.",
            "Content: 1 confirmed, 2 probably true, 3 possibly true, 4 doubtful, 5 improbable, 6 cannot be judged.",
            (
                "Never enter: senders or members of groups, names of informants, phone numbers, identity numbers, home "
                "addresses, anybody's health, whole conversations of closed groups."
            ),
            "Columns that you add are not read.",
        ),
    ),
}
