"""Addresses that bounce: refused by their own server for good, and spared until somebody says they are mended."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from service_desk.models.db import db
from service_desk.models.notices import BouncingAddress, Notice
from service_desk.models.users import User
from service_desk.rules.permissions import Action
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
    """The addresses of an account's mails that bounce, latest first; an administrator's without account too."""
    access.require(actor, Action.READ_DELIVERY_LOG)
    statement = access.visible(actor, Action.READ_DELIVERY_LOG, select(BouncingAddress), BouncingAddress)
    of_account = (BouncingAddress.account_id == account_id) | BouncingAddress.account_id.is_(None)
    ordered = statement.where(of_account).order_by(BouncingAddress.since_at.desc(), BouncingAddress.id.desc())
    return list(db.session.scalars(ordered.limit(MOST_LISTED)))


def try_again(bounce_id: int, *, actor: User, now: datetime) -> None:
    """Let an address be tried again: whoever it belongs to says that it takes mail."""
    access.require(actor, Action.READ_DELIVERY_LOG)
    row = access.get_visible(
        actor, Action.READ_DELIVERY_LOG, BouncingAddress, BouncingAddress.id == bounce_id
    )
    audit.record("address_tried_again", row, actor=actor, now=now, label=row.address)
    forget(row.address)


def forget(address: str) -> None:
    """Count an address as good again."""
    db.session.execute(delete(BouncingAddress).where(BouncingAddress.address == _key(address)))
