"""The command `kentongan`: the only place that prints and exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from pipeline.core.i18n import LANGUAGES, set_language


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed and may be tried again, 2 wrong use or config."""
    os.umask(0o077)  # what we write is for its owner alone
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    set_language(_language(arguments))
    from pipeline.cli.app import call  # the verbs' help is written in the language, so they load after it is known

    sys.exit(call(arguments))


def _language(arguments: Sequence[str]) -> str:
    """`--lang` before KENTONGAN__OFFICE__LANGUAGE before Indonesian; a config file may still change it for messages."""
    for at, argument in enumerate(arguments):
        value = argument.removeprefix("--lang=") if argument.startswith("--lang=") else ""
        if argument == "--lang" and at + 1 < len(arguments):
            value = arguments[at + 1]
        if value in LANGUAGES:
            return value
    value = os.environ.get("KENTONGAN__OFFICE__LANGUAGE", "id")
    return value if value in LANGUAGES else "id"
