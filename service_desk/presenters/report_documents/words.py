"""What a report says, in the reader's language: its title and period, its headings, every value, every change."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask_babel import get_locale
from flask_babel import gettext as _

from service_desk.base.money import format_yuan
from service_desk.presenters import times
from service_desk.presenters.labels import LABELS, label
from service_desk.presenters.languages import named
from service_desk.rules.metrics import (
    MEANS_OF_DAYS,
    MEASURES,
    RATIOS_OF_FEN,
    RATIOS_OF_PRODUCTS,
    Mean,
    MeasureCode,
    Ratio,
    Unit,
)
from service_desk.rules.report_document import CellKind, Column, Name, Report, ReportKind, Table, Tile, Value

_log = logging.getLogger(__name__)

DASH = "—"
FEN, CHANGE = "fen", "change"
MARKET_NOTE = "market_line"


class Look(StrEnum):
    """How a value is shown: its column's kind, with a measure's unit and what its parts are worked in."""

    TEXT = "text"
    LABEL = "label"
    COUNT = "count"
    FEN = "fen"
    RATIO = "ratio"
    RATIO_FEN = "ratio_fen"
    RATIO_BARE = "ratio_bare"
    CHANGE = "change"
    MEAN = "mean"
    MEAN_FEN = "mean_fen"
    MEAN_DAYS = "mean_days"
    DAYS = "days"
    DATE = "date"
    MOMENT = "moment"
    DURATION = "duration"


_UNITS = {
    Unit.COUNT: Look.COUNT,
    Unit.FEN: Look.FEN,
    Unit.RATIO: Look.RATIO,
    Unit.MEAN: Look.MEAN,
    Unit.MEAN_FEN: Look.MEAN_FEN,
    Unit.DAYS: Look.DAYS,
}
_KINDS = {
    CellKind.TEXT: Look.TEXT,
    CellKind.NAME: Look.TEXT,
    CellKind.LABEL: Look.LABEL,
    CellKind.COUNT: Look.COUNT,
    CellKind.FEN: Look.FEN,
    CellKind.RATIO: Look.RATIO,
    CellKind.MEAN: Look.MEAN,
    CellKind.DATE: Look.DATE,
    CellKind.MOMENT: Look.MOMENT,
    CellKind.DURATION: Look.DURATION,
    CellKind.DAYS: Look.DAYS,
}
_OF = {
    (CellKind.RATIO, FEN): Look.RATIO_FEN,
    (CellKind.RATIO, CHANGE): Look.CHANGE,
    (CellKind.MEAN, FEN): Look.MEAN_FEN,
}
_AT_THE_START = frozenset({Look.TEXT, Look.LABEL, Look.DATE, Look.MOMENT})
IN_DAYS = frozenset({Look.DAYS, Look.MEAN_DAYS})
IN_YUAN = frozenset({Look.FEN, Look.MEAN_FEN})
RATIOS = frozenset({Look.RATIO, Look.RATIO_FEN, Look.RATIO_BARE, Look.CHANGE})
# As long as a VIN with a few letters more: what is longer is a sentence without spaces.
_UNBROKEN = 20
# Names that say their unit themselves.
_YUAN_SAID = ("CNY", "¥", "（元）")
_DAYS_SAID = ("days", "天")


@dataclass(frozen=True)
class Shown:
    """A value in words, and what it is made of: `6/7`, two amounts; empty where that says nothing more."""

    text: str
    parts: str = ""

    @property
    def whole(self) -> str:
        """Both in one line: `85.7% (6/7)`."""
        return f"{self.text} ({self.parts})" if self.parts else self.text

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """Its words, each with whether it stays in one line: of a day, a time, a plate or a number half says nothing."""
        return [
            (word, len(word) <= _UNBROKEN and any(letter.isdigit() for letter in word))
            for word in self.text.split(" ")
        ]


@dataclass(frozen=True)
class Heading:
    """A column's words; `measure` is the code of the measure whose definition it links to, empty for none."""

    code: str
    text: str
    look: Look
    of: str
    measure: str
    is_end: bool
    is_wide: bool


