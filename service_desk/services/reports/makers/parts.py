"""What the makers of reports share: a report's head, names of branches and cover sets, tables of measures."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.rules.metrics import MEASURES, MeasureCode, Unit
from service_desk.rules.periods import Period
from service_desk.rules.report_document import CellKind, Column, Name, Table, Tile, Value
from service_desk.services import commitments, market, measures
from service_desk.services.measures import By, Key, Reading, Span
from service_desk.services.policies import rates
from service_desk.services.reports.weekly import place_in_tree
from service_desk.services.sla import causes

BRANCH = Column("branch", CellKind.NAME)
ALL_BRANCHES = Name("全部分公司", "All branches")
USE_CLASS = Column("use_class", CellKind.LABEL, "use_class")
LINE = Column("line", CellKind.LABEL, "policy_line")
COVER_SET = Column("cover_set", CellKind.NAME)
PLATE = Column("plate", CellKind.TEXT)
CLAIM_NO = Column("claim_no", CellKind.TEXT)
STEP = Column("step", CellKind.LABEL, "clock_step")

# A list longer than this is cut: a run is kept for ever, and nobody reads so far. The note says so.
MOST_LISTED = 5_000
LIST_CUT = "list_cut"
# One more tells that there are more.
MOST_READ = MOST_LISTED + 1


def head(account: KeyAccount, period: Period, now: datetime) -> dict[str, Any]:
    """The fields every report begins with."""
    return {
        "account_id": account.id,
        "account": Name(account.name, account.name_en),
        "zone": account.zone,
        "period_from": period.first,
        "period_to": period.last,
        "made_at": now,
    }


def cut_lists(tables: Sequence[Table]) -> tuple[list[Table], list[str]]:
    """The tables, their lists no longer than anybody reads; and the note that says so where one was cut."""
    long = {table.code for table in tables if table.is_detail and len(table.rows) > MOST_LISTED}
    cut = [replace(table, rows=table.rows[:MOST_LISTED]) if table.code in long else table for table in tables]
    return cut, [LIST_CUT] if long else []


def span_of(account: KeyAccount, period: Period, now: datetime) -> Span:
    """The account's period for the measures."""
    return Span(account.id, period, ZoneInfo(account.zone), now)


def at_end(earlier: Span) -> Span:
    """A period that is compared with, as it stood when it was over."""
    return Span(earlier.account_id, earlier.period, earlier.zone, min(earlier.now, earlier.instants[1]))


def branches_of(account_id: int) -> dict[Key, Branch]:
    """An account's branches by id, each after the one it belongs to."""
    rows = db.session.scalars(select(Branch).where(Branch.account_id == account_id))
    return {branch.id: branch for branch in sorted(rows, key=place_in_tree)}


def cause_names() -> dict[str, Name]:
    """What every cause of a breach is called."""
    return {code: Name(cause.name, cause.name_en) for code, cause in causes.all_causes().items()}


def name_of(branch: Branch | None) -> Name | None:
    """A branch's name in both languages."""
    return Name(branch.name, branch.name_en) if branch else None


# What lists taken over call a cover that no price table sells.
_AS_STATED = {"as_stated": {"zh": "按清单所列", "en": "As the list states"}}


class CoverNames:
    """The names of cover sets, read once a report."""

    def __init__(self) -> None:
        self._known = _AS_STATED | rates.cover_set_names()

    def of(self, code: str) -> Name:
        """The name price tables give a cover set; its code where none does."""
        names = self._known.get(code)
        return Name(names["zh"], names["en"]) if names else Name(code)


def tiles(
    codes: Iterable[MeasureCode],
    now: Mapping[MeasureCode, Value],
    before: Mapping[MeasureCode, Value] | None = None,
) -> list[Tile]:
    """Headline figures, with those of the period before and the market's line where there are any."""
    earlier, lines = before or {}, market.headlines(market.shown_lines())
    published = {code: market.value_of(line) for code, line in lines.items()}
    return [Tile(code, now[code], earlier.get(code), published.get(code)) for code in codes]


def by_branch(
    span: Span,
    codes: Sequence[MeasureCode],
    *,
    code: str = "by_branch",
    is_shown: Callable[[Mapping[MeasureCode, Value]], bool] = bool,
) -> Table:
    """Measures by branch, in the order of the tree; of those that something is known of the ones to be shown.

    Where some are left out the last row says that it is of all, for it is not the sum of those above it.
    """
    found = measures.read(span, codes, By.BRANCH)
    rows = [
        (name_of(branch), *values_of(found.groups[branch.id], codes))
        for branch in branches_of(span.account_id).values()
        if branch.id in found.groups and is_shown(found.groups[branch.id])
    ]
    whole = None if is_shown is bool else ALL_BRANCHES
    return Table(code, (BRANCH, *map(Column, codes)), rows, (whole, *values_of(found.total, codes)))


def promises(account: KeyAccount, period: Period, now: datetime) -> tuple[Table, ...]:
    """The published promises and in how many of the judged months each was kept; no table before the first version."""
    rows = [
        (Name(promise.title, promise.title_en), kept)
        for promise, kept in commitments.kept_months(account, period, now=now)
    ]
    columns = (Column("commitment", CellKind.NAME), Column("months_kept", CellKind.RATIO))
    return (Table("commitments", columns, rows),) if rows else ()


def values_of(values: Mapping[MeasureCode, Value], codes: Iterable[MeasureCode]) -> list[Value]:
    """The values of some measures in order. A group of which nothing is known has a count and a sum of nought."""
    return [values.get(code, _NOUGHT.get(MEASURES[code].unit)) for code in codes]


_NOUGHT = {Unit.COUNT: 0, Unit.FEN: 0}


def read_each(spans: Sequence[Span], codes: Collection[MeasureCode]) -> list[Reading]:
    """The measures of several periods."""
    return [measures.read(span, codes) for span in spans]
