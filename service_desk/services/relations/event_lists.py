"""Reading events: the list as filtered, a month of them, one with all that belongs to it, and the next ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, select

from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.relations import (
    AgreedItem,
    EventMinutes,
    EventParticipant,
    ItemSource,
    RelationEvent,
)
from service_desk.models.users import User
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Side
from service_desk.rules.relation_flow import EventKind, EventState, InviteAnswer
from service_desk.services import audit
from service_desk.services.relations import minutes
from service_desk.services.relations.events import participants_of
from service_desk.services.relations.items import items_of
from service_desk.services.relations.visibility import events_seen, get_event

MOST_IN_MONTH = 300


@dataclass(frozen=True)
class EventFilter:
    """Which events are wanted; None means any. `period` holds the days on which they begin."""

    kind: EventKind | None = None
    branch_id: int | None = None
    state: EventState | None = None
    period: Period | None = None


@dataclass(frozen=True)
class EventRow:
    """A line of the list. `accepted` of `invited` have said that they come."""

    event: RelationEvent
    branch: Branch | None
    organiser: User
    invited: int = 0
    accepted: int = 0


@dataclass(frozen=True)
class EventFile:
    """All of one event. `mine` is the reader's own invitation, `people` those who are named by id."""

    event: RelationEvent
    branch: Branch | None
    people: dict[int, User]
    participants: Sequence[EventParticipant]
    mine: EventParticipant | None
    versions: Sequence[EventMinutes]
    papers: Sequence[Document]
    items: Sequence[AgreedItem]

    @property
    def organiser(self) -> User:
        return self.people[self.event.organiser_id]

    def of_side(self, side: Side) -> list[EventParticipant]:
        """Who of a side is invited."""
        return [one for one in self.participants if one.side is side]


def list_events(
    account_id: int, wanted: EventFilter, page: PageRequest, *, actor: User, zone: ZoneInfo
) -> Page[EventRow]:
    """A page of an account's events, the latest first."""
    conditions = _conditions(account_id, wanted, actor, zone)
    total = db.session.scalar(select(func.count(RelationEvent.id)).where(*conditions)) or 0
    ordered = _rows(conditions).order_by(RelationEvent.from_at.desc(), RelationEvent.id.desc())
    return Page(_read(ordered.limit(page.size).offset(page.offset)), total, page.number, page.size)


def list_month(account_id: int, wanted: EventFilter, *, actor: User, zone: ZoneInfo) -> list[EventRow]:
    """The events of the filter's period in order, as a calendar shows them."""
    conditions = _conditions(account_id, wanted, actor, zone)
    return _read(_rows(conditions).order_by(RelationEvent.from_at, RelationEvent.id).limit(MOST_IN_MONTH))


def list_next(account_id: int, *, actor: User, now: datetime, limit: int = 5) -> list[EventRow]:
    """The next planned events within the actor's view."""
    conditions = [
        RelationEvent.account_id == account_id,
        RelationEvent.state == EventState.PLANNED,
        RelationEvent.to_at >= now,
        events_seen(actor),
    ]
    return _read(_rows(conditions).order_by(RelationEvent.from_at, RelationEvent.id).limit(limit))


def list_to_minute(account_id: int, *, actor: User, now: datetime, limit: int = 10) -> list[EventRow]:
    """Events that are over and about which nobody has written anything, the oldest first."""
    conditions = [
        RelationEvent.account_id == account_id,
        RelationEvent.state == EventState.PLANNED,
        RelationEvent.to_at < now,
        events_seen(actor),
    ]
    return _read(_rows(conditions).order_by(RelationEvent.from_at, RelationEvent.id).limit(limit))


def read_event(number: str, *, actor: User) -> EventFile:
    """One event with people, minutes, papers and items; NotFound when the actor may not see it."""
    event = get_event(number, actor=actor)
    participants = participants_of(event.id)
    versions = minutes.versions_of(event.id)
    items = items_of(ItemSource.EVENT, [event.id])[event.id]
    named = {event.organiser_id, event.planned_by_id}
    named |= {one.written_by_id for one in versions} | {item.owner_id for item in items}
    return EventFile(
        event=event,
        branch=db.session.get(Branch, event.branch_id) if event.branch_id else None,
        people=audit.people_of(named),
        participants=participants,
        mine=next((one for one in participants if one.user_id == actor.id), None),
        versions=versions,
        papers=minutes.papers_of(event.id),
        items=items,
    )


def _conditions(
    account_id: int, wanted: EventFilter, actor: User, zone: ZoneInfo
) -> list[ColumnElement[bool]]:
    conditions = [RelationEvent.account_id == account_id, events_seen(actor)]
    if wanted.kind:
        conditions.append(RelationEvent.kind == wanted.kind)
    if wanted.branch_id:
        conditions.append(RelationEvent.branch_id == wanted.branch_id)
    if wanted.state:
        conditions.append(RelationEvent.state == wanted.state)
    if wanted.period:
        begins, ends = wanted.period.instants(zone)
        conditions += [RelationEvent.from_at >= begins, RelationEvent.from_at < ends]
    return conditions


def _rows(conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(RelationEvent, Branch, User)
        .join(User, User.id == RelationEvent.organiser_id)
        .outerjoin(Branch, Branch.id == RelationEvent.branch_id)
        .where(*conditions)
    )


def _read(statement: Select[Any]) -> list[EventRow]:
    rows = db.session.execute(statement).all()
    counts = {
        event_id: (invited, accepted)
        for event_id, invited, accepted in db.session.execute(
            select(
                EventParticipant.event_id,
                func.count(),
                func.count().filter(EventParticipant.answer == InviteAnswer.ACCEPTED),
            )
            .where(EventParticipant.event_id.in_([row[0].id for row in rows]))
            .group_by(EventParticipant.event_id)
        ).tuples()
    }
    return [
        EventRow(event, branch, organiser, *counts.get(event.id, (0, 0))) for event, branch, organiser in rows
    ]