def known_label(code: str, kind: str) -> str:
    """The words for a code; for one that has none any more, the code as words. A kept report must open for ever."""
    if code in LABELS.get(kind, {}):
        return label(code, kind)
    _miss(code, kind)
    return code.replace("_", " ").capitalize()


@lru_cache(maxsize=200)
def _miss(code: str, kind: str) -> None:
    """Told once: an old report may hold a code in every row."""
    _log.warning("no words for %s of kind %s", code, kind)


def title(kind: ReportKind | str) -> str:
    """What a report is called."""
    return known_label(str(kind), "report_kind")


def account(report: Report) -> str:
    """Whose report it is."""
    return name_words(report.account)


def name_words(name: Name) -> str:
    """A name in the reader's language."""
    return named(name.zh, name.en)


def period_words(first: date, last: date) -> str:
    """A whole year, quarter or month by its name, other spans by their days."""
    skeleton = _skeleton(first, last)
    if skeleton is None:
        return f"{first.isoformat()} – {last.isoformat()}" if first != last else first.isoformat()
    return format_skeleton(skeleton, first, locale=get_locale())


def _skeleton(first: date, last: date) -> str | None:
    after = last + timedelta(days=1)
    if first.day != 1 or after.day != 1:
        return None
    months = (after.year - first.year) * 12 + after.month - first.month
    if months == 12 and first.month == 1:
        return "y"
    if months == 3 and first.month % 3 == 1:
        return "yQQQ"
    return "yMMMM" if months == 1 else None


def period(report: Report) -> str:
    """The report's period."""
    return period_words(report.period_from, report.period_to)


def days(report: Report) -> str:
    """The report's period by its days: `2026-10-01 – 2026-10-31`."""
    return f"{report.period_from.isoformat()} – {report.period_to.isoformat()}"


def compared(report: Report) -> str:
    """The period compared with; empty for none."""
    if report.compared_from is None or report.compared_to is None:
        return ""
    return period_words(report.compared_from, report.compared_to)


def made_at(report: Report) -> str:
    """When it was made, in the account's zone: `2026-11-02 08:00 (Asia/Shanghai)`."""
    return f"{times.minute(report.made_at, report.tz)} ({report.zone})"


def notes(report: Report) -> list[str]:
    """What a reader must know beside the figures; the market's line always says where it is from."""
    codes = list(report.notes)
    if any(tile.market is not None for tile in report.tiles) and MARKET_NOTE not in codes:
        codes.append(MARKET_NOTE)
    said = [known_label(code, "report_note") for code in codes]
    return [_("Compared with %(period)s.", period=compared(report)), *said] if compared(report) else said


def measure_name(code: MeasureCode | str) -> str:
    """What a measure is called."""
    return known_label(str(code), "measure")


def definition(code: MeasureCode | str) -> str:
    """What a measure is, in a sentence; empty while nobody has written it."""
    return str(LABELS.get("measure_definition", {}).get(str(code), ""))


def tile_look(tile: Tile) -> Look:
    """How a headline figure is shown: as its measure says, else by what was kept."""
    if isinstance(tile.measure, MeasureCode):
        return measure_look(tile.measure)
    return kept_look(tile.value if tile.value is not None else tile.before)


def kept_look(value: Value) -> Look:
    """How a value is shown of which nothing is known any more but itself."""
    match value:
        case Ratio():
            return Look.RATIO
        case Mean():
            return Look.MEAN
        case int() | Decimal():
            return Look.COUNT
        case _:
            return Look.TEXT


def measure_look(code: MeasureCode) -> Look:
    """How a measure's values are shown."""
    if code in RATIOS_OF_FEN:
        return Look.RATIO_FEN
    if code in RATIOS_OF_PRODUCTS:
        return Look.RATIO_BARE
    return Look.MEAN_DAYS if code in MEANS_OF_DAYS else _UNITS[MEASURES[code].unit]


def heading(column: Column) -> Heading:
    """A column's words, with the unit where the values do not carry it."""
    measure = _measure_of(column)
    look = _look(column, measure)
    text = measure_name(measure) if measure else known_label(column.code, "report_heading")
    if look in IN_YUAN and not any(word in text for word in _YUAN_SAID):
        text = _("%(name)s (CNY)", name=text)
    elif look in IN_DAYS and not any(word in text.casefold() for word in _DAYS_SAID):
        text = _("%(name)s (days)", name=text)
    is_end = look not in _AT_THE_START
    return Heading(
        column.code, text, look, column.of, measure.value if measure else "", is_end, column.is_wide
    )


