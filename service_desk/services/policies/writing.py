"""Writing policies down: a few statements for any number, with numbers, covers and what is to be paid."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import insert, select

from service_desk.base.clock import local_date
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db, table_of
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import (
    Coverage,
    IssueBatch,
    IssueRefusal,
    Policy,
    PolicyOrigin,
    PolicyState,
)
from service_desk.models.premiums import Receivable
from service_desk.models.users import User
from service_desk.rules import premium as premium_rules
from service_desk.rules.rating import CoverLimit, LimitPer
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import numbers
from service_desk.services.policies import chase
from service_desk.services.policies.onboarding import finishing
from service_desk.services.policies.planning import PlannedPolicy, RefusedLine

NUMBER_PREFIXES = {
    PolicyLine.CTPL: "PCT",
    PolicyLine.COMMERCIAL: "PCM",
    PolicyLine.CARRIER_LIABILITY: "PCL",
}
# Both databases bound the number of parameters of a statement.
_NUMBERS_A_QUERY = 5000


def write_policies(batch: IssueBatch, planned: Sequence[PlannedPolicy], now: datetime) -> None:
    """Write policies of a batch with their covers and receivables. The batch's counts are the caller's.

    New vehicles that have all their cover now begin to operate, and missed cover that is there now is closed.
    """
    if not planned:
        return
    account = db.session.get_one(KeyAccount, batch.account_id)
    names = _insured_names(account, {one.vehicle.branch_id for one in planned})
    numbers_of = _numbers(planned, local_date(now).year)
    common = {
        "account_id": batch.account_id,
        "origin": PolicyOrigin.ISSUED,
        "batch_id": batch.id,
        "state": PolicyState.ISSUED,
        "issued_by_id": batch.issued_by_id,
        "issued_at": now,
    }
    rows, number = [], iter(numbers_of)
    for vehicle, own in groupby(planned, key=lambda one: one.vehicle):
        as_insured = common | _vehicle_values(vehicle, names[vehicle.branch_id])
        rows += [as_insured | _policy_values(one, next(number)) for one in own]
    db.session.execute(insert(table_of(Policy)), rows)
    _write_parts(planned, rows, _ids_of(numbers_of), now)
    _tell_vehicles(batch, planned, now)


def _tell_vehicles(batch: IssueBatch, planned: Sequence[PlannedPolicy], now: datetime) -> None:
    issuer = db.session.get_one(User, batch.issued_by_id)
    vehicles = {one.vehicle.id: one.vehicle for one in planned}
    finishing.after_issue(batch, vehicles.values(), actor=issuer, now=now)
    chase.settle(vehicles, actor=issuer, now=now)


def _write_parts(
    planned: Sequence[PlannedPolicy], rows: Sequence[dict[str, Any]], id_of: dict[str, int], now: datetime
) -> None:
    """The covers of policies just written, and what is to be paid for each."""
    coverages: list[dict[str, Any]] = []
    receivables: list[dict[str, Any]] = []
    due_on, covers = _DueDays(now), _Covers()
    for one, row in zip(planned, rows, strict=True):
        policy_id = id_of[row["number"]]
        coverages += [cover | {"policy_id": policy_id} for cover in covers.of(one)]
        receivables.append(
            {
                "account_id": row["account_id"],
                "branch_id": row["branch_id"],
                "policy_id": policy_id,
                "amount_fen": one.due_fen,
                "instalment": 1,
                "due_on": due_on.of(one),
                "created_at": now,
            }
        )
    if coverages:
        db.session.execute(insert(table_of(Coverage)), coverages)
    db.session.execute(insert(table_of(Receivable)), receivables)


def write_refusals(batch: IssueBatch, refused: Sequence[RefusedLine]) -> None:
    """Keep with a batch what of its order was not issued, and why."""
    if refused:
        rows = [
            {
                "batch_id": batch.id,
                "vehicle_id": one.vehicle_id,
                "branch_id": one.branch_id,
                "plate": one.plate[:200],
                "line": one.line,
                "row_no": one.row_no,
                "field": one.row_field,
                "code": one.code,
                "params": one.params,
            }
            for one in refused
        ]
        db.session.execute(insert(table_of(IssueRefusal)), rows)


def _ids_of(policy_numbers: Sequence[str]) -> dict[str, int]:
    """Asked for afterwards: to return them in the order of the rows SQLite would insert one at a time."""
    found: dict[str, int] = {}
    for start in range(0, len(policy_numbers), _NUMBERS_A_QUERY):
        some = policy_numbers[start : start + _NUMBERS_A_QUERY]
        rows = db.session.execute(select(Policy.number, Policy.id).where(Policy.number.in_(some)))
        found.update(rows.tuples().all())
    return found


class _DueDays:
    """When premium falls due, by the first instant of cover: thousands of policies share a few."""

    def __init__(self, now: datetime) -> None:
        self._today = local_date(now)
        self._found: dict[datetime, date] = {}

    def of(self, planned: PlannedPolicy) -> date:
        start = planned.term.starts_at
        if start not in self._found:
            self._found[start] = premium_rules.due_on(planned.term.first_day, self._today)
        return self._found[start]


class _Covers:
    """The covers of a policy, by its price line and the vehicle's seats: thousands of policies share a few."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int | None], list[dict[str, Any]]] = {}

    def of(self, planned: PlannedPolicy) -> list[dict[str, Any]]:
        key = (planned.rate_line_id, planned.vehicle.seats)
        if key not in self._found:
            self._found[key] = [_cover(limit, key[1] or 0) for limit in planned.premium.rate.limits]
        return self._found[key]


