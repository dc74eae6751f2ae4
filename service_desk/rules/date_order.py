"""The order a claim's dates should have (domain.md section 3): what breaks it is listed, never mended in silence."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Milestone(StrEnum):
    """The dates of a claim in their due order."""

    LOSS = "loss"
    REPORT = "report"
    DISPATCH = "dispatch"
    ARRIVAL = "arrival"
    SURVEY = "survey"
    ASSESSMENT = "assessment"
    DOCUMENTS = "documents"
    CALCULATION = "calculation"
    APPROVAL = "approval"
    PAYMENT = "payment"
    CLOSING = "closing"
    FOLLOW_UP = "follow_up"


RANKS = {milestone: rank for rank, milestone in enumerate(Milestone)}


@dataclass(frozen=True)
class Disorder:
    """`later` should not lie before `earlier`, and does. `earlier` is the latest date of all that come before."""

    earlier: Milestone
    earlier_at: datetime
    later: Milestone
    later_at: datetime


def disorders(dates: Iterable[tuple[Milestone, datetime | None]]) -> list[Disorder]:
    """Every date that lies before one that should precede it, in the order of the milestones.

    Dates that are not there are passed over. People type minutes, so two dates within a minute are in order.
    """
    known = sorted(
        ((RANKS[milestone], at) for milestone, at in dates if at is not None), key=lambda one: one[0]
    )
    found: list[Disorder] = []
    latest: tuple[int, datetime] | None = None
    order = list(Milestone)
    for rank, at in known:
        if latest is not None and to_minute(at) < to_minute(latest[1]):
            found.append(Disorder(order[latest[0]], latest[1], order[rank], at))
        else:
            latest = (rank, at)
    return found


def to_minute(at: datetime) -> datetime:
    """The minute an instant lies in."""
    return at.replace(second=0, microsecond=0)
