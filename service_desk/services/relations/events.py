"""Planning what both sides do together, moving and cancelling it, and what those invited answer."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete, select

from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import one_line, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.relations import EventParticipant, RelationEvent
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role, Side
from service_desk.rules.relation_flow import EventAction, EventKind, EventState, InviteAnswer, step_for
from service_desk.services import access, audit, numbers
from service_desk.services.relations import inviting
from service_desk.services.relations.visibility import get_event

MOST_GUESTS = 30
LONGEST = timedelta(days=14)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NEEDS_BRANCH = frozenset({EventKind.BRANCH_VISIT})


@dataclass(frozen=True)
class Guest:
    """Somebody without a login, invited by name and, where there is an address, by mail."""

    name: str
    email: str
    side: Side
    language: str = "zh"


@dataclass(frozen=True)
class EventPlan:
    """An event as typed. `user_ids` are the logins of both sides who are invited."""

    kind: EventKind
    title: str
    place: str
    agenda: str
    branch_id: int | None
    from_at: datetime
    to_at: datetime
    organiser_id: int
    user_ids: Sequence[int] = ()
    guests: Sequence[Guest] = ()


def possible_participants(account_id: int) -> list[User]:
    """The logins of an account that may be invited, of both sides, by staff number."""
    return access.account_members(account_id, *Role)


def plan(account_id: int, wanted: EventPlan, *, actor: User, now: datetime) -> RelationEvent:
    """Plan an event and invite those who take part.

    Invalid: required, words_too_long, event_times, event_branch_missing, contact_branch_unknown,
    event_organiser_unknown, event_people_unknown, guest_name_missing, email_invalid, too_many_guests.
    """
    access.require(actor, Action.PLAN_RELATIONS)
    access.get_account(actor, account_id)
    people = _check(account_id, wanted)
    event = RelationEvent(
        number=numbers.next_number("REL", now.astimezone(CHINA).year),
        account_id=account_id,
        uid=f"{uuid4().hex}@service-desk",
        state=EventState.PLANNED,
        sequence=0,
        planned_by_id=actor.id,
        planned_at=now,
        **_values(wanted),
    )
    db.session.add(event)
    changes = {name: (None, getattr(event, name)) for name in ("kind", "title", "from_at", "branch_id")}
    audit.record("event_planned", event, actor=actor, now=now, changes=changes)
    invited = [_of_login(event, user) for user in people] + [_of_guest(event, one) for one in wanted.guests]
    db.session.add_all(invited)
    db.session.flush()
    inviting.invite(event, invited, now=now)
    return event


def change(
    number: str, wanted: EventPlan, reason: str, version: int, *, actor: User, now: datetime
) -> RelationEvent:
    """Move a planned event or change it, with the reason; those invited get a new invitation, those left out a cancellation.

    Who is invited to another time has to answer anew.
    """
    event = _get_for(number, EventAction.CHANGE, version, actor=actor, now=now)
    people = _check(event.account_id, wanted)
    if not reason.strip():
        raise Invalid("required", field="reason")
    is_moved = (event.from_at, event.to_at) != (wanted.from_at, wanted.to_at)
    known = participants_of(event.id)
    left, kept = _sorted_out(known, {user.id for user in people}, wanted.guests)
    fresh = _newcomers(event, kept, people, wanted.guests)
    changes = audit.change(
        event, **_values(wanted), change_reason=one_line(reason)[:200], sequence=event.sequence + 1
    )
    audit.record("event_changed", event, actor=actor, now=now, changes=changes)
    inviting.cancel(event, left, one_line(reason), now=now, is_left_out=True)
    db.session.execute(delete(EventParticipant).where(EventParticipant.id.in_([one.id for one in left])))
    if is_moved:
        for one in kept:
            one.answer, one.answered_at = InviteAnswer.ASKED, None
            one.mail_answer, one.mail_answered_at, one.mail_words = None, None, None
    db.session.add_all(fresh)
    db.session.flush()
    inviting.invite(event, kept, now=now, is_change=True)
    inviting.invite(event, fresh, now=now)
    return event


def cancel(number: str, reason: str, version: int, *, actor: User, now: datetime) -> RelationEvent:
    """Call a planned event off, with the reason; calendars take it out."""
    event = _get_for(number, EventAction.CANCEL, version, actor=actor, now=now)
    words = one_line(reason)
    if not words:
        raise Invalid("required", field="reason")
    if len(words) > 200:
        raise Invalid("words_too_long", field="reason", length=200)
    changes = audit.change(
        event, state=EventState.CANCELLED, cancel_reason=words, sequence=event.sequence + 1
    )
    audit.record("event_cancelled", event, actor=actor, now=now, changes=changes)
    inviting.cancel(event, participants_of(event.id), words, now=now)
    return event


def hold(number: str, version: int, *, actor: User, now: datetime) -> RelationEvent:
    """Note that an event took place; its minutes may follow."""
    event = _get_for(number, EventAction.HOLD, version, actor=actor, now=now)
    changes = audit.change(event, state=EventState.HELD, held_at=now)
    audit.record("event_held", event, actor=actor, now=now, changes=changes)
    return event


def answer(number: str, said: InviteAnswer, *, actor: User, now: datetime) -> EventParticipant:
    """Say for oneself whether one comes. Conflict: not_invited, event_state."""
    event = get_event(number, actor=actor)
    mine = next((one for one in participants_of(event.id) if one.user_id == actor.id), None)
    if mine is None:
        raise Conflict("not_invited")
    if event.state is not EventState.PLANNED or said is InviteAnswer.ASKED:
        raise Conflict("event_state")
    changes = audit.change(mine, answer=said, answered_at=now)
    if changes:
        audit.record(
            "invitation_answered",
            event,
            actor=actor,
            now=now,
            changes={"answer": changes.get("answer", (said, said))},
        )
    return mine


def participants_of(event_id: int) -> list[EventParticipant]:
    """Who is invited, the insurer's people first. The caller has checked that the event is visible."""
    statement = select(EventParticipant).where(EventParticipant.event_id == event_id)
    rows = db.session.scalars(statement.order_by(EventParticipant.id)).all()
    return sorted(rows, key=lambda one: (one.side is Side.CLIENT, one.id))