def _cover(limit: CoverLimit, seats: int) -> dict[str, Any]:
    return {
        "code": limit.coverage,
        "limit_fen": (limit.limit_fen or 0) * seats if limit.per is LimitPer.SEAT else limit.limit_fen,
        "per_seat_fen": limit.limit_fen if limit.per is LimitPer.SEAT else None,
        "deductible_fen": limit.deductible_fen,
        "absolute_deductible_percent": limit.absolute_deductible_percent,
    }


def _vehicle_values(vehicle: Vehicle, insured_name: str) -> dict[str, Any]:
    return {
        "branch_id": vehicle.branch_id,
        "issued_branch_id": vehicle.branch_id,
        "vehicle_id": vehicle.id,
        "plate": vehicle.plate,
        "vin": vehicle.vin,
        "vehicle_facts": vehicle_facts(vehicle),
        "insured_name": insured_name,
    }


def _policy_values(one: PlannedPolicy, number: str) -> dict[str, Any]:
    return {
        "number": number,
        "line": one.line,
        "cover_set": one.cover_set,
        "starts_at": one.term.starts_at,
        "ends_at": one.term.ends_at,
        "agreed_ends_at": one.term.ends_at,
        "premium_fen": one.premium.total_fen,
        "tax_fen": one.tax_fen,
        "ctpl_float": one.ctpl_float.value if one.ctpl_float else None,
        "rate_line_id": one.rate_line_id,
    }


def _insured_names(account: KeyAccount, ids: Collection[int]) -> dict[int, str]:
    """The insured by branch: the group, and the branch that uses the vehicle."""
    rows = db.session.execute(select(Branch.id, Branch.name).where(Branch.id.in_(ids)))
    return {row.id: f"{account.name}{row.name}"[:200] for row in rows}


def _numbers(planned: Sequence[PlannedPolicy], year: int) -> list[str]:
    """A number for each policy. The sequences are locked in one order, so that two batches cannot lock each other."""
    counts: dict[PolicyLine, int] = defaultdict(int)
    for one in planned:
        counts[one.line] += 1
    taken = {
        line: iter(numbers.take(f"{prefix}{year}", counts[line]))
        for line, prefix in NUMBER_PREFIXES.items()
        if counts[line]
    }
    return [f"{NUMBER_PREFIXES[one.line]}{year}-{next(taken[one.line]):06d}" for one in planned]


def vehicle_facts(vehicle: Vehicle) -> dict[str, Any]:
    """The vehicle as insured: what the policy states, whatever becomes of the vehicle's row."""
    return {
        "use_class": vehicle.use_class.value if vehicle.use_class else None,
        "seats": vehicle.seats,
        "load_kg": vehicle.load_kg,
        "model": vehicle.model,
        "engine_no": vehicle.engine_no,
        "registered_on": vehicle.registered_on.isoformat() if vehicle.registered_on else None,
    }
