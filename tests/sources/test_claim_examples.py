"""The example pairs of the claim sources: what came from the world, and the reviews that it must become.

A missing expectation is written and the test fails, so that a person looks at it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from claimsources import claim_source, compare, shown

from pipeline.sources.claims.api import KeyedApi
from pipeline.sources.fetch import ANYTHING, ARTICLE, Fetched, Fetcher, Refused

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "claims"
EXAMPLES = sorted(
    path.relative_to(FOLDER).as_posix()
    for path in FOLDER.glob("*/*")
    if path.is_file() and not path.name.endswith(".expected.json")
)
LIST = "https://www.komdigi.go.id/berita/berita-hoaks"
SETTINGS: dict[str, dict[str, Any]] = {
    "feed": {"url": "https://periksa.example/feed", "checker": "Periksa Contoh", "checker_kind": "independent"},
    "google": {"query": "TPS"},
    "yudistira": {},
    "komdigi": {"url": LIST, "max_pages": 1},
    "file": {},
}


def answered(path: Path) -> Any:
    """What stands in for the network: the example for the source's own address, a page of its folder for an article."""

    def get(_self: Fetcher, url: str, *, accept: Any = ANYTHING, **_conditions: Any) -> Fetched:
        file = path.parent / "pages" / f"{urlsplit(url).path.rsplit('/')[-1]}.html" if accept is ARTICLE else path
        if not file.exists():
            raise Refused(f"{url} answered with status 404")
        return Fetched(url, 200, {}, file.read_bytes(), "text/html", "utf-8", None, None, False)

    return get


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = FOLDER / name
    kind = path.parent.name
    monkeypatch.setattr(Fetcher, "get", answered(path))
    monkeypatch.setattr(KeyedApi, "ask", lambda *_call: json.loads(path.read_text(encoding="utf-8")))
    settings = SETTINGS[kind] | ({"path": str(path)} if kind == "file" else {})
    source = claim_source(tmp_path, kind=kind, **settings)
    found = [shown(source, item) for item in source.fetch()]
    compare(path.with_name(f"{path.name}.expected.json"), {"reviews": found, "notes": list(source.notes)})


def test_every_kind_of_source_has_an_example() -> None:
    assert {name.split("/")[0] for name in EXAMPLES} == set(SETTINGS)
