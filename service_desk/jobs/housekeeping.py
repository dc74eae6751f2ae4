"""Deletes what only mattered for a while (sign-in attempts, idempotency keys, finished runs of jobs, photos that a
phone sent by half), and keeps the segments of clocks that stopped before segments were kept.
"""

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete

from service_desk.jobs.runner import Tally, each
from service_desk.models.db import db, unit_of_work
from service_desk.models.users import SignInAttempt, Submission
from service_desk.services import leases
from service_desk.services.claims import phone_reports
from service_desk.services.sla.segments import fill_segments, list_without_segments

# The audit trail keeps every successful sign-in; the attempts serve the lockout and a look back.
ATTEMPTS_KEPT = timedelta(days=90)
# A form left open over a long holiday must still not make a second record.
SUBMISSIONS_KEPT = timedelta(days=60)
RUNS_KEPT = timedelta(days=400)
_CLOCKS_AT_A_TIME = 500


def run(now: datetime) -> Tally:
    """Delete what is past its time, and fill in what is missing."""
    return _delete_old(now) + _drop_half_sent(now) + _fill_segments(now)


def _delete_old(now: datetime) -> Tally:
    with unit_of_work():
        attempts = db.session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - ATTEMPTS_KEPT))
        submissions = db.session.execute(delete(Submission).where(Submission.at < now - SUBMISSIONS_KEPT))
        runs = leases.forget_slots(now - RUNS_KEPT)
    return Tally(done=attempts.rowcount + submissions.rowcount + runs)  # type: ignore[attr-defined]


def _drop_half_sent(now: datetime) -> Tally:
    with unit_of_work():
        dropped = phone_reports.drop_half_sent(now=now, files=current_app.extensions["file_store"])
    return Tally(done=dropped)


def _fill_segments(now: datetime) -> Tally:
    """All clocks without segments, a batch a transaction, so that no writer waits long.

    A batch with a clock that cannot be read is done clock by clock, so that only this one is left.
    """
    tally, last_id = Tally(), 0
    while timer_ids := list_without_segments(_CLOCKS_AT_A_TIME, after_id=last_id):
        last_id = timer_ids[-1]
        batch = each("fill_segments", [timer_ids], lambda ids: fill_segments(ids, now=now))
        if batch.failed:
            tally += each("fill_segments", timer_ids, lambda one: fill_segments([one], now=now))
        else:
            tally += Tally(done=len(timer_ids))
    return tally
