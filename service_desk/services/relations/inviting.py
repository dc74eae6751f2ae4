"""Telling those who take part: invitations and cancellations with a calendar file, and the minutes.

The outbox keeps what the calendar file is made of; it is made when the mail is.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from service_desk.models.db import db
from service_desk.models.relations import AgreedItem, EventMinutes, EventParticipant, RelationEvent
from service_desk.models.users import User
from service_desk.rules.permissions import Side
from service_desk.services import audit
from service_desk.services.notices import Matter, Message, Recipient, queue_many

MATTER_KIND = "relation_event"


def matter_of(event: RelationEvent) -> Matter:
    """The event as notices and files know it."""
    return Matter(MATTER_KIND, event.id, event.number, event.account_id, event.branch_id)


def invite(
    event: RelationEvent, people: Sequence[EventParticipant], *, now: datetime, is_change: bool = False
) -> None:
    """Send invitations, or with `is_change` what became of them: the same event with a higher sequence."""
    kind = "relation_changed" if is_change else "relation_invited"
    _send(kind, event, people, {"method": "REQUEST", "reason": event.change_reason}, now)


def cancel(
    event: RelationEvent,
    people: Sequence[EventParticipant],
    reason: str,
    *,
    now: datetime,
    is_left_out: bool = False,
) -> None:
    """Tell people that the event is off, or when they are left out that it goes on without them."""
    more = {"method": "CANCEL", "reason": reason, "is_left_out": is_left_out}
    _send("relation_cancelled", event, people, more, now, is_personal=is_left_out)


def send_minutes(
    event: RelationEvent,
    minutes: EventMinutes,
    people: Sequence[EventParticipant],
    items: Sequence[AgreedItem],
    *,
    now: datetime,
) -> None:
    """Mail a version of the minutes with what was decided to everybody who takes part, once."""
    owners = audit.people_of({item.owner_id for item in items})
    params = {
        "words": minutes.words,
        "version_no": minutes.number,
        "reason": minutes.reason,
        "present": [one["name"] for one in minutes.present],
        "items": [
            {"title": item.title, "owner": owners[item.owner_id].name, "due_on": item.due_on.isoformat()}
            for item in items
        ],
    }
    _send("relation_minutes", event, people, params, now, dedupe=f"minutes:{minutes.id}")


def _send(
    kind: str,
    event: RelationEvent,
    people: Iterable[EventParticipant],
    more: dict[str, Any],
    now: datetime,
    *,
    dedupe: str = "",
    is_personal: bool = False,
) -> None:
    common = {**facts_of(event), **more, "stamped_at": now.isoformat()}
    messages = [
        Message(
            kind,
            Recipient(one.name, one.email, one.language, one.user_id),
            {**common, "attendee": {"name": one.name, "email": one.email}},
            dedupe or f"event:{event.id}:{kind}:{event.sequence}",
            matter=matter_of(event),
            # Who has no login counts as the client's: what only guests of ours get is not for its groups.
            is_shared=not is_personal and (one.user_id is not None or one.side is Side.CLIENT),
        )
        for one in people
        if one.user_id or one.email
    ]
    queue_many(messages, now=now)


def facts_of(event: RelationEvent) -> dict[str, Any]:
    """What invitations and calendar files say of an event."""
    organiser = db.session.get_one(User, event.organiser_id)
    return {
        "url": f"/relations/{event.number}",
        "number": event.number,
        "kind": event.kind.value,
        "title": event.title,
        "place": event.place,
        "agenda": event.agenda,
        "from_at": event.from_at.isoformat(),
        "to_at": event.to_at.isoformat(),
        "uid": event.uid,
        "sequence": event.sequence,
        "organiser": {
            "name": organiser.name,
            "staff_no": organiser.staff_no,
            "phone": organiser.phone,
            "email": organiser.email,
        },
    }
