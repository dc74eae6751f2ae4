"""Schedules, runs and their differences in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.models.reports import ReportFault, ReportRun, ReportSchedule
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.report_documents import words
from service_desk.presenters.report_documents.words import Shown
from service_desk.rules.report_compare import CellDifference, RowDifference, TableDifference, TileDifference
from service_desk.rules.report_document import Column, ReportKind, Tile, Value
from service_desk.rules.schedule import FREQUENCY, Frequency, days_of
from service_desk.services.reports.comparing import Compared
from service_desk.services.reports.recipients import Person

# Of two weeks all claims differ; who wants them all has both spreadsheets.
MOST_ROWS = 50


def title(kind: ReportKind | str) -> str:
    """What a report is called."""
    return words.title(kind)


def period(run: ReportRun) -> str:
    """The period of a run."""
    return words.period_words(run.period_from, run.period_to)


def fault_words(fault: ReportFault) -> str:
    """What is wrong and since when: `ZeroDivisionError, 5 tries since 2026-11-23 08:30`."""
    since = times.minute(fault.since_at)
    return ngettext(
        "%(code)s, %(num)s try since %(since)s",
        "%(code)s, %(num)s tries since %(since)s",
        fault.tries,
        code=fault.code,
        since=since,
    )


def fault_period(fault: ReportFault) -> str:
    """The period of a report that could not be made."""
    return words.period_words(fault.period_from, fault.period_to)


def edition(run: ReportRun) -> str:
    """Whether it was made on schedule or by hand."""
    return _("by hand, no. %(number)s", number=run.edition) if run.edition else _("scheduled")


def day_choices(kind: ReportKind) -> list[tuple[int, str]]:
    """The days a kind can be due on, for a select field."""
    return [(day, _day(kind, day)) for day in days_of(kind)]


def timing(schedule: ReportSchedule) -> str:
    """`Mondays at 08:30`, `on day 2 of every month at 08:30`."""
    kind = ReportKind(schedule.kind)
    at = f"{schedule.hour:02d}:{schedule.minute:02d}"
    match FREQUENCY[kind]:
        case Frequency.WEEKLY:
            return _("weekly, %(weekday)s %(at)s", weekday=_day(kind, schedule.day), at=at)
        case Frequency.MONTHLY:
            return _("monthly, day %(day)s at %(at)s", day=schedule.day, at=at)
        case Frequency.QUARTERLY:
            return _("quarterly, day %(day)s after the quarter at %(at)s", day=schedule.day, at=at)
        case Frequency.YEARLY:
            return _("yearly, day %(day)s of January at %(at)s", day=schedule.day, at=at)


def _day(kind: ReportKind, day: int) -> str:
    return label(day, "report_weekday") if FREQUENCY[kind] is Frequency.WEEKLY else str(day)


def person_words(person: Person) -> str:
    """`周敏 · Group insurance department`: who somebody is, for choosing them."""
    what = label(person.role, "role") if person.role else person.position or _("Contact person")
    return f"{person.name} · {what}"


@dataclass(frozen=True)
class ChangedCell:
    """One figure that differs: of which row, which figure, and what it was and is."""

    row: str
    figure: str
    before: Shown
    after: Shown


@dataclass(frozen=True)
class ShownRows:
    """Whole rows that only one report has; `more` were left out."""

    headings: Sequence[words.Heading]
    rows: Sequence[Sequence[Shown]]
    more: int


@dataclass(frozen=True)
class ShownTable:
    """What differs in one table; `count` rows do."""

    code: str
    title: str
    count: int
    changed: Sequence[ChangedCell]
    more_changed: int
    gone: ShownRows
    new: ShownRows


@dataclass(frozen=True)
class ShownDifference:
    """All that differs, in words. `marks` tell the page's tables what each changed value was: table, row, column."""

    count: int
    tiles: Sequence[ChangedCell]
    tables: Sequence[ShownTable]
    marks: Mapping[tuple[str, int | None, int], str]


def difference(compared: Compared) -> ShownDifference:
    """What differs between two reports."""
    found, zone = compared.difference, compared.after.tz
    return ShownDifference(
        count=found.count,
        tiles=[_tile(one, zone) for one in found.tiles],
        tables=[_table(one, zone) for one in found.tables],
        marks={
            (table.code, row.place, cell.place): _value(cell.column, cell.before, zone).whole
            for table in found.tables
            for row in table.changed
            for cell in row.cells
        },
    )


def _tile(one: TileDifference, zone: ZoneInfo) -> ChangedCell:
    look = words.tile_look(Tile(one.measure, one.after, one.before))
    before, after = (words.headline(value, look, zone) for value in (one.before, one.after))
    return ChangedCell("", words.measure_name(one.measure), before, after)


def _table(one: TableDifference, zone: ZoneInfo) -> ShownTable:
    cells = [_cell(row, cell, zone) for row in one.changed for cell in row.cells]
    return ShownTable(
        code=one.code,
        title=words.known_label(one.code, "report_table"),
        count=one.count,
        changed=cells[:MOST_ROWS],
        more_changed=max(0, len(cells) - MOST_ROWS),
        gone=_rows(one.columns_before, one.gone, zone),
        new=_rows(one.columns, one.new, zone),
    )


def _cell(row: RowDifference, cell: CellDifference, zone: ZoneInfo) -> ChangedCell:
    named = " · ".join(_value(column, value, zone).text for column, value in row.name)
    return ChangedCell(
        row=named or _("Total"),
        figure=words.heading(cell.column).text,
        before=_value(cell.column, cell.before, zone),
        after=_value(cell.column, cell.after, zone),
    )


def _value(column: Column, value: Value, zone: ZoneInfo) -> Shown:
    heading = words.heading(column)
    return words.shown(value, heading.look, zone, heading.of)


def _rows(columns: Iterable[Column], rows: Sequence[Sequence[Value]], zone: ZoneInfo) -> ShownRows:
    headings = [words.heading(column) for column in columns]
    shown = [words.row_words(row, headings, zone) for row in rows[:MOST_ROWS]]
    return ShownRows(headings, shown, max(0, len(rows) - MOST_ROWS))
