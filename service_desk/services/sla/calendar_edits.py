"""Changing a working calendar: each change is planned first, so that it can be looked at before it is saved.

A plan writes nothing. Saving makes a version for the clocks that start from now on and moves none that run
(`recompute` does that, on a manager's word).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from service_desk.adapters.statutory_days import StatutoryYear, statutory_year
from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.models.db import db
from service_desk.models.sla import CalendarDay, WorkingCalendarRow
from service_desk.models.users import User
from service_desk.rules.calendar import (
    Differences,
    Overlap,
    Written,
    differences,
    find_overlaps,
    hours_from_json,
    spans_from_json,
    written_span,
    zone_names,
)
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.sla import calendars
from service_desk.services.sla.calendars import FIRST_YEAR, LAST_YEAR, Content, DayContent

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")


@dataclass(frozen=True)
class SetWeek:
    """Other weekly hours, by weekday; a weekday without hours is off."""

    week: Mapping[str, Written]


@dataclass(frozen=True)
class SetDay:
    """A dated exception: `hours` such as (("08:30", "12:00"),); none is a closed day."""

    day: date
    hours: tuple[tuple[str, str], ...]
    label: str


@dataclass(frozen=True)
class RemoveDay:
    """Let the weekly hours hold on a date again."""

    day: date


@dataclass(frozen=True)
class FillYear:
    """Take a year's statutory days from the official calendar; days a person entered stay."""

    year: int


@dataclass(frozen=True)
class ConfirmYear:
    """Take a provisional year for announced, once a person has compared its days with the notice."""

    year: int


Change = SetWeek | SetDay | RemoveDay | FillYear | ConfirmYear


@dataclass(frozen=True)
class NewCalendar:
    """A calendar to make: its code is for good, clocks and levels name it."""

    code: str
    name: str
    name_en: str
    zone: str
    week: Mapping[str, Written]


@dataclass(frozen=True)
class Plan:
    """What a change would make of a calendar. `kept` are the days a fill leaves as a person entered them."""

    calendar: WorkingCalendarRow
    before: Content
    after: Content
    kept: tuple[date, ...] = ()

    @property
    def differences(self) -> Differences:
        """What changes for clocks."""
        return differences(self.before.form, self.after.form)

    @property
    def changed_days(self) -> list[date]:
        """The dates that would be written or taken away, in order."""
        before, after = self.before.days, self.after.days
        return sorted(day for day in before.keys() | after.keys() if before.get(day) != after.get(day))


_AUDITED: Mapping[type, str] = {
    SetWeek: "calendar_week_set",
    SetDay: "calendar_day_set",
    RemoveDay: "calendar_day_removed",
    FillYear: "calendar_year_filled",
    ConfirmYear: "calendar_year_confirmed",
}


def plan_change(code: str, change: Change, *, version: int, actor: User, now: datetime) -> Plan:
    """Say what a change would make of a calendar.

    Invalid, each with its field (the weekday, `day`, `hours`, `year`): calendar_hours_invalid,
    calendar_hours_overlap, calendar_never_open, calendar_year_out_of_range, calendar_year_not_known,
    calendar_year_not_provisional.
    Conflict("stale") when `version` is not the calendar's any more.
    """
    access.require(actor, Action.MANAGE_SETTINGS)
    calendar = calendars.get_calendar(code)
    if calendar.version != version:
        raise Conflict("stale")
    return _plan(calendar, change, now)


def change_calendar(code: str, change: Change, *, version: int, actor: User, now: datetime) -> Plan:
    """Carry a change out, as `plan_change` says it. Clocks already started keep their version."""
    access.require(actor, Action.MANAGE_SETTINGS)
    _lock(code)
    plan = plan_change(code, change, version=version, actor=actor, now=now)
    if plan.before == plan.after:
        return plan
    carry_out(plan, now)
    audit.record(
        _AUDITED[type(change)], plan.calendar, actor=actor, now=now, label=code, changes=_changes(plan)
    )
    return plan


