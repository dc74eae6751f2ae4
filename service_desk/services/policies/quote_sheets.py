"""Quote sheets (报价单): prices for a branch, a list or chosen vehicles before issue, held until a day.

A sheet says what each vehicle and line costs by the version of the price table in force on the first day of its
term. Whether a policy can be issued is asked when it is issued.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch
from service_desk.models.db import db, table_of
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import IssueBatch, QuoteLine, QuoteSheet
from service_desk.models.users import User
from service_desk.rules import coverage as cover_rules
from service_desk.rules import rating
from service_desk.rules.coverage import CoverPeriod
from service_desk.rules.permissions import Action
from service_desk.rules.price_sheet import FloatRow
from service_desk.rules.rating import FLOAT_RATES, CtplFloat
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, audit, numbers, submissions
from service_desk.services.fleet import requirements
from service_desk.services.policies import coverage, rates
from service_desk.services.policies.planning import MOST_VEHICLES, LineChoice, VehicleTerms
from service_desk.services.policies.quoting import facts_of
from service_desk.services.policies.rates import PriceTable

USUAL_VALID_DAYS = 15
MOST_VALID_DAYS = 90
_REFUSING_STATES = frozenset({"retired", "suspended"})


@dataclass(frozen=True)
class QuoteRequest:
    """What to quote for which vehicles of an account.

    `start_on` None: each term begins when the present cover ends. `valid_until` None: the usual 15 days.
    `terms` by vehicle id; a vehicle without has no float and no tax.
    """

    account_id: int
    vehicle_ids: tuple[int, ...]
    lines: tuple[LineChoice, ...]
    start_on: date | None = None
    valid_until: date | None = None
    title: str = ""
    terms: Mapping[int, VehicleTerms] = field(default_factory=dict)


def make(request: QuoteRequest, *, key: str = "", actor: User, now: datetime) -> str:
    """Price the vehicles and keep the sheet; its number. The same key twice is one sheet.

    Invalid: `no_vehicle_chosen`, `too_many_vehicles`, `no_line_chosen`, `start_in_the_past`, and as `_check_day`.
    NotFound when a vehicle is not the actor's to see.
    """
    access.require(actor, Action.QUOTE)
    return submissions.once(
        "quote_sheet", key, lambda: _make(request, actor=actor, now=now).number, actor=actor, now=now
    )


def _make(request: QuoteRequest, *, actor: User, now: datetime) -> QuoteSheet:
    today = local_date(now)
    valid_until = request.valid_until or today + timedelta(days=USUAL_VALID_DAYS)
    _check_day(valid_until, made_on=today, today=today)
    if request.start_on is not None and request.start_on < today:
        raise Invalid("start_in_the_past", field="start_on")
    vehicles = _chosen(request, actor)
    rows = _Pricing(request, now).rows(vehicles)
    sheet = QuoteSheet(
        number=numbers.next_number("QUO", today.year),
        account_id=request.account_id,
        title=squeeze(request.title),
        lines={choice.line.value: choice.cover_set for choice in request.lines},
        start_on=request.start_on,
        valid_until=valid_until,
        vehicle_count=len(vehicles),
        refused_count=sum(1 for row in rows if row["refusal"]),
        premium_fen=sum(row["premium_fen"] or 0 for row in rows),
        tax_fen=sum(row["tax_fen"] for row in rows),
        created_by_id=actor.id,
        created_at=now,
    )
    db.session.add(sheet)
    db.session.flush()
    db.session.execute(
        insert(QuoteLine),
        [{**row, "quote_id": sheet.id} for row in rows],
        execution_options={"render_nulls": True},
    )
    changes = {"vehicle_count": (None, sheet.vehicle_count), "premium_fen": (None, sheet.premium_fen)}
    audit.record("quote_made", sheet, actor=actor, now=now, changes=changes)
    return sheet


def _check_day(valid_until: date, *, made_on: date, today: date) -> None:
    """Invalid `quote_day_past`, `quote_day_far` on `valid_until`: prices are held 90 days at most."""
    if valid_until < today:
        raise Invalid("quote_day_past", field="valid_until")
    if valid_until > made_on + timedelta(days=MOST_VALID_DAYS):
        raise Invalid("quote_day_far", field="valid_until", days=MOST_VALID_DAYS)


def _chosen(request: QuoteRequest, actor: User) -> list[Vehicle]:
    """The vehicles by branch and plate."""
    ids = set(request.vehicle_ids)
    if not ids:
        raise Invalid("no_vehicle_chosen")
    if len(ids) > MOST_VEHICLES:
        raise Invalid("too_many_vehicles", most=MOST_VEHICLES)
    if not request.lines:
        raise Invalid("no_line_chosen", field="lines")
    statement = (
        select(Vehicle)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .where(Vehicle.account_id == request.account_id, Vehicle.id.in_(ids))
        .order_by(Branch.name, Vehicle.branch_id, Vehicle.plate, Vehicle.id)
    )
    vehicles = list(db.session.scalars(access.visible(actor, Action.QUOTE, statement, Vehicle)))
    if len(vehicles) != len(ids):
        raise NotFound("not_found")
    return vehicles


class _Pricing:
    """Prices one vehicle and line after the other; reads the price tables of each first day once."""

    def __init__(self, request: QuoteRequest, now: datetime) -> None:
        self._request = request
        self._now = now
        self._needs = requirements.in_force(request.account_id, local_date(now))
        self._tables: dict[date, dict[PolicyLine, PriceTable]] = {}

    def rows(self, vehicles: Sequence[Vehicle]) -> list[dict[str, Any]]:
        """The lines of the sheet as values of `QuoteLine`."""
        periods = coverage.periods_of([vehicle.id for vehicle in vehicles], since=self._now)
        return [
            self._row(position, vehicle, choice, periods.get(vehicle.id, []))
            for position, vehicle in enumerate(vehicles)
            for choice in self._applicable(vehicle)
        ]

    def _applicable(self, vehicle: Vehicle) -> Sequence[LineChoice]:
        """The lines sold for the vehicle's class; when none is, all, so that the reason is said."""
        if vehicle.use_class is None:
            return self._request.lines
        sold = self._needs.lines_sold(vehicle.use_class)
        return [choice for choice in self._request.lines if choice.line in sold] or self._request.lines

    def _row(
        self, position: int, vehicle: Vehicle, choice: LineChoice, periods: list[CoverPeriod]
    ) -> dict[str, Any]:
        first_day = self._first_day(choice.line, periods)
        row: dict[str, Any] = {
            "position": position,
            "vehicle_id": vehicle.id,
            "branch_id": vehicle.branch_id,
            "plate": vehicle.plate,
            "vin": vehicle.vin,
            "use_class": vehicle.use_class,
            "seats": vehicle.seats,
            "load_kg": vehicle.load_kg,
            "line": choice.line,
            "cover_set": choice.cover_set,
            "first_day": first_day,
            "rate_line_id": None,
            "base_fen": None,
            "ctpl_float": None,
            "premium_fen": None,
            "tax_fen": 0,
            "refusal": "",
            "params": {},
        }
        try:
            return row | self._price(vehicle, choice, first_day)
        except Invalid as refusal:
            return row | {"refusal": refusal.code, "params": refusal.params}

    def _first_day(self, line: PolicyLine, periods: list[CoverPeriod]) -> date:
        if self._request.start_on is not None:
            return self._request.start_on
        return local_date(cover_rules.start_after(periods, line, self._now))

    def _price(self, vehicle: Vehicle, choice: LineChoice, first_day: date) -> dict[str, Any]:
        if vehicle.state.value in _REFUSING_STATES:
            raise Invalid(f"vehicle_{vehicle.state.value}")
        if vehicle.use_class is not None and choice.line not in self._needs.lines_sold(vehicle.use_class):
            raise Invalid("line_not_for_class", use_class=vehicle.use_class.value)
        table = self._tables_on(first_day).get(choice.line)
        if table is None:
            raise Invalid("no_price_table", line=choice.line.value)
        terms = self._request.terms.get(vehicle.id, VehicleTerms())
        premium = rating.premium_for(
            table.lines,
            facts_of(vehicle),
            line=choice.line,
            cover_set=choice.cover_set,
            ctpl_float=terms.ctpl_float,
        )
        is_ctpl = choice.line is PolicyLine.CTPL
        return {
            "rate_line_id": table.ids[premium.rate],
            "base_fen": premium.base_fen,
            "premium_fen": premium.total_fen,
            "ctpl_float": terms.ctpl_float.value if is_ctpl else None,
            "tax_fen": terms.tax_fen if is_ctpl else 0,
        }

    def _tables_on(self, day: date) -> dict[PolicyLine, PriceTable]:
        if day not in self._tables:
            self._tables[day] = rates.in_force(self._request.account_id, day)
        return self._tables[day]


