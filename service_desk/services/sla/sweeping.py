"""The sweep's two acts: take timers something is due on, and say what each has to say."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.rules.sla import Happening
from service_desk.services.sla import ledger, telling

# A worker that dies midway, or a row that cannot be checked, is tried again after this long.
TAKEN_FOR = timedelta(minutes=5)


def claim_due_timers(now: datetime, *, batch: int = 200) -> list[int]:
    """Take up to `batch` timers on which something is due, the longest due first; answer their ids.

    One conditional UPDATE: another worker finds the rows no longer due, on SQLite because writers wait for
    each other, on PostgreSQL because the condition is asked again once the row's lock is free. Commit at
    once, then check each in a unit of work of its own.
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


def check_timer(timer_id: int, now: datetime) -> list[Happening]:
    """Tell what has become due on one timer, with the true instants, and set when to look again."""
    timer = db.session.get_one(Timer, timer_id, with_for_update=True, populate_existing=True)
    return telling.tell_due(timer, ledger.facts_of(timer, now), now=now)
