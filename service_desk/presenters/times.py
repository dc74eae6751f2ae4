"""Instants, dates and lengths of time as people read them, in the reader's language and the account's zone."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from service_desk.base.clock import CHINA, as_utc


def moment(at: datetime | None, now: datetime, zone: ZoneInfo = CHINA, *, ends_day: bool = False) -> str:
    """`11-22 17:40`; today and tomorrow by name; with the year when it is another year's.

    With `ends_day` a midnight is 24:00 of the day before it, as terms in days are read.
    """
    if at is None:
        return "—"
    local, clock = _day_and_clock(at, zone, ends_day)
    today = now.astimezone(zone).date()
    days = (local.date() - today).days
    if days == 0:
        return _("today %(clock)s", clock=clock)
    if days == 1:
        return _("tomorrow %(clock)s", clock=clock)
    if local.year != today.year:
        return f"{local:%Y-%m-%d} {clock}"
    return f"{local:%m-%d} {clock}"


def minute(at: datetime | None, zone: ZoneInfo = CHINA, *, ends_day: bool = False) -> str:
    """`2026-11-22 17:40`: for what is read days later, such as a mail; `ends_day` as for `moment`."""
    if at is None:
        return "—"
    local, clock = _day_and_clock(at, zone, ends_day)
    return f"{local:%Y-%m-%d} {clock}"


def mark(at: datetime, zone: ZoneInfo = CHINA, *, ends_day: bool = False) -> str:
    """`11-23 08:45`: for the ledger of a clock, where the year is plain from the page; `ends_day` as for `moment`."""
    local, clock = _day_and_clock(at, zone, ends_day)
    return f"{local:%m-%d} {clock}"


def full_moment(at: datetime | None, zone: ZoneInfo = CHINA) -> str:
    """The whole instant with its zone, for a title."""
    return "—" if at is None else f"{as_utc(at).astimezone(zone):%Y-%m-%d %H:%M:%S} {zone.key}"


def day(value: date | datetime | None, zone: ZoneInfo = CHINA) -> str:
    """`2026-11-23`; of an instant, its date in the zone."""
    if value is None:
        return "—"
    return f"{value.astimezone(zone):%Y-%m-%d}" if isinstance(value, datetime) else value.isoformat()


def duration(seconds: int | float | None) -> str:
    """`2 h 10 min`, `3 d 4 h`, `45 s`: at most two units, cut, never rounded up."""
    if seconds is None:
        return "—"
    whole = int(abs(seconds))
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    if days:
        return _("%(days)s d %(hours)s h", days=days, hours=hours) if hours else _("%(days)s d", days=days)
    if hours:
        if minutes:
            return _("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
        return _("%(hours)s h", hours=hours)
    if minutes:
        return _("%(minutes)s min", minutes=minutes)
    return _("%(seconds)s s", seconds=secs)


def _day_and_clock(at: datetime, zone: ZoneInfo, ends_day: bool) -> tuple[datetime, str]:
    local = as_utc(at).astimezone(zone)
    clock = f"{local:%H:%M}"
    return (local - timedelta(days=1), "24:00") if ends_day and clock == "00:00" else (local, clock)
