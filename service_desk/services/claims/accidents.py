"""Accidents with several of our vehicles: each has a claim of its own, and all of them are one event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.text import squeeze
from service_desk.models.claim_intake import AccidentEvent, EventClaim
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_intake import hit_each_other
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, numbers
from service_desk.services.claims.common import get_claim, log_event, require_reason
from service_desk.services.claims.similar import accident_of

MAX_VEHICLES = 20


@dataclass(frozen=True)
class LinkClaim:
    """Another claim of the same accident. The reason stands on both time lines."""

    other_number: str
    reason: str
    is_own_collision: bool = False


@dataclass(frozen=True)
class EventView:
    """An accident as one of its claims shows it: the others the actor may see with their handlers, and how many more."""

    event: AccidentEvent
    others: list[tuple[Claim, User]]
    unseen: int


def join(
    claims: Sequence[Claim],
    *,
    actor: User,
    now: datetime,
    is_own_collision: bool = False,
    reason: str = "",
) -> AccidentEvent:
    """Put claims into one accident: the one that one of them has, else a new one.

    Conflict `in_two_accidents` when two of them have different ones already. The claims are locked by the caller.
    """
    links = {link.claim_id: link for link in _links_of([claim.id for claim in claims])}
    event_ids = {link.event_id for link in links.values()}
    if len(event_ids) > 1:
        raise Conflict("in_two_accidents")
    event = db.session.get_one(AccidentEvent, event_ids.pop()) if event_ids else _open(claims[0], actor, now)
    if is_own_collision or hit_each_other([accident_of(claim) for claim in claims]):
        event.is_own_collision = True
    for claim in claims:
        if claim.id in links:
            continue
        db.session.add(EventClaim(event_id=event.id, claim_id=claim.id, linked_by_id=actor.id, linked_at=now))
        others = [other.number for other in claims if other is not claim]
        params = {"event": event.number, "claims": others}
        log_event(claim, "accident_joined", actor=actor, at=now, now=now, params=params, note=reason)
        changes = {"accident": (None, event.number)}
        audit.record("claim_accident_joined", claim, actor=actor, now=now, changes=changes)
    db.session.flush()
    return event


def _open(claim: Claim, actor: User, now: datetime) -> AccidentEvent:
    event = AccidentEvent(
        number=numbers.next_number("ACC", now.astimezone(CHINA).year),
        account_id=claim.account_id,
        opened_by_id=actor.id,
        opened_at=now,
    )
    db.session.add(event)
    db.session.flush()
    return event


def _links_of(claim_ids: Sequence[int]) -> list[EventClaim]:
    statement = select(EventClaim).where(EventClaim.claim_id.in_(claim_ids)).with_for_update()
    return list(db.session.scalars(statement))


def link(number: str, command: LinkClaim, *, actor: User, now: datetime) -> AccidentEvent:
    """Say afterwards that two claims are one accident.

    Invalid: reason_missing, claim_unknown, same_claim, same_vehicle, linked_already. Conflict: in_two_accidents.
    """
    claim = _handled(number, actor)
    reason = require_reason(command.reason)
    other = _other(claim, command.other_number, actor)
    _lock([claim, other])
    links = {one.claim_id: one.event_id for one in _links_of([claim.id, other.id])}
    if len(links) == 2 and len(set(links.values())) == 1:
        raise Invalid("linked_already", field="other_number", number=other.number)
    return join(
        [claim, other], actor=actor, now=now, is_own_collision=command.is_own_collision, reason=reason
    )


def _other(claim: Claim, number: str, actor: User) -> Claim:
    wanted = squeeze(number).upper()
    statement = select(Claim).where(Claim.number == wanted, Claim.account_id == claim.account_id)
    other: Claim | None = db.session.scalar(access.visible(actor, Action.HANDLE_CLAIMS, statement, Claim))
    if other is None:
        raise Invalid("claim_unknown", field="other_number", number=wanted)
    if other.id == claim.id:
        raise Invalid("same_claim", field="other_number")
    if other.vehicle_id == claim.vehicle_id:
        raise Invalid("same_vehicle", field="other_number")
    return other


def unlink(number: str, reason: str, *, actor: User, now: datetime) -> Claim:
    """Take a claim out of its accident, with a reason. Conflict `not_linked` when it has none."""
    claim = _handled(number, actor)
    reason = require_reason(reason)
    _lock([claim])
    found = db.session.scalar(select(EventClaim).where(EventClaim.claim_id == claim.id).with_for_update())
    if found is None:
        raise Conflict("not_linked")
    event = db.session.get_one(AccidentEvent, found.event_id)
    others = list(
        db.session.scalars(
            select(EventClaim).where(EventClaim.event_id == event.id, EventClaim.claim_id != claim.id)
        )
    )
    # One vehicle alone is no accident of several.
    leaving = [found, *(others if len(others) == 1 else [])]
    for link_row in leaving:
        left = db.session.get_one(Claim, link_row.claim_id)
        db.session.delete(link_row)
        params = {"event": event.number}
        log_event(left, "accident_left", actor=actor, at=now, now=now, params=params, note=reason)
        changes = {"accident": (event.number, None)}
        audit.record("claim_accident_left", left, actor=actor, now=now, changes=changes)
    db.session.flush()
    return claim


def _handled(number: str, actor: User) -> Claim:
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.HANDLE_CLAIMS)
    return claim


def _lock(claims: Sequence[Claim]) -> None:
    """In one order, so that two who link the same claims do not wait for each other."""
    for claim in sorted(claims, key=lambda one: one.id):
        db.session.refresh(claim, with_for_update=True)


def read_event(claim: Claim, *, actor: User) -> EventView | None:
    """The accident of a claim that the actor sees; None when it happened to this vehicle alone."""
    event = db.session.scalar(
        select(AccidentEvent)
        .join(EventClaim, EventClaim.event_id == AccidentEvent.id)
        .where(EventClaim.claim_id == claim.id)
    )
    if event is None:
        return None
    linked = select(EventClaim.claim_id).where(
        EventClaim.event_id == event.id, EventClaim.claim_id != claim.id
    )
    count = len(db.session.scalars(linked).all())
    statement = select(Claim, User).join(User, User.id == Claim.owner_id).where(Claim.id.in_(linked))
    rows = db.session.execute(
        access.visible(actor, Action.READ_CLAIMS, statement, Claim).order_by(Claim.number)
    ).tuples()
    others = [(other, handler) for other, handler in rows]
    return EventView(event, others, count - len(others))
