"""Times: UTC inside, the office's zone at the edge.

A partition is the day and hour of fetching in the office's zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

Clock = Callable[[], datetime]
_PARTITION = re.compile(r"(\d{4}-\d{2}-\d{2})/([01]\d|2[0-3])")


def utc_now() -> datetime:
    """The present moment in UTC, to the second; the only place that asks for it is the edge (cli, dags)."""
    return datetime.now(UTC).replace(microsecond=0)


def partition_of(moment: datetime, zone: ZoneInfo) -> str:
    """`<day>/<hour>` of a moment in the office's zone, as in "2026-11-21/05"."""
    return moment.astimezone(zone).strftime("%Y-%m-%d/%H")


def is_partition(text: str) -> bool:
    """Whether it is the name of a partition of this century."""
    match = _PARTITION.fullmatch(text)
    try:
        return match is not None and 2000 <= date.fromisoformat(match[1]).year < 2100
    except ValueError:
        return False


def check_partition(text: str) -> str:
    """The partition itself if it is written well; raises ConfigError with an example otherwise."""
    if is_partition(text):
        return text
    raise ConfigError(_('"{text}" is no partition; write it as 2026-11-21/05 (day/hour)').format(text=text))


def partition_start(partition: str, zone: ZoneInfo) -> datetime:
    """The first moment of a partition, in UTC."""
    return datetime.strptime(check_partition(partition), "%Y-%m-%d/%H").replace(tzinfo=zone).astimezone(UTC)


def days_before(partition: str, days: int) -> str:
    """The partition of the same hour that many days before; partitions sort as text."""
    day, hour = check_partition(partition).split("/")
    return f"{date.fromisoformat(day) - timedelta(days=days)}/{hour}"


def days_of(moment: datetime | None) -> int | None:
    """A moment as whole days since 1970, UTC."""
    return None if moment is None else int(moment.timestamp() // 86_400)
