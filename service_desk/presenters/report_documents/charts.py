"""The charts of a report as drawings: values, their words, a scale. Page, paper and mail draw the same ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from babel.numbers import format_compact_decimal
from flask_babel import get_locale
from flask_babel import gettext as _

from service_desk.presenters.report_documents import words
from service_desk.presenters.report_documents.words import Heading, Look
from service_desk.presenters.sla_compliance import trend_floor
from service_desk.rules.report_document import Chart, ChartKind, Report, Table, Value

_MOST_BARS = 10
# Of promises by step what is kept least is to be looked at; of anything else the greatest.
_LEAST_FIRST = frozenset({"step"})
# So few are never cut: a year's months stay in their order.
_UNCUT = 13
_MOST_SERIES = 4
_SUMMARY_LENGTH = 700
# From here on a mark on the scale is shortened: 1.2万.
_COMPACT_FROM = 10_000


@dataclass(frozen=True)
class Series:
    """One column of the table: a value and its words for each label; None where there is none."""

    name: str
    values: Sequence[float | None]
    texts: Sequence[str]


@dataclass(frozen=True)
class Drawing:
    """A chart of one unit. `low` and `high` end its scale; `note` says what is left out or where the scale begins."""

    code: str
    title: str
    kind: ChartKind
    look: Look
    labels: Sequence[str]
    series: Sequence[Series]
    low: float
    high: float
    note: str = ""

    @property
    def summary(self) -> str:
        """The numbers in words, for who does not see the picture."""
        said = "; ".join(
            _("%(name)s: %(figures)s", name=one.name, figures=", ".join(_pairs(self.labels, one.texts)))
            for one in self.series
        )
        return said if len(said) <= _SUMMARY_LENGTH else f"{said[: _SUMMARY_LENGTH - 1]}…"

    @property
    def groups(self) -> list[tuple[str, list[tuple[float, str]]]]:
        """By label: the value and the words of each series, for bars."""
        return [
            (label, [(one.values[index] or 0, one.texts[index]) for one in self.series])
            for index, label in enumerate(self.labels)
        ]

    @property
    def rows(self) -> list[tuple[str, float, str]]:
        """The one series as the macro `bar_chart` takes it."""
        return [(label, *parts[0]) for label, parts in self.groups]

    @property
    def lines(self) -> list[tuple[str, Sequence[float | None], Sequence[str]]]:
        """The series as the macro `line_chart` takes them."""
        return [(one.name, one.values, one.texts) for one in self.series]

    def scale_words(self, value: float) -> str:
        """A mark on the scale, short."""
        if self.look in words.RATIOS:
            return f"{value:g}%"
        if abs(value) >= _COMPACT_FROM:
            return format_compact_decimal(value, locale=get_locale(), fraction_digits=1)
        return f"{value:,.10g}"

    def data(self) -> dict[str, Any]:
        """The drawing as the printed templates take it."""
        return {
            "title": self.title,
            "kind": self.kind.value,
            "labels": list(self.labels),
            "series": [
                {"name": one.name, "values": list(one.values), "texts": list(one.texts)}
                for one in self.series
            ],
            "low": self.low,
            "high": self.high,
            "scale": [self.scale_words(self.low + (self.high - self.low) * part / 2) for part in range(3)],
            "note": self.note,
        }


def drawings(report: Report) -> list[Drawing]:
    """All charts that have something to show. Columns of different units are drawn apart, under one scale each."""
    return [drawing for chart in report.charts for drawing in _drawings(report, chart)]


def _drawings(report: Report, chart: Chart) -> list[Drawing]:
    table = next((one for one in report.tables if one.code == chart.table), None)
    if table is None or not table.rows:
        return []
    headings = {heading.code: (index, heading) for index, heading in enumerate(words.headings(table))}
    if chart.by not in headings:
        return []
    chosen = [headings[code] for code in chart.columns if code in headings]
    looks = list(dict.fromkeys(heading.look for _, heading in chosen))
    title = words.known_label(chart.code, "report_chart")
    found = []
    for look in looks:
        columns = [one for one in chosen if one[1].look is look][:_MOST_SERIES]
        drawn = _one(report, chart, table, headings[chart.by], columns)
        if drawn is None:
            continue
        # Bars and lines of one series have no names beside them.
        names = " / ".join(one.name for one in drawn.series)
        is_said = len(looks) == 1 and (len(drawn.series) > 1 or names in title)
        found.append(replace(drawn, title=title if is_said else f"{title} · {names}"))
    return found


def _one(
    report: Report,
    chart: Chart,
    table: Table,
    by: tuple[int, Heading],
    columns: Sequence[tuple[int, Heading]],
) -> Drawing | None:
    look = columns[0][1].look
    rows: Sequence[Sequence[Value]] = [
        row for row in table.rows if any(words.plain(row[index]) is not None for index, _ in columns)
    ]
    if not rows:
        return None
    note = ""
    if chart.kind is ChartKind.BARS and len(rows) > _UNCUT:
        cut = _least if chart.by in _LEAST_FIRST else _greatest
        rows, note = cut(rows, [index for index, _ in columns])
    labels = [words.shown(row[by[0]], by[1].look, report.tz, by[1].of).text for row in rows]
    series = [
        Series(
            heading.text,
            [_value(row[index], look) for row in rows],
            [words.shown(row[index], look, report.tz).text for row in rows],
        )
        for index, heading in columns
    ]
    low, high = _scale(chart.kind, look, [value for one in series for value in one.values])
    if low > 0:
        note = _("The scale begins at %(percent)s%%.", percent=int(low))
    return Drawing(chart.code, "", chart.kind, look, labels, series, low, high, note)


def _greatest(
    rows: Sequence[Sequence[Value]], columns: Sequence[int]
) -> tuple[Sequence[Sequence[Value]], str]:
    """The rows with the greatest figures in the first column, and a word about the others; never rows of noughts."""
    telling = [row for row in rows if any(words.plain(row[index]) for index in columns)]
    if len(telling) <= _MOST_BARS:
        return telling or rows[:1], _(
            "%(count)s of %(total)s; the others have none.", count=len(telling), total=len(rows)
        )
    ordered = sorted(telling, key=lambda row: -(words.plain(row[columns[0]]) or 0))
    return ordered[:_MOST_BARS], _("The %(count)s greatest of %(total)s.", count=_MOST_BARS, total=len(rows))


def _least(rows: Sequence[Sequence[Value]], columns: Sequence[int]) -> tuple[Sequence[Sequence[Value]], str]:
    """The rows with the least figures in the first column, and a word about the others; never rows of nothing there."""
    telling = [(figure, row) for row in rows if (figure := words.plain(row[columns[0]])) is not None]
    ordered = sorted(telling, key=lambda pair: pair[0])[:_MOST_BARS]
    note = _("The %(count)s lowest of %(total)s.", count=len(ordered), total=len(rows))
    return [row for _figure, row in ordered] or rows[:1], note


def _value(value: Value, look: Look) -> float | None:
    number = words.plain(value)
    if number is None:
        return None
    return float(number / Decimal(100)) if look in words.IN_YUAN else float(number)


def _scale(kind: ChartKind, look: Look, values: Sequence[float | None]) -> tuple[float, float]:
    known = [value for value in values if value is not None]
    low, high = min(0.0, *known), max(0.0, *known)
    if look in words.RATIOS and low >= 0 and high <= 100:
        # A line near the top of the scale would hide its dips; a bar is as long as its share.
        return float(trend_floor(known)) if kind is ChartKind.LINE else 0.0, 100.0
    return low, high if high > low else low + 1


def _pairs(labels: Sequence[str], texts: Sequence[str]) -> list[str]:
    return [f"{label} {text}" for label, text in zip(labels, texts, strict=True)]
