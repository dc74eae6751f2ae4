"""Judging one row by itself: what it says in normal form, or the first reason to refuse it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import TypeVar

from service_desk.rules.fleet_list.facts import (
    VIN_CHECK_DIGIT,
    BranchNames,
    Field,
    ParsedRow,
    Place,
    Rejection,
    Verdict,
)
from service_desk.rules.fleet_list.values import is_error, read_date, read_load, read_seats
from service_desk.rules.fleet_list.workbook import Cell, is_blank, text_of
from service_desk.rules.identifiers import (
    has_right_check_digit,
    is_plate,
    is_vin,
    normalise_plate,
    normalise_vin,
    suggest_plate,
    suggest_vin,
)

_NOT_A_VEHICLE = ("合计", "小计", "总计", "制表人")
_EXACT_DIGITS_OF_A_NUMBER = 15

T = TypeVar("T")


class BranchFinder:
    """Finds a branch by its name or an alias, after NFKC and blanks aside. Names go before aliases."""

    def __init__(self, branches: Iterable[BranchNames]) -> None:
        known = list(branches)
        self._by_key: dict[str, str | None] = {}
        for branch in known:
            for alias in branch.aliases:
                key = _branch_key(alias)
                # An alias of two branches names neither: a wrong branch is worse than a question.
                shared = self._by_key.get(key, branch.name) != branch.name
                self._by_key[key] = None if shared else branch.name
        self._by_key.update({_branch_key(branch.name): branch.name for branch in known})

    def find(self, text: str | None) -> str | None:
        """The branch's own name, None when `text` names no branch."""
        return self._by_key.get(_branch_key(text)) if text else None


def _branch_key(text: str) -> str:
    return text_of(text).replace(" ", "").upper()


@dataclass(frozen=True)
class RowReader:
    """All that is needed to judge the rows of one sheet."""

    sheet: str | None
    columns: Mapping[Field, int]
    branches: BranchFinder
    dates_from_1904: bool

    def is_vehicle(self, cells: Sequence[Cell]) -> bool:
        """Whether a row is neither blank nor, by its first filled cell, a total or a signature.

        An error in a column that is not read counts as nothing: such formulas are dragged beyond the list.
        """
        for column, cell in enumerate(cells):
            if not is_blank(cell) and (column in self._used or not is_error(cell)):
                return not text_of(cell).replace(" ", "").startswith(_NOT_A_VEHICLE)
        return False

    @cached_property
    def _used(self) -> frozenset[int]:
        return frozenset(self.columns.values())

    def has_identity(self, cells: Sequence[Cell]) -> bool:
        """Whether a plate or a VIN stands in a row."""
        return _has_identity(self._by_field(cells))

    def judge(self, cells: Sequence[Cell], number: int) -> ParsedRow | Rejection:
        """Read a row into a vehicle, or give the first verdict that applies to it."""
        try:
            return self._read(self._by_field(cells), number)
        except _RefusedError as refused:
            return refused.rejection(Place(self.sheet, number))

    def _by_field(self, cells: Sequence[Cell]) -> dict[Field, Cell]:
        return {f: cells[c] if c < len(cells) else None for f, c in self.columns.items()}

    def _read(self, row: Mapping[Field, Cell], number: int) -> ParsedRow:
        _require_identity(row)
        _require_no_error(row)
        plate = _plate(row.get(Field.PLATE))
        vin = _vin(row.get(Field.VIN))
        registered_on, ctpl_expires_on, commercial_expires_on = self._dates(row)
        seats = _number(row, Field.SEATS, read_seats)
        load_t = _number(row, Field.LOAD_T, read_load)
        return ParsedRow(
            sheet=self.sheet,
            row=number,
            plate=plate,
            vin=vin,
            engine_no=_text(row, Field.ENGINE_NO),
            model=_text(row, Field.MODEL),
            use_class=_use_class(row),
            seats=seats,
            load_t=load_t,
            registered_on=registered_on,
            ctpl_expires_on=ctpl_expires_on,
            commercial_expires_on=commercial_expires_on,
            branch=self._branch(row.get(Field.BRANCH)),
            warnings=(VIN_CHECK_DIGIT,) if vin and not has_right_check_digit(vin) else (),
        )

    def _dates(self, row: Mapping[Field, Cell]) -> tuple[date | None, date | None, date | None]:
        read = partial(read_date, dates_from_1904=self.dates_from_1904)
        return (
            _value(row, Field.REGISTERED_ON, read, Verdict.DATE_INVALID),
            _value(row, Field.CTPL_EXPIRES_ON, read, Verdict.DATE_INVALID),
            _value(row, Field.COMMERCIAL_EXPIRES_ON, read, Verdict.DATE_INVALID),
        )

    def _branch(self, cell: Cell) -> str:
        text = text_of(cell) or None
        branch = self.branches.find(text or self.sheet)
        if branch:
            return branch
        code = Verdict.BRANCH_UNKNOWN if text else Verdict.BRANCH_MISSING
        raise _RefusedError(code, Field.BRANCH, text)


