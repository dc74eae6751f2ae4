"""A premium at once: for a vehicle of the fleet, or for a class with seats or tonnes."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select

from service_desk.base.errors import Invalid
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import RateTable
from service_desk.models.users import User
from service_desk.rules import rating
from service_desk.rules.identifiers import normalise_plate
from service_desk.rules.permissions import Action
from service_desk.rules.rating import CtplFloat, Premium, VehicleFacts
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access
from service_desk.services.policies import coverage, rates
from service_desk.services.policies.coverage import CoverAt


@dataclass(frozen=True)
class LineQuote:
    """A cover set's premium with the table and line it comes from, or the reason why there is none."""

    line: PolicyLine
    cover_set: str
    table: RateTable
    premium: Premium | None
    refusal: Invalid | None = None


@dataclass(frozen=True)
class Quote:
    """Every cover set of the tables in force, priced for one vehicle."""

    facts: VehicleFacts
    on: date
    lines: list[LineQuote]


@dataclass(frozen=True)
class FoundVehicle:
    """A vehicle asked for, its branch, and its cover now."""

    vehicle: Vehicle
    branch: Branch
    covers: list[CoverAt]


def quote(
    account_id: int,
    facts: VehicleFacts,
    *,
    on: date,
    actor: User,
    ctpl_float: CtplFloat = CtplFloat.A4,
) -> Quote:
    """Price every cover set that is sold for the class; on its own line, why one cannot be priced."""
    access.require(actor, Action.QUOTE)
    access.get_account(actor, account_id)
    lines = [
        _quote_line(price_table, cover_set, facts, ctpl_float)
        for price_table in rates.in_force(account_id, on).values()
        for cover_set in price_table.cover_sets
        if facts.use_class is None or _is_sold_for(price_table, cover_set, facts)
    ]
    order = list(PolicyLine)
    return Quote(facts, on, sorted(lines, key=lambda one: order.index(one.line)))


def _is_sold_for(price_table: rates.PriceTable, cover_set: str, facts: VehicleFacts) -> bool:
    return any(line.use_class is facts.use_class for line in price_table.lines if line.cover_set == cover_set)


def _quote_line(
    price_table: rates.PriceTable, cover_set: str, facts: VehicleFacts, ctpl_float: CtplFloat
) -> LineQuote:
    line = price_table.table.line
    try:
        premium = rating.premium_for(
            price_table.lines, facts, line=line, cover_set=cover_set, ctpl_float=ctpl_float
        )
    except Invalid as refusal:
        return LineQuote(line, cover_set, price_table.table, None, refusal)
    return LineQuote(line, cover_set, price_table.table, premium)


def facts_of(vehicle: Vehicle) -> VehicleFacts:
    """What rating needs to know of a vehicle."""
    return VehicleFacts(vehicle.use_class, vehicle.seats, vehicle.load_kg)


def find_vehicle(account_id: int, plate: str, *, actor: User, now: datetime) -> FoundVehicle | None:
    """The account's vehicle with a plate or VIN as typed, if the actor may see it."""
    key = normalise_plate(plate)
    statement = (
        select(Vehicle, Branch)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .where(Vehicle.account_id == account_id, or_(Vehicle.plate == key, Vehicle.vin == key))
    )
    row = db.session.execute(access.visible(actor, Action.QUOTE, statement, Vehicle)).first()
    return FoundVehicle(row[0], row[1], coverage.covers_at(row[0].id, now)) if row else None


def get_vehicle(vehicle_id: int, *, actor: User, now: datetime) -> FoundVehicle:
    """The vehicle with an id; NotFound when the actor may not see it."""
    vehicle = access.get_visible(actor, Action.QUOTE, Vehicle, Vehicle.id == vehicle_id)
    branch = db.session.get_one(Branch, vehicle.branch_id)
    return FoundVehicle(vehicle, branch, coverage.covers_at(vehicle.id, now))
