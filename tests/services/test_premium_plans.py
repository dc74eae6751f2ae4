"""Instalments: the sum stays, what is paid stays, an earlier plan is replaced; and what an account agreed on paying."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, InvalidMany, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.policies import IssueBatch, Policy
from service_desk.models.premiums import InstalmentPlan, Receivable
from service_desk.rules.premium import USUAL_TERMS, Instalment, PlanPart
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies, premiums
from service_desk.services.policies import IssueRequest, LineChoice, rates
from service_desk.services.premiums import PlanScope
from tests.premium_cases import endorsed, issued
from tests.services.test_premiums import owe, pay
from tests.world import World

TODAY = date(2026, 11, 23)
THREE = [Instalment(TODAY + timedelta(days=30 * n)) for n in range(3)]


def rows_of(policy_id: int) -> list[tuple[int, int, int]]:
    """Instalment, amount and settled of a policy's receivables."""
    statement = select(Receivable.instalment, Receivable.amount_fen, Receivable.settled_fen)
    ordered = statement.where(Receivable.policy_id == policy_id).order_by(Receivable.instalment)
    return [(row[0], row[1], row[2]) for row in db.session.execute(ordered)]


def plan(world: World, now: datetime, *rows: Receivable, parts: list[Instalment] | None = None) -> None:
    scope = PlanScope(world.account.id, tuple(row.id for row in rows))
    premiums.make_plan(scope, parts or THREE, "集团资金安排", actor=world.underwriter, now=now)
    db.session.commit()


def test_tax_stands_in_the_first_instalment_and_the_sum_stays(world: World, now: datetime) -> None:
    row = issued(world, world.coach, now, premium_fen=100_00, tax_fen=360_00)
    plan(world, now, row)
    assert rows_of(row.policy_id) == [(1, 393_34, 0), (2, 33_33, 0), (3, 33_33, 0)]
    days = db.session.scalars(select(Receivable.due_on).order_by(Receivable.instalment)).all()
    assert days == [one.due_on for one in THREE]
    assert db.session.scalars(select(InstalmentPlan.reason)).one() == "集团资金安排"


def test_only_what_is_unpaid_is_split(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 100, TODAY, settled=40)
    plan(world, now, row, parts=THREE[:2])
    assert rows_of(row.policy_id) == [(1, 40_00, 40_00), (2, 30_00, 0), (3, 30_00, 0)]


def test_a_plan_is_changed_while_unpaid(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 90, TODAY)
    plan(world, now, row)
    premiums.record_receipt(pay(world, row, yuan=30), actor=world.underwriter, now=now)
    plan(
        world, now, *db.session.scalars(select(Receivable).where(Receivable.instalment == 3)), parts=THREE[:1]
    )
    assert rows_of(row.policy_id) == [(1, 30_00, 30_00), (2, 60_00, 0), (3, 0, 0)]
    plan(world, now, *db.session.scalars(select(Receivable).where(Receivable.instalment == 2)), parts=THREE)
    assert rows_of(row.policy_id) == [(1, 30_00, 30_00), (2, 20_00, 0), (3, 20_00, 0), (4, 20_00, 0)]


def test_policy_and_endorsement_are_split_apart(world: World, now: datetime) -> None:
    row = issued(world, world.coach, now, premium_fen=100_00)
    policy = db.session.get_one(Policy, row.policy_id)
    endorsed(world, policy, now, 50_00)
    premiums.make_plan(
        PlanScope(world.account.id, branch_id=world.gongyi.id),
        THREE[:2],
        "分期",
        actor=world.underwriter,
        now=now,
    )
    amounts = db.session.execute(
        select(Receivable.endorsement_id.is_(None), func.sum(Receivable.amount_fen), func.count())
        .group_by(Receivable.endorsement_id)
        .order_by(func.sum(Receivable.amount_fen))
    ).all()
    assert [(bool(own), int(fen), count) for own, fen, count in amounts] == [
        (False, 50_00, 2),
        (True, 100_00, 2),
    ]


