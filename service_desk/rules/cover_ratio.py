"""The coverage ratio over days (覆盖率): vehicle-days covered among operating vehicle-days, by branch.

A day is judged as it ended: who was operating at its last instant, in which branch, and with every required layer
in force then. The day that runs is judged at the instant told, so that it says what every other page says now.
Days are bits of an integer: a term is a run of ones, and a year of a vehicle costs a few operations.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from service_desk.base.clock import end_of_day, local_date
from service_desk.rules.cover_calendar import LayerPeriod
from service_desk.rules.cover_needs import CoverNeeds
from service_desk.rules.metrics import Ratio
from service_desk.rules.vocabulary import UseClass

_MOMENT = timedelta(microseconds=1)


class Stay(NamedTuple):
    """A stretch of a vehicle's history, `to_at` excluded and None while it lasts: a branch, or a state."""

    from_at: datetime
    to_at: datetime | None
    value: int | str


@dataclass(frozen=True)
class VehicleHistory:
    """A vehicle as the ratio sees it. `operating` are the times it was on the road, whatever their value."""

    vehicle_id: int
    use_class: UseClass | None
    operating: Sequence[Stay]
    branches: Sequence[Stay]
    periods: Sequence[LayerPeriod]


class VehicleDays(NamedTuple):
    """A vehicle's days in one branch: on the road, and covered of those."""

    vehicle_id: int
    branch_id: int
    operating: int
    covered: int

    @property
    def missed(self) -> int:
        return self.operating - self.covered


class DayGrid:
    """The days that are judged, and the instant of each; days after that of `now` are left out."""

    def __init__(self, first: date, last: date, now: datetime) -> None:
        self.first = first
        self.last = min(last, local_date(now))
        count = max(0, (self.last - first).days + 1)
        self.samples = [
            min(end_of_day(first + timedelta(days=index)) - _MOMENT, now) for index in range(count)
        ]

    def bits(self, from_at: datetime, to_at: datetime | None) -> int:
        """The days whose instant lies in a stretch, `to_at` excluded."""
        samples = self.samples
        start = bisect_left(samples, from_at)
        end = len(samples) if to_at is None else bisect_left(samples, to_at)
        return (1 << end) - (1 << start) if end > start else 0


@dataclass(frozen=True)
class NeedsOnDays:
    """What is needed on some days of a grid, given as bits."""

    days: int
    needs: CoverNeeds


def needs_by_day(grid: DayGrid, needs_of: Sequence[tuple[date, CoverNeeds]]) -> list[NeedsOnDays]:
    """Spread versions over a grid: each `(first day, needs)` counts until the next; the first from the beginning."""
    edges = [max(0, (day - grid.first).days) for day, _ in needs_of]
    edges[0] = 0
    ends = [*edges[1:], len(grid.samples)]
    spread = []
    for (_, needs), start, end in zip(needs_of, edges, ends, strict=True):
        stop = min(end, len(grid.samples))
        if stop > start:
            spread.append(NeedsOnDays((1 << stop) - (1 << start), needs))
    return spread


def days_of(vehicle: VehicleHistory, grid: DayGrid, needed: Sequence[NeedsOnDays]) -> list[VehicleDays]:
    """Count a vehicle's days by branch; branches in which it had none on the road are left out."""
    operating = _union(grid, vehicle.operating)
    if not operating:
        return []
    covered = _covered(vehicle, grid, needed)
    by_branch: dict[int, int] = defaultdict(int)
    for stay in vehicle.branches:
        by_branch[int(stay.value)] |= grid.bits(stay.from_at, stay.to_at)
    return [
        VehicleDays(vehicle.vehicle_id, branch_id, own.bit_count(), (own & covered).bit_count())
        for branch_id, days in by_branch.items()
        if (own := operating & days)
    ]


def ratios_of(counted: Iterable[VehicleDays]) -> dict[int, Ratio]:
    """Vehicle-days covered among those on the road, by branch. Their sum is the ratio of the whole."""
    found: dict[int, Ratio] = defaultdict(Ratio)
    for one in counted:
        found[one.branch_id] += Ratio(one.covered, one.operating)
    return dict(found)


def _union(grid: DayGrid, stays: Iterable[Stay]) -> int:
    days = 0
    for stay in stays:
        days |= grid.bits(stay.from_at, stay.to_at)
    return days


def _covered(vehicle: VehicleHistory, grid: DayGrid, needed: Sequence[NeedsOnDays]) -> int:
    """The days on which every layer needed then was in force."""
    held: dict[str, int] = {}
    for one in vehicle.periods:
        days = grid.bits(one.starts_at, one.ends_at)
        if days:
            held[one.layer] = held.get(one.layer, 0) | days
    covered = 0
    for part in needed:
        days = part.days
        for layer in part.needs.layers_of(vehicle.use_class):
            days &= held.get(layer, 0)
        covered |= days
    return covered
