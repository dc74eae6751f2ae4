"""Delivers the outbox: takes what is due, puts it into words, hands it over, writes down how it went.

No database transaction is open while the network is waited for. A process that dies between sending and
writing leaves the message to the next one, which sends it under the same Message-ID.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Protocol

import structlog
from flask import current_app

from service_desk.adapters import mailer
from service_desk.adapters.mailer import (
    AddressRefused,
    BadAddress,
    MailError,
    OutboxFolder,
    PermanentError,
    Postman,
    ServerUnreachable,
)
from service_desk.jobs import channel_delivery
from service_desk.jobs.runner import Fault, Tally, guarded
from service_desk.models.db import db, unit_of_work
from service_desk.models.notices import FailReason, Notice
from service_desk.presenters import mail
from service_desk.services import notices

log = structlog.get_logger()

BATCH = 200


class _Carrier(Protocol):
    def send(self, message: EmailMessage) -> str: ...


@dataclass
class _Shut:
    """What takes nothing more in this run: no use in trying the next message there."""

    mail: bool = False
    channels: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class _Taken:
    """What was taken to be delivered in one go: a mail, or what waits for one channel."""

    ids: tuple[int, ...]
    channel_id: int | None


def run(now: datetime) -> Tally:
    """Deliver what is due, at most a batch; the next run goes on."""
    tally, shut = Tally(), _Shut()
    with _carrier() as carrier:
        for _ in range(BATCH):
            taken = _take(shut, now)
            if taken is None:
                break
            if taken.channel_id is None:
                delivered, may_go_on = _deliver(carrier, taken.ids[0], now)
                tally += Tally(done=1) if delivered else Tally(failed=1)
                shut.mail = shut.mail or not may_go_on
                continue
            outcome = channel_delivery.deliver(taken.channel_id, taken.ids, now)
            tally += outcome.tally
            if not outcome.may_go_on:
                shut.channels.add(taken.channel_id)
    return tally


def _take(shut: _Shut, now: datetime) -> _Taken | None:
    with unit_of_work():
        while True:
            notice = notices.claim_due_notice(now, without_mail=shut.mail, without_channels=shut.channels)
            if notice is None:
                return None
            if not notices.put_off(notice, now):
                break
            db.session.flush()
        others = notices.claim_companions(notice, now)
        return _Taken((notice.id, *others), notice.channel_id)


def _carrier() -> AbstractContextManager[_Carrier]:
    config = current_app.extensions["desk_config"]
    if config.smtp is None:
        return OutboxFolder(config.instance_dir / "outbox")
    return Postman(config.smtp)


def _deliver(carrier: _Carrier, notice_id: int, now: datetime) -> tuple[bool, bool]:
    """Send one mail and record it: whether it went out, and whether the next one is worth trying."""
    why_not = notices.why_not_tried(db.session.get_one(Notice, notice_id))
    if why_not is not None:
        with unit_of_work():
            notices.record_not_tried(db.session.get_one(Notice, notice_id), why_not, now=now)
        return False, True
    message = guarded("notice_delivery", notice_id, lambda: _message(notice_id, now))
    # Sending must not hold the database, on SQLite not even for reading an old state.
    db.session.rollback()
    if isinstance(message, Fault):
        with unit_of_work():
            notices.set_aside(db.session.get_one(Notice, notice_id), message.reason, now=now)
        return False, True
    if isinstance(message, BadAddress):
        _record_failed(notice_id, message, FailReason.BAD_ADDRESS, now)
        return False, True
    try:
        said = carrier.send(message)
    except MailError as error:
        _record_failed(notice_id, error, FailReason.REFUSED, now)
        return False, not isinstance(error, ServerUnreachable)
    with unit_of_work():
        notice = db.session.get_one(Notice, notice_id)
        notice.message_id = str(message["Message-ID"])
        notices.record_sent(notice, said, now=now)
    return True, True


def _message(notice_id: int, now: datetime) -> EmailMessage | BadAddress:
    config: Any = current_app.extensions["desk_config"]
    notice = db.session.get_one(Notice, notice_id)
    words = mail.render(notice, base_url=config.public_url)
    try:
        return mailer.compose(words, sender=config.mail_from, reply_to=config.mail_reply_to, now=now)
    except BadAddress as error:
        return error


def _record_failed(notice_id: int, error: Exception, reason: FailReason, now: datetime) -> None:
    permanent = isinstance(error, PermanentError | BadAddress)
    log.warning("notice_not_delivered", notice_id=notice_id, permanent=permanent, error=type(error).__name__)
    with unit_of_work():
        notice = db.session.get_one(Notice, notice_id)
        if isinstance(error, AddressRefused):
            notices.record_bounce(notice, str(error), now=now)
        else:
            notices.record_failed(notice, str(error), permanent=permanent, now=now, reason=reason)
