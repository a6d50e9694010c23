"""Where the files that the program reads lie: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

_PACKAGE = Path(__file__).resolve().parent.parent
_INSTALLED = _PACKAGE / "_shipped"
_ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent


def data_path(*parts: str) -> Path:
    """The path of a file or folder of data/; raises ConfigError if the installation lacks it."""
    return _existing(_ROOT.joinpath("data", *parts))


def models_path() -> Path:
    """The folder of the models that are shipped with the program."""
    return _existing(_ROOT / "models")


def _existing(path: Path) -> Path:
    if not path.exists():
        raise ConfigError(
            _("the installation is incomplete: {path} is missing; install Kentongan again").format(
                path=path.relative_to(_ROOT)
            )
        )
    return path
