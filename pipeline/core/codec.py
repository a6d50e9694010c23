"""A flag as a flat dict and back: one shape for derived rows, index documents and what the command line prints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipeline.core.types import ClaimMatch, Flag, Post, Reason, Region, Signal, Topic

_TIMES = ("fetched_at", "published_at", "expires_at", "deleted_at_source")
_POST_FIELDS = tuple(Post.__dataclass_fields__)


def flag_to_dict(flag: Flag, *, private: bool = False) -> dict[str, Any]:
    """The flag as plain values (times stay datetimes); what no index holds is in it only if `private`."""
    post = flag.post
    row: dict[str, Any] = {name: getattr(post, name) for name in _POST_FIELDS}
    if private:
        row["differs"] = list(flag.differs)
    else:
        del row["author_key"]
    row["covers"] = list(post.covers)
    row["signals"] = [_signal_to_dict(signal) for signal in flag.signals]
    row["regions"] = [
        {
            "code": region.code,
            "name": region.name,
            "level": region.level,
            "confidence": region.confidence,
            "how": region.how,
            "spans": [list(span) for span in region.spans],
        }
        for region in flag.regions
    ]
    row["topics"] = [
        {"code": topic.code, "name": topic.name, "protected": topic.protected, "spans": [list(s) for s in topic.spans]}
        for topic in flag.topics
    ]
    row["claims"] = [
        {
            "id": match.id,
            "score": match.score,
            "level": match.level,
            "returned": match.returned,
            "spans": [list(span) for span in match.spans],
        }
        for match in flag.claims
    ]
    row["why"], row["why_not"] = list(flag.why), list(flag.why_not)
    row["cluster"], row["sample_probability"] = flag.cluster, flag.sample_probability
    row["fingerprint"], row["month"], row["status"] = flag.fingerprint, flag.month, flag.status
    return row


def _signal_to_dict(signal: Signal) -> dict[str, Any]:
    return {
        "label": signal.label,
        "score": signal.score,
        "threshold": signal.threshold,
        "model": signal.model,
        "reasons": [{"start": r.start, "end": r.end, "weight": r.weight} for r in signal.reasons],
    }


def flag_from_dict(row: dict[str, Any]) -> Flag:
    """The flag of such a dict; times may be datetimes or ISO texts. Raises KeyError, TypeError or ValueError."""
    values = {name: row[name] for name in _POST_FIELDS if name in row}
    values["covers"] = tuple(values.get("covers") or ())
    for name in _TIMES:
        values[name] = _time(values.get(name))
    return Flag(
        post=Post(**values),
        signals=tuple(
            Signal(
                s["label"],
                s["score"],
                s["threshold"],
                s["model"],
                tuple(Reason(r["start"], r["end"], r["weight"]) for r in s["reasons"]),
            )
            for s in row["signals"]
        ),
        regions=tuple(
            Region(r["code"], r["name"], r["level"], r["confidence"], r["how"], _spans(r["spans"]))
            for r in row["regions"]
        ),
        topics=tuple(Topic(t["code"], t["name"], t["protected"], _spans(t["spans"])) for t in row["topics"]),
        claims=tuple(
            ClaimMatch(c["id"], c["score"], c["level"], c["returned"], _spans(c["spans"])) for c in row["claims"]
        ),
        why=tuple(row["why"]),
        why_not=tuple(row["why_not"]),
        cluster=row["cluster"],
        sample_probability=row["sample_probability"],
        fingerprint=row["fingerprint"],
        month=row["month"],
        status=row["status"],
        differs=tuple(row.get("differs") or ()),
    )


def _spans(values: Any) -> tuple[tuple[int, int], ...]:
    return tuple((start, end) for start, end in values)


def _time(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value if value is None else value.astimezone(UTC)
    return datetime.fromisoformat(value).astimezone(UTC)
