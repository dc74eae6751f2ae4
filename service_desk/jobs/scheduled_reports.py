"""Makes each account's weekly report when it is due, and those that were missed while the desk was down."""

from datetime import datetime
from functools import partial

from service_desk.jobs.runner import Fault, Tally, each, guarded
from service_desk.models.db import unit_of_work
from service_desk.services.reports import runs, schedules

NAME = "scheduled_reports"


def run(now: datetime) -> Tally:
    """Make what is due: each account's week once, whichever process comes first."""
    if schedules.has_unscheduled():
        with unit_of_work():
            schedules.ensure_schedules(now)
    return sum((_make_due(account_id, now) for account_id in runs.list_on_schedule()), Tally())


def _make_due(account_id: int, now: datetime) -> Tally:
    due = guarded(NAME, account_id, lambda: runs.list_due(account_id, now))
    if isinstance(due, Fault):
        return Tally(failed=1)
    return each(NAME, due, partial(runs.make_scheduled, account_id, now=now))
