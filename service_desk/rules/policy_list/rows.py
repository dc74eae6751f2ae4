"""Reading one row: the policies it states in normal form, or the first reason why each cannot be read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from service_desk.base.clock import add_years, start_of_day
from service_desk.rules.fleet_list.rows import BranchFinder
from service_desk.rules.fleet_list.values import is_error, read_date, read_load, read_seats
from service_desk.rules.fleet_list.workbook import Cell, is_blank, text_of
from service_desk.rules.identifiers import (
    VIN_LENGTH,
    is_plate,
    is_vin,
    normalise_plate,
    normalise_vin,
    suggest_plate,
    suggest_vin,
)
from service_desk.rules.policy_list.facts import (
    BESIDE_EACH_OTHER,
    ONE_A_ROW,
    Columns,
    Field,
    Refusal,
    Statement,
    VehicleFacts,
)
from service_desk.rules.policy_list.header import line_of
from service_desk.rules.policy_list.values import (
    Moment,
    PrecisionLostError,
    UnitTwiceError,
    read_amount,
    read_moment,
    read_number,
)
from service_desk.rules.vocabulary import CoverCode, PolicyLine

T = TypeVar("T")

# No limit or sum insured is as low: it is 万元 without its unit, most likely.
_LEAST_LIMIT = Decimal(10_000)
_LONGEST_TERM = timedelta(days=366 * 3)
_LONGEST_NUMBER = 64
# What a person may give instead of the VIN, beside a plate.
_VIN_END = 6
_COVER_OF_LINE = {
    PolicyLine.CTPL: (),
    PolicyLine.COMMERCIAL: (CoverCode.TPL, CoverCode.OWN_DAMAGE),
    PolicyLine.CARRIER_LIABILITY: (CoverCode.CARRIER_LIABILITY,),
}
_LIMIT_FIELDS = {
    Field.TPL_LIMIT: CoverCode.TPL,
    Field.SUM_INSURED: CoverCode.OWN_DAMAGE,
    Field.SEAT_LIMIT: CoverCode.CARRIER_LIABILITY,
}

Row = Mapping[Field, Cell]


@dataclass(frozen=True)
class Draft:
    """A policy as read, but for the end of its term: that depends on how its column counts its last day."""

    statement: Statement
    starts: Moment
    ends: Moment
    ends_field: Field


class _RefusedError(Exception):
    def __init__(self, code: str, of: Field | None = None, value: str = "", **params: object) -> None:
        super().__init__(code)
        self.code, self.of, self.value, self.params = code, of, value, params


@dataclass(frozen=True)
class RowReader:
    """All that is needed to read the rows of one sheet. `factors` are the units that headings name."""

    sheet: str | None
    columns: Mapping[Field, int]
    branches: BranchFinder
    dates_from_1904: bool
    factors: Mapping[Field, Decimal] = field(default_factory=dict)

    def by_field(self, cells: Sequence[Cell]) -> dict[Field, Cell]:
        """The cells of a row by the field they hold."""
        return {name: cells[at] if at < len(cells) else None for name, at in self.columns.items()}

    def read(self, cells: Sequence[Cell], number: int) -> list[Draft | Refusal]:
        """Read the policies of a row: one, or one for each line that has its own columns."""
        row = self.by_field(cells)
        wanted = [columns for columns in BESIDE_EACH_OTHER if _speaks_of(row, columns)]
        if not wanted or not is_blank(row.get(Field.NUMBER)):
            wanted.insert(0, ONE_A_ROW)
        return [self._one(row, number, columns, wanted) for columns in wanted]

    def amount(self, row: Row, name: Field) -> Decimal | None:
        """An amount of a row, ValueError for what is none."""
        return read_amount(row.get(name), self.factors.get(name, Decimal(1)))

    def _one(self, row: Row, number: int, columns: Columns, beside: Sequence[Columns]) -> Draft | Refusal:
        try:
            return self._read(row, number, columns, beside)
        except _RefusedError as refused:
            return Refusal(
                self.sheet,
                number,
                refused.code,
                field=refused.of.value if refused.of else "",
                value=refused.value[:200],
                line=columns.line,
                params=refused.params,
            )

    def _read(self, row: Row, number: int, columns: Columns, beside: Sequence[Columns]) -> Draft:
        self._require_no_error(row, columns)
        line, covers = self._line(row, columns)
        plate = _plate(row.get(Field.PLATE))
        vin, vin_is_whole = _vin(row.get(Field.VIN), plate)
        starts = self._moment(row, columns.starts_on, Field.STARTS_ON)
        ends = self._moment(row, columns.ends_on, Field.ENDS_ON)
        premium = self._amount(row, columns.premium)
        tax = self._amount(row, Field.TAX) if line is PolicyLine.CTPL else None
        statement = Statement(
            sheet=self.sheet,
            row=number,
            line=line,
            covers=covers,
            number=_number(row, columns.number),
            insurer=text_of(row.get(Field.INSURER)) or None,
            plate=plate,
            vin=vin,
            vin_is_whole=vin_is_whole,
            starts_at=starts.at,
            ends_at=ends.at,
            premium=premium,
            premium_field=columns.premium,
            tax=tax,
            limits=self._limits(row, line, covers),
            unpaid=self._unpaid(row, columns, beside, (premium or Decimal(0)) + (tax or Decimal(0))),
            branch=self._branch(row),
            vehicle=self._vehicle(row),
        )
        own = is_blank(row.get(columns.ends_on))
        return Draft(statement, starts, ends, Field.ENDS_ON if own else columns.ends_on)

    def _require_no_error(self, row: Row, columns: Columns) -> None:
        others = {
            name
            for one in (ONE_A_ROW, *BESIDE_EACH_OTHER)
            if one is not columns
            for name in (one.number, one.premium)
        }
        for name, cell in row.items():
            if name not in others and is_error(cell):
                raise _RefusedError("cell_error", name, text_of(cell))

    def _line(self, row: Row, columns: Columns) -> tuple[PolicyLine, tuple[CoverCode, ...]]:
        if columns.line is not None:
            return columns.line, ()
        word = text_of(row.get(Field.LINE)).replace(" ", "")
        found = line_of(word or (self.sheet or ""))
        if found is None:
            raise _RefusedError("line_unknown" if word else "line_missing", Field.LINE, word)
        return found

    def _moment(self, row: Row, own: Field, shared: Field) -> Moment:
        name = shared if is_blank(row.get(own)) else own
        cell = row.get(name)
        try:
            found = read_moment(cell, dates_from_1904=self.dates_from_1904)
        except (ValueError, OverflowError):
            raise _RefusedError("date_invalid", shared, text_of(cell)) from None
        if found is None:
            raise _RefusedError("term_missing", shared)
        return found

    def _amount(self, row: Row, name: Field) -> Decimal | None:
        return _reading(lambda: self.amount(row, name), name, row.get(name))

    def _limits(
        self, row: Row, line: PolicyLine, covers: tuple[CoverCode, ...]
    ) -> tuple[tuple[CoverCode, Decimal], ...]:
        found = {}
        for name, code in _LIMIT_FIELDS.items():
            if code in (covers or _COVER_OF_LINE[line]):
                found[code] = self._limit(row, name)
        named = covers if len(covers) == 1 else _COVER_OF_LINE[line][:1]
        for code in named:
            # 保额 alone is the limit of the row's cover, of a whole commercial policy that of its third-party cover.
            found[code] = found.get(code) or self._limit(row, Field.LIMIT)
        return tuple((code, limit) for code, limit in found.items() if limit)

    def _limit(self, row: Row, name: Field) -> Decimal | None:
        limit = self._amount(row, name)
        if limit and limit < _LEAST_LIMIT:
            raise _RefusedError("limit_unlikely", name, text_of(row.get(name)))
        return limit

    def _unpaid(self, row: Row, columns: Columns, beside: Sequence[Columns], cost: Decimal) -> Decimal | None:
        """What is not paid yet of a policy that costs so much.

        What a row says of several policies it says once: what was paid went to the first of them first (CTPL,
        without which no vehicle moves), so what is unpaid lies on the last.
        """
        name = Field.UNPAID if Field.UNPAID in row else Field.PAID
        said = self._amount(row, name) if name in row else None
        if said is None:
            return None
        costs = [cost if one is columns else self._cost(row, one) for one in beside]
        unpaid = said if name is Field.UNPAID else max(sum(costs, Decimal(0)) - said, Decimal(0))
        at = list(beside).index(columns)
        later = sum(costs[at + 1 :], Decimal(0))
        own = max(unpaid - later, Decimal(0))
        return min(own, cost) if at else own

    def _cost(self, row: Row, columns: Columns) -> Decimal:
        premium = self._amount(row, columns.premium)
        tax = self._amount(row, Field.TAX) if columns.line is PolicyLine.CTPL else None
        return (premium or Decimal(0)) + (tax or Decimal(0))

    def _branch(self, row: Row) -> str | None:
        text = text_of(row.get(Field.BRANCH)) or None
        if text is None:
            return self.branches.find(self.sheet)
        branch = self.branches.find(text)
        if branch is None:
            raise _RefusedError("branch_unknown", Field.BRANCH, text)
        return branch

    def _vehicle(self, row: Row) -> VehicleFacts:
        load = _reading(lambda: read_load(row.get(Field.LOAD_T)), Field.LOAD_T, row.get(Field.LOAD_T))
        registered = _reading(
            lambda: read_date(row.get(Field.REGISTERED_ON), dates_from_1904=self.dates_from_1904),
            Field.REGISTERED_ON,
            row.get(Field.REGISTERED_ON),
            "date_invalid",
        )
        return VehicleFacts(
            use_class=text_of(row.get(Field.USE_CLASS)).replace(" ", "") or None,
            seats=_reading(lambda: read_seats(row.get(Field.SEATS)), Field.SEATS, row.get(Field.SEATS)),
            load_kg=None if load is None else int(load * 1000),
            model=text_of(row.get(Field.MODEL))[:200] or None,
            engine_no=text_of(row.get(Field.ENGINE_NO))[:64] or None,
            registered_on=registered.isoformat() if registered else None,
        )


def _speaks_of(row: Row, columns: Columns) -> bool:
    return any(not is_blank(row.get(name)) for name in (columns.number, columns.premium))


def _reading(read: Callable[[], T], name: Field, cell: Cell, code: str = "number_invalid") -> T:
    try:
        return read()
    except UnitTwiceError:
        raise _RefusedError("unit_twice", name, text_of(cell)) from None
    except (ValueError, OverflowError, ArithmeticError):
        raise _RefusedError(code, name, text_of(cell)) from None


def _number(row: Row, name: Field) -> str:
    cell = row.get(name)
    try:
        number = read_number(cell)
    except PrecisionLostError:
        raise _RefusedError("number_precision_lost", Field.NUMBER, text_of(cell)) from None
    except ValueError:
        raise _RefusedError("number_invalid", Field.NUMBER, text_of(cell)) from None
    if number is None:
        raise _RefusedError("policy_number_missing", Field.NUMBER)
    if len(number) > _LONGEST_NUMBER:
        raise _RefusedError("text_too_long", Field.NUMBER, number, most=_LONGEST_NUMBER)
    return number


def _plate(cell: Cell) -> str | None:
    plate = normalise_plate(text_of(cell))
    if plate and not is_plate(plate):
        suggestion = suggest_plate(plate)
        params = {"suggestion": suggestion} if suggestion else {}
        raise _RefusedError("plate_invalid", Field.PLATE, text_of(cell), **params)
    return plate or None


def _vin(cell: Cell, plate: str | None) -> tuple[str | None, bool]:
    """The VIN and whether it is whole. One that is cut or mistyped may still help beside a plate."""
    vin = normalise_vin(text_of(cell))
    if not vin:
        if plate is None:
            raise _RefusedError("identity_missing")
        return None, False
    # A number of 17 digits lost its last ones, which are what tells vehicles apart.
    is_number = isinstance(cell, int | float) and abs(cell) >= 10**15
    if is_vin(vin) and not is_number:
        return vin, True
    if plate is not None and _VIN_END <= len(vin) <= VIN_LENGTH + 1 and vin.isalnum() and not is_number:
        return vin, False
    suggestion = suggest_vin(vin)
    params = {"suggestion": suggestion} if suggestion else {}
    raise _RefusedError("vin_invalid", Field.VIN, text_of(cell), **params)


def with_ends(drafts: Sequence[Draft]) -> list[Statement | Refusal]:
    """Give the terms of a sheet their ends, by how most rows of a column count their last day.

    A bare date is the last covered day: a year from 1 March ends on 28 February. In a column where most years
    end on the day they began on, it is the day on which cover ends at 00:00. The few that do otherwise are
    refused, and so are both when neither is most.
    """
    votes: dict[Field, list[bool]] = {}
    for draft in drafts:
        is_same_day = _ends_on_same_day(draft)
        if is_same_day is not None:
            votes.setdefault(draft.ends_field, []).append(is_same_day)
    return [_ended(draft, votes.get(draft.ends_field, [])) for draft in drafts]


def _ends_on_same_day(draft: Draft) -> bool | None:
    """True for 1 March to 1 March, False for 1 March to 28 February, None when the row does not tell."""
    if draft.ends.minute is not None:
        return None
    anniversary = add_years(_first_day(draft.starts), 1)
    answers = {anniversary: True, anniversary - timedelta(days=1): False}
    return answers.get(draft.ends.day)


def _first_day(starts: Moment) -> date:
    return starts.day + timedelta(days=1) if starts.minute == 24 * 60 else starts.day


def _ended(draft: Draft, votes: Sequence[bool]) -> Statement | Refusal:
    statement, own = draft.statement, _ends_on_same_day(draft)
    same_day = sum(votes)
    is_exclusive = same_day * 2 > len(votes)
    if own is not None and (same_day * 2 == len(votes) or own is not is_exclusive):
        return _refused(statement, "end_style_mixed", draft.ends.day.isoformat())
    ends_at = draft.ends.at
    if draft.ends.minute is None and not is_exclusive:
        ends_at = start_of_day(draft.ends.day + timedelta(days=1))
    return _checked(statement, ends_at, draft.ends.day.isoformat())


def _checked(statement: Statement, ends_at: datetime, written: str) -> Statement | Refusal:
    if ends_at <= statement.starts_at:
        return _refused(statement, "dates_reversed", written)
    if ends_at - statement.starts_at > _LONGEST_TERM:
        return _refused(statement, "term_too_long", written)
    return replace(statement, ends_at=ends_at)


def _refused(statement: Statement, code: str, value: str) -> Refusal:
    return Refusal(statement.sheet, statement.row, code, Field.ENDS_ON.value, value, statement.line)
