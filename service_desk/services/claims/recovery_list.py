"""An account's recoveries as a list, filtered, summed, exported; and what came in of one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, search_key, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claim_money import Recovery, RecoveryKind, RecoveryReceipt, RecoveryState
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.identifiers import number_key
from service_desk.rules.permissions import Action
from service_desk.services import access


@dataclass(frozen=True)
class RecoveryFilter:
    """Which recoveries are wanted; None means any. The text is looked for in claim, plate and debtor."""

    state: RecoveryState | None = RecoveryState.OPEN
    kind: RecoveryKind | None = None
    branch_id: int | None = None
    text: str = ""


@dataclass(frozen=True)
class RecoveryRow:
    """A recovery with its claim and branch."""

    recovery: Recovery
    claim: Claim
    branch: Branch


@dataclass(frozen=True)
class RecoveryTotals:
    """Sums over all that a filter holds, in fen."""

    count: int
    amount_fen: int
    received_fen: int
    written_off_fen: int

    @property
    def open_fen(self) -> int:
        return self.amount_fen - self.received_fen - self.written_off_fen


def list_recoveries(
    account_id: int, wanted: RecoveryFilter, page: PageRequest, *, actor: User
) -> Page[RecoveryRow]:
    """A page of an account's recoveries, the oldest open first."""
    access.require(actor, Action.RECORD_RECOVERIES)
    totals = total_recoveries(account_id, wanted, actor=actor)
    rows = _rows(_listed(account_id, wanted, actor).limit(page.size).offset(page.offset))
    return Page(rows, totals.count, page.number, page.size)


def total_recoveries(account_id: int, wanted: RecoveryFilter, *, actor: User) -> RecoveryTotals:
    """Count and sums of all that the filter holds."""
    sums = [
        func.coalesce(func.sum(column), 0)
        for column in (Recovery.amount_fen, Recovery.received_fen, Recovery.written_off_fen)
    ]
    statement = (
        select(func.count(Recovery.id), *sums)
        .join(Claim, Claim.id == Recovery.claim_id)
        .where(*_conditions(account_id, wanted))
    )
    row = db.session.execute(access.visible(actor, Action.RECORD_RECOVERIES, statement, Recovery)).one()
    return RecoveryTotals(*(int(value) for value in row))


def _listed(account_id: int, wanted: RecoveryFilter, actor: User) -> Select[Any]:
    statement = (
        select(Recovery, Claim, Branch)
        .join(Claim, Claim.id == Recovery.claim_id)
        .join(Branch, Branch.id == Recovery.branch_id)
        .where(*_conditions(account_id, wanted))
        .order_by(Recovery.state, Recovery.made_at, Recovery.id)
    )
    return access.visible(actor, Action.RECORD_RECOVERIES, statement, Recovery)


def _rows(statement: Select[Any]) -> list[RecoveryRow]:
    return [RecoveryRow(*row) for row in db.session.execute(statement).tuples()]


def _conditions(account_id: int, wanted: RecoveryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Recovery.account_id == account_id]
    if wanted.state:
        conditions.append(Recovery.state == wanted.state)
    if wanted.kind:
        conditions.append(Recovery.kind == wanted.kind)
    if wanted.branch_id:
        conditions.append(Recovery.branch_id.in_(access.branch_tree(wanted.branch_id)))
    text = squeeze(wanted.text)
    if text:
        plate = like_pattern(search_key(text).upper())
        pattern = like_pattern(text)
        conditions.append(
            or_(
                Claim.plate.like(plate, escape="\\"),
                Claim.number.ilike(pattern, escape="\\"),
                Claim.report_key == number_key(text),
                Recovery.owed_by.ilike(pattern, escape="\\"),
            )
        )
    return conditions


def list_receipts(recovery_id: int) -> list[tuple[RecoveryReceipt, User]]:
    """What came in, with who recorded it, in the order it was recorded. The caller has checked who reads."""
    statement = (
        select(RecoveryReceipt, User)
        .join(User, User.id == RecoveryReceipt.recorded_by_id)
        .where(RecoveryReceipt.recovery_id == recovery_id)
        .order_by(RecoveryReceipt.id)
    )
    return list(db.session.execute(statement).tuples())