def make_calendar(command: NewCalendar, *, actor: User, now: datetime) -> WorkingCalendarRow:
    """Make a calendar. InvalidMany names every field that is wrong: code, name, zone, weekdays."""
    access.require(actor, Action.MANAGE_SETTINGS)
    problems = [*_wrong_names(command), *_wrong_hours(command.week)]
    content = Content(command.zone, _open_weekdays(command.week), {})
    if not problems:
        problems = _problems(Content(command.zone, {}, {}), content)
    if problems:
        raise InvalidMany(problems)
    calendar = WorkingCalendarRow(
        code=command.code,
        name=command.name,
        name_en=command.name_en,
        zone=command.zone,
        week=dict(content.week),
    )
    try:
        with db.session.begin_nested():
            db.session.add(calendar)
    except IntegrityError:
        raise Invalid("calendar_code_taken", field="code", value=command.code) from None
    calendars.seal(calendar, now)
    shown = {name: (None, getattr(calendar, name)) for name in ("code", "name", "name_en", "zone", "week")}
    audit.record("calendar_made", calendar, actor=actor, now=now, label=command.code, changes=shown)
    return calendar


def with_statutory_year(content: Content, statutory: StatutoryYear, year: int) -> Content:
    """The content with a year's statutory days in place of those filled before; entered days stay."""
    others = {day: said for day, said in content.days.items() if day.year != year}
    filled = {
        day.day: DayContent(
            _make_up_hours(content.week) if day.is_working else [],
            day.name,
            statutory.source,
            statutory.is_provisional,
        )
        for day in statutory.days
    }
    return replace(content, days={**others, **filled, **_entered(content, year)})


def carry_out(plan: Plan, now: datetime) -> None:
    """Write what a plan says and fix it as a version."""
    calendar, after = plan.calendar, plan.after
    calendar.week = dict(after.week)
    changed = plan.changed_days
    db.session.execute(
        delete(CalendarDay).where(CalendarDay.calendar_id == calendar.id, CalendarDay.day.in_(changed))
    )
    db.session.add_all(
        CalendarDay(
            calendar_id=calendar.id,
            day=day,
            hours=after.days[day].hours,
            label=after.days[day].label,
            source=after.days[day].source,
            is_provisional=after.days[day].is_provisional,
        )
        for day in changed
        if day in after.days
    )
    db.session.flush()
    calendars.seal(calendar, now)


def last_year_to_fill(now: datetime) -> int:
    """The year after the next: farther ahead nothing is known but weekdays."""
    return local_date(now).year + 2


def _lock(code: str) -> None:
    """Of two who change a calendar at once, the second sees what the first did before a day is written twice."""
    held = select(WorkingCalendarRow).where(WorkingCalendarRow.code == code).with_for_update()
    db.session.execute(held.execution_options(populate_existing=True)).all()


def _plan(calendar: WorkingCalendarRow, change: Change, now: datetime) -> Plan:
    before = calendars.content_of(calendar)
    kept: tuple[date, ...] = ()
    if isinstance(change, FillYear):
        last = last_year_to_fill(now)
        if not FIRST_YEAR <= change.year <= last:
            raise Invalid("calendar_year_not_known", field="year", first=FIRST_YEAR, last=last)
        kept = tuple(_entered(before, change.year))
        after = with_statutory_year(before, statutory_year(change.year), change.year)
    else:
        after = _after(before, change)
    plan = Plan(calendar, before, after, kept)
    problems = _problems(plan.before, plan.after, on_day=isinstance(change, SetDay))
    if problems:
        raise InvalidMany(problems)
    return plan


def _after(content: Content, change: SetWeek | SetDay | RemoveDay | ConfirmYear) -> Content:
    if isinstance(change, SetWeek):
        problems = list(_wrong_hours(change.week))
        if problems:
            raise InvalidMany(problems)
        return replace(content, week=_open_weekdays(change.week))
    if isinstance(change, ConfirmYear):
        return _confirmed(content, change.year)
    if isinstance(change, RemoveDay):
        if change.day not in content.days:
            raise NotFound("not_found")
        left = {day: said for day, said in content.days.items() if day != change.day}
        return replace(content, days=left)
    if not FIRST_YEAR <= change.day.year <= LAST_YEAR:
        raise Invalid("calendar_year_out_of_range", field="day", first=FIRST_YEAR, last=LAST_YEAR)
    hours = [list(pair) for pair in change.hours]
    _read_hours(hours, "hours")
    return replace(content, days={**content.days, change.day: DayContent(hours, change.label)})


