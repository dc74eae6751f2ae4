"""Finds vehicles on the road without required cover, every day until they have it."""

from datetime import datetime

from service_desk.jobs.runner import Tally, each
from service_desk.services import accounts, renewals


def run(now: datetime) -> Tally:
    """Send today's notices, an account at a time."""
    return each(
        "uninsured_watch",
        accounts.active_account_ids(),
        lambda account_id: renewals.send_uninsured_notices(account_id, now=now),
    )
