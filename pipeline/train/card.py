"""Writes a model's card.md: what it was made of, what it can do, what it cannot, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.classify.artefact import Artefact
from pipeline.text import TEXT_VERSION

_HEAD = """\
# {name}

Gives each text signals: a calibrated probability for each label, and for labels over their threshold the words that
raised it. **A signal is not a verdict.** A person decides.

Structured logistic regression on three views of a text: words and pairs of words; n-grams of 2 to 5 letters inside what
white space separates; slang and stem of words, and pairs of these. No stop words are removed. {features:,} features, text
chain version {text_version}. One regression each for hate (in the wide sense of the data) and abuse; given hate, one
softmax of target (person, group) and incitement, and one regression for each ground; labels are products of these.

## Intended use
To put posts before a trained reviewer of a Kesbangpol office who sees the whole text and its context, decides, and says
why; to count what was *reviewed*. `hate_group` and `incitement` may make a flag; no other label of this model may.

## Forbidden use
- As a verdict, as evidence, or as a ground for removing, blocking or reporting anything automatically.
- On persons: no score, list or profile of an author; no aggregation by account.
- To measure opinion on an official, party, candidate or policy, or to find critics and protesters.
- On private messages, closed groups, or anything behind approval or invitation.
- To print its unreviewed counts as figures of hate in a region; to rank regions, parties or candidates by them.
- To say that something is true or false: `hoax_style` says nothing about truth.
- Commercial use (see the licence of the data).
"""

_OKKY = (
    "Indonesian tweets, collected by keyword in 2018-2019, twelve labels. Cite Ibrohim and Budi (2019), *Multi-label "
    "Hate Speech and Abusive Language Detection in Indonesian Twitter*, ALW3, W19-3506"
)
_OWN = "texts with the twelve labels of okky2019 (Ibrohim and Budi 2019, ALW3, W19-3506)"

_DATA = """\
## Data
| data | rows | licence | used for |
|---|---|---|---|
| {name}: {what} | {rows:,} | {licence} | all labels but hoax_style |
{others}| sentences written for this project (`pipeline/train/frames/`), filled with about a hundred names of groups | {written:,}, \
weight {weight} | that of the code | the same |
| TurnBackHoax (MAFINDO): claims found false, and some found true | {claims} | none stated: internal use | hoax_style |
| CLICK-ID: news articles of 2019 (William and Sari 2020, *Data in Brief* 32:106231) | {news} | none stated; texts are the \
publishers' | hoax_style |

The weights are derived from {name} and stand under its licence: **{licence}**. No text of the data is in this folder; the
vocabulary holds words and pairs of words that stand in at least two texts, and n-grams of at least five.
SHA-256 of {name} as used: `{sha256}`.

### What the labels mean here
`hate_group` is a named ground (religion, race, gender, physical) together with a group as target or with incitement;
`incitement` is incitement with a named ground; `insult_person` is a person as target without a named ground. In two things
this departs from the columns of okky2019: 200 of its rows filed under race are about communism alone, and 29 rows of incitement
on a ground are calls to dissolve an organisation or to remove an official. Both are politics and are taught as such. By the data's own
grounds `hate_group` has {published_rows} rows and this model an AP of {published_ap} there (our grounds: {own_rows} rows, {own_ap}).
"""

_FAILURES = """\
## Known failures
- **Half of the attacks are missed.** Recall of `hate_group` is {recall} on tweets like those it learnt from; it falls on other
  sources (published: macro-F1 from about .86 to .64-.68) and on years other than 2018-2019.
- It adds up words. It cannot tell who speaks: quotation, denial, irony and self-mockery are flagged now and then. The written
  sentences teach it the usual words of condemning and reporting, not the thing itself.
- Sharp words about an official of whom religion or origin is named may be flagged: {political_wrong} % of posts on politics that
  attack no group are ({political_over} flags there, {political_precision} of them right).
- Groups that public tweets seldom attack are known from the written sentences only. Gender and disability are weak (few rows).
- Plain derogation without strong words ("X are all dirty") is missed more often than calls to drive out.
- Indonesian with some Javanese, Sundanese and Jakarta slang. Other languages are read badly: a low score there means nothing.
- `data/functional` is no blind test of this model: how much the written sentences count was chosen with its counts in view,
  and one kind of sentence (removal words in jokes) was added after a wrong flag there. Its sentences are not in training.
