"""The prices a quote sheet holds, for issuing from it: whatever the price tables say meanwhile."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import QuoteLine, QuoteSheet
from service_desk.rules.rating import FLOAT_RATES, CtplFloat, Premium
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import rates


@dataclass(frozen=True)
class HeldPrice:
    """What one vehicle and line cost in a quote."""

    premium: Premium
    rate_line_id: int
    ctpl_float: CtplFloat | None
    tax_fen: int


@dataclass(frozen=True)
class HeldPrices:
    """The priced lines of a quote sheet by vehicle and line."""

    number: str
    lines: dict[tuple[int, PolicyLine], QuoteLine]
    priced_by: dict[int, rates.PricedBy]

    def price_for(self, vehicle: Vehicle, line: PolicyLine, cover_set: str) -> HeldPrice:
        """The price of a vehicle's line; Invalid `not_in_quote`, `quote_vehicle_changed` when it was priced otherwise."""
        quoted = self.lines.get((vehicle.id, line))
        if quoted is None or quoted.cover_set != cover_set or quoted.rate_line_id is None:
            raise Invalid("not_in_quote", number=self.number)
        if (quoted.use_class, quoted.seats, quoted.load_kg) != (
            vehicle.use_class,
            vehicle.seats,
            vehicle.load_kg,
        ):
            raise Invalid("quote_vehicle_changed", number=self.number)
        ctpl_float = CtplFloat(quoted.ctpl_float) if quoted.ctpl_float else None
        premium = Premium(
            rate=self.priced_by[quoted.rate_line_id].rate,
            base_fen=quoted.base_fen or 0,
            float_rate=FLOAT_RATES[ctpl_float or CtplFloat.A4],
            total_fen=quoted.premium_fen or 0,
        )
        return HeldPrice(premium, quoted.rate_line_id, ctpl_float, quoted.tax_fen)


def of_quote(number: str, account_id: int, *, now: datetime) -> HeldPrices:
    """The prices of an account's quote sheet; NotFound, and Invalid `quote_expired` after its last day."""
    sheet = db.session.scalar(
        select(QuoteSheet).where(QuoteSheet.number == number, QuoteSheet.account_id == account_id)
    )
    if sheet is None:
        raise NotFound("not_found")
    if sheet.valid_until < local_date(now):
        raise Invalid("quote_expired", number=number, day=sheet.valid_until.isoformat())
    priced = select(QuoteLine).where(QuoteLine.quote_id == sheet.id, QuoteLine.rate_line_id.is_not(None))
    lines = {(line.vehicle_id, line.line): line for line in db.session.scalars(priced)}
    ids = {line.rate_line_id for line in lines.values() if line.rate_line_id is not None}
    return HeldPrices(number, lines, rates.lines_by_id(ids))


def lock_quote(number: str, account_id: int) -> None:
    """Keep whoever changes floats and taxes of a quote waiting until what is issued from it is written."""
    if number:
        db.session.scalar(
            select(QuoteSheet.id)
            .where(QuoteSheet.number == number, QuoteSheet.account_id == account_id)
            .with_for_update()
        )


def quote_id(number: str, account_id: int) -> int | None:
    """The id of an account's quote sheet, None when no quote is meant."""
    if not number:
        return None
    return db.session.scalar(
        select(QuoteSheet.id).where(QuoteSheet.number == number, QuoteSheet.account_id == account_id)
    )


def quote_number(sheet_id: int | None) -> str:
    """The number of a quote sheet by its id, empty when there is none."""
    if sheet_id is None:
        return ""
    return db.session.scalar(select(QuoteSheet.number).where(QuoteSheet.id == sheet_id)) or ""
