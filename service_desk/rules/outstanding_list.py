"""Reading a client's list of outstanding claims: headings by many names, rows as people type them (domain.md §11)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from service_desk.base.money import to_fen
from service_desk.rules.fleet_list.header import Header, find_header, headings
from service_desk.rules.fleet_list.values import is_error, read_date
from service_desk.rules.fleet_list.workbook import (
    Cell,
    FileError,
    Sheet,
    Workbook,
    is_blank,
    merges_filled_down,
    text_of,
)
from service_desk.rules.identifiers import normalise_plate
from service_desk.rules.outstanding_columns import OUTSTANDING_WORDS, Field
from service_desk.rules.policy_list.values import (
    TEN_THOUSAND,
    PrecisionLostError,
    UnitTwiceError,
    read_amount,
    read_number,
)

_TOTALS = ("合计", "小计", "总计", "共计", "累计", "TOTAL")
_SIGNATURES = ("制表", "审核", "复核", "备注", "说明", "填表", "注:", "经办", "联系人", "以上")
_SHORT_YEAR = re.compile(r"(\d{2})[./-](\d{1,2})[./-](\d{1,2})")
_FIRST_SHORT_YEAR, _LAST_SHORT_YEAR = 10, 49
_TIME_BEHIND = re.compile(r"^(.*\d[日]?)\s*(?:上午|下午|凌晨|晚上|晚|早上|早)?\s*\d{1,2}[:时点].*$")
# A word tells the stage only where it leaves no doubt.
_ENDED_WORDS = re.compile("结案|已结|已决|销案|注销|撤案|拒赔|零结|已赔付|赔付完毕|closed", re.IGNORECASE)
_NOT_ENDED_WORDS = re.compile("未结|未决|待结|处理中|在办|未赔|未付|open|outstanding", re.IGNORECASE)
_LONGEST = 200


class Phase(StrEnum):
    """What a list's word says of a claim's end."""

    OPEN = "open"
    ENDED = "ended"


@dataclass(frozen=True)
class Problem:
    """A cell that could not be read: `cell` as a spreadsheet names it (D7)."""

    field: Field
    cell: str
    code: str
    value: str


@dataclass(frozen=True)
class Said:
    """What one row says. Money in whole fen; `step_fen` is how exactly its amounts are written."""

    sheet: str | None
    row: int
    claim_no: str = ""
    report_no: str = ""
    plate: str = ""
    loss_on: date | None = None
    estimate_fen: int | None = None
    outstanding_fen: int | None = None
    step_fen: int = 100
    state: str = ""
    branch: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def phase(self) -> Phase | None:
        """Whether the row says that the claim has ended; None when its words tell nothing."""
        if _NOT_ENDED_WORDS.search(self.state):
            return Phase.OPEN
        return Phase.ENDED if _ENDED_WORDS.search(self.state) else None

    @property
    def has_key(self) -> bool:
        """Whether the row names a claim or a vehicle at all."""
        return bool(self.claim_no or self.report_no or self.plate)


@dataclass(frozen=True)
class SheetMapping:
    """How a sheet was read: the last header row's number, each field's column (from 0), and all headings."""

    sheet: str | None
    header_row: int
    columns: Mapping[Field, int]
    headings: tuple[str, ...]


@dataclass(frozen=True)
class ListRead:
    """What reading a file found, in its order. With a `file_error` all else is empty."""

    file_error: FileError | None = None
    rows: tuple[Said, ...] = ()
    mappings: tuple[SheetMapping, ...] = ()


Choices = Mapping[str | None, Mapping[Field, int | None]]
"""By sheet name the columns that a person corrected; None leaves a field unread."""


def read_list(workbook: Workbook, choices: Choices | None = None) -> ListRead:
    """Read every row below the headings of every sheet that has some; totals, notes and blank rows are passed over."""
    if workbook.file_error:
        return ListRead(workbook.file_error)
    rows: list[Said] = []
    mappings = []
    for sheet in workbook.sheets:
        filled = merges_filled_down(sheet)
        header = _header(sheet, filled, (choices or {}).get(sheet.name))
        if header is None:
            continue
        mapping = SheetMapping(
            sheet.name, sheet.numbers[header.bottom], header.columns, headings(filled, header)
        )
        mappings.append(mapping)
        rows += _rows(sheet, filled, header, mapping)
    if not mappings:
        return ListRead(FileError.HEADER_NOT_FOUND)
    return ListRead(rows=tuple(rows), mappings=tuple(mappings))


def _header(
    sheet: Sheet, rows: Sequence[Sequence[Cell]], choice: Mapping[Field, int | None] | None
) -> Header[Field] | None:
    found = find_header(rows, sheet.merges, OUTSTANDING_WORDS)
    if found is None or choice is None:
        return found
    columns = {name: column for name, column in {**found.columns, **choice}.items() if column is not None}
    return Header(found.top, found.bottom, columns)


def _rows(
    sheet: Sheet, filled: Sequence[Sequence[Cell]], header: Header[Field], mapping: SheetMapping
) -> Iterable[Said]:
    reader = _RowReader(sheet, header.columns, mapping.headings)
    used = frozenset(header.columns.values())
    for index in range(header.bottom + 1, len(filled)):
        as_written = sheet.rows[index]
        if _is_row(as_written, used):
            yield reader.read(filled[index], sheet.numbers[index])


def _is_row(cells: Sequence[Cell], used: frozenset[int]) -> bool:
    """Whether a row speaks of a claim: something in a column that is read, and no total or note."""
    if not any(column in used and not is_blank(cell) for column, cell in enumerate(cells)):
        return False
    first = next((text_of(cell) for cell in cells if not is_blank(cell)), "").replace(" ", "").upper()
    return not first.startswith((*_TOTALS, *_SIGNATURES))


class _RowReader:
    """Reads the rows of one sheet."""

    def __init__(self, sheet: Sheet, columns: Mapping[Field, int], words: Sequence[str]) -> None:
        self._sheet = sheet
        self._columns = columns
        self._factors = {
            field: TEN_THOUSAND
            for field in (Field.ESTIMATE, Field.OUTSTANDING)
            if field in columns and columns[field] < len(words) and "万元" in words[columns[field]]
        }

    def read(self, cells: Sequence[Cell], number: int) -> Said:
        self._problems: list[Problem] = []
        self._cells, self._number = cells, number
        amounts = {field: self._amount(field) for field in (Field.ESTIMATE, Field.OUTSTANDING)}
        return Said(
            sheet=self._sheet.name,
            row=number,
            claim_no=self._text_number(Field.CLAIM_NO),
            report_no=self._text_number(Field.REPORT_NO),
            plate=self._plate(),
            loss_on=self._date(),
            estimate_fen=amounts[Field.ESTIMATE],
            outstanding_fen=amounts[Field.OUTSTANDING],
            step_fen=10_000 if self._is_rough() else 100,
            state=self._words(Field.STATE),
            branch=self._words(Field.BRANCH),
            problems=tuple(self._problems),
        )

    def _cell(self, field: Field) -> Cell:
        column = self._columns.get(field)
        return self._cells[column] if column is not None and column < len(self._cells) else None

    def _refuse(self, field: Field, code: str) -> None:
        cell = f"{column_name(self._columns[field])}{self._number}"
        self._problems.append(Problem(field, cell, code, text_of(self._cell(field))[:60]))

    def _words(self, field: Field) -> str:
        cell = self._cell(field)
        return "" if is_error(cell) else text_of(cell)[:_LONGEST]

    def _text_number(self, field: Field) -> str:
        cell = self._cell(field)
        if is_error(cell):
            self._refuse(field, "cell_error")
            return ""
        try:
            return (read_number(cell) or "")[:64]
        except PrecisionLostError:
            self._refuse(field, "list_number_precision_lost")
        except ValueError:
            self._refuse(field, "list_number_unreadable")
        return ""

    def _plate(self) -> str:
        cell = self._cell(Field.PLATE)
        if is_error(cell):
            self._refuse(Field.PLATE, "cell_error")
            return ""
        # 豫A12345(临), 豫A12345 挂: what stands in brackets is a remark.
        text = re.sub(r"[(（].*?[)）]", "", text_of(cell))
        return normalise_plate(text)[:64]

    def _date(self) -> date | None:
        cell = self._cell(Field.LOSS_ON)
        if is_error(cell):
            self._refuse(Field.LOSS_ON, "cell_error")
            return None
        try:
            return _read_day(cell, dates_from_1904=self._sheet.dates_from_1904)
        except ValueError:
            self._refuse(Field.LOSS_ON, "list_date_unreadable")
            return None

    def _amount(self, field: Field) -> int | None:
        cell = self._cell(field)
        if is_error(cell):
            self._refuse(field, "cell_error")
            return None
        try:
            amount = read_amount(cell, self._factors.get(field, Decimal(1)))
        except UnitTwiceError:
            self._refuse(field, "list_unit_twice")
            return None
        except (ValueError, ArithmeticError):
            self._refuse(field, "list_amount_unreadable")
            return None
        return None if amount is None else to_fen(amount)

    def _is_rough(self) -> bool:
        """Whether amounts are written in ten thousands, which are rounded to a hundred yuan at best."""
        written = (text_of(self._cell(field)) for field in (Field.ESTIMATE, Field.OUTSTANDING))
        return bool(self._factors) or any("万" in text for text in written)


def _read_day(cell: Cell, *, dates_from_1904: bool) -> date | None:
    """A date as such lists hold it: what fleet lists know, and 26.3.1, and words for the time of day behind it."""
    if isinstance(cell, str):
        words = text_of(cell)
        if match := _SHORT_YEAR.fullmatch(words):
            year = int(match[1])
            if _FIRST_SHORT_YEAR <= year <= _LAST_SHORT_YEAR:
                return date(2000 + year, int(match[2]), int(match[3]))
        try:
            return read_date(cell, dates_from_1904=dates_from_1904)
        except ValueError:
            if behind := _TIME_BEHIND.match(words):
                return read_date(behind[1].strip(), dates_from_1904=dates_from_1904)
            raise
    return read_date(cell, dates_from_1904=dates_from_1904)


def column_name(index: int) -> str:
    """A column as spreadsheets name it: 0 is A, 26 is AA."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name
