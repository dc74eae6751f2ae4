"""What issuing would do, and why not for some: each vehicle and line judged before anything is written.

A term begins when the present cover ends, at a day given, or at once. Prices are those in force on the
first covered day.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from service_desk.base.clock import local_date, start_of_day
from service_desk.base.collector import uncollected
from service_desk.base.errors import Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules import coverage as cover_rules
from service_desk.rules.coverage import CoverPeriod, IssueFacts, Span
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import Term, last_covered_day, year_from
from service_desk.rules.rating import CtplFloat, Premium
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access
from service_desk.services.fleet import requirements
from service_desk.services.policies import coverage, held_prices
from service_desk.services.policies.held_prices import HeldPrice, HeldPrices
from service_desk.services.policies.onboarding.finishing import approved_vehicle_ids
from service_desk.services.policies.prices import Prices, Reason
from service_desk.services.policies.quoting import facts_of

# More than the largest fleet the desk knows; what is beyond a page's patience is worked off as a run.
MOST_VEHICLES = 20_000
# A term that begins later than this is issued when its time comes: its price may change until then, and an
# order sent twice does not issue the year after next.
DAYS_AHEAD = 90

# The lines each class may have.
_Sold = Mapping[UseClass, AbstractSet[PolicyLine]]


@dataclass(frozen=True)
class LineChoice:
    """A line to issue, with the cover set wanted."""

    line: PolicyLine
    cover_set: str


@dataclass(frozen=True)
class VehicleTerms:
    """What is particular to one vehicle of an order: its CTPL float, and the vehicle tax collected with CTPL.

    `start_on` None and no `lines`: as the order says. A vehicle's own lines are all judged, whatever its class;
    `cover_sets` replace those that the order has for its lines.
    """

    ctpl_float: CtplFloat = CtplFloat.A4
    tax_fen: int = 0
    start_on: date | None = None
    lines: tuple[LineChoice, ...] = ()
    cover_sets: Mapping[PolicyLine, str] = field(default_factory=dict)


_USUAL = VehicleTerms()


@dataclass(frozen=True)
class RefusedLine:
    """A line that cannot be issued for a vehicle, and one reason. `params` are plain values.

    A row of a list that names no vehicle has `row_no` and `row_field`, and neither vehicle nor line; `plate` is then
    what the row says.
    """

    vehicle_id: int | None
    plate: str
    branch_id: int | None
    line: PolicyLine | None
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    row_no: int | None = None
    row_field: str = ""


@dataclass(frozen=True)
class IssueRequest:
    """Which lines to issue for which vehicles of an account.

    `start_on` None: when the present cover ends, at once for a vehicle without. Today means at once too.
    `expected_fen` is the total the clerk saw: when the sum has changed since, nothing is issued.
    `terms` by vehicle id; a vehicle without has no float and no tax. `refused` are rows of the order's list that
    name no vehicle: they are kept with the batch. With `quote_number` the prices, floats and taxes are those the
    quote sheet holds, and what it does not hold is refused; `quote_at`: when the quote had to be valid, now unless
    given.
    """

    account_id: int
    vehicle_ids: tuple[int, ...]
    lines: tuple[LineChoice, ...]
    start_on: date | None = None
    expected_fen: int | None = None
    terms: Mapping[int, VehicleTerms] = field(default_factory=dict)
    refused: tuple[RefusedLine, ...] = ()
    quote_number: str = ""
    quote_at: datetime | None = None


@dataclass(frozen=True)
class PlannedPolicy:
    """A policy that can be issued. `ctpl_float` is None for the other lines; tax is no premium."""

    vehicle: Vehicle
    line: PolicyLine
    cover_set: str
    term: Term
    premium: Premium
    rate_line_id: int
    ctpl_float: CtplFloat | None = None
    tax_fen: int = 0

    @property
    def due_fen(self) -> int:
        """What is to be paid for it: premium and tax."""
        return self.premium.total_fen + self.tax_fen


@dataclass(frozen=True)
class IssuePlan:
    """What would be issued, and what not."""

    policies: list[PlannedPolicy]
    refused: list[RefusedLine]

    @property
    def total_fen(self) -> int:
        """All that is to be paid: premium and tax."""
        return sum(planned.due_fen for planned in self.policies)

    @property
    def premium_fen(self) -> int:
        return sum(planned.premium.total_fen for planned in self.policies)

    @property
    def totals(self) -> dict[PolicyLine, tuple[int, int]]:
        """Number and premium in fen by line."""
        found = _summed((planned.line, planned.premium.total_fen) for planned in self.policies)
        return {line: found[line] for line in PolicyLine if line in found}

    @property
    def by_branch(self) -> dict[int, tuple[int, int]]:
        """Number and what is to be paid in fen, by branch id."""
        return _summed((planned.vehicle.branch_id, planned.due_fen) for planned in self.policies)


def _summed(amounts: Iterable[tuple[Any, int]]) -> dict[Any, tuple[int, int]]:
    found: dict[Any, tuple[int, int]] = {}
    for key, fen in amounts:
        number, total = found.get(key, (0, 0))
        found[key] = (number + 1, total + fen)
    return found


def preview(request: IssueRequest, *, actor: User, now: datetime) -> IssuePlan:
    """Say what issuing would do; writes nothing. NotFound when a vehicle is not the actor's to see."""
    access.require(actor, Action.ISSUE_POLICIES)
    return plan_for(request, chosen_vehicles(request, actor), now)


