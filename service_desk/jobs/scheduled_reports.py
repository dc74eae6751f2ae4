"""Makes each account's reports when they are due, and those that were missed while the desk was down."""

from datetime import datetime
from functools import partial

from service_desk.jobs.runner import Fault, Tally, each, guarded
from service_desk.models.db import unit_of_work
from service_desk.services.reports import runs, schedules

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
    return faults + each(NAME, runs.not_made(wanted), partial(runs.make_scheduled, now=now))
