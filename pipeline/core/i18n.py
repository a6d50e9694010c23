"""Messages to people: gettext catalogues, Indonesian first, English beside it.

Rooms write `_("English message with {name}").format(name=...)` where the message is raised or shown. click asks the
same catalogue through the process's text domain, so that its own words ("Usage:", "No such option") agree.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES = ("id", "en")
_DOMAIN = "kentongan"
_LOCALE = Path(__file__).resolve().parent.parent / "locale"
# Kept as objects: gettext.gettext() looks for the catalogue's file at each call (45 us instead of 0.2).
_process: tuple[str, gettext.NullTranslations] = ("en", gettext.NullTranslations())
_here: ContextVar[tuple[str, gettext.NullTranslations] | None] = ContextVar("language", default=None)


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    return gettext.translation(_DOMAIN, _LOCALE, languages=[code], fallback=True)


def set_language(language: str) -> None:
    """Use this language (`id` or `en`) for all messages of the process from now on."""
    global _process
    _process = (language, _catalogue(language))
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(_DOMAIN, str(_LOCALE))
    gettext.textdomain(_DOMAIN)


@contextmanager
def language(code: str) -> Iterator[None]:
    """Use this language within the block, in this thread and request only: two people may read different ones."""
    before = _here.set((code, _catalogue(code)))
    try:
        yield
    finally:
        _here.reset(before)


def current_language() -> str:
    """The code of the language that messages are in just now."""
    return (_here.get() or _process)[0]


def _(message: str) -> str:
    """The message in the current language; the English original where it has no translation."""
    return (_here.get() or _process)[1].gettext(message)
