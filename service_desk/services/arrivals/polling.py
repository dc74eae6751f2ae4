"""Which mailbox is read next, by one worker at a time, and how that went."""

from datetime import datetime, timedelta

from sqlalchemy import Boolean, ColumnElement, literal_column, select, update

from service_desk.models.db import db
from service_desk.models.mailboxes import Mailbox
from service_desk.models.users import User
from service_desk.rules.inbound_mail import RETRY_MINUTES, next_poll
from service_desk.rules.notice_subjects import MAILBOX_ATTENTION
from service_desk.rules.permissions import Role
from service_desk.services import access
from service_desk.services.notices import queue, user_recipient

# A worker that dies while reading leaves the mailbox to another after this long. What it had taken stays taken.
TAKEN_FOR = timedelta(minutes=10)


def claim_due_mailbox(now: datetime) -> Mailbox | None:
    """Take the next mailbox that is due, so that no other worker reads it; None when none is."""
    while True:
        due = select(Mailbox.id).where(*_is_due(now)).order_by(Mailbox.next_poll_at, Mailbox.id).limit(1)
        found = db.session.scalar(due)
        if found is None:
            return None
        taken = db.session.execute(
            update(Mailbox)
            .where(Mailbox.id == found, *_is_due(now))
            .values(next_poll_at=now + TAKEN_FOR, last_polled_at=now),
            execution_options={"synchronize_session": False},
        )
        if taken.rowcount:  # type: ignore[attr-defined]
            return db.session.get_one(Mailbox, found, populate_existing=True)


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    # Written out as the index of what is due is.
    return literal_column("is_active", Boolean), Mailbox.next_poll_at <= now


def keep_place(mailbox_id: int, uidvalidity: int, uid: int, *, version: int) -> None:
    """Note that all mails up to this one are known, of the mailbox as it was when it was taken.

    One that was changed meanwhile is perhaps another: it begins at its own place.
    """
    # Past the version: somebody who edits the mailbox meanwhile is not to be told that it changed.
    db.session.execute(
        update(Mailbox)
        .where(Mailbox.id == mailbox_id, Mailbox.version == version)
        .values(uidvalidity=uidvalidity, last_uid=uid)
    )


def record_read(mailbox_id: int, *, version: int, now: datetime, has_more: bool) -> None:
    """Note that the mailbox was read; `has_more`: it is to be read again at once. Nothing of one changed meanwhile."""
    mailbox = db.session.get_one(Mailbox, mailbox_id, populate_existing=True)
    if mailbox.version != version:
        return
    due = now if has_more else next_poll(now, mailbox.poll_minutes, 0)
    db.session.execute(
        update(Mailbox)
        .where(Mailbox.id == mailbox_id)
        .values(next_poll_at=due, last_ok_at=now, last_error="", failures=0)
    )


def record_unread(mailbox_id: int, said: str, *, version: int, now: datetime) -> None:
    """Note that the mailbox could not be read: again after a growing delay; whoever runs it is told once it lasts."""
    mailbox = db.session.get_one(Mailbox, mailbox_id, populate_existing=True)
    if mailbox.version != version:
        return
    failures = mailbox.failures + 1
    db.session.execute(
        update(Mailbox)
        .where(Mailbox.id == mailbox_id)
        .values(
            next_poll_at=next_poll(now, mailbox.poll_minutes, failures),
            last_error=said[:2000],
            failures=failures,
        )
    )
    if failures == len(RETRY_MINUTES):
        tell_keepers(mailbox, "unreadable", said, now=now)


def tell_keepers(mailbox: Mailbox, what: str, said: str, *, now: datetime) -> None:
    """Tell who runs a mailbox that it wants a person, once a day for each thing: `unsorted`, `set_aside`, `unreadable`."""
    for user in _keepers(mailbox):
        queue(
            MAILBOX_ATTENTION,
            user_recipient(user),
            {
                "name": mailbox.name,
                "what": what,
                "said": said[:300],
                "url": f"/mailboxes/mails?mailbox={mailbox.id}",
            },
            dedupe=f"{MAILBOX_ATTENTION}:{mailbox.id}:{what}:{now.date().isoformat()}",
            now=now,
            account_id=mailbox.account_id,
            is_shared=False,
        )


def _keepers(mailbox: Mailbox) -> list[User]:
    """The managers of its account; of one for all, and where there is no manager, the administrators."""
    managers = access.account_members(mailbox.account_id, Role.MANAGER) if mailbox.account_id else []
    return managers or access.administrators()
