"""Finds vehicles on the road without required cover, and follows them until they have it."""

from datetime import datetime, time

from service_desk.base.clock import CHINA, as_utc
from service_desk.jobs.runner import Tally, each
from service_desk.services import accounts, renewals

NOTICES_AT = time(7, 0)


def run(now: datetime) -> Tally:
    """The day's run: cases as cover stands now, then today's notices, an account at a time."""

    def act(account_id: int) -> None:
        renewals.watch(account_id, now=now)
        renewals.send_uninsured_notices(account_id, now=now)

    return each("uninsured_watch", accounts.active_account_ids(), act)


def run_pass(now: datetime) -> Tally:
    """A pass between: a vehicle that lost its cover, or was imported at noon, has its case within minutes.

    News go out once the day's notices have; what turns up at night waits for them.
    """
    is_day = as_utc(now).astimezone(CHINA).time() >= NOTICES_AT

    def act(account_id: int) -> None:
        opened = renewals.watch(account_id, now=now)
        if opened and is_day:
            renewals.send_uninsured_notices(account_id, now=now, only=opened)

    return each("missed_cover", accounts.active_account_ids(), act)
