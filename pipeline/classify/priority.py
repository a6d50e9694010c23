"""How urgent a flag is before time and spread count: what stands first in the reviewers' queue (DOMAIN 2.1).

    threat or incitement 5, hatred against a group 4, a matched claim 4, a text that spreads fast 3, a topic 2
    +1 if the model is sure (upper band)   +1 for a topic that is not protected   +0.5 if it names a region
    +0.25 if the model is unsure: between equals, the one that needs a person more
    +1 if a candidate in the shadow says otherwise, so that people soon say which of the two is right

Protected topics (lawful assembly, land, fraud allegations ...) never raise it. What no rule flagged (`sample`,
`teach`) gets a value of the same range that depends on its id alone: it stands among the others, and nothing
tells it apart. Where a candidate says otherwise it stands in the upper half.
"""

from __future__ import annotations

from pipeline.classify.policy import Policy, is_unsure, sample_rank
from pipeline.core.types import BLIND, Flag

_LABELS = {"threat": 5.0, "incitement": 5.0, "hate_group": 4.0, "hoax_claim": 4.0}
_TOPIC, _SPREAD = 2.0, 3.0
_SPAN = 5.75  # from a topic alone to a sure threat, with an unsure label beside it; differences come on top


def base_priority(flag: Flag, policy: Policy) -> float:
    """The part of the priority that does not change with time, from 2 to 8.75."""
    if not BLIND.isdisjoint(flag.why):
        share = sample_rank(f"priority {flag.id}")
        return round(_TOPIC + _SPAN * ((1 + share) / 2 if flag.differs else share), 3)
    over = [signal for signal in flag.signals if signal.over and signal.label in _LABELS]
    value = max((_LABELS[signal.label] for signal in over), default=_SPREAD if "spread" in flag.why else _TOPIC)
    if any(signal.band == "high" for signal in over):
        value += 1.0
    if any(not topic.protected for topic in flag.topics):
        value += 1.0
    if any(region.how == "mention" for region in flag.regions):
        value += 0.5
    if any(is_unsure(signal, policy) for signal in over):
        value += 0.25
    if flag.differs:
        value += 1.0
    return value
