"""Beyond the group's credit limit nothing is issued unless another person released it, and a release lets one order through."""

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.models.policies import IssueBatch, Policy
from service_desk.models.premiums import CreditRelease, ReleaseState
from service_desk.models.users import User
from service_desk.rules.permissions import Role
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies, premiums
from service_desk.services.policies import IssueRequest, LineChoice, rates
from service_desk.services.premiums import ReceiptCommand
from tests.factories import UserFactory
from tests.services.test_premium_money import at_once
from tests.world import World

TODAY = date(2026, 11, 23)
# CTPL of the coach: 4,690.00.
COACH_FEN = 4_690_00


@pytest.fixture(autouse=True)
def _prices(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    world.account.credit_limit_fen = COACH_FEN - 1
    db.session.commit()


def order(world: World, *vehicles: int) -> IssueRequest:
    ids = vehicles or (world.coach.id,)
    return IssueRequest(world.account.id, ids, (LineChoice(PolicyLine.CTPL, "basic"),))


def issue(world: World, now: datetime, actor: User | None = None) -> str:
    return policies.issue_many(order(world), actor=actor or world.underwriter, now=now).number


def ask(world: World, now: datetime, actor: User | None = None) -> str:
    number = premiums.ask_release(
        world.account.id,
        {"vehicle_ids": [str(world.coach.id)]},
        COACH_FEN,
        "客户承诺周五付款",
        key="ask",
        actor=actor or world.underwriter,
        now=now,
    )
    db.session.commit()
    return number


def release(world: World, number: str, now: datetime, *, actor: User | None = None, days: int = 3) -> None:
    until = TODAY + timedelta(days=days)
    premiums.release_credit(number, None, until, "总经理同意", actor=actor or world.manager, now=now)
    db.session.commit()


def test_an_order_beyond_the_limit_is_refused_with_all_figures(world: World, now: datetime) -> None:
    with pytest.raises(Invalid) as refusal:
        issue(world, now)
    assert (refusal.value.code, refusal.value.params) == (
        "credit_exceeded",
        {"limit": "¥4,689.99", "used": "¥0.00", "order": "¥4,690.00", "exceeded": "¥0.01"},
    )
    db.session.rollback()
    world.account.credit_limit_fen = COACH_FEN
    issue(world, now)


def test_a_release_lets_the_order_through_once(world: World, now: datetime) -> None:
    number = ask(world, now)
    with pytest.raises(Invalid, match="credit_exceeded"):
        issue(world, now)
    release(world, number, now)
    batch = issue(world, now)
    db.session.commit()
    view = premiums.get_release(number, actor=world.manager)
    assert (view.release.state, view.batch_number) == (ReleaseState.USED, batch)
    with pytest.raises(Invalid, match="credit_exceeded"):
        policies.issue_many(order(world, world.truck.id), actor=world.underwriter, now=now)


def test_only_who_asked_may_use_it_and_only_in_time(world: World, now: datetime) -> None:
    release(world, ask(world, now), now, days=0)
    other = UserFactory(username="underwriter9", role=Role.UNDERWRITER, accounts=[world.account])
    with pytest.raises(Invalid, match="credit_exceeded"):
        issue(world, now, other)
    with pytest.raises(Invalid, match="credit_exceeded"):
        issue(world, now + timedelta(days=1))
    issue(world, now)


def test_nobody_releases_an_order_of_their_own(world: World, now: datetime) -> None:
    number = ask(world, now, world.manager)
    with pytest.raises(Forbidden, match="release_own_order"):
        release(world, number, now)
    second = UserFactory(username="manager2", role=Role.MANAGER, accounts=[world.account])
    release(world, number, now, actor=second)
    issue(world, now, world.manager)


def test_managers_hear_of_a_request_and_the_clerk_of_the_answer(world: World, now: datetime) -> None:
    number = ask(world, now)
    assert ask(world, now) == number
    premiums.refuse_release(number, "先收款", actor=world.manager, now=now)
    db.session.commit()
    told = db.session.execute(
        select(Notice.kind, Notice.user_id).where(Notice.channel == "in_app").order_by(Notice.id)
    ).all()
    assert sorted(told) == [
        ("credit_release_asked", world.manager.id),
        ("credit_release_decided", world.underwriter.id),
    ]
    with pytest.raises(Conflict, match="release_decided"):
        release(world, number, now)
    with pytest.raises(Invalid, match="credit_exceeded"):
        issue(world, now)


def test_a_decision_needs_enough_money_a_day_and_a_reason(world: World, now: datetime) -> None:
    number = ask(world, now)
    with pytest.raises(InvalidMany) as refusal:
        premiums.release_credit(number, 0, TODAY - timedelta(days=1), " ", actor=world.manager, now=now)
    assert [(one.field, one.code) for one in refusal.value.problems] == [
        ("amount", "amount_not_positive"),
        ("valid_until", "release_day_past"),
        ("reason", "required"),
    ]


def test_money_with_us_makes_room(world: World, now: datetime) -> None:
    command = ReceiptCommand(world.gongyi.id, (), 1_00, TODAY, "transfer", "巩义", keeps_rest=True)
    premiums.record_receipt(command, actor=world.underwriter, now=now)
    with pytest.raises(Invalid, match="credit_not_exceeded"):
        ask(world, now)
    issue(world, now)


def test_requests_are_for_those_who_issue_or_release(world: World, now: datetime) -> None:
    number = ask(world, now)
    for user in (world.hq, world.claims1, world.safety_gongyi):
        with pytest.raises(Forbidden):
            premiums.get_release(number, actor=user)
        with pytest.raises(Forbidden):
            premiums.list_releases(world.account.id, PageRequest(), actor=user)
    with pytest.raises(Forbidden):
        release(world, number, now, actor=world.underwriter)
    stranger = UserFactory(username="stranger", role=Role.MANAGER, accounts=[world.foreign_account])
    with pytest.raises(NotFound):
        release(world, number, now, actor=stranger)


def test_two_orders_at_once_do_not_share_the_limit(world: World, app: Flask, now: datetime) -> None:
    world.account.credit_limit_fen = COACH_FEN
    ids, user_id = (world.coach.id, world.truck.id), world.underwriter.id
    orders = [order(world, vehicle_id) for vehicle_id in ids]
    db.session.commit()

    def act(request: IssueRequest) -> str:
        actor = db.session.get_one(User, user_id)
        policies.issue_many(request, actor=actor, now=now)
        return "issued"

    outcomes = at_once(app, *(lambda request=request: act(request) for request in orders))
    assert sorted(outcomes) == ["credit_exceeded", "issued"]
    db.session.expire_all()
    assert db.session.scalar(select(func.count()).select_from(Policy)) == 1


def test_a_release_is_not_used_twice_at_once(world: World, app: Flask, now: datetime) -> None:
    world.account.credit_limit_fen = 0
    db.session.commit()
    release(world, ask(world, now), now)
    orders = [order(world, vehicle.id) for vehicle in (world.truck, world.bus)]
    user_id = world.underwriter.id
    db.session.commit()

    def act(request: IssueRequest) -> str:
        policies.issue_many(request, actor=db.session.get_one(User, user_id), now=now)
        return "issued"

    outcomes = at_once(app, *(lambda request=request: act(request) for request in orders))
    assert sorted(outcomes) == ["credit_exceeded", "issued"]
    db.session.expire_all()
    used = db.session.scalars(select(CreditRelease)).one()
    assert (used.state, used.batch_id) == (
        ReleaseState.USED,
        db.session.scalars(select(IssueBatch.id)).one(),
    )
