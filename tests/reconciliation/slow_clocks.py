"""Clocks counted one by one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.reconciliation.records import Clock, Review, Rows
from tests.reconciliation.span import Days, Groups, Sums, sums

_OPEN = ("running", "paused")


@dataclass(frozen=True)
class Judged:
    """A clock with its review, and when its promise was broken: told or not."""

    clock: Clock
    review: Review | None
    broken_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.clock.state in _OPEN


def judged_clocks(rows: Rows, account_id: int, now: datetime) -> list[Judged]:
    """The account's clocks but for those of reviews."""
    reviews: Mapping[int, Review] = {one.timer_id: one for one in rows["breach_reviews"]}
    return [
        Judged(one, reviews.get(one.id), _broken_at(one, now))
        for one in rows["timers"]
        if one.account_id == account_id and one.step != "breach_review"
    ]


def _broken_at(clock: Clock, now: datetime) -> datetime | None:
    """At the due instant itself a promise can still be kept."""
    if clock.breached_at:
        return clock.breached_at
    is_over = clock.state in _OPEN and clock.due_at is not None and clock.due_at < now.replace(microsecond=0)
    return clock.due_at if is_over else None


def count_clocks(clocks: Iterable[Judged], days: Days) -> Groups[Sums]:
    """By branch; a clock knows no vehicle."""
    found = sums()
    for one in clocks:
        clock, broken_at = one.clock, one.broken_at
        to = found.at(clock.branch_id, None)
        if clock.state == "met" and days.has(clock.stopped_at):
            to.more("kept")
            to.more(f"kept_{clock.step}")
        if days.has(broken_at):
            to.more("broken")
            to.more(f"broken_{clock.step}")
            to.more(f"waiting_{clock.step}", one.is_open)
        if broken_at and broken_at < days.until:
            is_done = clock.stopped_at is not None and clock.stopped_at < days.until
            to.more("late", not is_done)
            is_signed = one.review is not None and one.review.signed_at < days.until
            to.more("unreviewed", not is_signed)
        if clock.state == "running" and not clock.breached_at and clock.warn_at and clock.due_at:
            to.more("at_risk", clock.warn_at <= days.now.replace(microsecond=0) <= clock.due_at)
    return found
