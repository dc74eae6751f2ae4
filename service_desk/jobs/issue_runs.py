"""Every few seconds: large orders are issued, portion by portion, by any number of workers."""

from datetime import datetime

import structlog
from sqlalchemy.exc import OperationalError

from service_desk.jobs.runner import Fault, Tally, guarded
from service_desk.models.db import db, unit_of_work
from service_desk.services.policies import runs

log = structlog.get_logger()

NAME = "issue_runs"
# A run of the job ends after so many portions, for each is issued at the job's own instant; the next goes on.
MOST_PORTIONS = 8


def run(now: datetime, *, most: int = MOST_PORTIONS) -> Tally:
    """Issue what waits, the oldest portion first."""
    tally = Tally()
    for _ in range(most):
        of_portion = run_portion(now)
        if of_portion is None:
            break
        tally += of_portion
    return tally


def run_portion(now: datetime) -> Tally | None:
    """Issue the oldest portion that waits; None when there is none.

    One that fails is split, so that the vehicle at fault does not hold up the others. When the database itself
    does not answer, it stays taken for a moment and is tried again.
    """
    if runs.find_waiting(now) is None:
        return None
    with unit_of_work():
        portion_id = runs.claim_portion(now)
    if portion_id is None:
        return None
    done = guarded(NAME, portion_id, lambda: _issue(portion_id, now))
    if not isinstance(done, Fault):
        return Tally(done=1)
    if done.reason.startswith(OperationalError.__name__):
        return Tally(failed=1)
    db.session.rollback()
    split = guarded(NAME, portion_id, lambda: _split(portion_id, now))
    log.warning("issue_portion_split", portion_id=portion_id, split=not isinstance(split, Fault))
    return Tally(failed=1)


def _issue(portion_id: int, now: datetime) -> None:
    with unit_of_work():
        runs.issue_portion(portion_id, now)


def _split(portion_id: int, now: datetime) -> None:
    with unit_of_work():
        runs.split_portion(portion_id, now)
