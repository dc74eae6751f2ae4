"""Reminds of offers that nobody has answered, and tells the managers of those that are late."""

from datetime import datetime

from service_desk.jobs.runner import Tally, each
from service_desk.services.enquiries import unanswered

NAME = "handover_reminders"


def run(now: datetime) -> Tally:
    """Tell what is due, an offer at a time."""
    return each(NAME, unanswered.list_due(now), lambda offer_id: unanswered.tell(offer_id, now=now))
