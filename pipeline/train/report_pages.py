"""The page of a run, in the office's language: what was measured, on what, how sure, and what nobody can say yet."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.core.i18n import _, current_language
from pipeline.core.names import label_name
from pipeline.train.report_checks import about, audit, fairness, functional, too_small
from pipeline.train.report_figures import figures, over_all, political, recall_of_queue, sampled, slices, unsure
from pipeline.train.report_parts import Section, Table, Told, number

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def render_page(told: Told, calibration: Told, thresholds: Told, pictures: Mapping[str, bytes]) -> str:
    """The page as text; `told` is what run.json holds. Everything is escaped; pictures stand in it as data."""
    parts = [
        about(told), figures(told), over_all(told), unsure(told), _calibration(calibration, pictures),
        _thresholds(thresholds, pictures), political(told), slices(told), sampled(told), recall_of_queue(told),
        audit(told), functional(told), fairness(told), too_small(told),
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
    if not calibration:
        return None
    heads = (_("Score"), _("Rows"), _("Mean score"), _("Really with the label"), _("95 % interval"))
    tables = []
    for label, found in calibration.items():
        rows = [
            (
                f"{number(each['from'], 1)}–{number(each['to'], 1)}", number(each["rows"]),
                number(each["mean_score"], 2), number(each["share"], 2),
                f"{number(each['low'], 2)}–{number(each['high'], 2)}",
            )
            for each in found["bins"]
        ]  # fmt: skip
        tables.append(Table(label_name(label), heads, tuple(rows)))
    return Section(
        _("Calibration"),
        (
            _(
                "A score of 0.3 should mean that 3 of 10 such posts have the label. Where points leave the dashed "
                "line, it means something else. The intervals take rows to be independent (Wilson 1927)."
            ),
        ),
        picture=_inline(pictures.get("calibration.png", b"")),
        alt=_("A chart for each label: score against the share that really has the label. The tables say the same."),
        folded=tuple(tables),
        folded_title=_("The same as tables"),
    )


def _thresholds(thresholds: Told, pictures: Mapping[str, bytes]) -> Section | None:
    if not thresholds:
        return None
    heads = (
        _("Threshold"), _("Flags of 1,000 rows"), _("Over it"), _("Right"), _("Precision"), _("Recall"), "F1",
    )  # fmt: skip
    mark = " " + _("(in use)")
    tables = []
    for label, found in thresholds.items():
        rows = [
            (
                number(each["threshold"], 2) + (mark if each["chosen"] else ""),
                number(each["per_1000"], 1), number(each["over"]), number(each["right"]),
                number(each["precision"], 2), number(each["recall"], 2), number(each["f1"], 2),
            )
            for each in found
        ]  # fmt: skip
        tables.append(Table(label_name(label), heads, tuple(rows)))
    return Section(
        _("Thresholds"),
        (
            _(
                "What each threshold would flag among rows like those that were measured, and how much of that is "
                "right. Where a label is rarer than in these rows, fewer posts are flagged and fewer flags are right."
            ),
        ),
        picture=_inline(pictures.get("thresholds.png", b"")),
        alt=_("A chart for each label: precision, recall, F1 and flags by threshold. The tables say the same."),
        folded=tuple(tables),
        folded_title=_("The same as tables"),
    )


def _inline(picture: bytes) -> str:
    return f"data:image/png;base64,{b64encode(picture).decode('ascii')}" if picture else ""
