"""A report as a mail: headline figures, two charts as pictures, short tables; spreadsheet and PDF go with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from flask_babel import gettext as _

from service_desk.adapters.mailer import Attachment, Picture
from service_desk.adapters.spreadsheets import XLSX
from service_desk.presenters.mail_parts import MailParts
from service_desk.presenters.report_documents import charts, tables, words
from service_desk.presenters.report_documents.as_pdf import chart_png, pdf
from service_desk.presenters.report_documents.as_workbook import workbook
from service_desk.presenters.report_documents.charts import Drawing
from service_desk.presenters.report_documents.tiles import TileWords, tile_words
from service_desk.presenters.report_documents.words import Heading, Shown
from service_desk.rules.report_document import Report, Table

# Both files: mail servers refuse what is greater than ten megabytes or so, a third of which the coding takes.
_MOST_BYTES = 6_000_000
_MOST_PICTURES = 2
_MOST_ROWS = 45
_MOST_COLUMNS = 8
# Mail programs cut off what is over some 100 kB. Of many long tables the later ones show their first lines.
_MOST_LINES = 200
_FIRST_LINES = 10


@dataclass(frozen=True)
class ShownPicture:
    """A chart in the mail, by the name of its part; `alt` says its numbers to who is not shown it."""

    cid: str
    title: str
    alt: str


@dataclass(frozen=True)
class MailTable:
    """A short table; `note` says what is in the spreadsheet only."""

    title: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[Shown]]
    total: Sequence[Shown] | None
    note: str


@dataclass(frozen=True)
class MailReport:
    """All that the mail's templates say of a report."""

    title: str
    account: str
    period: str
    days: str
    made_at: str
    tiles: Sequence[TileWords]
    pictures: Sequence[ShownPicture]
    tables: Sequence[MailTable]
    notes: Sequence[str]
    attached: str


def mail_parts(report: Report) -> MailParts:
    """What the templates of `emails/report` need, in the language spoken now."""
    drawn = charts.drawings(report)[:_MOST_PICTURES]
    pictures = tuple(Picture(_cid(index), chart_png(drawing)) for index, drawing in enumerate(drawn, start=1))
    attachments, attached = _attachments(report)
    return MailParts({"report": _words(report, drawn, attached)}, attachments, pictures)


def chat_parts(report: Report) -> MailParts:
    """What the text alone needs: the headline figures, no tables."""
    return MailParts({"report": replace(_words(report, (), ""), tables=())})


def _cid(index: int) -> str:
    return f"chart{index}"


def _words(report: Report, drawn: Sequence[Drawing], attached: str) -> MailReport:
    return MailReport(
        title=words.title(report.kind),
        account=words.account(report),
        period=words.period(report),
        days=words.days(report),
        made_at=words.made_at(report),
        tiles=[tile_words(tile, report.tz) for tile in report.tiles],
        pictures=[
            ShownPicture(_cid(index), drawing.title, f"{drawing.title}. {drawing.summary}")
            for index, drawing in enumerate(drawn, start=1)
        ],
        tables=list(_tables(report)),
        notes=words.notes(report),
        attached=attached,
    )


def _tables(report: Report) -> Iterator[MailTable]:
    left = _MOST_LINES
    for table in report.tables:
        if table.rows and not table.is_detail:
            shown = _table(report, table, min(_MOST_ROWS, max(_FIRST_LINES, left)))
            left -= len(shown.rows)
            yield shown


def _table(report: Report, table: Table, most: int) -> MailTable:
    headings = words.headings(table)
    telling = tables.telling_rows(table, headings)
    rows = telling[:most]
    total = tables.total_words(table, headings, report.tz)
    notes = [tables.quiet_words(len(table.rows) - len(telling))]
    if len(rows) < len(telling):
        notes.append(tables.cut_words(len(rows), len(telling)))
    if len(headings) > _MOST_COLUMNS:
        notes.append(_("More columns are in the spreadsheet."))
    return MailTable(
        title=tables.table_title(table),
        headings=headings[:_MOST_COLUMNS],
        rows=[words.row_words(row, headings, report.tz)[:_MOST_COLUMNS] for _place, row in rows],
        total=total[:_MOST_COLUMNS] if total else None,
        note=" ".join(note for note in notes if note),
    )


def _attachments(report: Report) -> tuple[tuple[Attachment, ...], str]:
    """The files that go with the mail, and a sentence about them: what would be too great is left out, the PDF first."""
    sheet = Attachment(words.filename(report, "xlsx"), workbook(report), XLSX)
    if len(sheet.content) > _MOST_BYTES:
        return (), _("Spreadsheet and PDF are too large for a mail: open the report.")
    paper = Attachment(words.filename(report, "pdf"), pdf(report), "application/pdf")
    if len(sheet.content) + len(paper.content) > _MOST_BYTES:
        return (sheet,), _(
            "The spreadsheet attached holds every line. The PDF is too large for a mail: open the report."
        )
    return (sheet, paper), _("The spreadsheet attached holds every line; the PDF is for printing.")
