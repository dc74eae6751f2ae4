"""The published versions: which one is in force on a day, and each of them as it was published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select

from service_desk.base.errors import NotFound
from service_desk.models.accounts import KeyAccount
from service_desk.models.commitments import Commitment, CommitmentList
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.metrics import MeasureCode
from service_desk.rules.permissions import Action
from service_desk.rules.promises import Tie
from service_desk.services import access


@dataclass(frozen=True)
class PublishedVersion:
    """A version with who published it. `ends_on` is the last day it counts, None while no later one is published.

    A version that was overtaken before its day never counted: it ends before it begins.
    """

    list: CommitmentList
    publisher: User
    ends_on: date | None

    def is_in_force(self, on: date) -> bool:
        """Whether it counts on a day."""
        return self.list.effective_on <= on and (self.ends_on is None or on <= self.ends_on)


def target_of(promise: Commitment) -> Decimal:
    """What is promised, in the unit people type: percent, points, days, a count."""
    return Decimal(promise.target_cents).scaleb(-2)


def tie_of_promise(promise: Commitment) -> Tie:
    """What measures it. A measure that is counted no more leaves the promise without one: see `is_measured`."""
    return Tie(MeasureCode(promise.measure) if promise.measure else None, promise.step)


def is_measured(promise: Commitment) -> bool:
    """Whether the desk still counts what the promise was tied to: old versions must open for ever."""
    return promise.step is not None or promise.measure in set(MeasureCode)


def list_versions(account_id: int, *, actor: User) -> list[PublishedVersion]:
    """All published versions of an account, the latest first."""
    open_account(account_id, actor)
    return read_versions(account_id)


def read_versions(account_id: int) -> list[PublishedVersion]:
    """The same for no actor."""
    rows = db.session.execute(
        select(CommitmentList, User)
        .join(User, User.id == CommitmentList.published_by_id)
        .where(CommitmentList.account_id == account_id, CommitmentList.published_at.is_not(None))
        .order_by(CommitmentList.number.desc())
    ).tuples()
    found: list[PublishedVersion] = []
    ends_on: date | None = None
    for row, publisher in rows:
        found.append(PublishedVersion(row, publisher, ends_on))
        eve = row.effective_on - timedelta(days=1)
        ends_on = eve if ends_on is None else min(ends_on, eve)
    return found


def find_current(account_id: int, *, actor: User, on: date) -> PublishedVersion | None:
    """The version in force on a day; None before the first."""
    return in_force(list_versions(account_id, actor=actor), on)


def in_force(versions: Sequence[PublishedVersion], on: date) -> PublishedVersion | None:
    """The one of some versions that counts on a day."""
    return next((one for one in versions if one.is_in_force(on)), None)


def get_version(account_id: int, number: int, *, actor: User) -> PublishedVersion:
    """A published version by its number. A draft is nobody's to read but who edits it: NotFound."""
    for one in list_versions(account_id, actor=actor):
        if one.list.number == number:
            return one
    raise NotFound("not_found")


def promises_of(list_id: int) -> list[Commitment]:
    """A version's promises in their order. The caller has checked that the version is visible."""
    statement = select(Commitment).where(Commitment.list_id == list_id)
    return list(db.session.scalars(statement.order_by(Commitment.ordinal)))


def open_account(account_id: int, actor: User, action: Action = Action.READ_COMMITMENTS) -> KeyAccount:
    """The account, for who may do this with its commitments."""
    access.require(actor, action)
    return access.get_visible(actor, action, KeyAccount, KeyAccount.id == account_id)
