"""A report as a page shows it, a kept run as well as a preview: `templates/reports/_document.html`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from service_desk.base.paging import Page
from service_desk.presenters.report_documents import charts, tables, words
from service_desk.presenters.report_documents.charts import Drawing
from service_desk.presenters.report_documents.tiles import TileWords, tile_words
from service_desk.presenters.report_documents.words import Heading, Shown
from service_desk.rules.report_document import Report, Table

_DETAIL_ROWS = 50
_UPRIGHT_COLUMNS = 7
# Where the number in a column leads.
_PLACES = {"claim_no": "claims.claim", "policy_no": "policies.policy"}


@dataclass(frozen=True)
class Cell:
    """A value, the address of what it names where that has a page."""

    shown: Shown
    url: str = ""


@dataclass(frozen=True)
class PageRow:
    """A row and where it stands in the report's table."""

    place: int
    cells: Sequence[Cell]


@dataclass(frozen=True)
class PageTable:
    """A table in words; a detail table by pages. `key` is what the address calls the page's number."""

    code: str
    title: str
    headings: Sequence[Heading]
    page: Page[PageRow]
    total: list[Shown] | None
    note: str

    @property
    def key(self) -> str:
        return _key(self.code)


@dataclass(frozen=True)
class Document:
    """All a page shows of a report, in the reader's language."""

    title: str
    account: str
    period: str
    days: str
    compared: str
    made_at: str
    tiles: Sequence[TileWords]
    drawings: Sequence[Drawing]
    tables: Sequence[PageTable]
    notes: Sequence[str]

    @property
    def is_across(self) -> bool:
        """Whether a table has more columns than a sheet upright has room for: figures would be cut off at its edge."""
        return any(len(table.headings) > _UPRIGHT_COLUMNS for table in self.tables)


def page_context(report: Report, args: Mapping[str, str]) -> dict[str, Any]:
    """What `reports/_document.html` needs; `args` of the address say which page of a long table is wanted."""
    return {"document": document(report, args)}


def document(report: Report, args: Mapping[str, str]) -> Document:
    """The report in words."""
    return Document(
        title=words.title(report.kind),
        account=words.account(report),
        period=words.period(report),
        days=words.days(report),
        compared=words.compared(report),
        made_at=words.made_at(report),
        tiles=[tile_words(tile, report.tz) for tile in report.tiles],
        drawings=charts.drawings(report),
        tables=[_table(report, table, args) for table in report.tables],
        notes=words.notes(report),
    )


def _key(code: str) -> str:
    return f"page_{code}"


def _table(report: Report, table: Table, args: Mapping[str, str]) -> PageTable:
    headings = words.headings(table)
    rows = tables.telling_rows(table, headings)
    size = _DETAIL_ROWS if table.is_detail else max(1, len(rows))
    last = max(1, -(-len(rows) // size))
    number = min(max(1, _whole_number(args.get(_key(table.code), ""))), last)
    shown = [
        PageRow(place, _cells(words.row_words(row, headings, report.tz), headings))
        for place, row in rows[(number - 1) * size : number * size]
    ]
    return PageTable(
        code=table.code,
        title=tables.table_title(table),
        headings=headings,
        page=Page(shown, len(rows), number, size),
        total=tables.total_words(table, headings, report.tz) if number == last else None,
        note=tables.quiet_words(len(table.rows) - len(rows)),
    )


def _whole_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 1


def _cells(row: Sequence[Shown], headings: Sequence[Heading]) -> list[Cell]:
    return [_cell(shown, heading) for shown, heading in zip(row, headings, strict=True)]


def _cell(shown: Shown, heading: Heading) -> Cell:
    place = _PLACES.get(heading.code)
    if place is None or shown.text == words.DASH:
        return Cell(shown)
    return Cell(shown, url_for(place, number=shown.text))
