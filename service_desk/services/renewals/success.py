"""What became of the policies that end in a month: vehicles due, renewed, still to renew and lost (续保率).

Due are vehicles with a policy of ours that runs to its agreed end in the month; each counts once, by branch in that of
its policy. Renewed is a vehicle each of whose lines another policy of ours follows (`rules.renewal`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, not_, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import CHINA
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import days_later, db
from service_desk.models.fleet import Vehicle
from service_desk.models.kept import built_once, constants
from service_desk.models.policies import Endorsement, Policy, PolicyState
from service_desk.models.renewals import RenewalOutcome
from service_desk.models.users import User
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.renewal import RENEWS_WITHIN_DAYS, Outcome, RenewalFigures, RenewalStatus
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access
from service_desk.services.policies.endorsing import CLOSING_KINDS

_next = aliased(Policy)
Instants = tuple[datetime, datetime]


class SuccessDimension(StrEnum):
    BRANCH = "branch"
    USE_CLASS = "use_class"


@dataclass(frozen=True)
class SuccessFilter:
    """Which policies are wanted: those whose last covered day lies in `period`; None means any.

    A branch counts with those below it, unless `is_branch_alone`.
    """

    account_id: int
    period: Period
    branch_id: int | None = None
    use_class: UseClass | None = None
    line: PolicyLine | None = None
    is_class_unknown: bool = False
    is_branch_alone: bool = False


@dataclass(frozen=True)
class SuccessGroup:
    """The figures of a branch or class. `use_class` None with no branch: class unknown."""

    figures: RenewalFigures
    branch: Branch | None = None
    use_class: UseClass | None = None


@dataclass(frozen=True)
class EndedPolicy:
    """A policy that ends, what followed it, and what is recorded of it. `is_early`: renewed before its end."""

    policy: Policy
    vehicle: Vehicle
    branch: Branch
    status: RenewalStatus
    next_number: str
    is_early: bool
    outcome: Outcome | None

    @property
    def last_day(self) -> date:
        return last_covered_day(self.policy.ends_at)


def count_by(
    wanted: SuccessFilter, dimension: SuccessDimension, *, actor: User, now: datetime
) -> list[SuccessGroup]:
    """The figures by branch (by name) or by class (in their usual order, unknown last)."""
    access.require(actor, Action.READ_RENEWALS)
    is_branch = dimension is SuccessDimension.BRANCH
    key = Policy.branch_id.label("key") if is_branch else Vehicle.use_class.label("key")
    ended = _by_vehicle(wanted, actor, now, key)
    figures = _figures(ended.c.key, ended)
    if not is_branch:
        return [SuccessGroup(figures[one], use_class=one) for one in (*UseClass, None) if one in figures]
    branches = db.session.scalars(
        select(Branch).where(Branch.id.in_(figures)).order_by(Branch.name, Branch.id)
    )
    return [SuccessGroup(figures[branch.id], branch=branch) for branch in branches]


def count_by_month(
    wanted: SuccessFilter, months: Sequence[Period], *, actor: User, now: datetime
) -> list[RenewalFigures]:
    """The figures of each month, in one statement. The months adjoin; the filter's own period is not asked."""
    access.require(actor, Action.READ_RENEWALS)
    span = replace(wanted, period=Period(months[0].first, months[-1].last))
    ended = _by_vehicle(span, actor, now, _month_of(months))
    figures = _figures(ended.c.month, ended)
    return [figures.get(index, RenewalFigures()) for index in range(len(months))]


def account_figures(
    account_id: int, period: Period, *, as_of: datetime, by: SuccessDimension | None = None
) -> dict[Any, RenewalFigures]:
    """The figures of a whole account for no actor, as they stood at an instant; by branch id, class, or None for all.

    Policies issued later are not known yet, so that a month that is over does not change.
    """
    found = _read_figures(_account_figures(account_id, period.instants(CHINA), as_of, by).rows())
    return dict(found) if by is not None else {None: found[0]}


@built_once
def _account_figures(
    account_id: int, instants: Instants, as_of: datetime, by: SuccessDimension | None
) -> Select[Any]:
    key: Any = literal(0)
    if by is not None:
        key = Policy.branch_id if by is SuccessDimension.BRANCH else Vehicle.use_class
    # A label keeps the constant out of the grouping of databases that take it for a column's place.
    ended = _grouped(_ended_between(account_id, instants), as_of, key.label("key"), is_past=True)
    return _counted(ended.c.key, ended)