def test_a_batch_is_split_by_percent_with_a_preview_of_its_sums(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    request = IssueRequest(
        world.account.id, (world.coach.id, world.bus.id), (LineChoice(PolicyLine.CTPL, "basic"),)
    )
    number = policies.issue_many(request, actor=world.underwriter, now=now).number
    total = db.session.scalars(select(IssueBatch.premium_fen)).one()
    scope = PlanScope(world.account.id, batch_number=number)
    parts = [
        replace(one, percent=Decimal(share)) for one, share in zip(THREE, ("50", "30", "20"), strict=True)
    ]
    preview = premiums.preview_plan(scope, parts, actor=world.underwriter, now=now)
    assert (preview.group_count, preview.open_fen, sum(preview.parts_fen)) == (2, total, total)
    premiums.make_plan(scope, parts, "分期", expected_fen=total, actor=world.underwriter, now=now)
    sums = db.session.execute(
        select(func.sum(Receivable.amount_fen))
        .group_by(Receivable.instalment)
        .order_by(Receivable.instalment)
    )
    assert [int(fen) for (fen,) in sums] == list(preview.parts_fen)
    assert premiums.preview_plan(scope, THREE, actor=world.underwriter, now=now).open_fen == total


def test_a_plan_is_refused_when_the_sum_changed_or_the_reason_is_missing(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 90, TODAY)
    scope = PlanScope(world.account.id, (row.id,))
    with pytest.raises(Conflict, match="plan_sum_changed"):
        premiums.make_plan(scope, THREE, "分期", expected_fen=1, actor=world.underwriter, now=now)
    with pytest.raises(InvalidMany) as refusal:
        premiums.make_plan(scope, [Instalment(None)], " ", actor=world.underwriter, now=now)
    assert [problem.field for problem in refusal.value.problems] == ["due_on_1", "reason"]
    assert rows_of(row.policy_id) == [(1, 90_00, 0)]


def test_plans_are_for_those_who_receive_premium_and_their_accounts(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 90, TODAY)
    strange = owe(world, world.foreign_vehicle, 90, TODAY)
    with pytest.raises(Forbidden):
        premiums.make_plan(PlanScope(world.account.id, (row.id,)), THREE, "分期", actor=world.hq, now=now)
    with pytest.raises(NotFound):
        plan(world, now, strange)
    with pytest.raises(NotFound):
        premiums.make_plan(
            PlanScope(world.account.id, branch_id=world.foreign_branch.id),
            THREE,
            "分期",
            actor=world.underwriter,
            now=now,
        )


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    premium=st.integers(1, 10_000_00),
    tax=st.integers(0, 600_00),
    acts=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 100)), min_size=1, max_size=4),
)
def test_whatever_is_planned_and_paid_the_sum_never_changes(
    world: World, now: datetime, premium: int, tax: int, acts: list[tuple[int, int]]
) -> None:
    row = issued(world, world.coach, now, premium_fen=premium, tax_fen=tax)
    for count, percent in acts:
        _, owed = premiums.open_receivables(world.gongyi.id, actor=world.underwriter)
        own = [one for one in owed if one.policy.id == row.policy_id]
        if not own:
            break
        parts = [Instalment(TODAY + timedelta(days=n)) for n in range(count)]
        scope = PlanScope(world.account.id, (own[0].receivable.id,))
        premiums.make_plan(scope, parts, "分期", actor=world.underwriter, now=now)
        assert sum(fen for _, fen, _ in rows_of(row.policy_id)) == premium + tax
        _, owed = premiums.open_receivables(world.gongyi.id, actor=world.underwriter)
        own = [one for one in owed if one.policy.id == row.policy_id]
        paid = sum(one.open_fen for one in own) * percent // 100
        if paid:
            command = pay(world, *(one.receivable for one in own), yuan=0, amount_fen=paid)
            premiums.record_receipt(command, actor=world.underwriter, now=now)
    db.session.rollback()


def test_terms_are_a_managers_business_with_a_reason(world: World, now: datetime) -> None:
    terms = replace(USUAL_TERMS, age_days=(60,), plan_parts=(PlanPart(0, 4000), PlanPart(90, 6000)))
    with pytest.raises(Forbidden):
        premiums.change_terms(world.account.id, terms, "协议", version=0, actor=world.underwriter, now=now)
    with pytest.raises(InvalidMany):
        premiums.change_terms(world.account.id, terms, " ", version=0, actor=world.manager, now=now)
    premiums.change_terms(world.account.id, terms, "2026 年协议", version=0, actor=world.manager, now=now)
    db.session.commit()
    assert premiums.get_terms(world.account.id, actor=world.hq) == (terms, 1)
    assert premiums.usual_plan(terms, TODAY) == [
        Instalment(TODAY, Decimal(40)),
        Instalment(date(2027, 2, 21), Decimal(60)),
    ]
    with pytest.raises(Conflict, match="stale"):
        premiums.change_terms(world.account.id, terms, "再改", version=0, actor=world.manager, now=now)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "premium_terms_changed")).one()
    assert entry.changes["reason"] == [None, "2026 年协议"]
