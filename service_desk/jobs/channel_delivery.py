"""Delivers to one bot or webhook: a message by itself, or what waits for a bot gathered into one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import select

from service_desk.adapters import channels
from service_desk.adapters.channels import (
    ChannelBusy,
    ChannelError,
    ChannelRefused,
    ChannelUnreachable,
    Hook,
)
from service_desk.jobs.runner import Fault, Tally, guarded
from service_desk.models.db import db, unit_of_work
from service_desk.models.notices import FailReason, MessageChannel, Notice
from service_desk.presenters import bulletins, mail
from service_desk.rules.notice_subjects import CHANNEL_TEST
from service_desk.services import notices

log = structlog.get_logger()


@dataclass(frozen=True)
class Outcome:
    """How many messages went out or did not, and whether the channel's next are worth trying."""

    tally: Tally
    may_go_on: bool = True


def deliver(channel_id: int, notice_ids: Sequence[int], now: datetime) -> Outcome:
    """Send what was taken for a channel and record it, each message by itself."""
    channel = db.session.get_one(MessageChannel, channel_id)
    hook, is_active = Hook(channel.kind, channel.hook_url, channel.hook_secret), channel.is_active
    kinds = set(db.session.scalars(select(Notice.kind).where(Notice.id.in_(notice_ids))))
    if not is_active and kinds != {CHANNEL_TEST}:
        return _not_tried(notice_ids, now)
    told = _told(notice_ids, now)
    if not told:
        return Outcome(Tally(failed=len(notice_ids)))
    bulletin = _bulletin(told)
    # Sending must not hold the database, on SQLite not even for reading an old state.
    db.session.rollback()
    try:
        said = channels.send(hook, channels.request_for(hook.kind, bulletin, hook.secret, now))
    except ChannelError as error:
        _record_failed(channel_id, told, error, now)
        return Outcome(Tally(failed=len(notice_ids)), may_go_on=_may_go_on(error))
    with unit_of_work():
        for notice_id in told:
            notice = db.session.get_one(Notice, notice_id)
            notice.message_id = bulletin.message_id
            notices.record_sent(notice, said, now=now)
    return Outcome(Tally(done=len(told), failed=len(notice_ids) - len(told)))


def _told(notice_ids: Sequence[int], now: datetime) -> list[int]:
    """Those that can be put into words; the others are set aside, so that they cost the rest nothing."""
    told = []
    for notice_id in notice_ids:
        words = guarded("channel_delivery", notice_id, partial(_try_words, notice_id, len(notice_ids) == 1))
        db.session.rollback()
        if not isinstance(words, Fault):
            told.append(notice_id)
            continue
        with unit_of_work():
            notices.set_aside(db.session.get_one(Notice, notice_id), words.reason, now=now)
    return told


def _try_words(notice_id: int, is_alone: bool) -> None:
    """What stands in a gathering shows only its subject."""
    notice = db.session.get_one(Notice, notice_id)
    if is_alone:
        _bulletin([notice_id])
    else:
        mail.subject_line(notice)


def _bulletin(notice_ids: Sequence[int]) -> channels.Bulletin:
    config: Any = current_app.extensions["desk_config"]
    told = [db.session.get_one(Notice, notice_id) for notice_id in notice_ids]
    if len(told) == 1:
        return bulletins.bulletin(told[0], base_url=config.public_url)
    return bulletins.gathered(told, base_url=config.public_url)


def _may_go_on(error: ChannelError) -> bool:
    """A refusal for good may be of this message only; one that passes is of the channel."""
    return isinstance(error, ChannelRefused)


def _record_failed(channel_id: int, notice_ids: Sequence[int], error: ChannelError, now: datetime) -> None:
    permanent = isinstance(error, ChannelRefused)
    log.warning(
        "channel_not_delivered",
        channel_id=channel_id,
        notices=len(notice_ids),
        permanent=permanent,
        error=type(error).__name__,
    )
    # What a channel cannot take now says nothing of the messages: the first bears the try, the others wait.
    is_of_channel = isinstance(error, ChannelBusy | ChannelUnreachable)
    tried, others = (notice_ids[:1], notice_ids[1:]) if is_of_channel else (notice_ids, [])
    with unit_of_work():
        for notice_id in tried:
            notice = db.session.get_one(Notice, notice_id)
            notices.record_failed(notice, str(error), permanent=permanent, now=now)
        if is_of_channel:
            db.session.flush()
            notices.hold_channel(channel_id, others, now=now)


def _not_tried(notice_ids: Sequence[int], now: datetime) -> Outcome:
    with unit_of_work():
        for notice_id in notice_ids:
            notices.record_not_tried(db.session.get_one(Notice, notice_id), FailReason.CHANNEL_OFF, now=now)
    return Outcome(Tally(failed=len(notice_ids)))
