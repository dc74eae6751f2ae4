"""Queueing: a message is queued in the transaction that causes it, or not at all."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, TextClause, bindparam, select, text

from service_desk.models.accounts import Contact
from service_desk.models.db import db, table_of
from service_desk.models.notices import Channel, MessageChannel, Notice, NoticeState
from service_desk.models.users import User
from service_desk.rules.notice_subjects import is_for_channels, subject_of
from service_desk.rules.permissions import CLIENT_ROLES, Side
from service_desk.services.notices import wishes

CHANNELS = (Channel.IN_APP, Channel.MAIL)
_COLUMNS = (
    "kind",
    "channel",
    "channel_id",
    "user_id",
    "address",
    "recipient_name",
    "language",
    "params",
    "account_id",
    "matter_kind",
    "matter_id",
    "matter_number",
    "dedupe_key",
    "state",
    "created_at",
    "next_try_at",
    "sent_at",
    "tries",
    "message_id",
)
_UNSENT = (NoticeState.QUEUED, NoticeState.HELD)
_HOOKS = table_of(MessageChannel).c
# Made once, and of the columns that are read: every report of an accident asks.
_OF_ACCOUNTS = (
    select(
        _HOOKS.id,
        _HOOKS.account_id,
        _HOOKS.kind,
        _HOOKS.name,
        _HOOKS.language,
        _HOOKS.audience,
        _HOOKS.subjects,
    )
    .where(_HOOKS.account_id.in_(bindparam("account_ids", expanding=True)), _HOOKS.is_active)
    .order_by(_HOOKS.id)
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
    """What one recipient is told. `matter` says the account too.

    `is_shared`: the account's bots and webhooks are told as well, once however many recipients there are.
    """

    kind: str
    recipient: Recipient
    params: dict[str, Any]
    dedupe: str
    matter: Matter | None = None
    account_id: int | None = None
    channels: tuple[Channel, ...] = CHANNELS
    is_shared: bool = True

    @property
    def of_account(self) -> int | None:
        return self.matter.account_id if self.matter else self.account_id


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
    is_shared: bool = True,
) -> list[Notice]:
    """Queue a message: in-app for a login, and by mail where there is an address and `mail` is wanted.

    `kind` names the templates in `templates/emails/<kind>/`; `params` is all they get. `dedupe` with
    the recipient and channel is unique: queueing the same again does nothing. What the recipient has chosen
    for the subject decides whether and when a mail goes; the account's bots are told too when `is_shared`.
    """
    channels = CHANNELS if mail else (Channel.IN_APP,)
    message = Message(kind, recipient, params, dedupe, matter, account_id, channels, is_shared)
    fresh = [Notice(**values) for values in _fresh_rows([message], now)]
    db.session.add_all(fresh)
    return fresh


def queue_many(messages: Iterable[Message], *, now: datetime) -> None:
    """Queue all that `queue` would queue one by one, in a fixed number of statements."""
    rows = list(_rows(list(messages), now).values())
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


def _fresh_rows(messages: Sequence[Message], now: datetime) -> list[dict[str, Any]]:
    """The rows of messages that are not queued yet, each with the time its reader wants it at."""
    rows = _rows(messages, now)
    known = select(Notice.dedupe_key).where(Notice.dedupe_key.in_(list(rows)))
    for key in db.session.scalars(known):
        del rows[key]
    return list(rows.values())


def _rows(messages: Sequence[Message], now: datetime) -> dict[str, dict[str, Any]]:
    """The rows of messages by key, none twice."""
    personal = (
        _personal(message, channel, now)
        for message in messages
        for channel in message.channels
        if _reaches(message.recipient, channel)
    )
    distinct = {values["dedupe_key"]: values for values in (*personal, *_shared(messages, now))}
    return {values["dedupe_key"]: values for values in wishes.arrange(list(distinct.values()), now)}


def _reaches(recipient: Recipient, channel: Channel) -> bool:
    return bool(recipient.user_id if channel is Channel.IN_APP else recipient.email)


def _shared(messages: Sequence[Message], now: datetime) -> list[dict[str, Any]]:
    """What the accounts' bots and webhooks are told: each event once, and the client's only what the client is told."""
    events: dict[tuple[int, str], list[Message]] = defaultdict(list)
    for message in messages:
        if message.is_shared and message.of_account and is_for_channels(message.kind):
            events[message.of_account, message.dedupe].append(message)
    if not events:
        return []
    channels = _channels({account_id for account_id, _ in events})
    ours = _our_people(messages) if any(one.audience is Side.CLIENT for one in channels) else set()
    rows = []
    for (account_id, _), told in events.items():
        for channel in channels:
            heard = [
                one for one in told if channel.audience is Side.INSURER or one.recipient.user_id not in ours
            ]
            is_wanted = channel.account_id == account_id and subject_of(told[0].kind) in channel.subjects
            if is_wanted and heard:
                rows.append(to_channel(heard[0], channel, now))
    return rows


def _channels(account_ids: Collection[int]) -> Sequence[Row[Any]]:
    db.session.flush()
    return db.session.execute(_OF_ACCOUNTS, {"account_ids": list(account_ids)}).all()


def _our_people(messages: Sequence[Message]) -> set[int]:
    """Those of the recipients who are not the client's; contact people without a login always are."""
    ids = {message.recipient.user_id for message in messages if message.recipient.user_id}
    return set(db.session.scalars(select(User.id).where(User.id.in_(ids), User.role.not_in(CLIENT_ROLES))))


def to_channel(message: Message, channel: MessageChannel | Row[Any], now: datetime) -> dict[str, Any]:
    """The row that tells a bot or webhook."""
    return _values(message, Channel(channel.kind.value), now) | {
        "channel_id": channel.id,
        "recipient_name": channel.name,
        "language": channel.language,
        "dedupe_key": f"{message.dedupe}:c{channel.id}",
    }


def _personal(message: Message, channel: Channel, now: datetime) -> dict[str, Any]:
    recipient, is_mail = message.recipient, channel is Channel.MAIL
    return _values(message, channel, now) | {
        "user_id": recipient.user_id,
        "address": recipient.email if is_mail else "",
        "recipient_name": recipient.name,
        "language": recipient.language,
        "dedupe_key": f"{message.dedupe}:{recipient.key}:{channel.value}",
    }


def _values(message: Message, channel: Channel, now: datetime) -> dict[str, Any]:
    in_app, matter = channel is Channel.IN_APP, message.matter
    return {
        "kind": message.kind,
        "channel": channel,
        "channel_id": None,
        "user_id": None,
        "address": "",
        "params": message.params,
        "account_id": message.of_account,
        "matter_kind": matter.kind if matter else "",
        "matter_id": matter.id if matter else None,
        "matter_number": matter.number[:64] if matter else "",
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
        if notice.state in _UNSENT and notice.tries == 0:
            db.session.delete(notice)
        else:
            notice.dedupe_key = f"{notice.dedupe_key}:until {now:%Y%m%dT%H%M%S}"
    db.session.flush()
