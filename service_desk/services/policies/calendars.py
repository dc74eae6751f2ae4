"""The cover calendar: one vehicle's layers over a span, and the gaps and overlaps of a whole fleet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from service_desk.base.clock import local_date
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
from service_desk.services.policies.histories import account_histories, vehicle_history


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


def fleet_findings(
    account_id: int,
    within: Span,
    *,
    actor: User,
    now: datetime,
    branch_id: int | None = None,
    kind: FindingKind | None = None,
    layer: CoverCode | None = None,
) -> list[FleetFinding]:
    """Gaps and overlaps of the vehicles the actor sees, by branch, plate and time.

    What merely is not renewed yet is listed only when that kind is asked for.
    """
    access.require(actor, Action.READ_RENEWALS)
    statement = (
        select(Vehicle, Branch)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .where(Vehicle.account_id == account_id)
        .order_by(Branch.name, Vehicle.plate, Vehicle.id)
    )
    if branch_id is not None:
        statement = statement.where(Vehicle.branch_id.in_(access.branch_tree(branch_id)))
    vehicles = db.session.execute(access.visible(actor, Action.READ_RENEWALS, statement, Vehicle)).tuples()
    found = dict(account_findings(account_id, within, now=now))
    return [
        FleetFinding(vehicle, branch, one)
        for vehicle, branch in vehicles
        for one in found.get(vehicle.id, ())
        if (one.kind is kind if kind else one.kind is not FindingKind.NOT_RENEWED)
        and layer in (None, one.layer)
    ]


def account_findings(account_id: int, within: Span, *, now: datetime) -> Iterator[tuple[int, list[Finding]]]:
    """Each vehicle with gaps or overlaps, for no actor."""
    needed = _needed(account_id, within)
    for history in account_histories(account_id, since=within.starts_at, until=within.ends_at):
        found = findings_of(history, needed, within, now)
        if found:
            yield history.vehicle_id, found


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
