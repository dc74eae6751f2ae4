"""Where open clocks would move if they counted on another promise or calendar; nothing here moves one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerEntry, TimerState
from service_desk.models.users import User
from service_desk.rules.calendar import WorkingCalendar
from service_desk.rules.sla import Target, TimerFacts, evaluate
from service_desk.rules.sla.history import whole_second
from service_desk.services.sla import ledger

Terms = tuple[Target, WorkingCalendar]
# Databases bound the number of values in one condition.
_BATCH = 1000


@dataclass(frozen=True)
class Standing:
    """When an open clock is due, or while it stands, how many seconds are left when it runs again."""

    due_at: datetime | None
    left_seconds: int | None


@dataclass(frozen=True)
class Move:
    """An open clock as it stands and as it would be. A promise already broken does not move."""

    timer: Timer
    old: Standing
    new: Standing
    is_broken: bool

    @property
    def shift_seconds(self) -> int:
        """By how much the due time moves, or what is left grows; negative when it is sooner or less."""
        if self.old.due_at and self.new.due_at:
            return int((self.new.due_at - self.old.due_at).total_seconds())
        return (self.new.left_seconds or 0) - (self.old.left_seconds or 0)


def find_moves(timers: Sequence[Timer], terms_of: Callable[[Timer], Terms], now: datetime) -> list[Move]:
    """Judge open timers on other terms, in the order given; their entries are read a thousand timers at a time."""
    return [
        move
        for first in range(0, len(timers), _BATCH)
        for move in _moves(timers[first : first + _BATCH], terms_of, now)
    ]


def is_broken(timer: Timer, now: datetime) -> bool:
    """Whether an open timer's promise is broken, told by a sweep or not yet."""
    is_late = timer.due_at is not None and whole_second(now) > timer.due_at
    return is_late or timer.breached_at is not None


def people_holding(moves: Iterable[Move]) -> dict[int, User]:
    """Who holds the clocks, by id."""
    ids = {move.timer.holder_id for move in moves}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def _moves(timers: Sequence[Timer], terms_of: Callable[[Timer], Terms], now: datetime) -> Iterator[Move]:
    entries = ledger.entries_of([timer.id for timer in timers])
    for timer in timers:
        if is_broken(timer, now):
            stands = Standing(timer.due_at, timer.left_seconds)
            yield Move(timer, stands, stands, is_broken=True)
        else:
            yield _move(timer, entries[timer.id], terms_of(timer), now)


def _move(timer: Timer, entries: Sequence[TimerEntry], terms: Terms, now: datetime) -> Move:
    events = ledger.events_of(entries)
    facts = evaluate(events, *terms, now)
    if facts.state is timer.state:
        old = Standing(timer.due_at, timer.left_seconds)
    else:
        # A pause has run out by itself since the row was written.
        old = _standing(evaluate(events, ledger.target_of(timer), ledger.calendar_of(timer), now))
    return Move(timer, old, _standing(facts), is_broken=False)


def _standing(facts: TimerFacts) -> Standing:
    return Standing(facts.due_at, facts.remaining_seconds if facts.state is TimerState.PAUSED else None)
