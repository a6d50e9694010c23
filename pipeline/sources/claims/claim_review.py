"""schema.org's ClaimReview in a web page or file: JSON-LD wherever it is nested, and microdata.

What is kept of one is an allow-list: never who wrote the article, who made the claim, or links to posts.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.core.claims import Media
from pipeline.sources.claims.maker import Found, address_of
from pipeline.sources.claims.pages import MAX_PAGE, tree_of
from pipeline.sources.claims.ratings import rate_number
from pipeline.sources.markup import plain_text

MAX_REVIEWS = 50  # of one page; a year's overview has about that many
MAX_BLOCK = 1_000_000  # characters of one JSON-LD block
_MAX_BLOCKS = 40
MAX_NODES = 20_000  # of one block that are looked at
_MAX_VALUE = 5_000
_TEXTS = (
    "url",
    "claimReviewed",
    "name",
    "headline",
    "datePublished",
    "dateModified",
    "inLanguage",
    "creativeWorkStatus",
)
_RATING = ("ratingValue", "bestRating", "worstRating", "alternateName", "name")
_ITEM = ("name", "text", "headline", "datePublished")
_TYPE = re.compile(r"(?:https?://schema\.org/|schema:)?([A-Za-z]+)/?")
_OPEN = re.compile(r"<script\b[^<>]{0,2000}?application/ld\+json[^<>]{0,2000}>", re.IGNORECASE)
_CLOSE = re.compile(r"</script\b", re.IGNORECASE)
_SHELL = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|(?:-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/|\]\]>)\s*$"
)
_COMMA = re.compile(r",(\s*[}\]])")
_MEDIA: dict[str, Media] = {
    "VideoObject": "video",
    "MovieClip": "video",
    "ImageObject": "image",
    "Photograph": "image",
    "AudioObject": "audio",
}
_GOVERNMENT = "GovernmentOrganization"
_ORGANISATIONS = frozenset({"Organization", "NewsMediaOrganization", "NGO", _GOVERNMENT})
_WITHDRAWN = frozenset({"withdrawn", "retracted", "obsolete", "removed", "archived withdrawn"})

Kept = dict[str, Any]
"""A ClaimReview's allow-listed fields, as its page gives them."""


def reviews_in_page(page: str) -> tuple[list[Kept], str]:
    """The reviews of a page, and what is wrong with its data if some of it cannot be read; never raises."""
    found: list[Kept] = []
    problem = ""
    if "ClaimReview" not in page:
        return [], ""
    for block in _blocks(page[:MAX_PAGE]):
        if "ClaimReview" not in block:
            continue
        if len(block) > MAX_BLOCK:
            problem = "too long"
            continue
        try:
            found += reviews_in(loaded(block))
        except ValueError as error:
            problem = str(error)[:100]
    found = found or _microdata(page[:MAX_PAGE])
    return _distinct(found)[:MAX_REVIEWS], problem


def reviews_in(document: object, nodes: int = MAX_NODES) -> list[Kept]:
    """The reviews that a JSON document holds at any depth; those of one place come in its order."""
    return _distinct([kept(node) for node in _nodes(document, nodes) if is_review(node)])


def is_review(node: object) -> bool:
    """Whether a JSON value is a ClaimReview."""
    return isinstance(node, dict) and "ClaimReview" in _types(node)


def loaded(block: str) -> object:
    """A JSON-LD block as it stands in pages: maybe escaped, in a comment, with a comma too many; raises ValueError."""
    text = _SHELL.sub("", _SHELL.sub("", block.strip("\ufeff \t\r\n"))).strip()
    failure: Exception = ValueError("empty")
    for attempt in (text, html.unescape(text), _COMMA.sub(r"\1", html.unescape(text))):
        try:
            return json.loads(attempt, strict=False, parse_constant=lambda _name: None)
        except (ValueError, RecursionError) as error:
            failure = error
    raise ValueError(failure.msg if isinstance(failure, json.JSONDecodeError) else type(failure).__name__)


def kept(node: dict[str, Any]) -> Kept:
    """What is kept of a review."""
    made: Kept = {name: text for name in _TEXTS if (text := _value(node.get(name)))}
    rating = _one(node.get("reviewRating"))
    if isinstance(rating, dict):
        made["reviewRating"] = {name: text for name in _RATING if (text := _value(rating.get(name)))}
    elif _value(rating):
        made["reviewRating"] = {"alternateName": _value(rating)}
    item = _one(node.get("itemReviewed"))
    if isinstance(item, dict):
        made["itemReviewed"] = {name: text for name in _ITEM if (text := _value(item.get(name)))}
        made["itemReviewed"]["@type"] = sorted(_types(item) | _types(_one(item.get("appearance")) or {}))[:5]
    return made | next(filter(None, (_organisation(node.get(name)) for name in ("author", "publisher"))), {})


