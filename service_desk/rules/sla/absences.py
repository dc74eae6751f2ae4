"""When somebody is away: one stretch of time, or the same hours every day (nights off duty)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from service_desk.base.clock import CHINA, as_utc, local_date
from service_desk.base.errors import Invalid

DAY = timedelta(days=1)
# Typing takes a while, and who falls ill at eight may be entered at half past.
MAY_LIE_BACK = timedelta(hours=1)
LONGEST_DAYS = 366


@dataclass(frozen=True)
class Window:
    """One time of being away, [from_at, to_at)."""

    from_at: datetime
    to_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it; the end does not."""
        return self.from_at <= at < self.to_at


@dataclass(frozen=True)
class AwayTimes:
    """The first time away; with `repeats_until_on` the same hours by wall clock begin on every day up to that one."""

    from_at: datetime
    to_at: datetime
    repeats_until_on: date | None = None

    def windows(self, zone: ZoneInfo = CHINA) -> Iterator[Window]:
        """Every time away, in order."""
        yield Window(as_utc(self.from_at), as_utc(self.to_at))
        if self.repeats_until_on is None:
            return
        from_wall, to_wall = self.from_at.astimezone(zone), self.to_at.astimezone(zone)
        for days in range(1, (self.repeats_until_on - from_wall.date()).days + 1):
            # Added by wall clock: the zone is asked anew for each day.
            moved = timedelta(days=days)
            yield Window(as_utc(from_wall + moved), as_utc(to_wall + moved))

    def window_at(self, at: datetime) -> Window | None:
        """The time away that holds an instant."""
        return next((window for window in self.windows() if window.holds(at)), None)

    def window_after(self, at: datetime) -> Window | None:
        """The first time away that begins at an instant or later."""
        return next((window for window in self.windows() if window.from_at >= at), None)


def check_times(times: AwayTimes, now: datetime) -> None:
    """Refuse times nobody can be away at.

    Invalid: absence_ends_first, absence_past (begins more than an hour ago), absence_over, absence_too_long;
    absence_repeats_too_early, absence_repeats_too_long (hours that repeat must fit into a day).
    """
    if times.to_at <= times.from_at:
        raise Invalid("absence_ends_first", field="to_at")
    if times.from_at < now - MAY_LIE_BACK:
        raise Invalid("absence_past", field="from_at")
    if times.to_at <= now:
        raise Invalid("absence_over", field="to_at")
    if times.repeats_until_on is None:
        _check_length(times.to_at - times.from_at, "to_at")
        return
    if times.to_at - times.from_at > DAY:
        raise Invalid("absence_repeats_too_long", field="to_at")
    if times.repeats_until_on < local_date(times.from_at):
        raise Invalid("absence_repeats_too_early", field="repeats_until_on")
    _check_length(DAY * (times.repeats_until_on - local_date(times.from_at)).days, "repeats_until_on")


def common_window(one: AwayTimes, other: AwayTimes, *, after: datetime) -> Window | None:
    """The first stretch still to come that two absences have in common; None when they only touch or lie apart."""
    mine, theirs = list(one.windows()), list(other.windows())
    here = there = 0
    while here < len(mine) and there < len(theirs):
        from_at = max(mine[here].from_at, theirs[there].from_at)
        to_at = min(mine[here].to_at, theirs[there].to_at)
        if from_at < to_at and to_at > after:
            return Window(from_at, to_at)
        if mine[here].to_at <= theirs[there].to_at:
            here += 1
        else:
            there += 1
    return None


def _check_length(length: timedelta, field: str) -> None:
    if length > DAY * LONGEST_DAYS:
        raise Invalid("absence_too_long", field=field, days=LONGEST_DAYS)
