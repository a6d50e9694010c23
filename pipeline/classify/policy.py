"""The policy: one pure function that says why a post is worth a person's time, or why it is not.

The rules are DESIGN section 1 and DOMAIN 4.3: only `hate_group`, `incitement`, `threat` and `hoax_claim` flag; topics
alone flag only news and field reports; a verified press company reports hate, it is not flagged for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from pipeline.classify.heads import MODEL_LABELS, UNSURE
from pipeline.core.types import FLAGGING_LABELS, LABELS, Flag, Signal, Why
from pipeline.text import normalise

POLICY_VERSION = "2"
TOPIC_KINDS = frozenset({"news", "field"})

_ASSEMBLY = frozenset(
    "unjuk unras demo demonstrasi aksi protes mogok petisi orasi audiensi tolak menolak tuntut menuntut "
    "solidaritas".split()
)
"""Words of people who use their rights; topics do not cover every way to say it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy's settings: thresholds over the model's own, by label, and which further posts people are asked about.

    `unsure` is the band of scores, from the first up to the second, where the model does not know.
    """

    thresholds: Mapping[str, float]
    sample_share: float
    sample_per_day: int
    drop_out_of_area: bool = True
    teach_per_day: int = 0
    unsure: tuple[float, float] = UNSURE

    @property
    def hash(self) -> str:
        """Changes with every setting that can change a decision."""
        asked = (self.sample_share, self.sample_per_day, self.teach_per_day, self.unsure)
        text = repr((POLICY_VERSION, sorted(self.thresholds.items()), *asked, self.drop_out_of_area))
        return sha256(text.encode()).hexdigest()[:12]


def decide(flag: Flag, policy: Policy, *, out_of_area: bool = False) -> Flag:
    """The flag with its `why` and `why_not`; `signals` get the thresholds that were used."""
    signals = tuple(with_threshold(signal, policy) for signal in flag.signals)
    over = {signal.label for signal in signals if signal.over}
    if out_of_area and policy.drop_out_of_area:
        return replace(flag, signals=signals, why=(), why_not=("out_of_area",))
    why: list[Why] = []
    why_not: list[str] = []
    flagging = over & FLAGGING_LABELS
    if flagging and _is_press(flag):
        why_not.append("press_reports")
    elif flagging:
        why += ["signal"] if flagging - {"hoax_claim"} else []
        why += ["claim"] if "hoax_claim" in flagging else []
    if flag.topics and flag.post.kind in TOPIC_KINDS:
        why.append("topic")
    elif flag.topics and not why:
        why_not.append("topic_alone")
    why_not += [f"never_flags:{label}" for label in LABELS if label in over - FLAGGING_LABELS and not why]
    if not why and not why_not:
        why_not.append("below_thresholds")
    return replace(flag, signals=signals, why=tuple(why), why_not=tuple(why_not))


def is_unsure(signal: Signal, policy: Policy) -> bool:
    """Whether the model's score lies where it does not know; rules and matched claims are never unsure."""
    low, high = policy.unsure
    return signal.label in MODEL_LABELS and low <= signal.score < high


def doubt(flag: Flag, policy: Policy) -> float | None:
    """How far the score that is nearest to a decision is from it; None if the model is sure of all labels that flag."""
    unsure = (signal for signal in flag.signals if signal.label in FLAGGING_LABELS and is_unsure(signal, policy))
    return min((abs(signal.score - signal.threshold) for signal in unsure), default=None)


def may_ask(flag: Flag) -> bool:
    """Whether an unflagged post may come to the queue (`sample`, `teach`): public broadcast, without an address."""
    return not flag.why and flag.post.visibility == "broadcast" and not flag.post.url and not _is_press(flag)


def may_spread(flag: Flag) -> bool:
    """Whether copies of the post count towards "spreads fast, no fact-check yet".

    What people post, not the press or an institution; nothing that a protected topic covers (land, allegations of
    fraud ...) and no call to assemble, to protest or to sign: that many people say it is no reason to look at them.
    """
    by_people = flag.post.kind in ("post", "comment", "forwarded") and flag.post.institution is None
    if not by_people or any(topic.protected for topic in flag.topics):
        return False
    words = normalise(flag.post.text)
    return _ASSEMBLY.isdisjoint(words.tokens) and _ASSEMBLY.isdisjoint(words.stems)


def sample_rank(flag_id: str) -> float:
    """A number in [0, 1) that depends on the id alone: the same posts are sampled however often a day is replayed."""
    return int.from_bytes(sha256(b"sample\0" + flag_id.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2**64


def _is_press(flag: Flag) -> bool:
    return flag.post.kind == "news" and flag.post.publisher_class == "verified_press"


def with_threshold(signal: Signal, policy: Policy) -> Signal:
    """The signal with the office's own threshold, if the settings name one."""
    threshold = policy.thresholds.get(signal.label)
    return signal if threshold is None else replace(signal, threshold=threshold)
