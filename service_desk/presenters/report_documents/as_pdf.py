"""A report on A4, and its charts as pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from unicodedata import east_asian_width

from flask_babel import gettext as _

from service_desk.adapters import pdf as printing
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.languages import current_language
from service_desk.presenters.report_documents import charts, tables, words
from service_desk.presenters.report_documents.charts import Drawing
from service_desk.presenters.report_documents.tiles import TileWords, tile_words
from service_desk.presenters.report_documents.words import Heading, Shown
from service_desk.rules.report_document import Report, ReportKind, Table

_DETAIL_ROWS = 60
_MOST_BARS = 10
# Points. A4 less its margins, upright and across; the sizes of letters a table is tried with, its cells' padding.
_UPRIGHT, _ACROSS = 493.0, 739.0
_SIZES = (8.4, 7.8, 7.2, 6.6)
_PADDING = 7.5
# Letters of a size: a figure is a little over half as wide as it is high, a Chinese character as wide.
_NARROW = 0.57
_LEAST_TEXT, _SHORT_TEXT, _MOST_TEXT = 5.0, 9.5, 16.0
_WORDS = frozenset({words.Look.TEXT, words.Look.LABEL})
_PARTS_SIZE = 0.82
_ONE_LINE = 5.0


@dataclass(frozen=True)
class _Column:
    """How wide a column must be, in ems: figures in one piece, text as wide as it reads well."""

    heading: Heading
    width: float

    @property
    def is_fixed(self) -> bool:
        return self.heading.look not in _WORDS or self.width <= _SHORT_TEXT


@dataclass(frozen=True)
class _Printed:
    """A table in words and how wide its columns are; `in_one`: with two amounts in one line."""

    table: Table
    columns: Sequence[_Column]
    rows: Sequence[Sequence[Shown]]
    total: Sequence[Shown]
    in_one: bool
    note: str


def pdf(report: Report) -> bytes:
    """The report as a PDF in the reader's language; long lists are cut, the spreadsheet has all."""
    printed = [_printed(report, table) for table in report.tables]
    is_across = any(_size_for(table.columns, _UPRIGHT) is None for table in printed)
    title, account = words.title(report.kind), words.account(report)
    return printing.render(
        "report",
        {
            "lang": current_language(),
            "labels": _labels(),
            "document_title": f"{title} · {account} · {words.period(report)}",
            "insurer_name": insurer_name(),
            "title": title,
            "account": account,
            "period": words.period(report),
            "facts": _facts(report),
            "flipped": is_across,
            "tiles": [_tile(tile_words(tile, report.tz)) for tile in report.tiles],
            "notes": words.notes(report),
            "charts": [
                {**drawing.data(), "summary": drawing.summary}
                for drawing in charts.drawings(report, _MOST_BARS)
            ],
            "tables": [_table(table, _ACROSS if is_across else _UPRIGHT) for table in printed],
            "signatures": _signatures(report),
        },
    )


def chart_png(drawing: Drawing) -> bytes:
    """One chart as a picture that mail programs show."""
    return printing.chart_png({"lang": current_language(), "labels": {}, "chart": drawing.data()})


def _labels() -> dict[str, str]:
    return {
        "page": _("Page {page} of {pages}"),
        "nothing": _("Nothing in this period."),
        "signatures": _("Signatures"),
        "signed": _("Name, date, seal"),
    }


def _facts(report: Report) -> list[list[str]]:
    facts = [[_("Period"), words.days(report)], [_("Made at"), words.made_at(report)]]
    if words.compared(report):
        facts.insert(1, [_("Compared with"), words.compared(report)])
    return facts


def _signatures(report: Report) -> list[str]:
    """Both sides sign what they went through together."""
    if report.kind is not ReportKind.QUARTERLY_REVIEW:
        return []
    return [
        _("Insurer: %(name)s", name=insurer_name()),
        _("Client: %(name)s", name=words.account(report)),
    ]


def _tile(tile: TileWords) -> dict[str, Any]:
    lines = [tile.now.parts]
    if tile.before:
        before = _("before: %(figure)s", figure=tile.before.text)
        lines.append(f"{before} · {tile.change.whole}" if tile.change else before)
    if tile.market:
        lines.append(_("market: %(figure)s", figure=tile.market.text))
    return {"name": tile.name, "text": tile.now.text, "lines": [line for line in lines if line]}


