"""The clocks behind a figure, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.sla import Spent
from service_desk.services.sla.compliance.hours import spent_on, used_in
from service_desk.services.sla.compliance.wanted import (
    ComplianceFilter,
    RowsWanted,
    Scope,
    Verdicts,
    age_key,
    counted,
    counted_at,
    open_scope,
    require_ranking,
    seen,
)

# What a list may be sorted by; a minus before it turns it round.
SORTS: Mapping[str, Any] = {
    "counted": counted_at(),
    "due": Timer.due_at,
    "started": Timer.started_at,
    "used": Timer.used_seconds,
    "over": Timer.over_seconds,
    "number": Timer.matter_number,
}
USUAL_SORT = {
    Verdicts.AT_RISK: "due",
    Verdicts.LATE: "due",
    Verdicts.UNREVIEWED: "counted",
    Verdicts.FINISHED: "-used",
}


@dataclass(frozen=True)
class ClockRow:
    """One line. `spent` is what the list asks for (a person's time, a pause's); None where it asks for none."""

    timer: Timer
    holder: User
    branch: Branch | None
    is_reviewed: bool
    spent: Spent | None = None


@dataclass(frozen=True)
class ClockList:
    """A page of lines, and by what they are sorted."""

    page: Page[ClockRow]
    sort: str


def list_clocks(
    wanted: ComplianceFilter,
    rows: RowsWanted,
    page: PageRequest,
    *,
    sort: str = "",
    actor: User,
    now: datetime,
) -> ClockList:
    """The clocks behind a figure, under the very conditions that counted it."""
    scope = open_rows(wanted, rows, actor=actor, now=now)
    conditions = rows_of(scope, rows)
    chosen = sort_of(rows, sort)
    total = db.session.scalar(select(func.count()).select_from(Timer).where(*conditions)) or 0
    order = _order(chosen)
    # The ids first: to put many whole rows in order takes the database several times as long.
    on_page = select(Timer.id).where(*conditions).order_by(*order).limit(page.size).offset(page.offset)
    ids = db.session.scalars(on_page).all()
    spent = spent_on(scope, rows, ids) if rows.asks_for_time else {}
    lines = [
        ClockRow(timer, holder, branch, is_reviewed, spent.get(timer.id))
        for timer, holder, branch, is_reviewed in db.session.execute(_lines_of(ids).order_by(*order))
    ]
    return ClockList(Page(lines, total, page.number, page.size), chosen)


def open_rows(wanted: ComplianceFilter, rows: RowsWanted, *, actor: User, now: datetime) -> Scope:
    """Check that the actor may see this list; the client does not see one person's time."""
    scope = open_scope(wanted, actor=actor, now=now)
    if rows.used_by_id is not None:
        require_ranking(actor)
    return scope


def rows_of(scope: Scope, rows: RowsWanted) -> list[ColumnElement[bool]]:
    """The conditions of a list."""
    conditions = [*counted(scope, rows.verdicts), seen(scope)]
    if rows.asks_for_time:
        conditions.append(used_in(scope, rows))
    if rows.verdicts is Verdicts.UNREVIEWED and rows.age is not None:
        conditions.append(age_key(scope.now) == rows.age.value)
    return conditions


def sort_of(rows: RowsWanted, sort: str) -> str:
    """The order asked for, else the one that puts first what the list is about."""
    return sort if sort.removeprefix("-") in SORTS else USUAL_SORT.get(rows.verdicts, "-counted")


def _order(sort: str) -> list[ColumnElement[Any]]:
    """The id makes it total."""
    columns = (SORTS[sort.removeprefix("-")], Timer.id)
    return [column.desc() if sort.startswith("-") else column.asc() for column in columns]


def _lines_of(ids: Sequence[int]) -> Select[Any]:
    is_reviewed = select(BreachReview.id).where(BreachReview.timer_id == Timer.id).exists()
    return (
        select(Timer, User, Branch, is_reviewed)
        .join(User, User.id == Timer.holder_id)
        .outerjoin(Branch, Branch.id == Timer.branch_id)
        .where(Timer.id.in_(ids))
    )
