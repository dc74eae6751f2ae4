"""What branches owe and since when, now and at the end of an earlier or later day."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, Policy
from service_desk.models.premiums import Receivable
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.premium import AgeBand, Credit, age_bands, age_of
from service_desk.services import access
from service_desk.services.policies import credit
from service_desk.services.premiums.history import open_at
from service_desk.services.premiums.terms import terms_of

_OPEN = Receivable.amount_fen - Receivable.settled_fen


@dataclass(frozen=True)
class LedgerRow:
    """What a branch owes, by age, in fen; and of how many policies."""

    branch: Branch
    open_count: int
    by_age: Mapping[AgeBand, int]

    @property
    def open_fen(self) -> int:
        return sum(self.by_age.values())


@dataclass(frozen=True)
class OpenReceivable:
    """A receivable with its policy, and its endorsement if it is for one."""

    receivable: Receivable
    policy: Policy
    branch: Branch
    endorsement_number: str | None = None

    @property
    def open_fen(self) -> int:
        return self.receivable.amount_fen - self.receivable.settled_fen


def ledger(account_id: int, *, actor: User, now: datetime, on: date | None = None) -> list[LedgerRow]:
    """The branches that owe premium at the end of a day, by name; None: now.

    Of a day to come: how old today's debts will be then if nothing is paid.
    """
    access.require(actor, Action.READ_PREMIUMS)
    account = access.get_visible(actor, Action.READ_PREMIUMS, KeyAccount, KeyAccount.id == account_id)
    today = local_date(now)
    day = on or today
    age_days = terms_of(account.id).age_days
    bands = age_bands(age_days)
    sums: dict[int, dict[AgeBand, int]] = defaultdict(lambda: dict.fromkeys(bands, 0))
    policies: dict[int, set[int]] = defaultdict(set)
    for one in open_at(account.id, min(day, today)):
        sums[one.branch_id][age_of(one.due_on, day, age_days)] += one.open_fen
        policies[one.branch_id].add(one.policy_id)
    branches = db.session.scalars(select(Branch).where(Branch.id.in_(sums)).order_by(Branch.name, Branch.id))
    return [LedgerRow(branch, len(policies[branch.id]), sums[branch.id]) for branch in branches]


def overdue_fen(account_id: int, *, now: datetime) -> int:
    """Premium past its due date, for overviews; the caller has checked that the account is visible."""
    statement = select(func.sum(_OPEN)).where(
        Receivable.account_id == account_id, _OPEN > 0, Receivable.due_on < local_date(now)
    )
    return int(db.session.scalar(statement) or 0)


def credit_of(account_id: int, *, actor: User) -> Credit:
    """The account's credit limit and what of it is used."""
    return credit.credit_of(access.get_account(actor, account_id))


def open_receivables(branch_id: int, *, actor: User) -> tuple[Branch, list[OpenReceivable]]:
    """What a branch owes, the oldest first."""
    branch = access.get_visible(actor, Action.READ_PREMIUMS, Branch, Branch.id == branch_id)
    return branch, open_rows(select(Receivable.id).where(Receivable.branch_id == branch_id))


def list_open(branch_id: int, page: PageRequest, *, actor: User) -> Page[OpenReceivable]:
    """The same a page at a time."""
    branch = access.get_visible(actor, Action.READ_PREMIUMS, Branch, Branch.id == branch_id)
    own = select(Receivable.id).where(Receivable.branch_id == branch.id)
    total = db.session.scalar(select(func.count()).select_from(own.where(_OPEN > 0).subquery())) or 0
    statement = _open_statement(own).limit(page.size).offset(page.offset)
    return Page(_as_open(statement), total, page.number, page.size)


def receivables_due(account_id: int, *, until: date, actor: User) -> list[OpenReceivable]:
    """Open receivables of an account that fall due by a day, that day included; the oldest first."""
    due = select(Receivable.id).where(Receivable.account_id == account_id, Receivable.due_on <= until)
    return open_rows(access.visible(actor, Action.READ_PREMIUMS, due, Receivable))


def open_rows(wanted: Select[tuple[int]], *, lock: bool = False) -> list[OpenReceivable]:
    """What is open of the receivables wanted, the oldest first; `lock` keeps other clerks waiting for them."""
    statement = _open_statement(wanted)
    if lock:
        statement = statement.with_for_update(of=Receivable).execution_options(populate_existing=True)
    return _as_open(statement)


def _open_statement(wanted: Select[tuple[int]]) -> Select[Any]:
    return (
        select(Receivable, Policy, Branch, Endorsement.number)
        .join(Policy, Policy.id == Receivable.policy_id)
        .join(Branch, Branch.id == Receivable.branch_id)
        .outerjoin(Endorsement, Endorsement.id == Receivable.endorsement_id)
        .where(Receivable.id.in_(wanted), _OPEN > 0)
        .order_by(Receivable.due_on, Receivable.id)
    )


def _as_open(statement: Select[Any]) -> list[OpenReceivable]:
    return [OpenReceivable(*row) for row in db.session.execute(statement)]


def totals(rows: Sequence[LedgerRow]) -> dict[AgeBand, int]:
    """What all branches of a ledger owe, by age."""
    found: dict[AgeBand, int] = defaultdict(int)
    for row in rows:
        for band, fen in row.by_age.items():
            found[band] += fen
    return found
