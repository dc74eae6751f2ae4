"""Reading quote sheets: the list, one sheet with its vehicles a page, totals by line and by branch, all of it to print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import func, or_, select

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, squeeze
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import IssueBatch, QuoteLine, QuoteSheet
from service_desk.models.users import User
from service_desk.rules.identifiers import normalise_plate
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access
from service_desk.services.policies import quote_sheets, rates
from service_desk.services.policies.rates import PricedBy


@dataclass(frozen=True)
class SheetFilter:
    """Which sheets of an account are wanted. `state`: `open`, `expired`, `issued`, empty for any."""

    account_id: int
    state: str = ""
    text: str = ""


@dataclass(frozen=True)
class SheetRow:
    """A sheet in a list: who made it, and whether its prices still hold."""

    sheet: QuoteSheet
    made_by: User
    state: str


@dataclass(frozen=True)
class QuotedVehicle:
    """A vehicle of a sheet with its lines; `priced_by` by the rate line that priced them, and maybe others."""

    lines: list[QuoteLine]
    priced_by: Mapping[int, PricedBy]

    @property
    def first(self) -> QuoteLine:
        """Any of its lines: the vehicle's facts are the same in all."""
        return self.lines[0]

    @property
    def premium_fen(self) -> int:
        return sum(line.premium_fen or 0 for line in self.lines)

    @property
    def tax_fen(self) -> int:
        return sum(line.tax_fen for line in self.lines)


@dataclass(frozen=True)
class Total:
    """Policies priced, their premium and tax in fen."""

    count: int
    premium_fen: int
    tax_fen: int


@dataclass(frozen=True)
class SheetView:
    """A sheet, a page of its vehicles, and its totals. `by_branch` in the sheet's order."""

    sheet: QuoteSheet
    account: KeyAccount
    made_by: User
    state: str
    page: Page[QuotedVehicle]
    branches: dict[int, Branch]
    by_line: dict[PolicyLine, Total]
    by_branch: dict[int, Total]
    batches: list[IssueBatch]

    @property
    def is_open(self) -> bool:
        return self.state == "open"


def list_sheets(wanted: SheetFilter, page: PageRequest, *, actor: User, now: datetime) -> Page[SheetRow]:
    """The quote sheets of an account, the latest first."""
    access.require(actor, Action.QUOTE)
    today = local_date(now)
    is_issued = (
        select(IssueBatch.id)
        .where(IssueBatch.quote_id == QuoteSheet.id, IssueBatch.undone_at.is_(None))
        .exists()
    )
    statement = select(QuoteSheet, User, is_issued).join(User, User.id == QuoteSheet.created_by_id)
    statement = statement.where(QuoteSheet.account_id == wanted.account_id)
    if wanted.state == "issued":
        statement = statement.where(is_issued)
    elif wanted.state == "open":
        statement = statement.where(~is_issued, QuoteSheet.valid_until >= today)
    elif wanted.state == "expired":
        statement = statement.where(~is_issued, QuoteSheet.valid_until < today)
    if text := squeeze(wanted.text):
        key = like_pattern(text)
        statement = statement.where(
            or_(QuoteSheet.number.ilike(key, escape="\\"), QuoteSheet.title.ilike(key, escape="\\"))
        )
    statement = access.visible(actor, Action.QUOTE, statement, QuoteSheet)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ordered = statement.order_by(QuoteSheet.created_at.desc(), QuoteSheet.id.desc())
    rows = db.session.execute(ordered.limit(page.size).offset(page.offset))
    return Page(
        [SheetRow(sheet, user, _state(sheet, issued, today)) for sheet, user, issued in rows],
        total,
        page.number,
        page.size,
    )


def _state(sheet: QuoteSheet, is_issued: bool, today: date) -> str:
    if is_issued:
        return "issued"
    return "open" if sheet.valid_until >= today else "expired"


