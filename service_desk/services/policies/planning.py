"""What issuing would do, and why not for some: each vehicle and line judged before anything is written.

A term begins when the present cover ends, at a day given, or at once. Prices are those in force on the
first covered day.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from service_desk.base.clock import local_date, start_of_day
from service_desk.base.errors import Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules import coverage as cover_rules
from service_desk.rules import rating
from service_desk.rules.cover_needs import CoverNeeds
from service_desk.rules.coverage import CoverPeriod, IssueFacts, Span
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import Term, last_covered_day, year_from
from service_desk.rules.rating import CtplFloat, Premium
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access
from service_desk.services.fleet import requirements
from service_desk.services.policies import coverage, held_prices, rates
from service_desk.services.policies.held_prices import HeldPrices
from service_desk.services.policies.onboarding.finishing import approved_vehicle_ids
from service_desk.services.policies.quoting import facts_of
from service_desk.services.policies.rates import PriceTable

MOST_VEHICLES = 5000
# A term that begins later than this is issued when its time comes: its price may change until then, and an
# order sent twice does not issue the year after next.
DAYS_AHEAD = 90


@dataclass(frozen=True)
class LineChoice:
    """A line to issue, with the cover set wanted."""

    line: PolicyLine
    cover_set: str


@dataclass(frozen=True)
class VehicleTerms:
    """What is particular to one vehicle of an order: its CTPL float, and the vehicle tax collected with CTPL."""

    ctpl_float: CtplFloat = CtplFloat.A4
    tax_fen: int = 0


@dataclass(frozen=True)
class IssueRequest:
    """Which lines to issue for which vehicles of an account.

    `start_on` None: when the present cover ends, at once for a vehicle without. Today means at once too.
    `expected_fen` is the total the clerk saw: when the sum has changed since, nothing is issued.
    `terms` by vehicle id; a vehicle without has no float and no tax. With `quote_number` the prices, floats and
    taxes are those the quote sheet holds, and what it does not hold is refused.
    """

    account_id: int
    vehicle_ids: tuple[int, ...]
    lines: tuple[LineChoice, ...]
    start_on: date | None = None
    expected_fen: int | None = None
    terms: Mapping[int, VehicleTerms] = field(default_factory=dict)
    quote_number: str = ""


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
class RefusedLine:
    """A line that cannot be issued for a vehicle, and one reason. `params` are plain values."""

    vehicle_id: int
    plate: str
    branch_id: int
    line: PolicyLine
    code: str
    params: dict[str, Any] = field(default_factory=dict)


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
        return {
            line: (len(own), sum(planned.premium.total_fen for planned in own))
            for line in PolicyLine
            if (own := [planned for planned in self.policies if planned.line is line])
        }


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
    if not request.lines:
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


def plan_for(request: IssueRequest, vehicles: list[Vehicle], now: datetime) -> IssuePlan:
    """Judge each vehicle and line of an order; Invalid `start_in_the_past`, `quote_expired`."""
    if request.start_on is not None and request.start_on < local_date(now):
        raise Invalid("start_in_the_past", field="start_on")
    periods = coverage.periods_of([vehicle.id for vehicle in vehicles], since=now)
    needs = requirements.in_force(request.account_id, local_date(now))
    planner = _Planner(request, needs, now, approved_vehicle_ids(vehicles))
    plan = IssuePlan([], [])
    for vehicle in vehicles:
        for choice in _applicable(request.lines, vehicle, needs):
            outcome = planner.judge(vehicle, choice, periods.get(vehicle.id, []))
            if isinstance(outcome, PlannedPolicy):
                plan.policies.append(outcome)
            else:
                plan.refused.extend(outcome)
    return plan


def _applicable(lines: tuple[LineChoice, ...], vehicle: Vehicle, needs: CoverNeeds) -> list[LineChoice]:
    """The lines that are sold for the vehicle's class; when none is, all, so that the reason is said.

    In a mixed order a lorry without carrier's liability is no news.
    """
    if vehicle.use_class is None:
        return list(lines)
    sold = needs.lines_sold(vehicle.use_class)
    return [choice for choice in lines if choice.line in sold] or list(lines)


class _Planner:
    """Judges one vehicle and line after the other; reads the price tables of each first day once."""

    def __init__(
        self, request: IssueRequest, needs: CoverNeeds, now: datetime, approved: AbstractSet[int]
    ) -> None:
        self._request = request
        self._needs = needs
        self._approved = approved
        self._now = now
        self._latest = start_of_day(local_date(now) + timedelta(days=DAYS_AHEAD + 1))
        self._tables: dict[date, dict[PolicyLine, PriceTable]] = {}
        self._held: HeldPrices | None = (
            held_prices.of_quote(request.quote_number, request.account_id, now=now)
            if request.quote_number
            else None
        )

    def judge(
        self, vehicle: Vehicle, choice: LineChoice, periods: list[CoverPeriod]
    ) -> PlannedPolicy | list[RefusedLine]:
        term = year_from(self._start(choice.line, periods))
        reasons = [(one.code, one.params) for one in self._refusals(vehicle, choice.line, term, periods)]
        if not reasons and term.starts_at >= self._latest:
            reasons.append(self._too_early(choice.line, periods, term))
        if not reasons:
            try:
                return self._priced(vehicle, choice, term)
            except Invalid as refusal:
                reasons.append((refusal.code, refusal.params))
        return [
            RefusedLine(
                vehicle.id,
                vehicle.plate or vehicle.vin or "",
                vehicle.branch_id,
                choice.line,
                code,
                {name: _plain(value) for name, value in params.items()},
            )
            for code, params in reasons
        ]

    def _start(self, line: PolicyLine, periods: list[CoverPeriod]) -> datetime:
        wanted = self._request.start_on
        if wanted is not None:
            return max(start_of_day(wanted), self._now)
        return cover_rules.start_after(periods, line, self._now)

    def _refusals(
        self, vehicle: Vehicle, line: PolicyLine, term: Term, periods: list[CoverPeriod]
    ) -> list[cover_rules.Refusal]:
        if vehicle.use_class is not None and line not in self._needs.lines_sold(vehicle.use_class):
            return [cover_rules.Refusal("line_not_for_class", {"use_class": vehicle.use_class.value})]
        is_approved = vehicle.id in self._approved
        facts = IssueFacts(vehicle.vin, vehicle.use_class, vehicle.state.value, is_approved=is_approved)
        return cover_rules.refusals_for_issue(facts, line, Span(term.starts_at, term.ends_at), periods)

    def _too_early(
        self, line: PolicyLine, periods: list[CoverPeriod], term: Term
    ) -> tuple[str, dict[str, Any]]:
        if self._request.start_on is not None:
            return "start_too_far", {"days": DAYS_AHEAD}
        last = next(period for period in periods if period.line is line and period.ends_at == term.starts_at)
        return "covered_for_long", {
            "ends_on": last_covered_day(last.ends_at),
            "source": last.source,
            "days": DAYS_AHEAD,
        }

    def _priced(self, vehicle: Vehicle, choice: LineChoice, term: Term) -> PlannedPolicy:
        if self._held is not None:
            held = self._held.price_for(vehicle, choice.line, choice.cover_set)
            return PlannedPolicy(
                vehicle,
                choice.line,
                choice.cover_set,
                term,
                held.premium,
                held.rate_line_id,
                held.ctpl_float,
                held.tax_fen,
            )
        tables = self._tables.get(term.first_day)
        if tables is None:
            tables = self._tables[term.first_day] = rates.in_force(self._request.account_id, term.first_day)
        table = tables.get(choice.line)
        if table is None:
            raise Invalid("no_price_table", line=choice.line.value)
        facts = facts_of(vehicle)
        terms = self._request.terms.get(vehicle.id, VehicleTerms())
        premium = rating.premium_for(
            table.lines,
            facts,
            line=choice.line,
            cover_set=choice.cover_set,
            ctpl_float=terms.ctpl_float,
        )
        planned = PlannedPolicy(
            vehicle, choice.line, choice.cover_set, term, premium, table.ids[premium.rate]
        )
        if choice.line is not PolicyLine.CTPL:
            return planned
        return replace(planned, ctpl_float=terms.ctpl_float, tax_fen=terms.tax_fen)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
