"""The operator's watch topics: which of them a post's words match, by the rules of data/topics.toml."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.core.resources import data_path
from pipeline.core.types import Flag, Topic
from pipeline.enrich.rulebook import RuleBook, read_rulebook
from pipeline.enrich.topic_lint import lint_topics
from pipeline.text import normalise

__all__ = ["TopicBook", "TopicEnricher", "lint_topics", "load_topics"]

TopicBook = RuleBook


def load_topics(path: Path | None = None) -> TopicBook:
    """The topics of a file, or the shipped ones; raises ConfigError that names file, topic and key."""
    return read_rulebook(path or data_path("topics.toml"), "topic")


class TopicEnricher:
    """Sets `flag.topics`; a topic that only the title matches has no spans, as spans point into `Post.text`."""

    def __init__(self, book: TopicBook, language: str = "id") -> None:
        self._book = book
        self._language = language

    def enrich(self, flag: Flag) -> Flag:
        """A new flag with the topics of the post's text and title, in the order of the file."""
        found = self._book.find(normalise(flag.post.text))
        titled = self._book.find(normalise(flag.post.title)) if flag.post.title else {}
        topics = tuple(
            Topic(entry.code, entry.name[self._language], entry.protected, found.get(entry.code, ()))
            for entry in self._book.entries
            if entry.code in found or entry.code in titled
        )
        return replace(flag, topics=topics)
