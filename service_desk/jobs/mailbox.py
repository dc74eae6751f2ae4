"""Reads the mailboxes that are due: each by one worker, each mail in a unit of work of its own.

No transaction is open while the network is waited for. A worker that dies leaves the mailbox to another, which goes on
after the last mail that was taken; what is read twice is taken once.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Any

import structlog
from flask import current_app

from service_desk.adapters import mail_reader
from service_desk.adapters.channels import trusted_hosts
from service_desk.adapters.file_store import FileStore
from service_desk.adapters.mailbox import MOST_AT_ONCE, Arrived, Login, MailboxError, MailboxReader, Place
from service_desk.jobs.runner import Fault, Tally, guarded
from service_desk.models.db import db, unit_of_work
from service_desk.models.mailboxes import Mailbox
from service_desk.services import arrivals

log = structlog.get_logger()

# One run reads no more; the next, a minute later, goes on.
MOST_MAILBOXES = 50


@dataclass(frozen=True)
class _Taken:
    """A mailbox as it was when it was taken."""

    id: int
    version: int
    login: Login
    place: Place


def run(now: datetime) -> Tally:
    """Read what is due. One mailbox that does not answer costs the others nothing but its time."""
    tally = Tally()
    for _ in range(MOST_MAILBOXES):
        taken = _take(now)
        if taken is None:
            break
        tally += _read(taken, now)
    return tally


def _take(now: datetime) -> _Taken | None:
    with unit_of_work():
        mailbox = arrivals.claim_due_mailbox(now)
        return _Taken(mailbox.id, mailbox.version, _login(mailbox), _place(mailbox)) if mailbox else None


def _login(mailbox: Mailbox) -> Login:
    return Login(
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security.value,
        user=mailbox.username,
        password=mailbox.mail_password,
        folder=mailbox.folder,
    )


def _place(mailbox: Mailbox) -> Place:
    return Place(mailbox.uidvalidity, mailbox.last_uid, mailbox.last_ok_at or mailbox.created_at)


def _read(taken: _Taken, now: datetime) -> Tally:
    tally, seen = Tally(), 0
    try:
        with MailboxReader(taken.login, trusted_hosts()) as reader:
            for arrived in reader.new_since(taken.place):
                seen += 1
                tally += _receive(taken, arrived, now)
            place = (reader.uidvalidity, reader.uidnext - 1)
    except MailboxError as error:
        log.warning("mailbox_not_read", mailbox_id=taken.id, error=type(error.__cause__ or error).__name__)
        with unit_of_work():
            arrivals.record_unread(taken.id, str(error), version=taken.version, now=now)
        return tally + Tally(failed=1)
    with unit_of_work():
        if not seen and place[0] != taken.place.uidvalidity:
            arrivals.keep_place(taken.id, *place, version=taken.version)
        arrivals.record_read(taken.id, version=taken.version, now=now, has_more=seen >= MOST_AT_ONCE)
    return tally


def _receive(taken: _Taken, arrived: Arrived, now: datetime) -> Tally:
    """Take one mail; what cannot be dealt with is kept with the reason and looked at by a person."""
    name = f"{taken.id}:{arrived.uid}"
    outcome = guarded("mailbox", name, lambda: _take_mail(taken, arrived, now))
    db.session.rollback()
    if not isinstance(outcome, Fault):
        return outcome
    code = outcome.code or "fault"
    kept = guarded("mailbox", name, lambda: _set_aside(taken, arrived, code, now))
    db.session.rollback()
    if isinstance(kept, Fault):
        # Not of this mail: the disk is full, the database is away. It stays where it is until that is mended.
        raise MailboxError(kept.code)
    return Tally(failed=1)


def _set_aside(taken: _Taken, arrived: Arrived, code: str, now: datetime) -> None:
    with unit_of_work():
        arrivals.set_aside(taken.id, arrived, _store(), code, now=now)
        arrivals.keep_place(taken.id, arrived.uidvalidity, arrived.uid, version=taken.version)


def _take_mail(taken: _Taken, arrived: Arrived, now: datetime) -> Tally:
    letter = mail_reader.read(arrived.raw)
    with unit_of_work():
        if arrived.is_too_large:
            row = arrivals.refuse_large(taken.id, arrived, letter, now=now)
        else:
            row = arrivals.receive(taken.id, arrived, letter, _store(), own=_own_addresses(), now=now)
        arrivals.keep_place(taken.id, arrived.uidvalidity, arrived.uid, version=taken.version)
    return Tally(done=1) if row is not None else Tally()


def _store() -> FileStore:
    store: FileStore = current_app.extensions["file_store"]
    return store


def _own_addresses() -> tuple[str, ...]:
    """What the desk itself writes from: a mail that says so is a loop."""
    config: Any = current_app.extensions["desk_config"]
    return tuple(parseaddr(one)[1] for one in (config.mail_from, config.mail_reply_to) if one)
