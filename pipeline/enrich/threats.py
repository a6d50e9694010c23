"""Threats of violence and calls for it, by the rules of data/threats.toml: there are no verdicts to learn from yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.core.resources import data_path
from pipeline.core.types import Reason, Signal
from pipeline.enrich.rulebook import RuleBook, read_rulebook
from pipeline.text import NormalisedText, normalise

MODEL = "rules-threat-1"
LABEL = "threat"


class ThreatRules:
    """A Classifier: at most one signal a text, `threat` with score 1.0 over 0.5, and the words that say so."""

    name = MODEL

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self.digest = book.hash

    def classify(self, texts: Sequence[str], *, reasons: bool = True) -> list[tuple[Signal, ...]]:
        """The signals of each text, in input order: none, or one for `threat`; never raises on any text."""
        signals = (self.signal(normalise(text), reasons=reasons) for text in texts)
        return [() if signal is None else (signal,) for signal in signals]

    def signal(self, text: NormalisedText, *, reasons: bool = True) -> Signal | None:
        """The signal of a text that is normalised already, or None."""
        found = self.book.find(text)
        if not found:
            return None
        spans = sorted({span for matched in found.values() for span in matched})
        why = tuple(Reason(start, end, 1.0) for start, end in spans) if reasons else ()
        return Signal(LABEL, 1.0, 0.5, MODEL, why)


def load_threats(path: Path | None = None) -> ThreatRules:
    """The threat rules of a file, or the shipped ones; raises ConfigError that names file, entry and key."""
    return ThreatRules(read_rulebook(path or data_path("threats.toml"), "threat"))
