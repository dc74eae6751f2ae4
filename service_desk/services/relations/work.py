"""The log of a person's work with the client: typed by hand, and read from contacts, events and follow-up calls.

What is known from elsewhere is never copied: the log is one statement over all of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Subquery,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import one_line, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, FollowUp
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.follow_ups import FollowUpCall, FollowUpPlan
from service_desk.models.relations import EventParticipant, RelationEvent, WorkEntry
from service_desk.models.users import User
from service_desk.rules.follow_up import FollowUpMeans
from service_desk.rules.periods import Period
from service_desk.rules.permissions import CLIENT_ROLES, Action, Role
from service_desk.rules.relation_flow import TOOK_PLACE, InviteAnswer
from service_desk.rules.work_log import EVENT_WORK, WorkKind, WorkSource
from service_desk.services import access, audit
from service_desk.services.relations.visibility import events_seen

MOST_MINUTES = 24 * 60


@dataclass(frozen=True)
class NewEntry:
    """Work as typed. `about` is the number of a claim, a contact or an event, or empty."""

    kind: WorkKind
    at: datetime
    minutes: int
    branch_id: int | None
    met: str
    note: str
    about: str = ""


@dataclass(frozen=True)
class WorkFilter:
    """Whose work of which days; `user_id` None is the reader's own, or for a manager everybody's with `is_everybody`."""

    period: Period
    user_id: int | None = None
    kind: WorkKind | None = None
    branch_id: int | None = None
    is_everybody: bool = False


@dataclass(frozen=True)
class WorkRow:
    """A line of the log. `number` is of what it was read from or is about; `minutes` None where nobody wrote them down."""

    source: WorkSource
    row_id: int
    user: User
    kind: WorkKind
    at: datetime
    minutes: int | None
    branch: Branch | None
    met: str
    note: str
    number: str
    version: int


def people_of(account_id: int, *, actor: User) -> list[User]:
    """Whose logs the actor may read: one's own, and for a manager those of the account's people at the desk."""
    access.require(actor, Action.LOG_WORK)
    if not access.may(actor, Action.LEAD_RELATIONS):
        return [actor]
    access.get_account(actor, account_id)
    roles = [role for role in Role if role not in CLIENT_ROLES]
    return access.account_members(account_id, *roles)


def log(account_id: int, entry: NewEntry, *, actor: User, now: datetime) -> WorkEntry:
    """Write work into one's own log. Invalid: required, words_too_long, work_minutes, work_ahead, contact_branch_unknown, about_unknown."""
    access.require(actor, Action.LOG_WORK)
    access.get_account(actor, account_id)
    _check(account_id, entry, now)
    row = WorkEntry(
        account_id=account_id,
        user_id=actor.id,
        kind=entry.kind,
        at=entry.at,
        minutes=entry.minutes,
        branch_id=entry.branch_id,
        met=squeeze(entry.met),
        note=one_line(entry.note),
        **_links(account_id, entry.about, actor),
    )
    db.session.add(row)
    audit.record("work_logged", row, actor=actor, now=now, label=row.note, changes={"kind": (None, row.kind)})
    return row


def strike(entry_id: int, version: int, *, actor: User, now: datetime) -> None:
    """Take an entry typed by oneself out again; it stays in the audit trail."""
    access.require(actor, Action.LOG_WORK)
    row = db.session.get(WorkEntry, entry_id)
    if row is None or row.user_id != actor.id:
        raise NotFound("not_found")
    if row.version != version:
        raise Conflict("stale")
    changes = {name: (getattr(row, name), None) for name in ("kind", "at", "minutes", "met", "note")}
    audit.record("work_struck", row, actor=actor, now=now, label=row.note, changes=changes)
    db.session.delete(row)


def list_work(
    account_id: int, wanted: WorkFilter, page: PageRequest, *, actor: User, zone: ZoneInfo
) -> Page[WorkRow]:
    """A page of the log, the latest first. Forbidden work_of_another."""
    found = _all_work(account_id, _whose(account_id, wanted, actor), wanted, zone, actor.id)
    total = db.session.scalar(select(func.count()).select_from(found)) or 0
    statement = (
        select(found, User, Branch)
        .join(User, User.id == found.c.user_id)
        .outerjoin(Branch, Branch.id == found.c.branch_id)
        .order_by(found.c.at.desc(), found.c.source, found.c.row_id.desc())
    )
    rows = db.session.execute(statement.limit(page.size).offset(page.offset)).all()
    lengths = _lengths([row.row_id for row in rows if row.source == WorkSource.EVENT.value])
    return Page([_row(row, lengths) for row in rows], total, page.number, page.size)


