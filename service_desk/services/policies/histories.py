"""Vehicles over time: when each was on the road, in which branch, and what covered it; read in a few statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from service_desk.models.db import db
from service_desk.models.fleet import BranchRecord, Vehicle, VehicleState, VehicleStateRecord
from service_desk.models.kept import built_once
from service_desk.rules.cover_ratio import Stay, VehicleHistory
from service_desk.services.policies.layers import LayersByVehicle, account_layers, layers_of


def account_histories(account_id: int, *, since: datetime, until: datetime) -> list[VehicleHistory]:
    """Every vehicle of an account, retired ones too: a past day knows them as they were."""
    layers = account_layers(account_id, since=since, until=until)
    return _kept_histories("account_id", account_id, layers)


def vehicle_history(vehicle_id: int, *, since: datetime, until: datetime) -> VehicleHistory:
    """One vehicle that the caller has found visible."""
    layers = layers_of([vehicle_id], since=since, until=until)
    return _kept_histories("id", vehicle_id, layers)[0]


def histories_of(
    vehicle_ids: Collection[int], *, since: datetime, until: datetime
) -> dict[int, VehicleHistory]:
    """Vehicles by id that the caller has found visible, as many as a statement takes (`portions`).

    A long list reads its fleet so, a part after another: the histories of all would fill the memory.
    """
    of_these = Vehicle.id.in_(vehicle_ids)
    found = _histories(
        db.session.execute(_records_of(VehicleStateRecord, "state", of_these)),
        db.session.execute(_records_of(BranchRecord, "branch_id", of_these)),
        db.session.execute(_vehicles_of(of_these)),
        layers_of(vehicle_ids, since=since, until=until),
    )
    return {one.vehicle_id: one for one in found}


def _kept_histories(column: str, value: int, layers: LayersByVehicle) -> list[VehicleHistory]:
    """Of the vehicles a column of which has a value."""
    return _histories(
        _records(VehicleStateRecord, "state", column, value).rows(),
        _records(BranchRecord, "branch_id", column, value).rows(),
        _vehicles(column, value).rows(),
        layers,
    )


def _histories(
    state_rows: Iterable[Any], branch_rows: Iterable[Any], vehicles: Iterable[Any], layers: LayersByVehicle
) -> list[VehicleHistory]:
    states, branches = _stays(state_rows), _stays(branch_rows)
    return [
        VehicleHistory(
            vehicle.id,
            vehicle.use_class,
            _operating(states.get(vehicle.id) or [Stay(vehicle.created_at, None, vehicle.state)]),
            branches.get(vehicle.id) or [Stay(vehicle.created_at, None, vehicle.branch_id)],
            layers.get(vehicle.id, ()),
        )
        for vehicle in vehicles
    ]


@built_once
def _vehicles(column: str, value: int) -> Select[Any]:
    return _vehicles_of(getattr(Vehicle, column) == value)


def _vehicles_of(wanted: ColumnElement[bool]) -> Select[Any]:
    columns = (Vehicle.id, Vehicle.use_class, Vehicle.state, Vehicle.created_at, Vehicle.branch_id)
    return select(*columns).where(wanted).order_by(Vehicle.id)


@built_once
def _records(model: Any, recorded: str, column: str, value: int) -> Select[Any]:
    return _records_of(model, recorded, getattr(Vehicle, column) == value)


def _records_of(model: Any, recorded: str, wanted: ColumnElement[bool]) -> Select[Any]:
    return (
        select(model.vehicle_id, model.from_at, model.to_at, getattr(model, recorded))
        .join(Vehicle, Vehicle.id == model.vehicle_id)
        .where(wanted)
        .order_by(model.from_at, model.id)
    )


def _stays(rows: Iterable[Any]) -> dict[int, list[Stay]]:
    found: dict[int, list[Stay]] = defaultdict(list)
    for vehicle_id, from_at, to_at, value in rows:
        found[vehicle_id].append(Stay(from_at, to_at, value))
    return found


def _operating(states: Sequence[Stay]) -> list[Stay]:
    return [stay for stay in states if stay.value == VehicleState.OPERATING]
