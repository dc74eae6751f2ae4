"""The digest: once a day one mail tells a person what was held for it."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, literal_column, or_, select, update
from sqlalchemy.orm import aliased

from service_desk.base.clock import CHINA
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice, NoticePreference, NoticeState
from service_desk.models.users import User
from service_desk.rules.notice_subjects import DIGEST
from service_desk.rules.quiet_hours import digest_day
from service_desk.services.notices import bounces, wishes
from service_desk.services.notices.queueing import Message, queue_many, user_recipient

# A digest that ended so told nobody anything.
_LOST = (NoticeState.FAILED, NoticeState.SET_ASIDE)
# So many are listed; the rest is only counted, for each of them is in the app.
MOST_LINES = 100


def list_due(now: datetime) -> list[int]:
    """Those whose digest of today is due and has something to tell, by id.

    Who has an address that bounces is told when it is mended.
    """
    holding = select(Notice.user_id).where(*_is_held())
    rows = db.session.execute(
        wishes.with_zone(select(NoticePreference))
        .add_columns(User.email)
        .join(User, User.id == NoticePreference.user_id)
        .where(NoticePreference.user_id.in_(holding), User.is_active, User.email != "")
        .order_by(NoticePreference.user_id)
    ).all()
    bouncing = bounces.among({email for _preference, _zone, email in rows})
    due = {
        preference.user_id: day
        for preference, zone, email in rows
        for day in [digest_day(now, preference.digest_at, ZoneInfo(zone) if zone else CHINA)]
        if day is not None and email not in bouncing
    }
    keys = {_key(user_id, day): user_id for user_id, day in due.items()}
    made = set(db.session.scalars(select(Notice.dedupe_key).where(Notice.dedupe_key.in_(list(keys)))))
    return [user_id for key, user_id in keys.items() if key not in made]


def make(user_id: int, *, now: datetime) -> None:
    """Queue the digest of a person's day with all that is held; nothing when it is made already."""
    # A second worker waits here, and then finds the digest made.
    preference, zone = db.session.execute(
        wishes.with_zone(select(NoticePreference))
        .where(NoticePreference.user_id == user_id)
        .with_for_update(of=NoticePreference)
    ).one()
    day = digest_day(now, preference.digest_at, ZoneInfo(zone) if zone else CHINA)
    known = select(Notice.id).where(Notice.dedupe_key == (_key(user_id, day) if day else ""))
    if day is None or db.session.scalar(known) is not None:
        return
    held = db.session.execute(
        select(Notice.id, Notice.account_id)
        .where(*_is_held(), Notice.user_id == user_id)
        .order_by(Notice.created_at, Notice.id)
    ).all()
    if held:
        _queue(db.session.get_one(User, user_id), day, held, now)


def _queue(user: User, day: date, held: Collection[Any], now: datetime) -> None:
    ids = [row.id for row in held]
    accounts = {row.account_id for row in held}
    params = {
        "url": "/notices",
        "day": day.isoformat(),
        "count": len(ids),
        "notice_ids": ids[:MOST_LINES],
    }
    message = Message(
        DIGEST,
        user_recipient(user),
        params,
        f"{DIGEST}:{day.isoformat()}",
        account_id=accounts.pop() if len(accounts) == 1 else None,
        channels=(Channel.MAIL,),
    )
    queue_many([message], now=now)
    digest_id = db.session.scalars(select(Notice.id).where(Notice.dedupe_key == _key(user.id, day))).one()
    db.session.execute(update(Notice).where(Notice.id.in_(ids)).values(digest_id=digest_id))


def _key(user_id: int, day: date) -> str:
    return f"{DIGEST}:{day.isoformat()}:u{user_id}:{Channel.MAIL.value}"


def _is_held() -> tuple[ColumnElement[bool], ...]:
    """Held and in no digest yet, or in one that did not arrive."""
    digest = aliased(Notice)
    is_lost = exists().where(digest.id == Notice.digest_id, digest.state.in_(_LOST))
    # The state written out: else the index of what is held is not used.
    return Notice.state == literal_column(f"'{NoticeState.HELD}'"), or_(Notice.digest_id.is_(None), is_lost)


def list_told(notice_ids: Collection[int]) -> list[Notice]:
    """The messages a digest tells, oldest first; what was taken back meanwhile is left out."""
    statement = select(Notice).where(Notice.id.in_(notice_ids)).order_by(Notice.created_at, Notice.id)
    return list(db.session.scalars(statement))
