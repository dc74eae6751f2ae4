"""Offering several matters to one colleague at once, and accepting several: each by its own step, told once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.enquiries import Handover, MatterKind
from service_desk.models.users import User
from service_desk.services.enquiries import handovers
from service_desk.services.enquiries.handovers import Offered
from service_desk.services.notices import queue, user_recipient

T = TypeVar("T")
MOST_AT_ONCE = 200
LISTED = 20


@dataclass(frozen=True)
class Outcome:
    """What was done, and the number of each matter that was not, with why."""

    done: list[Handover]
    left: list[tuple[str, DomainError]]


def ask_many(
    kind: MatterKind, numbers: Sequence[str], to_id: int, note: str, *, actor: User, now: datetime
) -> Outcome:
    """Offer the claims or contacts that were ticked; they get one message. What cannot be offered is said, the rest is.

    Invalid: nothing_ticked, too_many_ticked.
    """
    _check_ticked(numbers)
    outcome = _each(
        dict.fromkeys(numbers),
        lambda number: number,
        lambda number: handovers.ask_handover(kind, number, to_id, note, actor=actor, now=now, tells=False),
    )
    tell_offered(outcome.done, actor=actor, now=now)
    return outcome


def offer_many(offered: Sequence[Offered], to_id: int, note: str, *, actor: User, now: datetime) -> Outcome:
    """Offer what the caller has found to be the actor's to offer; they get one message."""
    outcome = _each(
        offered,
        lambda one: one.number,
        lambda one: handovers.offer(one, to_id, note, actor=actor, now=now, tells=False),
    )
    tell_offered(outcome.done, actor=actor, now=now)
    return outcome


def accept_many(offer_ids: Sequence[int], *, actor: User, now: datetime) -> Outcome:
    """Take several matters over at once; who gave them gets one message each.

    Invalid: nothing_ticked, too_many_ticked.
    """
    _check_ticked(offer_ids)
    outcome = _each(
        dict.fromkeys(offer_ids),
        lambda offer_id: _number(offer_id, actor),
        lambda offer_id: handovers.accept(offer_id, actor=actor, now=now, tells=False),
    )
    for giver_id in dict.fromkeys(one.from_id for one in outcome.done):
        theirs = [one for one in outcome.done if one.from_id == giver_id]
        _tell("handovers_accepted", giver_id, theirs, actor, now)
    return outcome


def tell_offered(offers: Sequence[Handover], *, actor: User, now: datetime) -> None:
    """One message of several offers to one colleague."""
    if offers:
        _tell("handovers_asked", offers[0].to_id, offers, actor, now)


def listed(offers: Sequence[Handover]) -> list[dict[str, str]]:
    """The first of some matters as a message names them."""
    return [{"kind": one.matter_kind.value, "number": one.matter_number} for one in offers[:LISTED]]


def _check_ticked(ticked: Sequence[object]) -> None:
    if not ticked:
        raise Invalid("nothing_ticked")
    if len(ticked) > MOST_AT_ONCE:
        raise Invalid("too_many_ticked", most=MOST_AT_ONCE)


def _each(items: Iterable[T], number_of: Callable[[T], str], act: Callable[[T], Handover]) -> Outcome:
    done: list[Handover] = []
    left: list[tuple[str, DomainError]] = []
    for item in items:
        try:
            # What a kind refuses after its first write is taken back for itself.
            with db.session.begin_nested():
                done.append(act(item))
        except (Invalid, Conflict, Forbidden) as refusal:
            left.append((number_of(item), refusal))
        except NotFound:
            # Nobody learns of what they may not see by ticking it.
            continue
    return Outcome(done, left)


def _number(offer_id: int, actor: User) -> str:
    return handovers.get_offer(offer_id, actor=actor).matter_number


def _tell(kind: str, user_id: int, offers: Sequence[Handover], actor: User, now: datetime) -> None:
    if user_id == actor.id:
        return
    params = {
        "url": "/handovers",
        "count": len(offers),
        "matters": listed(offers),
        "who": {"name": actor.name, "staff_no": actor.staff_no, "phone": actor.phone},
        "note": offers[0].note,
    }
    queue(
        kind,
        user_recipient(db.session.get_one(User, user_id)),
        params,
        dedupe=f"{kind}:{offers[0].id}:{now:%Y%m%dT%H%M%S}",
        now=now,
        account_id=offers[0].account_id,
        is_shared=False,
    )
