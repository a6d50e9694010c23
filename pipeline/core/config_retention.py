"""Settings of retention: how many days things are kept, and for how long at most."""

from __future__ import annotations

from pydantic import Field

from pipeline.core.config_sources import Section

LONGEST = 730
"""Days that anything may be kept at all, whoever agrees."""


class Retention(Section):
    """How many days things are kept; longer than shipped only with two people's names (`pipeline.keeping`)."""

    raw_social: int = Field(ge=1, le=LONGEST)
    raw_news: int = Field(ge=1, le=LONGEST)
    unflagged: int = Field(ge=1, le=LONGEST)
    unreviewed: int = Field(ge=1, le=LONGEST)
    rejected: int = Field(ge=1, le=LONGEST)
    confirmed: int = Field(ge=1, le=LONGEST)
