"""Who consumed the clock: the segments of a timer and their sums."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service_desk.rules.calendar import WorkingCalendar
from service_desk.rules.sla.history import Stretch, replay
from service_desk.rules.sla.terms import LedgerEvent, PauseReason, Segment


@dataclass(frozen=True)
class Spent:
    """Working seconds before and after the due time."""

    before_due: int = 0
    after_due: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.before_due + self.after_due

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.before_due + other.before_due, self.after_due + other.after_due)


@dataclass(frozen=True)
class Consumption:
    """Running time by holder, standing time by reason, in the order they first appear."""

    by_holder: Mapping[int, Spent]
    by_reason: Mapping[PauseReason, Spent]

    @property
    def total(self) -> Spent:
        """The running time of all holders; what a pause kept off the clock is not in it."""
        return sum(self.by_holder.values(), Spent())

    @property
    def users(self) -> set[int]:
        """Everybody with running time of their own, be it a second."""
        return {holder_id for holder_id, spent in self.by_holder.items() if spent.total}

    def share(self, holder_id: int) -> float:
        """The part of all running time this holder used, 0 to 1; 0 when nothing has been used."""
        used = self.by_holder.get(holder_id, Spent()).total
        return used / self.total.total if self.total.total else 0.0


def ledger(
    events: Iterable[LedgerEvent], calendar: WorkingCalendar, now: datetime, due_at: datetime | None
) -> list[Segment]:
    """Cut the time line at every event, and measure each segment before and after the due time.

    `calendar` is the one the target counts on: `measuring_calendar(target, calendar)`.
    """
    return measured(replay(events, now).stretches, calendar, due_at)


def measured(
    stretches: Iterable[Stretch], calendar: WorkingCalendar, due_at: datetime | None
) -> list[Segment]:
    """Measure stretches; without a due time all of them lie before it."""
    return [_segment(stretch, calendar, due_at) for stretch in stretches]


def consumption(segments: Iterable[Segment]) -> Consumption:
    """Sum up who used the clock and what it waited for."""
    by_holder: dict[int, Spent] = {}
    by_reason: dict[PauseReason, Spent] = {}
    for segment in segments:
        spent = Spent(segment.seconds_before_due, segment.seconds_after_due)
        if segment.reason is None:
            by_holder[segment.holder_id] = by_holder.get(segment.holder_id, Spent()) + spent
        else:
            by_reason[segment.reason] = by_reason.get(segment.reason, Spent()) + spent
    return Consumption(by_holder, by_reason)


def _segment(stretch: Stretch, calendar: WorkingCalendar, due_at: datetime | None) -> Segment:
    from_at, to_at = stretch.from_at, stretch.to_at
    if due_at is None or to_at <= due_at:
        before, after = calendar.between(from_at, to_at), 0
    elif due_at <= from_at:
        before, after = 0, calendar.between(from_at, to_at)
    else:
        before, after = calendar.between(from_at, due_at), calendar.between(due_at, to_at)
    return Segment(from_at, to_at, stretch.holder_id, stretch.reason, before + after, before, after)