def suggested_lines(vehicle_ids: Sequence[int], *, now: datetime, within_days: int = 60) -> list[PolicyLine]:
    """The lines these vehicles need soon: required for their class and missing, or ending within the days."""
    soon = now + timedelta(days=within_days)
    found: set[PolicyLine] = set()
    for one in coverage.coverage_of(vehicle_ids, now).values():
        found |= set(one.missing)
        found |= {line for line, cover in one.lines.items() if cover.unbroken_until <= soon}
    return [line for line in PolicyLine if line in found] or [PolicyLine.CTPL]


def chosen_vehicles(request: IssueRequest, actor: User, *, lock: bool = False) -> list[Vehicle]:
    """The vehicles of an order, by branch and plate. NotFound when one of them is not the actor's to see.

    Invalid: `no_vehicle_chosen`, `too_many_vehicles`, `no_line_chosen`. `lock` keeps other orders for them waiting.
    """
    ids = set(request.vehicle_ids)
    if not ids:
        raise Invalid("no_vehicle_chosen")
    if len(ids) > MOST_VEHICLES:
        raise Invalid("too_many_vehicles", most=MOST_VEHICLES)
    if not request.lines and not all(request.terms.get(one, _USUAL).lines for one in ids):
        raise Invalid("no_line_chosen", field="lines")
    statement: Select[tuple[Vehicle]] = (
        select(Vehicle)
        .where(Vehicle.account_id == request.account_id, Vehicle.id.in_(ids))
        .order_by(Vehicle.id)
    )
    statement = access.visible(actor, Action.ISSUE_POLICIES, statement, Vehicle)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    vehicles = list(db.session.scalars(statement))
    if len(vehicles) != len(ids):
        raise NotFound("not_found")
    return sorted(
        vehicles, key=lambda vehicle: (vehicle.branch_id, vehicle.plate or vehicle.vin or "", vehicle.id)
    )


@uncollected()
def plan_for(
    request: IssueRequest, vehicles: Sequence[Vehicle], now: datetime, *, confirmed_at: datetime | None = None
) -> IssuePlan:
    """Judge each vehicle and line of an order; Invalid `start_in_the_past`, `quote_expired`.

    Cover that has ended since `confirmed_at` (None: now) is followed without a gap, as it was confirmed.
    """
    if request.start_on is not None and request.start_on < local_date(now):
        raise Invalid("start_in_the_past", field="start_on")
    since = confirmed_at or now
    periods = coverage.periods_of([vehicle.id for vehicle in vehicles], since=since)
    needs = requirements.in_force(request.account_id, local_date(now))
    sold: _Sold = {use_class: needs.lines_sold(use_class) for use_class in UseClass}
    planner = _Planner(request, sold, now, since)
    approved = approved_vehicle_ids(vehicles)
    plan = IssuePlan([], list(request.refused))
    for vehicle in vehicles:
        terms = request.terms.get(vehicle.id, _USUAL)
        judging = _Judging(vehicle, terms, periods.get(vehicle.id, ()), is_approved=vehicle.id in approved)
        for choice in terms.lines or _applicable(request.lines, vehicle, terms, sold):
            outcome = planner.judge(judging, choice)
            if isinstance(outcome, PlannedPolicy):
                plan.policies.append(outcome)
            else:
                plan.refused.extend(outcome)
    return plan


def _applicable(
    lines: Sequence[LineChoice], vehicle: Vehicle, terms: VehicleTerms, sold: _Sold
) -> Sequence[LineChoice]:
    """The lines that are sold for the vehicle's class; when none is, all, so that the reason is said.

    In a mixed order a lorry without carrier's liability is no news.
    """
    if terms.cover_sets:
        lines = [LineChoice(one.line, terms.cover_sets.get(one.line, one.cover_set)) for one in lines]
    if vehicle.use_class is None:
        return lines
    own = sold[vehicle.use_class]
    return [choice for choice in lines if choice.line in own] or lines


