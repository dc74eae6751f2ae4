"""The cover calendar: one vehicle's layers over a span, and the gaps and overlaps of a whole fleet."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from itertools import accumulate

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules.cover_calendar import LayerCalendar, LayerPeriod, days_touched, during, layer_calendar
from service_desk.rules.cover_needs import NeededTimes, Stretch
from service_desk.rules.cover_ratio import VehicleHistory
from service_desk.rules.coverage import Span
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import CoverCode
from service_desk.services import access
from service_desk.services.fleet import requirements
from service_desk.services.policies.histories import histories_of, vehicle_history

# Their histories are in memory together.
_VEHICLES_READ = 2_000


class FindingKind(StrEnum):
    """GAP: on the road without a required layer. OVERLAP: paid for twice. NOT_RENEWED: a gap yet to come."""

    GAP = "gap"
    OVERLAP = "overlap"
    NOT_RENEWED = "not_renewed"


@dataclass(frozen=True)
class Finding:
    """A gap or an overlap of one layer. `policies` are those that overlap, or the one that ended before a gap."""

    kind: FindingKind
    layer: CoverCode
    span: Span
    policies: tuple[LayerPeriod, ...] = ()

    @property
    def days(self) -> int:
        """The days on which it lies, in part at least."""
        return days_touched(self.span)


@dataclass(frozen=True)
class ShownLayer:
    """A layer of a vehicle's calendar. `findings` are its gaps while on the road, and its overlaps."""

    calendar: LayerCalendar
    is_required: bool
    findings: list[Finding]


@dataclass(frozen=True)
class FleetFinding:
    """A finding with its vehicle and the branch it belongs to now."""

    vehicle: Vehicle
    branch: Branch
    finding: Finding


def vehicle_calendar(vehicle: Vehicle, within: Span, *, now: datetime) -> list[ShownLayer]:
    """The layers a vehicle needs today or has had in the span. The caller has found it visible."""
    history = vehicle_history(vehicle.id, since=within.starts_at, until=within.ends_at)
    needed = _needed(vehicle.account_id, within).of(vehicle.use_class)
    had = {one.layer for one in history.periods}
    return [
        _shown(history, layer, within, needed.get(layer, []), now)
        for layer in CoverCode
        if layer in needed or layer in had
    ]


def _needed(account_id: int, within: Span) -> NeededTimes:
    first, last = local_date(within.starts_at), last_covered_day(within.ends_at)
    return NeededTimes(requirements.over_time(account_id, first, last))


def _shown(
    history: VehicleHistory, layer: CoverCode, within: Span, needed: Sequence[Stretch], now: datetime
) -> ShownLayer:
    calendar = layer_calendar(history.periods, layer, within)
    return ShownLayer(calendar, bool(needed), list(_findings(calendar, history, needed, now)))


