"""Which process runs the jobs, and each job's run in each slot: never two, whatever is restarted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from service_desk.models.db import db
from service_desk.models.settings import JobRun, SchedulerLease

NAME = "scheduler"
# How long a dead leader is waited for. The holder renews it every two seconds.
LASTS = timedelta(seconds=8)
# No lease lasts as long: it was taken by a clock that went ahead and was set back. Clocks of machines differ by less.
_BY_A_WRONG_CLOCK = timedelta(minutes=10)
# A run that was begun this long ago and not finished died with its process; another may begin it again.
ABANDONED_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class SchedulerState:
    """Whether some process holds the lease, and until when."""

    is_alive: bool
    until_iso: str | None


def take_or_renew(holder: str, *, now: datetime) -> bool:
    """Take the lease when it is free or ours; one conditional UPDATE decides between processes."""
    is_free = (SchedulerLease.until < now) | (SchedulerLease.until > now + _BY_A_WRONG_CLOCK)
    taken = db.session.execute(
        update(SchedulerLease)
        .where(SchedulerLease.name == NAME, (SchedulerLease.holder == holder) | is_free)
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
    is_alive = until is not None and now <= until <= now + _BY_A_WRONG_CLOCK
    return SchedulerState(is_alive, until.isoformat() if until else None)


def begin_slot(job: str, slot: str, *, now: datetime) -> int | None:
    """Open a job's run for a slot and return its id; None when the slot was run before or is running.

    A run whose process died is given to the next caller after `ABANDONED_AFTER`.
    """
    run = JobRun(job=job, slot=slot, started_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(run)
    except IntegrityError:
        return _take_abandoned(job, slot, now)
    return run.id


def _take_abandoned(job: str, slot: str, now: datetime) -> int | None:
    taken = db.session.execute(
        update(JobRun)
        .where(
            JobRun.job == job,
            JobRun.slot == slot,
            JobRun.finished_at.is_(None),
            JobRun.started_at < now - ABANDONED_AFTER,
        )
        .values(started_at=now)
    )
    if not taken.rowcount:  # type: ignore[attr-defined]
        return None
    return db.session.scalar(select(JobRun.id).where(JobRun.job == job, JobRun.slot == slot))


def is_slot_open(job: str, slot: str) -> bool:
    """Whether the slot still has to be run: a look before a write transaction is begun for it."""
    finished = select(JobRun.id).where(
        JobRun.job == job, JobRun.slot == slot, JobRun.finished_at.is_not(None)
    )
    return db.session.scalar(finished) is None


def finish_slot(run_id: int, *, done: int, failed: int, now: datetime) -> None:
    """Close a job's run with its counts."""
    db.session.execute(
        update(JobRun).where(JobRun.id == run_id).values(finished_at=now, done=done, failed=failed)
    )


def forget_slots(before: datetime) -> int:
    """Delete the finished runs that began before an instant; their slots will never come again."""
    deleted = db.session.execute(
        delete(JobRun).where(JobRun.started_at < before, JobRun.finished_at.is_not(None))
    )
    return int(deleted.rowcount)  # type: ignore[attr-defined]