- Labels are those of 2018-2019: one country, one platform, annotators of one university; they are not the law.
"""


def write_card(artefact: Artefact, metrics: dict[str, Any]) -> str:
    """The card as Markdown, from the model and what was measured."""
    data, hoax = metrics["data"], metrics.get("hoax_style")
    parts = [
        _HEAD.format(name=artefact.name, features=artefact.vocabulary.size, text_version=TEXT_VERSION),
        _data(metrics, hoax),
        _figures(metrics, data["folds"]),
        _thresholds(artefact),
        _failures(metrics),
        _hoax(hoax)
        if hoax
        else "## hoax_style\nNot trained: no data was given. Its score is near 0 and says nothing.\n",
        _again(data),
    ]
    return "\n".join(parts)


def _data(metrics: dict[str, Any], hoax: dict[str, Any] | None) -> str:
    data, rows = metrics["data"], (hoax or {}).get("rows", {})
    claims = sum(count for source, count in rows.items() if source not in {"news", "tweets"})
    published = metrics["as_published"]["hate_group"]
    own = metrics["labels"]["hate_group"]
    what, licence = source_of(data)
    return _DATA.format(
        name=data["name"], what=what, licence=licence, others=_others(data), rows=data["rows"], written=data["written_rows"], weight=data["written_weight"], sha256=data["sha256"],
        claims=f"{claims:,}" if hoax else "not used", news=f"{rows.get('news', 0):,}" if hoax else "not used",
        published_rows=published["rows"], published_ap=percent(published["average_precision"]),
        own_rows=own["rows"], own_ap=percent(own["average_precision"]["value"]),
    )  # fmt: skip


def source_of(data: Mapping[str, Any]) -> tuple[str, str]:
    """What the labelled data are and under which licence, as far as it is known; `data` is that of metrics.json."""
    if data["name"] == "okky2019":
        return _OKKY, "CC BY-NC-SA 4.0"
    licences = "; ".join(f"{name}: {licence}" for name, licence in data.get("licences", {}).items())
    return _OWN, licences or "not told here, look it up before you pass the model on"


def _others(data: Mapping[str, Any]) -> str:
    """Rows of the table for what only an office's dataset has."""
    kinds = (
        ("decisions", "decisions of reviewers on flags", "the office's own", "hate_group, incitement, grounds"),
        ("partly_labelled", "rows of its files that have some of the labels", "that of the files", "these labels"),
    )
    return "".join(
        f"| {what} | {data[name]:,} | {licence} | {use} |\n" for name, what, licence, use in kinds if data.get(name)
    )


def _figures(metrics: dict[str, Any], folds: int) -> str:
    lines = [
        "## Figures",
        f"{folds}-fold cross-validation on tweets, near duplicates in one fold; calibrated on the other folds; per cent, with 95 %",
        "bootstrap intervals over groups of near duplicates. Written sentences are in training only, never measured.",
        "",
        *figure_table(metrics),
    ]
    told = [*_unsure(metrics["labels"]), *_political(metrics["political"]), *_compared(metrics["dataset"])]
    return "\n".join([*lines, "", *told, *audit_lines(metrics.get("audit", {}))])


