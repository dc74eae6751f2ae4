"""Segments of clocks that stopped before segments were kept: written afterwards, so that hours can be summed."""

from datetime import datetime

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerSegment
from service_desk.rules.sla import evaluate
from service_desk.services.sla import ledger


def fill_missing_segments(limit: int, *, after_id: int = 0, now: datetime) -> list[int]:
    """Keep the segments of up to `limit` stopped clocks that have none, by id from `after_id` on; answer their ids.

    Fewer than `limit`: there are no more. A clock that stopped in the second it started has no segment and is
    not one of them. Writes only what follows from the entries.
    """
    kept = select(TimerSegment.id).where(TimerSegment.timer_id == Timer.id)
    timers = db.session.scalars(
        select(Timer)
        .where(Timer.id > after_id, Timer.stopped_at > Timer.started_at, ~kept.exists())
        .order_by(Timer.id)
        .limit(limit)
    ).all()
    entries = ledger.entries_of(timer.id for timer in timers)
    for timer in timers:
        events = ledger.events_of(entries[timer.id])
        facts = evaluate(events, ledger.target_of(timer), ledger.calendar_of(timer), now)
        ledger.keep_segments(timer, facts)
    return [timer.id for timer in timers]
