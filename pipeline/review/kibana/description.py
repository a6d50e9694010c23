"""What Kibana shows of the flags: the small description from which all saved objects are built.

Titles and labels are Indonesian, the reviewers' language, whatever language the builder speaks. The names of codes come
from the catalogue, so that Kibana and the desk call a thing the same. Decisions are made on the desk, never here.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.core.i18n import language
from pipeline.core.names import label_name, status_name
from pipeline.core.types import FLAGGING_LABELS, SHOWN_LABELS
from pipeline.review.kibana.dataview import INDEX, data_view
from pipeline.review.kibana.shapes import (
    Chart,
    Count,
    Dashboard,
    Description,
    Extreme,
    Latest,
    Panel,
    Parts,
    Search,
    Share,
    Terms,
    Time,
)

NO_SAMPLES = 'not flag.why: ("sample" or "teach")'
DECIDED = ("confirmed", "rejected")
MACHINE_NOTE = "Angka mesin: indikasi, belum hasil telaah."
REVIEWED_NOTE = "Angka hasil telaah: diputuskan oleh penelaah di meja telaah."
NOTES = {"machine": MACHINE_NOTE, "reviewed": REVIEWED_NOTE}
"""With which words a chart's description begins: whose figures it shows."""

_WAITING = ("open", "claimed", "second_review", "unsure")
_FLAGGING = tuple(label for label in SHOWN_LABELS if label in FLAGGING_LABELS)
_GROUNDS = tuple(label for label in SHOWN_LABELS if label.startswith("ground_"))
_ONE_OF = "Satu butir dapat masuk lebih dari satu indikasi."
_COLUMNS = ("@timestamp", "flag.label", "geo.region_name", "flag.topic", "title", "text", "flag.status", "event.url")
_ITEMS = Count("Jumlah butir")
_FIRST = Extreme("event.created", "Tertua", "min")
_LAST = Extreme("event.created", "Terakhir diambil", "max")
_LINK = Latest("event.url", "Butir terbaru")


def describe(index: str = INDEX) -> Description:
    """All objects, for a data view on that index, alias or pattern."""
    with language("id"):
        return Description(data_view(index), _searches(), (*_situation(), *_machine(), *_reviewed()), _dashboards())


def _parts(label: str, template: str, codes: tuple[str, ...], name: Callable[[str], str]) -> Parts:
    """A row for each code, found by the template with the code in it."""
    return Parts(label, tuple((template.format(code), name(code)) for code in codes))


def _one_of(field: str, codes: tuple[str, ...]) -> str:
    quoted = " or ".join(f'"{code}"' for code in codes)
    return f"{field}: ({quoted})"


def _searches() -> tuple[Search, ...]:
    newest = (("@timestamp", "desc"),)
    by_claim = (*_COLUMNS[:2], "flag.claim", "flag.fact_check", *_COLUMNS[4:])
    return (
        Search(
            "kentongan-cari-antrean",
            "Antrean: butir yang belum diputuskan",
            "Yang paling lama menunggu lebih dulu. Keputusan diambil di meja telaah, bukan di sini.",
            _one_of("flag.status", _WAITING),
            _COLUMNS,
            (("event.created", "asc"),),
            since="now-1y",
        ),
        Search(
            "kentongan-cari-provinsi",
            "Butir bertanda menurut provinsi yang disebut",
            "Provinsi yang disebut dalam isi, bukan tempat penulisnya.",
            "geo.region_name: *",
            ("@timestamp", "geo.region_name", "flag.region", *(c for c in _COLUMNS[1:] if c != "geo.region_name")),
            (("geo.region_name", "asc"), *newest),
        ),
        Search(
            "kentongan-cari-klaim",
            "Klaim yang dinyatakan salah atau menyesatkan",
            "Butir yang mirip klaim yang telah diperiksa; kecocokannya diputuskan di meja telaah.",
            "flag.claim: *",
            by_claim,
            newest,
        ),
        Search(
            "kentongan-cari-isu",
            "Butir bertanda menurut isu",
            "Butir yang memuat kata-kata isu pantauan.",
            "flag.topic: *",
            ("@timestamp", "flag.topic", *(c for c in _COLUMNS[1:] if c != "flag.topic")),
            newest,
        ),
    )


def _situation() -> tuple[Chart, ...]:
    waiting = _one_of("flag.status", _WAITING)
    states = _parts("Status telaah", 'flag.status: "{}"', _WAITING, status_name)
    labels = _parts("Indikasi", 'flag.label: "{}"', _FLAGGING, label_name)
    grounds = _parts("Dasar", 'flag.label: "{}"', _GROUNDS, label_name)
    provinces = Terms("geo.region_name", "Provinsi yang disebut", 40)
    claims, clusters = Terms("flag.claim", "Klaim", 15), Terms("flag.cluster", "Kelompok salinan", 15)
    sources = Terms("flag.source", "Sumber", 500, by_name=True)
    day, fetched = Time("@timestamp", "Hari tayang", "1d", gaps=True), Time("event.created", "Hari diambil", "1d")
    quiet = "Sumber yang paling lama tidak menghasilkan butir bertanda lebih dulu; tanpa contoh acak."
    return (
        Chart("hari", "Butir bertanda per hari", _ONE_OF, "machine", "line", (day, labels), (_ITEMS,)),
        Chart("dasar", "Dasar yang disebut dalam butir bertanda", _ONE_OF, "machine", "ranking", (grounds,), (_ITEMS,)),
        Chart(
            "provinsi",
            "Butir bertanda menurut provinsi yang disebut",
            "",
            "machine",
            "ranking",
            (provinces,),
            (_ITEMS,),
        ),
        Chart(
            "klaim",
            "Klaim yang paling banyak beredar",
            "",
            "machine",
            "table",
            (claims,),
            (_ITEMS, _LAST, _LINK),
            "flag.claim: *",
        ),
        Chart(
            "salinan",
            "Isi yang paling banyak disalin",
            "",
            "machine",
            "table",
            (clusters,),
            (_ITEMS, _FIRST, _LAST, _LINK),
        ),
        Chart("sumber", "Sumber yang diam", quiet, "machine", "table", (sources,), (_LAST, _ITEMS), sort=0),
        Chart("antrean", "Antrean menurut hari diambil", "", "machine", "bars", (fetched, states), (_ITEMS,), waiting),
        Chart("umur", "Antrean dan butir tertua", "", "machine", "table", (states,), (_ITEMS, _FIRST), waiting),
    )


