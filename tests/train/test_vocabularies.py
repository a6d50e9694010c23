"""The vocabulary of a part, counted by what is left out, is the one that the part itself gives."""

from __future__ import annotations

import pytest

from pipeline.classify.features import Vocabulary
from pipeline.text import NormalisedText, normalise
from pipeline.train.vocabularies import left_without

LEAST = (2, 3, 2)
TEXTS = tuple(
    normalise(text)
    for text in (
        "harga beras naik lagi di pasar",
        "harga cabai naik di pasar induk",
        "beras murah di pasar murah",
        "warga antre beras sejak pagi, warga antre!",
        "rapat warga pagi ini di balai desa",
        "",
    )
)


@pytest.mark.parametrize("out", [(), (0,), (1, 3), (0, 1, 2, 3), tuple(range(len(TEXTS)))])
def test_the_same_as_learnt_from_the_rest(out: tuple[int, ...]) -> None:
    found = left_without(Vocabulary.learn(TEXTS, LEAST), [TEXTS[at] for at in out], LEAST)
    wanted = Vocabulary.learn([text for at, text in enumerate(TEXTS) if at not in out], LEAST)
    assert found.features == wanted.features
    assert [_exact(counts) for counts in found.counts] == [_exact(counts) for counts in wanted.counts]
    assert found.documents == wanted.documents


def test_a_feature_that_becomes_rare_goes() -> None:
    texts: list[NormalisedText] = [normalise("beras"), normalise("beras"), normalise("cabai")]
    whole = Vocabulary.learn(texts, (2, 2, 2))
    assert whole.features[0] == ("beras",)
    assert left_without(whole, texts[:1], (2, 2, 2)).size == 0


def _exact(counts: object) -> tuple[str, list[int]]:
    return str(counts.dtype), counts.tolist()  # type: ignore[attr-defined]
