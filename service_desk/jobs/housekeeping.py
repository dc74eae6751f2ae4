"""Deletes what only mattered for a while: sign-in attempts, idempotency keys, finished runs of jobs."""

from datetime import datetime, timedelta

from sqlalchemy import delete

from service_desk.jobs.runner import Tally
from service_desk.models.db import db, unit_of_work
from service_desk.models.users import SignInAttempt, Submission
from service_desk.services import leases

# The audit trail keeps every successful sign-in; the attempts serve the lockout and a look back.
ATTEMPTS_KEPT = timedelta(days=90)
# A form left open over a long holiday must still not make a second record.
SUBMISSIONS_KEPT = timedelta(days=60)
RUNS_KEPT = timedelta(days=400)


def run(now: datetime) -> Tally:
    """Delete what is past its time."""
    with unit_of_work():
        attempts = db.session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - ATTEMPTS_KEPT))
        submissions = db.session.execute(delete(Submission).where(Submission.at < now - SUBMISSIONS_KEPT))
        runs = leases.forget_slots(now - RUNS_KEPT)
    return Tally(done=attempts.rowcount + submissions.rowcount + runs)  # type: ignore[attr-defined]
