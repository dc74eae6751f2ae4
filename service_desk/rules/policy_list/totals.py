"""The file's own totals beside what its accepted rows come to."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from service_desk.rules.fleet_list.workbook import Cell, is_blank, text_of
from service_desk.rules.policy_list.facts import Field
from service_desk.rules.policy_list.rows import Row, RowReader

SUMMED = (
    Field.PREMIUM,
    Field.CTPL_PREMIUM,
    Field.COMMERCIAL_PREMIUM,
    Field.CARRIER_PREMIUM,
    Field.TAX,
)
_LEVELS = (("总计", 3), ("合计", 2), ("小计", 1))
_COUNT = re.compile(r"(?:共|计)?(\d{1,6})(台|辆|份|笔|单|条|张)")
_OF_VEHICLES = frozenset("台辆")


@dataclass(frozen=True)
class TotalRow:
    """A row that sums up: those since the last row of its level or a higher one (`after`, 0 for the first)."""

    sheet: str | None
    row: int
    label: str
    level: int
    after: int
    sums: Mapping[Field, Decimal]
    count: int | None
    counts_vehicles: bool


@dataclass(frozen=True)
class Sum:
    """What an accepted policy adds: to the premium column it stands in, and to the tax."""

    sheet: str | None
    row: int
    premium_field: Field
    premium: Decimal
    tax: Decimal
    vehicle: str


@dataclass(frozen=True)
class FileTotal:
    """One figure of the file beside ours. `field` is the column summed, `count` for a number of rows."""

    sheet: str | None
    row: int
    label: str
    field: str
    stated: Decimal
    found: Decimal

    @property
    def differs(self) -> bool:
        return self.stated != self.found


def total_label(cells: Sequence[Cell], row: Row) -> str:
    """The word by which a row sums up, empty for an ordinary one: 合计, 巩义分公司小计."""
    if any(
        not is_blank(row.get(name)) and _looks_like_number(row[name])
        for name in (Field.NUMBER, Field.CTPL_NUMBER)
    ):
        return ""
    for cell in cells:
        if isinstance(cell, str):
            text = text_of(cell).replace(" ", "")
            if any(word in text for word, _level in _LEVELS):
                return text
    return ""


def _looks_like_number(cell: Cell) -> bool:
    """Whether a cell may be a policy's number; a total may stand in its column, and so may how many there are."""
    return len(text_of(cell)) >= 8 and not any(word in text_of(cell) for word, _level in _LEVELS)


def read_total(
    reader: RowReader, cells: Sequence[Cell], number: int, label: str, earlier: Sequence[TotalRow]
) -> TotalRow:
    """Read what a row sums up; a cell that is no amount says nothing."""
    row = reader.by_field(cells)
    level = next(level for word, level in _LEVELS if word in label)
    sums = {}
    for name in SUMMED:
        amount = _amount_or_none(reader, row, name)
        if amount is not None:
            sums[name] = amount
    count, unit = _count(cells)
    after = max((one.row for one in earlier if one.level >= level), default=0)
    return TotalRow(reader.sheet, number, label, level, after, sums, count, unit in _OF_VEHICLES)


def _amount_or_none(reader: RowReader, row: Row, name: Field) -> Decimal | None:
    try:
        return reader.amount(row, name)
    except (ValueError, ArithmeticError):
        return None


def _count(cells: Sequence[Cell]) -> tuple[int | None, str]:
    for cell in cells:
        match = _COUNT.search(text_of(cell).replace(" ", "")) if isinstance(cell, str) else None
        if match:
            return int(match[1]), match[2]
    return None, ""


def reconcile(totals: Iterable[TotalRow], accepted: Iterable[Sum]) -> list[FileTotal]:
    """Every figure of the file's total rows beside the same figure of the accepted rows, in the file's order."""
    sums = list(accepted)
    return [figure for total in totals for figure in _figures(total, _under(total, sums))]


def _under(total: TotalRow, sums: Sequence[Sum]) -> list[Sum]:
    return [one for one in sums if one.sheet == total.sheet and total.after < one.row < total.row]


def _figures(total: TotalRow, rows: Sequence[Sum]) -> list[FileTotal]:
    figures = []
    for name, stated in total.sums.items():
        parts = (
            (one.tax for one in rows)
            if name is Field.TAX
            else (one.premium for one in rows if one.premium_field is name)
        )
        figures.append(
            FileTotal(total.sheet, total.row, total.label, name.value, stated, sum(parts, Decimal(0)))
        )
    if total.count is not None:
        found = len({one.vehicle for one in rows}) if total.counts_vehicles else len(rows)
        unit = "vehicles" if total.counts_vehicles else "count"
        figures.append(
            FileTotal(total.sheet, total.row, total.label, unit, Decimal(total.count), Decimal(found))
        )
    return figures
