"""Addresses that bounce: refused by their own server for good, and spared until somebody says they are mended."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, true
from sqlalchemy.exc import IntegrityError

from service_desk.base.errors import NotFound
from service_desk.models.accounts import Contact, KeyAccount
from service_desk.models.db import db
from service_desk.models.notices import BouncingAddress, Notice
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import Action, Scope
from service_desk.services import access, audit

MOST_LISTED = 100


def _key(address: str) -> str:
    return address.strip().casefold()[:200]


def mark(notice: Notice, said: str, *, now: datetime) -> None:
    """Note that the server of a mail's address refused it."""
    if is_bouncing(notice.address):
        return
    row = BouncingAddress(
        address=_key(notice.address),
        account_id=notice.account_id,
        notice_id=notice.id,
        since_at=now,
        said=said[:2000],
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        # Another worker was told the same at the same time.
        return


def is_bouncing(address: str) -> bool:
    """Whether an address is known to bounce."""
    return find(address) is not None


def find(address: str) -> BouncingAddress | None:
    """What is known of an address that bounces, for the pages of those it belongs to."""
    if not address:
        return None
    statement = select(BouncingAddress).where(BouncingAddress.address == _key(address))
    return db.session.scalar(statement)


def among(addresses: Collection[str]) -> set[str]:
    """Those of the addresses that bounce, as they were given."""
    keys = {address: _key(address) for address in addresses if address}
    statement = select(BouncingAddress.address).where(BouncingAddress.address.in_(set(keys.values())))
    bouncing = set(db.session.scalars(statement))
    return {address for address, key in keys.items() if key in bouncing}


def list_bouncing(account_id: int, *, actor: User) -> list[BouncingAddress]:
    """The addresses of an account's people that bounce, latest first; an administrator sees those of all accounts."""
    scope = access.require(actor, Action.READ_DELIVERY_LOG)
    statement = select(BouncingAddress)
    if scope is not Scope.ALL:
        own = access.visible_clause(actor, Action.READ_DELIVERY_LOG, KeyAccount)
        statement = statement.where(_of_people(own & (KeyAccount.id == account_id)))
    ordered = statement.order_by(BouncingAddress.since_at.desc(), BouncingAddress.id.desc())
    return list(db.session.scalars(ordered.limit(MOST_LISTED)))


def try_again(bounce_id: int, *, actor: User, now: datetime) -> None:
    """Let an address be tried again: whoever it belongs to says that it takes mail.

    NotFound for an address of nobody in the actor's accounts.
    """
    scope = access.require(actor, Action.READ_DELIVERY_LOG)
    own: ColumnElement[bool] = true()
    if scope is not Scope.ALL:
        own = _of_people(access.visible_clause(actor, Action.READ_DELIVERY_LOG, KeyAccount))
    row = db.session.scalar(select(BouncingAddress).where(BouncingAddress.id == bounce_id, own))
    if row is None:
        raise NotFound("not_found")
    audit.record("address_tried_again", row, actor=actor, now=now, label=row.address)
    forget(row.address)


def _of_people(accounts: ColumnElement[bool]) -> ColumnElement[bool]:
    """Addresses of some accounts' contact people and logins, and those their own mails bounced at.

    One address may be of several accounts' people, and the mail that bounced was of one of them.
    """
    ids = select(KeyAccount.id).where(accounts)
    contacts = select(_normal(Contact.email)).where(Contact.account_id.in_(ids))
    logins = (
        select(_normal(User.email))
        .join(UserAccount, UserAccount.user_id == User.id)
        .where(UserAccount.account_id.in_(ids))
    )
    return or_(
        BouncingAddress.account_id.in_(ids),
        BouncingAddress.address.in_(contacts),
        BouncingAddress.address.in_(logins),
    )


def _normal(address: Any) -> Any:
    """`_key`, for the database."""
    return func.lower(func.trim(address))


def forget(address: str) -> None:
    """Count an address as good again."""
    db.session.execute(delete(BouncingAddress).where(BouncingAddress.address == _key(address)))