def _machine() -> tuple[Chart, ...]:
    high = _parts("Indikasi", 'flag.band.{}: "high"', SHOWN_LABELS, label_name)
    medium = _parts("Indikasi", 'flag.band.{}: "medium"', SHOWN_LABELS, label_name)
    flagging = _parts("Indikasi", 'flag.band.{}: "high"', _FLAGGING, label_name)
    week = Time("@timestamp", "Pekan tayang", "1w", gaps=True)
    return (
        Chart("pita-tinggi", "Pita tinggi menurut indikasi", _ONE_OF, "machine", "ranking", (high,), (_ITEMS,)),
        Chart("pita-sedang", "Pita sedang menurut indikasi", _ONE_OF, "machine", "ranking", (medium,), (_ITEMS,)),
        Chart("pita-pekan", "Pita tinggi per pekan", _ONE_OF, "machine", "line", (week, flagging), (_ITEMS,)),
    )


def _reviewed() -> tuple[Chart, ...]:
    criticism = 'flag.status: "rejected" and review.reason: "criticism"'
    other = 'flag.status: "rejected" and not review.reason: "criticism"'
    decided, refused = _one_of("flag.status", DECIDED), 'flag.status: "rejected"'
    outcome = _parts("Hasil telaah", 'flag.status: "{}"', DECIDED, status_name)
    labels = _parts("Indikasi", 'flag.label: "{}"', SHOWN_LABELS, label_name)
    reasons = Terms("review.reason", "Alasan tidak sesuai", 12)
    week = Time("review.decided_at", "Pekan diputuskan", "1w")
    kinds = Parts(
        "Hasil telaah",
        (
            (criticism, "tidak sesuai: kritik/aspirasi"),
            (other, "tidak sesuai: alasan lain"),
            ('flag.status: "confirmed"', status_name("confirmed")),
        ),
    )
    share = Share("Bagian kritik/aspirasi (0 sampai 1)", criticism)
    weekly = "Bagian dari butir yang diputuskan pada pekan itu yang ditolak karena kritik/aspirasi."
    whole = f"Status berlaku untuk butir seutuhnya. {_ONE_OF}"
    return (
        Chart(
            "hasil",
            "Hasil telaah menurut indikasi",
            whole,
            "reviewed",
            "stacked ranking",
            (labels, outcome),
            (_ITEMS,),
            decided,
        ),
        Chart("alasan", "Alasan tidak sesuai", "", "reviewed", "ranking", (reasons,), (_ITEMS,), refused),
        Chart("pekan", "Hasil telaah per pekan", "", "reviewed", "bars", (week, kinds), (_ITEMS,), decided),
        Chart(
            "kritik",
            "Ditolak sebagai kritik/aspirasi per pekan",
            weekly,
            "reviewed",
            "line",
            (week,),
            (share,),
            decided,
        ),
    )


def _dashboards() -> tuple[Dashboard, ...]:
    controls = (("flag.office", "Wilayah kerja (kode)"), ("geo.region_name", "Provinsi yang disebut"))
    situation = (
        Panel("hari", 0, 0, 32, 15),
        Panel("dasar", 32, 0, 16, 15),
        Panel("provinsi", 0, 15, 24, 20),
        Panel("klaim", 24, 15, 24, 10),
        Panel("salinan", 24, 25, 24, 10),
        Panel("antrean", 0, 35, 24, 14, since="now-1y"),
        Panel("umur", 24, 35, 12, 14, since="now-1y"),
        Panel("sumber", 36, 35, 12, 14, since="now-1y"),
    )
    quality = (
        Panel("pita-tinggi", 0, 0, 16, 14),
        Panel("pita-sedang", 16, 0, 16, 14),
        Panel("pita-pekan", 32, 0, 16, 14, since="now-180d"),
        Panel("hasil", 0, 14, 32, 15),
        Panel("alasan", 32, 14, 16, 15),
        Panel("pekan", 0, 29, 24, 14, since="now-180d"),
        Panel("kritik", 24, 29, 24, 14, since="now-180d"),
    )
    return (
        Dashboard("kentongan-situasi", "Situasi", "Indikasi dan antrean; bukan hasil telaah.", situation, controls),
        Dashboard(
            "kentongan-mutu-model", "Mutu model", "Yang ditandai mesin dan yang diputuskan orang.", quality, controls
        ),
    )