def figure_table(metrics: Mapping[str, Any]) -> list[str]:
    """The lines of the table of figures by label, in per cent with intervals."""
    lines = [
        "| label | rows | threshold | AP | precision | recall | F1 | ECE | Brier |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for label, found in metrics["labels"].items():
        cells = [_interval(found[name]) for name in ("average_precision", "precision", "recall", "f1")]
        lines.append(
            f"| {label} | {found['rows']:,} | {found['threshold']} | {' | '.join(cells)} | {percent(found['ece'])} "
            f"| {found['brier']:.3f} |"
        )
    return lines


def _unsure(labels: dict[str, Any]) -> list[str]:
    """What the band of unsure scores would cost and save, for the labels that may flag."""
    lines = []
    for label in ("hate_group", "incitement"):
        found = labels.get(label, {}).get("unsure")
        if found and found["rows"]:
            above = (
                ""
                if found["precision_above"] is None
                else f"; above it {percent(found['precision_above'])} % are right"
            )
            lines.append(
                f"- `{label}`: {found['rows']:,} rows ({percent(found['share'])} %), of which {percent(found['wrong_share'])} % would be "
                f"answered wrongly, outside {percent(found['wrong_share_outside'])} %; {found['true_rows']} rows with the label lie in it{above}."
            )
    if not lines:
        return []
    low, high = (labels["hate_group"]["unsure"][end] for end in ("low", "high"))
    return [f"Unsure (a score from {low} up to {high}; a person looks first):", "", *lines, ""]


def audit_lines(audit: Mapping[str, Any]) -> list[str]:
    """What would be told by what should not decide, beside the model's own."""
    labels = audit.get("labels", {})
    if not labels:
        return []
    lines = [
        "Leakage audit: AUC (0.5 is chance) of what the model must not live on, by the same kind of folds; marks of the crawl are",
        "USER, URL, RT, stray quotes and escapes, which the text chain takes out:",
        "",
        "| label | the model | style alone | marks of the crawl alone | date alone |",
        "|---|---|---|---|---|",
    ]
    for label, found in labels.items():
        cells = ("model", "style_only", "markers_only", "date_only")
        shown = ("no dates" if found[name] is None and name == "date_only" else found[name] for name in cells)
        lines.append(f"| {label} | " + " | ".join("-" if cell is None else str(cell) for cell in shown) + " |")
    return [*lines, ""]


def _political(political: dict[str, Any]) -> list[str]:
    lines = ["Posts that name politicians, offices, parties or elections:", ""]
    for label, found in political.items():
        calls, red = found["calls_to_remove"], found["communism"]
        lines.append(
            f"- `{label}`: {found['over']} of {found['posts']:,} posts over the threshold, precision {percent(found['precision'])}, "
            f"recall {percent(found['recall'])} ({found['rows']} rows). Of what is hate there in the wide sense but attacks no "
            f"group, {percent(found['wrong_share_of_hate_on_no_group'])} % is over it; wrongly over it are {calls['over']} of "
            f"{calls['rows']} calls to remove or dissolve, and {red['over']} of {red['rows']} rows on communism."
        )
    return [*lines, ""]


def _compared(dataset: dict[str, float]) -> list[str]:
    return [  # one paragraph
        "To compare with published results, the twelve labels of the data (5 folds, not the authors' split): mean AP "
        f"{percent(dataset['mean_average_precision'])}, macro-F1 {percent(dataset['macro_f1_at_half'])} at 0.5 and "
        f"{percent(dataset['macro_f1_tuned'])} with thresholds of the other folds, exact match "
        f"{percent(dataset['exact_match_at_half'])}, F1 of hate {percent(dataset['hate_f1_at_half'])}, of abuse "
        f"{percent(dataset['abusive_f1_at_half'])}. Published: exact match 66.1 (Ibrohim and Budi 2019); F1 of hate 86.4-88.8 "
        "(IndoBERT, IndoBERTweet; on another split).",
        "",
    ]


def _thresholds(artefact: Artefact) -> str:
    lines = [
        "## Thresholds and calibration",
        "",
        "| label | threshold | chosen for | slope, offset |",
        "|---|---|---|---|",
    ]
    for label, found in artefact.labels.items():
        lines.append(f"| {label} | {found.threshold} | {found.purpose} | {found.slope:.3f}, {found.offset:.3f} |")
    lines += [
        "",
        "Calibration is Platt's: slope and offset on the log-odds, fitted out of fold. Thresholds are out of fold too.",
    ]
    return "\n".join(lines) + "\n"


def _failures(metrics: dict[str, Any]) -> str:
    political = metrics["political"]["hate_group"]
    return _FAILURES.format(
        recall=percent(metrics["labels"]["hate_group"]["recall"]["value"]),
        political_wrong=percent(political["wrong_share"]),
        political_over=political["over"],
        political_precision=percent(political["precision"]) + " %",
    )


def _hoax(hoax: dict[str, Any]) -> str:
    text, style, markers = hoax["text"], hoax["style_only"], hoax["markers_only"]
    pairs = ", ".join(f"{pair} {value:.2f}" for pair, value in text["pairs"].items())
    return f"""\
## hoax_style: weak, ranks only
Reads like texts that TurnBackHoax debunked, rather than like news or ordinary tweets. It never makes a flag and is no facet,
chart or figure. It does not know what is true. AUC (0.5 is chance):

| what is read | random split | source left out: median (lowest-highest) |
|---|---|---|
| the text | {text["random_split"]:.2f} | {_spread(text)} |
| style alone (length, capitals, digits, signs) | {style["random_split"]:.2f} | {_spread(style)} |
| marker words alone | {markers["random_split"]:.2f} | {_spread(markers)} |
| the year alone | {hoax["date_only"]["random_split"]:.2f} | |

The random split flatters: it learns sources. Left out are one source of hoaxes and one of other texts at a time: {pairs}.
False against true claims of the same fact-checker and years: {text["false_or_true_claim"]:.2f}. There is no measured share of
hoaxes among posts, so its score is no probability of anything: only its order is used.
"""


def _spread(found: dict[str, Any]) -> str:
    left = found["leave_one_source_out"]
    return f"{left['median']:.2f} ({left['lowest']:.2f}-{left['highest']:.2f})"


def _again(data: dict[str, Any]) -> str:
    return (
        "## Made again\n"
        f"`kentongan train tfidf` with the same data, seed {data['seed']} and date gives the same bytes on the same machine with "
        "one BLAS thread, and probabilities within 0.001 elsewhere. No pickle: arrays in half precision and a word list; "
        "`manifest.json` holds the SHA-256 of every file.\n"
    )


def _interval(found: dict[str, float]) -> str:
    return f"{percent(found['value'])} ({percent(found['low'])}-{percent(found['high'])})"


def percent(share: float) -> str:
    """A share in per cent, without the sign."""
    return f"{100 * share:.1f}"
