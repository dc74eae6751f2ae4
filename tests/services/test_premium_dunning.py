"""Dunning notices: by branch and level as the account agreed, once a day each, kept with what they listed, and sent."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.jobs import premium_dunning
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.premiums import DunningNotice
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.presenters.languages import in_language
from service_desk.rules.premium import USUAL_TERMS, Instalment
from service_desk.services import premiums
from service_desk.services.premiums import PlanScope
from tests.factories import ContactFactory
from tests.services.test_premium_money import at_once
from tests.services.test_premiums import owe, pay
from tests.world import World

TODAY = date(2026, 11, 23)


@pytest.fixture
def debts(world: World) -> None:
    """Gongyi: one line due in five days, one 40 days overdue; Zhongmu: one due in eight days."""
    owe(world, world.coach, 100, TODAY + timedelta(days=5))
    owe(world, world.truck, 80, TODAY - timedelta(days=40))
    owe(world, world.bus, 60, TODAY + timedelta(days=8))
    ContactFactory(account=world.account, branch=world.gongyi, email="gongyi@zzly.example")
    ContactFactory(account=world.account, branch=world.zhongmu, email="zhongmu@zzly.example")
    db.session.commit()


def cases(world: World, now: datetime) -> list[tuple[str, int, int]]:
    found = premiums.list_cases(world.account.id, actor=world.hq, now=now)
    return [(case.branch.name, case.level.from_days, case.open_fen) for case in found]


def test_cases_stand_by_branch_and_level(world: World, debts: None, now: datetime) -> None:
    assert cases(world, now) == [("巩义客运分公司", 31, 80_00), ("巩义客运分公司", -7, 100_00)]
    terms = replace(USUAL_TERMS, dunning_days=(-10, 41))
    premiums.change_terms(world.account.id, terms, "协议", version=0, actor=world.manager, now=now)
    assert cases(world, now) == [("中牟公交分公司", -10, 60_00), ("巩义客运分公司", -10, 180_00)]


def test_notices_reach_the_branch_and_the_group_and_stay(world: World, debts: None, now: datetime) -> None:
    chosen = {(world.gongyi.id, 31), (world.gongyi.id, -7), (world.zhongmu.id, -7)}
    numbers = premiums.send_notices(world.account.id, chosen, actor=world.underwriter, now=now)
    db.session.commit()
    assert len(numbers) == 2
    mails = db.session.scalars(select(Notice).where(Notice.channel == Channel.MAIL).order_by(Notice.id)).all()
    assert sorted((one.kind, one.address) for one in mails) == [
        ("premium_dunning", "gongyi@zzly.example"),
        ("premium_dunning", "gongyi@zzly.example"),
        ("premium_dunning_group", world.hq.email),
    ]
    letter = mail.render(next(one for one in mails if one.kind == "premium_dunning"), base_url="https://desk")
    assert "巩义客运分公司 保费催缴：¥80.00，逾期 30 天以上" in letter.subject
    assert "豫A67890" in letter.text
    in_app = db.session.scalars(
        select(Notice).where(Notice.channel == Channel.IN_APP).order_by(Notice.id)
    ).all()
    with in_language("zh"):
        lines = [(one.user_id, mail.inbox_line(one)) for one in in_app]
    assert lines == [(world.hq.id, "1 家分公司保费催缴：¥180.00")]
    view = premiums.get_notice(numbers[0], actor=world.hq)
    assert [(line.policy.plate, line.open_fen) for line in view.lines] == [("豫A67890", 80_00)]
    # It stays as it was, whatever is paid.
    row = premiums.open_receivables(world.gongyi.id, actor=world.hq)[1][0].receivable
    premiums.record_receipt(pay(world, row, yuan=80), actor=world.underwriter, now=now)
    assert premiums.get_notice(numbers[0], actor=world.hq).lines == view.lines


def test_a_level_is_dunned_once_a_day(world: World, debts: None, now: datetime) -> None:
    chosen = {(world.gongyi.id, 31)}
    premiums.send_notices(world.account.id, chosen, actor=world.underwriter, now=now)
    with pytest.raises(Conflict, match="dunned_today"):
        premiums.send_notices(world.account.id, chosen, actor=world.underwriter, now=now)
    premiums.send_notices(world.account.id, chosen, actor=world.underwriter, now=now + timedelta(days=1))
    assert premiums.list_notices(world.account.id, PageRequest(), actor=world.hq).total == 2


def test_nothing_ticked_is_refused(world: World, debts: None, now: datetime) -> None:
    for chosen in (set[tuple[int, int]](), {(world.foreign_branch.id, 31)}):
        with pytest.raises(Invalid, match="nothing_to_dun"):
            premiums.send_notices(world.account.id, chosen, actor=world.underwriter, now=now)


def test_the_daily_job_sends_each_line_once_a_level_if_wanted(
    world: World, debts: None, now: datetime
) -> None:
    assert premium_dunning.run(now) == Tally(done=2)
    assert not db.session.scalars(select(DunningNotice)).all()
    terms = replace(USUAL_TERMS, is_dunned_daily=True)
    premiums.change_terms(world.account.id, terms, "协议", version=0, actor=world.manager, now=now)
    db.session.commit()
    for days in (0, 0, 1, 6):
        premium_dunning.run(now + timedelta(days=days))
    sent = db.session.execute(
        select(DunningNotice.noticed_on, DunningNotice.branch_id, DunningNotice.from_days).order_by(
            DunningNotice.id
        )
    ).all()
    first, second, third = TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=6)
    assert sent == [
        (first, world.gongyi.id, 31),
        (first, world.gongyi.id, -7),
        (second, world.zhongmu.id, -7),
        # By then the coach's line is a day overdue.
        (third, world.gongyi.id, 1),
    ]


def test_a_debt_that_a_plan_moved_is_dunned_at_its_new_day(world: World, now: datetime) -> None:
    owed = owe(world, world.truck, 80, TODAY - timedelta(days=1))
    terms = replace(USUAL_TERMS, is_dunned_daily=True)
    premiums.change_terms(world.account.id, terms, "协议", version=0, actor=world.manager, now=now)
    assert premiums.send_daily(world.account.id, now=now) == 1
    scope, later = PlanScope(world.account.id, (owed.id,)), TODAY + timedelta(days=60)
    premiums.make_plan(scope, [Instalment(later)], "缓缴", actor=world.underwriter, now=now)

    sent = [
        premiums.send_daily(world.account.id, now=now + timedelta(days=days)) for days in (1, 53, 54, 61, 62)
    ]

    assert sent == [0, 1, 0, 1, 0]


def test_two_senders_at_once_send_once(world: World, app: Flask, debts: None, now: datetime) -> None:
    account_id, user_id, chosen = world.account.id, world.underwriter.id, {(world.gongyi.id, 31)}
    db.session.commit()

    def send() -> str:
        actor = db.session.get_one(User, user_id)
        return f"{len(premiums.send_notices(account_id, chosen, actor=actor, now=now))}"

    assert sorted(at_once(app, send, send)) == ["1", "dunned_today"]


def test_who_may_send_and_who_may_read(world: World, debts: None, now: datetime) -> None:
    chosen = {(world.gongyi.id, 31)}
    for user in (world.hq, world.claims1):
        with pytest.raises(Forbidden):
            premiums.send_notices(world.account.id, chosen, actor=user, now=now)
    (number,) = premiums.send_notices(world.account.id, chosen, actor=world.underwriter, now=now)
    with pytest.raises(NotFound):
        premiums.get_notice(number, actor=world.foreign_hq)
    with pytest.raises(Forbidden):
        premiums.list_cases(world.account.id, actor=world.safety_gongyi, now=now)
