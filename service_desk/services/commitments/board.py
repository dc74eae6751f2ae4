"""Promises beside their figures: twelve months of each, as `measures` counts them, for the account or for a branch.

A branch's officer sees the figures of the own branch and what is below it, everybody else those of the account.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.commitments import Commitment, CommitmentList
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Mean, Ratio, Unit
from service_desk.rules.periods import Cut, Period, cut, months_after
from service_desk.rules.permissions import Action, Scope
from service_desk.rules.promises import Tie, Verdict, judge
from service_desk.services import access, measures
from service_desk.services.commitments.lists import (
    in_force,
    is_measured,
    open_account,
    promises_of,
    read_versions,
    target_of,
    tie_of_promise,
)
from service_desk.services.measures import By, Months, Span, Value

MONTHS = 12
_NOTHING: Mapping[Unit, Value] = {Unit.RATIO: Ratio(), Unit.MEAN: Mean(), Unit.COUNT: 0}


@dataclass(frozen=True)
class BoardRow:
    """A promise with its figure and verdict of each month, the oldest first; the last month is so far."""

    promise: Commitment
    values: Sequence[Value]
    verdicts: Sequence[Verdict]

    @property
    def is_measured(self) -> bool:
        return is_measured(self.promise)


@dataclass(frozen=True)
class Board:
    """All promises of a version. `branch`: whose figures they are, with all below it; None the whole account's.

    `levels` are the service levels in force of the steps that are promised: what their clocks count.
    """

    months: Sequence[Period]
    rows: Sequence[BoardRow]
    zone: ZoneInfo
    branch: Branch | None
    levels: Mapping[ClockStep, Sequence[ServiceLevel]]


def read_board(account_id: int, list_id: int, *, actor: User, now: datetime) -> Board:
    """The promises of a version the actor may read, with the last twelve months' figures. A draft is who publishes'."""
    account = open_account(account_id, actor)
    _require_version(account_id, list_id, actor)
    zone = ZoneInfo(account.zone)
    today = local_date(now, zone)
    months = [months_after(today, back - MONTHS + 1) for back in range(MONTHS)]
    promises = promises_of(list_id)
    own = _own_branch(actor)
    span = Span(account.id, months[-1], zone, now)
    rows = _rows(span, months, promises, _tree(own))
    return Board(months, rows, zone, own, _levels(account_id, promises, today))


def _require_version(account_id: int, list_id: int, actor: User) -> None:
    version = db.session.get(CommitmentList, list_id)
    if version is None or version.account_id != account_id:
        raise NotFound("not_found")
    if version.published_at is None and not access.may(actor, Action.PUBLISH_COMMITMENTS):
        raise NotFound("not_found")


def kept_months(account: KeyAccount, period: Period, *, now: datetime) -> list[tuple[Commitment, Ratio]]:
    """The promises in force at the end of a period, and in how many of its judged months each was kept.

    For no actor: reports are made of it. Months that have not begun are left out.
    """
    zone = ZoneInfo(account.zone)
    today = local_date(now, zone)
    current = in_force(read_versions(account.id), min(period.last, today))
    if current is None:
        return []
    months = cut(period, Cut.MONTH, today)
    rows = _rows(Span(account.id, months[-1], zone, now), months, promises_of(current.list.id), None)
    return [(row.promise, _kept(row.verdicts)) for row in rows]


def _kept(verdicts: Sequence[Verdict]) -> Ratio:
    judged = [one for one in verdicts if one is not Verdict.NO_CASES]
    return Ratio(judged.count(Verdict.KEPT), len(judged))


def _own_branch(actor: User) -> Branch | None:
    if access.require(actor, Action.READ_COMMITMENTS) is not Scope.OWN_BRANCHES:
        return None
    return db.session.get(Branch, actor.branch_id) if actor.branch_id else None


def _tree(branch: Branch | None) -> frozenset[int] | None:
    return frozenset(db.session.scalars(access.branch_tree(branch.id))) if branch else None


def _rows(
    span: Span, months: Sequence[Period], promises: Sequence[Commitment], tree: Collection[int] | None
) -> list[BoardRow]:
    ties = {promise.id: tie_of_promise(promise) for promise in promises if is_measured(promise)}
    codes = list(dict.fromkeys(tie.measure for tie in ties.values() if tie.measure))
    found = measures.read_months(span, months, codes, By.BRANCH if tree is not None else None)
    rows = []
    for promise in promises:
        tie = ties.get(promise.id)
        values = [_value(found, number, tie, tree) if tie else None for number in range(len(months))]
        verdicts = [judge(value, promise.comparison, target_of(promise)) for value in values]
        rows.append(BoardRow(promise, values, verdicts))
    return rows


def _value(found: Months, number: int, tie: Tie, tree: Collection[int] | None) -> Value:
    """A month's figure: of the whole, or of some branches added up."""
    if tree is None:
        if tie.measure:
            return found.readings[number].total[tie.measure]
        return found.steps[number].get(tie.step, Ratio())  # type: ignore[arg-type]
    whole: Any = _NOTHING[tie.unit]
    for key in tree:
        part = _part(found, number, tie, key)
        whole = whole if part is None else whole + part
    return cast("Value", whole)


def _part(found: Months, number: int, tie: Tie, key: int) -> Value:
    if tie.measure:
        return found.readings[number].groups.get(key, {}).get(tie.measure)
    return found.steps_by_branch[number].get(key, {}).get(tie.step)  # type: ignore[arg-type]


def _levels(
    account_id: int, promises: Sequence[Commitment], today: date
) -> dict[ClockStep, list[ServiceLevel]]:
    """An account's own levels of a step where it has any, else those of all accounts."""
    steps = {promise.step for promise in promises if promise.step}
    statement = (
        select(ServiceLevel)
        .where(
            ServiceLevel.step.in_(steps),
            or_(ServiceLevel.account_id.is_(None), ServiceLevel.account_id == account_id),
            ServiceLevel.effective_on <= today,
            or_(ServiceLevel.ended_on.is_(None), ServiceLevel.ended_on > today),
        )
        .order_by(ServiceLevel.amount_to_fen, ServiceLevel.is_urban.desc(), ServiceLevel.id)
    )
    found: dict[ClockStep, list[ServiceLevel]] = {}
    for row in db.session.scalars(statement):
        found.setdefault(row.step, []).append(row)
    return {step: [row for row in rows if row.account_id is not None] or rows for step, rows in found.items()}
