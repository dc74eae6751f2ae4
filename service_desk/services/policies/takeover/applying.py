"""Writing a list of policies, in bulk: thousands of rows are a dozen statements."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from service_desk.base.clock import local_date
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import FleetImportRow, Vehicle
from service_desk.models.policies import (
    Coverage,
    CoverSource,
    ExternalCover,
    Policy,
    PolicyOrigin,
    PolicyState,
)
from service_desk.models.premiums import Receivable
from service_desk.models.users import User
from service_desk.rules import premium as premium_rules
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services.fleet.applying import chunks, insert_new
from service_desk.services.policies import chase
from service_desk.services.policies.takeover.judging import moment
from service_desk.services.policies.writing import vehicle_facts

_UNSYNCED = {"synchronize_session": False}


def apply_rows(account_id: int, rows: Sequence[FleetImportRow], *, actor: User, now: datetime) -> None:
    """Write the new and changed rows: vehicles to add, policies with their covers, covers of other insurers.

    Each row keeps what it made and what it replaced, by which an undo finds and restores it.
    """
    _add_vehicles(account_id, rows, now)
    ours = [row for row in rows if row.values["is_ours"]]
    others = [row for row in rows if not row.values["is_ours"]]
    replaced = _take_out_noted(account_id, [row for row in rows if row.before])
    _write_policies(account_id, ours, actor, now)
    _write_external(account_id, others, now)
    _remember(rows, replaced)
    chase.settle({row.vehicle_id for row in rows if row.vehicle_id}, actor=actor, now=now)


def _add_vehicles(account_id: int, rows: Sequence[FleetImportRow], now: datetime) -> None:
    """Add each vehicle once, by the first of its rows."""
    first: dict[str, FleetImportRow] = {}
    for row in rows:
        if "adds" in row.values:
            first.setdefault(row.values["adds"]["vin"], row)
    ids = insert_new(account_id, [(row.id, row.values["adds"]) for row in first.values()], now)
    made = dict(zip(first, ids, strict=True))
    for row in rows:
        if "adds" in row.values:
            row.vehicle_id = made[row.values["adds"]["vin"]]
            if first[row.values["adds"]["vin"]] is row:
                row.params = {**row.params, "added": True}


def _take_out_noted(account_id: int, rows: Sequence[FleetImportRow]) -> dict[int, dict[str, Any]]:
    """Delete the covers that rows replace and tell each row's, as a plain copy."""
    wanted = {(row.vehicle_id, PolicyLine(row.values["line"])): row.id for row in rows}
    found: dict[int, dict[str, Any]] = {}
    gone = []
    covers = select(ExternalCover).where(ExternalCover.account_id == account_id)
    for some in chunks([key[0] for key in wanted if key[0]]):
        for cover in db.session.scalars(covers.where(ExternalCover.vehicle_id.in_(some))):
            row_id = wanted.get((cover.vehicle_id, cover.line))
            if row_id is not None and cover.id not in gone:
                found[row_id] = _copy(cover)
                gone.append(cover.id)
    for some in chunks(gone):
        db.session.execute(
            delete(ExternalCover).where(ExternalCover.id.in_(some)), execution_options=_UNSYNCED
        )
    return found


def _copy(cover: ExternalCover) -> dict[str, Any]:
    return {
        "starts_at": cover.starts_at.isoformat() if cover.starts_at else None,
        "ends_at": cover.ends_at.isoformat(),
        "insurer": cover.insurer,
        "number": cover.number,
        "premium_fen": cover.premium_fen,
        "source": cover.source.value,
        "noted_at": cover.noted_at.isoformat(),
    }


def external_values(account_id: int, vehicle_id: int, line: str, copy: Mapping[str, Any]) -> dict[str, Any]:
    """A cover known from elsewhere as columns take it."""
    return {
        "account_id": account_id,
        "vehicle_id": vehicle_id,
        "line": PolicyLine(line),
        "starts_at": moment(copy["starts_at"]) if copy["starts_at"] else None,
        "ends_at": moment(copy["ends_at"]),
        "insurer": copy["insurer"],
        "number": copy["number"],
        "premium_fen": copy["premium_fen"],
        "source": CoverSource(copy["source"]),
        "noted_at": moment(copy["noted_at"]),
    }


