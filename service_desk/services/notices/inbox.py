"""What a person reads in the app: their own messages, newest first."""

from datetime import datetime

from sqlalchemy import Select, func, select, update

from service_desk.base.errors import NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.models.notices import Channel, Notice
from service_desk.models.users import User


def unread_count(user: User) -> int:
    """How many in-app notices the user has not read."""
    return _unread(user.id).scalar() or 0


@built_once
def _unread(user_id: int) -> Select[tuple[int]]:
    """Made once: every page asks."""
    unread = _inbox(user_id).where(Notice.read_at.is_(None))
    return unread.with_only_columns(func.count(Notice.id))


def list_inbox(user: User, page: PageRequest) -> Page[Notice]:
    """The user's in-app notices, newest first."""
    total = db.session.scalar(select(func.count()).select_from(_inbox(user.id).subquery())) or 0
    ordered = _inbox(user.id).order_by(Notice.created_at.desc(), Notice.id.desc())
    rows = db.session.scalars(ordered.limit(page.size).offset(page.offset)).all()
    return Page(rows, total, page.number, page.size)


def get_inbox_notice(user: User, notice_id: int) -> Notice:
    """One of the user's own messages; NotFound otherwise."""
    notice = db.session.scalar(_inbox(user.id).where(Notice.id == notice_id))
    if notice is None:
        raise NotFound("not_found")
    return notice


def _inbox(user_id: int) -> Select[tuple[Notice]]:
    return select(Notice).where(Notice.user_id == user_id, Notice.channel == Channel.IN_APP)


def mark_read(user: User, notice_id: int | None, *, now: datetime) -> None:
    """Mark one of the user's notices read, or all of them with None."""
    statement = update(Notice).where(
        Notice.user_id == user.id, Notice.channel == Channel.IN_APP, Notice.read_at.is_(None)
    )
    if notice_id is not None:
        statement = statement.where(Notice.id == notice_id)
    db.session.execute(statement.values(read_at=now))
