"""Delivers the outbox: takes what is due, renders it, hands it to the mail server, writes down how it went.

No database transaction is open while the network is waited for. A process that dies between sending and
writing leaves the notice to the next one, which sends it under the same Message-ID.
"""

from contextlib import AbstractContextManager
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Protocol

import structlog
from flask import current_app

from service_desk.adapters import mailer
from service_desk.adapters.mailer import (
    OutboxFolder,
    PermanentError,
    Postman,
    ServerUnreachable,
    TemporaryError,
)
from service_desk.jobs.runner import Fault, Tally, guarded
from service_desk.models.db import db, unit_of_work
from service_desk.models.notices import Notice
from service_desk.presenters import mail
from service_desk.services import notices

log = structlog.get_logger()

BATCH = 200


class _Carrier(Protocol):
    def send(self, message: EmailMessage) -> str: ...


def run(now: datetime) -> Tally:
    """Deliver what is due, at most a batch; the next run goes on."""
    tally = Tally()
    with _carrier() as carrier:
        for _ in range(BATCH):
            with unit_of_work():
                notice = notices.claim_due_notice(now)
                notice_id = notice.id if notice else None
            if notice_id is None:
                break
            delivered, may_go_on = _deliver(carrier, notice_id, now)
            tally += Tally(done=1) if delivered else Tally(failed=1)
            if not may_go_on:
                break
    return tally


def _carrier() -> AbstractContextManager[_Carrier]:
    config = current_app.extensions["desk_config"]
    if config.smtp is None:
        return OutboxFolder(config.instance_dir / "outbox")
    return Postman(config.smtp)


def _deliver(carrier: _Carrier, notice_id: int, now: datetime) -> tuple[bool, bool]:
    """Send one notice and record it: whether it went out, and whether the next one is worth trying."""
    message = guarded("notice_delivery", notice_id, lambda: _message(notice_id, now))
    # Sending must not hold the database, on SQLite not even for reading an old state.
    db.session.rollback()
    if isinstance(message, Fault):
        _record_failed(notice_id, message.reason, permanent=True, now=now)
        return False, True
    try:
        said = carrier.send(message)
    except (PermanentError, TemporaryError) as error:
        permanent = isinstance(error, PermanentError)
        log.warning("notice_not_delivered", notice_id=notice_id, permanent=permanent, error=str(error))
        _record_failed(notice_id, str(error), permanent=permanent, now=now)
        return False, not isinstance(error, ServerUnreachable)
    with unit_of_work():
        notice = db.session.get_one(Notice, notice_id)
        notice.message_id = str(message["Message-ID"])
        notices.record_sent(notice, said, now=now)
    return True, True


def _message(notice_id: int, now: datetime) -> EmailMessage:
    config: Any = current_app.extensions["desk_config"]
    notice = db.session.get_one(Notice, notice_id)
    words = mail.render(notice, base_url=config.public_url)
    return mailer.compose(words, sender=config.mail_from, reply_to=config.mail_reply_to, now=now)


def _record_failed(notice_id: int, reason: str, *, permanent: bool, now: datetime) -> None:
    with unit_of_work():
        notices.record_failed(db.session.get_one(Notice, notice_id), reason, permanent=permanent, now=now)