def find(number: str, actor: User, *, lock: bool = False) -> QuoteSheet:
    """A sheet the actor may see; NotFound otherwise."""
    access.require(actor, Action.QUOTE)
    sheet = access.get_visible(actor, Action.QUOTE, QuoteSheet, QuoteSheet.number == number)
    if lock:
        db.session.refresh(sheet, with_for_update=True)
    return sheet


def issued_batches(sheet: QuoteSheet) -> list[IssueBatch]:
    """The batches issued from a sheet that were not undone, the first first."""
    statement = select(IssueBatch).where(IssueBatch.quote_id == sheet.id, IssueBatch.undone_at.is_(None))
    return list(db.session.scalars(statement.order_by(IssueBatch.id)))


def _require_open(sheet: QuoteSheet, now: datetime) -> None:
    """Conflict `quote_issued` once policies were issued from it; Invalid `quote_expired` after its last day."""
    if issued_batches(sheet):
        raise Conflict("quote_issued", number=sheet.number)
    if sheet.valid_until < local_date(now):
        raise Invalid("quote_expired", number=sheet.number, day=sheet.valid_until.isoformat())


def hold_until(number: str, valid_until: date, *, actor: User, now: datetime) -> None:
    """Hold the prices until another day; an expired sheet is quoted again instead."""
    sheet = find(number, actor, lock=True)
    _require_open(sheet, now)
    _check_day(valid_until, made_on=local_date(sheet.created_at), today=local_date(now))
    changes = audit.change(sheet, valid_until=valid_until)
    if changes:
        audit.record("quote_changed", sheet, actor=actor, now=now, changes=changes)


