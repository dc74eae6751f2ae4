"""A report as values: what page, mail, spreadsheet and PDF all show, and the JSON a run keeps for ever.

It holds codes and numbers, never words: the reader's language is chosen when it is shown, years later too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from service_desk.rules.metrics import Mean, MeasureCode, Ratio


class ReportKind(StrEnum):
    """The reports that are made, kept and sent."""

    WEEKLY_CLAIMS = "weekly_claim_report"
    MONTHLY_UNDERWRITING = "monthly_underwriting"
    MONTHLY_CASES = "monthly_cases"
    RENEWAL_FORECAST = "renewal_forecast"
    QUARTERLY_REVIEW = "quarterly_review"
    ANNUAL_SERVICE = "annual_service"
    BRANCH_DEMAND = "branch_demand"


_MEASURES = frozenset(code.value for code in MeasureCode)


class CellKind(StrEnum):
    """How a column's values are kept and shown. `MEASURE` shows as its measure's unit says."""

    MEASURE = "measure"
    TEXT = "text"
    NAME = "name"
    LABEL = "label"
    COUNT = "count"
    FEN = "fen"
    RATIO = "ratio"
    MEAN = "mean"
    DATE = "date"
    MOMENT = "moment"
    DURATION = "duration"
    DAYS = "days"


@dataclass(frozen=True)
class Name:
    """A name in both languages; without an English one the Chinese stands for both."""

    zh: str
    en: str = ""


Value = str | int | Decimal | Ratio | Mean | date | datetime | Name | None


@dataclass(frozen=True)
class Column:
    """A column of a table: of a measure, or of anything else under a heading's code (label kind `report_heading`).

    `of` says which kind of label a `LABEL` cell holds a code of (`claim_state`, `use_class` …); it is `fen` for a
    `RATIO` or `MEAN` of amounts, `change` for a `RATIO` of what was added to what was. `DURATION` is whole seconds. `is_wide` is a hint for paper and phones: long text.
    """

    code: str
    kind: CellKind = CellKind.MEASURE
    of: str = ""
    is_wide: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under columns; `total` adds up what can be added. `is_detail`: a long list, for the spreadsheet and the page,
    not for the mail and, past its first rows, not for paper. `code` is of label kind `report_table`.
    """

    code: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    total: Sequence[Value] | None = None
    is_detail: bool = False


@dataclass(frozen=True)
class Tile:
    """A headline figure: now, in the period compared with, and the market's published line where there is one.

    `measure` is the mere code of one that is no longer counted: what was kept is shown for ever.
    """

    measure: MeasureCode | str
    value: Value
    before: Value = None
    market: Value = None


class ChartKind(StrEnum):
    BARS = "bars"
    LINE = "line"


@dataclass(frozen=True)
class Chart:
    """A picture of columns of a table; the numbers stand beside it. `by` is the column its bars or points are named by."""

    code: str
    kind: ChartKind
    table: str
    by: str
    columns: Sequence[str]


@dataclass(frozen=True)
class Report:
    """One account's report of a period, both days included. `notes` are codes of label kind `report_note`."""

    kind: ReportKind
    account_id: int
    account: Name
    zone: str
    period_from: date
    period_to: date
    made_at: datetime
    tiles: Sequence[Tile] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    notes: Sequence[str] = ()
    compared_from: date | None = None
    compared_to: date | None = None
    version: int = field(default=1)

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def table(self, code: str) -> Table:
        """The table of a code; KeyError when the report has none."""
        for one in self.tables:
            if one.code == code:
                return one
        raise KeyError(code)


def to_json(report: Report) -> dict[str, Any]:
    """The report as JSON keeps it; `from_json` gives it back equal."""
    return {
        "version": report.version,
        "kind": report.kind.value,
        "account_id": report.account_id,
        "account": _pack(report.account),
        "zone": report.zone,
        "period_from": report.period_from.isoformat(),
        "period_to": report.period_to.isoformat(),
        "compared_from": report.compared_from.isoformat() if report.compared_from else None,
        "compared_to": report.compared_to.isoformat() if report.compared_to else None,
        "made_at": report.made_at.isoformat(),
        "tiles": [
            [str(tile.measure), _pack(tile.value), _pack(tile.before), _pack(tile.market)]
            for tile in report.tiles
        ],
        "tables": [_table_to_json(table) for table in report.tables],
        "charts": [
            [chart.code, chart.kind.value, chart.table, chart.by, list(chart.columns)]
            for chart in report.charts
        ],
        "notes": list(report.notes),
    }


def from_json(data: dict[str, Any]) -> Report:
    """The report as it was kept."""
    return Report(
        kind=ReportKind(data["kind"]),
        account_id=data["account_id"],
        account=_unpack(data["account"]),
        zone=data["zone"],
        period_from=date.fromisoformat(data["period_from"]),
        period_to=date.fromisoformat(data["period_to"]),
        compared_from=_day(data["compared_from"]),
        compared_to=_day(data["compared_to"]),
        made_at=datetime.fromisoformat(data["made_at"]),
        tiles=tuple(
            Tile(_measure(code), _unpack(value), _unpack(before), _unpack(market))
            for code, value, before, market in data["tiles"]
        ),
        tables=tuple(_table_from_json(one) for one in data["tables"]),
        charts=tuple(
            Chart(code, ChartKind(kind), table, by, tuple(columns))
            for code, kind, table, by, columns in data["charts"]
        ),
        notes=tuple(data["notes"]),
        version=data["version"],
    )


def _measure(code: str) -> MeasureCode | str:
    return MeasureCode(code) if code in _MEASURES else code


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _table_to_json(table: Table) -> dict[str, Any]:
    return {
        "code": table.code,
        "columns": [[one.code, one.kind.value, one.of, one.is_wide] for one in table.columns],
        "rows": [[_pack(value) for value in row] for row in table.rows],
        "total": None if table.total is None else [_pack(value) for value in table.total],
        "is_detail": table.is_detail,
    }


def _table_from_json(data: dict[str, Any]) -> Table:
    return Table(
        code=data["code"],
        columns=tuple(
            Column(code, CellKind(kind), of, is_wide) for code, kind, of, is_wide in data["columns"]
        ),
        rows=tuple(tuple(_unpack(value) for value in row) for row in data["rows"]),
        total=None if data["total"] is None else tuple(_unpack(value) for value in data["total"]),
        is_detail=data["is_detail"],
    )


def _pack(value: Value) -> Any:
    """Text, whole numbers and nothing stand for themselves; the rest say what they are."""
    match value:
        case None | str() | int():
            return value
        case Ratio():
            return {"ratio": [value.part, value.whole]}
        case Mean():
            return {"mean": [value.total, value.count]}
        case Decimal():
            return {"decimal": str(value)}
        case Name():
            return {"name": [value.zh, value.en]}
        case datetime():
            return {"at": value.isoformat()}
        case date():
            return {"on": value.isoformat()}


_UNPACK: dict[str, Any] = {
    "ratio": lambda parts: Ratio(*parts),
    "mean": lambda parts: Mean(*parts),
    "decimal": Decimal,
    "name": lambda parts: Name(*parts),
    "at": datetime.fromisoformat,
    "on": date.fromisoformat,
}


def _unpack(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, packed),) = value.items()
    return _UNPACK[kind](packed)
