"""An endorsement is previewed, written once, by those who may, over the policy as they saw it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, DomainError, Forbidden, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, EndorsementKind, Policy
from service_desk.models.users import User
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import endorsements, endorsing
from service_desk.services.policies.endorsing import EndorsementCommand
from tests.endorsement_cases import command, endorse, issue, ledger, premium_with_tax
from tests.factories import PolicyFactory
from tests.services.test_issuing import at_once
from tests.world import World

K = EndorsementKind


@pytest.fixture
def commercial(world: World, now: datetime) -> Policy:
    """The coach's commercial policy: 14,340 a year from 23 November 2026."""
    return issue(world, world.coach, now)[PolicyLine.COMMERCIAL]


@pytest.fixture
def later(now: datetime) -> datetime:
    """3 March 2027: 265 of 365 days remain."""
    return now + timedelta(days=100)


def test_a_preview_writes_nothing_and_says_what_will_be(
    world: World, commercial: Policy, later: datetime
) -> None:
    plan = endorsing.preview(
        commercial.number, command(K.REMOVE_COVER, cover_set="tpl_1m"), actor=world.underwriter, now=later
    )
    assert plan.premium_fen == plan.ledger.lowered_fen * -1
    assert [row.policy_id for row, _ in plan.ledger.lowered] == [commercial.id]
    db.session.commit()
    db.session.refresh(commercial)
    assert (commercial.cover_set, commercial.version) == ("tpl_1m_od", 1)


def test_a_premium_that_changed_since_the_preview_stops_the_endorsement(
    world: World, commercial: Policy, later: datetime
) -> None:
    with pytest.raises(Conflict, match="endorsement_changed"):
        endorse(world, commercial, later, K.REMOVE_COVER, cover_set="tpl_1m", expected_fen=-1)


def test_the_same_key_twice_is_one_endorsement(world: World, commercial: Policy, later: datetime) -> None:
    order = command(K.PLATE, plate="豫A77889", version=commercial.version)
    numbers = {
        endorsing.endorse(commercial.number, order, key="k", actor=world.underwriter, now=later)
        for _ in range(2)
    }
    assert len(numbers) == 1
    assert db.session.scalar(select(func.count()).select_from(Endorsement)) == 1


def test_two_clerks_at_once_endorse_a_policy_once(
    world: World, app: Flask, commercial: Policy, later: datetime
) -> None:
    order = command(K.REMOVE_COVER, cover_set="tpl_1m", version=commercial.version)
    number, ids = commercial.number, (world.underwriter.id, world.manager.id)
    db.session.commit()
    outcomes = at_once(*(_in_own_session(app, number, order, user_id, later) for user_id in ids))
    db.session.rollback()
    assert sorted(outcomes) == ["END-2027-000001", "stale"]
    assert ledger(commercial)[0] == premium_with_tax(commercial)


def _in_own_session(
    app: Flask, number: str, order: EndorsementCommand, user_id: int, now: datetime
) -> Callable[[], str]:
    def act() -> str:
        with app.app_context():
            db.session.connection(execution_options={"begin_immediate": True})
            try:
                made = endorsing.endorse(number, order, actor=db.session.get_one(User, user_id), now=now)
                db.session.commit()
            except DomainError as refusal:
                db.session.rollback()
                return refusal.code
            return made

    return act


@pytest.mark.parametrize("name", ["claims1", "hq", "safety_gongyi", "admin"])
def test_only_underwriters_endorse(world: World, commercial: Policy, later: datetime, name: str) -> None:
    for act in (endorsing.preview, endorsing.endorse):
        with pytest.raises(Forbidden):
            act(
                commercial.number,
                command(K.PLATE, plate="豫A77889"),
                actor=getattr(world, name),
                now=later,
            )


def test_another_accounts_policy_is_not_found(world: World, later: datetime) -> None:
    policy = PolicyFactory(vehicle=world.foreign_vehicle, issued_by=world.underwriter)
    db.session.commit()
    with pytest.raises(NotFound):
        endorse(world, policy, later, K.PLATE, plate="豫A77889")


def test_an_endorsement_is_in_the_audit_trail(world: World, commercial: Policy, later: datetime) -> None:
    endorse(world, commercial, later, K.PLATE, plate="豫A77889")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "policy_endorsed")).one()
    assert (entry.entity_label, entry.changes["endorsement"]) == (
        commercial.number,
        [None, "END-2027-000001"],
    )


def test_clients_read_the_endorsements_of_policies_they_see(
    world: World, commercial: Policy, later: datetime
) -> None:
    made = endorse(world, commercial, later, K.PLATE, plate="豫A77889")
    for reader in (world.hq, world.safety_gongyi, world.claims1):
        assert endorsements.get_endorsement(made.number, actor=reader).insured.plate == "豫A77889"
    with pytest.raises(NotFound):
        endorsements.get_endorsement(made.number, actor=world.foreign_hq)
