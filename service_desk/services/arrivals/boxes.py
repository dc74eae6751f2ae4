"""The mailboxes that are read: added, changed and paused by whoever runs the account, or all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from service_desk.adapters.channels import trusted_hosts
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import squeeze
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.mailboxes import Mailbox, MailOutcome, MailSecurity, ReceivedMail
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit

MOST_LISTED = 100
LONGEST_INTERVAL = 60
_REQUIRED = ("name", "address", "host", "username", "folder")


@dataclass(frozen=True)
class MailboxDetails:
    """What was typed. An empty `password` of a mailbox that is there keeps the one it has.

    `is_common`: it is read for every account, which only an administrator decides.
    """

    name: str
    address: str
    host: str
    port: int
    security: MailSecurity
    username: str
    folder: str = "INBOX"
    poll_minutes: int = 2
    is_active: bool = True
    is_common: bool = False
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class MailboxView:
    """A mailbox with its account (None: all), and how many of its mails wait for a person."""

    mailbox: Mailbox
    account: KeyAccount | None
    waiting: int


def list_mailboxes(account_id: int, *, actor: User) -> list[MailboxView]:
    """The mailboxes of an account, and for an administrator those for all, by name."""
    access.require(actor, Action.MANAGE_CHANNELS)
    statement = select(Mailbox).where(visible_mailboxes(actor), of_account(account_id))
    return _views(db.session.scalars(statement.order_by(Mailbox.name).limit(MOST_LISTED)).all())


def get_mailbox(mailbox_id: int, *, actor: User) -> MailboxView:
    """One mailbox the actor may change; NotFound otherwise."""
    return _views([_get(mailbox_id, actor)])[0]


def visible_mailboxes(actor: User) -> ColumnElement[bool]:
    """Those of the actor's accounts; one for all accounts is seen by who sees all accounts."""
    return access.visible_clause(actor, Action.MANAGE_CHANNELS, Mailbox)


def of_account(account_id: int) -> ColumnElement[bool]:
    """Read for an account alone, or for all."""
    return (Mailbox.account_id == account_id) | Mailbox.account_id.is_(None)


def _get(mailbox_id: int, actor: User) -> Mailbox:
    access.require(actor, Action.MANAGE_CHANNELS)
    return access.get_visible(actor, Action.MANAGE_CHANNELS, Mailbox, Mailbox.id == mailbox_id)


def _views(mailboxes: Sequence[Mailbox]) -> list[MailboxView]:
    ids = [one.id for one in mailboxes]
    accounts = db.session.scalars(
        select(KeyAccount).where(KeyAccount.id.in_({one.account_id for one in mailboxes}))
    )
    known = {account.id: account for account in accounts}
    waiting = (
        select(ReceivedMail.mailbox_id, func.count())
        .where(ReceivedMail.mailbox_id.in_(ids), ReceivedMail.outcome.in_(WAITING))
        .group_by(ReceivedMail.mailbox_id)
    )
    counts = dict(db.session.execute(waiting).tuples().all())
    return [MailboxView(one, known.get(one.account_id or 0), counts.get(one.id, 0)) for one in mailboxes]


# What waits for a person.
WAITING = (MailOutcome.UNSORTED, MailOutcome.SET_ASIDE)


def add_mailbox(account_id: int, details: MailboxDetails, *, actor: User, now: datetime) -> Mailbox:
    """Add a mailbox; what lies in it already is left alone. Invalid: what `change_mailbox` refuses, and no password."""
    access.require(actor, Action.MANAGE_CHANNELS)
    account = access.get_account(actor, account_id)
    if details.is_common:
        access.require(actor, Action.MANAGE_SETTINGS)
    values = _checked(details, None)
    mailbox = Mailbox(
        account_id=None if details.is_common else account.id,
        created_at=now,
        next_poll_at=now,
        last_uid=0,
        last_error="",
        failures=0,
        **values,
    )
    db.session.add(mailbox)
    changes = {name: (None, value) for name, value in values.items() if name != "mail_password"}
    audit.record("mailbox_added", mailbox, actor=actor, now=now, changes=changes)
    return mailbox


