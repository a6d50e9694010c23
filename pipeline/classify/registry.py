"""What reads a model of each kind, and which models there are; which one serves, says `service`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.classify import bert, cascade
from pipeline.classify.artefact import KIND, is_model_name, read_manifest
from pipeline.classify.tfidf import TfidfClassifier
from pipeline.core.config import Models
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.i18n import _
from pipeline.core.ports import Classifier
from pipeline.core.resources import models_path

_LOADERS: dict[str, Callable[[Path], Classifier]] = {
    KIND: TfidfClassifier.load,
    bert.KIND: bert.BertClassifier.load,
    cascade.KIND: cascade.CascadeClassifier.load,
}


def load_classifier(folder: Path) -> Classifier:
    """Load the model in that folder.

    Raises ConfigError if there is no such folder, ModelError if what is in it is damaged or for another version.
    """
    if not folder.is_dir():
        raise ConfigError(_("there is no model folder {path}; see `kentongan models list`").format(path=folder))
    manifest, _digest = read_manifest(folder)
    loader = _LOADERS.get(str(manifest.get("kind")))
    if loader is None:
        raise ModelError(
            _("{path} holds a model of an unknown kind; this program knows {kinds}").format(
                path=folder, kinds=", ".join(sorted(_LOADERS))
            )
        )
    return loader(folder)


def default_model(models: Models) -> Path:
    """The model that serves where none was promoted: the one the settings name, else the newest shipped one.

    Raises ConfigError if there is none.
    """
    if models.folder:
        named = Path(models.folder).expanduser()
        if not named.is_dir():
            raise ConfigError(
                _("models.folder names {path}, which is no folder; see `kentongan models list`").format(path=named)
            )
        return named
    found = list_models(models_path(), models.name)
    if found:
        return found[-1]
    raise ConfigError(
        _('no model of the kind "{name}" comes with the program; see `kentongan models list`').format(name=models.name)
    )


def list_models(place: Path, kind: str = "") -> list[Path]:
    """The model folders `<kind>-<date>` in a folder, oldest first; all kinds if none is named."""
    if not place.is_dir():
        return []
    found = [path for path in place.iterdir() if is_model_name(path.name) and path.is_dir()]
    wanted = [path for path in found if not kind or path.name[:-11] == kind]
    return sorted(wanted, key=lambda path: (path.name[-10:], path.name))
