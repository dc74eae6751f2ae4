"""Vehicles over time: when each was on the road, in which branch, and what covered it; read in a few statements."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from service_desk.models.db import db
from service_desk.models.fleet import BranchRecord, Vehicle, VehicleState, VehicleStateRecord
from service_desk.rules.cover_ratio import Stay, VehicleHistory
from service_desk.services.policies.layers import account_layers, layers_of


def account_histories(account_id: int, *, since: datetime, until: datetime) -> list[VehicleHistory]:
    """Every vehicle of an account, retired ones too: a past day knows them as they were."""
    layers = account_layers(account_id, since=since, until=until)
    return _histories(Vehicle.account_id == account_id, layers)


def vehicle_history(vehicle_id: int, *, since: datetime, until: datetime) -> VehicleHistory:
    """One vehicle that the caller has found visible."""
    layers = layers_of([vehicle_id], since=since, until=until)
    return _histories(Vehicle.id == vehicle_id, layers)[0]


def _histories(wanted: Any, layers: dict[int, list[Any]]) -> list[VehicleHistory]:
    states = _stays(
        select(
            VehicleStateRecord.vehicle_id,
            VehicleStateRecord.from_at,
            VehicleStateRecord.to_at,
            VehicleStateRecord.state,
        ),
        VehicleStateRecord,
        wanted,
    )
    branches = _stays(
        select(BranchRecord.vehicle_id, BranchRecord.from_at, BranchRecord.to_at, BranchRecord.branch_id),
        BranchRecord,
        wanted,
    )
    statement = select(Vehicle.id, Vehicle.use_class, Vehicle.state, Vehicle.created_at, Vehicle.branch_id)
    return [
        VehicleHistory(
            vehicle.id,
            vehicle.use_class,
            _operating(states.get(vehicle.id) or [Stay(vehicle.created_at, None, vehicle.state)]),
            branches.get(vehicle.id) or [Stay(vehicle.created_at, None, vehicle.branch_id)],
            layers.get(vehicle.id, ()),
        )
        for vehicle in db.session.execute(statement.where(wanted).order_by(Vehicle.id))
    ]


def _stays(statement: Select[Any], model: Any, wanted: Any) -> dict[int, list[Stay]]:
    found: dict[int, list[Stay]] = defaultdict(list)
    rows = (
        statement.join(Vehicle, Vehicle.id == model.vehicle_id)
        .where(wanted)
        .order_by(model.from_at, model.id)
    )
    for vehicle_id, from_at, to_at, value in db.session.execute(rows):
        found[vehicle_id].append(Stay(from_at, to_at, value))
    return found


def _operating(states: Sequence[Stay]) -> list[Stay]:
    return [stay for stay in states if stay.value == VehicleState.OPERATING]