def set_terms(number: str, terms: Mapping[int, VehicleTerms], *, actor: User, now: datetime) -> None:
    """Give vehicles of a sheet their CTPL float and vehicle tax; the base premiums stay as they were held.

    Invalid `not_in_quote` for a vehicle without a priced CTPL line.
    """
    sheet = find(number, actor, lock=True)
    _require_open(sheet, now)
    lines = {line.vehicle_id: line for line in _priced_ctpl(sheet) if line.vehicle_id in terms}
    if terms.keys() - lines.keys():
        raise Invalid("not_in_quote", number=number)
    changed = [
        {
            "line_id": lines[vehicle_id].id,
            "float": own.ctpl_float.value,
            "premium": rating.floated(lines[vehicle_id].base_fen or 0, FLOAT_RATES[own.ctpl_float]),
            "tax": own.tax_fen,
        }
        for vehicle_id, own in terms.items()
        if (lines[vehicle_id].ctpl_float, lines[vehicle_id].tax_fen) != (own.ctpl_float.value, own.tax_fen)
    ]
    if changed:
        _write_terms(sheet, changed, actor, now)


def _write_terms(sheet: QuoteSheet, changed: list[dict[str, Any]], actor: User, now: datetime) -> None:
    table = table_of(QuoteLine)
    db.session.execute(
        update(table)
        .where(table.c.id == bindparam("line_id"))
        .values(ctpl_float=bindparam("float"), premium_fen=bindparam("premium"), tax_fen=bindparam("tax")),
        changed,
    )
    db.session.expire_all()
    sums = select(func.coalesce(func.sum(QuoteLine.premium_fen), 0), func.sum(QuoteLine.tax_fen))
    premium_fen, tax_fen = db.session.execute(sums.where(QuoteLine.quote_id == sheet.id)).one()
    changes = audit.change(sheet, premium_fen=int(premium_fen), tax_fen=int(tax_fen))
    changes["vehicle_count"] = (None, len(changed))
    audit.record("quote_changed", sheet, actor=actor, now=now, changes=changes)


