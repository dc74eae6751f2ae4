"""The outbox: a message is queued in the transaction that causes it, or not at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, TextClause, bindparam, func, select, text, update

from service_desk.base.errors import NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Contact
from service_desk.models.db import db, table_of
from service_desk.models.notices import Channel, DeliveryTry, Notice, NoticeState
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit

# Growing delays; after the last the notice is given up and shown as failed.
RETRY_MINUTES = (1, 5, 15, 60, 240, 720)
# A worker that dies while sending leaves the notice to another after this long.
TAKEN_FOR = timedelta(minutes=10)
CHANNELS = (Channel.IN_APP, Channel.MAIL)
_COLUMNS = (
    "kind",
    "channel",
    "user_id",
    "address",
    "recipient_name",
    "language",
    "params",
    "account_id",
    "matter_kind",
    "matter_id",
    "dedupe_key",
    "state",
    "created_at",
    "next_try_at",
    "sent_at",
    "tries",
    "message_id",
)


@dataclass(frozen=True)
class Matter:
    """What a notice or a timer is about. `number` is what people call it."""

    kind: str
    id: int
    number: str
    account_id: int
    branch_id: int | None = None


@dataclass(frozen=True)
class Recipient:
    """Who a message goes to: a login, a contact person, or both."""

    name: str
    email: str
    language: str
    user_id: int | None = None

    @property
    def key(self) -> str:
        return f"u{self.user_id}" if self.user_id else self.email


@dataclass(frozen=True)
class Message:
    """What one recipient is told. `matter` says the account too."""

    kind: str
    recipient: Recipient
    params: dict[str, Any]
    dedupe: str
    matter: Matter | None = None
    account_id: int | None = None
    channels: tuple[Channel, ...] = CHANNELS


def user_recipient(user: User) -> Recipient:
    """A login as recipient."""
    return Recipient(user.name, user.email, user.language or "zh", user.id)


def contact_recipient(contact: Contact) -> Recipient:
    """A contact person as recipient."""
    return Recipient(contact.name, contact.email, contact.language or "zh")


def queue(
    kind: str,
    recipient: Recipient,
    params: dict[str, Any],
    *,
    dedupe: str,
    now: datetime,
    account_id: int | None = None,
    matter: Matter | None = None,
    mail: bool = True,
) -> list[Notice]:
    """Queue a message: in-app for a login, and by mail where there is an address and `mail` is wanted.

    `kind` names the templates in `templates/emails/<kind>/`; `params` is all they get. `dedupe` with
    the recipient and channel is unique: queueing the same again does nothing.
    """
    channels = CHANNELS if mail else (Channel.IN_APP,)
    message = Message(kind, recipient, params, dedupe, matter, account_id, channels)
    fresh = [Notice(**values) for values in _fresh_rows([message], now)]
    db.session.add_all(fresh)
    return fresh


def queue_many(messages: Iterable[Message], *, now: datetime) -> None:
    """Queue all that `queue` would queue one by one, in one statement."""
    rows = list(_rows(messages, now).values())
    if rows:
        # What is pending goes first, as before any statement that may wait for another's.
        db.session.flush()
        db.session.execute(_queueing(), rows)


@cache
def _queueing() -> TextClause:
    """What is queued already stays as it is. SQLAlchemy's own words for that are put together anew each time."""
    columns = [table_of(Notice).c[name] for name in _COLUMNS]
    names, places = ", ".join(_COLUMNS), ", ".join(f":{name}" for name in _COLUMNS)
    statement = text(
        f"INSERT INTO notices ({names}) VALUES ({places}) ON CONFLICT (dedupe_key) DO NOTHING"  # noqa: S608
    )
    return statement.bindparams(*(bindparam(column.name, type_=column.type) for column in columns))


def _rows(messages: Iterable[Message], now: datetime) -> dict[str, dict[str, Any]]:
    """The rows of messages by key, none twice."""
    return {
        values["dedupe_key"]: values
        for message in messages
        for channel in message.channels
        if _reaches(message.recipient, channel)
        for values in [_values(message, channel, now)]
    }


def _fresh_rows(messages: Iterable[Message], now: datetime) -> list[dict[str, Any]]:
    """The rows of messages that are not queued yet."""
    rows = _rows(messages, now)
    known = select(Notice.dedupe_key).where(Notice.dedupe_key.in_(list(rows)))
    for key in db.session.scalars(known):
        del rows[key]
    return list(rows.values())


def _reaches(recipient: Recipient, channel: Channel) -> bool:
    return bool(recipient.user_id if channel is Channel.IN_APP else recipient.email)


def _values(message: Message, channel: Channel, now: datetime) -> dict[str, Any]:
    in_app = channel is Channel.IN_APP
    recipient, matter = message.recipient, message.matter
    return {
        "kind": message.kind,
        "channel": channel,
        "user_id": recipient.user_id,
        "address": "" if in_app else recipient.email,
        "recipient_name": recipient.name,
        "language": recipient.language,
        "params": message.params,
        "account_id": matter.account_id if matter else message.account_id,
        "matter_kind": matter.kind if matter else "",
        "matter_id": matter.id if matter else None,
        "dedupe_key": f"{message.dedupe}:{recipient.key}:{channel.value}",
        "state": NoticeState.SENT if in_app else NoticeState.QUEUED,
        "created_at": now,
        "next_try_at": None if in_app else now,
        "sent_at": now if in_app else None,
        "tries": 0,
        "message_id": "",
    }


