"""Quiet hours and the time of the digest, by the clock on the wall of a zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class QuietHours:
    """From a local time, included, until another, not included; over midnight when it ends earlier than it begins."""

    begins: time
    ends: time

    def hold(self, at: time) -> bool:
        """Whether a time of day lies in them."""
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


def quiet_until(at: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours an instant lies in, in UTC; None when it lies in none.

    An end that the clock leaps over in spring comes by so much later; of one that it shows twice in autumn
    the first that is still to come counts.
    """
    local = at.astimezone(zone)
    if quiet is None or not quiet.hold(local.time()):
        return None
    crosses = quiet.begins > quiet.ends and local.time() >= quiet.begins
    day = local.date() + timedelta(days=1) if crosses else local.date()
    ends = sorted(_instant(day, quiet.ends, zone, fold=fold) for fold in (0, 1))
    return next(end for end in ends if end > at and not quiet.hold(end.astimezone(zone).time()))


def digest_day(at: datetime, digest_at: time, zone: ZoneInfo) -> date | None:
    """The local day whose digest is due by an instant; None while its time is still to come."""
    day = at.astimezone(zone).date()
    return day if at >= _instant(day, digest_at, zone, fold=0) else None


def _instant(day: date, at: time, zone: ZoneInfo, *, fold: int) -> datetime:
    return datetime.combine(day, at, zone).replace(fold=fold).astimezone(UTC)
