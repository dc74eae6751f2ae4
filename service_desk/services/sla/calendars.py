"""Working calendars as people edit them, and the fixed versions that timers count on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import extract, func, insert, select
from sqlalchemy.orm.attributes import flag_modified

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.sla import CalendarDay, CalendarVersion, Timer, WorkingCalendarRow
from service_desk.models.users import User
from service_desk.rules.calendar import WorkingCalendar, calendar_from_json, spans_from_json
from service_desk.rules.permissions import Action
from service_desk.services import access, audit

FIRST_YEAR, LAST_YEAR = 2004, 2099


@dataclass(frozen=True)
class SetDay:
    """A dated exception: `hours` such as (("08:30", "12:00"),); none is a closed day."""

    day: date
    hours: tuple[tuple[str, str], ...]
    label: str


def list_calendars() -> list[WorkingCalendarRow]:
    """All calendars, by code."""
    return list(db.session.scalars(select(WorkingCalendarRow).order_by(WorkingCalendarRow.code)))


def get_calendar(code: str) -> WorkingCalendarRow:
    """One calendar; NotFound for an unknown code."""
    calendar = db.session.scalar(select(WorkingCalendarRow).where(WorkingCalendarRow.code == code))
    if calendar is None:
        raise NotFound("not_found")
    return calendar


def list_days(calendar_id: int, year: int) -> list[CalendarDay]:
    """A calendar's exceptions of one year, by date."""
    statement = select(CalendarDay).where(
        CalendarDay.calendar_id == calendar_id, extract("year", CalendarDay.day) == year
    )
    return list(db.session.scalars(statement.order_by(CalendarDay.day)))


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


def counts_on_provisional(timer: Timer) -> bool:
    """Whether a timer's due time rests on days that were not announced in the version it counts on.

    Costs no query once the version is known to the process, so lists may ask it for each row. A clock whose
    year has been announced since still rests on the old days, until a manager has it recomputed.
    """
    if timer.due_at is None:
        return False
    return _version(timer.calendar_digest).is_provisional(timer.started_at, timer.due_at)


def current_calendar(code: str) -> WorkingCalendar:
    """The calendar as it is today, for rules that ask for working or rest days."""
    return working_calendar(current_digest(code))


def current_digest(code: str) -> str:
    """The version a clock started now counts on; NotFound for an unknown calendar."""
    digest = db.session.scalar(select(WorkingCalendarRow.digest).where(WorkingCalendarRow.code == code))
    if digest is None:
        raise NotFound("not_found")
    return digest


def set_week(
    code: str, week: Mapping[str, list[list[str]]], *, version: int, actor: User, now: datetime
) -> WorkingCalendarRow:
    """Change the weekly hours. Clocks already started keep theirs.

    Invalid: calendar_hours_invalid, calendar_never_open. Conflict("stale") when `version` is not the
    calendar's any more.
    """
    calendar = _to_edit(code, version, actor)
    kept = {name: pairs for name, pairs in week.items() if pairs}
    calendar_from_json({"tz": calendar.zone, "week": kept})
    changes = audit.change(calendar, week=kept)
    if changes:
        seal(calendar, now)
        audit.record("calendar_week_set", calendar, actor=actor, now=now, label=code, changes=changes)
    return calendar


def set_day(code: str, command: SetDay, *, version: int, actor: User, now: datetime) -> CalendarDay:
    """Add or replace a dated exception; what a person enters is not provisional."""
    calendar = _to_edit(code, version, actor)
    if not FIRST_YEAR <= command.day.year <= LAST_YEAR:
        raise Invalid("calendar_year_out_of_range", field="day", first=FIRST_YEAR, last=LAST_YEAR)
    hours = [list(pair) for pair in command.hours]
    spans_from_json(hours)
    day = _find_day(calendar.id, command.day) or CalendarDay(calendar_id=calendar.id, day=command.day)
    before = day.hours if day.id else None
    db.session.add(day)
    day.hours, day.label, day.source, day.is_provisional = hours, command.label, "", False
    seal(calendar, now)
    audit.record(
        "calendar_day_set",
        calendar,
        actor=actor,
        now=now,
        label=code,
        changes={command.day.isoformat(): (before, hours)},
    )
    return day


def remove_day(code: str, day: date, *, version: int, actor: User, now: datetime) -> None:
    """Take a dated exception away: the weekly hours hold on that date again."""
    calendar = _to_edit(code, version, actor)
    row = _find_day(calendar.id, day)
    if row is None:
        raise NotFound("not_found")
    db.session.delete(row)
    seal(calendar, now)
    changes = {day.isoformat(): (row.hours, None)}
    audit.record("calendar_day_removed", calendar, actor=actor, now=now, label=code, changes=changes)


def _to_edit(code: str, version: int, actor: User) -> WorkingCalendarRow:
    access.require(actor, Action.MANAGE_SETTINGS)
    calendar = get_calendar(code)
    if calendar.version != version:
        raise Conflict("stale")
    return calendar


def _find_day(calendar_id: int, day: date) -> CalendarDay | None:
    return db.session.scalar(
        select(CalendarDay).where(CalendarDay.calendar_id == calendar_id, CalendarDay.day == day)
    )


def seal(calendar: WorkingCalendarRow, now: datetime) -> None:
    """Fix the calendar's present content as a version that clocks can name."""
    form = _form(calendar)
    digest = hashlib.sha256(json.dumps([calendar.code, form], sort_keys=True).encode()).hexdigest()[:40]
    if db.session.get(CalendarVersion, digest) is None:
        number = select(func.count() + 1).where(CalendarVersion.code == calendar.code)
        values = {"digest": digest, "code": calendar.code, "form": form, "made_at": now}
        db.session.execute(insert(CalendarVersion).values(**values, number=db.session.scalars(number).one()))
    calendar.digest = digest
    # A day is another table's row: without the mark a changed day would leave the calendar's version as it was.
    flag_modified(calendar, "digest")
    db.session.flush()


def _form(calendar: WorkingCalendarRow) -> dict[str, Any]:
    """The calendar in the form the rules read, dates in order."""
    days = db.session.scalars(
        select(CalendarDay).where(CalendarDay.calendar_id == calendar.id).order_by(CalendarDay.day)
    ).all()
    form = {
        "tz": calendar.zone,
        "week": calendar.week,
        "holidays": [day.day.isoformat() for day in days if not day.hours],
        "extra": {day.day.isoformat(): day.hours for day in days if day.hours},
    }
    announced_to = _announced_to(days)
    return form if announced_to is None else {**form, "announced_to": announced_to}


def _announced_to(days: Iterable[CalendarDay]) -> int | None:
    """The last year whose days are announced; None for a calendar without statutory days."""
    filled = [day.day.year for day in days if day.source]
    open_years = [day.day.year for day in days if day.is_provisional]
    return min(open_years) - 1 if open_years else max(filled, default=None)