def count_work(
    account_id: int, user_ids: Collection[int], period: Period, zone: ZoneInfo
) -> dict[tuple[int, WorkKind], int]:
    """How often each of them did each kind of work. The caller has checked that these are the reader's to see."""
    found = _all_work(account_id, user_ids, WorkFilter(period), zone)
    statement = select(found.c.user_id, found.c.kind, func.count()).group_by(found.c.user_id, found.c.kind)
    return {
        (user_id, WorkKind(kind)): count for user_id, kind, count in db.session.execute(statement).tuples()
    }


def _whose(account_id: int, wanted: WorkFilter, actor: User) -> list[int]:
    allowed = [user.id for user in people_of(account_id, actor=actor)]
    if wanted.is_everybody:
        return allowed
    user_id = wanted.user_id or actor.id
    if user_id != actor.id and user_id not in allowed:
        raise Forbidden("work_of_another")
    return [user_id]


def _check(account_id: int, entry: NewEntry, now: datetime) -> None:
    problems = []
    if not entry.note.strip():
        problems.append(Invalid("required", field="note"))
    for field, words in (("note", entry.note), ("met", entry.met)):
        if len(one_line(words)) > 200:
            problems.append(Invalid("words_too_long", field=field, length=200))
    if not 1 <= entry.minutes <= MOST_MINUTES:
        problems.append(Invalid("work_minutes", field="minutes", most=MOST_MINUTES))
    if entry.at > now:
        problems.append(Invalid("work_ahead", field="at"))
    if entry.branch_id is not None:
        branch = db.session.get(Branch, entry.branch_id)
        if branch is None or branch.account_id != account_id:
            problems.append(Invalid("contact_branch_unknown", field="branch_id"))
    if problems:
        raise InvalidMany(problems)


def _links(account_id: int, about: str, actor: User) -> dict[str, int]:
    """The claim, contact or event of a number that the actor may see; Invalid about_unknown."""
    number = squeeze(about).upper()
    if not number:
        return {}
    tries: tuple[tuple[str, Any, ColumnElement[bool]], ...] = (
        ("claim_id", Claim, access.visible_clause(actor, Action.READ_CLAIMS, Claim)),
        ("enquiry_id", Enquiry, access.visible_clause(actor, Action.READ_ENQUIRIES, Enquiry)),
        ("event_id", RelationEvent, events_seen(actor)),
    )
    for field, model, seen in tries:
        found = db.session.scalar(
            select(model.id).where(model.account_id == account_id, model.number == number, seen)
        )
        if found is not None:
            return {field: found}
    raise Invalid("about_unknown", field="about", value=about)


def _all_work(
    account_id: int,
    user_ids: Collection[int],
    wanted: WorkFilter,
    zone: ZoneInfo,
    reader_id: int | None = None,
) -> Subquery:
    """Every kind of entry as the same columns, of these people and days; a reader not of complaints about them."""
    begins, ends = wanted.period.instants(zone)
    of_contacts = (_typed(account_id, reader_id), _contacts(account_id, reader_id))
    parts = (*of_contacts, _events(account_id), *_follow_ups(account_id))
    # SQLite compares what a UNION answers as text: so each part is narrowed by its own columns.
    narrowed = [statement.where(who.in_(user_ids), at >= begins, at < ends) for statement, who, at in parts]
    found = union_all(*narrowed).subquery()
    conditions = []
    if wanted.kind:
        conditions.append(found.c.kind == wanted.kind.value)
    if wanted.branch_id:
        conditions.append(found.c.branch_id == wanted.branch_id)
    return select(found).where(*conditions).subquery() if conditions else found


# A statement with the columns that say whose it is and when it was.
_Part = tuple[Select[Any], Any, Any]


def _columns(
    source: WorkSource,
    row_id: Any,
    user_id: Any,
    kind: Any,
    at: Any,
    minutes: Any,
    branch_id: Any,
    met: Any,
    note: Any,
    number: Any,
    version: Any = None,
) -> Sequence[ColumnElement[Any]]:
    return (
        literal(source.value, String).label("source"),
        row_id.label("row_id"),
        user_id.label("user_id"),
        cast(kind, String).label("kind"),
        at.label("at"),
        (null() if minutes is None else minutes).label("minutes"),
        branch_id.label("branch_id"),
        met.label("met"),
        note.label("note"),
        number.label("number"),
        (literal(0) if version is None else version).label("version"),
    )


