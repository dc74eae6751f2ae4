"""Vehicles over time: when each was on the road, in which branch, and what covered it; read in a few statements."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from service_desk.models.fleet import BranchRecord, Vehicle, VehicleState, VehicleStateRecord
from service_desk.models.kept import built_once
from service_desk.rules.cover_ratio import Stay, VehicleHistory
from service_desk.services.policies.layers import account_layers, layers_of


def account_histories(account_id: int, *, since: datetime, until: datetime) -> list[VehicleHistory]:
    """Every vehicle of an account, retired ones too: a past day knows them as they were."""
    layers = account_layers(account_id, since=since, until=until)
    return _histories("account_id", account_id, layers)


def vehicle_history(vehicle_id: int, *, since: datetime, until: datetime) -> VehicleHistory:
    """One vehicle that the caller has found visible."""
    layers = layers_of([vehicle_id], since=since, until=until)
    return _histories("id", vehicle_id, layers)[0]


def _histories(column: str, value: int, layers: dict[int, list[Any]]) -> list[VehicleHistory]:
    """Of the vehicles a column of which has a value."""
    states = _stays(_records(VehicleStateRecord, "state", column, value).rows())
    branches = _stays(_records(BranchRecord, "branch_id", column, value).rows())
    return [
        VehicleHistory(
            vehicle.id,
            vehicle.use_class,
            _operating(states.get(vehicle.id) or [Stay(vehicle.created_at, None, vehicle.state)]),
            branches.get(vehicle.id) or [Stay(vehicle.created_at, None, vehicle.branch_id)],
            layers.get(vehicle.id, ()),
        )
        for vehicle in _vehicles(column, value).rows()
    ]


@built_once
def _vehicles(column: str, value: int) -> Select[Any]:
    columns = (Vehicle.id, Vehicle.use_class, Vehicle.state, Vehicle.created_at, Vehicle.branch_id)
    return select(*columns).where(getattr(Vehicle, column) == value).order_by(Vehicle.id)


@built_once
def _records(model: Any, recorded: str, column: str, value: int) -> Select[Any]:
    return (
        select(model.vehicle_id, model.from_at, model.to_at, getattr(model, recorded))
        .join(Vehicle, Vehicle.id == model.vehicle_id)
        .where(getattr(Vehicle, column) == value)
        .order_by(model.from_at, model.id)
    )


def _stays(rows: Iterable[Any]) -> dict[int, list[Stay]]:
    found: dict[int, list[Stay]] = defaultdict(list)
    for vehicle_id, from_at, to_at, value in rows:
        found[vehicle_id].append(Stay(from_at, to_at, value))
    return found


def _operating(states: Sequence[Stay]) -> list[Stay]:
    return [stay for stay in states if stay.value == VehicleState.OPERATING]
