"""Sends dunning notices for accounts that want them every day: what reached a level since its last notice."""

from datetime import datetime

from service_desk.jobs.runner import Tally, each
from service_desk.services import accounts, premiums


def run(now: datetime) -> Tally:
    """Send what is due, an account at a time."""
    return each(
        "premium_dunning",
        accounts.active_account_ids(),
        lambda account_id: premiums.send_daily(account_id, now=now),
    )
