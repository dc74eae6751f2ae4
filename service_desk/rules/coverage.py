"""Which vehicle is covered when, and why a policy cannot be issued for one.

Periods are half-open: cover that ends at an instant no longer holds at that instant, so a renewal that
starts there leaves neither a gap nor an overlap.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import PolicyLine, UseClass


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


def cover_at(periods: Iterable[CoverPeriod], line: PolicyLine, moment: datetime) -> CoverPeriod | None:
    """Find the cover of a line that holds at an instant; of several, the one that began first."""
    return min((period for period in _of(periods, line) if period.holds(moment)), default=None)


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


def _of(periods: Iterable[CoverPeriod], line: PolicyLine) -> list[CoverPeriod]:
    return [period for period in periods if period.line == line]
