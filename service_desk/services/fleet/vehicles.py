"""One vehicle at a time: add, change (its plate and branch histories are kept), suspend, resume, retire."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db, table_of
from service_desk.models.fleet import (
    BranchRecord,
    PlateRecord,
    Vehicle,
    VehicleRequest,
    VehicleState,
    VehicleStateRecord,
)
from service_desk.models.users import User
from service_desk.rules.identifiers import (
    is_plate,
    is_vin,
    normalise_plate,
    normalise_vin,
    suggest_plate,
    suggest_vin,
)
from service_desk.rules.permissions import Action
from service_desk.rules.vehicle_onboarding import OnboardingState
from service_desk.rules.vocabulary import UseClass
from service_desk.services import access, audit, submissions
from service_desk.services.fleet import states
from service_desk.services.fleet.planning import APPROVED_FIELDS
from service_desk.services.fleet.queries import get_vehicle

STATE_CHANGES: dict[VehicleState, tuple[VehicleState, ...]] = {
    # What becomes of it is decided on its request.
    VehicleState.PENDING: (),
    VehicleState.OPERATING: (VehicleState.SUSPENDED, VehicleState.RETIRED),
    VehicleState.SUSPENDED: (VehicleState.OPERATING, VehicleState.RETIRED),
    VehicleState.RETIRED: (VehicleState.OPERATING,),
}
"""From each state the ones a person may put a vehicle into. Back from retired: for a mistake."""


@dataclass(frozen=True)
class VehicleDetails:
    """A vehicle as typed. One of plate and VIN may be empty: the plate is pending, or the VIN unknown."""

    plate: str
    vin: str
    engine_no: str
    model: str
    use_class: UseClass | None
    seats: int | None
    load_kg: int | None
    registered_on: date | None
    branch_id: int


def add_vehicle(
    account_id: int, details: VehicleDetails, *, actor: User, now: datetime, key: str = ""
) -> Vehicle:
    """Add a vehicle to an account's fleet; its plate and branch histories begin."""
    access.require(actor, Action.EDIT_VEHICLES)
    access.get_visible(actor, Action.EDIT_VEHICLES, KeyAccount, KeyAccount.id == account_id)

    def make() -> str:
        _check(account_id, details, None, actor, now)
        return str(enter(account_id, details, VehicleState.OPERATING, actor=actor, now=now).id)

    return get_vehicle(int(submissions.once("vehicle", key, make, actor=actor, now=now)), actor=actor)


def enter(
    account_id: int, details: VehicleDetails, state: VehicleState, *, actor: User, now: datetime
) -> Vehicle:
    """Make a vehicle's row and begin its histories. The caller has found nothing wrong with the details."""
    vehicle = Vehicle(account_id=account_id, state=state, created_at=now, **values_of(details))
    db.session.add(vehicle)
    db.session.flush()
    _begin_plate(vehicle, now)
    db.session.add(BranchRecord(vehicle_id=vehicle.id, branch_id=vehicle.branch_id, from_at=now))
    states.begin([vehicle.id], state, now=now)
    audit.record("vehicle_added", vehicle, actor=actor, now=now, label=name_of(vehicle))
    return vehicle


def leave(vehicle: Vehicle, *, actor: User, now: datetime) -> bool:
    """Take out a vehicle that never operated; retire it where something is recorded of it. Tell whether it is gone.

    Its plate and VIN are free again only when it is.
    """
    db.session.flush()
    label = name_of(vehicle)
    try:
        with db.session.begin_nested():
            for table in (table_of(PlateRecord), table_of(BranchRecord), table_of(VehicleStateRecord)):
                db.session.execute(delete(table).where(table.c.vehicle_id == vehicle.id))
            # Whatever refers to it (a claim, a cancelled policy, a list) makes the database refuse.
            own = table_of(Vehicle)
            db.session.execute(delete(own).where(own.c.id == vehicle.id))
    except IntegrityError:
        changes = {"state": (vehicle.state, VehicleState.RETIRED)}
        states.move_to(vehicle, VehicleState.RETIRED, now=now)
        audit.record("vehicle_state_changed", vehicle, actor=actor, now=now, label=label, changes=changes)
        return False
    audit.record("vehicle_removed", vehicle, actor=actor, now=now, label=label)
    db.session.expunge(vehicle)
    return True


def change_vehicle(
    vehicle_id: int, details: VehicleDetails, version: int, *, actor: User, now: datetime
) -> Vehicle:
    """Change a vehicle's facts. Another plate or branch closes the present record and begins one.

    Conflict `approved_as_requested` for another identity, class or branch than the group has approved.
    """
    access.require(actor, Action.EDIT_VEHICLES)
    vehicle = get_vehicle(vehicle_id, actor=actor)
    if vehicle.version != version:
        raise Conflict("stale")
    if vehicle.state is VehicleState.PENDING and _differs_from_approved(vehicle, details):
        raise Conflict("approved_as_requested")
    _check(vehicle.account_id, details, vehicle, actor, now)
    write_details(vehicle, details, actor=actor, now=now)
    return vehicle


def write_details(
    vehicle: Vehicle, details: VehicleDetails, *, actor: User, now: datetime, **others: Any
) -> None:
    """Write a vehicle's facts and keep its histories. The caller has found nothing wrong with them."""
    changes = audit.change(vehicle, **values_of(details), **others)
    if "plate" in changes:
        _end(PlateRecord, vehicle, now)
        _begin_plate(vehicle, now)
    if "state" in changes:
        states.record_moves([vehicle.id], vehicle.state, now=now)
    if "branch_id" in changes:
        _end(BranchRecord, vehicle, now)
        db.session.add(BranchRecord(vehicle_id=vehicle.id, branch_id=vehicle.branch_id, from_at=now))
    if changes:
        audit.record(
            "vehicle_changed", vehicle, actor=actor, now=now, label=name_of(vehicle), changes=changes
        )


