"""Which clocks are judged again, and against what."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement

from service_desk.base.errors import Invalid, NotFound
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.sla import Target
from service_desk.services import access
from service_desk.services.sla import calendars
from service_desk.services.sla.compliance import ComplianceFilter
from service_desk.services.sla.compliance.wanted import Scope, open_scope


@dataclass(frozen=True)
class Question:
    """Clocks of one step, and the other promise: a target, a calendar or both; None keeps each clock's own."""

    of: ComplianceFilter
    level_id: int | None = None
    target: Target | None = None
    calendar_code: str | None = None

    @property
    def narrowing(self) -> list[ColumnElement[bool]]:
        """What the filter cannot say."""
        return [] if self.level_id is None else [Timer.level_id == self.level_id]


def open_question(question: Question, *, actor: User, now: datetime) -> Scope:
    """Check that the actor may ask, and that there is something to ask.

    Invalid: what_if_step_missing, what_if_same_promise, what_if_calendar_unknown.
    """
    access.require(actor, Action.REVIEW_BREACHES)
    scope = open_scope(question.of, actor=actor, now=now)
    if question.of.step is None:
        raise Invalid("what_if_step_missing", field="step")
    if question.target is None and question.calendar_code is None:
        raise Invalid("what_if_same_promise", field="target_value")
    if question.calendar_code is not None:
        digest_of(question.calendar_code)
    return scope


def digest_of(calendar_code: str) -> str:
    """The present version of the calendar asked about; Invalid("what_if_calendar_unknown")."""
    try:
        return calendars.current_digest(calendar_code)
    except NotFound:
        raise Invalid("what_if_calendar_unknown", field="calendar") from None
