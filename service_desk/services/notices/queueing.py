"""Queueing: a message is queued in the transaction that causes it, or not at all."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from service_desk.models.accounts import Contact
from service_desk.models.db import db, table_of
from service_desk.models.notices import Channel, MessageChannel, Notice, NoticeState
from service_desk.models.users import User
from service_desk.rules.notice_subjects import is_for_channels, subject_of
from service_desk.rules.permissions import CLIENT_ROLES, Side
from service_desk.services.notices import wishes

CHANNELS = (Channel.IN_APP, Channel.MAIL)
_UNSENT = (NoticeState.QUEUED, NoticeState.HELD)


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
    rows = _fresh_rows(list(messages), now)
    if rows:
        db.session.execute(insert(table_of(Notice)), rows)


def _fresh_rows(messages: Sequence[Message], now: datetime) -> list[dict[str, Any]]:
    """The rows of messages that are not queued yet, none twice, each with the time its reader wants it at."""
    personal = (
        _personal(message, channel, now)
        for message in messages
        for channel in message.channels
        if _reaches(message.recipient, channel)
    )
    distinct = {values["dedupe_key"]: values for values in (*personal, *_shared(messages, now))}
    rows = {values["dedupe_key"]: values for values in wishes.arrange(list(distinct.values()), now)}
    known = select(Notice.dedupe_key).where(Notice.dedupe_key.in_(list(rows)))
    for key in db.session.scalars(known):
        del rows[key]
    return list(rows.values())


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


def _channels(account_ids: Collection[int]) -> Sequence[MessageChannel]:
    statement = select(MessageChannel).where(
        MessageChannel.account_id.in_(account_ids), MessageChannel.is_active
    )
    return db.session.scalars(statement.order_by(MessageChannel.id)).all()


def _our_people(messages: Sequence[Message]) -> set[int]:
    """Those of the recipients who are not the client's; contact people without a login always are."""
    ids = {message.recipient.user_id for message in messages if message.recipient.user_id}
    return set(db.session.scalars(select(User.id).where(User.id.in_(ids), User.role.not_in(CLIENT_ROLES))))


def to_channel(message: Message, channel: MessageChannel, now: datetime) -> dict[str, Any]:
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
