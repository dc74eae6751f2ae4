"""Keeps the month that is over of everybody's scorecard, and proposes the cards it gives."""

from datetime import datetime, time

from service_desk.jobs.runner import Tally, each
from service_desk.services import accounts, scorecards

NAME = "scorecards"
# After what is still told of the month's last day, before anybody is at work.
KEPT_AT = time(1, 0)


def run(now: datetime) -> Tally:
    """Keep every account's months that are due, each in a unit of work of its own."""
    due = [
        (account_id, month)
        for account_id in accounts.active_account_ids()
        for month in scorecards.due_months(account_id, now=now)
    ]
    return each(NAME, due, lambda one: scorecards.freeze(*one, now=now))
