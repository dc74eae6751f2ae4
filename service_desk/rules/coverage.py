"""Which vehicle is covered when, and why a policy cannot be issued for one.

Periods are half-open: cover that ends at an instant no longer holds at that instant, so a renewal that
starts there leaves neither a gap nor an overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from service_desk.rules.metrics import Ratio
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import PolicyLine, UseClass

_PASSENGER_LAYERS = (PolicyLine.CTPL, PolicyLine.COMMERCIAL, PolicyLine.CARRIER_LIABILITY)
_OTHER_LAYERS = (PolicyLine.CTPL, PolicyLine.COMMERCIAL)

REQUIRED_LINES: dict[UseClass, tuple[PolicyLine, ...]] = {
    UseClass.COACH: _PASSENGER_LAYERS,
    UseClass.CITY_BUS: _PASSENGER_LAYERS,
    UseClass.TAXI_RENTAL: _PASSENGER_LAYERS,
    UseClass.GOODS: _OTHER_LAYERS,
    UseClass.NON_OPERATING: _OTHER_LAYERS,
}
"""The layers a vehicle needs to count as covered. CTPL and, for passenger carriers, carrier's liability are
law (CTPL Regulation art. 2, Road Transport Regulation art. 35); third-party liability is agreed with the
account, and the commercial policy carries it."""


@dataclass(frozen=True, order=True)
class CoverPeriod:
    """Cover of one line, `ends_at` excluded. `source` names it to the reader: our policy number, another's."""

    starts_at: datetime
    ends_at: datetime
    line: PolicyLine
    source: str = ""

    def holds(self, moment: datetime) -> bool:
        """Tell whether an instant is covered."""
        return self.starts_at <= moment < self.ends_at


@dataclass(frozen=True)
class Span:
    """A stretch of time, `ends_at` excluded."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class IssueFacts:
    """What a vehicle must have and be before a policy is issued. `state` is pending, operating, suspended or retired.

    `is_approved` counts for a pending one: the group has approved it, and the desk may insure it.
    """

    vin: str | None
    use_class: UseClass | None
    state: str
    is_approved: bool = False


@dataclass(frozen=True)
class Refusal:
    """One reason why a policy cannot be issued."""

    code: str
    params: dict[str, str | date] = field(default_factory=dict)


@dataclass(frozen=True)
class VehicleCover:
    """A vehicle as the coverage ratio sees it."""

    state: str
    use_class: UseClass | None
    periods: Sequence[CoverPeriod] = ()


def cover_at(periods: Iterable[CoverPeriod], line: PolicyLine, moment: datetime) -> CoverPeriod | None:
    """Find the cover of a line that holds at an instant; of several, the one that began first."""
    return min((period for period in _of(periods, line) if period.holds(moment)), default=None)


def missing_lines(
    use_class: UseClass | None, periods: Iterable[CoverPeriod], moment: datetime
) -> list[PolicyLine]:
    """List the required lines without cover at an instant. A vehicle of unknown class needs CTPL at least."""
    required = (PolicyLine.CTPL,) if use_class is None else REQUIRED_LINES[use_class]
    known = list(periods)
    return [line for line in required if cover_at(known, line, moment) is None]


def gaps(periods: Iterable[CoverPeriod], line: PolicyLine, within: Span) -> list[Span]:
    """List the stretches of `within` that no cover of the line holds."""
    found, reached = [], within.starts_at
    for period in sorted(_of(periods, line)):
        if period.starts_at > reached:
            found.append(Span(reached, min(period.starts_at, within.ends_at)))
        reached = max(reached, period.ends_at)
        if reached >= within.ends_at:
            break
    if reached < within.ends_at:
        found.append(Span(reached, within.ends_at))
    return [span for span in found if span.starts_at < span.ends_at]


def overlaps(periods: Iterable[CoverPeriod], line: PolicyLine) -> list[tuple[CoverPeriod, CoverPeriod]]:
    """List the pairs of periods of a line that hold at the same time."""
    ordered = sorted(_of(periods, line))
    return [
        (first, second)
        for index, first in enumerate(ordered)
        for second in ordered[index + 1 :]
        if second.starts_at < first.ends_at
    ]


def start_after(periods: Iterable[CoverPeriod], line: PolicyLine, wanted: datetime) -> datetime:
    """When a new term begins: as wanted, or exactly when the cover that holds then ends."""
    start = wanted
    for period in sorted(_of(periods, line)):
        if period.holds(start):
            start = period.ends_at
    return start


def refusals_for_issue(
    facts: IssueFacts, line: PolicyLine, wanted: Span, periods: Iterable[CoverPeriod]
) -> list[Refusal]:
    """List every reason why a line cannot be issued for a term; none: it can.

    Codes: `vehicle_retired`, `vehicle_suspended`, `vehicle_not_approved`, `vin_missing`, `no_use_class`, and
    `overlaps_cover_in_force` with `ends_on` (its last covered day) and `source`.
    """
    refusals = []
    if facts.state in {"retired", "suspended"}:
        refusals.append(Refusal(f"vehicle_{facts.state}"))
    if facts.state == "pending" and not facts.is_approved:
        refusals.append(Refusal("vehicle_not_approved"))
    if not facts.vin:
        refusals.append(Refusal("vin_missing"))
    if facts.use_class is None:
        refusals.append(Refusal("no_use_class"))
    clashing = [
        period
        for period in _of(periods, line)
        if period.starts_at < wanted.ends_at and wanted.starts_at < period.ends_at
    ]
    if clashing:
        last = max(clashing, key=lambda period: period.ends_at)
        refusals.append(
            Refusal(
                "overlaps_cover_in_force",
                {"ends_on": last_covered_day(last.ends_at), "source": last.source, "line": line.value},
            )
        )
    return refusals


def coverage_ratio(vehicles: Iterable[VehicleCover], moment: datetime) -> Ratio:
    """Operating vehicles with all required lines in force among operating vehicles, at an instant (覆盖率)."""
    covered = [
        not missing_lines(vehicle.use_class, vehicle.periods, moment)
        for vehicle in vehicles
        if vehicle.state == "operating"
    ]
    return Ratio(sum(covered), len(covered))


def _of(periods: Iterable[CoverPeriod], line: PolicyLine) -> list[CoverPeriod]:
    return [period for period in periods if period.line == line]
