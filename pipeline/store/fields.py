"""The fields that a search can name, their Indonesian names and those of their values."""

from __future__ import annotations

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.types import Query

FACETS = (
    "label",
    "topic",
    "claim",
    "fact_check",
    "region",
    "covers",
    "source",
    "status",
    "day",
    "why",
    "office",
    "kind",
    "platform",
    "stage",
)
"""Fields that can be counted. Never an author, and no label that is not shown (DESIGN, sections 1 and 3)."""

FIELDS = (*FACETS, "cluster", "id")
"""Fields that a query can name. `claim` is the id of a claim that the post carries (level `match` only), `fact_check`
is how it stands to checked claims, `region` what the text names, `covers` what its source covers (the weaker hint)."""

SINCE = frozenset({"since", "sejak", "mulai"})
UNTIL = frozenset({"until", "sampai", "hingga"})

_ALIASES = {
    "label": ("indikasi",),
    "topic": ("isu", "topik"),
    "claim": ("klaim",),
    "fact_check": ("cek_fakta", "cekfakta"),
    "region": ("wilayah", "daerah"),
    "covers": ("liputan",),
    "source": ("sumber",),
    "status": (),
    "day": ("hari", "tanggal"),
    "why": ("alasan", "sebab"),
    "office": ("kantor", "instansi"),
    "kind": ("jenis",),
    "platform": ("kanal",),
    "stage": ("tahapan", "tahap"),
    "cluster": ("klaster", "salinan"),
    "id": ("butir",),
}
_NAMES = {alias: field for field, aliases in _ALIASES.items() for alias in (field, *aliases)}

_VALUES = {
    "label": {
        "kebencian": "hate_group",
        "kebencian_terhadap_kelompok": "hate_group",
        "hasutan": "incitement",
        "ancaman": "threat",
        "ajakan_kekerasan": "threat",
        "agama": "ground_religion",
        "suku": "ground_race",
        "ras": "ground_race",
        "etnis": "ground_race",
        "gender": "ground_gender",
        "fisik": "ground_physical",
        "disabilitas": "ground_physical",
        "klaim": "hoax_claim",
        "mirip_klaim": "hoax_claim",
    },
    "status": {
        "terbuka": "open",
        "diambil": "claimed",
        "telaah_kedua": "second_review",
        "sesuai": "confirmed",
        "tidak_sesuai": "rejected",
        "ditolak": "rejected",
        "ragu": "unsure",
        "eskalasi": "escalated",
        "kedaluwarsa": "expired",
        "dihapus": "erased",
    },
    "why": {
        "indikasi": "signal",
        "isu": "topic",
        "klaim": "claim",
        "menyebar": "spread",
        "sampel": "sample",
        "latih": "teach",
    },
    "fact_check": {
        "sama": "match",
        "mungkin_sama": "suggest",
        "bantahan": "denial",
        "klaim_lama": "returned",
        "belum_ada": "missing",
    },
    "kind": {
        "kiriman": "post",
        "unggahan": "post",
        "komentar": "comment",
        "berita": "news",
        "lapangan": "field",
        "laporan_lapangan": "field",
        "terusan": "forwarded",
        "pesan_terusan": "forwarded",
    },
}
_CODED = frozenset(_VALUES)  # their own values are lower case with underscores, so spaces and hyphens may be typed


def field_named(name: str) -> str | None:
    """The field that this English or Indonesian name means, or None."""
    return _NAMES.get(name.casefold())


def field_value(field: str, value: str) -> str:
    """The stored form of a value that a person typed, such as `tidak sesuai` -> `rejected`."""
    if field not in _CODED:
        return value.strip()
    code = "_".join(value.casefold().replace("-", " ").split())
    return _VALUES[field].get(code, code)


def value_matches(field: str, wanted: str, value: str) -> bool:
    """Whether a stored value is the wanted one; 61 is the province of 61.01; only in ids does letter case matter."""
    if field in {"cluster", "id"}:
        return value == wanted
    wanted, value = wanted.casefold(), value.casefold()
    if field in {"region", "covers"} and value.startswith(wanted + "."):
        return True
    return value == wanted


def grouped(pairs: tuple[tuple[str, str], ...]) -> dict[str, tuple[str, ...]]:
    """(field, value) pairs as field -> the values of which one must match."""
    groups: dict[str, tuple[str, ...]] = {}
    for field, value in pairs:
        groups[field] = (*groups.get(field, ()), value)
    return groups


def check_fields(query: Query) -> None:
    """Raise ConfigError if the query names a field that no store has."""
    for field, _value in (*query.fields, *query.without_fields):
        if field not in FIELDS:
            raise ConfigError(
                _('there is no field "{field}"; known are {known}').format(field=field, known=", ".join(FIELDS))
            )


def check_facets(fields: tuple[str, ...], limit: int) -> None:
    """Raise ConfigError if one of them cannot be counted."""
    if limit < 1:
        raise ConfigError(_("a facet needs a limit of at least 1"))
    for field in fields:
        if field not in FACETS:
            raise ConfigError(
                _('"{field}" cannot be counted; known facets are {known}').format(field=field, known=", ".join(FACETS))
            )
