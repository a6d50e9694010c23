"""Where a text names or addresses somebody: links, e-mail addresses, @handles, phone and other long numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

Write = Callable[[str, str], str]
"""(kind, what stands in the text) -> what shall stand there; kinds: link, mail, handle, phone, number."""

_INVISIBLE = "\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_AT = "[@\uff20\ufe6b]"
_DOMAINS = (
    "com|id|co|org|net|me|ly|gl|be|gg|tv|info|io|xyz|link|app|site|online|news|my|sg|us|to|cc|page|shop|blog|biz|ai|ee"
)
# A link ends before closing punctuation. Without scheme or www it needs a known domain and a path: kompas.com stays.
_LINK = re.compile(
    r"(?:(?:https?|hxxps?|ftps?|tg|whatsapp|fb|intent|market)://|www\.(?=\w)"
    rf"|(?<![\w.@-])(?:[\w-]{{1,63}}\.){{1,8}}(?:{_DOMAINS})/)"
    r"(?:[^\s\\]*[^\s\\.,;:!?)\]}'\"”’»…])?",
    re.IGNORECASE,
)
_MAIL = re.compile(rf"{_AT}?[\w.+-]{{1,64}}{_AT}[\w-]+(?:\.[\w-]+)+")
_HANDLE = re.compile(rf"{_AT}[{_INVISIBLE}]*\w+(?:\.\w+)*")

_GAP = rf"[ .()\-\u00a0\u2010-\u2015{_INVISIBLE}]{{0,2}}"
_NOT_A_DATE = r"(?!0?\d[-./ ]\d{1,2}[-./ ]\d{4})(?!\d\d[.:]\d\d\D)"
_PHONE = re.compile(
    rf"(?<!\d){_NOT_A_DATE}(?:"
    rf"\+(?:{_GAP}\d){{9,14}}"  # with a country code
    rf"|(?:62|\(?0){_GAP}8(?:{_GAP}\d){{7,11}}"  # Indonesian mobile
    r"|\(0\d{2,3}\)[ .-]{0,2}\d(?:[ .-]?\d){5,8}"  # Indonesian landline, area in brackets
    r"|0[2-9]\d{1,2}[ .-]\d{3,4}(?:[ .-]?\d){2,5}"
    r")(?!\d)"
)
_NUMBER = re.compile(
    r"\d{9,}"
    r"|(?<!\d)\d{4}([ .-])\d{4}\1\d{4}\1\d{4}(?!\d)|(?<!\d)\d{6}([ .-])\d{6}\2\d{4}(?!\d)"  # NIK, cards
    r"|(?<!\d)\d\d\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}(?!\d)"  # NPWP
    r"|(?<![\d-])\d{3,}(?:-\d{3,}){2,}(?![\d-])"  # accounts; sums of money have dots
)
_DIGITS = re.compile(rf"\d(?:{_GAP}\d){{7}}")


def replace_personal(text: str, write: Write) -> str:
    """The text with `write`'s answer for each link, mail, handle, phone and number.

    What a replacement leaves beside it may read as a further one, so this goes on until nothing changes; it ends since
    each turn has fewer @, / or digits to find.
    """
    while True:
        before = text
        text = _once(text, write)
        if text == before:
            return text


def _once(text: str, write: Write) -> str:
    if "/" in text or "www." in text.lower():
        text = _LINK.sub(lambda match: write("link", match[0]), text)
    if "@" in text or "\uff20" in text or "\ufe6b" in text:
        text = _MAIL.sub(lambda match: write("mail", match[0]), text)
        text = _HANDLE.sub(lambda match: write("handle", match[0]), text)
    if _DIGITS.search(text):
        text = _PHONE.sub(lambda match: write("phone", match[0]), text)
        text = _NUMBER.sub(lambda match: write("number", match[0]), text)
    return text