def _write_policies(account_id: int, rows: Sequence[FleetImportRow], actor: User, now: datetime) -> None:
    if not rows:
        return
    vehicles = _vehicles({row.vehicle_id for row in rows if row.vehicle_id})
    names = _insured_names(account_id, {one.branch_id for one in vehicles.values()})
    policies = [_policy(row, vehicles[row.vehicle_id or 0], names, actor, now) for row in rows]
    db.session.execute(insert(Policy), policies, execution_options={"render_nulls": True})
    ids = _ids_of([row.values["number"] for row in rows])
    covers, debts = [], []
    for row in rows:
        policy_id = ids[row.values["number"]]
        row.params = {**row.params, "policy_id": policy_id}
        covers += [_coverage(policy_id, one) for one in row.values["covers"]]
        if row.values["unpaid_fen"]:
            debts.append(_receivable(row, vehicles[row.vehicle_id or 0], policy_id, now))
    db.session.execute(insert(Coverage), covers, execution_options={"render_nulls": True})
    if debts:
        db.session.execute(insert(Receivable), debts)


def _vehicles(ids: set[int]) -> dict[int, Vehicle]:
    found = {}
    for some in chunks(sorted(ids)):
        for vehicle in db.session.scalars(select(Vehicle).where(Vehicle.id.in_(some))):
            found[vehicle.id] = vehicle
    return found


def _insured_names(account_id: int, branch_ids: set[int]) -> dict[int, str]:
    """The insured by branch, as on policies issued here: the group, and the branch that uses the vehicle."""
    account = db.session.get_one(KeyAccount, account_id)
    rows = db.session.execute(select(Branch.id, Branch.name).where(Branch.id.in_(branch_ids)))
    return {row.id: f"{account.name}{row.name}"[:200] for row in rows}


def _ids_of(numbers: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunks(numbers):
        found |= dict(
            db.session.execute(select(Policy.number, Policy.id).where(Policy.number.in_(some))).tuples().all()
        )
    return found


def _policy(
    row: FleetImportRow, vehicle: Vehicle, names: Mapping[int, str], actor: User, now: datetime
) -> dict[str, Any]:
    values = row.values
    ends_at = moment(values["ends_at"])
    return {
        "number": values["number"],
        "account_id": vehicle.account_id,
        "branch_id": vehicle.branch_id,
        "issued_branch_id": vehicle.branch_id,
        "vehicle_id": vehicle.id,
        "origin": PolicyOrigin.TAKEN_OVER,
        "line": PolicyLine(values["line"]),
        "cover_set": values["cover_set"],
        "state": PolicyState.ISSUED,
        "starts_at": moment(values["starts_at"]),
        "ends_at": ends_at,
        "agreed_ends_at": ends_at,
        "premium_fen": values["premium_fen"],
        "tax_fen": values["tax_fen"],
        "insured_name": names[vehicle.branch_id],
        "plate": vehicle.plate,
        "vin": vehicle.vin,
        "vehicle_facts": vehicle_facts(vehicle),
        "issued_by_id": actor.id,
        "issued_at": now,
    }


def _coverage(policy_id: int, cover: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "policy_id": policy_id,
        "code": CoverCode(cover["code"]),
        "limit_fen": cover["limit_fen"],
        "per_seat_fen": cover["per_seat_fen"],
        "deductible_fen": 0,
        "absolute_deductible_percent": 0,
    }


def _receivable(row: FleetImportRow, vehicle: Vehicle, policy_id: int, now: datetime) -> dict[str, Any]:
    first_day = local_date(moment(row.values["starts_at"]))
    return {
        "account_id": vehicle.account_id,
        "branch_id": vehicle.branch_id,
        "policy_id": policy_id,
        "amount_fen": row.values["unpaid_fen"],
        "instalment": 1,
        "due_on": premium_rules.due_on(first_day, local_date(now)),
        "created_at": now,
    }


def _write_external(account_id: int, rows: Sequence[FleetImportRow], now: datetime) -> None:
    copies = [
        external_values(
            account_id,
            row.vehicle_id or 0,
            row.values["line"],
            {
                **row.values,
                "insurer": row.values["insurer"][:200],
                "source": CoverSource.OTHER_INSURER.value,
                "noted_at": now.isoformat(),
            },
        )
        for row in rows
    ]
    if copies:
        db.session.execute(insert(ExternalCover), copies, execution_options={"render_nulls": True})


def _remember(rows: Sequence[FleetImportRow], replaced: Mapping[int, Mapping[str, Any]]) -> None:
    for row in rows:
        if row.id in replaced:
            row.before = {**(row.before or {}), "cover": dict(replaced[row.id])}
    db.session.execute(
        update(FleetImportRow),
        [
            {"id": row.id, "vehicle_id": row.vehicle_id, "params": row.params, "before": row.before}
            for row in rows
        ],
    )
