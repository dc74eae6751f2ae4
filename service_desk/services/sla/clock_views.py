"""The clocks of a matter with all that a page says of them: level and why, holder, calendar."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from service_desk.base.clock import local_date
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel, Timer, WorkingCalendarRow
from service_desk.models.users import User
from service_desk.rules.sla import Condition, deciding_conditions
from service_desk.services.sla import calendars, levels


@dataclass(frozen=True)
class ClockView:
    """A clock, the level it was started under and why that one, and who holds it.

    `covered` is whom the holder stands in for. `is_provisional`: the due time rests on rest days that were not
    announced when it started.
    """

    timer: Timer
    level: ServiceLevel
    deciding: tuple[Condition, ...]
    account: KeyAccount
    calendar: WorkingCalendarRow
    holder: User
    covered: User | None
    is_provisional: bool


def view_clocks(timers: Sequence[Timer]) -> list[ClockView]:
    """The clocks with what belongs to them, in a bounded number of queries, in the order given.

    The caller has checked that their matters are visible.
    """
    if not timers:
        return []
    known_levels = _levels(timers)
    accounts = _by_id(KeyAccount, {timer.account_id for timer in timers})
    holders = {user_id for timer in timers for user_id in (timer.holder_id, timer.covered_id) if user_id}
    people = _by_id(User, holders)
    books = {calendar.code: calendar for calendar in calendars.list_calendars()}
    return [
        ClockView(
            timer=timer,
            level=known_levels[timer.level_id],
            deciding=_deciding(timer, known_levels),
            account=accounts[timer.account_id],
            calendar=books[timer.calendar_code],
            holder=people[timer.holder_id],
            covered=people[timer.covered_id] if timer.covered_id else None,
            is_provisional=calendars.counts_on_provisional(timer),
        )
        for timer in timers
    ]


def _levels(timers: Sequence[Timer]) -> dict[int, ServiceLevel]:
    """The levels the clocks were started under, and those they might have been started under."""
    rivals = ServiceLevel.step.in_({timer.step for timer in timers}) & or_(
        ServiceLevel.account_id.is_(None), ServiceLevel.account_id.in_({timer.account_id for timer in timers})
    )
    chosen = ServiceLevel.id.in_({timer.level_id for timer in timers})
    return {row.id: row for row in db.session.scalars(select(ServiceLevel).where(or_(rivals, chosen)))}


def _by_id(model: Any, ids: Collection[int]) -> dict[int, Any]:
    return {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(ids)))}


def _deciding(timer: Timer, known: dict[int, ServiceLevel]) -> tuple[Condition, ...]:
    """By what was known when the clock started. Levels of that day are kept, so it can be asked for ever."""
    facts = levels.matter_facts(
        timer.step,
        on=local_date(timer.started_at),
        account_id=timer.account_id,
        severity=timer.severity,
        is_urban=timer.is_urban,
        amount_fen=timer.amount_fen,
    )
    rivals = [row for row in known.values() if row.account_id in (None, timer.account_id)]
    chosen = levels.as_rule(known[timer.level_id])
    return deciding_conditions(chosen, [levels.as_rule(row) for row in rivals], facts)
