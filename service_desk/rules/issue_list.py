"""Reading a list of vehicles to issue for: plate or VIN, and if the list says so lines, first day, float and tax.

The client writes it, so headings are found by their words wherever they stand, and each row that cannot be used
is answered with its number, the field and the reason.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from service_desk.base.money import parse_yuan, to_fen
from service_desk.base.text import fold
from service_desk.rules.fleet_list.facts import Field
from service_desk.rules.fleet_list.header import HEADER_WORDS
from service_desk.rules.fleet_list.values import is_error, read_date
from service_desk.rules.fleet_list.workbook import (
    Cell,
    Sheet,
    Workbook,
    is_blank,
    merges_filled_down,
    text_of,
)
from service_desk.rules.identifiers import is_vin, normalise_plate, normalise_vin
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine

MOST_TAX_YUAN = Decimal(100_000)
_ROWS_BEFORE_HEADER = 30


class ListField(StrEnum):
    """What a column of the list may hold."""

    PLATE = "plate"
    VIN = "vin"
    LINES = "lines"
    COVER_SET = "cover_set"
    START_ON = "start_on"
    CTPL_FLOAT = "ctpl_float"
    TAX = "tax"


_WORDS: dict[ListField, tuple[str, ...]] = {
    ListField.PLATE: (
        *HEADER_WORDS[Field.PLATE],
        "车牌",
        "号牌",
        "车牌号码",
        "plate",
        "plate number",
        "plate no.",
    ),
    ListField.VIN: (*HEADER_WORDS[Field.VIN], "车架号(VIN)", "车辆识别代码", "chassis number"),
    ListField.LINES: ("险种", "投保险种", "承保险种", "line", "lines", "line of insurance"),
    ListField.COVER_SET: ("险别组合", "保障方案", "投保方案", "商业险方案", "方案", "covers", "cover set"),
    ListField.START_ON: (
        "起保日期",
        "起保日",
        "生效日期",
        "保险起期",
        "起期",
        "first day",
        "start day",
        "start",
    ),
    ListField.CTPL_FLOAT: (
        "交强险浮动",
        "交强险费率浮动",
        "费率浮动",
        "浮动等级",
        "浮动系数",
        "浮动",
        "ctpl float",
        "float",
    ),
    ListField.TAX: ("车船税", "代收车船税", "车船税金额", "vehicle tax", "tax"),
}
_LINES_CALLED: dict[str, PolicyLine] = {
    "交强险": PolicyLine.CTPL,
    "交强": PolicyLine.CTPL,
    "ctpl": PolicyLine.CTPL,
    "商业险": PolicyLine.COMMERCIAL,
    "商业": PolicyLine.COMMERCIAL,
    "commercial": PolicyLine.COMMERCIAL,
    "承运人责任险": PolicyLine.CARRIER_LIABILITY,
    "承运人险": PolicyLine.CARRIER_LIABILITY,
    "承运人": PolicyLine.CARRIER_LIABILITY,
    "carrier's liability": PolicyLine.CARRIER_LIABILITY,
    "carrier liability": PolicyLine.CARRIER_LIABILITY,
}
_SEVERAL = re.compile(r"[、,;/+&\n]|和|及")
_UNIT = re.compile(r"[(\[].*[)\]]$")
_NOT_A_VEHICLE = ("合计", "小计", "总计", "制表人", "total")


@dataclass(frozen=True)
class ListRow:
    """A row that names a vehicle. None and empty: the list does not say, and the order decides.

    `cover_sets` are codes, each of the line that sells it.
    """

    row_no: int
    plate: str
    vin: str
    lines: tuple[PolicyLine, ...] = ()
    cover_sets: tuple[str, ...] = ()
    start_on: date | None = None
    ctpl_float: CtplFloat | None = None
    tax_fen: int | None = None

    @property
    def name(self) -> str:
        return self.plate or self.vin


@dataclass(frozen=True)
class ListProblem:
    """A row that cannot be used: what stands in it, the field and the reason."""

    row_no: int
    name: str
    list_field: str
    code: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class IssueListResult:
    """A list as read. `has_header` False: no heading for plate or VIN stands anywhere."""

    rows: list[ListRow]
    problems: list[ListProblem]
    has_header: bool


def read_issue_list(book: Workbook, cover_sets: Mapping[str, str]) -> IssueListResult:
    """Read every sheet that has a heading for plate or VIN. `cover_sets` gives each cover set's code by its names."""
    known = {name_key(name): code for name, code in cover_sets.items()}
    with_header = [(sheet, header) for sheet in book.sheets if (header := _find_header(sheet))]
    result = IssueListResult([], [], bool(with_header))
    for sheet, header in with_header:
        before = len(result.problems)
        _read_sheet(sheet, header, known, result)
        if len(with_header) > 1:
            # A row's number alone does not find it.
            for problem in result.problems[before:]:
                problem.params["sheet"] = sheet.name
    return result


def name_key(text: str) -> str:
    """A heading or name made comparable: NFKC, lower case, no blanks."""
    return "".join(fold(text).casefold().split())


_LINE_WORDS = {name_key(word): line for word, line in _LINES_CALLED.items()}
_FIELD_OF = {name_key(word): name for name, words in _WORDS.items() for word in words}
_Header = tuple[int, dict[ListField, int]]


