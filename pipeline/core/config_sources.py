"""The sections that stand once for each source: where posts come from, and where claims come from."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.core.claims import CheckerKind
from pipeline.core.i18n import _

SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")  # it names a folder of landing/
_SITE = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


class Section(BaseModel):
    """Parent of the sections: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSettings(Section):
    """One source. `subject` never is a private person; `visibility` "restricted" is refused with the reason."""

    kind: Literal["feed", "export", "form"]
    url: str = ""
    path: str = ""
    subject: Literal["area", "topic", "media", "institution", "campaign", "field"] = "area"
    visibility: Literal["media", "official", "broadcast", "comment", "submitted"] = "broadcast"
    covers: tuple[str, ...] = ()
    publisher_class: Literal["verified_press", "other", ""] = ""
    legal_basis: str = ""
    terms: str = ""
    max_days: int | None = Field(default=None, ge=1)
    platform: str = ""
    item_kind: Literal["post", "comment", "news", "field", "forwarded"] | None = None
    mapping: str = ""
    columns: dict[str, str] = {}

    @field_validator("visibility", mode="before")
    @classmethod
    def _public(cls, value: object) -> object:
        if value == "restricted":
            raise ValueError(_("what is behind approval, invitation or friendship is never read"))
        return value

    @model_validator(mode="after")
    def _has_address(self) -> SourceSettings:
        if self.kind == "feed" and not self.url:
            raise ValueError(_("a feed needs a url"))
        if self.kind != "feed" and not self.path:
            raise ValueError(_("an export or form needs a path"))
        return self


class ClaimSourceSettings(Section):
    """One place where checked claims come from; the key of an API is no setting, it stands in the environment.

    `checker` and `checker_kind` are for sites that data/claims/checkers.csv does not know; a checker of which neither
    says what it is counts as an interested party, whose word never makes a match.
    """

    kind: Literal["feed", "google", "yudistira", "komdigi", "file"]
    url: str = ""
    path: str = ""
    checker: str = Field(default="", max_length=120)
    checker_kind: CheckerKind | Literal[""] = ""
    language: str = Field(default="id", pattern=r"^[a-z]{2,3}$")
    legal_basis: str = ""
    terms: str = ""
    query: str = Field(default="", max_length=200)
    publisher: str = ""
    max_age_days: int | None = Field(default=None, ge=1, le=36_500)
    max_pages: int = Field(default=10, ge=1, le=1_000)

    @field_validator("publisher")
    @classmethod
    def _is_site(cls, value: str) -> str:
        if value and not _SITE.fullmatch(value):
            raise ValueError(_("write the site of a publisher as turnbackhoax.id, without https:// and path"))
        return value

    @model_validator(mode="after")
    def _has_address(self) -> ClaimSourceSettings:
        if self.kind in ("feed", "komdigi") and not self.url:
            raise ValueError(_("a claim source of kind {kind} needs a url").format(kind=self.kind))
        if self.kind == "file" and not self.path:
            raise ValueError(_("a claim source of kind file needs a path"))
        if self.kind == "google" and not (self.query or self.publisher):
            raise ValueError(_("a claim source of kind google needs a query or a publisher"))
        return self


def check_names(names: list[str]) -> None:
    """Raise ValueError for a source's name that cannot name a folder."""
    for name in names:
        if not SOURCE_NAME.fullmatch(name):
            raise ValueError(
                _('source name "{name}": use small letters, digits, - and _, 40 at most').format(name=name)
            )
