"""Announcing expiries: which reminder is due, whether cover was renewed, and how many vehicles were.

Days are counted from today to the last covered day, the date people see: on that day itself nought
are left, after it the number is negative.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from service_desk.base.errors import Invalid
from service_desk.rules.coverage import CoverPeriod
from service_desk.rules.metrics import Ratio

DEFAULT_LADDER = (60, 30, 15, 7)
"""Days before the last covered day on which a reminder goes out; an account may have its own."""

LONGEST_REMINDER = 120
"""The highest rung a ladder may have; the board looks as far ahead."""

RENEWS_WITHIN_DAYS = 90
"""A policy that begins later than this after the end is new business, not a renewal (desk rule)."""


class Bucket(StrEnum):
    """The columns of the renewals board."""

    OVERDUE = "overdue"
    WITHIN_7 = "within_7"
    WITHIN_15 = "within_15"
    WITHIN_30 = "within_30"
    WITHIN_60 = "within_60"
    WITHIN_90 = "within_90"
    WITHIN_120 = "within_120"
    LATER = "later"


BUCKET_DAYS: tuple[tuple[Bucket, int], ...] = (
    (Bucket.WITHIN_7, 7),
    (Bucket.WITHIN_15, 15),
    (Bucket.WITHIN_30, 30),
    (Bucket.WITHIN_60, 60),
    (Bucket.WITHIN_90, 90),
    (Bucket.WITHIN_120, 120),
)


class RenewalStatus(StrEnum):
    """DUE: not renewed, still covered. LAPSED: cover ended and nothing followed."""

    RENEWED = "renewed"
    DUE = "due"
    LAPSED = "lapsed"


class Outcome(StrEnum):
    """Why cover that ends is not renewed here, as recorded. It takes the vehicle's line off the list to do."""

    SWITCHED = "switched"
    SOLD = "sold"
    SUSPENDED = "suspended"
    NOT_RENEWING = "not_renewing"


@dataclass(frozen=True)
class RenewalFigures:
    """Distinct vehicles whose cover ends in a span: how many are due, renewed, and still to renew (domain.md section 7)."""

    due: int = 0
    renewed: int = 0
    to_renew: int = 0

    def __add__(self, other: "RenewalFigures") -> "RenewalFigures":
        return RenewalFigures(
            self.due + other.due, self.renewed + other.renewed, self.to_renew + other.to_renew
        )

    @property
    def lost(self) -> int:
        """Cover ended and nothing followed."""
        return self.due - self.renewed - self.to_renew

    @property
    def rate(self) -> Ratio:
        """Renewed among due (续保率)."""
        return Ratio(self.renewed, self.due)


def days_left(last_day: date, today: date) -> int:
    """Days from today to the last covered day; negative when cover has ended."""
    return (last_day - today).days


def ladder_of(days: Iterable[int]) -> list[int]:
    """A ladder as it is kept: each rung once, the farthest first.

    Invalid `reminder_days_invalid` for none, or for days that are not 1 to `LONGEST_REMINDER`.
    """
    rungs = sorted(set(days), reverse=True)
    if not rungs or rungs[0] > LONGEST_REMINDER or rungs[-1] < 1:
        raise Invalid("reminder_days_invalid", field="reminder_days", longest=LONGEST_REMINDER)
    return rungs


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

    A renewal that began late counts, up to `RENEWS_WITHIN_DAYS`; the days between are a gap, which the
    coverage check lists.
    """
    latest_start = cover.ends_at + timedelta(days=RENEWS_WITHIN_DAYS)
    if any(
        other.line == cover.line and other.ends_at > cover.ends_at and other.starts_at <= latest_start
        for other in others
    ):
        return RenewalStatus.RENEWED
    return RenewalStatus.DUE if moment < cover.ends_at else RenewalStatus.LAPSED


def status_of_vehicle(lines: Collection[RenewalStatus]) -> RenewalStatus:
    """What became of a vehicle, from what became of its lines that end in the span (at least one).

    It counts once, and as renewed when all of them were: one line left behind is missed cover.
    """
    if RenewalStatus.LAPSED in lines:
        return RenewalStatus.LAPSED
    return RenewalStatus.DUE if RenewalStatus.DUE in lines else RenewalStatus.RENEWED


def count_vehicles(vehicles: Iterable[Collection[RenewalStatus]]) -> RenewalFigures:
    """The figures of vehicles, each given by the statuses of its lines."""
    found = [status_of_vehicle(lines) for lines in vehicles]
    return RenewalFigures(len(found), found.count(RenewalStatus.RENEWED), found.count(RenewalStatus.DUE))