def _get_for(number: str, action: EventAction, version: int, *, actor: User, now: datetime) -> RelationEvent:
    """The event, when the actor may do this to it now; Conflict stale when it changed since the page showed it."""
    event = get_event(number, actor=actor)
    access.require(actor, Action.PLAN_RELATIONS)
    step_for(event.state, action, has_begun=event.from_at <= now)
    if event.version != version:
        raise Conflict("stale")
    return event


def _values(wanted: EventPlan) -> dict[str, object]:
    return {
        "kind": wanted.kind,
        "title": one_line(wanted.title),
        "place": one_line(wanted.place),
        "agenda": wanted.agenda.strip(),
        "branch_id": wanted.branch_id,
        "from_at": wanted.from_at,
        "to_at": wanted.to_at,
        "organiser_id": wanted.organiser_id,
    }


def _check(account_id: int, wanted: EventPlan) -> list[User]:
    """Refuse what cannot be planned; answer the logins invited, the organiser among them."""
    members = {user.id: user for user in possible_participants(account_id)}
    problems = [*_words_wrong(wanted), *_place_wrong(account_id, wanted), *_guests_wrong(wanted.guests)]
    organiser = members.get(wanted.organiser_id)
    if organiser is None or organiser.side is not Side.INSURER:
        problems.append(Invalid("event_organiser_unknown", field="organiser_id"))
    if not members.keys() >= set(wanted.user_ids):
        problems.append(Invalid("event_people_unknown", field="ours"))
    if problems:
        raise InvalidMany(problems)
    return [members[user_id] for user_id in dict.fromkeys([wanted.organiser_id, *wanted.user_ids])]


def _words_wrong(wanted: EventPlan) -> list[Invalid]:
    problems = [] if wanted.title.strip() else [Invalid("required", field="title")]
    for field, words in (("title", wanted.title), ("place", wanted.place)):
        if len(one_line(words)) > 200:
            problems.append(Invalid("words_too_long", field=field, length=200))
    if not timedelta() < wanted.to_at - wanted.from_at <= LONGEST:
        problems.append(Invalid("event_times", field="to_at", days=LONGEST.days))
    return problems


def _place_wrong(account_id: int, wanted: EventPlan) -> list[Invalid]:
    if wanted.branch_id is None:
        is_needed = wanted.kind in _NEEDS_BRANCH
        return [Invalid("event_branch_missing", field="branch_id")] if is_needed else []
    branch = db.session.get(Branch, wanted.branch_id)
    is_known = branch is not None and branch.account_id == account_id
    return [] if is_known else [Invalid("contact_branch_unknown", field="branch_id")]


def _guests_wrong(guests: Sequence[Guest]) -> list[Invalid]:
    problems = []
    if len(guests) > MOST_GUESTS:
        problems.append(Invalid("too_many_guests", field="guests", most=MOST_GUESTS))
    if any(not guest.name.strip() or len(squeeze(guest.name)) > 64 for guest in guests):
        problems.append(Invalid("guest_name_missing", field="guests"))
    wrong = [guest.email for guest in guests if guest.email and not _EMAIL.fullmatch(guest.email.strip())]
    problems += [Invalid("email_invalid", field="guests", value=email) for email in wrong[:1]]
    return problems


def _of_login(event: RelationEvent, user: User) -> EventParticipant:
    return EventParticipant(
        event_id=event.id,
        side=user.side,
        user_id=user.id,
        name=user.name,
        email=user.email,
        language=user.language or "zh",
    )


def _of_guest(event: RelationEvent, guest: Guest) -> EventParticipant:
    return EventParticipant(
        event_id=event.id,
        side=guest.side,
        name=squeeze(guest.name),
        email=guest.email.strip(),
        language=guest.language,
    )


def _guest_key(name: str, email: str, side: Side) -> tuple[str, str, Side]:
    return squeeze(name), email.strip().casefold(), side


def _sorted_out(
    known: Sequence[EventParticipant], user_ids: Collection[int], guests: Sequence[Guest]
) -> tuple[list[EventParticipant], list[EventParticipant]]:
    """Who is left out now, and who stays."""
    keys = {_guest_key(one.name, one.email, one.side) for one in guests}
    stays = {
        one.id
        for one in known
        if one.user_id in user_ids
        or (one.user_id is None and _guest_key(one.name, one.email, one.side) in keys)
    }
    return [one for one in known if one.id not in stays], [one for one in known if one.id in stays]


def _newcomers(
    event: RelationEvent,
    kept: Sequence[EventParticipant],
    people: Sequence[User],
    guests: Sequence[Guest],
) -> list[EventParticipant]:
    logins = {one.user_id for one in kept if one.user_id is not None}
    keys = {_guest_key(one.name, one.email, one.side) for one in kept if one.user_id is None}
    fresh = [_of_login(event, user) for user in people if user.id not in logins]
    return fresh + [
        _of_guest(event, one) for one in guests if _guest_key(one.name, one.email, one.side) not in keys
    ]
