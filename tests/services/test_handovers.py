"""A hand-over counts only when accepted; until then the first owner answers for the clock."""

import threading
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from service_desk.jobs import handover_reminders
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.enquiries import Handover, HandoverState, MatterKind
from service_desk.models.notices import Notice
from service_desk.models.sla import Timer, TimerEntry
from service_desk.models.users import User
from service_desk.rules.permissions import Role
from service_desk.rules.sla import EventKind
from service_desk.services import enquiries
from service_desk.services.claims import handling
from service_desk.services.enquiries import unanswered
from tests.claim_cases import reported_claim
from tests.world import World


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


def offer_to(user: User, claim: Claim, world: World, now: datetime) -> Handover:
    offer = enquiries.ask_handover(
        MatterKind.CLAIM, claim.number, user.id, "明天休假", actor=world.claims1, now=now
    )
    db.session.commit()
    return offer


def holders(claim: Claim) -> set[int]:
    timers = select(Timer.holder_id).where(Timer.matter_kind == "claim", Timer.matter_id == claim.id)
    return set(db.session.scalars(timers))


def told(kind: str) -> set[int | None]:
    return set(db.session.scalars(select(Notice.user_id).where(Notice.kind == kind)))


def test_an_offer_changes_nothing_but_tells_the_taker(world: World, claim: Claim, now: datetime) -> None:
    offer_to(world.claims2, claim, world, now)

    assert claim.owner_id == world.claims1.id
    assert holders(claim) == {world.claims1.id}
    assert told("handover_asked") == {world.claims2.id}
    assert [row[0].matter_number for row in enquiries.list_offered(actor=world.claims2, now=now)] == [
        claim.number
    ]


def test_refused_then_accepted_the_clock_moves_with_the_acceptance(
    world: World, claim: Claim, now: datetime
) -> None:
    refused = offer_to(world.claims2, claim, world, now)
    enquiries.refuse(refused.id, "正在外地查勘", actor=world.claims2, now=now + timedelta(minutes=5))
    db.session.commit()
    assert holders(claim) == {world.claims1.id}
    assert told("handover_refused") == {world.claims1.id}

    at = now + timedelta(minutes=20)
    accepted = offer_to(world.claims2, claim, world, now + timedelta(minutes=10))
    enquiries.accept(accepted.id, actor=world.claims2, now=at)
    db.session.commit()

    assert claim.owner_id == world.claims2.id
    assert holders(claim) == {world.claims2.id}
    moved = db.session.scalars(select(TimerEntry).where(TimerEntry.kind == EventKind.HANDOVER)).all()
    assert {(entry.at, entry.holder_id) for entry in moved} == {(at, world.claims2.id)}
    assert told("handover_accepted") == {world.claims1.id}
    event = db.session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "handed_over")).one()
    assert event.params == {"from_id": world.claims1.id, "to_id": world.claims2.id}
    chain = [offer.state for offer in enquiries.history(MatterKind.CLAIM, claim.id)]
    assert chain == [HandoverState.REFUSED, HandoverState.ACCEPTED]


def test_only_the_owner_or_a_manager_offers_and_only_to_who_can_do_the_work(
    world: World, claim: Claim, now: datetime
) -> None:
    def ask(actor: User, to: User) -> None:
        enquiries.ask_handover(MatterKind.CLAIM, claim.number, to.id, "", actor=actor, now=now)

    with pytest.raises(Forbidden, match="not_the_owner"):
        ask(world.claims2, world.claims2)
    with pytest.raises(Forbidden):
        ask(world.safety_gongyi, world.claims2)
    with pytest.raises(NotFound):
        ask(world.foreign_hq, world.claims2)
    for unsuitable in (world.underwriter, world.hq, world.claims1):
        with pytest.raises(Invalid, match="taker_unsuitable"):
            ask(world.claims1, unsuitable)
    ask(world.manager, world.claims2)


def test_a_matter_is_offered_to_one_person_at_a_time(world: World, claim: Claim, now: datetime) -> None:
    offer_to(world.claims2, claim, world, now)

    with pytest.raises(Conflict, match="handover_open"):
        enquiries.ask_handover(
            MatterKind.CLAIM, claim.number, world.manager.id, "", actor=world.claims1, now=now
        )


