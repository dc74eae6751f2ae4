"""The outbox: what is due is taken by one worker, and every try to deliver it is written down."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, literal_column, or_, select, update

from service_desk.base.errors import Conflict, NotFound
from service_desk.models.db import db
from service_desk.models.notices import (
    Channel,
    DeliveryTry,
    FailReason,
    MessageChannel,
    Notice,
    NoticeState,
)
from service_desk.models.users import User
from service_desk.rules.notice_subjects import CHANNEL_TEST, DIGEST
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.notices import alarms, bounces, wishes

# Growing delays; after the last the notice is given up and shown as failed.
RETRY_MINUTES = (1, 5, 15, 60, 240, 720)
# A worker that dies while sending leaves the notice to another after this long.
TAKEN_FOR = timedelta(minutes=10)
# More messages than this that wait for one bot become one: its group reads one list, not a flood that the
# vendor would refuse anyway.
CROWD = 5
MOST_TOGETHER = 200
# The vendors count by the minute.
BUSY_FOR = timedelta(minutes=1)


def claim_due_notice(
    now: datetime, *, without_mail: bool = False, without_channels: Collection[int] = ()
) -> Notice | None:
    """Take the next message that is due, so that no other worker takes it; None when nothing is due."""
    wanted: list[ColumnElement[bool]] = []
    if without_mail:
        wanted.append(Notice.channel != Channel.MAIL)
    if without_channels:
        wanted.append(or_(Notice.channel_id.is_(None), Notice.channel_id.not_in(without_channels)))
    while True:
        due = select(Notice.id).where(*_is_due(now), *wanted).order_by(Notice.next_try_at, Notice.id).limit(1)
        found = db.session.scalar(due)
        if found is None:
            return None
        if _take([found], now):
            return db.session.get_one(Notice, found, populate_existing=True)


def claim_companions(notice: Notice, now: datetime) -> list[int]:
    """Take what else waits for the same bot, when it is many; nothing for a webhook, which reads each by itself."""
    if notice.channel_id is None or notice.channel is Channel.WEBHOOK:
        return []
    waiting = (
        select(Notice.id)
        .where(*_is_due(now), Notice.channel_id == notice.channel_id, Notice.kind != CHANNEL_TEST)
        .order_by(Notice.next_try_at, Notice.id)
        .limit(MOST_TOGETHER)
    )
    ids = list(db.session.scalars(waiting))
    return _take(ids, now) if len(ids) >= CROWD and notice.kind != CHANNEL_TEST else []


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    # The state written out: else the index of what is due is not used.
    return Notice.state == literal_column(f"'{NoticeState.QUEUED}'"), Notice.next_try_at <= now


def _take(ids: Collection[int], now: datetime) -> list[int]:
    """Take those that nobody else has taken meanwhile."""
    statement = update(Notice).where(Notice.id.in_(ids), *_is_due(now))
    taken = db.session.scalars(
        statement.values(next_try_at=now + TAKEN_FOR).returning(Notice.id),
        execution_options={"synchronize_session": False},
    )
    return sorted(taken)


def put_off(notice: Notice, now: datetime) -> bool:
    """Let a mail wait that has come into its reader's quiet hours: a retry, or what an outage held up."""
    if notice.channel is not Channel.MAIL or notice.user_id is None:
        return False
    until = wishes.quiet_end(notice.user_id, notice.kind, now)
    if until is None:
        return False
    notice.next_try_at = until
    return True


def hold_channel(channel_id: int, taken: Collection[int], *, now: datetime) -> None:
    """Let everything that waits for a channel wait until it may take messages again; `taken` was not tried itself."""
    waits = or_(Notice.next_try_at <= now + BUSY_FOR, Notice.id.in_(taken))
    db.session.execute(
        update(Notice)
        .where(Notice.channel_id == channel_id, Notice.state == NoticeState.QUEUED, waits)
        .values(next_try_at=now + BUSY_FOR)
    )


def record_sent(notice: Notice, detail: str, *, now: datetime) -> None:
    """Note that the message was handed over; with a digest, that what it told was."""
    notice.state, notice.sent_at, notice.next_try_at = NoticeState.SENT, now, None
    notice.fail_reason = None
    notice.tries += 1
    db.session.add(DeliveryTry(notice_id=notice.id, at=now, succeeded=True, detail=detail[:2000]))
    if notice.kind == DIGEST:
        db.session.execute(
            update(Notice)
            .where(Notice.digest_id == notice.id, Notice.state == NoticeState.HELD)
            .values(state=NoticeState.SENT, sent_at=now)
        )


