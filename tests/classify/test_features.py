"""Training and serving see the same numbers, and n-grams are scikit-learn's."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.classify.artefact import read_artefact
from pipeline.classify.features import PIECE_LETTERS, Vectoriser, Vocabulary, char_grams, units
from pipeline.classify.registry import list_models
from pipeline.classify.scores import Scorer
from pipeline.core.resources import models_path
from pipeline.text import normalise

ARTEFACT = read_artefact(list_models(models_path(), "tfidf")[-1])
TEXTS = [
    "usir usir usir semua pendatang dari kampung ini!!!",
    "harga cabai naik, ibu-ibu di pasar mengeluh",
    "dpr bohong bohong terus... copot aja",
    "a",
    "",
    "   \n ",
    "x" * 500 + " " + "x" * 400,
    "😀😀 mantap jiwa 😀 #keren",
]


def test_serving_gives_what_training_computes() -> None:
    rows = [normalise(text) for text in TEXTS]
    by_matrix = Vectoriser(ARTEFACT.vocabulary).matrix(TEXTS) @ ARTEFACT.weights + ARTEFACT.bias
    by_rows, scale = Scorer(ARTEFACT).logits(rows)
    assert np.allclose(by_rows, by_matrix, atol=2e-4)
    assert np.abs(by_rows[0] - by_rows[1]).max() > 0.5  # the comparison above is of something
    assert not scale[4].any()


def test_what_is_remembered_or_forgotten_changes_nothing() -> None:
    rows = [normalise(text) for text in TEXTS]
    forgetful = Scorer(ARTEFACT, memo=0)
    once, again = forgetful.logits(rows)[0], forgetful.logits(rows[::-1])[0][::-1]
    alone = np.concatenate([forgetful.logits([row])[0] for row in rows])
    assert np.array_equal(once, again)
    assert np.array_equal(once, alone)


def test_a_word_said_often_counts_once() -> None:
    vectoriser = Vectoriser(ARTEFACT.vocabulary)
    once, often = vectoriser.matrix(["bohong", "bohong bohong"]).toarray()
    words = ARTEFACT.vocabulary.places[0]
    assert once[words["bohong"]] > 0
    assert often[words["bohong"]] == pytest.approx(once[words["bohong"]], rel=0.2)  # only the pair is added


def test_a_short_text_weighs_less_than_its_full_length() -> None:
    rows = Vectoriser(ARTEFACT.vocabulary).matrix(["cina", " ".join(TEXTS[:3])])
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    assert 0 < lengths[0] < 0.6 * lengths[1] < np.sqrt(3)


@given(st.text(alphabet=st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=12))
@settings(max_examples=60)
def test_letter_grams_are_scikit_learn_s(piece: str) -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    analyse = text.TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), lowercase=False).build_analyzer()
    assert sorted(char_grams(piece)) == sorted(analyse(piece))


def test_a_very_long_piece_is_cut() -> None:
    assert char_grams("a" * 10_000) == char_grams("a" * PIECE_LETTERS)


def test_a_vocabulary_keeps_what_enough_texts_have() -> None:
    texts = [normalise(text) for text in ("satu dua tiga", "satu dua empat", "satu lima")]
    vocabulary = Vocabulary.learn(texts, (2, 3, 1))
    assert vocabulary.features[0] == ("dua", "satu", ("satu", "dua"))
    assert vocabulary.counts[0].tolist() == [2, 3, 2]
    assert " satu"[:3] in vocabulary.features[1]
    assert vocabulary.idf[0][1] == pytest.approx(1.0)  # in every text
    assert vocabulary.documents == 3


def test_slang_for_several_words_makes_several_stems() -> None:
    text = normalise("satu dua")
    words, pieces, stems = units(text)
    assert list(words) == ["satu", "dua", ("satu", "dua")]
    assert list(pieces) == ["satu", "dua"]
    assert len(list(stems)) == 3


def test_serving_does_not_load_scikit_learn() -> None:
    code = (
        "import sys; from pipeline.classify.registry import *; from pipeline.core.resources import models_path;"
        "load_classifier(list_models(models_path(), 'tfidf')[-1]).classify(['usir semua orang asing']);"
        "sys.exit(any(name.startswith('sklearn') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
