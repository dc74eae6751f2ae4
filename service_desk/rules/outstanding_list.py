"""Reading a client's list of outstanding claims: headings by many names, rows as people type them (domain.md §11)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from service_desk.base.money import to_fen
from service_desk.rules.fleet_list.header import (
    Header,
    Vocabulary,
    fields_by_word,
    find_header,
    headings,
)
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
from service_desk.rules.policy_list.values import (
    TEN_THOUSAND,
    PrecisionLostError,
    UnitTwiceError,
    read_amount,
    read_number,
)


class Field(StrEnum):
    """What a column of such a list may hold. The last four are only shown."""

    CLAIM_NO = "claim_no"
    REPORT_NO = "report_no"
    PLATE = "plate"
    LOSS_ON = "loss_on"
    ESTIMATE = "estimate"
    OUTSTANDING = "outstanding"
    STATE = "state"
    BRANCH = "branch"
    POLICY_NO = "policy_no"
    DRIVER = "driver"
    PLACE = "place"
    REPORTED_ON = "reported_on"


HEADER_WORDS: dict[Field, tuple[str, ...]] = {
    Field.CLAIM_NO: (
        "立案号",
        "赔案号",
        "赔案编号",
        "案件号",
        "案件编号",
        "案号",
        "理赔编号",
        "立案编号",
        "赔案号码",
        "理赔案号",
        "CLAIMNO",
        "CLAIMNO.",
        "CLAIMNUMBER",
    ),
    Field.REPORT_NO: (
        "报案号",
        "报案编号",
        "报案号码",
        "保险公司报案号",
        "报案受理号",
        "REPORTNO",
        "REPORTNO.",
        "REPORTNUMBER",
    ),
    Field.PLATE: (
        "车牌号",
        "号牌号码",
        "牌照号",
        "车号",
        "车牌",
        "车牌号码",
        "牌照",
        "号牌",
        "标的车牌",
        "标的车",
        "出险车辆",
        "车辆",
        "车辆号牌",
        "标的车牌号",
        "PLATE",
    ),
    Field.LOSS_ON: (
        "出险日期",
        "出险时间",
        "事故日期",
        "事故时间",
        "出险日",
        "发生日期",
        "事故发生日期",
        "事故发生时间",
        "肇事日期",
        "DATEOFLOSS",
        "LOSSDATE",
    ),
    Field.ESTIMATE: (
        "估损金额",
        "估损",
        "估计损失",
        "报损金额",
        "预估金额",
        "预估损失",
        "立案金额",
        "损失金额",
        "估损(元)",
        "估损金额(元)",
        "估损金额(万元)",
        "ESTIMATE",
    ),
    Field.OUTSTANDING: (
        "未决金额",
        "未决估损",
        "未决赔款",
        "未付金额",
        "未赔金额",
        "未结金额",
        "未决金额(元)",
        "未决金额(万元)",
        "OUTSTANDING",
    ),
    Field.STATE: (
        "案件状态",
        "状态",
        "进度",
        "处理进度",
        "案件进度",
        "目前进展",
        "当前状态",
        "办理情况",
        "处理情况",
        "STATUS",
        "STATE",
    ),
    Field.BRANCH: (
        "所属分公司",
        "单位",
        "使用单位",
        "所属单位",
        "分公司",
        "使用部门",
        "部门",
        "公司",
        "BRANCH",
    ),
    Field.POLICY_NO: ("保单号", "保单号码", "保险单号"),
    Field.DRIVER: ("驾驶员", "司机", "驾驶人", "驾驶员姓名", "当事人", "DRIVER"),
    Field.PLACE: ("出险地点", "事故地点", "地点", "PLACE"),
    Field.REPORTED_ON: ("报案日期", "报案时间", "REPORTED"),
}

OUTSTANDING_WORDS = Vocabulary(
    fields_by_word(HEADER_WORDS), needs=((Field.PLATE, Field.CLAIM_NO, Field.REPORT_NO),)
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
