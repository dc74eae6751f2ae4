"""Segments of clocks that stopped before segments were kept: written afterwards, so that hours can be summed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerSegment
from service_desk.rules.sla import evaluate
from service_desk.services.sla import ledger


def list_without_segments(limit: int, *, after_id: int = 0) -> list[int]:
    """The ids of up to `limit` stopped clocks without segments, by id, from beyond `after_id`; fewer: no more.

    A clock that stopped in the second it started has no segment and is none of them.
    """
    kept = select(TimerSegment.id).where(TimerSegment.timer_id == Timer.id)
    statement = select(Timer.id).where(
        Timer.id > after_id, Timer.stopped_at > Timer.started_at, ~kept.exists()
    )
    return list(db.session.scalars(statement.order_by(Timer.id).limit(limit)))


def fill_segments(timer_ids: Sequence[int], *, now: datetime) -> None:
    """Keep the segments of stopped clocks, as they follow from their entries."""
    entries = ledger.entries_of(timer_ids)
    for timer in db.session.scalars(select(Timer).where(Timer.id.in_(timer_ids))).all():
        events = ledger.events_of(entries[timer.id])
        facts = evaluate(events, ledger.target_of(timer), ledger.calendar_of(timer), now)
        ledger.keep_segments(timer, facts)
