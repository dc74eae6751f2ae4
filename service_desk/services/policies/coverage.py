"""Which cover a vehicle has at an instant: our policies, and cover known from elsewhere.

Functions here take ids that the caller has already found visible; they serve lists, reports and jobs alike.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, or_, select

from service_desk.base.clock import local_date
from service_desk.models.db import db, table_of
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.kept import built_once
from service_desk.models.policies import Coverage, CoverSource, ExternalCover, Policy
from service_desk.rules import coverage as rules
from service_desk.rules.cover_calendar import missing_layers
from service_desk.rules.cover_needs import CoverNeeds, lines_carrying
from service_desk.rules.coverage import CoverPeriod
from service_desk.rules.metrics import Ratio
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass
from service_desk.services.fleet import covers, requirements
from service_desk.services.policies.layers import LONG_AGO, layers_of
from service_desk.services.policies.portions import portions

# Made once, and of columns, which cost less to read than rows of models: every report of a claim asks.
_POLICY, _OUTSIDE, _COVERAGE = table_of(Policy).c, table_of(ExternalCover).c, table_of(Coverage).c
_OUTSIDE_AFTER = select(
    _OUTSIDE.line, _OUTSIDE.number, _OUTSIDE.starts_at, _OUTSIDE.ends_at, _OUTSIDE.source
).where(_OUTSIDE.vehicle_id == bindparam("vehicle_id"), _OUTSIDE.ends_at > bindparam("at"))
_STANDS_AT = (
    or_(_COVERAGE.from_at.is_(None), _COVERAGE.from_at <= bindparam("at")),
    or_(_COVERAGE.to_at.is_(None), _COVERAGE.to_at > bindparam("at")),
)
_LIMIT = (
    _COVERAGE.policy_id,
    _COVERAGE.code,
    _COVERAGE.limit_fen,
    _COVERAGE.per_seat_fen,
    _COVERAGE.deductible_fen,
    _COVERAGE.absolute_deductible_percent,
)
_LIMITS = (
    select(*_LIMIT)
    .where(_COVERAGE.policy_id.in_(bindparam("policy_ids", expanding=True)))
    .order_by(_COVERAGE.id)
)
_LIMITS_AT, _LIMITS_NOW = _LIMITS.where(*_STANDS_AT), _LIMITS.where(_COVERAGE.to_at.is_(None))
# Each policy that holds with each of its covers, and without any where it has none.
_POLICIES_AT = (
    select(
        _POLICY.id,
        _POLICY.line,
        _POLICY.number,
        _POLICY.cover_set,
        _POLICY.starts_at,
        _POLICY.ends_at,
        *_LIMIT,
    )
    .outerjoin(table_of(Coverage), and_(_COVERAGE.policy_id == _POLICY.id, *_STANDS_AT))
    .where(
        _POLICY.vehicle_id == bindparam("vehicle_id"),
        _POLICY.starts_at <= bindparam("at"),
        _POLICY.ends_at > bindparam("at"),
    )
    .order_by(_POLICY.starts_at, _POLICY.id, _COVERAGE.id)
)


@dataclass(frozen=True)
class Limit:
    """A cover within a policy. `limit_fen` None: no stated limit; `per_seat_fen` is set for carrier's liability."""

    code: CoverCode
    limit_fen: int | None
    per_seat_fen: int | None = None
    deductible_fen: int = 0
    absolute_deductible_percent: int = 0


@dataclass(frozen=True)
class CoverAt:
    """Cover that holds at an instant, `ends_at` excluded.

    From elsewhere (`source` set) there is no policy of ours: no number, no start, no limits known.
    """

    line: PolicyLine
    policy_id: int | None
    number: str
    cover_set: str
    starts_at: datetime | None
    ends_at: datetime
    limits: tuple[Limit, ...] = ()
    source: CoverSource | None = None


@dataclass(frozen=True)
class LineCover:
    """What a list shows of a line: the cover that holds, and until when cover goes on without a break."""

    line: PolicyLine
    number: str
    ends_at: datetime
    unbroken_until: datetime


