"""Makes each account's reports when they are due, and those that were missed while the desk was down."""

from datetime import datetime
from functools import partial

from service_desk.jobs.runner import Fault, Tally, each, guarded
from service_desk.models.db import unit_of_work
from service_desk.services.reports import runs, schedules
from service_desk.services.reports.runs import Due

NAME = "scheduled_reports"


def run(now: datetime) -> Tally:
    """Make what is due: each account's report of a kind and period once, whichever process comes first."""
    if schedules.has_unscheduled():
        with unit_of_work():
            schedules.ensure_schedules(now)
    looks = [
        guarded(NAME, one.schedule_id, partial(runs.wanted, one, now)) for one in schedules.list_on_schedule()
    ]
    wanted = [due for look in looks if not isinstance(look, Fault) for due in look]
    faults = Tally(failed=sum(isinstance(look, Fault) for look in looks))
    return sum((_make(due, now) for due in runs.not_made(wanted)), faults)


def _make(due: Due, now: datetime) -> Tally:
    """Work a report out while others write, then keep it."""
    report = guarded(NAME, due.account_id, partial(runs.work_out, due, now))
    if isinstance(report, Fault):
        return Tally(failed=1)
    if report is None:
        return Tally()
    return each(NAME, [due], partial(runs.make_scheduled, now=now, report=report))
