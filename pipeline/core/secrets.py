"""Secrets come from a file that a setting names, else from the environment; never from the settings themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _


def read_secret(file: str, setting: str, variable: str, environ: Mapping[str, str]) -> str | None:
    """What the file holds, or the variable if no file is named; raises ConfigError, which names the setting."""
    if not file:
        return environ.get(variable)
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(_("{setting} {path} cannot be read").format(setting=setting, path=file)) from error