class _RefusedError(Exception):
    """A verdict on its way out of the reading of a row."""

    def __init__(
        self,
        code: Verdict,
        field: Field | None = None,
        value: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(code)
        self._code, self._field, self._value, self._suggestion = code, field, value, suggestion

    def rejection(self, place: Place) -> Rejection:
        return Rejection(
            place.sheet,
            place.row,
            self._code,
            field=self._field,
            value=self._value,
            suggestion=self._suggestion,
        )


def _require_identity(row: Mapping[Field, Cell]) -> None:
    """Refuse a row without plate and VIN. An error cell is not empty: the plate is there, but unreadable."""
    if not _has_identity(row):
        raise _RefusedError(Verdict.IDENTITY_MISSING)


def _has_identity(row: Mapping[Field, Cell]) -> bool:
    return bool(text_of(row.get(Field.VIN)) or normalise_plate(text_of(row.get(Field.PLATE))))


def _require_no_error(row: Mapping[Field, Cell]) -> None:
    for field, cell in row.items():
        if cell is not None and is_error(cell):
            raise _RefusedError(Verdict.CELL_ERROR, field, text_of(cell))


def _plate(cell: Cell) -> str | None:
    plate = normalise_plate(text_of(cell))
    if plate and not is_plate(plate):
        raise _RefusedError(Verdict.PLATE_INVALID, Field.PLATE, text_of(cell), suggest_plate(plate))
    return plate or None


def _vin(cell: Cell) -> str | None:
    vin = normalise_vin(text_of(cell))
    if vin and (not is_vin(vin) or _has_lost_digits(cell)):
        raise _RefusedError(Verdict.VIN_INVALID, Field.VIN, text_of(cell), suggest_vin(vin))
    return vin or None


def _has_lost_digits(cell: Cell) -> bool:
    """Whether a VIN was kept as a number: a spreadsheet's number holds 15 digits, the others are made up."""
    return isinstance(cell, int | float) and abs(cell) >= 10**_EXACT_DIGITS_OF_A_NUMBER


def _value(row: Mapping[Field, Cell], field: Field, read: Callable[[Cell], T], code: Verdict) -> T:
    cell = row.get(field)
    try:
        return read(cell)
    except (ValueError, OverflowError):
        raise _RefusedError(code, field, text_of(cell)) from None


def _number(row: Mapping[Field, Cell], field: Field, read: Callable[[Cell], T]) -> T:
    return _value(row, field, read, Verdict.NUMBER_INVALID)


def _text(row: Mapping[Field, Cell], field: Field) -> str | None:
    return text_of(row.get(field)) or None


def _use_class(row: Mapping[Field, Cell]) -> str | None:
    return text_of(row.get(Field.USE_CLASS)).replace(" ", "") or None
