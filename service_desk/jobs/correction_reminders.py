"""Reminds of the corrections that reviews asked for, on their day and once they are late."""

from datetime import datetime

from service_desk.jobs.runner import Tally, each
from service_desk.services import accounts
from service_desk.services.sla import remedies


def run(now: datetime) -> Tally:
    """Send what is due, an account at a time."""
    return each(
        "correction_reminders",
        accounts.active_account_ids(),
        lambda account_id: remedies.send_reminders(account_id, now=now),
    )