def account_months(account_id: int, months: Sequence[Period], *, as_of: datetime) -> list[RenewalFigures]:
    """The same of months that adjoin, in one statement."""
    span = SuccessFilter(account_id, Period(months[0].first, months[-1].last))
    ended = _grouped(_ended_in(span), as_of, _month_of(months), is_past=True)
    found = _figures(ended.c.month, ended)
    return [found[index] for index in range(len(months))]


def _month_of(months: Sequence[Period]) -> Any:
    return case(
        *((Policy.ends_at <= one.instants(CHINA)[1], literal(index)) for index, one in enumerate(months)),
        else_=literal(len(months)),
    ).label("month")


def _figures(key: ColumnElement[Any], ended: Any) -> dict[Any, RenewalFigures]:
    return _read_figures(db.session.execute(_counted(key, ended)))


def _counted(key: ColumnElement[Any], ended: Any) -> Select[Any]:
    is_renewed = and_(ended.c.is_lapsed == 0, ended.c.is_due == 0)
    is_due = and_(ended.c.is_lapsed == 0, ended.c.is_due == 1)
    return select(
        key,
        func.count(),
        func.sum(case((is_renewed, 1), else_=0)),
        func.sum(case((is_due, 1), else_=0)),
    ).group_by(key)


def _read_figures(rows: Iterable[Any]) -> dict[Any, RenewalFigures]:
    found: dict[Any, RenewalFigures] = defaultdict(RenewalFigures)
    for value, due, renewed, to_renew in rows:
        found[value] = RenewalFigures(due, int(renewed), int(to_renew))
    return found


def _by_vehicle(wanted: SuccessFilter, actor: User, now: datetime, *more: Any) -> Any:
    """One row a vehicle (and what more is asked for): whether a line of it lapsed, whether one is still due."""
    return _grouped(_ended(wanted, actor), now, *more)


def _grouped(statement: Select[Any], now: datetime, *more: Any, is_past: bool = False) -> Any:
    is_open = not_(_is_followed(now if is_past else None))
    asked = statement.with_only_columns(
        Vehicle.id.label("vehicle_id"),
        func.max(case((and_(is_open, Policy.ends_at <= now), 1), else_=0)).label("is_lapsed"),
        func.max(case((and_(is_open, Policy.ends_at > now), 1), else_=0)).label("is_due"),
        *more,
    )
    return asked.group_by(Vehicle.id, *(column.name for column in more)).subquery()


def _ended(wanted: SuccessFilter, actor: User, *columns: Any) -> Select[Any]:
    return access.visible(actor, Action.READ_RENEWALS, _ended_in(wanted, *columns), Policy)


def _ended_in(wanted: SuccessFilter, *columns: Any) -> Select[Any]:
    statement = _ended_between(wanted.account_id, wanted.period.instants(CHINA), *columns)
    if wanted.branch_id is not None:
        in_branch = (
            Policy.branch_id == wanted.branch_id
            if wanted.is_branch_alone
            else Policy.branch_id.in_(access.branch_tree(wanted.branch_id))
        )
        statement = statement.where(in_branch)
    if wanted.is_class_unknown:
        statement = statement.where(Vehicle.use_class.is_(None))
    if wanted.use_class is not None:
        statement = statement.where(Vehicle.use_class == wanted.use_class)
    if wanted.line is not None:
        statement = statement.where(Policy.line == wanted.line)
    return statement


def _ended_between(account_id: int, instants: Instants, *columns: Any) -> Select[Any]:
    first, until = instants
    return (
        select(*(columns or (Policy.id,)))
        .join_from(Policy, Vehicle, Vehicle.id == Policy.vehicle_id)
        .where(
            Policy.account_id == account_id,
            # The last covered day lies in the period: an end at its first midnight is the day before.
            Policy.ends_at > first,
            Policy.ends_at <= until,
            Policy.ends_at > Policy.starts_at,
            Policy.state == PolicyState.ISSUED,
        )
    )


def _follows(known_at: datetime | None = None, until: Any = Policy.ends_at) -> ColumnElement[bool]:
    """`rules.renewal.renewal_status` as a condition on another policy, `_next`; by what was known at an instant."""
    ends_at = _next.ends_at if known_at is None else _end_known(known_at)
    known = () if known_at is None else (_next.issued_at < known_at,)
    return and_(
        _next.vehicle_id == Policy.vehicle_id,
        _next.line == Policy.line,
        ends_at > until,
        ends_at > _next.starts_at,
        _next.starts_at <= days_later(until, RENEWS_WITHIN_DAYS),
        *known,
    )


