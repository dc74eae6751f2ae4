"""Every half minute: what clocks have to say is said, once, at its true instant."""

from datetime import datetime

from service_desk.jobs.runner import Tally, together
from service_desk.models.db import unit_of_work
from service_desk.services import sla

NAME = "sla_sweep"
BATCH = 200


def run(now: datetime, *, batch: int = BATCH) -> Tally:
    """Check all timers that are due, the longest due first, in small batches.

    After an outage it works the backlog off in one run. A row that fails is left for a later run: it was
    taken, so it does not come up again in this one.
    """
    tally = Tally()
    while of_batch := run_batch(now, batch):
        tally += of_batch
    return tally


def run_batch(now: datetime, batch: int = BATCH) -> Tally | None:
    """Check the longest due timers; None when nothing is due."""
    with unit_of_work():
        taken = sla.claim_due_timers(now, batch=batch)
    if not taken:
        return None
    return together(
        NAME,
        taken,
        lambda timer_ids: sla.check_timers(timer_ids, now),
        lambda timer_id: sla.check_timer(timer_id, now),
    )