def _measure_of(column: Column) -> MeasureCode | None:
    """None also for a measure that is no longer counted: its kept values are shown by what they are."""
    if column.kind is not CellKind.MEASURE:
        return None
    try:
        return MeasureCode(column.code)
    except ValueError:
        return None


def _look(column: Column, measure: MeasureCode | None) -> Look:
    if measure:
        return measure_look(measure)
    return _OF.get((column.kind, column.of)) or _KINDS.get(column.kind, Look.COUNT)


def shown(value: Value, look: Look, zone: ZoneInfo, of: str = "") -> Shown:
    """A value in words; a dash for nothing, and for a share or an average with nothing to divide by."""
    match value:
        case None | "":
            return Shown(DASH)
        case Ratio():
            return _ratio(value, look)
        case Mean():
            return _mean(value, look)
        case Name():
            return Shown(name_words(value))
        case datetime():
            return Shown(times.minute(value, zone))
        case date():
            return Shown(value.isoformat())
        case str():
            return Shown(known_label(value, of) if look is Look.LABEL else value)
        case _:
            return Shown(_number(value, look))


def _number(value: int | Decimal, look: Look) -> str:
    if look in IN_YUAN:
        return format_yuan(int(value))
    if look is Look.DURATION:
        return times.duration(int(value))
    if look in RATIOS:
        # A published share is known in percent, not by what it was made of.
        return f"{value}%"
    return f"{value:,}"


def _ratio(value: Ratio, look: Look) -> Shown:
    percent = value.percent()
    if percent is None:
        return Shown(DASH)
    text = f"{percent:+,}%" if look is Look.CHANGE and percent else f"{percent:,}%"
    if look in {Look.RATIO_BARE, Look.CHANGE}:
        return Shown(text)
    if look is Look.RATIO_FEN:
        return Shown(text, f"{format_yuan(value.part)} / {format_yuan(value.whole)}")
    return Shown(text, f"{value.part:,}/{value.whole:,}")


def _mean(value: Mean, look: Look) -> Shown:
    average = value.value(0 if look is Look.MEAN_FEN else 2)
    if average is None:
        return Shown(DASH)
    text = format_yuan(int(average)) if look is Look.MEAN_FEN else f"{average:,}"
    return Shown(text, _("average of %(count)s", count=f"{value.count:,}"))


def headline(value: Value, look: Look, zone: ZoneInfo) -> Shown:
    """A value that stands alone, so with its unit: `¥1,234.00`, `29.26 days`."""
    said = shown(value, look, zone)
    if said.text == DASH:
        return said
    if look in IN_YUAN:
        sign = "-" if said.text.startswith("-") else ""
        return Shown(f"{sign}¥{said.text.removeprefix('-')}", said.parts)
    if look in IN_DAYS:
        return Shown(_("%(days)s days", days=said.text), said.parts)
    return said


def plain(value: Value) -> Decimal | None:
    """A value as one number: percent, fen, days, a count; None for what is none."""
    match value:
        case Ratio():
            return value.percent()
        case Mean():
            return value.value()
        case bool():
            return None
        case int() | Decimal():
            return Decimal(value)
        case _:
            return None


def headings(table: Table) -> list[Heading]:
    """The words of a table's columns."""
    return [heading(column) for column in table.columns]


def row_words(row: Sequence[Value], columns: Iterable[Heading], zone: ZoneInfo) -> list[Shown]:
    """A row in words."""
    return [shown(value, column.look, zone, column.of) for value, column in zip(row, columns, strict=True)]


def filename(report: Report, extension: str) -> str:
    """`monthly-cases-20261001-20261031.xlsx`: plain letters, so that every mail program keeps it."""
    span = f"{report.period_from:%Y%m%d}-{report.period_to:%Y%m%d}"
    return f"{report.kind.value.replace('_', '-')}-{span}.{extension}"