def take_back(dedupe: str, *, matter: Matter, now: datetime) -> None:
    """Let the same be told anew, for what was told turned out not to be so.

    What was sent stays on record; what still waits to be sent is not.
    """
    told = select(Notice).where(
        Notice.matter_kind == matter.kind,
        Notice.matter_id == matter.id,
        Notice.dedupe_key.startswith(f"{dedupe}:", autoescape=True),
    )
    for notice in db.session.scalars(told).all():
        if notice.state is NoticeState.QUEUED and notice.tries == 0:
            db.session.delete(notice)
        else:
            notice.dedupe_key = f"{notice.dedupe_key}:until {now:%Y%m%dT%H%M%S}"
    db.session.flush()


def unread_count(user: User) -> int:
    """How many in-app notices the user has not read."""
    return (
        db.session.scalar(
            select(func.count()).select_from(_inbox(user).where(Notice.read_at.is_(None)).subquery())
        )
        or 0
    )


def list_inbox(user: User, page: PageRequest) -> Page[Notice]:
    """The user's in-app notices, newest first."""
    total = db.session.scalar(select(func.count()).select_from(_inbox(user).subquery())) or 0
    ordered = _inbox(user).order_by(Notice.created_at.desc(), Notice.id.desc())
    rows = db.session.scalars(ordered.limit(page.size).offset(page.offset)).all()
    return Page(rows, total, page.number, page.size)


def get_inbox_notice(user: User, notice_id: int) -> Notice:
    """One of the user's own messages; NotFound otherwise."""
    notice = db.session.scalar(_inbox(user).where(Notice.id == notice_id))
    if notice is None:
        raise NotFound("not_found")
    return notice


def _inbox(user: User) -> Select[tuple[Notice]]:
    return select(Notice).where(Notice.user_id == user.id, Notice.channel == Channel.IN_APP)


def mark_read(user: User, notice_id: int | None, *, now: datetime) -> None:
    """Mark one of the user's notices read, or all of them with None."""
    statement = update(Notice).where(
        Notice.user_id == user.id, Notice.channel == Channel.IN_APP, Notice.read_at.is_(None)
    )
    if notice_id is not None:
        statement = statement.where(Notice.id == notice_id)
    db.session.execute(statement.values(read_at=now))


def claim_due_notice(now: datetime) -> Notice | None:
    """Take the next mail that is due, so that no other worker takes it; None when nothing is due."""
    while True:
        due = (
            select(Notice.id, Notice.next_try_at)
            .where(Notice.state == NoticeState.QUEUED, Notice.next_try_at <= now)
            .order_by(Notice.next_try_at, Notice.id)
            .limit(1)
        )
        found = db.session.execute(due).first()
        if found is None:
            return None
        taken = db.session.execute(
            update(Notice)
            .where(Notice.id == found.id, Notice.state == NoticeState.QUEUED, Notice.next_try_at <= now)
            .values(next_try_at=now + TAKEN_FOR)
        )
        if taken.rowcount:  # type: ignore[attr-defined]
            return db.session.get_one(Notice, found.id, populate_existing=True)


def record_sent(notice: Notice, detail: str, *, now: datetime) -> None:
    """Note that the mail was handed over."""
    notice.state, notice.sent_at, notice.next_try_at = NoticeState.SENT, now, None
    notice.tries += 1
    db.session.add(DeliveryTry(notice_id=notice.id, at=now, succeeded=True, detail=detail))


def record_failed(notice: Notice, detail: str, *, permanent: bool, now: datetime) -> None:
    """Note a failed try: again after a growing delay, or given up when permanent or out of tries."""
    notice.tries += 1
    db.session.add(DeliveryTry(notice_id=notice.id, at=now, succeeded=False, detail=detail[:2000]))
    if permanent or notice.tries > len(RETRY_MINUTES):
        notice.state, notice.next_try_at = NoticeState.FAILED, None
    else:
        notice.next_try_at = now + timedelta(minutes=RETRY_MINUTES[notice.tries - 1])


def send_again(notice_id: int, *, actor: User, now: datetime) -> Notice:
    """Put a mail back into the queue, whatever became of it."""
    access.require(actor, Action.READ_DELIVERY_LOG)
    notice = access.get_visible(actor, Action.READ_DELIVERY_LOG, Notice, Notice.id == notice_id)
    if notice.channel is not Channel.MAIL:
        raise NotFound("not_found")
    changes = audit.change(notice, state=NoticeState.QUEUED, next_try_at=now, tries=0)
    audit.record("notice_sent_again", notice, actor=actor, now=now, label=notice.kind, changes=changes)
    return notice