def _end_known(known_at: datetime) -> ColumnElement[datetime]:
    """When the other policy was to end, as far as was known: one cancelled later was a renewal then."""
    cut_later = exists().where(
        Endorsement.policy_id == _next.id,
        Endorsement.kind.in_(constants(sorted(CLOSING_KINDS))),
        Endorsement.created_at >= known_at,
    )
    return case((cut_later, _next.agreed_ends_at), else_=_next.ends_at)


def _is_followed(known_at: datetime | None = None) -> ColumnElement[bool]:
    return exists().where(_follows(known_at))


def is_followed_as_agreed(known_at: datetime) -> ColumnElement[bool]:
    """Whether another policy went on from a policy's agreed end, by what was known at an instant."""
    return exists().where(_follows(known_at, Policy.agreed_ends_at))


def page_of_ended(
    wanted: SuccessFilter,
    page: PageRequest,
    *,
    actor: User,
    now: datetime,
    status: RenewalStatus | None = None,
) -> Page[EndedPolicy]:
    """The policies behind the figures, by plate; `status` is that of their vehicle, so the lines of one stay together."""
    access.require(actor, Action.READ_RENEWALS)
    statement = _ended(wanted, actor, *_COLUMNS).join(Branch, Branch.id == Policy.branch_id)
    if status is not None:
        ended = _by_vehicle(wanted, actor, now)
        statement = statement.where(Vehicle.id.in_(select(ended.c.vehicle_id).where(_stands(ended, status))))
    ordered = statement.order_by(Branch.name, Vehicle.plate, Vehicle.id, Policy.ends_at, Policy.id)
    return _paged(statement, ordered, page, now)


def _stands(ended: Any, status: RenewalStatus) -> ColumnElement[bool]:
    """`rules.renewal.status_of_vehicle` as a condition."""
    match status:
        case RenewalStatus.LAPSED:
            return and_(ended.c.is_lapsed == 1)
        case RenewalStatus.DUE:
            return and_(ended.c.is_lapsed == 0, ended.c.is_due == 1)
        case RenewalStatus.RENEWED:
            return and_(ended.c.is_lapsed == 0, ended.c.is_due == 0)


def page_of_renewed_early(
    wanted: SuccessFilter, page: PageRequest, *, actor: User, now: datetime
) -> Page[EndedPolicy]:
    """Policies that a policy issued before their end follows, the latest end first."""
    access.require(actor, Action.READ_RENEWALS)
    statement = (
        _ended(wanted, actor, *_COLUMNS)
        .join(Branch, Branch.id == Policy.branch_id)
        .where(exists().where(_follows(), _next.issued_at < Policy.ends_at))
    )
    return _paged(statement, statement.order_by(Policy.ends_at.desc(), Policy.id), page, now)


def count_renewed_early(wanted: SuccessFilter, *, actor: User) -> int:
    """How many there are."""
    access.require(actor, Action.READ_RENEWALS)
    statement = _ended(wanted, actor, func.count()).where(
        exists().where(_follows(), _next.issued_at < Policy.ends_at)
    )
    return db.session.scalar(statement) or 0


def _first_next(column: Any) -> Any:
    """Of the policies that follow, what the one that ends first says."""
    return select(column).where(_follows()).order_by(_next.ends_at, _next.id).limit(1).scalar_subquery()


_COLUMNS = (
    Policy,
    Vehicle,
    Branch,
    _first_next(_next.number),
    _first_next(_next.issued_at),
    select(RenewalOutcome.outcome)
    .where(
        RenewalOutcome.vehicle_id == Policy.vehicle_id,
        RenewalOutcome.line == Policy.line,
        RenewalOutcome.ends_at == Policy.ends_at,
    )
    .scalar_subquery(),
)


def _paged(
    statement: Select[Any], ordered: Select[Any], page: PageRequest, now: datetime
) -> Page[EndedPolicy]:
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    found = db.session.execute(ordered.limit(page.size).offset(page.offset))
    return Page([_ended_policy(row, now) for row in found], total, page.number, page.size)


def _ended_policy(row: Any, now: datetime) -> EndedPolicy:
    policy, vehicle, branch, next_number, next_issued_at, outcome = row
    if next_number:
        status = RenewalStatus.RENEWED
    else:
        status = RenewalStatus.DUE if now < policy.ends_at else RenewalStatus.LAPSED
    is_early = next_issued_at is not None and next_issued_at < policy.ends_at
    return EndedPolicy(policy, vehicle, branch, status, next_number or "", is_early, outcome)