def test_only_the_one_asked_decides_and_a_refusal_has_a_reason(
    world: World, claim: Claim, now: datetime
) -> None:
    offer = offer_to(world.claims2, claim, world, now)

    with pytest.raises(NotFound):
        enquiries.accept(offer.id, actor=world.manager, now=now)
    with pytest.raises(NotFound):
        enquiries.accept(offer.id, actor=world.foreign_hq, now=now)
    with pytest.raises(Invalid, match="reason_missing"):
        enquiries.refuse(offer.id, "  ", actor=world.claims2, now=now)


def test_an_offer_taken_back_cannot_be_accepted(world: World, claim: Claim, now: datetime) -> None:
    offer = offer_to(world.claims2, claim, world, now)
    with pytest.raises(Forbidden, match="not_the_owner"):
        enquiries.withdraw(offer.id, actor=world.claims2, now=now)
    enquiries.withdraw(offer.id, actor=world.claims1, now=now)
    db.session.commit()

    with pytest.raises(Conflict, match="handover_decided"):
        enquiries.accept(offer.id, actor=world.claims2, now=now)
    assert claim.owner_id == world.claims1.id


def test_an_offer_by_who_owns_it_no_more_is_overtaken(world: World, claim: Claim, now: datetime) -> None:
    offer = offer_to(world.claims2, claim, world, now)
    claim.owner_id = world.manager.id
    db.session.commit()

    with pytest.raises(Conflict, match="handover_overtaken"):
        enquiries.accept(offer.id, actor=world.claims2, now=now)
    # Nobody is asked about it any more, long before its first reminder.
    assert enquiries.list_offered(actor=world.claims2, now=now) == []
    assert unanswered.list_open(actor=world.manager, now=now) == []
    handover_reminders.run(now)
    db.session.expire_all()
    assert (offer.state, told("handover_unanswered")) == (HandoverState.WITHDRAWN, set())


def test_who_has_it_since_offers_it_afresh(world: World, claim: Claim, now: datetime) -> None:
    overtaken = offer_to(world.claims2, claim, world, now)
    claim.owner_id = world.manager.id
    db.session.commit()
    enquiries.ask_handover(MatterKind.CLAIM, claim.number, world.claims2.id, "", actor=world.manager, now=now)
    db.session.commit()
    assert overtaken.state is HandoverState.WITHDRAWN
    (offered,) = enquiries.list_offered(actor=world.claims2, now=now)
    assert offered[1] == world.manager


def test_dispatching_a_claim_takes_back_what_was_offered_of_it(
    world: World, claim: Claim, now: datetime
) -> None:
    offer = offer_to(world.claims2, claim, world, now)
    handling.dispatch(claim.number, handling.Dispatch(world.manager.id, ""), actor=world.manager, now=now)
    db.session.commit()
    assert offer.state is HandoverState.WITHDRAWN


def test_two_who_act_at_once_leave_one_decision(
    app: Flask, world: World, claim: Claim, now: datetime
) -> None:
    """The owner takes the offer back in the moment in which it is accepted."""
    offer_id = offer_to(world.claims2, claim, world, now).id
    owner_id, taker_id = world.claims1.id, world.claims2.id
    start, outcomes = threading.Barrier(2), []

    def act(user_id: int, decide) -> None:
        with app.app_context():
            start.wait()
            try:
                db.session.connection(execution_options={"begin_immediate": True})
                decide(offer_id, actor=db.session.get_one(User, user_id), now=now)
                db.session.commit()
                outcomes.append("done")
            except DomainError as error:
                db.session.rollback()
                outcomes.append(error.code)

    threads = [
        threading.Thread(target=act, args=(taker_id, enquiries.accept)),
        threading.Thread(target=act, args=(owner_id, enquiries.withdraw)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()

    assert sorted(outcomes) == ["done", "handover_decided"]
    offer = db.session.get_one(Handover, offer_id)
    assert (claim.owner_id == taker_id) == (offer.state is HandoverState.ACCEPTED)


def test_who_no_longer_handles_claims_cannot_take_one_over(world: World, claim: Claim, now: datetime) -> None:
    offer = offer_to(world.claims2, claim, world, now)
    world.claims2.role = Role.UNDERWRITER

    with pytest.raises(Forbidden):
        enquiries.accept(offer.id, actor=world.claims2, now=now)
