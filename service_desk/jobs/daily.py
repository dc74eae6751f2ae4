"""Jobs of once a day: run at the first chance after their time, on any day the desk is up, never twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from service_desk.base.clock import CHINA, as_utc
from service_desk.jobs.runner import Job, Tally
from service_desk.models.db import unit_of_work
from service_desk.services import leases


@dataclass(frozen=True)
class DailyJob:
    """A job and the local time from which its day's run is due."""

    name: str
    job: Job
    due_at: time
    zone: ZoneInfo = CHINA


def run_due(daily: DailyJob, now: datetime, *, clock: Callable[[], datetime]) -> Tally:
    """Run today's slot if its time has come and nobody has run it; `clock` tells when it is finished.

    The slot is taken in a transaction of its own before the work begins, so that of two processes one runs.
    """
    local = as_utc(now).astimezone(daily.zone)
    slot = local.date().isoformat()
    if local.time() < daily.due_at or not leases.is_slot_open(daily.name, slot):
        return Tally()
    with unit_of_work():
        run_id = leases.begin_slot(daily.name, slot, now=now)
    if run_id is None:
        return Tally()
    tally = daily.job(now)
    with unit_of_work():
        leases.finish_slot(run_id, done=tally.done, failed=tally.failed, now=clock())
    return tally
