"""Announces expiries, once for each rung of an account's ladder, to branches and the group."""

from datetime import datetime

from service_desk.jobs.runner import Tally, each
from service_desk.services import accounts, renewals


def run(now: datetime) -> Tally:
    """Send what is due, an account at a time."""
    return each(
        "renewal_reminders",
        accounts.active_account_ids(),
        lambda account_id: renewals.send_reminders(account_id, now=now),
    )