@dataclass(frozen=True)
class VehicleCoverage:
    """A vehicle's cover at an instant: by line what holds, and what is required and missing.

    `missing` are the lines that carry the missing layers. Such a line may hold all the same: a commercial policy
    whose third-party cover was taken out.
    """

    lines: dict[PolicyLine, LineCover]
    missing: tuple[PolicyLine, ...]
    missing_layers: tuple[CoverCode, ...] = ()


def covers_at(vehicle_id: int, at: datetime) -> list[CoverAt]:
    """List the cover of a vehicle at an instant, our own policies before one known from elsewhere, by line.

    A line may have several of ours, each with other covers: a list taken over states third party and own damage
    apart. Each cover is told once, by the policy that began first.
    """
    found = _own_covers(vehicle_id, at)
    for cover in db.session.execute(_OUTSIDE_AFTER, {"vehicle_id": vehicle_id, "at": at}):
        if not found[cover.line] and (cover.starts_at is None or cover.starts_at <= at):
            found[cover.line].append(
                CoverAt(
                    cover.line, None, cover.number, "", cover.starts_at, cover.ends_at, source=cover.source
                )
            )
    return _in_order_of_lines(found)


def own_covers_at(vehicle_id: int, at: datetime) -> list[CoverAt]:
    """What `covers_at` lists, without cover known from elsewhere: all that a claim can be paid under."""
    return _in_order_of_lines(_own_covers(vehicle_id, at))


def _in_order_of_lines(found: dict[PolicyLine, list[CoverAt]]) -> list[CoverAt]:
    return [one for line in PolicyLine for one in found[line]]


def _own_covers(vehicle_id: int, at: datetime) -> dict[PolicyLine, list[CoverAt]]:
    # What the session still holds back counts too; reading columns does not write it by itself.
    db.session.flush()
    rows_at = db.session.execute(_POLICIES_AT, {"vehicle_id": vehicle_id, "at": at})
    found: dict[PolicyLine, list[CoverAt]] = defaultdict(list)
    for _id, rows in groupby(rows_at, key=lambda row: row.id):
        policy, *others = rows
        limits = _in_order(limit_of(row) for row in (policy, *others) if row.code is not None)
        own = found[policy.line]
        told = {limit.code for one in own for limit in one.limits}
        more = tuple(limit for limit in limits if limit.code not in told)
        if more or not own:
            own.append(_of_policy(policy, more))
    return found


def limits_of(policy_ids: Collection[int], at: datetime | None = None) -> dict[int, tuple[Limit, ...]]:
    """The covers of policies with their limits, by policy id: at an instant; None: after the last endorsement.

    Whether a policy gives cover at all at the instant is a matter of its term.
    """
    found: dict[int, list[Limit]] = defaultdict(list)
    statement = _LIMITS_NOW if at is None else _LIMITS_AT
    db.session.flush()
    for ids in portions(policy_ids):
        for row in db.session.execute(statement, {"policy_ids": ids, "at": at}):
            found[row.policy_id].append(limit_of(row))
    return {policy_id: _in_order(limits) for policy_id, limits in found.items()}


