"""The delivery log: what went out, to whom, with every try, for those who run an account."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, or_, select

from service_desk.base.clock import CHINA, end_of_day, start_of_day
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern
from service_desk.models.accounts import Contact
from service_desk.models.db import db
from service_desk.models.notices import Channel, DeliveryTry, Notice, NoticeState
from service_desk.models.users import User
from service_desk.rules.notice_subjects import NoticeSubject, kinds_of
from service_desk.rules.permissions import Action, Scope
from service_desk.services import access
from service_desk.services.notices import bounces


@dataclass(frozen=True)
class LogFilter:
    """Which messages are wanted; None and empty mean any. Days are whole local days, both included.

    What is only shown in the app is left out unless that channel is asked for: it cannot get lost.
    """

    state: NoticeState | None = None
    channel: Channel | None = None
    subject: NoticeSubject | None = None
    number: str = ""
    recipient: str = ""
    from_on: date | None = None
    to_on: date | None = None


@dataclass(frozen=True)
class LogLine:
    """A message, its tries with the latest first, and whether its address bounces.

    `is_known`: it went to a login, a contact person or a group, not to somebody from outside.
    """

    notice: Notice
    tries: tuple[DeliveryTry, ...]
    is_bouncing: bool = False
    is_known: bool = True


def list_log(
    account_id: int, wanted: LogFilter, page: PageRequest, *, actor: User, zone: ZoneInfo = CHINA
) -> Page[LogLine]:
    """The messages of an account that fit, latest first; an administrator's without account too."""
    statement = _statement(account_id, wanted, actor, zone)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.scalars(_latest_first(statement).limit(page.size).offset(page.offset)).all()
    return Page(_lines(rows), total, page.number, page.size)


def _statement(account_id: int, wanted: LogFilter, actor: User, zone: ZoneInfo) -> Select[tuple[Notice]]:
    scope = access.require(actor, Action.READ_DELIVERY_LOG)
    of_account: ColumnElement[bool] = Notice.account_id == account_id
    if scope is Scope.ALL:
        of_account = or_(of_account, Notice.account_id.is_(None))
    statement = access.visible(actor, Action.READ_DELIVERY_LOG, select(Notice), Notice)
    return statement.where(of_account, *_conditions(wanted, zone))


def _conditions(wanted: LogFilter, zone: ZoneInfo) -> Iterator[ColumnElement[bool]]:
    yield Notice.channel == wanted.channel if wanted.channel else Notice.channel != Channel.IN_APP
    if wanted.state:
        yield Notice.state == wanted.state
    if wanted.subject:
        yield _is_of(wanted.subject)
    if wanted.number:
        yield Notice.matter_number == wanted.number.strip()
    if wanted.recipient:
        pattern = like_pattern(wanted.recipient.strip())
        yield or_(
            Notice.recipient_name.ilike(pattern, escape="\\"), Notice.address.ilike(pattern, escape="\\")
        )
    if wanted.from_on:
        yield Notice.created_at >= start_of_day(wanted.from_on, zone)
    if wanted.to_on:
        yield Notice.created_at < end_of_day(wanted.to_on, zone)


def _is_of(subject: NoticeSubject) -> ColumnElement[bool]:
    """Whether a kind is of a subject, as `subject_of` sorts it."""
    of_report = Notice.kind.startswith("report_", autoescape=True)
    listed = Notice.kind.in_(kinds_of(subject))
    if subject is NoticeSubject.REPORTS:
        return or_(listed, of_report)
    if subject is NoticeSubject.SYSTEM:
        others = [kind for one in NoticeSubject if one is not subject for kind in kinds_of(one)]
        return Notice.kind.not_in(others) & ~of_report
    return listed


def _latest_first(statement: Select[tuple[Notice]]) -> Select[tuple[Notice]]:
    return statement.order_by(Notice.created_at.desc(), Notice.id.desc())


def _lines(rows: Collection[Notice]) -> list[LogLine]:
    tries: dict[int, list[DeliveryTry]] = defaultdict(list)
    statement = select(DeliveryTry).where(DeliveryTry.notice_id.in_([row.id for row in rows]))
    for one in db.session.scalars(statement.order_by(DeliveryTry.at.desc(), DeliveryTry.id.desc())):
        tries[one.notice_id].append(one)
    bouncing = bounces.among({row.address for row in rows})
    outside = _outside(rows)
    return [
        LogLine(row, tuple(tries[row.id]), row.address in bouncing, row.id not in outside) for row in rows
    ]


def _outside(rows: Collection[Notice]) -> set[int]:
    """The mails to somebody who is neither a login nor a contact person."""
    mails = [row for row in rows if row.channel is Channel.MAIL and row.user_id is None]
    contacts = set(
        db.session.scalars(select(Contact.email).where(Contact.email.in_({row.address for row in mails})))
    )
    return {row.id for row in mails if row.address not in contacts}