def get_sheet(number: str, page: PageRequest | None, *, actor: User, now: datetime) -> SheetView:
    """One sheet with a page of its vehicles; with all of them when `page` is None."""
    sheet = quote_sheets.find(number, actor)
    if page is None:
        page = PageRequest(1, max(1, sheet.vehicle_count))
    batches = quote_sheets.issued_batches(sheet)
    by_branch = _totals(sheet, QuoteLine.branch_id)
    branches = db.session.scalars(select(Branch).where(Branch.id.in_(by_branch)))
    return SheetView(
        sheet=sheet,
        account=db.session.get_one(KeyAccount, sheet.account_id),
        made_by=db.session.get_one(User, sheet.created_by_id),
        state=_state(sheet, bool(batches), local_date(now)),
        page=_vehicles(sheet, page),
        branches={branch.id: branch for branch in branches},
        by_line={PolicyLine(line): total for line, total in _totals(sheet, QuoteLine.line).items()},
        by_branch=by_branch,
        batches=batches,
    )


def list_vehicles(number: str, page: PageRequest, *, actor: User) -> Page[QuotedVehicle]:
    """The vehicles of a sheet, a page at a time."""
    return _vehicles(quote_sheets.find(number, actor), page)


def _vehicles(sheet: QuoteSheet, page: PageRequest) -> Page[QuotedVehicle]:
    statement = (
        select(QuoteLine)
        .where(
            QuoteLine.quote_id == sheet.id,
            QuoteLine.position >= page.offset,
            QuoteLine.position < page.offset + page.size,
        )
        .order_by(QuoteLine.position, QuoteLine.id)
    )
    lines = db.session.scalars(statement).all()
    priced_by = rates.lines_by_id({line.rate_line_id for line in lines if line.rate_line_id is not None})
    vehicles = [
        QuotedVehicle(list(own), priced_by)
        for _position, own in groupby(lines, key=lambda line: line.position)
    ]
    return Page(vehicles, sheet.vehicle_count, page.number, page.size)


def _totals(sheet: QuoteSheet, column: Any) -> dict[Any, Total]:
    """Totals of a sheet by a column of its lines, in the order of the sheet."""
    statement = (
        select(
            column,
            func.count(QuoteLine.premium_fen),
            func.coalesce(func.sum(QuoteLine.premium_fen), 0),
            func.coalesce(func.sum(QuoteLine.tax_fen), 0),
        )
        .where(QuoteLine.quote_id == sheet.id)
        .group_by(column)
        .order_by(func.min(QuoteLine.id))
    )
    return {
        key: Total(count, int(premium), int(tax))
        for key, count, premium, tax in db.session.execute(statement)
    }


@dataclass(frozen=True)
class FleetPart:
    """A part of the fleet to quote for: a branch with what is below it, a class, a word of the plate."""

    account_id: int
    branch_id: int | None = None
    use_class: UseClass | None = None
    text: str = ""


def vehicle_ids_of(part: FleetPart, *, actor: User) -> Sequence[int]:
    """The vehicles in operation, or approved and waiting for their first cover, of a part of the fleet."""
    access.require(actor, Action.QUOTE)
    statement = select(Vehicle.id).where(
        Vehicle.account_id == part.account_id,
        Vehicle.state.in_((VehicleState.OPERATING, VehicleState.PENDING)),
    )
    if part.branch_id is not None:
        statement = statement.where(Vehicle.branch_id.in_(access.branch_tree(part.branch_id)))
    if part.use_class is not None:
        statement = statement.where(Vehicle.use_class == part.use_class)
    if part.text.strip():
        key = like_pattern(normalise_plate(part.text))
        statement = statement.where(
            or_(Vehicle.plate.like(key, escape="\\"), Vehicle.vin.like(key, escape="\\"))
        )
    statement = access.visible(actor, Action.QUOTE, statement, Vehicle)
    return list(db.session.scalars(statement.order_by(Vehicle.id)))