def _find_header(sheet: Sheet) -> _Header | None:
    """The first row with a heading for plate or VIN, and each field's column."""
    for index, cells in enumerate(sheet.rows[:_ROWS_BEFORE_HEADER]):
        columns: dict[ListField, int] = {}
        for column, cell in enumerate(cells):
            found = _field_of(cell)
            if found is not None:
                columns.setdefault(found, column)
        if ListField.PLATE in columns or ListField.VIN in columns:
            return index, columns
    return None


def _field_of(cell: Cell) -> ListField | None:
    if not isinstance(cell, str):
        return None
    key = name_key(cell)
    return _FIELD_OF.get(key) or _FIELD_OF.get(_UNIT.sub("", key))


def _read_sheet(
    sheet: Sheet, header: _Header, cover_sets: Mapping[str, str], result: IssueListResult
) -> None:
    first, columns = header
    for index, cells in enumerate(merges_filled_down(sheet)):
        if index <= first or not _is_vehicle(cells, columns):
            continue
        row = {name: cells[c] if c < len(cells) else None for name, c in columns.items()}
        reader = _RowReader(sheet.numbers[index], row, cover_sets, dates_from_1904=sheet.dates_from_1904)
        try:
            result.rows.append(reader.read())
        except _RefusedError as refused:
            result.problems.append(refused.problem(reader))


def _is_vehicle(cells: Sequence[Cell], columns: Mapping[ListField, int]) -> bool:
    """Whether a row holds something in a column that is read, and is neither a total nor a repeated heading."""
    filled = [cells[c] for c in columns.values() if c < len(cells) and not is_blank(cells[c])]
    words = [text_of(cell) for cell in cells if not is_blank(cell)]
    if not filled or name_key(words[0]).startswith(_NOT_A_VEHICLE):
        return False
    return not all(_field_of(cell) for cell in filled)


class _RefusedError(Exception):
    """A reason on its way out of the reading of a row."""

    def __init__(self, code: str, list_field: ListField | None = None, **params: Any) -> None:
        super().__init__(code)
        self._code, self._field, self._params = code, list_field, params

    def problem(self, reader: "_RowReader") -> ListProblem:
        list_field = self._field.value if self._field else ""
        return ListProblem(reader.row_no, reader.name, list_field, self._code, self._params)


@dataclass(frozen=True)
class _RowReader:
    row_no: int
    cells: Mapping[ListField, Cell]
    cover_sets: Mapping[str, str]
    dates_from_1904: bool

    @property
    def name(self) -> str:
        """What the row calls its vehicle, as it stands there."""
        return self._text(ListField.PLATE) or self._text(ListField.VIN)

    def read(self) -> ListRow:
        for list_field, cell in self.cells.items():
            if is_error(cell):
                raise _RefusedError("row_cell_error", list_field, value=text_of(cell))
        plate = normalise_plate(self._text(ListField.PLATE))
        vin = normalise_vin(self._text(ListField.VIN))
        if not plate and not vin:
            raise _RefusedError("row_identity_missing", ListField.PLATE)
        if vin and not is_vin(vin):
            raise _RefusedError("row_vin_invalid", ListField.VIN, value=self._text(ListField.VIN))
        return ListRow(
            self.row_no,
            plate,
            vin,
            lines=tuple(self._several(ListField.LINES, _LINE_WORDS.get, "row_line_unknown")),
            cover_sets=tuple(self._several(ListField.COVER_SET, self.cover_sets.get, "row_cover_unknown")),
            start_on=self._start_on(),
            ctpl_float=self._float(),
            tax_fen=self._tax(),
        )

    def _text(self, list_field: ListField) -> str:
        return text_of(self.cells.get(list_field))

    def _several(self, list_field: ListField, find: Callable[[str], Any], code: str) -> Iterator[Any]:
        """The codes in a cell of one or several names; a name of its own goes before the signs that part names."""
        text = self._text(list_field)
        whole = find(name_key(text)) if text else None
        if whole is not None:
            yield whole
            return
        seen = set()
        for word in filter(None, (part.strip() for part in _SEVERAL.split(text))):
            found = find(name_key(word))
            if found is None:
                raise _RefusedError(code, list_field, value=word)
            if found not in seen:
                seen.add(found)
                yield found

    def _start_on(self) -> date | None:
        try:
            return read_date(self.cells.get(ListField.START_ON), dates_from_1904=self.dates_from_1904)
        except (ValueError, OverflowError):
            value = self._text(ListField.START_ON)
            raise _RefusedError("row_date_invalid", ListField.START_ON, value=value) from None

    def _float(self) -> CtplFloat | None:
        text = self._text(ListField.CTPL_FLOAT).upper()
        if not text:
            return None
        if text not in CtplFloat.__members__:
            raise _RefusedError("row_float_unknown", ListField.CTPL_FLOAT, value=text)
        return CtplFloat(text)

    def _tax(self) -> int | None:
        text = self._text(ListField.TAX)
        if not text:
            return None
        try:
            yuan = parse_yuan(text)
        except ValueError:
            yuan = Decimal(-1)
        if not 0 <= yuan <= MOST_TAX_YUAN:
            raise _RefusedError("row_tax_invalid", ListField.TAX, value=text)
        return to_fen(yuan)
