"""Tables in words: which rows are shown, what is said of those that are not, the row of totals."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.presenters.labels import LABELS, label
from service_desk.presenters.report_documents.words import Heading, Shown, known_label, row_words
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.report_document import Table, Value

_SHORT_TABLE = 12


def table_title(table: Table) -> str:
    """What a table is called."""
    return known_label(table.code, "report_table")


def sheet_name(table: Table) -> str:
    """What its sheet is called: a spreadsheet cuts what is longer than 31 letters, and some titles are."""
    return label(table.code, "report_sheet") if table.code in LABELS["report_sheet"] else table_title(table)


Row = Sequence[Value]


def telling_rows(table: Table, columns: Sequence[Heading]) -> list[tuple[int, Row]]:
    """The rows to show, each with its place: of a long table not those without any figure. The spreadsheet has them.

    A list whose lines are matters and not groups is shown whole.
    """
    figures = [index for index, column in enumerate(columns) if column.is_end]
    rows = list(enumerate(table.rows))
    if table.is_detail or not figures or len(rows) <= _SHORT_TABLE:
        return rows
    return [(place, row) for place, row in rows if any(_tells(row[index]) for index in figures)]


def _tells(value: Value) -> bool:
    match value:
        case Ratio():
            return bool(value.part or value.whole)
        case Mean():
            return bool(value.total or value.count)
        case _:
            return bool(value)


def quiet_words(count: int) -> str:
    """That rows were left out; empty for none."""
    if not count:
        return ""
    return ngettext(
        "%(num)s line without any figure is left out here; it is in the spreadsheet.",
        "%(num)s lines without any figure are left out here; they are in the spreadsheet.",
        count,
    )


def cut_words(shown: int, total: int) -> str:
    """That a list was cut."""
    return _(
        "The first %(shown)s of %(total)s lines; the rest is in the spreadsheet.",
        shown=shown,
        total=f"{total:,}",
    )


def total_words(table: Table, columns: Sequence[Heading], zone: ZoneInfo) -> list[Shown] | None:
    """The row of totals: named, and empty rather than dashed where nothing can be added up."""
    if table.total is None:
        return None
    cells = [
        Shown("") if value is None or value == "" else cell
        for value, cell in zip(table.total, row_words(table.total, columns, zone), strict=True)
    ]
    return [Shown(_("Total")), *cells[1:]] if cells and not cells[0].text else cells
