"""Kept, broken, cancelled, and the time used: counted and ranked by the database, group by group."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Integer, Select, and_, case, cast, func, literal, or_, select

from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Ratio
from service_desk.services.sla.compliance import grouping
from service_desk.services.sla.compliance.wanted import (
    AnyScope,
    ComplianceFilter,
    Dimension,
    Scope,
    Verdicts,
    cancelled_within,
    counted,
    counted_at,
    is_broken,
    is_cancelled,
    is_late,
    is_met,
    is_open,
    judged_within,
    narrowing,
    open_scope,
    require_ranking,
)


@dataclass(frozen=True)
class Figures:
    """Counts of one group. `still_open` are those of the broken whose step is not done."""

    met: int = 0
    breached: int = 0
    cancelled: int = 0
    still_open: int = 0

    @property
    def kept(self) -> Ratio:
        """Compliance: kept among kept and broken."""
        return Ratio(self.met, self.met + self.breached)

    @property
    def judged(self) -> int:
        return self.met + self.breached

    @property
    def finished(self) -> int:
        return self.judged - self.still_open

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.met + other.met,
            self.breached + other.breached,
            self.cancelled + other.cancelled,
            self.still_open + other.still_open,
        )


@dataclass(frozen=True)
class Times:
    """Seconds on the clock of the finished ones: the middle, what nine in ten do not exceed, the longest."""

    median: int
    p90: int
    longest: int


@dataclass(frozen=True)
class Group:
    """One line of a table. `wanted` is the filter that finds exactly its clocks; `key` says what it is of.

    The key is a step, a branch's id (None: of no branch), a person's id, a severity or `NOT_SAID`, a zone's
    code, or the days of a week or month. Not summed: reviews' clocks, which are a line but in no total.
    """

    key: Any
    wanted: ComplianceFilter
    figures: Figures
    times: Times | None = None
    is_summed: bool = True


def count_by(wanted: ComplianceFilter, by: Dimension, *, actor: User, now: datetime) -> list[Group]:
    """The counts by group, without times: what other pages show of compliance."""
    return count_groups(open_groups(wanted, by, actor=actor, now=now), by)


def open_groups(wanted: ComplianceFilter, by: Dimension, *, actor: User, now: datetime) -> Scope:
    """Check that the actor may see the account's compliance by this; the client does not see it by person."""
    scope = open_scope(wanted, actor=actor, now=now)
    if by is Dimension.PERSON:
        require_ranking(actor)
    return scope


def total_of(groups: Iterable[Group]) -> Figures:
    """The sum of the groups that are in sums."""
    return sum((group.figures for group in groups if group.is_summed), Figures())


def count_all(scope: Scope) -> Figures:
    """The counts of everything the filter finds."""
    return _figures(db.session.execute(select(*_counts(scope)).where(*_counted(scope))).one())


def measure_all(scope: Scope) -> Times | None:
    """The times of everything the filter finds; None when nothing is finished."""
    statement = select(literal(0).label("key"), Timer.used_seconds.label("used"))
    return _measured(statement.where(*counted(scope, Verdicts.FINISHED))).get(0)


def count_rows(scope: Scope, column: Literal["branch_id", "step", "holder_id"]) -> dict[Any, Figures]:
    """The counts of everything the filter finds, by a column of the clocks themselves."""
    return {row[0]: _figures(row[1:]) for row in _rows_by(scope, column).rows()}


@built_once
def _rows_by(scope: AnyScope, column: str) -> Select[Any]:
    return _counted_by(getattr(Timer, column), scope)


def count_parts(scope: Scope, parts: tuple[tuple[datetime, datetime], ...]) -> dict[int, Figures]:
    """The same by the number of the part a clock is counted in; the parts adjoin and are the scope's period."""
    return {row[0]: _figures(row[1:]) for row in _rows_in(scope, parts).rows()}


@built_once
def _rows_in(scope: AnyScope, parts: tuple[tuple[datetime, datetime], ...]) -> Select[Any]:
    return _counted_by(grouping.in_parts(counted_at(), parts), scope)


def _counted_by(key: Any, scope: AnyScope) -> Select[Any]:
    return select(key.label("key"), *_counts(scope)).where(*_counted(scope)).group_by("key")


def count_combined(scope: Scope, *keys: ColumnElement[Any]) -> Iterable[tuple[tuple[Any, ...], Figures]]:
    """The same by several columns at once, in one statement."""
    named = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    counted = select(*named, *_counts(scope)).where(*_counted(scope))
    rows = db.session.execute(counted.group_by(*(key.name for key in named)))
    return ((tuple(row[: len(keys)]), _figures(row[len(keys) :])) for row in rows)


def count_groups(scope: Scope, by: Dimension, *, with_times: bool = False) -> list[Group]:
    """The counts by group in the groups' own order. A week or month without a clock is a line too."""
    with_reviews = by is Dimension.STEP and scope.has_reviews
    rows = db.session.execute(
        grouping.keyed(scope, by, *_counts(scope)).where(*_counted(scope, with_reviews)).group_by("key")
    )
    found = {row[0]: _figures(row[1:]) for row in rows}
    times = _measure_groups(scope, by, with_reviews) if with_times else {}
    in_sums = [ClockStep.BREACH_REVIEW] if scope.wanted.step is None else []
    return [
        Group(key, narrowed, found.get(code, Figures()), times.get(code), is_summed=key not in in_sums)
        for code, key, narrowed in grouping.lines(scope, by, found)
        if code in found or by in grouping.CUTS
    ]


def _counts(scope: AnyScope) -> list[ColumnElement[int]]:
    """Kept, broken, cancelled, broken and still open."""
    kinds = (is_met(), is_broken(scope.now), is_cancelled(), is_late(scope.now))
    return [func.coalesce(cast(func.sum(case((kind, 1), else_=0)), Integer), 0) for kind in kinds]


def _figures(counts: Iterable[int]) -> Figures:
    return Figures(*counts)


def _counted(scope: AnyScope, with_reviews: bool = False) -> list[ColumnElement[bool]]:
    instants = scope.instants
    of_period = or_(judged_within(instants, scope.now), cancelled_within(instants))
    return [*narrowing(scope.wanted, with_reviews=with_reviews), of_period]


def _measure_groups(scope: Scope, by: Dimension, with_reviews: bool) -> dict[Any, Times]:
    finished = and_(judged_within(scope.instants, scope.now), ~is_open())
    statement = grouping.keyed(scope, by, Timer.used_seconds.label("used"))
    return _measured(statement.where(*narrowing(scope.wanted, with_reviews=with_reviews), finished))


def _measured(values: Select[Any]) -> dict[Any, Times]:
    """Median, P90 and longest of `used` by `key`, as `rules.metrics` defines them: ranks found by the database.

    Halfway between two middle values, part seconds are dropped.
    """
    used = values.subquery()
    ranked = select(
        used.c.key,
        used.c.used,
        func.row_number().over(partition_by=used.c.key, order_by=used.c.used).label("rank"),
        func.count().over(partition_by=used.c.key).label("number"),
    ).subquery()
    number = ranked.c.number

    def at(rank: ColumnElement[int]) -> ColumnElement[int]:
        return func.max(case((ranked.c.rank == rank, ranked.c.used)))

    middle = (at((number + 1) // 2) + at((number + 2) // 2)) // 2
    rows = db.session.execute(
        select(ranked.c.key, middle, at((number * 9 + 9) // 10), func.max(ranked.c.used)).group_by(
            ranked.c.key
        )
    )
    return {row[0]: Times(*row[1:]) for row in rows}
