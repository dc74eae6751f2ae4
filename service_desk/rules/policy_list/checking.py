"""Reading a whole file: the sheets with a header, their rows, and the rows that sum up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from service_desk.rules.fleet_list import BranchNames, FileError, Sheet, Workbook
from service_desk.rules.fleet_list.header import Header, find_header, headings
from service_desk.rules.fleet_list.rows import BranchFinder
from service_desk.rules.fleet_list.workbook import Cell, is_blank, merges_filled_down, text_of
from service_desk.rules.policy_list.facts import Field, Refusal, Statement
from service_desk.rules.policy_list.header import POLICY_WORDS
from service_desk.rules.policy_list.rows import Draft, RowReader, with_ends
from service_desk.rules.policy_list.totals import TotalRow, read_total, total_label
from service_desk.rules.policy_list.values import TEN_THOUSAND

_SIGNATURES = ("制表", "审核", "复核", "备注", "说明", "填表", "注:", "注：")

Choice = Mapping[Field, int | None]


@dataclass(frozen=True)
class SheetMapping:
    """How a sheet was read: the last header row's number, each field's column (from 0), and all headings."""

    sheet: str | None
    header_row: int
    columns: Mapping[Field, int]
    headings: tuple[str, ...]


@dataclass(frozen=True)
class PolicyListResult:
    """What reading a file found, in its order. With a `file_error` all else is empty."""

    file_error: FileError | None = None
    statements: tuple[Statement, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    totals: tuple[TotalRow, ...] = ()
    mappings: tuple[SheetMapping, ...] = ()


def check(
    workbook: Workbook,
    branches: Iterable[BranchNames],
    choices: Mapping[str | None, Choice] | None = None,
) -> PolicyListResult:
    """Read every row of a list of policies into what it states or why it cannot be read; writes nothing.

    `choices` holds by sheet name the columns that a person corrected; None for a field leaves it unread.
    """
    if workbook.file_error:
        return PolicyListResult(file_error=workbook.file_error)
    finder = BranchFinder(branches)
    read: list[Statement | Refusal] = []
    totals: list[TotalRow] = []
    mappings = []
    for sheet in workbook.sheets:
        rows = merges_filled_down(sheet)
        header = _header(sheet, rows, (choices or {}).get(sheet.name))
        if header is None:
            continue
        mapping = SheetMapping(
            sheet.name, sheet.numbers[header.bottom], header.columns, headings(rows, header)
        )
        mappings.append(mapping)
        found, sums = _sheet(sheet, rows, header, finder, mapping)
        read += found
        totals += sums
    if not mappings:
        return PolicyListResult(file_error=FileError.HEADER_NOT_FOUND)
    return PolicyListResult(
        statements=tuple(one for one in read if isinstance(one, Statement)),
        refusals=tuple(one for one in read if isinstance(one, Refusal)),
        totals=tuple(totals),
        mappings=tuple(mappings),
    )


def _header(sheet: Sheet, rows: Sequence[Sequence[Cell]], choice: Choice | None) -> Header[Field] | None:
    found = find_header(rows, sheet.merges, POLICY_WORDS)
    if found is None or choice is None:
        return found
    columns = {**found.columns, **choice}
    return Header(
        found.top, found.bottom, {name: column for name, column in columns.items() if column is not None}
    )


def _sheet(
    sheet: Sheet,
    rows: Sequence[Sequence[Cell]],
    header: Header[Field],
    finder: BranchFinder,
    mapping: SheetMapping,
) -> tuple[list[Statement | Refusal], list[TotalRow]]:
    reader = RowReader(
        sheet.name, header.columns, finder, sheet.dates_from_1904, _factors(header.columns, mapping.headings)
    )
    drafts: list[Draft | Refusal] = []
    totals: list[TotalRow] = []
    for index in range(header.bottom + 1, len(rows)):
        cells, number = rows[index], sheet.numbers[index]
        as_written = sheet.rows[index]
        if not _says_something(reader, as_written):
            continue
        label = total_label(as_written, reader.by_field(as_written))
        if label:
            totals.append(read_total(reader, as_written, number, label, totals))
        elif not _is_signature(as_written):
            drafts += reader.read(cells, number)
    return _in_order(drafts), totals


def _in_order(drafts: Sequence[Draft | Refusal]) -> list[Statement | Refusal]:
    ended = iter(with_ends([one for one in drafts if isinstance(one, Draft)]))
    return [next(ended) if isinstance(one, Draft) else one for one in drafts]


def _factors(columns: Mapping[Field, int], words: Sequence[str]) -> dict[Field, Decimal]:
    """The unit that a heading names: 万元 counts ten thousand."""
    return {name: TEN_THOUSAND for name, at in columns.items() if at < len(words) and "万元" in words[at]}


def _says_something(reader: RowReader, cells: Sequence[Cell]) -> bool:
    """Whether a row has anything in a column that is read, or a word that may be a total's."""
    used = set(reader.columns.values())
    return any(
        not is_blank(cell) and (column in used or (isinstance(cell, str) and "计" in cell))
        for column, cell in enumerate(cells)
    )


def _is_signature(cells: Sequence[Cell]) -> bool:
    """Whether a row is a note under the table: it begins so, and nothing but words stand in it."""
    first = next((text_of(cell) for cell in cells if not is_blank(cell)), "")
    return first.replace(" ", "").startswith(_SIGNATURES)
