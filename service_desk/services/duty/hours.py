"""Which hours of an account want somebody on duty: its working calendar, and when nights begin and end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.sla import CalendarVersion, WorkingCalendarRow
from service_desk.rules.calendar import WorkingCalendar, calendar_from_json
from service_desk.rules.duty import DutyHours, DutyKind, Turn, kind_of_day, turns
from service_desk.rules.sla import OFFICE
from service_desk.services import settings


@dataclass(frozen=True)
class Schedule:
    """The hours of an account. Without a calendar every day is a working day."""

    calendar_code: str
    hours: DutyHours
    calendar: WorkingCalendar | None
    dated: frozenset[date]

    def kind_of(self, day: date) -> DutyKind:
        """The kind of duty that begins on a day."""
        is_working = self.calendar is None or not self.calendar.is_rest_day(day)
        return kind_of_day(is_working=is_working, is_dated=day in self.dated)

    def turns(self, from_on: date, to_on: date) -> list[Turn]:
        """The hours from one day to another that want somebody."""
        if self.calendar is None:
            return list(turns(from_on, to_on, self.kind_of, self.hours))
        return list(turns(from_on, to_on, self.kind_of, self.hours, self.calendar.zone))


def schedule_of(account_id: int) -> Schedule:
    """What is kept for an account, else the office's calendar and 17:30 to 08:30. The caller has checked access."""
    kept: Mapping[str, Any] = settings.read(_key(account_id), {})
    code = kept.get("calendar", OFFICE)
    hours = DutyHours(
        begins=time.fromisoformat(kept.get("begins", "17:30")),
        ends=time.fromisoformat(kept.get("ends", "08:30")),
    )
    statement = (
        select(CalendarVersion.form)
        .join(WorkingCalendarRow, WorkingCalendarRow.digest == CalendarVersion.digest)
        .where(WorkingCalendarRow.code == code)
    )
    form = db.session.scalar(statement)
    if form is None:
        return Schedule(code, hours, None, frozenset())
    dated = frozenset(date.fromisoformat(day) for day in form.get("holidays", ()))
    return Schedule(code, hours, calendar_from_json(form), dated)


def keep(account_id: int, calendar_code: str, hours: DutyHours) -> None:
    """Keep what the last plan was made with: gaps are judged by it."""
    begins, ends = (one.isoformat("minutes") for one in (hours.begins, hours.ends))
    settings.write(_key(account_id), {"calendar": calendar_code, "begins": begins, "ends": ends})


def calendars() -> list[WorkingCalendarRow]:
    """The calendars a plan can follow, by code."""
    return list(db.session.scalars(select(WorkingCalendarRow).order_by(WorkingCalendarRow.code)))


def _key(account_id: int) -> str:
    return f"duty_hours:{account_id}"
