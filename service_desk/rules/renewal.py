"""Announcing expiries: which reminder is due, and whether a policy was renewed.

Days are counted from today to the last covered day, the date people see: on that day itself nought
are left, after it the number is negative.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from enum import StrEnum

from service_desk.rules.coverage import CoverPeriod

DEFAULT_LADDER = (60, 30, 15, 7)
"""Days before the last covered day on which a reminder goes out; an account may have its own."""


class Bucket(StrEnum):
    """The columns of the renewals board."""

    OVERDUE = "overdue"
    WITHIN_7 = "within_7"
    WITHIN_15 = "within_15"
    WITHIN_30 = "within_30"
    WITHIN_60 = "within_60"
    LATER = "later"


BUCKET_DAYS: tuple[tuple[Bucket, int], ...] = (
    (Bucket.WITHIN_7, 7),
    (Bucket.WITHIN_15, 15),
    (Bucket.WITHIN_30, 30),
    (Bucket.WITHIN_60, 60),
)


class RenewalStatus(StrEnum):
    """DUE: not renewed, still covered. LAPSED: cover ended and nothing followed."""

    RENEWED = "renewed"
    DUE = "due"
    LAPSED = "lapsed"


def days_left(last_day: date, today: date) -> int:
    """Days from today to the last covered day; negative when cover has ended."""
    return (last_day - today).days


def reminder_due(
    last_day: date, today: date, *, sent: Collection[int], ladder: Collection[int] = DEFAULT_LADDER
) -> int | None:
    """The rung of the ladder to be sent today, None for none.

    `sent` holds the rungs sent before for this expiry. When days were missed only the nearest rung
    reached is sent, so a desk that stood still sends one reminder and not four. After the last covered
    day nothing is due: the vehicle is then on the list of missed cover.
    """
    left = days_left(last_day, today)
    reached = [rung for rung in ladder if left <= rung]
    if left < 0 or not reached:
        return None
    nearest = min(reached)
    return None if any(rung <= nearest for rung in sent) else nearest


def bucket_of(last_day: date, today: date) -> Bucket:
    """The column of the renewals board an expiry stands in."""
    left = days_left(last_day, today)
    if left < 0:
        return Bucket.OVERDUE
    return next((bucket for bucket, days in BUCKET_DAYS if left <= days), Bucket.LATER)


def renewal_status(cover: CoverPeriod, others: Iterable[CoverPeriod], moment: datetime) -> RenewalStatus:
    """Say whether cover was renewed: another period of the same line runs on after it.

    A renewal that began late counts; the days between are a gap, which the coverage check lists.
    """
    if any(other.line == cover.line and other.ends_at > cover.ends_at for other in others):
        return RenewalStatus.RENEWED
    return RenewalStatus.DUE if moment < cover.ends_at else RenewalStatus.LAPSED