def set_state(
    vehicle_id: int, state: VehicleState, reason: str, version: int, *, actor: User, now: datetime
) -> Vehicle:
    """Suspend, resume or retire a vehicle; the reason is kept with the record."""
    access.require(actor, Action.EDIT_VEHICLES)
    vehicle = get_vehicle(vehicle_id, actor=actor)
    if vehicle.version != version:
        raise Conflict("stale")
    if state not in STATE_CHANGES[vehicle.state]:
        raise Conflict("vehicle_state_not_possible")
    if _awaits_approval(vehicle):
        raise Conflict("vehicle_not_approved")
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    changes = {"state": (vehicle.state, state), "reason": (None, squeeze(reason))}
    states.move_to(vehicle, state, now=now)
    audit.record(
        "vehicle_state_changed", vehicle, actor=actor, now=now, label=name_of(vehicle), changes=changes
    )
    return vehicle


def name_of(vehicle: Vehicle) -> str:
    """What people call a vehicle: its plate, while that is pending its VIN."""
    return vehicle.plate or vehicle.vin or ""


def _differs_from_approved(vehicle: Vehicle, details: VehicleDetails) -> bool:
    wanted, held = values_of(details), {name: getattr(vehicle, name) for name in APPROVED_FIELDS}
    return any(value is not None and wanted[name] != value for name, value in held.items())


def _awaits_approval(vehicle: Vehicle) -> bool:
    """Whether it was asked for and never became operating: no way back leads past the joint approval."""
    asked_for = select(VehicleRequest.id).where(
        VehicleRequest.vehicle_id == vehicle.id, VehicleRequest.state != OnboardingState.DONE
    )
    return db.session.scalar(asked_for.limit(1)) is not None


def values_of(details: VehicleDetails) -> dict[str, Any]:
    """What was typed as the columns take it."""
    return {
        "plate": normalise_plate(details.plate) or None,
        "vin": normalise_vin(details.vin) or None,
        "engine_no": squeeze(details.engine_no),
        "model": squeeze(details.model),
        "use_class": details.use_class,
        "seats": details.seats,
        "load_kg": details.load_kg,
        "registered_on": details.registered_on,
        "branch_id": details.branch_id,
    }


def _check(account_id: int, details: VehicleDetails, own: Vehicle | None, actor: User, now: datetime) -> None:
    branch = db.session.scalar(
        access.visible(actor, Action.READ_FLEET, select(Branch).where(Branch.id == details.branch_id), Branch)
    )
    if branch is None or branch.account_id != account_id:
        raise NotFound("not_found", field="branch_id")
    problems = problems_of(account_id, details, own, now=now)
    if problems:
        raise InvalidMany(problems)


def problems_of(
    account_id: int, details: VehicleDetails, own: Vehicle | None, *, now: datetime
) -> list[Invalid]:
    """Everything wrong with a vehicle's facts. `own` is the vehicle they are of, None for a new one.

    Invalid: identity_missing, plate_invalid, plate_invalid_perhaps, vin_invalid, vin_invalid_perhaps, plate_taken,
    vin_taken, registered_in_future.
    """
    problems = [*_identity_problems(details), *_taken(account_id, details, own)]
    if details.registered_on and details.registered_on > local_date(now):
        problems.append(Invalid("registered_in_future", field="registered_on"))
    return problems


def _identity_problems(details: VehicleDetails) -> Iterator[Invalid]:
    plate, vin = normalise_plate(details.plate), normalise_vin(details.vin)
    if not plate and not vin:
        yield Invalid("identity_missing", field="plate")
    if plate and not is_plate(plate):
        yield _unreadable("plate_invalid", "plate", details.plate, suggest_plate(plate))
    if vin and not is_vin(vin):
        yield _unreadable("vin_invalid", "vin", details.vin, suggest_vin(vin))


def _unreadable(code: str, field: str, value: str, suggestion: str | None) -> Invalid:
    if suggestion:
        return Invalid(f"{code}_perhaps", field=field, value=value, suggestion=suggestion)
    return Invalid(code, field=field, value=value)


def _taken(account_id: int, details: VehicleDetails, own: Vehicle | None) -> Iterator[Invalid]:
    names = {"plate": normalise_plate(details.plate), "vin": normalise_vin(details.vin)}
    for field, value in names.items():
        column = getattr(Vehicle, field)
        statement = select(Vehicle).where(Vehicle.account_id == account_id, column == value)
        holder = (
            db.session.scalar(statement.where(Vehicle.id != own.id) if own else statement) if value else None
        )
        if holder is not None:
            other = holder.vin if field == "plate" else holder.plate
            yield Invalid(f"{field}_taken", field=field, value=value, holder=other)


def _begin_plate(vehicle: Vehicle, now: datetime) -> None:
    if vehicle.plate:
        db.session.add(PlateRecord(vehicle_id=vehicle.id, plate=vehicle.plate, from_at=now))


def _end(model: Any, vehicle: Vehicle, now: datetime) -> None:
    db.session.execute(
        update(model).where(model.vehicle_id == vehicle.id, model.to_at.is_(None)).values(to_at=now),
        execution_options={"synchronize_session": False},
    )
