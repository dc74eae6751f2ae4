"""Makes the digests that are due: one mail a day with what its reader let be held."""

from datetime import datetime

from service_desk.jobs.runner import Tally, each
from service_desk.services.notices import digests


def run(now: datetime) -> Tally:
    """Queue the digest of everyone whose time has come; one who fails keeps nobody else's back."""
    return each("notice_digests", digests.list_due(now), lambda user_id: digests.make(user_id, now=now))
