"""Whose events and items one sees: a branch its own, and those it was invited to or has to see to."""

from sqlalchemy import ColumnElement, Select, or_, select

from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.models.relations import AgreedItem, EventParticipant, ItemSource, RelationEvent
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import Action, Scope
from service_desk.services import access


def events_seen(actor: User) -> ColumnElement[bool]:
    """The events within the actor's view. Forbidden for who reads none at all."""
    scope = access.require(actor, Action.READ_RELATIONS)
    seen = access.visible_clause(actor, Action.READ_RELATIONS, RelationEvent)
    if scope is not Scope.OWN_BRANCHES:
        return seen
    mine = RelationEvent.account_id.in_(_accounts_of(actor))
    return or_(seen, mine & RelationEvent.id.in_(_invited_to(actor)))


def items_seen(actor: User) -> ColumnElement[bool]:
    """The agreed items within the actor's view. Forbidden for who reads none at all."""
    scope = access.require(actor, Action.READ_RELATIONS)
    seen = access.visible_clause(actor, Action.READ_RELATIONS, AgreedItem)
    if scope is not Scope.OWN_BRANCHES:
        return seen
    of_event = (AgreedItem.source == ItemSource.EVENT) & AgreedItem.source_id.in_(_invited_to(actor))
    mine = AgreedItem.account_id.in_(_accounts_of(actor))
    return or_(seen, mine & or_(AgreedItem.owner_id == actor.id, of_event))


def get_event(number: str, *, actor: User) -> RelationEvent:
    """The event of a number as the actor may see it; NotFound otherwise."""
    event = db.session.scalar(select(RelationEvent).where(RelationEvent.number == number, events_seen(actor)))
    if event is None:
        raise NotFound("not_found")
    return event


def get_item(item_id: int, *, actor: User) -> AgreedItem:
    """An item as the actor may see it; NotFound otherwise."""
    item = db.session.scalar(select(AgreedItem).where(AgreedItem.id == item_id, items_seen(actor)))
    if item is None:
        raise NotFound("not_found")
    return item


def _accounts_of(actor: User) -> Select[tuple[int]]:
    return select(UserAccount.account_id).where(UserAccount.user_id == actor.id)


def _invited_to(actor: User) -> Select[tuple[int]]:
    return select(EventParticipant.event_id).where(EventParticipant.user_id == actor.id)
