"""Lists of vehicles and what is known of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, search_key
from service_desk.models.accounts import Branch, Contact
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.fleet import (
    BranchRecord,
    FleetImport,
    FleetImportRow,
    PlateRecord,
    Vehicle,
    VehicleState,
)
from service_desk.models.policies import Policy
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access
from service_desk.services.fleet import requirements
from service_desk.services.fleet.covers import ends_soon, holds, is_fully_covered

SUGGESTIONS = 10


class CoverFilter(StrEnum):
    """What is asked of cover today. The first two are about operating vehicles only."""

    WITHOUT_CTPL = "without_ctpl"
    EXPIRING = "expiring"
    COVERED = "covered"


@dataclass(frozen=True)
class VehicleFilter:
    """Which vehicles are wanted; None means any. A branch stands for everything below it too."""

    branch_id: int | None = None
    use_class: UseClass | None = None
    state: VehicleState | None = None
    cover: CoverFilter | None = None
    text: str = ""


@dataclass(frozen=True)
class ListedVehicle:
    """A vehicle with its branch's names."""

    vehicle: Vehicle
    branch: str
    branch_en: str


_SORTS: dict[str, Any] = {
    "plate": Vehicle.plate,
    "branch": Branch.name,
    "class": Vehicle.use_class,
    "seats": Vehicle.seats,
    "registered": Vehicle.registered_on,
}


def list_vehicles(
    account_id: int, wanted: VehicleFilter, page: PageRequest, *, sort: str = "", actor: User, now: datetime
) -> Page[ListedVehicle]:
    """One page of an account's vehicles. `sort` is a column's key, with `-` before it descending."""
    statement = _filtered(account_id, wanted, actor, now)
    rows = db.session.execute(
        _ordered(statement.add_columns(Branch.name, Branch.name_en), sort)
        .limit(page.size)
        .offset(page.offset)
    )
    return Page([ListedVehicle(*row) for row in rows], count_of(statement), page.number, page.size)


def vehicle_ids(account_id: int, wanted: VehicleFilter, *, actor: User, now: datetime) -> Sequence[int]:
    """The ids a filter finds, by plate, for issuing policies for all of them."""
    statement = _filtered(account_id, wanted, actor, now).with_only_columns(Vehicle.id)
    return db.session.scalars(_ordered(statement, "")).all()


def count_vehicles(account_id: int, wanted: VehicleFilter, *, actor: User, now: datetime) -> int:
    """How many vehicles a filter finds."""
    return count_of(_filtered(account_id, wanted, actor, now))


def count_of(statement: Select[Any]) -> int:
    """The number of rows of a select, whatever its order."""
    return db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0


