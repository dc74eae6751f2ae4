"""Judging a timer anew after its ledger was put right, with all that follows from another verdict."""

from datetime import datetime
from typing import Any

from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.services.sla import ledger, retelling, telling, timers


def rejudge(timer: Timer, *, actor: User | None, now: datetime) -> dict[str, tuple[Any, Any]]:
    """Bring a timer up to date with entries that were changed, and answer what that changed on its row.

    A breach that comes out of it is told with its true instant and must be reviewed. One that no longer is
    leaves the lists, and the clock of its review is cancelled; a review signed before stays as it is.
    """
    before = timers.shown(timer)
    entries = ledger.entries_of([timer.id])[timer.id]
    facts = ledger.refresh(timer, ledger.events_of(entries), now)
    timer.started_at = facts.started_at
    retelling.take_back_told(timer, facts, now)
    telling.tell_due(timer, facts, now=now)
    if timer.breached_at is None:
        timers.drop_review_clock(timer, actor=actor, now=now)
    return timers.changes_since(before, timer)
