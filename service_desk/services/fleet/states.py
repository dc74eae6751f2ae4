"""A vehicle's states over time. Whoever changes `Vehicle.state` calls `move_to`, so that past days keep theirs."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert, update

from service_desk.models.db import db, table_of
from service_desk.models.fleet import Vehicle, VehicleState, VehicleStateRecord


def begin(vehicle_ids: Iterable[int], state: VehicleState, *, now: datetime) -> None:
    """Begin the state histories of new vehicles, in one statement."""
    rows = [{"vehicle_id": vehicle_id, "state": state, "from_at": now} for vehicle_id in vehicle_ids]
    if rows:
        db.session.execute(insert(table_of(VehicleStateRecord)), rows)


def move_to(vehicle: Vehicle, state: VehicleState, *, now: datetime) -> None:
    """Put a vehicle into another state from now on; what it was is kept."""
    vehicle.state = state
    record_moves([vehicle.id], state, now=now)


def record_moves(vehicle_ids: list[int], state: VehicleState, *, now: datetime) -> None:
    """Close the present records of vehicles and begin new ones: for bulk statements that set the state themselves."""
    db.session.execute(
        update(VehicleStateRecord)
        .where(VehicleStateRecord.vehicle_id.in_(vehicle_ids), VehicleStateRecord.to_at.is_(None))
        .values(to_at=now),
        execution_options={"synchronize_session": False},
    )
    begin(vehicle_ids, state, now=now)