def _filtered(account_id: int, wanted: VehicleFilter, actor: User, now: datetime) -> Select[Any]:
    access.require(actor, Action.READ_FLEET)
    statement = (
        select(Vehicle).join(Branch, Branch.id == Vehicle.branch_id).where(Vehicle.account_id == account_id)
    )
    if wanted.branch_id is not None:
        statement = statement.where(Vehicle.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.use_class is not None:
        statement = statement.where(Vehicle.use_class == wanted.use_class)
    if wanted.state is not None:
        statement = statement.where(Vehicle.state == wanted.state)
    if wanted.cover is not None:
        statement = statement.where(_cover_condition(wanted.cover, account_id, now))
    if search_key(wanted.text):
        statement = statement.where(_text_condition(wanted.text))
    return access.visible(actor, Action.READ_FLEET, statement, Vehicle)


def _cover_condition(cover: CoverFilter, account_id: int, now: datetime) -> ColumnElement[bool]:
    if cover is CoverFilter.COVERED:
        return is_fully_covered(requirements.in_force(account_id, local_date(now)), now)
    operating = Vehicle.state == VehicleState.OPERATING
    if cover is CoverFilter.EXPIRING:
        return and_(operating, ends_soon(now))
    return and_(operating, ~holds(PolicyLine.CTPL, now))


def _text_condition(text: str) -> ColumnElement[bool]:
    pattern = like_pattern(search_key(text).upper())
    formerly = select(PlateRecord.vehicle_id).where(PlateRecord.plate.like(pattern, escape="\\"))
    return or_(
        *(column.ilike(pattern, escape="\\") for column in (Vehicle.plate, Vehicle.vin, Vehicle.engine_no)),
        Vehicle.id.in_(formerly),
    )


def _ordered(statement: Select[Any], sort: str) -> Select[Any]:
    column = _SORTS.get(sort.lstrip("-"), Vehicle.plate)
    wanted = column.desc() if sort.startswith("-") else column.asc()
    # Missing values last on both databases, and an id so that pages never overlap.
    return statement.order_by(column.is_(None), wanted, Vehicle.id)


def suggest(text: str, account_id: int, *, actor: User) -> list[ListedVehicle]:
    """A few vehicles the actor may see whose plate, VIN or engine number holds the text, retired ones last."""
    access.require(actor, Action.READ_FLEET)
    if not search_key(text):
        return []
    statement = (
        select(Vehicle, Branch.name, Branch.name_en)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .where(Vehicle.account_id == account_id, _text_condition(text))
        .order_by(Vehicle.state == VehicleState.RETIRED, Vehicle.plate.is_(None), Vehicle.plate, Vehicle.id)
        .limit(SUGGESTIONS)
    )
    return [
        ListedVehicle(*row)
        for row in db.session.execute(access.visible(actor, Action.READ_FLEET, statement, Vehicle))
    ]


def get_vehicle(vehicle_id: int, *, actor: User) -> Vehicle:
    """One vehicle the actor may see."""
    return access.get_visible(actor, Action.READ_FLEET, Vehicle, Vehicle.id == vehicle_id)


def plates_of(vehicle: Vehicle) -> list[PlateRecord]:
    """A vehicle's plates, the present one first."""
    statement = select(PlateRecord).where(PlateRecord.vehicle_id == vehicle.id)
    return list(db.session.scalars(statement.order_by(PlateRecord.from_at.desc(), PlateRecord.id.desc())))


def branches_of(vehicle: Vehicle) -> list[tuple[BranchRecord, Branch]]:
    """A vehicle's branches, the present one first."""
    statement = select(BranchRecord, Branch).join(Branch, Branch.id == BranchRecord.branch_id)
    statement = statement.where(BranchRecord.vehicle_id == vehicle.id)
    rows = db.session.execute(statement.order_by(BranchRecord.from_at.desc(), BranchRecord.id.desc()))
    return [(row[0], row[1]) for row in rows]


def policies_of(vehicle: Vehicle, *, actor: User) -> list[Policy]:
    """The vehicle's policies the actor may see, the latest first."""
    statement = select(Policy).where(Policy.vehicle_id == vehicle.id)
    statement = access.visible(actor, Action.READ_POLICIES, statement, Policy)
    return list(db.session.scalars(statement.order_by(Policy.starts_at.desc(), Policy.id.desc())))


def claims_of(vehicle: Vehicle, *, actor: User) -> list[Claim]:
    """The vehicle's claims the actor may see, the latest first."""
    statement = select(Claim).where(Claim.vehicle_id == vehicle.id)
    statement = access.visible(actor, Action.READ_CLAIMS, statement, Claim)
    return list(db.session.scalars(statement.order_by(Claim.loss_at.desc(), Claim.id.desc())))


def contacts_of(vehicle: Vehicle) -> list[Contact]:
    """The contact people of the vehicle's branch and of those above it. The caller has seen the vehicle."""
    own = aliased(Branch)
    above = (
        select(Branch.id).join(own, own.path.like(Branch.path.concat("%"))).where(own.id == vehicle.branch_id)
    )
    statement = select(Contact).where(
        Contact.account_id == vehicle.account_id, Contact.branch_id.in_(above), Contact.is_active
    )
    return list(db.session.scalars(statement.order_by(Contact.branch_id.desc(), Contact.name, Contact.id)))


def import_row_of(vehicle: Vehicle) -> tuple[FleetImportRow, FleetImport] | None:
    """The row of the list that last changed the vehicle, None when no list did."""
    statement = (
        select(FleetImportRow, FleetImport)
        .join(FleetImport, FleetImport.id == FleetImportRow.import_id)
        .where(FleetImportRow.id == vehicle.import_row_id)
    )
    row = db.session.execute(statement).first()
    return (row[0], row[1]) if row else None
