"""Writes a dataset's card.md: what is in it, what was left out and why, what it can teach, what it is never for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_HEAD = """\
# {name}

{rows:,} texts in {groups:,} groups of near duplicates. Hash of the manifest: `{digest}`; of the rows: `{rows_sha256}`.
Made by kentongan {program}, text chain {text_version}, seed {seed}. **A label is what reviewers or annotators said, not
the law, and not a judgement of whoever wrote the text.**

Texts are masked; there is no author, address or native id. Yet a text may be found again by its words: keep the folder
as you keep the ledger and pass it to nobody. `kentongan purge` takes decisions older than {max_months} months out of it
while it lies in the office's home; a copy elsewhere is yours to remove in time.

## Forbidden use
- Scores, lists or profiles of persons, accounts, critics or protesters; removing, blocking or reporting automatically.
- Figures on hate in a region or at a group: which texts are here depends on what was collected and flagged.
- Any use against the licence of the files below.

## What it was made of
| input | rows | licence | SHA-256 |
|---|---|---|---|
{inputs}

## What was left out
{counts}
`{superseded}` decisions were replaced by a later one on the same flag; whoever made them still counts for or against.

## How texts came to be labelled
{selection}

Only `sample` is drawn blindly: each stands for 1/probability posts (`weight`). `flag` texts are here because a rule or
the model found them, so they tell nothing of what is missed; a model taught on them alone learns to agree with itself.

## Labels
`for` and `against` beside each label are people; *disputed* has both. Not fit to train: fewer than {min_positives}
texts on either side.

| label | true | false | unknown | disputed | fit to train |
|---|---|---|---|---|---|
{labels}

Labels of files in the shape of okky2019 are derived, not copied: `hate_group` is a named ground (religion, race,
gender, physical) with a group as target or with incitement. Insults of one person, and calls to remove
an official, are not.

## How much the queue finds
Estimated from the samples: of the posts that fit a label, the share that was flagged (95 % bootstrap interval). Flags
and samples that nobody decided on are taken to be like those decided. Only broadcast posts are sampled.

| label | samples | of these fit | flags that fit | recall |
|---|---|---|---|---|
{recall}

## Splits
No group, and no text, stands on two sides of a split.
- `fold`: {fold}; by group, and a group stays in its fold while the dataset grows.
- `source_fold`: {source_fold}
- `time`: {time}
"""

_COUNT_WORDS = {
    "child": "about a child",
    "contradicts": "labels contradict each other",
    "copies": "reads like another text of the same origin (merged into it, votes added)",
    "copy_of_child_or_private": "near duplicate of a text about a child or a private matter",
    "deleted_at_source": "deleted by whoever published it",
    "erased": "erased",
    "expired": "past its time",
    "kept": "**kept**",
    "no_label": "no label",
    "no_text": "no text",
    "no_words": "nothing but links, names or signs",
    "other_office": "of another office",
    "private": "a private matter",
    "text_changed": "the text is no longer the one that was decided on",
    "text_gone": "the text is gone",
    "too_old": "decided too long ago",
    "undecided": "no label was decided (unsure, second reviewer, or only topics and claims)",
    "undone": "the decision was taken back",
}


def write_data_card(manifest: Mapping[str, Any], digest: str) -> str:
    """The card as Markdown, from the manifest alone."""
    splits = manifest["splits"]
    return _HEAD.format(
        **{key: manifest[key] for key in ("name", "rows", "groups", "rows_sha256", "program", "text_version", "seed")},
        digest=digest,
        max_months=manifest["settings"]["max_months"],
        min_positives=manifest["settings"]["min_positives"],
        inputs="\n".join(_inputs(manifest)),
        counts="\n".join(_counts(manifest["counts"])),
        superseded=manifest["inputs"]["verdicts"]["superseded"],
        selection="\n".join(f"- `{name}`: {count:,}" for name, count in manifest["selection"].items()),
        labels="\n".join(_label(label, found) for label, found in manifest["labels"].items()),
        recall="\n".join(_recall(label, found) for label, found in manifest["recall"].items()),
        fold=_numbers(splits["fold"]),
        source_fold=_source_words(manifest),
        time=_time_words(splits["time"], manifest["settings"]["held_out_weeks"]),
    )


def _inputs(manifest: Mapping[str, Any]) -> list[str]:
    given = manifest["inputs"]["verdicts"]
    lines = [f"| decisions of the office | {given['flags']:,} flags | internal | `{given['sha256']}` |"]
    for file in manifest["inputs"]["files"]:
        rows = manifest["counts"][file["name"]]["in"]
        lines.append(f"| {file['name']} ({file['file']}) | {rows:,} | {file['licence']} | `{file['sha256']}` |")
    return lines


def _counts(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    lines = []
    for origin, found in counts.items():
        lines += [f"`{origin}`: {found['in']:,} in", ""]
        lines += [f"- {_COUNT_WORDS.get(name, name)}: {number:,}" for name, number in found.items() if name != "in"]
        lines.append("")
    return lines


def _label(label: str, found: Mapping[str, Any]) -> str:
    cells = " | ".join(f"{found[name]:,}" for name in ("true", "false", "unknown", "disputed"))
    one_class = "no: one class only" if not (found["true"] and found["false"]) else "no: too few"
    return f"| {label} | {cells} | {'yes' if found['trainable'] else one_class} |"


def _recall(label: str, found: Mapping[str, Any]) -> str:
    words = {"too_few_samples": "too few samples", "nothing_fits": "nothing fits"}
    recall = found["recall"]
    said = f"{recall['value']:.2f} ({recall['low']:.2f} to {recall['high']:.2f})" if recall else words[found["why"]]
    return f"| {label} | {found['samples']} | {found['samples_that_fit']} | {found['flags_that_fit']} | {said} |"


def _numbers(tally: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in tally.items())


def _source_words(manifest: Mapping[str, Any]) -> str:
    if manifest["sources"] < 2:
        return "one source only: how well a model does on another one cannot be told with this dataset."
    return f"{_numbers(manifest['splits']['source_fold'])}; -1 stands in none, for its copies came from another source."


def _time_words(tally: Mapping[str, int], weeks: int) -> str:
    if set(tally) == {"none"}:
        return f"none: no texts with a day from before the newest {weeks} weeks."
    return f"{_numbers(tally)}; the newest {weeks} weeks are held out; `none`: older copies of what is held out."
