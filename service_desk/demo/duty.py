"""The demo's duty roster: a year in turns, one exchange agreed and one asked for, a leave that the roster covers."""

from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.models.db import db
from service_desk.models.duty import DutyShift
from service_desk.models.sla import AbsenceKind
from service_desk.models.users import User
from service_desk.services.duty import planning, swaps
from service_desk.services.duty.planning import Plan
from service_desk.services.sla import absences
from service_desk.services.sla.absences import PlanAbsence

_IN_TURNS = ("claims1", "claims2", "claims3", "claims4", "manager2")
_PLANNED_BEFORE = timedelta(days=40)


def build_duty(group: Group, now: datetime) -> None:
    """Plan a year, exchange shifts, and let somebody take leave. After the claims: who had them is written already."""
    planned_at = now - _PLANNED_BEFORE
    people = tuple(group.users[name].id for name in _IN_TURNS)
    first = local_date(planned_at)
    year = Plan(first, first + timedelta(days=364), people)
    planning.plan(group.account.id, year, actor=group.users["manager"], now=planned_at)
    _exchange(group, now)
    _take_leave(group, now)


def _exchange(group: Group, now: datetime) -> None:
    """One that was agreed two days ago, one that waits for an answer."""
    claims1, claims2, claims3 = (group.users[name] for name in ("claims1", "claims2", "claims3"))
    asked_at = now - timedelta(days=2)
    mine, theirs = _next_shift(claims2, now, 3), _next_shift(claims3, now, 3)
    agreed = swaps.ask(mine.id, claims3.id, theirs.id, "当晚要送孩子返校", actor=claims2, now=asked_at)
    db.session.flush()
    swaps.accept(agreed.id, actor=claims3, now=asked_at + timedelta(hours=3))
    other = _next_shift(claims3, now, 20)
    swaps.ask(other.id, claims1.id, None, "周末去外地参加培训", actor=claims3, now=now - timedelta(hours=2))
    db.session.flush()


def _take_leave(group: Group, now: datetime) -> None:
    absent = group.users["claims4"]
    command = PlanAbsence(
        user_id=absent.id,
        substitute_id=None,
        kind=AbsenceKind.LEAVE,
        from_at=now - timedelta(minutes=20),
        to_at=now + timedelta(days=4),
        note="年休假",
    )
    absences.plan(command, actor=absent, now=now)
    db.session.flush()


def _next_shift(user: User, now: datetime, after_days: int) -> DutyShift:
    """Their first shift that begins so many days ahead or later."""
    statement = select(DutyShift).where(
        DutyShift.user_id == user.id, DutyShift.from_at > now + timedelta(days=after_days)
    )
    return db.session.scalars(statement.order_by(DutyShift.from_at).limit(1)).one()
