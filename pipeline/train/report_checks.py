"""What stands on a run's page around its figures: what was done, what was checked, and what nobody can say."""

from __future__ import annotations

from pipeline.core.i18n import _
from pipeline.core.names import label_name
from pipeline.train.report_parts import NONE, Section, Table, Told, cut, number


def about(told: Told) -> Section:
    """What was done with what, so that it can be done again."""
    data, code = told["dataset"], told["code"]
    rows = [
        (_("Model"), f"{told['name']} ({told['kind']})"),
        (_("Data"), cut(data.get("name", NONE))),
        (_("SHA-256 of the data"), cut(data.get("sha256", NONE))),
        (_("Rows"), number(data.get("rows"))),
        (_("Seed"), str(told["seed"])),
        (_("Program"), code.get("program", NONE)),
        (_("Hash of the sources that decide"), code.get("sources", NONE)),
    ]
    parameters = [(cut(name), cut(value)) for name, value in sorted(told["parameters"].items())]
    libraries = [(name, cut(value)) for name, value in sorted(told["libraries"].items())]
    heads = (_("What"), _("Value"))
    held, same = data.get("measured_rows"), _("The same data, seed and program give the same model and the same page.")
    if told["what"] == "training" and held is not None:
        note = _(
            "All figures are of {rows} rows that were held out: neither weights nor calibration nor thresholds were "
            "made from them or from their near duplicates."
        ).format(rows=number(held))
        same = _("The same data, seed and program give the same model on the same kind of machine without a GPU.")
    elif told["what"] == "training":
        note = _(
            "All figures are out of fold: each row was scored by a model that had not seen it nor its near "
            "duplicates. Calibration, too, is that of the other folds."
        )
    else:
        note = _("All figures are those of the finished model on these rows, as it serves.")
    notes = [note, same]
    if told["metrics"].get("trained_on_these_rows"):
        notes.insert(0, _("The model was trained on these rows: believe the figures of its card instead."))
    folded = [Table(_("Parameters"), heads, parameters, words=True)] if parameters else []
    return Section(
        _("What was done with what"),
        notes,
        [Table(_("The run"), heads, rows, words=True)],
        folded=[*folded, Table(_("Libraries"), heads, libraries, words=True)],
        folded_title=_("Parameters and libraries"),
    )


def audit(told: Told) -> Section | None:
    """What would be told by what should not decide."""
    found = (told["metrics"].get("audit") or {}).get("labels")
    if not found:
        return None
    heads = (_("Label"), _("The model"), _("Style only"), _("Marks of the crawl only"), _("Date only"))
    rows = [
        (
            label_name(label),
            *(number(each[name], 3) for name in ("model", "style_only", "markers_only", "date_only")),
        )
        for label, each in found.items()
    ]
    note = _(
        "AUC: 0.5 is chance, 1 is perfect. Style: length, capitals, digits, punctuation, elongation. Marks of the "
        "crawl: USER, URL, RT, stray quotes and escapes; the model reads none of these. A model that is not far above "
        "these columns has learnt how posts were collected, not what they say. A dash: the data has no dates."
    )
    return Section(_("Leakage audit"), (note,), [Table(_("AUC by what is read"), heads, rows)])


def functional(told: Told) -> Section | None:
    """The functional tests by class."""
    found = told["metrics"].get("functional")
    if not found:
        return None
    heads = (_("Class"), _("Should flag"), _("Sentences"), _("Right"))
    rows = [
        (name, _("yes") if each["should_flag"] else _("no"), number(each["number"]), number(each["right"]))
        for name, each in found["classes"].items()
    ]
    title = _("Functional tests: {right} of {sentences} right").format(**found)
    return Section(title, (), (), folded=[Table(title, heads, rows)], folded_title=_("By class"))


def fairness(told: Told) -> Section | None:
    """False alarms by who is named."""
    found = told["metrics"].get("fairness")
    if not found:
        return None
    heads = (_("Who is named"), _("Neutral"), _("Critical"), _("Sentences"), _("Rate"), _("Mean score"))
    rows = [
        (
            f"{family}: {group}", number(each["neutral_flagged"]), number(each["critical_flagged"]),
            number(each["sentences"]), number(each["rate"], 3), number(each["mean_score"], 3),
        )
        for family, values in found["families"].items()
        for group, each in values["groups"].items()
    ]  # fmt: skip
    title = _("False alarms by who is named: {flagged} of {sentences}").format(**found)
    return Section(title, (), (), folded=[Table(title, heads, rows)], folded_title=_("By group"))


def too_small(told: Told) -> Section:
    """What this page cannot say."""
    notes = [
        _(
            "How the model does on platforms, regions and years that these rows do not have; how often posts of a kind "
            "occur: the rows were chosen, not drawn; whether the labels are right: they are what people said."
        )
    ]
    rows = [
        (label_name(label), number(each["measured"]), number(each["rows"])) for label, each in told["too_small"].items()
    ]
    heads = (_("Label"), _("Known rows"), _("With the label"))
    tables = [Table(_("Labels with too few rows for a curve"), heads, rows)] if rows else []
    return Section(_("What this cannot say"), notes, tables)
