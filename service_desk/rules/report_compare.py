"""Two reports of one kind laid beside each other: which figures differ, which rows came and went."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from service_desk.rules.metrics import MeasureCode
from service_desk.rules.report_document import CellKind, Column, Report, Table, Tile, Value

# What names a row. The rest are its figures.
_NAMING = frozenset({CellKind.NAME, CellKind.TEXT, CellKind.LABEL, CellKind.DATE})

# A clock is of a step: the late survey of a claim and its late payment are two, be each the only one of its report.
_ALWAYS_NAMING = frozenset({"step"})

_Key = tuple[Hashable, ...]
_Row = Sequence[Value]


@dataclass(frozen=True)
class CellDifference:
    """A value that is another one now. `place` is where the column stands in the later report's table."""

    column: Column
    place: int
    before: Value
    after: Value


@dataclass(frozen=True)
class RowDifference:
    """A row that both have and that differs. `name` are the values that tell it from others; none for the total.

    `place` is where the row stands in the later report's table, None for the total.
    """

    name: Sequence[tuple[Column, Value]]
    place: int | None
    cells: Sequence[CellDifference]


@dataclass(frozen=True)
class TableDifference:
    """What differs in a table that either report has. `gone` and `new` are whole rows of `columns_before` and `columns`."""

    code: str
    columns: Sequence[Column]
    columns_before: Sequence[Column]
    changed: Sequence[RowDifference] = ()
    gone: Sequence[_Row] = ()
    new: Sequence[_Row] = ()

    @property
    def count(self) -> int:
        """How many rows differ, came or went."""
        return len(self.changed) + len(self.gone) + len(self.new)


@dataclass(frozen=True)
class TileDifference:
    """A headline figure that is another one now."""

    measure: MeasureCode | str
    before: Value
    after: Value


@dataclass(frozen=True)
class Comparison:
    """All that differs. Tables that are alike are left out."""

    tiles: Sequence[TileDifference] = ()
    tables: Sequence[TableDifference] = ()

    @property
    def is_same(self) -> bool:
        return not self.tiles and not self.tables

    @property
    def count(self) -> int:
        """How many headline figures and rows differ."""
        return len(self.tiles) + sum(table.count for table in self.tables)


def compare(before: Report, after: Report) -> Comparison:
    """What is different in `after`. When a report was made is no difference, nor is the order of its rows."""
    codes = list(dict.fromkeys([*(one.code for one in after.tables), *(one.code for one in before.tables)]))
    tables = [_compare_tables(_table(before, code), _table(after, code)) for code in codes]
    return Comparison(_compare_tiles(before.tiles, after.tiles), [one for one in tables if one.count])


def _compare_tiles(before: Sequence[Tile], after: Sequence[Tile]) -> list[TileDifference]:
    former = {tile.measure: tile.value for tile in before}
    latter = {tile.measure: tile.value for tile in after}
    return [
        TileDifference(measure, former.get(measure), latter.get(measure))
        for measure in {**latter, **former}
        if former.get(measure) != latter.get(measure)
    ]


def _table(report: Report, code: str) -> Table:
    found = (table for table in report.tables if table.code == code)
    return next(found, Table(code, columns=(), rows=()))


def _compare_tables(before: Table, after: Table) -> TableDifference:
    key = _key_columns(before, after)
    former, latter = _by_key(before, key), _by_key(after, key)
    changed = [
        RowDifference(
            [(column, after.rows[place][spot]) for spot, column in _spots(after, key)],
            place,
            cells,
        )
        for name, place in latter.items()
        if name in former
        and (cells := _compare_rows(before, before.rows[former[name]], after, after.rows[place]))
    ]
    total = _compare_rows(before, before.total or (), after, after.total or ())
    if total:
        changed.append(RowDifference((), None, total))
    return TableDifference(
        code=after.code,
        columns=after.columns,
        columns_before=before.columns,
        changed=changed,
        gone=[before.rows[place] for name, place in former.items() if name not in latter],
        new=[after.rows[place] for name, place in latter.items() if name not in former],
    )


def _key_columns(before: Table, after: Table) -> list[str]:
    """The fewest leading columns that tell every row from the others, in both tables.

    A claim's number alone is enough, so that one whose branch was corrected is the same claim with another branch.
    """
    naming: list[str] = []
    for column in after.columns or before.columns:
        if column.kind not in _NAMING:
            break
        naming.append(column.code)
    for length in range(1, len(naming) + 1):
        key = [*naming[:length], *(code for code in naming[length:] if code in _ALWAYS_NAMING)]
        if all(_is_unique(table, key) for table in (before, after)):
            return key
    return naming


def _is_unique(table: Table, key: Sequence[str]) -> bool:
    return all(count == 1 for count in Counter(_names(table, key)).values())


def _names(table: Table, key: Sequence[str]) -> list[_Key]:
    spots = [spot for spot, _column in _spots(table, key)]
    return [tuple(cast(Hashable, row[spot]) for spot in spots) for row in table.rows]


def _spots(table: Table, key: Sequence[str]) -> list[tuple[int, Column]]:
    return [(spot, column) for spot, column in enumerate(table.columns) if column.code in key]


def _by_key(table: Table, key: Sequence[str]) -> dict[_Key, int]:
    """Where each row stands. Rows that nothing tells apart are told apart by their order."""
    seen: Counter[_Key] = Counter()
    places: dict[_Key, int] = {}
    for place, name in enumerate(_names(table, key)):
        places[*name, seen[name]] = place
        seen[name] += 1
    return places


def _compare_rows(before: Table, former: _Row, after: Table, latter: _Row) -> list[CellDifference]:
    """The values that differ, of the columns that both tables have."""
    was: Mapping[str, Value] = {
        column.code: value for column, value in zip(before.columns, former, strict=False)
    }
    return [
        CellDifference(column, place, was[column.code], value)
        for place, (column, value) in enumerate(zip(after.columns, latter, strict=False))
        if column.code in was and was[column.code] != value
    ]
