"""The reference of a model: figures of its training texts that later weeks can be held against, and no text."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pipeline.classify.features import Vocabulary
from pipeline.classify.heads import MODEL_LABELS
from pipeline.classify.shift import BINS, frequent, histogram, known_shares, psi, stem_counts, wilson
from pipeline.text import NormalisedText, normalise
from pipeline.train.reference import reference_of

TEXTS = [normalise(text) for text in ["warga menolak tambang", "harga beras naik lagi", "warga desa rapat", ""] * 50]
RARE = "zebrabelang"


def made(texts: list[NormalisedText] = TEXTS, **changes: Any) -> dict[str, Any]:
    """A reference of these texts; the scores rise from 0 to 1."""
    rows = len(texts)
    scores = np.linspace(0, 1, rows)[:, None].repeat(len(MODEL_LABELS), axis=1)
    truth = {label: np.arange(rows) % 4 == 0 for label in MODEL_LABELS if label != "hoax_style"}
    known = known_shares(Vocabulary.learn(TEXTS[:3] * 2, (2, 2, 2)), texts)
    values: dict[str, Any] = {"scores": scores, "truth": truth, "known": known}
    return reference_of(texts, **values | changes)


def test_it_holds_scores_base_rates_known_words_lengths_and_frequent_stems() -> None:
    found = made()
    assert found["documents"] == 200
    assert list(found["scores"]) == [label for label in MODEL_LABELS if label != "hoax_style"]
    hate = found["scores"]["hate_group"]
    assert (hate["counts"], hate["mean"], hate["base_rate"]) == ([20] * BINS, 0.5, 0.25)
    assert found["known"]["word"]["counts"] == [0] * 9 + [150]  # the empty texts are in no bin
    assert found["known"]["word"]["mean"] == 1.0
    assert found["length"]["quantiles"] == [0.0, 2.25, 3.0, 3.25, 4.0]
    assert found["stems"]["warga"] == 100
    assert found["mentions"] == 50 * (3 + 4 + 3)


def test_it_is_small_json_and_the_same_each_time() -> None:
    assert json.dumps(made(), allow_nan=False) == json.dumps(made(), allow_nan=False)
    assert len(json.dumps(made())) < 10_000


def test_a_word_of_few_texts_is_not_in_it() -> None:
    texts = [*TEXTS, *[normalise(f"kata {RARE}")] * 2]
    assert RARE in stem_counts(texts)
    assert RARE not in json.dumps(made(texts))


def test_at_most_three_hundred_stems_are_kept_the_most_frequent_first() -> None:
    counted = {f"kata{number}": 1_000 - number for number in range(400)}
    kept = frequent(counted, 1_000)
    assert len(kept) == 300
    assert list(kept)[:2] == ["kata0", "kata1"]


def test_words_that_no_fold_saw_count_as_unknown() -> None:
    vocabulary = Vocabulary.learn([normalise("warga desa"), normalise("warga desa")], (2, 2, 2))
    shares = known_shares(vocabulary, [normalise("warga xyzzy"), normalise("")])
    assert shares[0, :2].tolist() == [0.5, 0.5]
    assert 0.5 <= shares[0, 2] < 1
    assert np.isnan(shares[1]).all()


@pytest.mark.parametrize("wrong", [{"scores": np.zeros((3, 2))}, {"known": np.zeros((200, 2))}])
def test_shapes_that_do_not_fit_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="shapes do not fit"):
        made(**wrong)


# ---- the figures themselves


def test_psi_of_the_same_shares_is_nothing_and_grows_with_the_distance() -> None:
    base = [700, 200, 100]
    assert psi(base, base) == 0.0
    assert psi([600, 250, 150], base) < psi([400, 300, 300], base)
    assert psi([100, 200, 700], base) > 0.25
    assert psi([0, 0, 0], base) == psi([5, 0], [5, 0]) == 0.0


def test_psi_of_a_textbook_example() -> None:
    """(0.5, 0.5) against (0.4, 0.6) is 0.1 ln 1.25 + 0.1 ln 1.2 = 0.0405; chance and halves are of no weight here."""
    assert psi([500_000, 500_000], [400_000, 600_000]) == pytest.approx(0.0405, abs=1e-4)


@pytest.mark.parametrize("bins", [10, 300])
def test_chance_alone_is_steady(bins: int) -> None:
    """Two hundred posts that say five of the frequent stems each, against a large base: hardly ever over 0.1."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(bins))
    base = rng.multinomial(60_000, shares)
    values = [psi(rng.multinomial(200 if bins == 10 else 1_000, shares), base) for _time in range(200)]
    assert np.mean(np.array(values) >= 0.1) <= 0.03
    assert max(values) < 0.25


def test_wilsons_interval_is_that_of_the_books() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_histogram_takes_both_ends_and_no_nan() -> None:
    assert histogram(np.array([0.0, 0.05, 0.1, 1.0, np.nan])).tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
