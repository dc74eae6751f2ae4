"""The bots and webhooks of an account: added, changed, paused and tried by whoever runs it."""

import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from service_desk.adapters.channels import trusted_hosts
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.text import squeeze
from service_desk.models.db import db
from service_desk.models.notices import DeliveryTry, FailReason, MessageChannel, Notice, NoticeState
from service_desk.models.users import User
from service_desk.rules.hooks import HookKind, masked, require_inbound, require_secret, target_of
from service_desk.rules.notice_subjects import CHANNEL_TEST, NoticeSubject
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit
from service_desk.services.notices.queueing import Message, Recipient, to_channel

MOST_CHANNELS = 50
_LATEST = 5
_SECRETS = frozenset({"hook_url", "hook_secret", "inbound_ref", "inbound_token", "inbound_key"})


@dataclass(frozen=True)
class ChannelDetails:
    """What was typed. An empty address, secret, token or key of a channel that is there keeps the one it has.

    `hears`: what is said to the bot comes to the desk.
    """

    kind: HookKind
    name: str
    language: str
    subjects: tuple[NoticeSubject, ...]
    is_active: bool
    audience: Side = Side.INSURER
    url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    hears: bool = False
    inbound_receiver: str = ""
    inbound_token: str = field(default="", repr=False)
    inbound_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Sending:
    """A message to a channel and what was answered last."""

    notice: Notice
    said: str


@dataclass(frozen=True)
class ChannelView:
    """A channel as pages show it: its address masked, its secret only as there or not."""

    channel: MessageChannel
    shown_url: str
    has_secret: bool
    latest: tuple[Sending, ...] = ()


def list_channels(account_id: int, *, actor: User) -> list[ChannelView]:
    """The channels of an account, by name, with their latest messages."""
    access.require(actor, Action.MANAGE_CHANNELS)
    statement = access.visible(actor, Action.MANAGE_CHANNELS, select(MessageChannel), MessageChannel)
    channels = db.session.scalars(
        statement.where(MessageChannel.account_id == account_id).order_by(
            MessageChannel.name, MessageChannel.id
        )
    ).all()
    latest = _latest([channel.id for channel in channels])
    return [_view(channel, latest[channel.id]) for channel in channels]


def get_channel(channel_id: int, *, actor: User) -> ChannelView:
    """One channel the actor may change; NotFound otherwise."""
    channel = _get(channel_id, actor)
    return _view(channel, _latest([channel.id])[channel.id])


def _get(channel_id: int, actor: User) -> MessageChannel:
    access.require(actor, Action.MANAGE_CHANNELS)
    return access.get_visible(actor, Action.MANAGE_CHANNELS, MessageChannel, MessageChannel.id == channel_id)


def _view(channel: MessageChannel, latest: Sequence[Sending]) -> ChannelView:
    return ChannelView(channel, masked(channel.hook_url), bool(channel.hook_secret), tuple(latest))


def _latest(channel_ids: Collection[int]) -> dict[int, list[Sending]]:
    place = (
        func.row_number()
        .over(partition_by=Notice.channel_id, order_by=(Notice.created_at.desc(), Notice.id.desc()))
        .label("place")
    )
    ranked = select(Notice.id, place).where(Notice.channel_id.in_(channel_ids)).subquery()
    rows = db.session.scalars(
        select(Notice)
        .join(ranked, ranked.c.id == Notice.id)
        .where(ranked.c.place <= _LATEST)
        .order_by(Notice.created_at.desc(), Notice.id.desc())
    ).all()
    said = _last_words([row.id for row in rows])
    latest: dict[int, list[Sending]] = defaultdict(list)
    for row in rows:
        latest[row.channel_id or 0].append(Sending(row, said.get(row.id, "")))
    return latest


def _last_words(notice_ids: Collection[int]) -> dict[int, str]:
    tries = select(DeliveryTry.notice_id, DeliveryTry.detail).where(DeliveryTry.notice_id.in_(notice_ids))
    return dict(db.session.execute(tries.order_by(DeliveryTry.id)).tuples().all())


