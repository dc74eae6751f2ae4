"""Every morning: warns of meetings and visits that are due and not planned, and chases agreed items."""

from datetime import datetime

from service_desk.jobs.runner import Tally, each
from service_desk.services import accounts
from service_desk.services.relations import chasing, due

NAME = "relations_watch"


def run(now: datetime) -> Tally:
    """Do both for every account, apart from each other: one that fails does not keep the other back."""
    account_ids = accounts.active_account_ids()
    warned = each(NAME, account_ids, lambda account_id: due.warn(account_id, now=now))
    return warned + each(NAME, account_ids, lambda account_id: chasing.send_reminders(account_id, now=now))