def _entered(content: Content, year: int) -> dict[date, DayContent]:
    return {day: said for day, said in content.days_of(year).items() if not said.source}


def _confirmed(content: Content, year: int) -> Content:
    unsure = {day for day, said in content.days_of(year).items() if said.is_provisional}
    if not unsure:
        raise Invalid("calendar_year_not_provisional", field="year", year=year)
    return replace(
        content,
        days={
            day: replace(said, is_provisional=False) if day in unsure else said
            for day, said in content.days.items()
        },
    )


def _wrong_names(command: NewCalendar) -> Iterator[Invalid]:
    if not _CODE.fullmatch(command.code):
        yield Invalid("calendar_code_invalid", field="code", value=command.code)
    elif db.session.scalar(select(WorkingCalendarRow.id).where(WorkingCalendarRow.code == command.code)):
        yield Invalid("calendar_code_taken", field="code", value=command.code)
    if not command.name:
        yield Invalid("calendar_name_missing", field="name")
    if command.zone not in zone_names():
        yield Invalid("calendar_zone_unknown", field="zone", value=command.zone)


def _wrong_hours(week: Mapping[str, Written]) -> Iterator[Invalid]:
    """What cannot be read, at its weekday, and a week without any hours at its Monday."""
    for name in WEEKDAYS:
        try:
            _read_hours(week.get(name, []), name)
        except Invalid as problem:
            yield problem
    if not any(week.values()):
        yield Invalid("calendar_never_open", field=WEEKDAYS[0])


def _read_hours(hours: Written, field: str) -> None:
    try:
        spans_from_json(hours)
    except Invalid as problem:
        raise Invalid(problem.code, field=field, **problem.params) from None


def _open_weekdays(week: Mapping[str, Written]) -> dict[str, Written]:
    return {name: week[name] for name in WEEKDAYS if week.get(name)}


def _problems(before: Content, after: Content, *, on_day: bool = False) -> list[Invalid]:
    """The overlaps a change brings; those that stood before do not keep other days from being mended."""
    known = set(_overlaps(before))
    return [
        Invalid(
            "calendar_hours_overlap",
            field="hours" if on_day else _weekday_to_mend(overlap, before),
            earlier_on=str(overlap.earlier.on),
            earlier=written_span(overlap.earlier.span),
            later_on=str(overlap.later.on),
            later=written_span(overlap.later.span),
        )
        for overlap in _overlaps(after)
        if overlap not in known
    ]


def _overlaps(content: Content) -> list[Overlap]:
    form = content.form
    return find_overlaps(hours_from_json(form["week"], form["holidays"], form["extra"]))


def _weekday_to_mend(overlap: Overlap, content: Content) -> str | None:
    """The weekday whose hours were typed: the later one, unless it is a date with hours of its own."""
    for placed in (overlap.later, overlap.earlier):
        if isinstance(placed.on, str):
            return placed.on
        if placed.on not in content.days:
            return WEEKDAYS[placed.on.weekday()]
    return None


def _make_up_hours(week: Mapping[str, Written]) -> Written:
    """A make-up day has the hours of the first weekday that is worked."""
    return next((week[name] for name in WEEKDAYS if week.get(name)), [])


def _changes(plan: Plan) -> dict[str, tuple[object, object]]:
    changes: dict[str, tuple[object, object]] = {}
    if plan.before.week != plan.after.week:
        changes["week"] = (plan.before.week, plan.after.week)
    if plan.before.announced_to != plan.after.announced_to:
        changes["announced_to"] = (plan.before.announced_to, plan.after.announced_to)
    for day in plan.changed_days:
        changes[day.isoformat()] = (_hours_on(plan.before, day), _hours_on(plan.after, day))
    return changes


def _hours_on(content: Content, day: date) -> Written | None:
    said = content.days.get(day)
    return said.hours if said else None
