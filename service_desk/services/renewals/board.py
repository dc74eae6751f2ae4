"""Which cover ends when: the last cover of each operating vehicle and line, ours or known from elsewhere.

Only the last one counts: a vehicle that was renewed has a later one, and is not on the board.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, select, union_all

from service_desk.base.clock import end_of_day, local_date
from service_desk.base.errors import Invalid
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import ExternalCover, Policy
from service_desk.models.users import User
from service_desk.rules import rating, renewal
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.rating import VehicleFacts
from service_desk.rules.renewal import Bucket
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access
from service_desk.services.policies import rates

BOARD_DAYS = 60


@dataclass(frozen=True)
class ExpiryFilter:
    """Which expiries of an account are wanted, up to `within_days` from now; None means any."""

    account_id: int
    within_days: int = BOARD_DAYS
    branch_id: int | None = None
    use_class: UseClass | None = None
    line: PolicyLine | None = None
    bucket: Bucket | None = None


@dataclass(frozen=True)
class Expiry:
    """The last cover of a vehicle and line. `number` is empty for cover known from elsewhere.

    `premium_fen`: the premium of the policy that ends; for cover from elsewhere the price of a new one,
    None when there is no price.
    """

    vehicle_id: int
    plate: str
    use_class: UseClass | None
    branch: Branch
    line: PolicyLine
    ends_at: datetime
    last_day: date
    days_left: int
    bucket: Bucket
    number: str
    premium_fen: int | None


@dataclass
class BoardRow:
    """A bucket of a branch: vehicles by class, and the premium of all their lines in it."""

    bucket: Bucket
    branch: Branch
    premium_fen: int = 0
    vehicles: dict[UseClass | None, set[int]] = field(default_factory=lambda: defaultdict(set))

    @property
    def counts(self) -> dict[UseClass | None, int]:
        return {use_class: len(ids) for use_class, ids in self.vehicles.items()}

    @property
    def vehicle_ids(self) -> set[int]:
        return {vehicle_id for ids in self.vehicles.values() for vehicle_id in ids}


def list_expiries(wanted: ExpiryFilter, *, actor: User, now: datetime) -> list[Expiry]:
    """Cover that has ended or ends within the days, the longest ended first."""
    access.require(actor, Action.READ_RENEWALS)
    statement = access.visible(actor, Action.READ_RENEWALS, _last_covers(wanted, now), Vehicle)
    found = expiries(statement, wanted.account_id, now)
    return found if wanted.bucket is None else [one for one in found if one.bucket is wanted.bucket]


def account_expiries(account_id: int, within_days: int, *, now: datetime) -> list[Expiry]:
    """The same for a whole account and for no actor: what reminders are sent from."""
    return expiries(_last_covers(ExpiryFilter(account_id, within_days), now), account_id, now)


def board_of(found: Iterable[Expiry]) -> list[BoardRow]:
    """Count expiries by bucket and branch; the most urgent bucket first."""
    rows: dict[tuple[int, str, int], BoardRow] = {}
    order = list(Bucket)
    for one in found:
        key = (order.index(one.bucket), one.branch.name, one.branch.id)
        row = rows.setdefault(key, BoardRow(one.bucket, one.branch))
        row.vehicles[one.use_class].add(one.vehicle_id)
        row.premium_fen += one.premium_fen or 0
    return [rows[key] for key in sorted(rows)]


def board_counts(account_id: int, *, actor: User, now: datetime, within_days: int = 30) -> list[BoardRow]:
    """The board of an account, as far ahead as asked: overdue and soon, by branch."""
    return board_of(list_expiries(ExpiryFilter(account_id, within_days), actor=actor, now=now))


def _last_covers(wanted: ExpiryFilter, now: datetime) -> Select[Any]:
    until = end_of_day(local_date(now) + timedelta(days=wanted.within_days))
    ours = select(Policy.vehicle_id, Policy.line, Policy.ends_at).where(
        Policy.account_id == wanted.account_id, Policy.ends_at > Policy.starts_at
    )
    outside = select(ExternalCover.vehicle_id, ExternalCover.line, ExternalCover.ends_at).where(
        ExternalCover.account_id == wanted.account_id
    )
    every = union_all(ours, outside).subquery()
    last = (
        select(every.c.vehicle_id, every.c.line, func.max(every.c.ends_at).label("ends_at"))
        .group_by(every.c.vehicle_id, every.c.line)
        .having(func.max(every.c.ends_at) <= until)
        .subquery()
    )
    own_last = and_(
        Policy.vehicle_id == last.c.vehicle_id,
        Policy.line == last.c.line,
        Policy.ends_at == last.c.ends_at,
        Policy.ends_at > Policy.starts_at,
    )
    statement = (
        select(Vehicle, Branch, last.c.line, last.c.ends_at, Policy.number, Policy.premium_fen)
        .join(last, last.c.vehicle_id == Vehicle.id)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .outerjoin(Policy, own_last)
        .where(Vehicle.account_id == wanted.account_id, Vehicle.state == VehicleState.OPERATING)
        .order_by(last.c.ends_at, Branch.name, Vehicle.plate, Vehicle.id)
    )
    if wanted.branch_id is not None:
        statement = statement.where(Vehicle.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.use_class is not None:
        statement = statement.where(Vehicle.use_class == wanted.use_class)
    if wanted.line is not None:
        statement = statement.where(last.c.line == wanted.line)
    return statement


def expiries(statement: Select[Any], account_id: int, now: datetime) -> list[Expiry]:
    """The rows of `_last_covers` as expiries."""
    today = local_date(now)
    price_of = _Prices(account_id, today)
    found = []
    for vehicle, branch, line, ends_at, number, premium_fen in db.session.execute(statement):
        last_day = last_covered_day(ends_at)
        found.append(
            Expiry(
                vehicle_id=vehicle.id,
                plate=vehicle.plate or vehicle.vin or "",
                use_class=vehicle.use_class,
                branch=branch,
                line=line,
                ends_at=ends_at,
                last_day=last_day,
                days_left=renewal.days_left(last_day, today),
                bucket=renewal.bucket_of(last_day, today),
                number=number or "",
                premium_fen=premium_fen if number else price_of.find(vehicle, line),
            )
        )
    return found


class _Prices:
    """What a new policy would cost, with the first cover set of its line."""

    def __init__(self, account_id: int, today: date) -> None:
        self._tables = rates.in_force(account_id, today)

    def find(self, vehicle: Vehicle, line: PolicyLine) -> int | None:
        table = self._tables.get(line)
        if table is None:
            return None
        facts = VehicleFacts(vehicle.use_class, vehicle.seats, vehicle.load_kg)
        try:
            return rating.premium_for(table.lines, facts, line=line, cover_set=table.cover_sets[0]).total_fen
        except Invalid:
            return None
