"""Working calendars, and the fixed versions that timers count on. `calendar_edits` changes them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm.attributes import flag_modified

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.models.sla import CalendarDay, CalendarVersion, Timer, WorkingCalendarRow
from service_desk.rules.calendar import WorkingCalendar, Written, calendar_from_json

FIRST_YEAR, LAST_YEAR = 2004, 2099


@dataclass(frozen=True)
class DayContent:
    """What a calendar says of one date: closed without hours. `source` is empty for what a person entered."""

    hours: Written
    label: str
    source: str = ""
    is_provisional: bool = False


@dataclass(frozen=True)
class Content:
    """All that a calendar says, kept or only planned. `week` holds the open weekdays."""

    zone: str
    week: Mapping[str, Written]
    days: Mapping[date, DayContent]

    @property
    def form(self) -> dict[str, Any]:
        """The content as versions keep it and the rules read it, dates in order."""
        days = sorted(self.days.items())
        form = {
            "tz": self.zone,
            "week": dict(self.week),
            "holidays": [day.isoformat() for day, said in days if not said.hours],
            "extra": {day.isoformat(): said.hours for day, said in days if said.hours},
        }
        return form if self.announced_to is None else {**form, "announced_to": self.announced_to}

    @property
    def announced_to(self) -> int | None:
        """The last year whose statutory days are announced; None for a calendar that keeps none."""
        filled = [day.year for day, said in self.days.items() if said.source]
        open_years = [day.year for day, said in self.days.items() if said.is_provisional]
        return min(open_years) - 1 if open_years else max(filled, default=None)

    def days_of(self, year: int) -> dict[date, DayContent]:
        """The dates of one year that differ from their weekday, in order."""
        return {day: said for day, said in sorted(self.days.items()) if day.year == year}


def list_calendars() -> list[WorkingCalendarRow]:
    """All calendars, by code."""
    return list(db.session.scalars(select(WorkingCalendarRow).order_by(WorkingCalendarRow.code)))


def get_calendar(code: str) -> WorkingCalendarRow:
    """One calendar; NotFound for an unknown code."""
    calendar = db.session.scalar(select(WorkingCalendarRow).where(WorkingCalendarRow.code == code))
    if calendar is None:
        raise NotFound("not_found")
    return calendar


def names_of(code: str) -> tuple[str, str]:
    """A calendar's Chinese and English name; its code twice for an unknown one.

    Names never change, so a session asks for each only once, however many clocks a page shows.
    """
    known: dict[str, tuple[str, str]] = db.session.info.setdefault("calendar_names", {})
    if code not in known:
        statement = select(WorkingCalendarRow.name, WorkingCalendarRow.name_en)
        row = db.session.execute(statement.where(WorkingCalendarRow.code == code)).one_or_none()
        known[code] = (row.name, row.name_en) if row else (code, code)
    return known[code]


def content_of(calendar: WorkingCalendarRow) -> Content:
    """All that a calendar says today."""
    days = db.session.scalars(select(CalendarDay).where(CalendarDay.calendar_id == calendar.id))
    return Content(
        zone=calendar.zone,
        week=calendar.week,
        days={row.day: DayContent(row.hours, row.label, row.source, row.is_provisional) for row in days},
    )


def list_versions(code: str) -> list[CalendarVersion]:
    """Every version a calendar has had, the oldest first."""
    statement = select(CalendarVersion).where(CalendarVersion.code == code)
    return list(db.session.scalars(statement.order_by(CalendarVersion.number)))


def version_of(digest: str) -> CalendarVersion:
    """A calendar as it once was."""
    return db.session.get_one(CalendarVersion, digest)


@dataclass(frozen=True)
class _Compiled:
    """A version ready to be asked. `announced_to`: the last year whose statutory days are announced."""

    calendar: WorkingCalendar
    announced_to: int | None

    def is_provisional(self, from_at: datetime, due_at: datetime) -> bool:
        if self.announced_to is None:
            return False
        zone = self.calendar.zone
        # A term that ends at 24:00 ends on the day before that midnight.
        last = local_date(due_at - timedelta(seconds=1), zone).year
        return any(year > self.announced_to for year in range(local_date(from_at, zone).year, last + 1))


# Digests name contents, so entries never go stale; the number of versions is small.
_compiled: dict[str, _Compiled] = {}


def _version(digest: str) -> _Compiled:
    return _compiled.get(digest) or _compiled.setdefault(digest, _compile(digest))


def _compile(digest: str) -> _Compiled:
    form = version_of(digest).form
    return _Compiled(calendar_from_json(form), form.get("announced_to"))


def working_calendar(digest: str) -> WorkingCalendar:
    """The compiled calendar of a version. Its content never changes, so it is built once a process."""
    return _version(digest).calendar


def depends_on_provisional(calendar_code: str, from_at: datetime, due_at: datetime) -> bool:
    """Whether a due time counted on the calendar as it is today reaches a year not yet announced.

    For a clock that runs ask `counts_on_provisional`: it keeps the version it was started under.
    """
    return _version(current_digest(calendar_code)).is_provisional(from_at, due_at)


def counts_on_provisional(timer: Timer, due_at: datetime | None = None) -> bool:
    """Whether a timer's due time (`due_at` where its row is behind) rests on days its calendar version had unannounced.

    Costs no query once the version is known to the process, so lists may ask it for each row. A clock whose
    year has been announced since still rests on the old days, until a manager has it recomputed.
    """
    due_at = due_at or timer.due_at
    if due_at is None:
        return False
    return _version(timer.calendar_digest).is_provisional(timer.started_at, due_at)


def current_digest(code: str) -> str:
    """The version a clock started now counts on; NotFound for an unknown calendar."""
    digest = db.session.scalar(select(WorkingCalendarRow.digest).where(WorkingCalendarRow.code == code))
    if digest is None:
        raise NotFound("not_found")
    return digest


def current_digests() -> dict[str, str]:
    """The latest version of every calendar, by its code."""
    rows = db.session.execute(select(WorkingCalendarRow.code, WorkingCalendarRow.digest))
    return {code: digest for code, digest in rows if digest is not None}


def seal(calendar: WorkingCalendarRow, now: datetime) -> None:
    """Fix the calendar's present content as a version that clocks can name; an earlier version may come back."""
    form = content_of(calendar).form
    digest = _digest(calendar.code, form)
    if db.session.get(CalendarVersion, digest) is None:
        number = select(func.count() + 1).where(CalendarVersion.code == calendar.code)
        values = {"digest": digest, "code": calendar.code, "form": form, "made_at": now}
        db.session.execute(insert(CalendarVersion).values(**values, number=db.session.scalars(number).one()))
    calendar.digest = digest
    # A day is another table's row: without the mark a changed day would leave the calendar's version as it was.
    flag_modified(calendar, "digest")
    db.session.flush()


def is_sealed(calendar: WorkingCalendarRow) -> bool:
    """Whether the calendar's latest version says what the calendar says."""
    return calendar.digest == _digest(calendar.code, content_of(calendar).form)


def _digest(code: str, form: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([code, form], sort_keys=True).encode()).hexdigest()[:40]
