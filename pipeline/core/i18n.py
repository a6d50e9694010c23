"""Messages to people: gettext catalogues, Indonesian first, English beside it.

Rooms write `_("English message with {name}").format(name=...)` where the message is raised or shown. click asks the
same catalogue through the process's text domain, so that its own words ("Usage:", "No such option") agree.
"""

from __future__ import annotations

import gettext
import os
from pathlib import Path

LANGUAGES = ("id", "en")
_DOMAIN = "kentongan"
_LOCALE = Path(__file__).resolve().parent.parent / "locale"
_current = gettext.NullTranslations()


def set_language(language: str) -> None:
    """Use this language (`id` or `en`) for all messages of the process from now on."""
    global _current
    # Kept as an object: gettext.gettext() looks for the catalogue's file at each call (45 us instead of 0.2).
    _current = gettext.translation(_DOMAIN, _LOCALE, languages=[language], fallback=True)
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(_DOMAIN, str(_LOCALE))
    gettext.textdomain(_DOMAIN)


def _(message: str) -> str:
    """The message in the current language; the English original where it has no translation."""
    return _current.gettext(message)
