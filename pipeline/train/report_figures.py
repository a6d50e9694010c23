"""The figures on a run's page: by label, over all, where the model is unsure, on politics, by slice, of samples."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.core.i18n import _
from pipeline.core.names import label_name
from pipeline.train.report_parts import NONE, Row, Section, Table, Told, cut, interval, number, percent


def figures(told: Told) -> Section | None:
    """AP, precision, recall, F1, ECE and Brier by label."""
    labels = told["metrics"].get("labels")
    if not labels:
        return None
    notes = [
        _(
            "In per cent; in brackets where the figure of 95 in 100 samples of posts like these would lie (bootstrap "
            "over groups of near duplicates). That does not cover other platforms and other years."
        ),
        _("AP: how well the scores rank. ECE and Brier: how far scores and truth are apart; the lower, the better."),
    ]
    return Section(_("Figures by label"), notes, [label_table(_("All rows whose label is known"), labels)])


def label_table(caption: str, labels: Told) -> Table:
    """The figures of `measure_label`, one row a label."""
    heads = (
        _("Label"), _("Rows"), _("With the label"), _("Threshold"), "AP", _("Precision"), _("Recall"), "F1", "ECE",
        "Brier",
    )  # fmt: skip
    rows = [
        (
            label_name(label), number(found.get("measured")), number(found["rows"]), number(found["threshold"], 2),
            *(interval(found[name]) for name in ("average_precision", "precision", "recall", "f1")),
            percent(found["ece"]), number(found["brier"], 3),
        )
        for label, found in labels.items()
    ]  # fmt: skip
    return Table(caption, heads, rows)


def over_all(told: Told) -> Section | None:
    """Exact match, macro-F1 and mean AP, and what others publish on the same data."""
    metrics = told["metrics"]
    names = {
        "exact_match": _("Exact match: all labels of a post right"),
        "macro_f1": _("Macro-F1: mean over the labels"),
        "mean_average_precision": _("Mean AP"),
        "macro_f1_at_half": _("Macro-F1 at 0.5"),
        "macro_f1_tuned": _("Macro-F1 with thresholds of the other folds"),
        "exact_match_at_half": _("Exact match at 0.5"),
        "hate_f1_at_half": _("F1 of hate in the wide sense, at 0.5"),
        "abusive_f1_at_half": _("F1 of coarse language, at 0.5"),
    }
    tables = []
    for key, caption in (
        ("over_all", _("Our labels, at the thresholds in use")),
        ("dataset", _("The twelve labels of okky2019, to compare with what others publish")),
    ):
        found = metrics.get(key) or {}
        rows = [(text, percent(found[name])) for name, text in names.items() if name in found]
        if rows:
            tables.append(Table(caption, (_("Figure"), _("Per cent")), rows))
    return Section(_("Over all labels"), (), tables) if tables else None


def unsure(told: Told) -> Section | None:
    """The band where the model says that it does not know."""
    labels = {
        label: found["unsure"] for label, found in (told["metrics"].get("labels") or {}).items() if "unsure" in found
    }
    if not labels:
        return None
    first = next(iter(labels.values()))
    heads = (
        _("Label"), _("Unsure rows"), _("Share of all"), _("Wrong in the band"), _("Wrong outside"),
        _("Precision above"), _("Rows with the label in the band"), _("Share of the label"),
    )  # fmt: skip
    rows = [
        (
            label_name(label), number(found["rows"]), percent(found["share"]), percent(found["wrong_share"]),
            percent(found["wrong_share_outside"]), percent(found["precision_above"]), number(found["true_rows"]),
            percent(found["share_of_true"]),
        )
        for label, found in labels.items()
    ]  # fmt: skip
    note = _(
        "From a score of {low} up to {high} the model is unsure, and a person looks first. Wrong: the answer would be "
        "yes from 0.5 on, and that would be wrong. In per cent, but for rows."
    ).format(low=number(first["low"], 1), high=number(first["high"], 1))
    return Section(_("Where the model is unsure"), (note,), [Table(_("The unsure band by label"), heads, rows)])


def political(told: Told) -> Section | None:
    """Precision where a wrong flag costs most."""
    found = told["metrics"].get("political")
    if not found:
        return None
    heads = (
        _("Label"), _("Posts on politics"), _("With the label"), _("Over the threshold"), _("Precision"), _("Recall"),
        _("Wrong flags of posts without the label"), _("Calls to resign or dissolve, wrongly over"),
    )  # fmt: skip
    rows = [
        (
            label_name(label), number(each["posts"]), number(each["rows"]), number(each["over"]),
            percent(each["precision"]), percent(each["recall"]), percent(each["wrong_share"]),
            _of(each.get("calls_to_remove")),
        )
        for label, each in found.items()
    ]  # fmt: skip
    note = _("Posts that name politicians, offices, parties or elections: criticism of them is lawful.")
    return Section(_("Posts on politics"), (note,), [Table(_("By label, in per cent but for counts"), heads, rows)])


def _of(found: Mapping[str, int] | None) -> str:
    return f"{number(found['over'])} / {number(found['rows'])}" if found else NONE


def slices(told: Told) -> Section | None:
    """By source, quarter and region, where the data carries them."""
    found = told["metrics"].get("slices")
    if not found:
        return None
    names = {"source": _("By source"), "period": _("By quarter"), "region": _("By region (code of the province)")}
    notes = [
        _(
            "Slices with fewer than 30 known rows or 5 with the label are too small to say anything of: they are "
            "named and not measured."
        )
    ]
    tables, folded = [], []
    for dimension, each in found.items():
        title = names.get(dimension, dimension)
        if not each["slices"]:
            notes.append(_("{title}: the data does not carry it.").format(title=title))
            continue
        tables.append(_whole_slices(title, each["slices"]))
        folded.append(_slices_by_label(title, each["slices"]))
        if each["without"] or each["left_out"]:
            text = _("{title}: {without} rows without it, {left_out} smaller slices not listed.")
            numbers = {name: number(each[name]) for name in ("without", "left_out")}
            notes.append(text.format(title=title, **numbers))
    title = _("By source, time and region")
    return Section(title, notes, tables, folded=folded, folded_title=_("The same by label"))


def _whole_slices(title: str, found: Told) -> Table:
    heads = (_("Slice"), _("Rows"), _("Exact match"), _("Macro-F1"), _("Labels measured"), _("Labels too small"))
    rows = [
        (
            cut(key), number(each["rows"]), percent(each["exact_match"]), percent(each["macro_f1"]),
            number(each["macro_over"]), number(len(each["labels"]) - each["macro_over"]),
        )
        for key, each in found.items()
    ]  # fmt: skip
    return Table(title, heads, rows)


def _slices_by_label(title: str, found: Told) -> Table:
    heads = (
        _("Slice and label"), _("Rows"), _("With the label"), "AP", _("Precision"), _("Recall"), "F1", "ECE", "Brier",
    )  # fmt: skip
    rows: list[Row] = []
    for key, each in found.items():
        for label, value in each["labels"].items():
            start = (f"{cut(key)}: {label_name(label)}", number(value["measured"]), number(value["rows"]))
            if value["too_small"]:
                rows.append((*start, _("too small"), *[NONE] * 5))
                continue
            cells = [percent(value[name]["value"]) for name in ("precision", "recall")]
            cells = [interval(value["average_precision"]), *cells, interval(value["f1"]), percent(value["ece"])]
            rows.append((*start, *cells, number(value["brier"], 3)))
    return Table(title, heads, rows)


def sampled(told: Told) -> Section | None:
    """The unbiased part: what chance brought to a person."""
    found = told["metrics"].get("sampled")
    if not found:
        return None
    note = _(
        "Only these rows were brought to a person by chance; the others were found by a rule or a model, or stand in a "
        "labelled file. Each counts as many times as it stands for posts that nobody saw. {rows} rows."
    ).format(rows=number(found["rows"]))
    if not found["labels"]:
        return Section(_("Only sampled rows"), (note, _("Too few of them have a decision to measure anything.")))
    return Section(_("Only sampled rows"), (note,), [label_table(_("Sampled rows, weighted"), found["labels"])])


def recall_of_queue(told: Told) -> Section | None:
    """How much of what fits a label the queue finds at all."""
    found = told["metrics"].get("recall")
    if not found:
        return None
    heads = (_("Label"), _("Samples"), _("That fit"), _("Flags"), _("That fit"), _("Recall"))
    rows = [
        (
            label_name(label), number(each["samples"]), number(each["samples_that_fit"]), number(each["flags"]),
            number(each["flags_that_fit"]), interval(each["recall"]),
        )
        for label, each in found.items()
    ]  # fmt: skip
    note = _(
        "Estimated from samples (Horvitz and Thompson 1952) when the dataset was built; a dash: too few are decided."
    )
    table = Table(_("By label, in per cent but for counts"), heads, rows)
    return Section(_("What the queue finds at all"), (note,), [table])


def others(told: Told) -> Section | None:
    """Rows that only some labels are known of: decisions, and files with a label or two."""
    heads = (
        _("Label"), _("Rows"), _("With the label"), _("Over the threshold"), "AP", _("Precision"), _("Recall"),
    )  # fmt: skip
    tables = []
    for key, title in (
        ("decided", _("Decisions of reviewers")),
        ("partly_labelled", _("Rows of files that have some of the labels")),
    ):
        rows = [
            (
                label_name(label), number(each["rows"]), number(each["true"]), number(each["over"]),
                *(percent(each.get(name)) for name in ("average_precision", "precision", "recall")),
            )
            for label, each in (told["metrics"].get(key) or {}).items()
        ]  # fmt: skip
        tables += [Table(title, heads, rows)] if rows else []
    note = _(
        "They taught the model too; these figures are out of fold. A row counts for the labels that somebody gave. "
        "Most decisions were flagged first, so that their figures say little of what is missed. A dash: too few rows."
    )
    return Section(_("Rows of which only some labels are known"), (note,), tables) if tables else None
