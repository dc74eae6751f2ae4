"""Finding the rows of a price table in a workbook: the sheets are known by the heads of their columns."""

from collections.abc import Sequence

from service_desk.base.errors import Invalid
from service_desk.base.text import one_line, search_key
from service_desk.rules.fleet_list.workbook import Cell, Sheet, Workbook, is_blank, text_of
from service_desk.rules.price_sheet.judging import CoverSetRow, PriceRow
from service_desk.rules.price_sheet.layout import fields_of, name_of
from service_desk.rules.vocabulary import PolicyLine

MOST_ROWS = 2_000
_NAMES = ("zh", "en")
_COVER_SET_FIELDS = ("code", *_NAMES)
# A sheet without one of these is no price table.
_NEEDED = frozenset({"cover_set", "use_class", "measure", "band_from", "band_to", "premium"})
_HEADER_WITHIN = 20


def read_book(workbook: Workbook, line: PolicyLine) -> tuple[list[PriceRow], list[CoverSetRow]]:
    """The rows of a workbook, numbered as it numbers them; a sheet that is neither table is passed over.

    Invalid on `file`: the workbook's own fault, `price_columns_missing`, `price_column_missing`,
    `price_file_no_rows`, `price_file_long`.
    """
    if workbook.file_error:
        raise Invalid(workbook.file_error.value, field="file")
    rows: list[PriceRow] = []
    cover_sets: list[CoverSetRow] = []
    has_table = False
    for sheet in workbook.sheets:
        found = find_columns(sheet, fields_of(line), _NEEDED)
        if found:
            has_table = True
            _require_all(line, found[1])
            rows += [
                PriceRow(len(rows) + index, number, values)
                for index, (number, values) in enumerate(body(sheet, *found), start=1)
            ]
            continue
        found = find_columns(sheet, _COVER_SET_FIELDS, frozenset(_COVER_SET_FIELDS))
        if found:
            cover_sets += [
                CoverSetRow(len(cover_sets) + index, number, **values)
                for index, (number, values) in enumerate(body(sheet, *found), start=1)
            ]
    if not has_table:
        raise Invalid("price_columns_missing", field="file")
    if not rows:
        raise Invalid("price_file_no_rows", field="file")
    if len(rows) > MOST_ROWS:
        raise Invalid("price_file_long", field="file", most=MOST_ROWS)
    return rows, cover_sets


def _require_all(line: PolicyLine, columns: dict[int, str]) -> None:
    """A column that is gone or called otherwise would take its deductibles along without a word."""
    missing = [field for field in fields_of(line) if field not in columns.values()]
    if missing:
        names = "; ".join(f"{name_of(field, 'zh')} / {name_of(field, 'en')}" for field in missing)
        raise Invalid("price_column_missing", field="file", names=names)


def find_columns(
    sheet: Sheet, fields: Sequence[str], needed: frozenset[str]
) -> tuple[int, dict[int, str]] | None:
    """The index of the head row and the field of each column; None when the needed ones are not all there."""
    heads = {search_key(name_of(field, language)): field for field in fields for language in ("zh", "en")}
    for index, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
        columns: dict[int, str] = {}
        for column, cell in enumerate(row):
            field = heads.get(search_key(text_of(cell)))
            if field and field not in columns.values():
                columns[column] = field
        if needed <= set(columns.values()):
            return index, columns
    return None


def body(sheet: Sheet, header: int, columns: dict[int, str]) -> list[tuple[int, dict[str, str]]]:
    """The rows under the head with the number a person calls them by; empty ones are left out."""
    found = []
    for number, row in zip(sheet.numbers[header + 1 :], sheet.rows[header + 1 :], strict=True):
        values = {field: _text(field, row, column) for column, field in columns.items()}
        if any(values.values()):
            found.append((number, values))
    return found


def _text(field: str, row: Sequence[Cell], column: int) -> str:
    cell = row[column] if column < len(row) else None
    if is_blank(cell):
        return ""
    # A name keeps its Chinese signs; everything else is compared.
    return one_line(cell) if field in _NAMES and isinstance(cell, str) else text_of(cell)
