"""The reserve ledger rolled forward: month by month, by branch and by item, in one query."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import ColumnElement, case, func, literal, select

from service_desk.base.clock import CHINA
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.reserves import ReserveMovement
from service_desk.models.users import User
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.rules.reserve_ledger import MovementKind, ReserveItem, Roll, effect_of, roll
from service_desk.services import access

K = TypeVar("K")

BEFORE = -1
"""The bucket of all that happened before the first month."""


@dataclass(frozen=True)
class Book:
    """The ledger of consecutive months. `by_branch` and `by_item` are of all months together; nothing empty is listed."""

    months: list[tuple[Period, Roll]]
    by_branch: list[tuple[Branch, Roll]]
    by_item: list[tuple[ReserveItem, Roll]]
    total: Roll


@dataclass(frozen=True)
class _Sum:
    """What moved in one bucket: a month's place, or BEFORE."""

    bucket: int
    branch_id: int
    item: ReserveItem
    kind: MovementKind
    fen: int


def read_book(
    account_id: int, months: Sequence[Period], *, branch_id: int | None = None, actor: User
) -> Book:
    """The roll-forward of an account's claims, or of a branch and those below it, as far as the actor sees them.

    Forbidden for who does not handle claims: what is held back for a claim is the insurer's own affair.
    """
    access.require(actor, Action.HANDLE_CLAIMS)
    sums = _read(account_id, months, branch_id, actor)
    branches = {b.id: b for b in db.session.scalars(select(Branch).where(Branch.account_id == account_id))}
    rolls = _rolls((one.branch_id, one) for one in sums)
    items = _rolls((one.item, one) for one in sums)
    by_branch = [(branches[key], rolled) for key, rolled in rolls.items() if rolled != Roll()]
    return Book(
        months=_by_month(months, sums),
        by_branch=sorted(by_branch, key=lambda one: (-one[1].closing_fen, one[0].name)),
        by_item=[(item, items[item]) for item in ReserveItem if items.get(item, Roll()) != Roll()],
        total=_roll(sums),
    )


def _read(account_id: int, months: Sequence[Period], branch_id: int | None, actor: User) -> list[_Sum]:
    bucket = _bucket(months)
    end = months[-1].instants(CHINA)[1]
    grouped = (bucket, Claim.branch_id, ReserveMovement.item, ReserveMovement.kind)
    statement = (
        select(*grouped, func.sum(ReserveMovement.amount_fen))
        .join(Claim, Claim.id == ReserveMovement.claim_id)
        .where(Claim.account_id == account_id, ReserveMovement.at < end)
        .group_by(*grouped)
    )
    if branch_id is not None:
        statement = statement.where(Claim.branch_id.in_(access.branch_tree(branch_id)))
    rows = db.session.execute(access.visible(actor, Action.READ_CLAIMS, statement, Claim)).tuples()
    return [_Sum(at, of, item, kind, int(fen)) for at, of, item, kind, fen in rows]


def _bucket(months: Sequence[Period]) -> ColumnElement[int]:
    """Which month an instant lies in, by the days of Shanghai."""
    starts = [month.instants(CHINA)[0] for month in months]
    whens = [(ReserveMovement.at < starts[0], literal(BEFORE))]
    whens += [(ReserveMovement.at < start, literal(place)) for place, start in enumerate(starts[1:])]
    return case(*whens, else_=literal(len(months) - 1)).label("bucket")


def _by_month(months: Sequence[Period], sums: Iterable[_Sum]) -> list[tuple[Period, Roll]]:
    """Each month opens with what the one before closed with."""
    of_bucket: dict[int, list[_Sum]] = defaultdict(list)
    for one in sums:
        of_bucket[one.bucket].append(one)
    opening, rolled = _roll(of_bucket[BEFORE]).closing_fen, []
    for place, month in enumerate(months):
        found = roll(opening, _of_kinds(of_bucket[place]))
        rolled.append((month, found))
        opening = found.closing_fen
    return rolled


def _rolls(sums: Iterable[tuple[K, _Sum]]) -> dict[K, Roll]:
    grouped: dict[K, list[_Sum]] = defaultdict(list)
    for key, one in sums:
        grouped[key].append(one)
    return {key: _roll(own) for key, own in grouped.items()}


def _roll(sums: Iterable[_Sum]) -> Roll:
    listed = list(sums)
    opening = sum(effect_of(one.kind, one.fen) for one in listed if one.bucket == BEFORE)
    return roll(opening, _of_kinds(one for one in listed if one.bucket != BEFORE))


def _of_kinds(sums: Iterable[_Sum]) -> dict[MovementKind, int]:
    by_kind: dict[MovementKind, int] = defaultdict(int)
    for one in sums:
        by_kind[one.kind] += one.fen
    return by_kind


def list_branches(account_id: int, *, actor: User) -> list[Branch]:
    """The branches to choose from."""
    statement = select(Branch).where(Branch.account_id == account_id, Branch.is_active)
    chosen = access.visible(actor, Action.READ_CLAIMS, statement, Branch)
    return list(db.session.scalars(chosen.order_by(Branch.name, Branch.id)))
