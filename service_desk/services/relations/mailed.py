"""What calendar programs answer by mail: kept beside the answer of the page, for an address proves nobody."""

from datetime import datetime

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.relations import EventParticipant, RelationEvent
from service_desk.rules.inbound_mail import CalendarReply
from service_desk.rules.relation_flow import EventState, MailedAnswer
from service_desk.services import audit
from service_desk.services.relations.events import participants_of

MAX_WORDS = 1000
NOT_INVITED = "reply_not_invited"


def find_event(reply: CalendarReply) -> RelationEvent | None:
    """The event of ours that a reply is about; None when there is none of its identity."""
    return db.session.scalar(select(RelationEvent).where(RelationEvent.uid == reply.uid))


def take_reply(event: RelationEvent, reply: CalendarReply, words: str, *, at: datetime, now: datetime) -> str:
    """Note what somebody invited answered by mail at `at`; the code of why it changed nothing, empty when it was noted.

    The answer given on the page stays as it is. `words` are what they wrote along.
    """
    one = _invited(event, reply.attendee)
    if one is None:
        return NOT_INVITED
    if event.state is not EventState.PLANNED:
        return "reply_event_over"
    is_older = one.mail_answered_at is not None and at < one.mail_answered_at
    if is_older or reply.sequence < event.sequence:
        return "reply_outdated"
    said = MailedAnswer(reply.answer)
    changes = audit.change(one, mail_answer=said, mail_answered_at=at, mail_words=words.strip()[:MAX_WORDS])
    answered = {"name": (None, one.name), "answer": changes.get("mail_answer", (said, said))}
    audit.record("invitation_answered_by_mail", event, actor=None, now=now, changes=answered)
    return ""


def _invited(event: RelationEvent, address: str) -> EventParticipant | None:
    """The one whose address it is; nobody where several share it."""
    key = address.strip().casefold()
    found = [one for one in participants_of(event.id) if key and one.email.strip().casefold() == key]
    return found[0] if len(found) == 1 else None
