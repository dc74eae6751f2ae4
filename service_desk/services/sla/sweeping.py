"""The sweep's two acts: take timers something is due on, and say what each has to say."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update

from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerState
from service_desk.rules.sla import Happening, evaluate
from service_desk.services.sla import ledger, next_due, telling

# A worker that dies midway, or a row that cannot be checked, is tried again after this long.
TAKEN_FOR = timedelta(minutes=5)


def claim_due_timers(now: datetime, *, batch: int = 200) -> list[int]:
    """Take up to `batch` timers on which something is due, the longest due first; answer their ids.

    One conditional UPDATE: another worker finds the rows no longer due, on SQLite because writers wait for
    each other, on PostgreSQL because the condition is asked again once the row's lock is free. Commit at
    once, then check them in another unit of work.
    """
    due = (
        select(Timer.id)
        .where(Timer.next_check_at <= now)
        .order_by(Timer.next_check_at, Timer.id)
        .limit(batch)
    )
    wanted = list(db.session.scalars(due))
    if not wanted:
        return []
    taken = set(
        db.session.scalars(
            update(Timer)
            .where(Timer.id.in_(wanted), Timer.next_check_at <= now)
            .values(next_check_at=now + TAKEN_FOR)
            .returning(Timer.id)
            .execution_options(synchronize_session=False)
        )
    )
    return [timer_id for timer_id in wanted if timer_id in taken]


def check_timers(timer_ids: Collection[int], now: datetime) -> list[int]:
    """Tell what has become due on many timers, and set when to look again; answer the ids of those checked.

    A timer somebody is just working on is left out: a batch holds many rows and must not wait for one.
    """
    wanted = set(timer_ids) - _of_claims_at_work(timer_ids)
    free = select(Timer).where(Timer.id.in_(wanted)).order_by(Timer.id).with_for_update(skip_locked=True)
    timers = list(db.session.scalars(free, execution_options={"populate_existing": True}))
    ids = [timer.id for timer in timers]
    _check(timers, now)
    return ids


def _of_claims_at_work(timer_ids: Collection[int]) -> set[int]:
    """Standing clocks whose claim somebody holds. Where a pause ends the claim's next due time changes, and claims
    are held before their clocks; the clocks that run on change nothing there.
    """
    standing = select(Timer.id, Timer.matter_id).where(
        Timer.id.in_(timer_ids), Timer.matter_kind == next_due.CLAIM, Timer.state == TimerState.PAUSED
    )
    claims = dict(db.session.execute(standing).tuples().all())
    held = next_due.hold_claims(set(claims.values()), skip_locked=True)
    return {timer_id for timer_id, claim_id in claims.items() if claim_id not in held}


def check_timer(timer_id: int, now: datetime) -> list[Happening]:
    """Tell what has become due on one timer, with the true instants, and set when to look again."""
    timer = db.session.get_one(Timer, timer_id, with_for_update=True, populate_existing=True)
    return _check([timer], now)


def _check(timers: Sequence[Timer], now: datetime) -> list[Happening]:
    ids = [timer.id for timer in timers]
    events, told = ledger.read_events(ids), ledger.told_of(ids)
    clocks, rows = [], []
    for timer in timers:
        facts = evaluate(events[timer.id], ledger.target_of(timer), ledger.calendar_of(timer), now)
        clock = telling.judged(timer, facts, told[timer.id], now)
        clocks.append(clock)
        values = ledger.row_values(facts, events[timer.id], now)
        rows.append((timer, {**values, "next_check_at": clock.next_check_at}))
    telling.tell(clocks, now=now)
    ledger.write_rows(rows)
    return [happening for clock in clocks for happening in clock.due]
