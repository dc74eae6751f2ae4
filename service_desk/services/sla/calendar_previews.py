"""A change of a calendar looked at before it is saved: which open clocks it would move, if they were recomputed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.calendar import calendar_from_json
from service_desk.services.sla import ledger
from service_desk.services.sla.calendar_edits import Change, Plan, plan_change
from service_desk.services.sla.calendars import Content
from service_desk.services.sla.moves import Move, find_moves, people_holding


@dataclass(frozen=True)
class Preview:
    """A plan and what it means for the open clocks that count by the calendar.

    `moves` are the clocks that would move, the soonest due first; `broken_count` of the others are broken
    already and would not, whatever is changed. `people` holds who has them, by id.
    """

    plan: Plan
    open_count: int
    broken_count: int
    moves: tuple[Move, ...]
    people: dict[int, User]


def preview_change(code: str, change: Change, *, version: int, actor: User, now: datetime) -> Preview:
    """Say what a change would do, and refuse what `plan_change` refuses. Nothing is written."""
    plan = plan_change(code, change, version=version, actor=actor, now=now)
    timers = _open_timers(code)
    found = _moves(timers, plan.after, now)
    moved = sorted(_by_this_change(found, plan, now), key=_soonest)
    return Preview(
        plan=plan,
        open_count=len(timers),
        broken_count=sum(move.is_broken for move in found),
        moves=tuple(moved),
        people=people_holding(moved),
    )


def _moves(timers: Sequence[Timer], content: Content, now: datetime) -> list[Move]:
    calendar = calendar_from_json(content.form)
    return find_moves(timers, lambda timer: (ledger.target_of(timer), calendar), now)


def _by_this_change(found: Iterable[Move], plan: Plan, now: datetime) -> list[Move]:
    """The clocks that move, without those an earlier change would take to the same due time."""
    moved = [move for move in found if move.shift_seconds]
    earlier = [move.timer for move in moved if move.timer.calendar_digest != plan.calendar.digest]
    without = {move.timer.id: move.new for move in _moves(earlier, plan.before, now)}
    return [move for move in moved if move.new != without.get(move.timer.id)]


def _open_timers(code: str) -> list[Timer]:
    """The open clocks that count by a calendar, whoever's they are: a calendar is everybody's."""
    statement = select(Timer).where(Timer.calendar_code == code, Timer.state.in_(ledger.OPEN_STATES))
    return list(db.session.scalars(statement.order_by(Timer.id)))


def _soonest(move: Move) -> tuple[datetime, int]:
    return move.old.due_at or datetime.max.replace(tzinfo=UTC), move.timer.id
