"""Writes the cards of a fine-tuned BERT and of a cascade: what went in, what was measured, what they must not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.classify.heads import LabelSettings
from pipeline.text import TEXT_VERSION
from pipeline.train.card import audit_lines, figure_table, percent, source_of

_HEAD = """\
# {name}

Gives each text signals: a calibrated probability for each label, and for labels over their threshold the words that
raised it. **A signal is not a verdict.** A person decides.

{what}

## Intended use
To put posts before a trained reviewer of a Kesbangpol office who sees the whole text and its context, decides, and says
why; to count what was *reviewed*. `hate_group` and `incitement` may make a flag; no other label of this model may.

## Forbidden use
- As a verdict, as evidence, or as a ground for removing, blocking or reporting anything automatically.
- On persons: no score, list or profile of an author; no aggregation by account.
- To measure opinion on an official, party, candidate or policy, or to find critics and protesters.
- On private messages, closed groups, or anything behind approval or invitation.
- To print its unreviewed counts as figures of hate in a region; to rank regions, parties or candidates by them.
- Commercial use (see the licence of the data).
"""

_BERT = """\
The checkpoint {checkpoint} ({parameters:,} parameters; SHA-256 of its weights `{sha256}`), fine-tuned with one linear layer on the
first token. It has the structure of the labels: hate (in the wide sense of the data) and abuse; given hate, one softmax of
target (person, group) and incitement, and one answer for each ground; labels are products of these. It reads the words of the text
chain (version {text_version}), **the first {length} tokens only**: what a long text says later it does not see ({truncated} % of the
labelled texts are longer). Served in int8 ({megabytes:.1f} MB) by ONNX Runtime, one text at a time, so that a text's scores do not
depend on the texts beside it. `hoax_style` is not learnt: its score is near 0 and says nothing.
"""

_DATA = """\
## Data
{name}, {rows:,} rows: {what}. Licence: **{licence}; these weights stand under it too**, and under that of the checkpoint.
{training:,} rows were learnt from, among them {written:,} sentences written for this project (weight {weight}), up to {decisions:,}
decisions of reviewers and up to {partly:,} rows that have some of the labels; {choosing:,} ended the training and set calibration and
thresholds; **the figures below are of {measured:,} rows that were used for nothing else**. Near duplicates stand on one side.
SHA-256 of the labelled data: `{sha256}`.
"""

_FAILURES = """\
## Known failures
- Counts below are of a fifth of the data: an upper limit on a count is easier to keep here than for a model that was measured on all.
- It was taught on one platform and two years. Figures on other sources are lower, by how much is not measured.
- Quotation, denial, irony and self-mockery are flagged now and then; an attack in words that the data lacks is missed.
- The functional tests (`kentongan evaluate --functional-only`) are put to it before it may serve.
- Reasons are the words without which the score would be lower, among the first forty; with two words that say the same, neither shows.
"""


def write_card(name: str, metrics: Mapping[str, Any], labels: Mapping[str, LabelSettings], size: int) -> str:
    """The card of a fine-tuned BERT as Markdown; `size` is that of its int8 file in bytes."""
    training, checkpoint = metrics["training"], metrics["checkpoint"]
    what = _BERT.format(
        checkpoint=f"`{checkpoint['name']}`", sha256=checkpoint["sha256"], parameters=training["parameters"],
        length=training["length"], truncated=percent(training["truncated_share"]), megabytes=size / 1e6,
        text_version=TEXT_VERSION,
    )  # fmt: skip
    parts = [
        _HEAD.format(name=name, what=what),
        _data(metrics["data"]),
        _figures(metrics),
        _thresholds(labels),
        _agreement(metrics["agreement"]),
        _FAILURES,
        _again(training),
    ]
    return "\n".join(parts)


def write_cascade_card(name: str, metrics: Mapping[str, Any], labels: Mapping[str, LabelSettings]) -> str:
    """The card of a cascade as Markdown."""
    found = metrics["cascade"]
    what = (
        f"`{found['members']['tfidf']}` reads every text; where it is not sure, `{found['members']['indobert']}` reads the text again, "
        "and its scores count for all labels but hoax_style. Their cards, which lie in `tfidf/` and `indobert/`, say what each was made of.\n"
    )
    return "\n".join(
        [
            _HEAD.format(name=name, what=what),
            _curve(found),
            _figures(metrics),
            _thresholds(labels),
            _cascade_data(metrics),
        ]
    )


def _data(data: Mapping[str, Any]) -> str:
    what, licence = source_of(data)
    return _DATA.format(
        name=data["name"], what=what, licence=licence, rows=data["rows"], training=data["training_rows"],
        written=data["written_rows"], weight=data["written_weight"], partly=data["partly_labelled"], decisions=data["decisions"], choosing=data["choosing_rows"], measured=data["measured_rows"], sha256=data["sha256"],
    )  # fmt: skip


def _figures(metrics: Mapping[str, Any]) -> str:
    lines = [
        "## Figures",
        f"On {metrics['data']['measured_rows']:,} rows that were held out; of the model as it is served; per cent, with 95 % bootstrap",
        "intervals over groups of near duplicates.",
        "",
        *figure_table(metrics),
    ]
    lines += ["", "Posts that name politicians, offices, parties or elections:", ""]
    for label, found in metrics["political"].items():
        calls, red = found["calls_to_remove"], found["communism"]
        lines.append(
            f"- `{label}`: {found['over']} of {found['posts']:,} posts over the threshold, precision {percent(found['precision'])}, "
            f"recall {percent(found['recall'])} ({found['rows']} rows); wrongly over it are {calls['over']} of {calls['rows']} calls to "
            f"remove or dissolve, and {red['over']} of {red['rows']} rows on communism."
        )
    if "dataset" in metrics:
        one = metrics["dataset"]
        lines += [
            "",
            f"The twelve labels of the data: mean AP {percent(one['mean_average_precision'])}, macro-F1 "
            f"{percent(one['macro_f1_at_half'])} at 0.5 and {percent(one['macro_f1_tuned'])} tuned, exact match "
            f"{percent(one['exact_match_at_half'])}, F1 of hate {percent(one['hate_f1_at_half'])}.",
        ]
    return "\n".join([*lines, "", *audit_lines(metrics["audit"])])


def _thresholds(labels: Mapping[str, LabelSettings]) -> str:
    lines = ["## Thresholds", "", "| label | threshold | chosen for |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {label} | {one.threshold} | {one.purpose} |" for label, one in labels.items()), ""])


def _agreement(found: Mapping[str, Any]) -> str:
    return (
        "## torch, ONNX and int8\n"
        f"Largest difference in a probability from torch's on {found['texts']} real texts: {found['fp32_max']:.5f} as ONNX in full precision, "
        f"{found['int8_max']:.4f} in int8 ({found['int8_mean']:.4f} on average). Figures, calibration and thresholds are those of int8.\n"
    )


def _again(training: Mapping[str, Any]) -> str:
    return (
        "## Made again\n"
        f"`kentongan train indobert` with the same data, checkpoint and seed {training['seed']}: learning rate {training['learning_rate']}, batches of "
        f"{training['batch']}, epoch {training['kept']} of {len(training['epochs'])} kept ({training['device']}). The same bytes on the same kind "
        "of machine without a GPU. No pickle: ONNX and JSON; `manifest.json` holds the SHA-256 of every file.\n"
    )


def _curve(found: Mapping[str, Any]) -> str:
    bands = ", ".join(f"`{label}` {low:.3f} to {high:.3f}" for label, (low, high) in found["bands"].items())
    lines = [
        "## When the second model is asked",
        f"Where the first one's score lies in a band: {bands}. {found['chosen_by']}. On the rows that the band was chosen on:",
        "",
        "| half-width of the band, in log-odds | texts read twice | mean AP of hate_group and incitement | mean F1 of both |",
        "|---|---|---|---|",
    ]
    for point in found["curve"]:
        width = "all texts" if point["width"] is None else f"{point['width']:g}"
        share, quality, f1 = (percent(point[name]) for name in ("share", "average_precision", "f1"))
        lines.append(f"| {width} | {share} % | {quality} | {f1} |")
    return "\n".join(
        [*lines, "", f"On the rows of the figures below {percent(found['share'])} % of the texts are read twice.", ""]
    )


def _cascade_data(metrics: Mapping[str, Any]) -> str:
    data = metrics["data"]
    return (
        f"## Data\n{data['name']}: {source_of(data)[0]}. "
        f"Band and thresholds were set on {data['choosing_rows']:,} rows, figures taken on {data['measured_rows']:,} others; neither model was "
        f"taught on them: {data['first_scores']}. SHA-256 of the labelled data: `{data['sha256']}`. Licence: {source_of(data)[1]}; this model stands under it too.\n"
    )
