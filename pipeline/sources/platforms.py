"""Platforms, and what an address of a post says: platform, the post's own id, the account, whether it is private.

So the id and the address of one post lead to the same pseudonymous id, whichever an export holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# Names of platforms as exports write them, folded (no case, spaces or signs) -> ours. "web" also makes a row news.
NAMES = {
    "x": "x",
    "twitter": "x",
    "xtwitter": "x",
    "twitterx": "x",
    "tweet": "x",
    "facebook": "facebook",
    "fb": "facebook",
    "facebookpublic": "facebook",
    "instagram": "instagram",
    "ig": "instagram",
    "instagrampublic": "instagram",
    "youtube": "youtube",
    "yt": "youtube",
    "tiktok": "tiktok",
    "telegram": "telegram",
    "threads": "threads",
    "whatsapp": "whatsapp",
    "wa": "whatsapp",
    "forum": "forum",
    "blog": "blog",
    "news": "web",
    "berita": "web",
    "onlinenews": "web",
    "portal": "web",
    "portalberita": "web",
    "media": "web",
    "mediaonline": "web",
    "web": "web",
}
_HOSTS = {
    "x.com": "x",
    "twitter.com": "x",
    "facebook.com": "facebook",
    "fb.com": "facebook",
    "fb.watch": "facebook",
    "instagram.com": "instagram",
    "youtube.com": "youtube",
    "youtu.be": "youtube",
    "tiktok.com": "tiktok",
    "t.me": "telegram",
    "telegram.me": "telegram",
    "threads.net": "threads",
    "threads.com": "threads",
}
# Each is searched in the path with its query; `id` is the post's own id, `account` its author's name.
_PATHS = {
    platform: re.compile(pattern, re.ASCII)
    for platform, pattern in {
        "x": r"^/(?:(?:i/web|i|(?P<account>\w{1,40}))/status(?:es)?/(?P<id>\d+))",
        "facebook": r"[?&](?:story_fbid|fbid|v)=(?P<id>[\w-]+)"
        r"|^/(?:groups/[^/?]+|(?P<account>[^/?]+))/(?:posts|videos|permalink)/(?:[^/?]+/(?=\d|pfbid))?(?P<id2>[\w-]+)"
        r"|^/reel/(?P<id3>\d+)",
        "instagram": r"^/(?:(?P<account>[\w.]{1,40})/)?(?:p|reel|reels|tv)/(?P<id>[\w-]+)",
        "youtube": r"[?&]lc=(?P<id>[\w.-]+)|[?&]v=(?P<id2>[\w-]+)|^/(?:shorts|live|embed|post)/(?P<id3>[\w-]+)",
        "tiktok": r"^/(?:@(?P<account>[\w.]{1,40})/)?(?:video|photo)/(?P<id>\d+)",
        "telegram": r"^/(?:s/)?(?P<id>[a-z]\w{3,40}/\d+)",
        "threads": r"^/@(?P<account>[\w.]{1,40})/post/(?P<id>[\w-]+)",
    }.items()
}
# Not urlsplit: three times the time, and what it checks beyond this does not matter for telling a post's id.
_ADDRESS = re.compile(r"\s*(?:https?://)?(?P<host>[\w.-]{4,80})(?::\d+)?(?P<path>/[^#\s]*)", re.ASCII | re.IGNORECASE)
_SHORT = re.compile(r"^/([\w-]{6,20})", re.ASCII)  # youtu.be/<id>
_PRIVATE = re.compile(r"^/(?:c/\d+|\+|joinchat/)")  # t.me: links that only members can open
_ROUNDED = re.compile(r"\d[.,]\d+[eE]\+?\d+|\d+[.,]0+")  # a spreadsheet wrote a long number short: the id is lost
_SHORTCODE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MAX_URL = 2_000
MIN_ID = 8  # characters; shorter "ids" are row numbers, the same in each file


@dataclass(frozen=True, slots=True)
class Address:
    """What an address says of a post; empty where it says nothing."""

    platform: str = ""
    native_id: str = ""
    account: str = ""
    private: bool = False


NOWHERE = Address()


@lru_cache(maxsize=256)
def read_address(url: str) -> Address:
    """Read the address of a post; anything else gives an Address with empty fields. Never raises."""
    parts = _ADDRESS.match(url) if len(url) <= MAX_URL else None
    if parts is None:
        return NOWHERE
    host, path = parts["host"].lower(), parts["path"]
    platform = _HOSTS.get(host) or _HOSTS.get(".".join(host.rsplit(".", 2)[-2:]), "")
    if not platform:
        return NOWHERE
    if platform == "telegram":
        path = path.lower()
        if _PRIVATE.match(path):
            return Address(platform, private=True)
    match = _PATHS[platform].search(path) or (_SHORT.match(path) if host == "youtu.be" else None)
    if match is None:
        return Address(platform)
    found = match.groupdict()
    native = found.get("id") or found.get("id2") or found.get("id3") or (match[1] if not found else "")
    return Address(platform, native or "", found.get("account") or "")


def platform_name(text: str) -> str:
    """Our name of a platform as an export writes it; unknown ones stay, lower-cased and short."""
    folded = "".join(char for char in text.casefold() if char.isalnum())
    return NAMES.get(folded, folded[:20])


def native_id(platform: str, text: str) -> str:
    """The id of a post in the form that its address has; empty if it is none that could be told from a row number."""
    text = text.strip().lstrip("'")  # spreadsheets guard long numbers with an apostrophe
    if not text or _ROUNDED.fullmatch(text):
        return ""
    if platform == "telegram":
        return text.lower() if "/" in text else ""
    if platform == "facebook":
        text = text.rpartition("_")[2]
    elif platform in {"instagram", "threads"}:
        text = _shortcode(text)
    elif platform == "x" and not (text.isascii() and text.isdigit()):
        return ""
    return text if MIN_ID <= len(text) <= 200 else ""


def _shortcode(text: str) -> str:
    """Instagram's number of a post ("3141592653589793238_271828") as the code in its address; a code stays."""
    number = text.partition("_")[0]
    if not (number.isascii() and number.isdigit() and 15 <= len(number) <= 20):
        return text
    value, code = int(number), ""
    while value:
        value, digit = divmod(value, 64)
        code = _SHORTCODE[digit] + code
    return code
