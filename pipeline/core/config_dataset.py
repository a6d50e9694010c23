"""The section on datasets: how labelled files of other shapes are read, and when a dataset is fit to train on."""

from __future__ import annotations

from pydantic import Field, field_validator

from pipeline.core.config_sources import SOURCE_NAME, Section
from pipeline.core.i18n import _


class DatasetMap(Section):
    """Which column of a labelled file is what; `labels` maps our label (or one of okky2019's twelve) to a column."""

    text: str = "text"
    group: str = ""
    source: str = ""
    kind: str = ""
    published: str = ""
    province: str = ""
    true: tuple[str, ...] = ("1", "true", "ya", "yes")
    false: tuple[str, ...] = ("0", "false", "tidak", "no")
    labels: dict[str, str] = Field(min_length=1)


class DatasetSettings(Section):
    """How datasets are made."""

    min_positives: int = Field(ge=2)
    held_out_weeks: int = Field(ge=1, le=52)
    max_contradictions: float = Field(ge=0, le=0.1)
    max_months: int = Field(ge=1, le=24)
    maps: dict[str, DatasetMap]

    @field_validator("maps")
    @classmethod
    def _plain_names(cls, value: dict[str, DatasetMap]) -> dict[str, DatasetMap]:
        wrong = [name for name in value if not SOURCE_NAME.fullmatch(name)]
        if wrong:
            raise ValueError(
                _('map "{name}": use small letters, digits, - and _, 40 at most').format(name=", ".join(wrong))
            )
        return value