def _printed(report: Report, table: Table) -> _Printed:
    headings = words.headings(table)
    telling = tables.telling_rows(table, headings)
    most = _DETAIL_ROWS if table.is_detail else None
    rows = [words.row_words(row, headings, report.tz) for _place, row in islice(telling, most)]
    is_cut = len(rows) < len(telling)
    # Of a list that is cut the sum below would not be that of the lines above it.
    total = [] if is_cut else tables.total_words(table, headings, report.tz) or []
    note = (
        tables.cut_words(len(rows), len(telling))
        if is_cut
        else tables.quiet_words(len(table.rows) - len(telling))
    )
    cells = [*rows, total] if total else rows
    columns = _widths(headings, cells, in_one=True)
    in_one = _size_for(columns, _ACROSS, _SIZES[:2]) is not None
    if not in_one:
        columns = _widths(headings, cells, in_one=False)
    return _Printed(table, columns, rows, total, in_one, note)


def _widths(headings: Sequence[Heading], rows: Sequence[Sequence[Shown]], *, in_one: bool) -> list[_Column]:
    return [
        _Column(heading, _width(heading, [row[index] for row in rows], in_one=in_one))
        for index, heading in enumerate(headings)
    ]


def _size_for(columns: Sequence[_Column], room: float, sizes: Sequence[float] = _SIZES) -> float | None:
    """The greatest letters with which the columns fit; None when none do."""
    needed = sum(column.width for column in columns)
    return next((size for size in sizes if needed * size + _PADDING * len(columns) <= room), None)


def _width(heading: Heading, cells: Sequence[Shown], *, in_one: bool) -> float:
    longest = max((_cell_width(cell, in_one=in_one) for cell in cells), default=0.0)
    if heading.look in _WORDS:
        return min(
            max(longest, _heading_width(heading.text), _LEAST_TEXT),
            _MOST_TEXT * (1.6 if heading.is_wide else 1),
        )
    return max(longest, _heading_width(heading.text))


def _heading_width(text: str) -> float:
    """A heading may break: Chinese in the middle and before a bracket, else between words."""
    if not any(_is_wide(letter) for letter in text):
        return max((_ems(word) for word in text.split()), default=0.0)
    pieces = [_ems(piece) for piece in text.replace("（", "\n（").split("\n")]
    return max(piece if piece <= _ONE_LINE else piece / 2 + 0.5 for piece in pieces)


def _broken(heading: str, width: float) -> str:
    """A heading that does not fit in one line, with its bracket in the next: it is broken anywhere else."""
    return heading.replace("（", "\n（") if _ems(heading) > width else heading


def _cell_width(shown: Shown, *, in_one: bool) -> float:
    parts = max((_ems(part) for part in _parts(shown, in_one=in_one)), default=0.0)
    return max(_ems(shown.text), parts * _PARTS_SIZE)


def _ems(text: str) -> float:
    return sum(1.0 if _is_wide(letter) else _NARROW for letter in text)


def _is_wide(letter: str) -> bool:
    return east_asian_width(letter) in "WF"


def _parts(shown: Shown, *, in_one: bool) -> list[str]:
    """What a value is made of, under it; two amounts in two lines where one is too long."""
    if not shown.parts:
        return []
    part, slash, whole = shown.parts.partition(" / ")
    return [shown.parts] if in_one or not slash else [f"{part} /", whole]


def _table(printed: _Printed, room: float) -> dict[str, Any]:
    size = _size_for(printed.columns, room) or _SIZES[-1]
    return {
        "title": tables.table_title(printed.table),
        "size": size,
        "columns": list(_columns(printed.columns, size)),
        "rows": [[_cell(shown, printed.in_one) for shown in row] for row in printed.rows],
        "total": [_cell(shown, printed.in_one) for shown in printed.total],
        "note": printed.note,
    }


def _columns(columns: Sequence[_Column], size: float) -> Iterator[dict[str, Any]]:
    # Without a column of text to take the room that is left, all do.
    has_text = any(not column.is_fixed for column in columns)
    for column in columns:
        is_fixed = column.is_fixed and has_text
        yield {
            "heading": _broken(column.heading.text, column.width),
            "fixed": is_fixed,
            "width": round(column.width * size + _PADDING, 2) if is_fixed else round(column.width, 2),
            "end": column.heading.is_end,
        }


def _cell(shown: Shown, in_one: bool) -> dict[str, Any]:
    return {"text": shown.text, "parts": _parts(shown, in_one=in_one)}