def found_of(review: Kept, page: str, *, trust_number: bool = False) -> Found:
    """What a review says, for the page (or file's row) that it stands on.

    Its own address counts only on the page's own site: no site may speak for another. A number counts beside words that
    nobody listed only where it is trusted: many sites write 1 into every review.
    """
    rating, item = _dict(review.get("reviewRating")), _dict(review.get("itemReviewed"))
    verdict = plain_text(rating.get("alternateName") or rating.get("name") or "")
    number = rate_number(rating.get("ratingValue"), rating.get("worstRating"), rating.get("bestRating"))
    whole = trust_number and {"worstRating", "bestRating"} <= rating.keys()
    return Found(
        url=_own_address(str(review.get("url", "")), page),
        claim=plain_text(review.get("claimReviewed") or item.get("text") or item.get("name") or ""),
        title=plain_text(review.get("headline") or review.get("name") or ""),
        verdict=verdict or (str(rating.get("ratingValue", "")) if number else ""),
        rating=number if number and (whole or not verdict) else None,
        reviewed=review.get("datePublished") or review.get("dateModified") or "",
        claimed=item.get("datePublished", ""),
        language=review.get("inLanguage", ""),
        media=next((_MEDIA[kind] for kind in item.get("@type") or () if kind in _MEDIA), None),
        withdrawn=review.get("creativeWorkStatus", "").strip().lower() in _WITHDRAWN,
        checker=review.get("checker", ""),
        checker_kind=review.get("checker_kind", ""),
    )


def _blocks(page: str) -> Iterator[str]:
    """The JSON-LD scripts, each up to its end; one that never ends ends the search."""
    at = 0
    for _number in range(_MAX_BLOCKS):
        start = _OPEN.search(page, at)
        end = _CLOSE.search(page, start.end()) if start else None
        if start is None or end is None:
            return
        yield page[start.end() : end.start()]
        at = end.end()


def _nodes(document: object, most: int) -> Iterator[dict[str, Any]]:
    """All objects of a document in order, at most so many of them; without recursion."""
    waiting: list[object] = [document]
    for _number in range(most):
        if not waiting:
            return
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(value for value in reversed(list(node.values())) if isinstance(value, dict | list))
        elif isinstance(node, list):
            waiting.extend(value for value in reversed(node[:most]) if isinstance(value, dict | list))


def _types(node: object) -> set[str]:
    told = node.get("@type") if isinstance(node, dict) else None
    names = told if isinstance(told, list) else [told]
    matches = (_TYPE.fullmatch(name.strip()) for name in names[:20] if isinstance(name, str))
    return {match[1] for match in matches if match}


def _one(value: object) -> Any:
    """The first of several."""
    return value[0] if isinstance(value, list) and value else value


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _value(value: object) -> str:
    """A text or number as text; what is neither is left out."""
    value = _one(value)
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")  # a language-tagged text, a language as an object
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value)[:_MAX_VALUE].split())


def _organisation(value: object) -> Kept:
    """The name of a checker, and whether it calls itself a government; a person's name is never kept."""
    for each in value[:5] if isinstance(value, list) else [value]:
        if isinstance(each, dict) and _types(each) & _ORGANISATIONS and (name := _value(each.get("name"))):
            return {"checker": name[:120]} | ({"checker_kind": "government"} if _GOVERNMENT in _types(each) else {})
    return {}


def _own_address(told: str, page: str) -> str:
    own, other = address_of(page), address_of(told)
    return other if other and (not own or _site(other) == _site(own)) else own or told


def _site(address: str) -> str:
    return address.partition("://")[2].partition("/")[0].removeprefix("www.")


def _distinct(found: list[Kept]) -> list[Kept]:
    """Each once: many pages print the same data twice."""
    return list({json.dumps(review, sort_keys=True): review for review in found}.values())


def _microdata(page: str) -> list[Kept]:
    """Reviews written as itemprop attributes."""
    if "itemtype" not in page:
        return []
    tree = tree_of(page)
    scopes = tree.xpath("//*[@itemscope][contains(@itemtype, 'ClaimReview')]") if tree is not None else []
    return [kept(_scope(scope, 0)) for scope in scopes[:MAX_REVIEWS]]


def _scope(scope: Any, depth: int) -> dict[str, Any]:
    """One itemscope as the JSON-LD that it stands for; four levels deep at most."""
    made: dict[str, Any] = {"@type": (scope.get("itemtype") or "").rpartition("/")[2]}
    waiting = list(scope)[::-1]
    for _number in range(MAX_NODES):
        if not waiting:
            break
        child = waiting.pop()
        name = child.get("itemprop") if isinstance(child.tag, str) else None
        inner = isinstance(child.tag, str) and child.get("itemscope") is not None
        if name and inner and depth < 4:
            made.setdefault(name, _scope(child, depth + 1))
        elif name:
            given = child.get("content") or child.get("datetime") or child.get("href")
            made.setdefault(name, given or "".join(child.itertext()))
        if not inner:
            waiting.extend(list(child)[::-1])
    return made