@dataclass(frozen=True)
class FleetFindings:
    """Gaps and overlaps of the vehicles the actor sees, by branch, plate and time, a page at a time.

    What merely is not renewed yet is listed only when that kind is asked for. How many there are of each vehicle is
    counted when the first page is read; they are found anew for the vehicles of a page, so that no list of all is kept.
    """

    account_id: int
    within: Span
    actor: User
    now: datetime
    branch_id: int | None = None
    kind: FindingKind | None = None
    layer: CoverCode | None = None

    def read(self, page: PageRequest) -> Page[FleetFinding]:
        """One page of them."""
        counts = self._counts
        ends = list(accumulate(counts.values()))
        first, last = bisect_right(ends, page.offset), bisect_left(ends, page.offset + page.size)
        some = list(counts)[first : last + 1]
        skipped = page.offset - (ends[first - 1] if first else 0)
        rows = [one for ids in _cut(some) for one in self._rows(ids)]
        return Page(rows[skipped : skipped + page.size], sum(counts.values()), page.number, page.size)

    @cached_property
    def _counts(self) -> dict[int, int]:
        """The vehicles that have any, in order, with how many."""
        access.require(self.actor, Action.READ_RENEWALS)
        found = (self._of(ids) for ids in _cut(self._vehicle_ids()))
        return {id_: len(rows) for some in found for id_, rows in some.items() if rows}

    def _vehicle_ids(self) -> Sequence[int]:
        statement = (
            select(Vehicle.id)
            .join(Branch, Branch.id == Vehicle.branch_id)
            .where(Vehicle.account_id == self.account_id)
            .order_by(Branch.name, Vehicle.plate, Vehicle.id)
        )
        if self.branch_id is not None:
            statement = statement.where(Vehicle.branch_id.in_(access.branch_tree(self.branch_id)))
        visible = access.visible(self.actor, Action.READ_RENEWALS, statement, Vehicle)
        return db.session.scalars(visible).all()

    def _rows(self, ids: Sequence[int]) -> Iterator[FleetFinding]:
        statement = (
            select(Vehicle, Branch).join(Branch, Branch.id == Vehicle.branch_id).where(Vehicle.id.in_(ids))
        )
        known = {vehicle.id: (vehicle, branch) for vehicle, branch in db.session.execute(statement)}
        for vehicle_id, found in self._of(ids).items():
            vehicle, branch = known[vehicle_id]
            yield from (FleetFinding(vehicle, branch, one) for one in found)

    def _of(self, ids: Sequence[int]) -> dict[int, list[Finding]]:
        """What is wanted of each vehicle of a portion, in its order."""
        histories = histories_of(ids, since=self.within.starts_at, until=self.within.ends_at)
        return {
            id_: [
                one
                for one in findings_of(histories[id_], self._needed, self.within, self.now)
                if self._is_wanted(one)
            ]
            for id_ in ids
        }

    @cached_property
    def _needed(self) -> NeededTimes:
        return _needed(self.account_id, self.within)

    def _is_wanted(self, one: Finding) -> bool:
        of_kind = one.kind is self.kind if self.kind else one.kind is not FindingKind.NOT_RENEWED
        return of_kind and self.layer in (None, one.layer)


def _cut(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """The ids in their order, as many as a statement takes."""
    return (ids[start : start + _VEHICLES_READ] for start in range(0, len(ids), _VEHICLES_READ))


def findings_of(history: VehicleHistory, needs: NeededTimes, within: Span, now: datetime) -> list[Finding]:
    """Gaps of the layers a vehicle needed while it was on the road, and overlaps of any layer, in time."""
    needed = needs.of(history.use_class)
    by_layer: dict[CoverCode, list[LayerPeriod]] = {layer: [] for layer in needed}
    for one in history.periods:
        by_layer.setdefault(one.layer, []).append(one)
    found = [
        one
        for layer, periods in by_layer.items()
        for one in _findings(layer_calendar(periods, layer, within), history, needed.get(layer, ()), now)
    ]
    return sorted(found, key=lambda one: (one.span.starts_at, one.layer))


def _findings(
    calendar: LayerCalendar, history: VehicleHistory, needed: Sequence[Stretch], now: datetime
) -> Iterator[Finding]:
    on_road = [(stay.from_at, stay.to_at) for stay in history.operating]
    for gap in calendar.gaps:
        before = tuple(one for one in calendar.periods if one.ends_at == gap.starts_at)
        for span in (part for wanted in during(gap, needed) for part in during(wanted, on_road)):
            yield from _gap(calendar, span, before[:1], now)
    for overlap in calendar.overlaps:
        yield Finding(FindingKind.OVERLAP, calendar.layer, overlap.span, (overlap.first, overlap.second))


def _gap(
    calendar: LayerCalendar, span: Span, before: tuple[LayerPeriod, ...], now: datetime
) -> Iterator[Finding]:
    """What has passed is a gap, and so is a hole between terms; where no term follows, the time to come is not."""
    is_open = span.ends_at == calendar.within.ends_at
    passed = Span(span.starts_at, min(span.ends_at, now)) if is_open else span
    if passed.starts_at < passed.ends_at:
        yield Finding(FindingKind.GAP, calendar.layer, passed, before)
    if is_open and span.ends_at > now:
        to_come = Span(max(span.starts_at, now), span.ends_at)
        yield Finding(FindingKind.NOT_RENEWED, calendar.layer, to_come, before)
