"""Reading agreed items: the list as filtered, one with its history, and what one owes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.relations import AgreedItem, ItemSource, ItemState, ItemStep, RelationEvent
from service_desk.models.users import User
from service_desk.services import audit
from service_desk.services.relations.visibility import events_seen, get_item, items_seen


class ItemView(StrEnum):
    """The saved filters of the list."""

    OPEN = "open"
    OVERDUE = "overdue"
    DONE = "done"
    DROPPED = "dropped"
    ALL = "all"


@dataclass(frozen=True)
class ItemFilter:
    """Which items are wanted; None means any."""

    view: ItemView = ItemView.OPEN
    owner_id: int | None = None
    branch_id: int | None = None
    source: ItemSource | None = None


@dataclass(frozen=True)
class ItemRow:
    item: AgreedItem
    owner: User
    branch: Branch | None
    event: RelationEvent | None


@dataclass(frozen=True)
class ItemFile:
    """One item with where it comes from and its history, the oldest first. `event` only where the reader may see it."""

    item: AgreedItem
    branch: Branch | None
    event: RelationEvent | None
    steps: Sequence[ItemStep]
    people: dict[int, User]

    @property
    def owner(self) -> User:
        return self.people[self.item.owner_id]


def list_items(
    account_id: int, wanted: ItemFilter, page: PageRequest, *, actor: User, now: datetime
) -> Page[ItemRow]:
    """A page of an account's items: open ones by their day, ended ones the latest first."""
    conditions = [*_narrowed(account_id, wanted, actor), *_view(wanted.view, now)]
    total = db.session.scalar(select(func.count(AgreedItem.id)).where(*conditions)) or 0
    is_open = wanted.view in {ItemView.OPEN, ItemView.OVERDUE}
    order = AgreedItem.due_on if is_open else AgreedItem.due_on.desc()
    statement = _rows(conditions, actor).order_by(order, AgreedItem.id)
    rows = db.session.execute(statement.limit(page.size).offset(page.offset)).all()
    return Page([ItemRow(*row) for row in rows], total, page.number, page.size)


def count_views(account_id: int, wanted: ItemFilter, *, actor: User, now: datetime) -> dict[ItemView, int]:
    """How many items each saved filter holds under the same owner, branch and source, in one query."""
    counts = []
    for view in ItemView:
        conditions = _view(view, now)
        count = func.count(AgreedItem.id)
        counts.append(count.filter(*conditions) if conditions else count)
    row = db.session.execute(select(*counts).where(*_narrowed(account_id, wanted, actor))).one()
    return dict(zip(ItemView, row, strict=True))


def list_owed(account_id: int, *, actor: User, limit: int = 10) -> list[ItemRow]:
    """What the actor has to see to, as it falls due."""
    conditions = [
        AgreedItem.account_id == account_id,
        AgreedItem.owner_id == actor.id,
        AgreedItem.state == ItemState.OPEN,
        items_seen(actor),
    ]
    statement = _rows(conditions, actor).order_by(AgreedItem.due_on, AgreedItem.id).limit(limit)
    return [ItemRow(*row) for row in db.session.execute(statement).all()]


def list_owners(account_id: int, *, actor: User) -> list[User]:
    """Who owns any of the items the actor sees, for the filter."""
    owners = select(AgreedItem.owner_id).where(AgreedItem.account_id == account_id, items_seen(actor))
    return list(db.session.scalars(select(User).where(User.id.in_(owners)).order_by(User.staff_no, User.id)))


def read_item(item_id: int, *, actor: User) -> ItemFile:
    """One item; NotFound when the actor may not see it."""
    item = get_item(item_id, actor=actor)
    steps = db.session.scalars(
        select(ItemStep).where(ItemStep.item_id == item.id).order_by(ItemStep.at, ItemStep.id)
    ).all()
    event = None
    if item.source is ItemSource.EVENT:
        event = db.session.scalar(
            select(RelationEvent).where(RelationEvent.id == item.source_id, events_seen(actor))
        )
    return ItemFile(
        item=item,
        branch=db.session.get(Branch, item.branch_id) if item.branch_id else None,
        event=event,
        steps=steps,
        people=audit.people_of(
            {item.owner_id, item.opened_by_id}
            | {user_id for step in steps for user_id in (step.by_id, step.owner_id) if user_id}
        ),
    )


def _narrowed(account_id: int, wanted: ItemFilter, actor: User) -> list[ColumnElement[bool]]:
    conditions = [AgreedItem.account_id == account_id, items_seen(actor)]
    if wanted.owner_id:
        conditions.append(AgreedItem.owner_id == wanted.owner_id)
    if wanted.branch_id:
        conditions.append(AgreedItem.branch_id == wanted.branch_id)
    if wanted.source:
        conditions.append(AgreedItem.source == wanted.source)
    return conditions


def _view(view: ItemView, now: datetime) -> list[ColumnElement[bool]]:
    if view is ItemView.ALL:
        return []
    if view is ItemView.OVERDUE:
        return [AgreedItem.state == ItemState.OPEN, AgreedItem.due_on < local_date(now)]
    return [AgreedItem.state == ItemState(view.value)]


def _rows(conditions: Sequence[ColumnElement[bool]], actor: User) -> Select[Any]:
    return (
        select(AgreedItem, User, Branch, RelationEvent)
        .join(User, User.id == AgreedItem.owner_id)
        .outerjoin(Branch, Branch.id == AgreedItem.branch_id)
        .outerjoin(
            RelationEvent,
            (AgreedItem.source == ItemSource.EVENT)
            & (RelationEvent.id == AgreedItem.source_id)
            & events_seen(actor),
        )
        .where(*conditions)
    )
