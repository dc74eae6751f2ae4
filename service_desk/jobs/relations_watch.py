"""Every morning: warns of meetings and visits not planned, chases agreed items, runs feedback forms and their replies."""

from datetime import datetime

from service_desk.jobs.runner import Tally, each
from service_desk.services import accounts
from service_desk.services.opinions import chasing as opinions
from service_desk.services.relations import chasing, due

NAME = "relations_watch"


def run(now: datetime) -> Tally:
    """Do each for every account, apart from each other: one that fails does not keep the other back."""
    account_ids = accounts.active_account_ids()
    warned = each(NAME, account_ids, lambda account_id: due.warn(account_id, now=now))
    chased = each(NAME, account_ids, lambda account_id: chasing.send_reminders(account_id, now=now))
    asked = each(NAME, account_ids, lambda account_id: opinions.run_campaigns(account_id, now=now))
    owed = each(NAME, account_ids, lambda account_id: opinions.send_reminders(account_id, now=now))
    return warned + chased + asked + owed
