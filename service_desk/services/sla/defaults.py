"""The calendars, service levels and causes a new desk begins with; all of it is editable afterwards."""

from datetime import date, datetime

from sqlalchemy import func, select

from service_desk.adapters.statutory_days import statutory_year
from service_desk.base.clock import CHINA, local_date
from service_desk.base.money import to_fen
from service_desk.models.db import db
from service_desk.models.sla import BreachCause, ServiceLevel, WorkingCalendarRow
from service_desk.rules.sla import DEFAULT_CALENDARS, DEFAULT_CAUSES, DEFAULT_LEVELS, Level
from service_desk.rules.sla.defaults import DefaultCalendar
from service_desk.services.sla import calendars
from service_desk.services.sla.calendar_edits import Plan, carry_out, with_statutory_year
from service_desk.services.sla.calendars import Content

FIRST_STATUTORY_YEAR = 2024
_LEVELS_HOLD_FROM = date(FIRST_STATUTORY_YEAR, 1, 1)
_NAMES = {
    "24x7": ("全天候", "Round the clock"),
    "office": ("办公日历", "Office hours"),
    "calendar-days": ("法定期限日历", "Calendar days by law"),
}


def install_defaults(now: datetime) -> None:
    """Create the starting calendars, levels and causes, and fill statutory days up to next year.

    Calling it again adds only what is missing: a calendar, level or cause people changed stays as it is, and
    provisional days give way to the State Council's notice once the package knows it.
    """
    for default in DEFAULT_CALENDARS:
        _install_calendar(default, now)
    if not db.session.scalar(select(func.count()).select_from(ServiceLevel)):
        db.session.add_all(_level_row(level) for level in DEFAULT_LEVELS)
        db.session.flush()
    if not db.session.scalar(select(func.count()).select_from(BreachCause)):
        db.session.add_all(
            BreachCause(code=code, name=name, name_en=name_en, ordinal=ordinal)
            for ordinal, (code, name, name_en) in enumerate(DEFAULT_CAUSES, start=1)
        )
        db.session.flush()


def _install_calendar(default: DefaultCalendar, now: datetime) -> None:
    calendar = db.session.scalar(select(WorkingCalendarRow).where(WorkingCalendarRow.code == default.code))
    is_new = calendar is None
    if calendar is None:
        name, name_en = _NAMES[default.code]
        week = {weekday: [list(span) for span in spans] for weekday, spans in default.week.items()}
        calendar = WorkingCalendarRow(
            code=default.code, name=name, name_en=name_en, zone=CHINA.key, week=week
        )
        db.session.add(calendar)
        db.session.flush()
    before = calendars.content_of(calendar)
    after = before
    if default.keeps_statutory_days:
        for year in range(FIRST_STATUTORY_YEAR, local_date(now).year + 2):
            after = _with_better_days(after, year)
    if is_new or before != after or not calendars.is_sealed(calendar):
        carry_out(Plan(calendar, before, after), now)


def _with_better_days(content: Content, year: int) -> Content:
    """The year's statutory days, unless it has days as good or better."""
    known = [said.is_provisional for said in content.days_of(year).values() if said.source]
    statutory = statutory_year(year)
    if known and (statutory.is_provisional or not all(known)):
        return content
    return with_statutory_year(content, statutory, year)


def _level_row(level: Level) -> ServiceLevel:
    return ServiceLevel(
        step=level.step,
        is_urban=level.is_urban,
        amount_from_fen=None if level.amount_from is None else to_fen(level.amount_from),
        amount_to_fen=None if level.amount_to is None else to_fen(level.amount_to),
        target_value=level.target.value,
        target_unit=level.target.unit,
        warn_percent=level.target.warn_percent,
        escalate_after_minutes=list(level.target.escalate_after_minutes),
        calendar_code=level.calendar_code,
        source=level.source,
        effective_on=_LEVELS_HOLD_FROM,
    )
