"""Which clocks are judged again, and against what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement

from service_desk.base.errors import Invalid, InvalidMany, NotFound
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel, Timer
from service_desk.models.users import User
from service_desk.rules.calendar import (
    WorkingCalendar,
    calendar_from_json,
    find_overlaps,
    hours_from_json,
    spans_from_json,
    written_span,
)
from service_desk.rules.permissions import Action
from service_desk.rules.sla import Target
from service_desk.services import access
from service_desk.services.sla import calendars
from service_desk.services.sla.compliance import ComplianceFilter
from service_desk.services.sla.compliance.wanted import Scope, open_scope


@dataclass(frozen=True)
class Question:
    """Clocks of one step, and the other promise: a target, a calendar, weekly hours; None keeps each clock's own.

    `week` has other hours for some weekdays, `{"sat": [["08:30", "12:00"]]}`; the calendar's holidays and make-up
    days stay.
    """

    of: ComplianceFilter
    level_id: int | None = None
    target: Target | None = None
    calendar_code: str | None = None
    week: Mapping[str, list[list[str]]] = field(default_factory=dict)

    @property
    def narrowing(self) -> list[ColumnElement[bool]]:
        """What the filter cannot say."""
        return [] if self.level_id is None else [Timer.level_id == self.level_id]


def open_question(question: Question, *, actor: User, now: datetime) -> Scope:
    """Check that the actor may ask, and that there is something to ask.

    Invalid: what_if_step_missing, what_if_level_of_another_step, what_if_same_promise, what_if_calendar_unknown.
    InvalidMany, each at its weekday: calendar_hours_invalid, calendar_hours_overlap.
    """
    access.require(actor, Action.REVIEW_BREACHES)
    scope = open_scope(question.of, actor=actor, now=now)
    if question.of.step is None:
        raise Invalid("what_if_step_missing", field="step")
    if question.level_id is not None:
        level = db.session.get(ServiceLevel, question.level_id)
        if level is None or level.step is not question.of.step:
            raise Invalid("what_if_level_of_another_step", field="level")
    if question.target is None and question.calendar_code is None and not question.week:
        raise Invalid("what_if_same_promise", field="target_value")
    if question.calendar_code is not None:
        digest_of(question.calendar_code)
    _check_week(question.week)
    return scope


def digest_of(calendar_code: str) -> str:
    """The present version of the calendar asked about; Invalid("what_if_calendar_unknown")."""
    try:
        return calendars.current_digest(calendar_code)
    except NotFound:
        raise Invalid("what_if_calendar_unknown", field="calendar") from None


def calendar_for(question: Question, digest: str) -> WorkingCalendar:
    """A calendar version, with the weekly hours the question puts in place of its own."""
    if not question.week:
        return calendars.working_calendar(digest)
    form = calendars.version_of(digest).form
    return calendar_from_json({**form, "week": {**form["week"], **question.week}})


def _check_week(week: Mapping[str, list[list[str]]]) -> None:
    problems = [*_unreadable(week)] or [*_overlaps(week)]
    if problems:
        raise InvalidMany(problems)


def _unreadable(week: Mapping[str, list[list[str]]]) -> Iterator[Invalid]:
    for weekday, hours in week.items():
        try:
            spans_from_json(hours)
        except Invalid as problem:
            yield Invalid(problem.code, field=weekday, **problem.params)


def _overlaps(week: Mapping[str, list[list[str]]]) -> Iterator[Invalid]:
    for overlap in find_overlaps(hours_from_json(week, (), {})):
        yield Invalid(
            "calendar_hours_overlap",
            field=str(overlap.later.on),
            earlier_on=str(overlap.earlier.on),
            earlier=written_span(overlap.earlier.span),
            later_on=str(overlap.later.on),
            later=written_span(overlap.later.span),
        )
