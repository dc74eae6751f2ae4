"""Makes each account's weekly report when it is due, and those that were missed while the desk was down."""

from datetime import date, datetime

from service_desk.jobs.runner import Tally, each, unit_of_work
from service_desk.services.reports import runs, schedules


def run(now: datetime) -> Tally:
    """Make what is due: each account's week once, whichever process comes first."""
    if schedules.has_unscheduled():
        with unit_of_work():
            schedules.ensure_schedules(now)

    def make(due: tuple[int, date]) -> None:
        account_id, period_from = due
        runs.make_scheduled(account_id, period_from, now=now)

    return each("scheduled_reports", runs.list_due(now), make)
