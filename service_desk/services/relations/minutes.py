"""Minutes: who was there, what was said, what was decided as items; mailed, kept, corrected as another version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import one_line, squeeze
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.relations import (
    AgreedItem,
    EventMinutes,
    EventParticipant,
    ItemSource,
    RelationEvent,
)
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Side
from service_desk.rules.relation_flow import EventAction, EventKind, EventState, step_for
from service_desk.services import access, audit, documents
from service_desk.services.documents import Upload
from service_desk.services.relations import inviting
from service_desk.services.relations.events import participants_of
from service_desk.services.relations.items import NewItem, items_of, open_item, problems_of
from service_desk.services.relations.visibility import get_event

MOST_DECISIONS = 20
# A greeting may be a card, and our own training has nobody of the client's.
_ONE_SIDED = frozenset({EventKind.GREETING, EventKind.TRAINING})


@dataclass(frozen=True)
class Written:
    """Minutes as typed. `present_ids` are participants; `others` are further people who were there, by side."""

    words: str
    present_ids: Sequence[int]
    others: Sequence[tuple[str, Side]] = ()
    decisions: Sequence[NewItem] = ()
    papers: Sequence[Upload] = ()
    reason: str = ""


def write(
    number: str, written: Written, version: int, *, files: FileStore, actor: User, now: datetime
) -> EventMinutes:
    """Keep the minutes, open the items decided, and mail both to everybody who takes part.

    On an event that has minutes this corrects them: another version, with its reason, mailed again; decisions are
    added to those there are. Invalid: required, both_sides_present, too_many_decisions, and those of items and papers.
    """
    event = get_event(number, actor=actor)
    access.require(actor, Action.PLAN_RELATIONS)
    is_correction = event.state is EventState.MINUTED
    action = EventAction.CORRECT if is_correction else EventAction.MINUTE
    step_for(event.state, action, has_begun=event.from_at <= now)
    if event.version != version:
        raise Conflict("stale")
    people = participants_of(event.id)
    present = _present(people, written)
    _check(event, written, present, is_correction, now)
    minutes = EventMinutes(
        event_id=event.id,
        number=event.minutes_number + 1,
        words=written.words.strip(),
        present=present,
        reason=one_line(written.reason),
        written_by_id=actor.id,
        written_at=now,
    )
    db.session.add(minutes)
    for one in people:
        one.is_present = one.id in set(written.present_ids)
    held_at = event.held_at or min(event.to_at, now)
    changes = audit.change(event, state=EventState.MINUTED, held_at=held_at, minutes_number=minutes.number)
    done = "minutes_corrected" if is_correction else "minutes_written"
    audit.record(done, event, actor=actor, now=now, changes=changes)
    _keep_papers(event, written.papers, files, actor, now)
    _open(event, written.decisions, people, actor, now)
    decided = items_of(ItemSource.EVENT, [event.id])[event.id]
    inviting.send_minutes(event, minutes, people, decided, now=now)
    return minutes


def versions_of(event_id: int) -> list[EventMinutes]:
    """All versions of an event's minutes, the newest first. The caller has checked that the event is visible."""
    statement = select(EventMinutes).where(EventMinutes.event_id == event_id)
    return list(db.session.scalars(statement.order_by(EventMinutes.number.desc())))


def papers_of(event_id: int) -> list[Document]:
    """The files kept with an event."""
    return documents.list_for(inviting.MATTER_KIND, event_id)


def get_paper(number: str, document_id: int, *, actor: User) -> Document:
    """A paper of an event the actor may see, also of one that is not their branch's; NotFound otherwise."""
    event = get_event(number, actor=actor)
    for document in papers_of(event.id):
        if document.id == document_id:
            return document
    raise NotFound("not_found")


def _present(people: Sequence[EventParticipant], written: Written) -> list[dict[str, str]]:
    chosen = set(written.present_ids)
    present = [{"name": one.name, "side": one.side.value} for one in people if one.id in chosen]
    return present + [
        {"name": squeeze(name), "side": side.value} for name, side in written.others if name.strip()
    ]


def _check(
    event: RelationEvent,
    written: Written,
    present: Sequence[dict[str, str]],
    is_correction: bool,
    now: datetime,
) -> None:
    problems: list[Invalid] = []
    if not written.words.strip():
        problems.append(Invalid("required", field="words"))
    if is_correction and not written.reason.strip():
        problems.append(Invalid("required", field="reason"))
    sides = {one["side"] for one in present}
    if event.kind not in _ONE_SIDED and sides != {side.value for side in Side}:
        problems.append(Invalid("both_sides_present", field="present"))
    if len(written.decisions) > MOST_DECISIONS:
        problems.append(Invalid("too_many_decisions", field="decisions", most=MOST_DECISIONS))
    for item in written.decisions:
        problems += [
            Invalid(one.code, field="decisions", **one.params)
            for one in problems_of(event.account_id, item, now)
        ]
    if problems:
        raise InvalidMany(problems)
    documents.require_few(written.papers, field="papers")


def _keep_papers(
    event: RelationEvent, papers: Sequence[Upload], files: FileStore, actor: User, now: datetime
) -> None:
    for paper in papers:
        documents.store_paper(
            files,
            paper,
            DocumentKind.MEETING_PAPER,
            inviting.matter_of(event),
            field="papers",
            actor=actor,
            now=now,
        )


def _open(
    event: RelationEvent,
    decisions: Sequence[NewItem],
    people: Sequence[EventParticipant],
    actor: User,
    now: datetime,
) -> list[AgreedItem]:
    """The minutes tell the decisions to who takes part; an owner who does not gets a mail of their own."""
    invited = {one.user_id for one in people}
    return [
        open_item(
            event.account_id,
            ItemSource.EVENT,
            event.id,
            item,
            actor=actor,
            now=now,
            mails_owner=item.owner_id not in invited,
        )
        for item in decisions
    ]
