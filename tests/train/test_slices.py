"""The unsure band, slices, curves and the leakage audit, against their definitions and on numbers made here."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.train.audit import audit_hate
from pipeline.train.curves import reliability, threshold_table
from pipeline.train.figures import brier, calibration_error, group_resamples, precision, with_interval
from pipeline.train.measure import (
    LEAST_ROWS,
    MOST_SLICES,
    measure_label,
    measure_over_all,
    measure_slices,
    measure_unsure,
)

ROWS = 400


def _calibrated(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scores = random.random(rows)
    return random.random(rows) < scores, scores


def test_the_unsure_band_says_what_abstaining_costs_and_saves() -> None:
    truth = np.array([True, False, True, False, True, False])
    scores = np.array([0.9, 0.1, 0.4, 0.6, 0.65, 0.7])
    found = measure_unsure(truth, scores)
    assert (found["rows"], found["true_rows"]) == (3, 2), "0.3 belongs to the band, 0.7 does not"
    assert found["share"] == 0.5
    assert found["share_of_true"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["wrong_share"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["wrong_share_outside"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["precision_above"] == 0.5
    nothing = measure_unsure(truth[:1], scores[:1])
    assert (nothing["wrong_share"], nothing["rows"]) == (None, 0)


def test_rows_count_as_often_as_they_stand_for_posts() -> None:
    truth, scores = np.array([True, False, False]), np.array([0.8, 0.9, 0.1])
    counted = np.array([1.0, 3.0, 1.0])
    repeated = [0, 1, 1, 1, 2]
    assert brier(truth, scores, counted) == pytest.approx(brier(truth[repeated], scores[repeated]))
    assert calibration_error(truth, scores, weights=counted) == pytest.approx(
        calibration_error(truth[repeated], scores[repeated])
    )
    weights = group_resamples(np.arange(3), 0, 20)
    found = with_interval(lambda w: precision(truth, scores >= 0.5, w), weights, counted)
    assert found["value"] == 0.25
    whole = measure_label(truth, scores, 0.5, weights, counted)
    assert whole["precision"]["value"] == 0.25
    assert whole["unsure"]["share"] == 0


def test_a_slice_has_the_figures_of_its_rows_and_no_others() -> None:
    truth, scores = _calibrated(ROWS, 1)
    keys = ["radio" if row % 2 else "koran" for row in range(ROWS)]
    known = np.ones(ROWS, bool)
    known[::8] = False
    found = measure_slices({"abusive": truth}, {"abusive": known}, {"abusive": scores}, {"abusive": 0.5}, keys)
    radio = found["slices"]["radio"]
    odd = known & (np.arange(ROWS) % 2 == 1)
    assert radio["rows"] == ROWS // 2
    assert radio["labels"]["abusive"]["measured"] == odd.sum()
    assert radio["labels"]["abusive"]["rows"] == truth[odd].sum()
    expected = precision(truth[odd], scores[odd] >= 0.5)[0]
    assert radio["labels"]["abusive"]["precision"]["value"] == pytest.approx(expected, abs=1e-4)
    assert radio["exact_match"] == pytest.approx(((scores >= 0.5) == truth)[odd].mean(), abs=1e-4)
    assert found["slices"]["koran"]["labels"]["abusive"]["measured"] == known.sum() - odd.sum(), "unknown: left out"
    assert (found["without"], found["left_out"]) == (0, 0)


def test_a_small_slice_is_named_and_not_measured() -> None:
    truth, scores = _calibrated(ROWS, 2)
    few, rare = np.arange(ROWS) < LEAST_ROWS - 1, np.arange(ROWS) >= ROWS - 50
    truth = truth & ~rare | (np.arange(ROWS) >= ROWS - 4)
    keys = ["few" if few[row] else "rare" if rare[row] else "" for row in range(ROWS)]
    known = {"abusive": np.ones(ROWS, bool)}
    found = measure_slices({"abusive": truth}, known, {"abusive": scores}, {"abusive": 0.5}, keys)
    for key, rows in (("few", LEAST_ROWS - 1), ("rare", 50)):
        label = found["slices"][key]["labels"]["abusive"]
        assert (label["too_small"], label["measured"], "f1" in label) == (True, rows, False)
        assert found["slices"][key]["macro_f1"] is None
    assert found["without"] == ROWS - LEAST_ROWS + 1 - 50


def test_a_row_may_lie_in_several_regions_or_none() -> None:
    truth, scores = _calibrated(ROWS, 3)
    keys = [("31", "32") if row % 2 else () for row in range(ROWS)]
    known = {"abusive": np.ones(ROWS, bool)}
    found = measure_slices({"abusive": truth}, known, {"abusive": scores}, {"abusive": 0.5}, keys)
    assert {key: each["rows"] for key, each in found["slices"].items()} == {"31": ROWS // 2, "32": ROWS // 2}
    assert found["without"] == ROWS // 2


def test_only_the_largest_slices_are_measured_and_the_rest_counted() -> None:
    truth, scores = _calibrated(ROWS, 4)
    keys = [f"s{row % (MOST_SLICES + 7):03}" for row in range(ROWS)]
    known = {"abusive": np.ones(ROWS, bool)}
    found = measure_slices({"abusive": truth}, known, {"abusive": scores}, {"abusive": 0.5}, keys)
    assert (len(found["slices"]), found["left_out"]) == (MOST_SLICES, 7)


def test_exact_match_counts_rows_of_which_every_label_is_known() -> None:
    truth, scores = _calibrated(ROWS, 5)
    known = {"a": np.ones(ROWS, bool), "b": np.arange(ROWS) < 100}
    found = measure_over_all({"a": truth, "b": truth}, known, {"a": scores, "b": scores}, {"a": 0.5, "b": 0.5})
    assert found["exact_match_rows"] == 100
    assert found["exact_match"] == pytest.approx(((scores >= 0.5) == truth)[:100].mean(), abs=1e-4)
    assert found["labels"] == 2
    none = {"a": np.zeros(ROWS, bool)}
    empty = measure_over_all({"a": truth & none["a"]}, none, {"a": scores}, {"a": 0.5})
    assert (empty["exact_match"], empty["macro_f1"], empty["labels"]) == (None, None, 0)


# ---- curves


def test_calibrated_scores_lie_on_the_diagonal_within_their_intervals() -> None:
    truth, scores = _calibrated(4000, 6)
    found = reliability(truth, scores)
    assert sum(each["rows"] for each in found["bins"]) == 4000
    inside = [each["low"] <= each["mean_score"] <= each["high"] for each in found["bins"]]
    assert sum(inside) >= 8
    assert reliability(truth[:1], np.array([1.0]))["bins"][0]["from"] == 0.9, "a score of 1 is in the last step"


def test_the_table_of_thresholds_has_the_chosen_one_and_what_it_costs() -> None:
    truth, scores = _calibrated(2000, 7)
    table = threshold_table(truth, scores, 0.57)
    assert [row["threshold"] for row in table if row["chosen"]] == [0.57]
    at = next(row for row in table if row["chosen"])
    assert at["precision"] == pytest.approx(precision(truth, scores >= 0.57)[0], abs=1e-4)
    assert at["per_1000"] == pytest.approx(1000 * (scores >= 0.57).mean(), abs=0.01)
    flags = [row["over"] for row in table]
    assert flags == sorted(flags, reverse=True)
    assert threshold_table(truth, np.zeros(2000), 1.0)[-1]["precision"] is None


# ---- the leakage audit


def test_the_audit_finds_a_label_that_follows_the_crawl_the_style_or_the_date() -> None:
    random = np.random.default_rng(8)
    truth = random.random(ROWS) < 0.4
    words = ["pasar", "jalan", "hujan", "kopi", "bola", "kota"]
    plain = [" ".join(random.choice(words, 6)) for _row in range(ROWS)]
    dates = [f"2026-0{random.integers(1, 7)}-01" for _row in range(ROWS)]
    groups = np.arange(ROWS)
    clean = audit_hate(plain, {"hate_speech": truth}, groups, dates, 0)["labels"]["hate_speech"]
    assert all(0.4 < clean[name] < 0.6 for name in ("style_only", "markers_only", "date_only"))
    marked = [f"{text} '" if bad else text for text, bad in zip(plain, truth, strict=True)]
    shouted = [text.upper() if bad else text for text, bad in zip(plain, truth, strict=True)]
    dated = ["2026-01-05" if bad else "2026-02-05" for bad in truth]
    assert audit_hate(marked, {"hate_speech": truth}, groups, None, 0)["labels"]["hate_speech"]["markers_only"] > 0.99
    assert audit_hate(shouted, {"hate_speech": truth}, groups, None, 0)["labels"]["hate_speech"]["style_only"] > 0.99
    assert audit_hate(plain, {"hate_group": truth}, groups, dated, 0)["labels"]["hate_group"]["date_only"] > 0.99


def test_the_audit_keeps_near_duplicates_together_and_says_what_it_cannot() -> None:
    texts = [f"{'A' * (row // 10)} {'x' * (row % 3)}" for row in range(ROWS)]
    truth = np.repeat(np.random.default_rng(9).random(ROWS // 10) < 0.5, 10)
    together = audit_hate(texts, {"hate_group": truth}, np.repeat(np.arange(ROWS // 10), 10), None, 0)
    found = together["labels"]["hate_group"]
    assert found["style_only"] < 0.75, "copies in two folds would give it away"
    assert (found["date_only"], found["model"]) == (None, None)
    assert audit_hate(texts, {"hate_group": np.zeros(ROWS, bool)}, np.arange(ROWS), None, 0)["labels"] == {}
    own = audit_hate(texts, {"hate_group": truth}, np.arange(ROWS), None, 0, {"hate_group": truth.astype(float)})
    assert own["labels"]["hate_group"]["model"] == 1.0
