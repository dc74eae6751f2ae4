"""Makes each account's reports when they are due, and those that were missed while the desk was down.

One that cannot be made is tried again after growing delays, and the account's managers are told of it once.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from service_desk.jobs.runner import Fault, Tally, each, guarded
from service_desk.models.db import unit_of_work
from service_desk.rules.report_document import Report
from service_desk.services.reports import faults, runs, schedules
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
    unread = Tally(failed=sum(isinstance(look, Fault) for look in looks))
    due = runs.not_made(wanted)
    # Read before the first unit of work, after which a row is stale.
    tries = faults.to_try(due, faults.faults_of(due), now)
    made = sum((_make(one, now) for one in tries), unread)
    return made + _tell(due, now)


def _tell(due: Sequence[Due], now: datetime) -> Tally:
    """Tell of what fails for long. It is no report: what is told is not counted, what cannot be told is."""
    late = faults.to_tell(faults.faults_of(runs.not_made(due)), now)
    return Tally(failed=each(NAME, late, partial(faults.tell, now=now)).failed)


def _make(due: Due, now: datetime) -> Tally:
    """Work a report out while others write, then keep it."""
    report = guarded(NAME, due.account_id, partial(runs.work_out, due, now))
    if report is None:
        return Tally()
    kept = report if isinstance(report, Fault) else guarded(NAME, due, partial(_keep, due, report, now))
    if not isinstance(kept, Fault):
        return Tally(done=1)
    each(NAME, [due], partial(faults.note, code=kept.code, now=now))
    return Tally(failed=1)


def _keep(due: Due, report: Report, now: datetime) -> None:
    with unit_of_work():
        runs.make_scheduled(due, now=now, report=report)
        faults.forget(due)
