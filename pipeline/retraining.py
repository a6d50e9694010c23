"""The steps of retraining: what reviewers decided becomes a dataset, a model, and a question to a person.

make_dataset -> train -> look_over -> (a person says yes) -> train.promotion.promote

Each may be run again: the same decisions, files and date give the same folder, which is then taken as it stands.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.classify.promoted import check_vouched
from pipeline.classify.registry import load_classifier
from pipeline.ledger import audit
from pipeline.train import promotion
from pipeline.train.build import build_dataset
from pipeline.train.gate import Refusal
from pipeline.train.stored import datasets_folder, list_imported
from pipeline.workplace import Workplace

_KIND = "tfidf"


def can_train(place: Workplace) -> bool:
    """Whether a labelled file was imported: decisions alone say nothing of most labels (docs/retrain.md)."""
    return bool(list_imported(datasets_folder(place.home.root)))


def make_dataset(place: Workplace) -> Path:
    """A dataset of this office's decisions and of all imported files; noted in the audit."""
    office = place.settings.office.code
    files = list_imported(datasets_folder(place.home.root))
    made = build_dataset(place, offices=(office,), files=files, moment=place.clock())
    if made.folder is None:
        raise AssertionError("only a dry run writes none")
    with place.ledger.write() as db:
        details = {"what": "dataset", "rows": made.manifest["rows"], "sha256": made.manifest["rows_sha256"]}
        audit.note(db, "export", office=office, actor=place.actor, at=place.clock(), details=details)
    return made.folder


def train(place: Workplace, dataset: Path, date: str) -> Path:
    """Train the default kind on a dataset, in a folder of its own; candidates of other datasets go."""
    from pipeline.train.tfidf import train_tfidf  # loads scikit-learn

    candidates = place.home.root / "candidates"
    for other in candidates.glob("*"):
        if other.name != dataset.name:
            shutil.rmtree(other)
    folder = candidates / dataset.name / f"{_KIND}-{date}"
    if folder.is_dir():  # made aside and renamed: it is whole
        return folder
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return train_tfidf(dataset, None, None, folder.parent, date=date)


def look_over(place: Workplace, model: Path) -> tuple[Refusal, ...]:
    """What the gate says of a candidate; nothing is changed. `promote` asks it again."""
    check_vouched(model)
    place.renew_model()
    return promotion.judged(place, load_classifier(model), place.classifier, model).refusals