class _Judging:
    """A vehicle that is judged line by line: its columns are asked for once."""

    def __init__(
        self, vehicle: Vehicle, terms: VehicleTerms, periods: Sequence[CoverPeriod], *, is_approved: bool
    ) -> None:
        self.vehicle = vehicle
        self.terms = terms
        self.periods = periods
        self.use_class = vehicle.use_class
        self.facts = IssueFacts(vehicle.vin, vehicle.use_class, vehicle.state.value, is_approved=is_approved)
        self.priced_by = facts_of(vehicle)


class _Planner:
    """Judges one vehicle and line after the other. What many vehicles share is found out once."""

    def __init__(self, request: IssueRequest, sold: _Sold, now: datetime, since: datetime) -> None:
        self._request = request
        self._sold = sold
        self._now = now
        self._since = since
        self._today = local_date(now)
        self._latest = start_of_day(self._today + timedelta(days=DAYS_AHEAD + 1))
        self._terms: dict[datetime, tuple[Term, date]] = {}
        self._prices = Prices(request.account_id, self._today)
        self._held: HeldPrices | None = (
            held_prices.of_quote(request.quote_number, request.account_id, now=request.quote_at or now)
            if request.quote_number
            else None
        )

    def judge(self, of: _Judging, choice: LineChoice) -> PlannedPolicy | list[RefusedLine]:
        line = choice.line
        wanted = of.terms.start_on or self._request.start_on
        term, first_day = self._term(self._start(wanted, line, of.periods))
        reasons = self._refusals(of, line, wanted, term)
        if not reasons:
            priced = self._priced(of, choice, first_day)
            if not isinstance(priced, tuple):
                return PlannedPolicy(
                    of.vehicle,
                    line,
                    choice.cover_set,
                    term,
                    priced.premium,
                    priced.rate_line_id,
                    priced.ctpl_float,
                    priced.tax_fen,
                )
            reasons = [priced]
        return [refused_line(of.vehicle, line, code, params) for code, params in reasons]

    def _priced(self, of: _Judging, choice: LineChoice, first_day: date) -> HeldPrice | Reason:
        """What a line costs, by the quote or else by the table of its first day; or the reason why it has no price."""
        if self._held is not None:
            try:
                return self._held.price_for(of.vehicle, choice.line, choice.cover_set)
            except Invalid as refusal:
                return refusal.code, refusal.params
        is_ctpl = choice.line is PolicyLine.CTPL
        ctpl_float = of.terms.ctpl_float if is_ctpl else None
        found = self._prices.find(first_day, choice.line, choice.cover_set, of.priced_by, ctpl_float)
        if isinstance(found[0], str):
            return found
        return HeldPrice(*found, ctpl_float, of.terms.tax_fen if is_ctpl else 0)

    def _start(self, wanted: date | None, line: PolicyLine, periods: Sequence[CoverPeriod]) -> datetime:
        if wanted is not None:
            return max(start_of_day(wanted), self._now)
        start = cover_rules.start_after(periods, line, self._since)
        return start if start > self._since else self._now

    def _term(self, start: datetime) -> tuple[Term, date]:
        if start not in self._terms:
            term = year_from(start)
            self._terms[start] = (term, term.first_day)
        return self._terms[start]

    def _refusals(self, of: _Judging, line: PolicyLine, wanted: date | None, term: Term) -> list[Reason]:
        if of.use_class is not None and line not in self._sold[of.use_class]:
            return [("line_not_for_class", {"use_class": of.use_class.value})]
        if wanted is not None and wanted < self._today:
            return [("start_in_the_past", {})]
        found = cover_rules.refusals_for_issue(of.facts, line, Span(term.starts_at, term.ends_at), of.periods)
        if not found and term.starts_at >= self._latest:
            return [_too_early(wanted, line, of.periods, term)]
        return [(one.code, one.params) for one in found]


def _too_early(wanted: date | None, line: PolicyLine, periods: Sequence[CoverPeriod], term: Term) -> Reason:
    if wanted is not None:
        return "start_too_far", {"days": DAYS_AHEAD}
    last = next(period for period in periods if period.line is line and period.ends_at == term.starts_at)
    return "covered_for_long", {
        "ends_on": last_covered_day(last.ends_at),
        "source": last.source,
        "days": DAYS_AHEAD,
    }


def refused_line(vehicle: Vehicle, line: PolicyLine, code: str, params: Mapping[str, Any]) -> RefusedLine:
    """A line that cannot be issued for a vehicle, with plain parameters."""
    return RefusedLine(
        vehicle.id,
        vehicle.plate or vehicle.vin or "",
        vehicle.branch_id,
        line,
        code,
        {name: _plain(value) for name, value in params.items()},
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
