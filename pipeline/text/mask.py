"""Hide who is named in a text before it is shown or stored."""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.text.personal import replace_personal

PLACEHOLDERS = {
    "link": "[tautan]",
    "mail": "[surel]",
    "handle": "[akun]",
    "phone": "[telepon]",
    "number": "[nomor]",
}
_NOT_NAME = re.compile(r"[^\w.]+")


def mask(text: str, keep: frozenset[str] = frozenset()) -> str:
    """Put a word in brackets where a text has a link, e-mail address, @handle, phone or other long number.

    Handles in `keep` (institutional accounts, with or without @, in any case) stay. All links go, since a link to a
    post names its account. Masking twice changes nothing; `normalise` drops the words in brackets again.
    """
    kept = _plain_names(keep)

    def write(kind: str, found: str) -> str:
        if kind == "handle" and _NOT_NAME.sub("", found).lower() in kept:
            return found
        return PLACEHOLDERS[kind]

    return replace_personal(text, write)


@lru_cache(maxsize=8)
def _plain_names(keep: frozenset[str]) -> frozenset[str]:
    """Worked out once for each list of institutions, not for each post."""
    return frozenset(name.lstrip("@").lower() for name in keep)
