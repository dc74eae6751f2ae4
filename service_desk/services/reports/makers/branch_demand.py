"""Demand by branch (分公司保险需求分析): exposure, how often and how gravely it is hit, where and when, and what it needs.

Exposure and cover are the period's. What happens to a branch, and what is proposed from it, is looked at over the twelve
months to the period's end: of a quarter a branch has too few claims to say anything.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import add_years
from service_desk.models.accounts import KeyAccount
from service_desk.models.claim_papers import ClaimChecklist
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_intake import is_late
from service_desk.rules.demand import (
    REPEATING_FROM,
    BranchDemand,
    HourBand,
    Proposal,
    Proposed,
    hour_band,
    proposals,
)
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period, months_after
from service_desk.rules.report_document import (
    CellKind,
    Chart,
    ChartKind,
    Column,
    Name,
    Report,
    ReportKind,
    Table,
    Value,
)
from service_desk.services import measures
from service_desk.services.measures import By, Key, Reading, Span, history
from service_desk.services.reports.makers import claim_parts, parts

_HEADLINES = (
    C.OPERATING_VEHICLES,
    C.CLAIMS_REPORTED,
    C.CLAIM_FREQUENCY,
    C.AVERAGE_LOSS,
    C.EARNED_LOSS_RATIO,
    C.COVERAGE,
)
_EXPOSURE = (
    C.OPERATING_VEHICLES,
    C.EARNED_PREMIUM,
    C.CLAIMS_REPORTED,
    C.CLAIM_FREQUENCY,
    C.AVERAGE_LOSS,
    C.REPORTED_LOSS,
    C.EARNED_LOSS_RATIO,
)
_GRAVE = (C.CLAIMS_REPORTED, C.INJURY_CLAIMS, C.LARGE_LOSSES, C.CLAIMS_DISPUTED)
_COVER = (
    C.OPERATING_VEHICLES,
    C.COVERAGE,
    C.COVERAGE_DAYS,
    C.UNINSURED_VEHICLES,
    C.RENEWAL_DUE,
    C.RENEWAL_RATE,
)
_JUDGED = (C.OPERATING_VEHICLES, C.UNINSURED_VEHICLES, C.CLAIM_FREQUENCY, C.EARNED_LOSS_RATIO)
_CLAIMS = Column("claims_of_year", CellKind.COUNT)
# Of each branch only what happens oftenest is told.
_MOST_KINDS, _MOST_PLACES = 5, 3
_REPEATED = 2


@dataclass
class _Losses:
    """The claims of a branch, looked at one by one."""

    claims: int = 0
    at_night: int = 0
    late: int = 0
    injured: int = 0
    hours: Counter[HourBand] = field(default_factory=Counter)
    kinds: Counter[ClaimFeature] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    urban: int = 0
    vehicles: Counter[int] = field(default_factory=Counter)

    @property
    def repeating(self) -> int:
        return sum(count for count in self.vehicles.values() if count >= REPEATING_FROM)


def make(account: KeyAccount, period: Period, *, now: datetime) -> Report:
    """The analysis of a period, beside the one before."""
    span, year = parts.span_of(account, period, now), parts.span_of(account, _twelve_months(period), now)
    earlier = Period(months_after(period.first, -3).first, months_after(period.first, -1).last)
    branches = parts.branches_of(account.id)
    reading = measures.read(span, {*_HEADLINES, *_EXPOSURE, *_GRAVE, *_COVER}, By.BRANCH)
    earlier_total = measures.read(parts.span_of(account, earlier, now), _HEADLINES).total
    yearly, losses = measures.read(year, _JUDGED, By.BRANCH), _losses(year)
    names = {key: Name(branch.name, branch.name_en) for key, branch in branches.items()}
    return Report(
        kind=ReportKind.BRANCH_DEMAND,
        **parts.head(account, period, now),
        tiles=parts.tiles(_HEADLINES, reading.total, earlier_total),
        tables=(
            _proposals(names, yearly, losses),
            claim_parts.by_branch("by_branch", _EXPOSURE, reading, branches),
            claim_parts.by_branch("gravity_by_branch", _GRAVE, reading, branches),
            claim_parts.by_branch("cover_by_branch", _COVER, reading, branches),
            _hours(names, losses),
            _kinds(names, losses),
            _places(names, losses),
        ),
        charts=(
            Chart("frequency_by_branch", ChartKind.BARS, "by_branch", "branch", (C.CLAIM_FREQUENCY,)),
            Chart("loss_ratio_by_branch", ChartKind.BARS, "by_branch", "branch", (C.EARNED_LOSS_RATIO,)),
        ),
        notes=("proposals_by_rule", "loss_kinds", "hours_of_loss"),
        compared_from=earlier.first,
        compared_to=earlier.last,
    )


def _twelve_months(period: Period) -> Period:
    """The twelve months to the end of a period."""
    return Period(add_years(period.last + timedelta(days=1), -1), period.last)


def _losses(span: Span) -> dict[Key, _Losses]:
    """The claims reported in the period, by branch, in one query."""
    statement = (
        select(
            Claim.branch_id,
            Claim.vehicle_id,
            Claim.loss_at,
            Claim.reported_at,
            Claim.place,
            Claim.is_urban,
            Claim.injured_count,
            ClaimChecklist.features,
        )
        .outerjoin(ClaimChecklist, ClaimChecklist.claim_id == Claim.id)
        .where(*history.known(span), history.within(Claim.reported_at, span))
    )
    found: dict[Key, _Losses] = defaultdict(_Losses)
    for row in db.session.execute(statement):
        _add(found[row.branch_id], row, span)
    return found


def _add(losses: _Losses, row: Any, span: Span) -> None:
    band = hour_band(row.loss_at.astimezone(span.zone).time())
    losses.claims += 1
    losses.hours[band] += 1
    losses.at_night += band is HourBand.NIGHT
    losses.late += is_late(row.loss_at, row.reported_at)
    losses.injured += row.injured_count > 0
    losses.urban += row.is_urban
    losses.places[row.place] += 1
    losses.vehicles[row.vehicle_id] += 1
    losses.kinds.update(ClaimFeature(code) for code in row.features or ())


def _proposals(names: Mapping[Key, Name], reading: Reading, losses: Mapping[Key, _Losses]) -> Table:
    """What each branch needs, by rules, with the figure behind each proposal; the most pressing first."""
    demands = {
        key: _demand(reading.groups.get(key, {}), losses.get(key, _Losses()))
        for key in names
        if key in reading.groups or key in losses
    }
    account = _demand(reading.total, _whole(losses.values()))
    columns = (
        parts.BRANCH,
        Column("proposal", CellKind.LABEL, "demand_proposal"),
        Column("reason", CellKind.LABEL, "demand_reason"),
        Column("branch_figure", CellKind.RATIO),
        Column("account_figure", CellKind.RATIO),
        Column("proposed_from", CellKind.RATIO),
    )
    made = [
        (name, proposals(demands[key], account))
        for key, name in names.items()
        if demands.get(key, BranchDemand()) != BranchDemand()
    ]
    made.sort(key=lambda one: list(Proposal).index(one[1][0].proposal))
    rows = [(name, *_proposed(one)) for name, found in made for one in found]
    return Table("proposals", columns, rows)


def _proposed(one: Proposed) -> Sequence[Value]:
    """Shares in percent: what they are made of stands in the other tables."""
    figures = (one.figure.percent(), one.account.percent())
    line = Decimal(one.line) if one.line else None
    return (one.proposal, one.proposal, *figures, line)


def _demand(values: Mapping[C, measures.Value], losses: _Losses) -> BranchDemand:
    vehicles = values.get(C.OPERATING_VEHICLES, 0)
    return BranchDemand(
        frequency=_ratio(values.get(C.CLAIM_FREQUENCY)),
        loss=_ratio(values.get(C.EARNED_LOSS_RATIO)),
        uncovered=Ratio(_whole_number(values.get(C.UNINSURED_VEHICLES)), _whole_number(vehicles)),
        injured=Ratio(losses.injured, losses.claims),
        at_night=Ratio(losses.at_night, losses.claims),
        reported_late=Ratio(losses.late, losses.claims),
        repeating=Ratio(losses.repeating, losses.claims),
    )


def _ratio(value: measures.Value) -> Ratio:
    return value if isinstance(value, Ratio) else Ratio()


def _whole_number(value: measures.Value) -> int:
    return value if isinstance(value, int) else 0


def _whole(losses: Iterable[_Losses]) -> _Losses:
    """The account's: what happens to a vehicle happens to it in whichever branch."""
    whole = _Losses()
    for one in losses:
        whole.claims += one.claims
        whole.at_night += one.at_night
        whole.late += one.late
        whole.injured += one.injured
        whole.urban += one.urban
        whole.hours.update(one.hours)
        whole.vehicles.update(one.vehicles)
    return whole


