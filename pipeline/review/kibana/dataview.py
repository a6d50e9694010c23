"""The data view: which indices Kibana reads, what their fields and values are called, and what never shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipeline.core.decisions import REASONS
from pipeline.core.names import band_name, fact_check_name, kind_name, label_name, reason_name, status_name, why_name
from pipeline.core.types import SHOWN_LABELS
from pipeline.review.kibana.shapes import DataView, Named

INDEX = "flags"
"""The alias of all flags, behind the store's prefix."""

HIDDEN = ("signals*", "url.full", "rest*", "rank.*", "normal.*", "keys", "at", "expires", "flag.fingerprint")
"""Never shown in Discover: raw scores, original addresses, and what only our own search reads."""

_STATUSES = "open claimed second_review unsure confirmed rejected escalated expired".split()


def data_view(index: str) -> DataView:
    """The data view on that index, in the language of the moment."""
    return DataView(
        id="kentongan-butir",
        title=index,
        name="Kentongan: butir bertanda",
        time_field="@timestamp",
        labels=(
            ("@timestamp", "Waktu tayang"),
            ("event.created", "Waktu diambil"),
            ("event.url", "Meja telaah"),
            ("flag.band.ground_gender", "Pita: gender"),
            ("flag.band.ground_physical", "Pita: disabilitas"),
            ("flag.band.ground_race", "Pita: suku/ras"),
            ("flag.band.ground_religion", "Pita: agama"),
            ("flag.band.hate_group", "Pita: kebencian"),
            ("flag.band.hoax_claim", "Pita: mirip klaim"),
            ("flag.band.incitement", "Pita: hasutan"),
            ("flag.band.threat", "Pita: ancaman"),
            ("flag.claim", "Klaim"),
            ("flag.cluster", "Kelompok salinan"),
            ("flag.fact_check", "Cek fakta"),
            ("flag.kind", "Jenis"),
            ("flag.label", "Indikasi"),
            ("flag.office", "Wilayah kerja (kode)"),
            ("flag.region", "Wilayah yang disebut (kode)"),
            ("flag.source", "Sumber"),
            ("flag.stage", "Tahapan"),
            ("flag.status", "Status telaah"),
            ("flag.topic", "Isu"),
            ("flag.why", "Alasan ditandai"),
            ("geo.region_name", "Provinsi yang disebut"),
            ("review.decided_at", "Waktu diputuskan"),
            ("review.reason", "Alasan tidak sesuai"),
            ("text", "Isi"),
            ("title", "Judul"),
        ),
        lookups=(
            *((f"flag.band.{label}", _named(("low", "medium", "high"), band_name)) for label in SHOWN_LABELS),
            ("flag.fact_check", _named(("match", "suggest", "denial", "returned", "missing"), fact_check_name)),
            ("flag.kind", _named(("post", "comment", "news", "field", "forwarded"), kind_name)),
            ("flag.label", _named(SHOWN_LABELS, label_name)),
            ("flag.status", _named(_STATUSES, status_name)),
            ("flag.why", _named(("signal", "topic", "claim", "spread", "sample", "teach"), why_name)),
            ("review.reason", _named(REASONS, reason_name)),
        ),
        links=(("event.url", "Buka di meja telaah"),),
        hidden=HIDDEN,
    )


def _named(codes: Iterable[str], name: Callable[[str], str]) -> Named:
    return tuple((code, name(code)) for code in codes)