def _typed(account_id: int, reader_id: int | None) -> _Part:
    number = func.coalesce(Claim.number, Enquiry.number, RelationEvent.number, "")
    columns = _columns(
        WorkSource.TYPED,
        WorkEntry.id,
        WorkEntry.user_id,
        WorkEntry.kind,
        WorkEntry.at,
        WorkEntry.minutes,
        WorkEntry.branch_id,
        WorkEntry.met,
        WorkEntry.note,
        number,
        WorkEntry.version,
    )
    statement = (
        select(*columns)
        .outerjoin(Claim, Claim.id == WorkEntry.claim_id)
        .outerjoin(Enquiry, Enquiry.id == WorkEntry.enquiry_id)
        .outerjoin(RelationEvent, RelationEvent.id == WorkEntry.event_id)
        .where(WorkEntry.account_id == account_id, access.not_hidden(Enquiry, reader_id))
    )
    return statement, WorkEntry.user_id, WorkEntry.at


def _contacts(account_id: int, reader_id: int | None) -> _Part:
    """Calls and visits that were logged as first contacts, by whoever took them."""
    columns = _columns(
        WorkSource.CONTACT,
        Enquiry.id,
        Enquiry.first_owner_id,
        Enquiry.channel,
        Enquiry.opened_at,
        None,
        Enquiry.branch_id,
        Enquiry.caller_name,
        Enquiry.subject,
        Enquiry.number,
    )
    statement = select(*columns).where(
        Enquiry.account_id == account_id,
        Enquiry.channel.in_((EnquiryChannel.CALL, EnquiryChannel.VISIT)),
        access.not_hidden(Enquiry, reader_id),
    )
    return statement, Enquiry.first_owner_id, Enquiry.opened_at


def _events(account_id: int) -> _Part:
    """Events that took place, for those who were there; before there are minutes, for those who had not declined."""
    kind = case(
        *((RelationEvent.kind == event, work.value) for event, work in EVENT_WORK.items()),
        else_=WorkKind.MEETING.value,
    )
    columns = _columns(
        WorkSource.EVENT,
        RelationEvent.id,
        EventParticipant.user_id,
        kind,
        RelationEvent.from_at,
        None,
        RelationEvent.branch_id,
        RelationEvent.place,
        RelationEvent.title,
        RelationEvent.number,
    )
    was_there = func.coalesce(EventParticipant.is_present, EventParticipant.answer != InviteAnswer.DECLINED)
    statement = (
        select(*columns)
        .join(EventParticipant, EventParticipant.event_id == RelationEvent.id)
        .where(RelationEvent.account_id == account_id, RelationEvent.state.in_(TOOK_PLACE), was_there)
    )
    return statement, EventParticipant.user_id, RelationEvent.from_at


def _follow_ups(account_id: int) -> tuple[_Part, _Part]:
    """Calls after a claim: those that were answered, and those that were not."""
    answered = _columns(
        WorkSource.FOLLOW_UP,
        FollowUp.id,
        FollowUp.by_id,
        literal(WorkKind.CALL.value, String),
        FollowUp.at,
        None,
        Claim.branch_id,
        FollowUp.spoken_with,
        FollowUp.comment,
        Claim.number,
    )
    tried = _columns(
        WorkSource.FOLLOW_UP,
        # Apart from the answered ones, whose ids would else come twice.
        -FollowUpCall.id,
        FollowUpCall.by_id,
        literal(WorkKind.CALL.value, String),
        FollowUpCall.at,
        None,
        Claim.branch_id,
        FollowUpPlan.name,
        FollowUpCall.note,
        Claim.number,
    )
    of_answered = (
        select(*answered)
        .join(Claim, Claim.id == FollowUp.claim_id)
        .where(Claim.account_id == account_id, FollowUp.means == FollowUpMeans.CALL)
    )
    of_tried = (
        select(*tried)
        .join(FollowUpPlan, FollowUpPlan.id == FollowUpCall.plan_id)
        .join(Claim, Claim.id == FollowUpPlan.claim_id)
        .where(Claim.account_id == account_id)
    )
    return (of_answered, FollowUp.by_id, FollowUp.at), (of_tried, FollowUpCall.by_id, FollowUpCall.at)


def _lengths(event_ids: Collection[int]) -> dict[int, int]:
    """How many minutes events took, as they were planned."""
    statement = select(RelationEvent.id, RelationEvent.from_at, RelationEvent.to_at)
    rows = db.session.execute(statement.where(RelationEvent.id.in_(event_ids))).tuples()
    return {event_id: int((to_at - from_at).total_seconds() // 60) for event_id, from_at, to_at in rows}


def _row(row: Any, lengths: dict[int, int]) -> WorkRow:
    is_event = row.source == WorkSource.EVENT.value
    return WorkRow(
        source=WorkSource(row.source),
        row_id=row.row_id,
        user=row.User,
        kind=WorkKind(row.kind),
        at=row.at,
        minutes=lengths.get(row.row_id) if is_event else row.minutes,
        branch=row.Branch,
        met=row.met,
        note=row.note,
        number=row.number,
        version=row.version,
    )
