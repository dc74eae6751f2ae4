"""A report on A4, and its charts as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
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
# Points. A4 less its margins, upright and across; the sizes of letters a table is tried with, its cells' padding.
_UPRIGHT, _ACROSS = 493.0, 739.0
_SIZES = (8.4, 7.8, 7.2, 6.6)
_PADDING = 7.5
# Letters of a size: a figure is a little over half as wide as it is high, a Chinese character as wide.
_NARROW = 0.57
_LEAST_TEXT, _MOST_TEXT = 5.0, 16.0
_WORDS = frozenset({words.Look.TEXT, words.Look.LABEL})
_PARTS_SIZE = 0.82
_MOST_SPREAD = 2.0
_ONE_LINE = 5.0


class _Parts(IntEnum):
    """Where stands what a value is made of: beside it, under it, or under it with each amount in a line of its own."""

    BESIDE = 0
    UNDER = 1
    SPLIT = 2


@dataclass(frozen=True)
class _Column:
    """How wide a column should be, in ems; how wide it would be with no text broken, and with all of it broken."""

    heading: Heading
    width: float
    wish: float
    least: float


@dataclass(frozen=True)
class _Printed:
    """A table in words."""

    title: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[Shown]]
    total: Sequence[Shown]
    note: str

    def columns(self, parts: _Parts) -> list[_Column]:
        """The columns' widths with parts in their place."""
        rows = [*self.rows, self.total] if self.total else self.rows
        return [
            _column(heading, [row[index] for row in rows], parts)
            for index, heading in enumerate(self.headings)
        ]

    def fits(self, room: float) -> bool:
        """Whether it can be printed without breaking a figure."""
        return _size_for(self.columns(_Parts.SPLIT), room, _SIZES) is not None


def pdf(report: Report) -> bytes:
    """The report as a PDF in the reader's language; long lists are cut, the spreadsheet has all."""
    printed = [_printed(report, table) for table in report.tables]
    is_across = not all(table.fits(_UPRIGHT) for table in printed)
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
            "tiles": [_tile(tile_words(tile, report.tz), is_across=is_across) for tile in report.tiles],
            "notes": words.notes(report),
            "charts": [{**drawing.data(), "summary": drawing.summary} for drawing in charts.drawings(report)],
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


def _tile(tile: TileWords, *, is_across: bool) -> dict[str, Any]:
    lines = [tile.now.parts]
    if tile.before:
        before = _("before: %(figure)s", figure=tile.before.text)
        lines.append(before)
        if tile.change and is_across:
            lines[-1] = f"{before} · {tile.change.whole}"
        elif tile.change:
            lines.append(tile.change.whole)
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
    return _Printed(tables.table_title(table), headings, rows, total, note)


def _size_for(columns: Sequence[_Column], room: float, sizes: Sequence[float]) -> float | None:
    """The greatest letters with which the columns fit; None when none do."""
    needed = sum(column.width for column in columns)
    return next((size for size in sizes if needed * size + _PADDING * len(columns) <= room), None)


def _column(heading: Heading, cells: Sequence[Shown], parts: _Parts) -> _Column:
    longest = max((_cell_width(cell, parts) for cell in cells), default=0.0)
    least = max(longest, _heading_width(heading.text))
    if heading.look not in _WORDS:
        return _Column(heading, least, least, least)
    most = _MOST_TEXT * (1.6 if heading.is_wide else 1)
    width = min(max(least, _LEAST_TEXT), most)
    unbroken = max((_longest_piece(cell.text) for cell in cells), default=0.0)
    unbroken = max(unbroken, _heading_width(heading.text))
    return _Column(heading, width, max(longest, _LEAST_TEXT), min(unbroken, width))


def _longest_piece(text: str) -> float:
    """The longest part of a text that is never broken: a word, or a number with its hyphens."""
    pieces = "".join(" " if _is_wide(letter) else letter for letter in text).split()
    return max((_ems(piece) for piece in pieces), default=1.0)


def _heading_width(text: str) -> float:
    """A heading may break: Chinese in the middle and before a bracket, else between words."""
    if not any(_is_wide(letter) for letter in text):
        return max((_ems(word) for word in text.split()), default=0.0)
    pieces = [_ems(piece) for piece in text.replace("（", "\n（").split("\n")]
    return max(piece if piece <= _ONE_LINE else piece / 2 + 0.5 for piece in pieces)


def _broken(heading: str, width: float) -> str:
    """A heading that does not fit in one line, with its bracket in the next: it is broken anywhere else."""
    return heading.replace("（", "\n（") if _ems(heading) > width else heading


def _cell_width(shown: Shown, parts: _Parts) -> float:
    text, below = _placed(shown, parts)
    return max(_ems(text), max((_ems(part) for part in below), default=0.0) * _PARTS_SIZE)


def _ems(text: str) -> float:
    return sum(1.0 if _is_wide(letter) else _NARROW for letter in text)


def _is_wide(letter: str) -> bool:
    return east_asian_width(letter) in "WF"


def _placed(shown: Shown, parts: _Parts) -> tuple[str, list[str]]:
    """A value's words, and the lines under it."""
    if not shown.parts or parts is _Parts.BESIDE:
        return shown.whole, []
    part, slash, whole = shown.parts.partition(" / ")
    return shown.text, [f"{part} /", whole] if slash and parts is _Parts.SPLIT else [shown.parts]


def _table(printed: _Printed, room: float) -> dict[str, Any]:
    parts, size, columns = _laid_out(printed, room)
    return {
        "title": printed.title,
        "size": size,
        "columns": _spread(columns, size, room),
        "rows": [[_cell(shown, parts) for shown in row] for row in printed.rows],
        "total": [_cell(shown, parts) for shown in printed.total],
        "note": printed.note,
    }


def _laid_out(printed: _Printed, room: float) -> tuple[_Parts, float, list[_Column]]:
    """As few lines a row as letters of a good size allow: the more lines, the smaller they may be."""
    for parts in _Parts:
        columns = printed.columns(parts)
        size = _size_for(columns, room, _SIZES[: 2 + parts])
        if size is not None:
            return parts, size, columns
    return _Parts.SPLIT, _SIZES[-1], printed.columns(_Parts.SPLIT)


def _spread(columns: Sequence[_Column], size: float, room: float) -> list[dict[str, Any]]:
    """What room is left goes to text that would break, then to all columns by their width.

    What is missing is taken from text that can be broken: a number that runs into the next column is read wrong.
    """
    widths = [column.width * size + _PADDING for column in columns]
    left = room - sum(widths)
    spare = [(column.width - column.least) * size for column in columns]
    if left < 0 < sum(spare):
        share = min(1.0, -left / sum(spare))
        widths = [width - more * share for width, more in zip(widths, spare, strict=True)]
        left = room - sum(widths)
    for index, column in enumerate(columns):
        more = min(max(0.0, (column.wish - column.width) * size), max(0.0, left))
        widths[index] += more
        left -= more
    # A table of two short columns need not reach across the page.
    scale = min(room / sum(widths), _MOST_SPREAD)
    return [
        {
            "heading": _broken(column.heading.text, width * scale / size),
            "width": round(width * scale, 2),
            "end": column.heading.is_end,
        }
        for column, width in zip(columns, widths, strict=True)
    ]


def _cell(shown: Shown, parts: _Parts) -> dict[str, Any]:
    text, below = _placed(shown, parts)
    return {"text": text, "parts": below}