def _hours(names: Mapping[Key, Name], losses: Mapping[Key, _Losses]) -> Table:
    """When it happened: the hours of the day, and whether in a city."""
    columns = (
        parts.BRANCH,
        _CLAIMS,
        *(Column(f"hours_{band.value}", CellKind.COUNT) for band in HourBand),
        Column("in_a_city", CellKind.RATIO),
    )
    rows = [(names[key], *_hours_of(losses[key])) for key in names if key in losses]
    return Table("hours_by_branch", columns, rows, (None, *_hours_of(_whole(losses.values()))))


def _hours_of(losses: _Losses) -> Sequence[Value]:
    counts = [losses.hours[band] for band in HourBand]
    return (losses.claims, *counts, Ratio(losses.urban, losses.claims))


def _kinds(names: Mapping[Key, Name], losses: Mapping[Key, _Losses]) -> Table:
    """What was damaged or who was hurt, the commonest first. A claim may be of several kinds."""
    columns = (
        parts.BRANCH,
        Column("loss_kind", CellKind.LABEL, "claim_feature"),
        _CLAIMS,
        Column("share_of_claims", CellKind.RATIO),
    )
    rows = [
        (names[key], kind, count, Ratio(count, losses[key].claims))
        for key in names
        if key in losses
        for kind, count in _commonest(losses[key].kinds, _MOST_KINDS)
    ]
    return Table("kinds_by_branch", columns, rows)


def _places(names: Mapping[Key, Name], losses: Mapping[Key, _Losses]) -> Table:
    """The places a branch was hit at more than once."""
    columns = (parts.BRANCH, Column("place", CellKind.TEXT, is_wide=True), _CLAIMS)
    rows = [
        (names[key], place, count)
        for key in names
        if key in losses
        for place, count in _commonest(losses[key].places, _MOST_PLACES)
        if count >= _REPEATED
    ]
    return Table("places_by_branch", columns, rows)


def _commonest(counts: Counter[Any], most: int) -> list[tuple[Any, int]]:
    """By count, then by name, so that a past period always reads the same."""
    return sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))[:most]