def record_failed(
    notice: Notice,
    detail: str,
    *,
    permanent: bool,
    now: datetime,
    reason: FailReason = FailReason.REFUSED,
) -> None:
    """Note a failed try: again after a growing delay, or given up when permanent or out of tries.

    What is given up is told to the account's managers where the client or a channel does not get it.
    """
    notice.tries += 1
    db.session.add(DeliveryTry(notice_id=notice.id, at=now, succeeded=False, detail=detail[:2000]))
    if permanent:
        _give_up(notice, reason, now)
    elif notice.tries > len(RETRY_MINUTES):
        _give_up(notice, FailReason.GAVE_UP, now)
    else:
        notice.next_try_at = now + timedelta(minutes=RETRY_MINUTES[notice.tries - 1])


def record_bounce(notice: Notice, said: str, *, now: datetime) -> None:
    """Note that the address was refused for good: nothing more is sent there."""
    record_failed(notice, said, permanent=True, now=now)
    bounces.mark(notice, said, now=now)


def why_not_tried(notice: Notice) -> FailReason | None:
    """Why a mail that is due is not even tried; None when nothing speaks against it."""
    if notice.user_id is not None and not db.session.get_one(User, notice.user_id).is_active:
        return FailReason.LOGIN_CLOSED
    return FailReason.BOUNCING if bounces.is_bouncing(notice.address) else None


def record_not_tried(notice: Notice, reason: FailReason, *, now: datetime) -> None:
    """Note that a message was not even tried: by `why_not_tried`, or its channel is paused."""
    _give_up(notice, reason, now)


def set_aside(notice: Notice, detail: str, *, now: datetime) -> None:
    """Put a message that cannot be put into words out of the way of the others, until somebody mends it."""
    notice.tries += 1
    db.session.add(DeliveryTry(notice_id=notice.id, at=now, succeeded=False, detail=detail[:2000]))
    notice.state, notice.next_try_at = NoticeState.SET_ASIDE, None
    notice.fail_reason = FailReason.NOT_RENDERED
    alarms.tell(notice, now=now)


def _give_up(notice: Notice, reason: FailReason, now: datetime) -> None:
    notice.state, notice.next_try_at, notice.fail_reason = NoticeState.FAILED, None, reason
    # Whoever closed a login meant it to get nothing more.
    if reason is not FailReason.LOGIN_CLOSED:
        alarms.tell(notice, now=now)


def send_again(notice_id: int, *, seen: int | None = None, actor: User, now: datetime) -> bool:
    """Put a message back into the queue, whatever became of it. Its address counts as good again.

    The row itself waits again, and once however often it is asked: False, and nothing is written, when it waits for
    its first try already, or when another try than `seen` (the latest the asker was shown, 0 for none) was made since.
    Conflict: channel_paused, digest_told_since.
    """
    access.require(actor, Action.READ_DELIVERY_LOG)
    known = access.get_visible(actor, Action.READ_DELIVERY_LOG, Notice, Notice.id == notice_id)
    notice = db.session.get_one(Notice, known.id, with_for_update=True, populate_existing=True)
    if notice.channel is Channel.IN_APP:
        raise NotFound("not_found")
    if _waits(notice) or (seen is not None and seen != _latest_try(notice)):
        return False
    _check_may_go(notice)
    if notice.channel is Channel.MAIL:
        bounces.forget(notice.address)
    changes = audit.change(
        notice, state=NoticeState.QUEUED, next_try_at=now, tries=0, fail_reason=None, digest_id=None
    )
    audit.record("notice_sent_again", notice, actor=actor, now=now, label=notice.kind, changes=changes)
    return True


def _waits(notice: Notice) -> bool:
    """Queued and not tried yet, or being tried just now: another queueing would send it twice."""
    return notice.state is NoticeState.QUEUED and notice.tries == 0


def _latest_try(notice: Notice) -> int:
    latest = select(func.max(DeliveryTry.id)).where(DeliveryTry.notice_id == notice.id)
    return db.session.scalar(latest) or 0


def _check_may_go(notice: Notice) -> None:
    channel = db.session.get(MessageChannel, notice.channel_id) if notice.channel_id else None
    if channel is not None and not channel.is_active and notice.kind != CHANNEL_TEST:
        raise Conflict("channel_paused", name=channel.name)
    # What a digest that got lost should have told stands in the next one.
    told = exists().where(Notice.digest_id == notice.id)
    if notice.kind == DIGEST and not db.session.scalar(select(told)):
        raise Conflict("digest_told_since")
