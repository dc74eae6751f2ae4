"""The renewals board: which cover ends when, still to be renewed; counted by branch and class, and listed by page."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.rating import VehicleFacts
from service_desk.rules.renewal import Bucket
from service_desk.rules.vocabulary import UseClass
from service_desk.services import access
from service_desk.services.renewals.covers import Expiry, ExpiryFilter, LastCovers, expiries, rows_of
from service_desk.services.renewals.prices import Prices

# Cover of more than three years is no motor policy.
_ANY_DAYS = 3 * 366


@dataclass
class BoardRow:
    """A bucket of a branch: vehicles by class, the ends of their lines, and the premium of all of these."""

    bucket: Bucket
    branch: Branch
    ends: int = 0
    premium_fen: int = 0
    counts: dict[UseClass | None, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def vehicle_count(self) -> int:
        return sum(self.counts.values())


def list_expiries(wanted: ExpiryFilter, *, actor: User, now: datetime) -> list[Expiry]:
    """Cover that has ended or ends within the days and is still to be renewed, the longest ended first."""
    access.require(actor, Action.READ_RENEWALS)
    return expiries(_visible(actor, rows_of(LastCovers(wanted, now))), wanted.account_id, now)


def page_of_expiries(
    wanted: ExpiryFilter, page: PageRequest, *, actor: User, now: datetime, total: int
) -> Page[Expiry]:
    """One page of the same; `total` is known from the board, which counts the same rows."""
    access.require(actor, Action.READ_RENEWALS)
    statement = _visible(actor, rows_of(LastCovers(wanted, now)))
    rows = expiries(statement.limit(page.size).offset(page.offset), wanted.account_id, now)
    return Page(rows, total, page.number, page.size)


def board_counts(account_id: int, *, actor: User, now: datetime, within_days: int = 30) -> list[BoardRow]:
    """The board of an account, as far ahead as asked: overdue and soon, by branch."""
    return count_board(ExpiryFilter(account_id, within_days), actor=actor, now=now)


def count_board(wanted: ExpiryFilter, *, actor: User, now: datetime) -> list[BoardRow]:
    """Count expiries by bucket and branch in the database; the most urgent bucket first."""
    access.require(actor, Action.READ_RENEWALS)
    covers = LastCovers(wanted, now)
    groups = (covers.bucket.label("bucket"), Branch, Vehicle.use_class)
    counted = covers.joined(
        *groups,
        func.count(),
        func.count(Vehicle.id.distinct()),
        func.coalesce(func.sum(covers.years_premium), 0),
    ).group_by("bucket", Branch.id, Vehicle.use_class)
    rows: dict[tuple[str, int], BoardRow] = {}
    for bucket, branch, use_class, ends, vehicles, premium_fen in db.session.execute(
        _visible(actor, counted)
    ):
        row = rows.setdefault((bucket, branch.id), BoardRow(Bucket(bucket), branch))
        row.ends += ends
        row.counts[use_class] += vehicles
        row.premium_fen += int(premium_fen)
    _add_prices(rows, wanted, actor, now)
    order = list(Bucket)
    return sorted(rows.values(), key=lambda row: (order.index(row.bucket), row.branch.name, row.branch.id))


def _add_prices(
    rows: dict[tuple[str, int], BoardRow], wanted: ExpiryFilter, actor: User, now: datetime
) -> None:
    """Add what our policies would cost where the cover is another insurer's: vehicles alike are priced once."""
    covers = LastCovers(replace(wanted, known_elsewhere=True), now)
    alike = (Vehicle.branch_id, covers.line, Vehicle.use_class, Vehicle.seats, Vehicle.load_kg)
    statement = (
        covers.joined(covers.bucket.label("bucket"), *alike, func.count())
        .where(covers.policy.id.is_(None))
        .group_by("bucket", *alike)
    )
    prices = Prices(wanted.account_id, local_date(now))
    for bucket, branch_id, line, use_class, seats, load_kg, count in db.session.execute(
        _visible(actor, statement)
    ):
        price = prices.find(VehicleFacts(use_class, seats, load_kg), line)
        rows[bucket, branch_id].premium_fen += (price or 0) * count


def count_vehicles(account_id: int, within_days: int, *, actor: User, now: datetime) -> tuple[int, int]:
    """Distinct vehicles whose cover ends within the days, and those whose cover has ended."""
    access.require(actor, Action.READ_RENEWALS)
    covers = LastCovers(ExpiryFilter(account_id, within_days), now)
    is_overdue = (covers.bucket == Bucket.OVERDUE.value).label("is_overdue")
    statement = covers.joined(is_overdue, func.count(Vehicle.id.distinct())).group_by("is_overdue")
    found = {bool(overdue): count for overdue, count in db.session.execute(_visible(actor, statement))}
    return found.get(False, 0), found.get(True, 0)


def vehicle_ids(wanted: ExpiryFilter, *, actor: User, now: datetime) -> dict[int, list[int]]:
    """The vehicles of the expiries by branch id, each once: what a whole branch is issued for."""
    access.require(actor, Action.READ_RENEWALS)
    statement = LastCovers(wanted, now).joined(Vehicle.branch_id, Vehicle.id).distinct().order_by(Vehicle.id)
    found: dict[int, list[int]] = defaultdict(list)
    for branch_id, vehicle_id in db.session.execute(_visible(actor, statement)):
        found[branch_id].append(vehicle_id)
    return found


def _visible(actor: User, statement: Select[Any]) -> Select[Any]:
    return access.visible(actor, Action.READ_RENEWALS, statement, Vehicle)


def expiries_of_vehicle(vehicle_id: int, *, account_id: int, actor: User, now: datetime) -> list[Expiry]:
    """What is still to be renewed of one vehicle, whenever it ends, by line."""
    wanted = ExpiryFilter(account_id, within_days=_ANY_DAYS, vehicle_id=vehicle_id)
    statement = rows_of(LastCovers(wanted, now)).where(Vehicle.id == vehicle_id)
    return expiries(_visible(actor, statement), account_id, now)
