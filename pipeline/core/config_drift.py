"""Settings of drift: from which distance on a week's posts are to be watched, and what they are compared with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from pipeline.core.config_sources import Section
from pipeline.core.i18n import _


class DriftSettings(Section):
    """When posts are no longer like those that the model learnt from; `watch` and `alarm` are PSI."""

    watch: float = Field(gt=0)
    alarm: float = Field(gt=0)
    min_posts: int = Field(ge=50)
    against: Literal["training", "own"]

    @field_validator("alarm")
    @classmethod
    def _over_watch(cls, value: float, info: ValidationInfo) -> float:
        if value <= info.data.get("watch", 0):
            raise ValueError(_("drift.alarm must be greater than drift.watch"))
        return value
