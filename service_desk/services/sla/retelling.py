"""Taking back what was told of a timer, once its ledger says otherwise."""

from datetime import datetime

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.sla import SlaEvent, Timer
from service_desk.rules.sla import HappeningKind, TimerFacts
from service_desk.services import notices
from service_desk.services.sla import ledger


def take_back_told(timer: Timer, facts: TimerFacts, now: datetime) -> None:
    """Forget happenings that were told and are not so, or the sweep would keep silent when they come true.

    Those that still hold get their true instants. A stopped clock keeps what was told while it ran, but for a
    breach that was none and the escalations of it.
    """
    true_at = {happening.code: happening.at for happening in facts.happenings if happening.at <= now}
    for event in db.session.scalars(select(SlaEvent).where(SlaEvent.timer_id == timer.id)).all():
        if event.kind in true_at:
            event.at = true_at[event.kind]
        elif event.kind.startswith(HappeningKind.PAUSE_END):
            # The sweep wrote the resumption down: the rules no longer derive the pause's end, and it holds.
            continue
        elif facts.ended_at is None or (facts.breached_at is None and event.kind != HappeningKind.WARNING):
            db.session.delete(event)
            dedupe = f"timer:{timer.id}:{event.kind}"
            notices.take_back(dedupe, matter=ledger.matter_of(timer), now=now)
    db.session.flush()
