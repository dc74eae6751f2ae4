"""What renewals would bring, by month of expiry, branch and line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, literal

from service_desk.base.clock import CHINA, local_date, start_of_day
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules.periods import Period, months_after
from service_desk.rules.permissions import Action
from service_desk.rules.rating import VehicleFacts
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access
from service_desk.services.renewals.covers import ExpiryFilter, LastCovers
from service_desk.services.renewals.prices import Prices

MONTHS = 12


@dataclass(frozen=True)
class ForecastCell:
    """Covers of a branch and line that end in a month: how many, and the premium their renewal would bring.

    `priced_fen` is by the present price table; `kept_fen` the premium of today where the table has no price;
    `unpriced` counts covers of which neither is known.
    """

    month: Period
    branch: Branch
    line: PolicyLine
    covers: int = 0
    priced_fen: int = 0
    kept_fen: int = 0
    unpriced: int = 0

    @property
    def premium_fen(self) -> int:
        return self.priced_fen + self.kept_fen


@dataclass(frozen=True)
class Forecast:
    """The months asked for, and the cells that hold something, by month, branch and line."""

    months: Sequence[Period]
    cells: Sequence[ForecastCell]


def forecast(account_id: int, *, actor: User, now: datetime, branch_id: int | None = None) -> Forecast:
    """Twelve months from the present one: of covers that end from today on, still to be renewed.

    Both renewals and premium must be open to the reader. A renewal is priced with the covers and the CTPL float of
    the policy that ends; cover from elsewhere as if it came to us with the line's first cover set.
    """
    access.require(actor, Action.READ_RENEWALS)
    access.require(actor, Action.READ_PREMIUMS)
    today = local_date(now)
    months = [months_after(today, number) for number in range(MONTHS)]
    wanted = ExpiryFilter(account_id, (months[-1].last - today).days, branch_id)
    cells: dict[tuple[int, int, PolicyLine], ForecastCell] = {}
    prices = Prices(account_id, today)
    for row in _alike(wanted, months, actor, now):
        key = (row.month, row.Branch.id, row.line)
        cell = cells.get(key) or ForecastCell(months[row.month], row.Branch, row.line)
        cells[key] = _with_renewals(cell, row, prices)
    order = list(PolicyLine)
    ordered = sorted(
        cells.values(),
        key=lambda one: (one.month.first, one.branch.name, one.branch.id, order.index(one.line)),
    )
    return Forecast(months, ordered)


def _with_renewals(cell: ForecastCell, row: Any, prices: Prices) -> ForecastCell:
    facts = VehicleFacts(row.use_class, row.seats, row.load_kg)
    price = prices.find(facts, row.line, row.cover_set or "", row.ctpl_float or "")
    is_kept = price is None and row.premium_fen is not None
    return ForecastCell(
        cell.month,
        cell.branch,
        cell.line,
        cell.covers + row.covers,
        cell.priced_fen + (price or 0) * row.covers,
        cell.kept_fen + (int(row.premium_fen) if is_kept else 0),
        cell.unpriced + (row.covers if price is None and not is_kept else 0),
    )


def _alike(wanted: ExpiryFilter, months: Sequence[Period], actor: User, now: datetime) -> Any:
    """Covers that end from today on, counted by all that their price hangs on."""
    covers = LastCovers(wanted, now)
    month = case(
        *((covers.ends_at <= one.instants(CHINA)[1], literal(index)) for index, one in enumerate(months)),
        else_=literal(len(months) - 1),
    )
    alike: tuple[Any, ...] = (
        covers.line.label("line"),
        covers.policy.cover_set,
        covers.policy.ctpl_float,
        Vehicle.use_class,
        Vehicle.seats,
        Vehicle.load_kg,
    )
    statement = (
        covers.joined(
            month.label("month"),
            Branch,
            *alike,
            func.count().label("covers"),
            func.sum(covers.years_premium).label("premium_fen"),
        )
        .where(covers.ends_at > start_of_day(local_date(now)))
        .group_by("month", Branch.id, *alike)
    )
    return db.session.execute(access.visible(actor, Action.READ_RENEWALS, statement, Vehicle))
