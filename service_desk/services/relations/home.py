"""What of the relationship waits for a person: items they own, and invitations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.relations import EventParticipant, RelationEvent
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.relation_flow import EventState, InviteAnswer
from service_desk.services import access
from service_desk.services.relations.item_lists import ItemRow, list_owed

ROWS = 6


@dataclass(frozen=True)
class RelationsHome:
    """What a home page shows. `invitations` are those to come that the reader has not declined, with the answer."""

    items: Sequence[ItemRow]
    invitations: Sequence[tuple[RelationEvent, InviteAnswer]]


def read_home(account_id: int, *, actor: User, now: datetime) -> RelationsHome:
    """The reader's own items as they fall due, and the next events they are invited to."""
    if not access.may(actor, Action.READ_RELATIONS):
        return RelationsHome((), ())
    invited = (
        select(RelationEvent, EventParticipant.answer)
        .join(EventParticipant, EventParticipant.event_id == RelationEvent.id)
        .where(
            RelationEvent.account_id == account_id,
            RelationEvent.state == EventState.PLANNED,
            RelationEvent.to_at >= now,
            EventParticipant.user_id == actor.id,
            EventParticipant.answer != InviteAnswer.DECLINED,
        )
        .order_by(RelationEvent.from_at, RelationEvent.id)
        .limit(ROWS)
    )
    rows = db.session.execute(invited).tuples().all()
    return RelationsHome(list_owed(account_id, actor=actor, limit=ROWS), rows)