def add_channel(account_id: int, details: ChannelDetails, *, actor: User, now: datetime) -> MessageChannel:
    """Add a bot or webhook. Invalid: channel_name_taken, channels_full, or what is wrong with the address."""
    access.require(actor, Action.MANAGE_CHANNELS)
    account = access.get_account(actor, account_id)
    number = select(func.count()).where(MessageChannel.account_id == account.id)
    if (db.session.scalar(number) or 0) >= MOST_CHANNELS:
        raise Invalid("channels_full", most=MOST_CHANNELS)
    if not details.url.strip():
        raise Invalid("hook_address", field="url")
    values = _checked(account.id, details, None)
    channel = MessageChannel(account_id=account.id, created_at=now, kind=details.kind, **values)
    db.session.add(channel)
    changes = {name: (None, value) for name, value in values.items() if name not in _SECRETS}
    audit.record("channel_added", channel, actor=actor, now=now, changes=changes)
    return channel


def change_channel(
    channel_id: int, details: ChannelDetails, version: int, *, actor: User, now: datetime
) -> MessageChannel:
    """Change a channel; what kind it is stays. What still waits for a paused one is not sent."""
    channel = _get(channel_id, actor)
    if channel.version != version:
        raise Conflict("stale")
    values = _checked(channel.account_id, details, channel)
    changes = audit.change(channel, **values)
    if changes:
        audit.record("channel_changed", channel, actor=actor, now=now, changes=changes)
    if not channel.is_active:
        _stop_waiting(channel)
    return channel


def _checked(account_id: int, details: ChannelDetails, own: MessageChannel | None) -> dict[str, Any]:
    """The columns, after all checks."""
    kind = own.kind if own else details.kind
    name = squeeze(details.name)[:64]
    url = details.url.strip() or (own.hook_url if own else "")
    secret = details.secret.strip() or (own.hook_secret if own else "")
    taken = select(MessageChannel.id).where(
        MessageChannel.account_id == account_id,
        MessageChannel.name == name,
        MessageChannel.id != (own.id if own else 0),
    )
    if db.session.scalar(taken) is not None:
        raise Invalid("channel_name_taken", field="name", name=name)
    if not details.subjects:
        raise Invalid("channel_without_subject", field="subjects")
    target_of(kind, url, trusted_hosts())
    require_secret(kind, secret)
    return {
        "name": name,
        "hook_url": url,
        # WeCom's bots have none: the key in the address is all.
        "hook_secret": "" if kind is HookKind.WECOM else secret,
        "language": details.language,
        "audience": details.audience,
        "subjects": [subject.value for subject in NoticeSubject if subject in details.subjects],
        "is_active": details.is_active,
        **_inbound(kind, details, own),
    }


def _inbound(kind: HookKind, details: ChannelDetails, own: MessageChannel | None) -> dict[str, Any]:
    """What it hears with. A channel that hears no more forgets its address here and its keys."""
    if not details.hears:
        return {"inbound_ref": None, "inbound_token": "", "inbound_key": "", "inbound_receiver": ""}
    token = details.inbound_token.strip() or (own.inbound_token if own else "")
    key = details.inbound_key.strip() or (own.inbound_key if own else "")
    require_inbound(kind, token, key)
    return {
        "inbound_ref": (own.inbound_ref if own else None) or secrets.token_urlsafe(24),
        "inbound_token": token,
        "inbound_key": key,
        "inbound_receiver": details.inbound_receiver.strip() if kind is HookKind.WECOM else "",
    }


def _stop_waiting(channel: MessageChannel) -> None:
    db.session.execute(
        update(Notice)
        .where(Notice.channel_id == channel.id, Notice.state == NoticeState.QUEUED)
        .values(state=NoticeState.FAILED, next_try_at=None, fail_reason=FailReason.CHANNEL_OFF)
    )


def try_channel(channel_id: int, *, actor: User, now: datetime) -> Notice:
    """Queue a message that says that the channel works; a paused one can be tried too."""
    channel = _get(channel_id, actor)
    message = Message(
        CHANNEL_TEST,
        Recipient(channel.name, "", channel.language),
        {"url": "/channels", "name": channel.name, "who": actor.name, "at": now.isoformat()},
        f"{CHANNEL_TEST}:{channel.id}:{now.isoformat()}",
        account_id=channel.account_id,
    )
    notice = Notice(**to_channel(message, channel, now))
    db.session.add(notice)
    audit.record("channel_tested", channel, actor=actor, now=now)
    return notice