def change_mailbox(
    mailbox_id: int, details: MailboxDetails, version: int, *, actor: User, now: datetime
) -> Mailbox:
    """Change or pause a mailbox; whose it is stays. It is read again at once.

    Conflict: stale. Invalid: required, mailbox_name_taken, mailbox_address, mailbox_port, mailbox_interval,
    mailbox_not_private, mailbox_password_again (another server gets no password it was not typed for).
    Another server or folder is read from now on.
    """
    mailbox = _get(mailbox_id, actor)
    if mailbox.version != version:
        raise Conflict("stale")
    values = _checked(details, mailbox)
    changes = audit.change(mailbox, **values)
    if changes:
        mailbox.next_poll_at, mailbox.failures, mailbox.last_error = now, 0, ""
        if {"host", "port", "username", "folder"} & changes.keys():
            mailbox.uidvalidity, mailbox.last_uid = None, 0
            mailbox.created_at, mailbox.last_ok_at = now, None
        audit.record("mailbox_changed", mailbox, actor=actor, now=now, changes=changes)
    return mailbox


def read_now(mailbox_id: int, *, actor: User, now: datetime) -> None:
    """Let a mailbox be read within a minute. Conflict: mailbox_paused."""
    mailbox = _get(mailbox_id, actor)
    if not mailbox.is_active:
        raise Conflict("mailbox_paused")
    # Past the version: whoever edits it meanwhile is not to be told that it changed.
    db.session.execute(update(Mailbox).where(Mailbox.id == mailbox.id).values(next_poll_at=now))
    audit.record("mailbox_read_now", mailbox, actor=actor, now=now)


def _checked(details: MailboxDetails, own: Mailbox | None) -> dict[str, Any]:
    """The columns, after all checks."""
    values: dict[str, Any] = {name: squeeze(getattr(details, name)) for name in _REQUIRED}
    # A password is what it is, blanks and all.
    password = details.password or (own.mail_password if own else "")
    problems = [Invalid("required", field=name) for name in _REQUIRED if not values[name]]
    if not password:
        problems.append(Invalid("required", field="password"))
    # Whoever runs a mailbox does not know its password, and may not have it sent to a server of their own.
    if own and not details.password and (own.host, own.port) != (_host_of(values), details.port):
        problems.append(Invalid("mailbox_password_again", field="password"))
    problems += _problems(details, values, own)
    if problems:
        raise InvalidMany(problems)
    return values | {
        "host": _host_of(values),
        "port": details.port,
        "security": details.security,
        "mail_password": password,
        "poll_minutes": details.poll_minutes,
        "is_active": details.is_active,
    }


def _host_of(values: dict[str, Any]) -> str:
    host: str = values["host"]
    return host.lower().rstrip(".")


def _problems(details: MailboxDetails, values: dict[str, Any], own: Mailbox | None) -> list[Invalid]:
    problems: list[Invalid] = []
    taken = select(Mailbox.id).where(Mailbox.name == values["name"], Mailbox.id != (own.id if own else 0))
    if db.session.scalar(taken) is not None:
        problems.append(Invalid("mailbox_name_taken", field="name", name=values["name"]))
    if values["address"] and "@" not in values["address"]:
        problems.append(Invalid("mailbox_address", field="address"))
    if not 1 <= details.port <= 65535:
        problems.append(Invalid("mailbox_port", field="port"))
    if not 1 <= details.poll_minutes <= LONGEST_INTERVAL:
        problems.append(Invalid("mailbox_interval", field="poll_minutes", most=LONGEST_INTERVAL))
    host = values["host"].lower()
    # Without encryption the password would go through the net as it is.
    if details.security is MailSecurity.NONE and not {host, f"{host}:{details.port}"} & trusted_hosts():
        problems.append(Invalid("mailbox_not_private", field="security"))
    return problems
