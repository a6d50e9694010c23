"""The words of the program, in the order in which data meets them; every value is frozen.

`raw -> post -> signal, region, topic -> flag -> report`. One word a thing and one variable name a word, everywhere.
Times are aware datetimes in UTC; spans are half-open [start, end) character offsets into `Post.text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["post", "comment", "news", "field", "forwarded"]
Visibility = Literal["media", "official", "broadcast", "comment", "submitted"]
Precision = Literal["second", "minute", "hour", "day", "month", "none"]
Band = Literal["low", "medium", "high"]
Why = Literal["signal", "topic", "claim", "spread", "sample", "teach"]
BLIND: frozenset[Why] = frozenset({"sample", "teach"})
"""What no rule flagged and a person is asked about all the same: drawn by chance, or because the model would learn most
from it. In no figure of flags, and nothing on a page tells it from a flag."""
Status = Literal[
    "open", "claimed", "second_review", "confirmed", "rejected", "unsure", "escalated", "expired", "erased"
]

NATIONAL = "00"  # the office code of the ministry; other offices use their Kemendagri code

LABELS = (
    "hate_group",
    "incitement",
    "threat",
    "insult_person",
    "abusive",
    "ground_religion",
    "ground_race",
    "ground_gender",
    "ground_physical",
    "hoax_claim",
    "hoax_style",
    "hate_speech",
)
FLAGGING_LABELS = frozenset({"hate_group", "incitement", "threat", "hoax_claim"})
_ONLY_BESIDE_A_TEXT = frozenset({"hate_speech", "insult_person", "abusive", "hoax_style"})
SHOWN_LABELS = tuple(label for label in LABELS if label not in _ONLY_BESIDE_A_TEXT)
"""Labels that may be a facet, a chart or a figure in a report (DESIGN, section 1)."""


@dataclass(frozen=True, slots=True)
class RawItem:
    """What a source gave for one post, after the allow-list and before any reading of it.

    `payload` holds JSON values only. `place` says where in the source it stood ("row 12", an entry's id), for messages.
    Its author is already a pseudonym: `payload` never holds an account's name.
    """

    source: str
    connector: str
    fetched_at: datetime
    place: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """One public post or news article in our form; its author is already a pseudonym.

    `id` is `platform~hmac` for social posts, `url:<address>` for news and institutions, else `sha:<hash>`.
    `url` is set for news and institutional accounts only. `covers` are the codes of the regions that the source covers.
    """

    id: str
    source: str
    office: str
    kind: Kind
    visibility: Visibility
    platform: str
    text: str
    fetched_at: datetime
    partition: str
    title: str = ""
    published_at: datetime | None = None
    published_precision: Precision = "none"
    stage: str = ""
    author_key: str | None = None
    institution: str | None = None
    url: str | None = None
    subject: str = "area"
    publisher_class: str = ""
    covers: tuple[str, ...] = ()
    expires_at: datetime | None = None
    deleted_at_source: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """A span of the text and how much it added to a label's score (log-odds for models, 1.0 for rules)."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Signal:
    """One label with a calibrated probability, who said so, and the spans that say why. Not a verdict."""

    label: str
    score: float
    threshold: float
    model: str
    reasons: tuple[Reason, ...] = ()

    @property
    def over(self) -> bool:
        """Whether the score reaches the threshold that was chosen for the label's purpose."""
        return self.score >= self.threshold

    @property
    def band(self) -> Band:
        """Three bands for people: below the threshold, above it, and in the upper half of what is above it."""
        if not self.over:
            return "low"
        return "high" if self.score >= (1.0 + self.threshold) / 2 else "medium"


@dataclass(frozen=True, slots=True)
class Region:
    """A province or kabupaten/kota that a post names (or that its source covers), by Kemendagri code.

    `confidence` is in (0, 1]; `how` says whether the text names it or only the source suggests it; `spans` are the
    words that say so.
    """

    code: str
    name: str
    level: Literal["province", "regency"]
    confidence: float
    how: Literal["mention", "source"]
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the operator's watch topics whose words a post matches; `protected` ones never raise priority."""

    code: str
    name: str
    protected: bool
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimMatch:
    """A checked claim that a post seems to carry, how alike they are in [0, 1], and the shared words in the post.

    `match` makes the signal `hoax_claim`; `suggest` is only shown; `denial` is a post that denies or checks the claim.
    `returned` says that the claim was checked long before the post.
    """

    id: str
    score: float
    level: Literal["match", "suggest", "denial"]
    returned: bool = False
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """A post with all that we found about it, and `why` it is worth a person's time.

    With an empty `why` it is a candidate only: it is counted and kept in derived/, and never reaches the index.
    `why_not` names the rules that kept it from being flagged. `month` is that of the first landing and never changes.
    `differs` names the labels that flag on which a candidate in the shadow says otherwise than the model in service.
    """

    post: Post
    signals: tuple[Signal, ...] = ()
    regions: tuple[Region, ...] = ()
    topics: tuple[Topic, ...] = ()
    claims: tuple[ClaimMatch, ...] = ()
    why: tuple[Why, ...] = ()
    why_not: tuple[str, ...] = ()
    cluster: str = ""
    sample_probability: float | None = None
    fingerprint: str = ""
    month: str = ""
    status: Status = "open"
    differs: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id of the post; a flag has no other."""
        return self.post.id

    def signal(self, label: str) -> Signal | None:
        """The signal of that label, or None."""
        return next((signal for signal in self.signals if signal.label == label), None)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search: what the user typed is data here, never a query language of the store.

    `words`/`phrases` must all match, `without` must not; `fields` holds (field, value) pairs that must match
    (same field twice: either); `since`/`until` bound the publishing (else fetching) time, half open.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    without_fields: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One found flag with the snippet that shows why, marks as half-open offsets into `snippet`."""

    flag: Flag
    snippet: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A stable page of search results; `next` continues after it and is None at the end."""

    hits: tuple[Hit, ...]
    total: int
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A flag that the search index did not take, and the index's own reason (never a text of the flag)."""

    flag_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PutCount:
    """What `Store.put` did with each flag it was given: every one stands in exactly one count."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    erased: int = 0
    refused: tuple[Refused, ...] = ()

    @classmethod
    def of(cls, counts: Mapping[str, int], refused: Iterable[Refused] = ()) -> PutCount:
        """From counts by name; raises TypeError for a name that there is not."""
        return cls(**dict(counts), refused=tuple(refused))


@dataclass(frozen=True, slots=True)
class Decided:
    """What an index may know of a decision beside the status: when, and the reason codes; never by whom."""

    at: datetime
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item that could not be used: what it was, in which step, why and when."""

    step: str
    source: str
    place: str
    reason: str
    at: datetime
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a step did: every item that went in stands in exactly one of `counts`.

    `tables` holds further break-downs for people (by label, topic, region); they need not sum up.
    """

    step: str
    partition: str
    total: int
    counts: dict[str, int]
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.total != sum(self.counts.values()):
            raise AssertionError(f"{self.step} lost count: {self.total} in, {self.counts} out")
