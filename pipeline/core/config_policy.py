"""Settings of the policy: when a post becomes a flag, and which further posts people are asked about."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from pipeline.core.config_sources import Section
from pipeline.core.i18n import _
from pipeline.core.types import FLAGGING_LABELS


class Policy(Section):
    """When a post becomes a flag."""

    sample_share: float = Field(ge=0, le=0.01)
    sample_per_day: int = Field(ge=0, le=50)
    teach_per_day: int = Field(ge=0, le=50)
    unsure_from: float = Field(ge=0, le=1)
    unsure_to: float = Field(ge=0, le=1)
    drop_out_of_area: bool
    topics: str
    threats: str
    thresholds: dict[str, float]

    @model_validator(mode="after")
    def _band_is_one(self) -> Policy:
        if self.unsure_from > self.unsure_to:
            raise ValueError(_("policy.unsure_from is above policy.unsure_to; make both equal for no band at all"))
        return self

    @field_validator("thresholds")
    @classmethod
    def _of_labels(cls, value: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(value) - FLAGGING_LABELS)
        if unknown:
            raise ValueError(
                _("{unknown} is no label that may flag; there are {known}").format(
                    unknown=", ".join(unknown), known=", ".join(sorted(FLAGGING_LABELS))
                )
            )
        return value
