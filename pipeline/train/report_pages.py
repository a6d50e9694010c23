"""The page of a run, in the office's language: what was measured, on what, how sure, and what nobody can say yet."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.core.i18n import _, current_language
from pipeline.core.names import label_name
from pipeline.train.report_checks import about, audit, fairness, functional, too_small
from pipeline.train.report_figures import figures, others, over_all, political, recall_of_queue, sampled, slices, unsure
from pipeline.train.report_parts import Row, Section, Table, Told, number, percent

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def render_page(told: Told, calibration: Told, thresholds: Told, pictures: Mapping[str, bytes]) -> str:
    """The page as text; `told` is what run.json holds. Everything is escaped; pictures stand in it as data."""
    parts = [
        about(told), figures(told), over_all(told), unsure(told), _cost(told, pictures),
        _calibration(calibration, pictures), _thresholds(thresholds, pictures), political(told), slices(told),
        sampled(told), recall_of_queue(told), others(told), audit(told), functional(told), fairness(told),
        too_small(told),
    ]  # fmt: skip
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["_"] = _
    training = told["what"] == "training"
    return made.get_template("run.html").render(
        title=(_("Training of {name}") if training else _("Measurement of {name}")).format(name=told["name"]),
        subtitle=_("A score is an indication, never a verdict; a person decides."),
        language=current_language(),
        forbidden=_forbidden(),
        sections=[part for part in parts if part is not None],
    )


def _forbidden() -> list[str]:
    return [
        _("As a verdict, as evidence, or as a ground for removing, blocking or reporting anything automatically."),
        _("On persons: no score, list or profile of an author, and no figures by account."),
        _("To measure opinion on an official, a party, a candidate or a policy; to find critics or protesters."),
        _("On private messages, closed groups, or anything that needs approval or an invitation to read."),
        _("To print unreviewed counts as figures of hate in a region; to rank regions, parties or candidates."),
        _("To say that something is true or false."),
    ]


def _calibration(calibration: Told, pictures: Mapping[str, bytes]) -> Section | None:
    def row(each: Told) -> Row:
        return (
            f"{number(each['from'], 1)}–{number(each['to'], 1)}", number(each["rows"]),
            number(each["mean_score"], 2), number(each["share"], 2),
            f"{number(each['low'], 2)}–{number(each['high'], 2)}",
        )  # fmt: skip

    return _by_label(
        {label: found["bins"] for label, found in calibration.items()},
        (_("Score"), _("Rows"), _("Mean score"), _("Really with the label"), _("95 % interval")),
        row,
        title=_("Calibration"),
        note=_(
            "A score of 0.3 should mean that 3 of 10 such posts have the label. Where points leave the dashed "
            "line, it means something else. The intervals take rows to be independent (Wilson 1927)."
        ),
        picture=pictures.get("calibration.png", b""),
        alt=_("A chart for each label: score against the share that really has the label. The tables say the same."),
    )


def _thresholds(thresholds: Told, pictures: Mapping[str, bytes]) -> Section | None:
    mark = " " + _("(in use)")

    def row(each: Told) -> Row:
        return (
            number(each["threshold"], 2) + (mark if each["chosen"] else ""),
            number(each["per_1000"], 1), number(each["over"]), number(each["right"]),
            number(each["precision"], 2), number(each["recall"], 2), number(each["f1"], 2),
        )  # fmt: skip

    return _by_label(
        thresholds,
        (_("Threshold"), _("Flags of 1,000 rows"), _("Over it"), _("Right"), _("Precision"), _("Recall"), "F1"),
        row,
        title=_("Thresholds"),
        note=_(
            "What each threshold would flag among rows like those that were measured, and how much of that is "
            "right. Where a label is rarer than in these rows, fewer posts are flagged and fewer flags are right."
        ),
        picture=pictures.get("thresholds.png", b""),
        alt=_("A chart for each label: precision, recall, F1 and flags by threshold. The tables say the same."),
    )


def _by_label(
    found: Mapping[str, Sequence[Told]],
    heads: Row,
    row: Callable[[Told], Row],
    *,
    title: str,
    note: str,
    picture: bytes,
    alt: str,
) -> Section | None:
    """A picture with a panel for each label, and the same as tables that are folded away; None without a label."""
    if not found:
        return None
    tables = tuple(Table(label_name(label), heads, tuple(map(row, each))) for label, each in found.items())
    folded = _("The same as tables")
    return Section(title, (note,), picture=_inline(picture), alt=alt, folded=tables, folded_title=folded)


def _cost(told: Told, pictures: Mapping[str, bytes]) -> Section | None:
    """Of a cascade: when the second model is asked, and what that gives and costs."""
    found = told["metrics"].get("cascade")
    if not found:
        return None
    heads = (_("Half-width of the band, in log-odds"), _("Texts read twice"), _("Mean AP"), _("Mean F1"))
    points = [(_("all texts") if one["width"] is None else number(one["width"], 1), one) for one in found["curve"]]
    rows = [
        (name, *(percent(one[figure]) for figure in ("share", "average_precision", "f1")))
        for name, one in (*points, (_("the band in use"), found["chosen"]))
    ]
    bands = [(label_name(label), *(number(end, 3) for end in ends)) for label, ends in found["bands"].items()]
    note = _("The second model reads a text again where the first one's score lies in the band.")
    if told["what"] == "training":
        whence = _(
            "The curve was taken on the rows that chose the band; of the rows that the figures are taken on, "
            "{share} % are read twice."
        ).format(share=percent(found["share"]))
    else:
        whence = _("The curve was taken on the rows that were measured.")
    return Section(
        _("What a second reading gives, and what it costs"),
        (note, whence),
        [Table(_("The band in use"), (_("Label"), _("From a score of"), _("To")), bands)],
        picture=_inline(pictures.get("cost.png", b"")),
        alt=_("Two charts: mean AP and mean F1 by the share of texts read twice. The table says the same."),
        folded=(Table(_("In per cent"), heads, rows),),
        folded_title=_("The same as tables"),
    )


def _inline(picture: bytes) -> str:
    return f"data:image/png;base64,{b64encode(picture).decode('ascii')}" if picture else ""