def _in_order(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    order = list(CoverCode)
    return tuple(sorted(limits, key=lambda one: order.index(one.code)))


def limit_of(row: Coverage | Row[Any]) -> Limit:
    """A row of coverage as what it covers."""
    return Limit(
        row.code, row.limit_fen, row.per_seat_fen, row.deductible_fen, row.absolute_deductible_percent
    )


def coverage_of(vehicle_ids: Collection[int], at: datetime) -> dict[int, VehicleCoverage]:
    """The cover of each vehicle at an instant; every id asked for that exists is in the answer."""
    periods, layers = periods_of(vehicle_ids, since=at), layers_of(vehicle_ids, since=at)
    needs_of = _NeedsByAccount(at)
    found: dict[int, VehicleCoverage] = {}
    for ids in portions(vehicle_ids):
        statement = select(Vehicle.id, Vehicle.account_id, Vehicle.use_class).where(Vehicle.id.in_(ids))
        for vehicle in db.session.execute(statement):
            needed = needs_of[vehicle.account_id].layers_of(vehicle.use_class)
            missing = missing_layers(needed, layers.get(vehicle.id, ()), at)
            lines = _by_line(periods.get(vehicle.id, []), at)
            found[vehicle.id] = VehicleCoverage(lines, lines_carrying(missing), missing)
    return found


class _NeedsByAccount(dict[int, CoverNeeds]):
    """What each account's vehicles need on a day, read once an account."""

    def __init__(self, at: datetime) -> None:
        self._on = local_date(at)

    def __missing__(self, account_id: int) -> CoverNeeds:
        self[account_id] = requirements.in_force(account_id, self._on)
        return self[account_id]


def required_lines(vehicle: Vehicle, at: datetime) -> tuple[PolicyLine, ...]:
    """The lines that carry what a vehicle needed at an instant."""
    needs = requirements.in_force(vehicle.account_id, local_date(at))
    return needs.lines_of(vehicle.use_class)


def _by_line(periods: list[CoverPeriod], at: datetime) -> dict[PolicyLine, LineCover]:
    lines = {}
    for line in PolicyLine:
        period = rules.cover_at(periods, line, at)
        if period is not None:
            until = rules.start_after(periods, line, at)
            lines[line] = LineCover(line, period.source, period.ends_at, until)
    return lines


def periods_of(vehicle_ids: Collection[int], *, since: datetime) -> dict[int, list[CoverPeriod]]:
    """All periods of cover that end after `since`, by vehicle. `source` is our number, empty for another's."""
    found: dict[int, list[CoverPeriod]] = defaultdict(list)
    for ids in portions(vehicle_ids):
        _collect(found, lambda model, ids=ids: model.vehicle_id.in_(ids), since)  # type: ignore[misc]
    return found


def account_periods(account_id: int, *, since: datetime) -> dict[int, list[CoverPeriod]]:
    """The same for every vehicle of an account."""
    found: dict[int, list[CoverPeriod]] = defaultdict(list)
    _collect(found, lambda model: model.account_id == account_id, since)
    return found


def coverage_ratio(account_id: int, at: datetime, *, branch_ids: Collection[int] | None = None) -> Ratio:
    """Operating vehicles with every required layer in force, among the operating ones (覆盖率).

    Of the whole account, or of some of its branches. Over days: `services.policies.ratios`.
    """
    needs = requirements.in_force(account_id, local_date(at))
    counted = _covered_vehicles(account_id, at, tuple(needs.layers.items()))
    statement = counted.statement
    if branch_ids is not None:
        statement = statement.where(Vehicle.branch_id.in_(branch_ids))
    return Ratio(*db.session.execute(statement, counted.values).tuples().one())


@built_once
def _covered_vehicles(
    account_id: int, at: datetime, layers: tuple[tuple[UseClass, tuple[CoverCode, ...]], ...]
) -> Select[tuple[int, int]]:
    """Operating vehicles with every layer their class needs, and all operating ones."""
    is_covered = covers.is_fully_covered(CoverNeeds(dict(layers)), at)
    return (
        select(func.count().filter(is_covered), func.count())
        .select_from(Vehicle)
        .where(Vehicle.account_id == account_id, Vehicle.state == VehicleState.OPERATING)
    )


def _collect(
    found: dict[int, list[CoverPeriod]], wanted: Callable[[Any], ColumnElement[bool]], since: datetime
) -> None:
    policies = select(Policy.vehicle_id, Policy.line, Policy.starts_at, Policy.ends_at, Policy.number)
    for vehicle_id, line, starts_at, ends_at, number in db.session.execute(
        policies.where(wanted(Policy), Policy.ends_at > since, Policy.ends_at > Policy.starts_at)
    ):
        found[vehicle_id].append(CoverPeriod(starts_at, ends_at, line, number))
    outside = select(
        ExternalCover.vehicle_id, ExternalCover.line, ExternalCover.starts_at, ExternalCover.ends_at
    )
    for vehicle_id, line, starts_at, ends_at in db.session.execute(
        outside.where(wanted(ExternalCover), ExternalCover.ends_at > since)
    ):
        found[vehicle_id].append(CoverPeriod(starts_at or LONG_AGO, ends_at, line))


def _of_policy(policy: Row[Any], limits: tuple[Limit, ...]) -> CoverAt:
    return CoverAt(
        policy.line, policy.id, policy.number, policy.cover_set, policy.starts_at, policy.ends_at, limits
    )
