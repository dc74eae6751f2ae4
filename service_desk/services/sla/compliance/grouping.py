"""What clocks are grouped by: the key in SQL, and for each key the filter that finds exactly its clocks."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Subquery,
    case,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.orm import aliased

from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.periods import Cut, Period, cut
from service_desk.rules.vocabulary import Severity
from service_desk.services.sla.compliance.wanted import (
    NOT_SAID,
    ComplianceFilter,
    Dimension,
    Scope,
    counted_at,
    zone_key,
)

CUTS = {Dimension.WEEK: Cut.WEEK, Dimension.MONTH: Cut.MONTH}

# What the database answers as a group's key, what stands for it, the filter for its clocks.
Line = tuple[Any, Any, ComplianceFilter]


def keyed(scope: Scope, by: Dimension, *columns: Any) -> Select[Any]:
    """Select the columns of timers behind their group's key, `key`."""
    if by is Dimension.BRANCH:
        parts = parts_of(scope.wanted)
        key = func.coalesce(parts.c.part_id, Timer.branch_id)
        statement = select(key.label("key"), *columns).select_from(Timer)
        return statement.outerjoin(parts, parts.c.branch_id == Timer.branch_id)
    return select(_key(scope, by).label("key"), *columns)


def in_parts(
    column: ColumnElement[datetime], parts: Sequence[tuple[datetime, datetime]]
) -> ColumnElement[int]:
    """The number, from 0, of the span an instant lies in. The spans follow each other without a gap.

    Halving finds it in few comparisons; asking one span after the other would make a year of weeks slow.
    """
    if len(parts) == 1:
        return literal(0)
    return _halved(column, [start for start, _end in parts], 0)


def lines(scope: Scope, by: Dimension, codes: Collection[Any]) -> Iterator[Line]:
    """The groups in their own order: those the database found; of weeks and months all."""
    wanted = scope.wanted
    if by is Dimension.STEP:
        for step in ClockStep:
            yield step, step, replace(wanted, step=step)
    elif by is Dimension.BRANCH:
        yield from _branch_lines(wanted, codes)
    elif by is Dimension.PERSON:
        for user_id in db.session.scalars(
            select(User.id).where(User.id.in_(codes)).order_by(User.staff_no, User.id)
        ):
            yield user_id, user_id, replace(wanted, holder_id=user_id)
    elif by is Dimension.SEVERITY:
        for severity in (*Severity, NOT_SAID):
            yield severity, severity, replace(wanted, severity=severity)
    elif by is Dimension.ZONE:
        for zone_code in ("urban", "elsewhere", NOT_SAID):
            yield zone_code, zone_code, replace(wanted, zone_code=zone_code)
    else:
        for number, part in enumerate(cut(wanted.period, CUTS[by], scope.today)):
            yield number, part, replace(wanted, period=part)


def spans(parts: Sequence[Period], scope: Scope) -> list[tuple[datetime, datetime]]:
    """Parts of a period as instants."""
    return [part.instants(scope.zone) for part in parts]


def _key(scope: Scope, by: Dimension) -> ColumnElement[Any]:
    if by is Dimension.STEP:
        return Timer.step.expression
    if by is Dimension.PERSON:
        return Timer.holder_id.expression
    if by is Dimension.SEVERITY:
        return func.coalesce(type_coerce(Timer.severity, String), NOT_SAID)
    if by is Dimension.ZONE:
        return zone_key()
    return in_parts(counted_at(), spans(cut(scope.wanted.period, CUTS[by], scope.today), scope))


def _halved(column: ColumnElement[datetime], starts: Sequence[datetime], first: int) -> ColumnElement[int]:
    if len(starts) == 1:
        return literal(first)
    middle = len(starts) // 2
    lower = _halved(column, starts[:middle], first)
    return case((column < starts[middle], lower), else_=_halved(column, starts[middle:], first + middle))


def parts_of(wanted: ComplianceFilter) -> Subquery:
    """Each branch with the one of the next level it lies below: the groups are a branch's own sub-branches.

    DISTINCT keeps SQLite from asking for the paths again at every timer: it works the rows out once.
    """
    below, part = aliased(Branch), aliased(Branch)
    parent = part.parent_id.is_(None) if wanted.branch_id is None else part.parent_id == wanted.branch_id
    return (
        select(below.id.label("branch_id"), part.id.label("part_id"))
        .join(part, below.path.like(part.path.concat("%")))
        .where(below.account_id == wanted.account_id, part.account_id == wanted.account_id, parent)
        .distinct()
        .subquery()
    )


def _branch_lines(wanted: ComplianceFilter, codes: Collection[Any]) -> Iterator[Line]:
    """The branch that was chosen, itself alone; then those below it, each with all below; matters of none last."""
    known = [code for code in codes if code is not None]
    order = (Branch.district, Branch.name, Branch.id)
    found = list(db.session.scalars(select(Branch.id).where(Branch.id.in_(known)).order_by(*order)))
    for branch_id in sorted(found, key=lambda one: one != wanted.branch_id):
        is_alone = branch_id == wanted.branch_id
        yield branch_id, branch_id, replace(wanted, branch_id=branch_id, is_alone=is_alone)
    if None in codes:
        yield None, None, replace(wanted, branch_id=None, is_alone=True)