def set_terms_from_rows(number: str, rows: Sequence[FloatRow], *, actor: User, now: datetime) -> int:
    """Give vehicles their floats and taxes from a list; how many rows. Nothing is taken when one row is wrong.

    InvalidMany with the row's number in each: `float_vehicle_missing`, `float_unknown`, `float_tax_invalid`,
    `float_vehicle_unknown`, `float_vehicle_twice`. Invalid `float_no_rows`.
    """
    sheet = find(number, actor)
    if not rows:
        raise Invalid("float_no_rows", field="file")
    lines = _priced_ctpl(sheet)
    by_name = {name: line for line in lines for name in (line.vin, line.plate) if name}
    problems: list[Invalid] = []
    terms: dict[int, VehicleTerms] = {}
    for row in rows:
        named = {by_name[name].id: by_name[name] for name in (row.plate, row.vin) if name in by_name}
        # A plate of one vehicle beside the VIN of another names neither.
        line = next(iter(named.values())) if len(named) == 1 else None
        wrong = _row_problems(row, line, terms)
        problems += wrong
        if line is not None and not wrong:
            terms[line.vehicle_id] = VehicleTerms(
                row.ctpl_float or CtplFloat(line.ctpl_float or "A4"),
                line.tax_fen if row.tax_fen is None else row.tax_fen,
            )
    if problems:
        raise InvalidMany(problems)
    set_terms(number, terms, actor=actor, now=now)
    return len(rows)


def _priced_ctpl(sheet: QuoteSheet) -> list[QuoteLine]:
    """The lines of a sheet that a float and a tax can be given to."""
    statement = select(QuoteLine).where(
        QuoteLine.quote_id == sheet.id,
        QuoteLine.line == PolicyLine.CTPL,
        QuoteLine.base_fen.is_not(None),
    )
    return list(db.session.scalars(statement))


def _row_problems(row: FloatRow, line: QuoteLine | None, seen: Collection[int]) -> list[Invalid]:
    """What is wrong with a row of a list, with itself or with the vehicle it names."""
    wrong = [Invalid(code, field="file", **params) for code, params in row.problems]
    called = {"row": row.row_no, "value": row.plate or row.vin}
    if line is None and not wrong:
        return [Invalid("float_vehicle_unknown", field="file", **called)]
    if line is not None and line.vehicle_id in seen:
        wrong.append(Invalid("float_vehicle_twice", field="file", **called))
    return wrong


def quote_again(number: str, *, key: str = "", actor: User, now: datetime) -> str:
    """A new sheet for the same vehicles, covers, floats and taxes at today's prices; its number."""
    sheet = find(number, actor)
    lines = db.session.execute(
        select(QuoteLine.vehicle_id, QuoteLine.ctpl_float, QuoteLine.tax_fen).where(
            QuoteLine.quote_id == sheet.id
        )
    ).all()
    today = local_date(now)
    request = QuoteRequest(
        account_id=sheet.account_id,
        vehicle_ids=tuple({row.vehicle_id for row in lines}),
        lines=choices_of(sheet),
        start_on=sheet.start_on if sheet.start_on and sheet.start_on >= today else None,
        title=sheet.title,
        terms={
            row.vehicle_id: VehicleTerms(CtplFloat(row.ctpl_float), row.tax_fen)
            for row in lines
            if row.ctpl_float
        },
    )
    return make(request, key=key, actor=actor, now=now)


def choices_of(sheet: QuoteSheet) -> tuple[LineChoice, ...]:
    """The lines and cover sets a sheet was made for."""
    return tuple(LineChoice(line, sheet.lines[line]) for line in PolicyLine if line in sheet.lines)


def priced_vehicle_ids(number: str, *, actor: User) -> tuple[int, ...]:
    """The vehicles of a sheet for which something is priced, in its order: those to issue for."""
    sheet = find(number, actor)
    statement = (
        select(QuoteLine.vehicle_id)
        .where(QuoteLine.quote_id == sheet.id, QuoteLine.rate_line_id.is_not(None))
        .order_by(QuoteLine.position)
    )
    return tuple(dict.fromkeys(db.session.scalars(statement)))
