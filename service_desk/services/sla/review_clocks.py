"""Every breach must be reviewed, and the review has a clock of its own: a manager's, not the holder's."""

from collections.abc import Sequence
from datetime import datetime

from service_desk.models.sla import Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.services.sla import starting
from service_desk.services.sla.people import People


def open_for(breached: Sequence[Timer], people: People, now: datetime) -> None:
    """Start the review clocks of breaches told now.

    They start when the breach is told: after an outage nobody could have known of it earlier. Where the
    account has no manager but the holder, nobody can review.
    """
    for timer in breached:
        managers = people.managers(timer.account_id)
        reviewer = next((user for user in managers if user.id != timer.holder_id), None)
        if reviewer is not None:
            starting.open_timer(
                starting.review_matter(timer),
                ClockStep.BREACH_REVIEW,
                holder_id=reviewer.id,
                at=now,
                actor=None,
                now=now,
            )
