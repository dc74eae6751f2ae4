"""Which process runs the jobs, and each job's run in each slot: never two, whatever is restarted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from service_desk.models.db import db
from service_desk.models.settings import JobRun, SchedulerLease

NAME = "scheduler"
LASTS = timedelta(seconds=15)


@dataclass(frozen=True)
class SchedulerState:
    """Whether some process holds the lease, and until when."""

    is_alive: bool
    until_iso: str | None


def take_or_renew(holder: str, *, now: datetime) -> bool:
    """Take the lease when it is free or ours; one conditional UPDATE decides between processes."""
    taken = db.session.execute(
        update(SchedulerLease)
        .where(SchedulerLease.name == NAME, (SchedulerLease.holder == holder) | (SchedulerLease.until < now))
        .values(holder=holder, until=now + LASTS)
    )
    if taken.rowcount:  # type: ignore[attr-defined]
        return True
    if db.session.scalar(select(SchedulerLease.name).where(SchedulerLease.name == NAME)):
        return False
    try:
        with db.session.begin_nested():
            db.session.add(SchedulerLease(name=NAME, holder=holder, until=now + LASTS))
    except IntegrityError:
        return False
    return True


def give_up(holder: str, *, now: datetime) -> None:
    """Let the next process take over at once (a clean stop)."""
    db.session.execute(
        update(SchedulerLease)
        .where(SchedulerLease.name == NAME, SchedulerLease.holder == holder)
        .values(until=now - timedelta(seconds=1))
    )


def state(now: datetime) -> SchedulerState:
    """The lease as the health check tells it."""
    until = db.session.scalar(select(SchedulerLease.until).where(SchedulerLease.name == NAME))
    return SchedulerState(until is not None and until >= now, until.isoformat() if until else None)


def begin_slot(job: str, slot: str, *, now: datetime) -> JobRun | None:
    """Open a job's run for a slot; None when the slot was run before."""
    run = JobRun(job=job, slot=slot, started_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(run)
    except IntegrityError:
        return None
    return run
