"""Authority by amount: who decides, who is asked, and how tiers are kept."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.claim_money import AuthorityTier
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.permissions import Role
from service_desk.services.claims import approving, authority, exits, reserves, settlement
from service_desk.services.claims.authority import TierHolder, TierTerms
from tests.claim_cases import CALCULATION, DENIAL, Journey, reported_claim
from tests.world import World

LARGE = replace(CALCULATION, property_fen=30_000_00)


def calculated(world: World, now, command=CALCULATION) -> tuple[Journey, settlement.Approve]:
    journey = Journey(world, reported_claim(world, now), now)
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    made = settlement.calculate(journey.claim.number, command, actor=world.claims1, now=journey.now)
    db.session.commit()
    return journey, settlement.Approve(made.id)


def test_beyond_authority_is_refused_with_the_limit_and_who_may(world: World, now) -> None:
    journey, command = calculated(world, now, LARGE)

    with pytest.raises(Forbidden, match="beyond_authority") as refused:
        settlement.approve(journey.claim.number, command, actor=world.claims2, now=journey.now)

    assert refused.value.params["limit"] == "10,000.00"
    assert refused.value.params["people"].startswith(world.manager.name)
    settlement.approve(journey.claim.number, command, actor=world.manager, now=journey.now)
    assert journey.claim.state is ClaimState.APPROVED


def test_who_may_approve_is_asked_once_a_day_and_finds_it_on_their_desk(world: World, now) -> None:
    journey, _ = calculated(world, now, LARGE)
    number = journey.claim.number

    assert approving.ask_for_approval(number, actor=world.claims1, now=journey.now) == 1
    approving.ask_for_approval(number, actor=world.claims2, now=journey.now)

    told = db.session.scalars(
        select(Notice.user_id).where(Notice.kind == "approval_asked").order_by(Notice.id)
    ).all()
    assert set(told) == {world.manager.id}
    waiting = approving.list_waiting(actor=world.manager, now=journey.now)
    assert [(one.claim.number, one.is_advance) for one in waiting] == [(number, False)]
    for other in (world.claims1, world.claims2, world.hq):
        assert approving.list_waiting(actor=other, now=journey.now) == []
    with pytest.raises(Forbidden):
        approving.ask_for_approval(number, actor=world.hq, now=journey.now)
    with pytest.raises(NotFound):
        approving.ask_for_approval(number, actor=world.foreign_hq, now=journey.now)


def test_nobody_is_asked_where_nobody_may(world: World, now) -> None:
    journey, command = calculated(world, now, LARGE)
    for tier in db.session.scalars(select(AuthorityTier).where(AuthorityTier.role == Role.MANAGER)):
        db.session.delete(tier)
    db.session.commit()

    with pytest.raises(Invalid, match="nobody_may_approve"):
        approving.ask_for_approval(journey.claim.number, actor=world.claims1, now=journey.now)
    with pytest.raises(Forbidden, match="beyond_authority_of_all"):
        settlement.approve(journey.claim.number, command, actor=world.manager, now=journey.now)


def test_a_denial_needs_authority_for_the_reserve(world: World, now) -> None:
    journey = Journey(world, reported_claim(world, now), now)
    journey.to(ClaimState.ASSESSED)
    raised = reserves.SetReserve(10_000_01, "vehicle", "further damage")
    reserves.set_reserve(journey.claim.number, raised, actor=world.claims1, now=journey.now)

    with pytest.raises(Forbidden, match="beyond_authority"):
        exits.deny(journey.claim.number, DENIAL, actor=world.claims2, now=journey.now)
    exits.deny(journey.claim.number, DENIAL, actor=world.manager, now=journey.now)

    assert journey.claim.state is ClaimState.DENIED


def test_a_tier_is_changed_from_a_day_on_and_the_old_one_ends(world: World, now) -> None:
    authority.install_defaults()
    old = db.session.scalars(select(AuthorityTier).where(AuthorityTier.role == Role.CLAIMS)).one()
    today = local_date(now)

    terms = TierTerms(20_000_00, today + timedelta(days=1))
    new = authority.change_tier(old.id, terms, version=old.version, actor=world.admin, now=now)
    db.session.commit()

    assert (old.ended_on, new.role, new.limit_fen) == (terms.effective_on, Role.CLAIMS, 20_000_00)
    account_id, claims2 = world.account.id, world.claims2
    assert not authority.may_decide(account_id, 15_000_00, actor=claims2, now=now)
    assert authority.may_decide(account_id, 15_000_00, actor=claims2, now=now + timedelta(days=1))
    with pytest.raises(Conflict, match="stale"):
        authority.change_tier(old.id, terms, version=old.version, actor=world.admin, now=now)


@pytest.mark.parametrize(
    ("holder", "limit_fen", "days", "code"),
    [
        ({}, 1, 0, "tier_holder_missing"),
        ({"role": Role.UNDERWRITER}, 1, 0, "tier_holder_cannot"),
        ({"role": Role.CLAIMS}, 1, -1, "tier_date_past"),
        ({"role": Role.CLAIMS}, -1, 0, "tier_limit_invalid"),
        ({"role": Role.CLAIMS}, 5_000_00, 0, "tier_contradicts"),
    ],
)
def test_a_tier_that_cannot_be_is_refused(world: World, now, holder, limit_fen, days, code) -> None:
    authority.install_defaults()
    terms = TierTerms(limit_fen, local_date(now) + timedelta(days=days))

    with pytest.raises(Invalid, match=code):
        authority.add_tier(TierHolder(**holder), terms, actor=world.admin, now=now)


def test_a_person_and_an_account_have_tiers_of_their_own(world: World, now) -> None:
    authority.install_defaults()
    today = local_date(now)
    trainee = TierHolder(user_id=world.claims2.id)
    authority.add_tier(trainee, TierTerms(0, today), actor=world.admin, now=now)
    of_account = TierHolder(account_id=world.account.id, role=Role.CLAIMS)
    row = authority.add_tier(of_account, TierTerms(30_000_00, today), actor=world.admin, now=now)

    people = authority.who_may(world.account.id, 25_000_00, now=now)
    assert {user.username for user in people} == {"claims1", "manager"}
    authority.end_tier(row.id, today, version=row.version, actor=world.admin, now=now)
    people = authority.who_may(world.account.id, 25_000_00, now=now)
    assert [user.username for user in people] == ["manager"]
    for actor in (world.manager, world.claims1, world.hq):
        with pytest.raises(Forbidden):
            authority.list_tiers(actor=actor, today=date.min)
        with pytest.raises(Forbidden):
            authority.add_tier(trainee, TierTerms(1, today), actor=actor, now=now)
