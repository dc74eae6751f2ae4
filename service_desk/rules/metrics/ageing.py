"""How long open claims have waited: the bands they are counted in, and the levels at which somebody must look."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from service_desk.rules.metrics.registry import MeasureCode
from service_desk.rules.metrics.values import Ratio


class AgeBand(StrEnum):
    """Whole days an open claim has waited, counted from the day of its report or of its loss."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    OLDER = "older"


BAND_DAYS = {AgeBand.WEEK: 7, AgeBand.MONTH: 30, AgeBand.QUARTER: 90}
"""The last day of each band; the one after the last is older."""


class Alarm(StrEnum):
    """How far past a level a figure is."""

    WATCH = "watch"
    ACT = "act"


@dataclass(frozen=True)
class AlarmLevel:
    """From which percent on a measure is to be watched, and from which on somebody must act; None: no second level."""

    watch: int
    act: int | None = None


# Agreed among practitioners (domain.md section 7).
ALARM_LEVELS: dict[MeasureCode, AlarmLevel] = {
    MeasureCode.OPEN_TO_CLOSED_AVERAGE: AlarmLevel(watch=200, act=400),
    MeasureCode.OPEN_OVER_30_DAYS: AlarmLevel(watch=50),
    MeasureCode.INJURY_SHARE: AlarmLevel(watch=25),
}
STAY_WATCH_DAYS, STAY_ACT_DAYS = 30, 90
"""A claim open for more days than the first is watched; for more than the second somebody must act."""


def band_of(days: int) -> AgeBand:
    """The band of an age in whole days; the last day of a band belongs to it."""
    return next((band for band, last in BAND_DAYS.items() if days <= last), AgeBand.OLDER)


def alarm_of(code: MeasureCode, value: Ratio) -> Alarm | None:
    """Whether a measure has reached its level; a measure without levels, or of nothing, has not."""
    level = ALARM_LEVELS.get(code)
    if level is None or not value.whole:
        return None
    percent = Decimal(value.part) * 100 / value.whole
    if level.act is not None and percent >= level.act:
        return Alarm.ACT
    return Alarm.WATCH if percent >= level.watch else None


def alarm_of_stay(days: int) -> Alarm | None:
    """Whether a claim has been open for too long."""
    if days > STAY_ACT_DAYS:
        return Alarm.ACT
    return Alarm.WATCH if days > STAY_WATCH_DAYS else None
