"""Compares what the desk says with the slow counts, and says where they differ: report, table, row, column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from service_desk.rules.metrics import Mean, MeasureCode, Ratio
from service_desk.rules.periods import Period
from service_desk.rules.report_document import CellKind, Report, Table
from service_desk.services import measures
from service_desk.services.measures import By
from tests.reconciliation.slow_measures import Counted, Reader, SlowCounts

OF_BRANCHES_ALONE = frozenset(
    {
        MeasureCode.PROMISES_KEPT,
        MeasureCode.SURVEYED_IN_TIME,
        MeasureCode.BREACHES,
        MeasureCode.BREACHES_UNREVIEWED,
        MeasureCode.CLOCKS_AT_RISK,
        MeasureCode.CLOCKS_LATE,
        MeasureCode.ENQUIRIES_LOGGED,
        MeasureCode.COMPLAINTS,
        MeasureCode.FIRST_REPLY_IN_TIME,
        MeasureCode.COMPLAINTS_ANSWERED_IN_TIME,
        MeasureCode.MESSAGES_ANSWERED_IN_TIME,
        MeasureCode.FIRST_CONTACT_CLOSURE,
        MeasureCode.REPEAT_CONTACT_RATE,
        MeasureCode.PREMIUM_RECEIVED,
        MeasureCode.PREMIUM_OUTSTANDING,
        MeasureCode.PREMIUM_OVERDUE,
    }
)


@dataclass
class Differences:
    """What was compared, and what was not the same."""

    compared: int = 0
    found: list[str] = field(default_factory=list)

    def check(self, where: str, shown: Any, counted: Any) -> None:
        self.compared += 1
        if not _same(shown, counted):
            self.found.append(f"{where}: the desk says {shown!r}, counted by hand {counted!r}")

    def require_none(self) -> None:
        more = f"\n… and {len(self.found) - 40} more" if len(self.found) > 40 else ""
        assert not self.found, "\n".join(self.found[:40]) + more


def _same(shown: Any, counted: Any) -> bool:
    """Nothing at all is the same as nothing of nothing."""
    return bool(shown == counted or (says_nothing(shown) and says_nothing(counted) and _kind(shown, counted)))


def _kind(shown: Any, counted: Any) -> bool:
    return shown is None or counted is None or type(shown) is type(counted)


def says_nothing(value: Any) -> bool:
    if isinstance(value, Ratio):
        return not value.whole and not value.part
    return not value.count if isinstance(value, Mean) else not value


def check_measures(counts: SlowCounts, first: date, last: date, to: Differences) -> None:
    """Every measure of a period: of the whole, by branch, and by use class."""
    counted = counts.over(first, last)
    span = measures.Span(counts.account_id, Period(first, last), counts.zone, counts.now)
    by_branch = measures.read(span, list(MeasureCode), By.BRANCH)
    by_class = measures.read(span, [one for one in MeasureCode if one not in OF_BRANCHES_ALONE], By.USE_CLASS)
    groups: list[tuple[str, Mapping[MeasureCode, Any], Reader]] = [("all", by_branch.total, counted.whole())]
    groups += [
        (one.name, by_branch.groups.get(one.id, {}), counted.branch(one.id))
        for one in counts.branches.values()
    ]
    groups += [
        (code or "no class", by_class.groups.get(code, {}), counted.use_class(code))
        for code in ("coach", "city_bus", "taxi_rental", "goods", "non_operating", "")
    ]
    for name, shown, reader in groups:
        is_class = name not in {"all", *(one.name for one in counts.branches.values())}
        for code in MeasureCode:
            if not (is_class and code in OF_BRANCHES_ALONE):
                to.check(f"measure {code} of {name}, {first} to {last}", shown.get(code), reader[code])


@dataclass
class Checker:
    """Checks a report's figures that are measures; `special` are the other columns of tables, by table and column."""

    counts: SlowCounts
    report: Report
    to: Differences
    seen: set[str] = field(default_factory=set)

    @property
    def counted(self) -> Counted:
        return self.counts.over(self.report.period_from, self.report.period_to)

    def where(self, table: Table, row: Any, column: str) -> str:
        return f"{self.report.kind} {self.report.period_from}…{self.report.period_to}, {table.code}, {row}, {column}"

    def check_tiles(self) -> None:
        before = None
        if self.report.compared_from and self.report.compared_to:
            before = self.counts.over(self.report.compared_from, self.report.compared_to).whole()
        for tile in self.report.tiles:
            where = f"{self.report.kind} {self.report.period_from}, tile {tile.measure}"
            self.to.check(where, tile.value, self.counted.whole()[tile.measure])
            if before is not None:
                self.to.check(f"{where} before", tile.before, before[tile.measure])

    def check_measured(self, code: str, readers: Mapping[Any, Reader], *, keep: Any = None) -> None:
        """The measures of a table by its rows' keys; a row that is left out must have nothing to say.

        `keep` says of a group whether it is to be shown, where that is not whether it says anything.
        """
        table = self.report.table(code)
        places = _measured(table)
        shown = {_key(row[0]): row for row in table.rows}
        for key, reader in readers.items():
            row = shown.pop(key, None)
            for place, measure in places:
                if row is not None:
                    self.to.check(self.where(table, key, measure), row[place], reader[measure])
                elif keep is None:
                    self.to.check(self.where(table, key, measure), None, reader[measure])
            if keep is not None:
                self.to.check(self.where(table, key, "is shown"), row is not None, bool(keep(reader)))
        self.to.check(self.where(table, "rows", "of nobody"), list(shown), [])
        if table.total is not None:
            for place, measure in places:
                self.to.check(
                    self.where(table, "total", measure), table.total[place], self.counted.whole()[measure]
                )

    def branch_readers(self) -> dict[Any, Reader]:
        return {one.name: self.counted.branch(one.id) for one in self.counts.branches.values()}

    def class_readers(self) -> dict[Any, Reader]:
        codes = ("coach", "city_bus", "taxi_rental", "goods", "non_operating", "")
        return {code or None: self.counted.use_class(code) for code in codes}

    def check_rows(
        self, code: str, expected: Iterable[tuple[Any, ...]], total: Any = None, *, ordered: bool = True
    ) -> None:
        """A table cell by cell. Cells of `...` are words, which no figure is made of."""
        table = self.report.table(code)
        rows, wanted = [tuple(row) for row in table.rows], list(expected)
        if not ordered:
            rows.sort(key=_sorting)
            wanted.sort(key=_sorting)
        self.to.check(self.where(table, "rows", "number"), len(rows), len(wanted))
        for row, own in zip(rows, wanted, strict=False):
            for column, shown, counted in zip(table.columns, row, own, strict=True):
                if counted is not ...:
                    self.to.check(self.where(table, _key(row[0]), column.code), _key(shown), counted)
        if total is not None and table.total is not None:
            for column, shown, counted in zip(table.columns, table.total, total, strict=True):
                if counted is not ...:
                    self.to.check(self.where(table, "total", column.code), shown, counted)
        elif total is not None:
            self.to.check(self.where(table, "total", "is there"), table.total, total)


def _measured(table: Table) -> list[tuple[int, MeasureCode]]:
    known = {one.value for one in MeasureCode}
    return [
        (place, MeasureCode(one.code))
        for place, one in enumerate(table.columns)
        if one.code in known and one.kind is CellKind.MEASURE
    ]


def _key(value: Any) -> Any:
    """A name by its Chinese, an enum by its code."""
    if hasattr(value, "zh"):
        return value.zh
    return getattr(value, "value", value) if not isinstance(value, (Ratio, Mean)) else value


def _sorting(row: tuple[Any, ...]) -> str:
    return "|".join(str(_key(one)) for one in row[:2])


def month(year: int, number: int) -> tuple[date, date]:
    """The first and the last day."""
    first = date(year, number, 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def months_back(day: date, number: int) -> tuple[date, date]:
    place = day.year * 12 + day.month - 1 - number
    return month(place // 12, place % 12 + 1)
