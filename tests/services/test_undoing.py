"""Taking a batch back: on its day, as long as nothing has come of it, and then as if it had never been."""

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.jobs import issue_runs
from service_desk.models.claims import Claim, ClaimCover
from service_desk.models.db import db
from service_desk.models.policies import (
    Endorsement,
    EndorsementKind,
    IssueBatch,
    Policy,
    PolicyState,
)
from service_desk.models.premiums import Receivable
from service_desk.models.users import User, UserAccount
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies, premiums, sla
from service_desk.services.claims import intake
from service_desk.services.claims.intake import ReportCommand
from service_desk.services.policies import batches, rates, undoing
from service_desk.services.policies.delivery import runs as delivery_runs
from service_desk.services.policies.delivery.runs import RunCommand
from service_desk.services.premiums import ReceiptCommand
from tests.claim_cases import file_store, reported_claim
from tests.issue_cases import CTPL, confirmed, issued, make_small, many_vehicles, order_for
from tests.world import World


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    db.session.commit()


@pytest.fixture
def batch(world: World, now: datetime) -> IssueBatch:
    """A coach, a bus and a lorry with CTPL each, issued this morning."""
    order = order_for(world, [world.coach.id, world.bus.id, world.truck.id], CTPL)
    return confirmed(order, world, now)


def undo(batch: IssueBatch, world: World, now: datetime, **values: Any) -> IssueBatch:
    arguments = {"reason": " 清单有误 ", "actor": world.underwriter, "now": now, **values}
    undone = undoing.undo(batch.number, arguments.pop("reason"), **arguments)
    db.session.commit()
    return undone


def problems_of(batch: IssueBatch, world: World, now: datetime) -> list[tuple[str, str]]:
    with pytest.raises(InvalidMany) as refused:
        undo(batch, world, now)
    db.session.rollback()
    return [(one.code, one.params["numbers"]) for one in refused.value.problems]


def test_policies_of_an_undone_batch_cover_nothing_and_owe_nothing(
    batch: IssueBatch, world: World, now: datetime
) -> None:
    later = now + timedelta(hours=3)
    undo(batch, world, later)
    assert {(p.state, p.ends_at == p.starts_at) for p in issued(batch)} == {(PolicyState.VOIDED, True)}
    assert all(policy.agreed_ends_at > policy.ends_at for policy in issued(batch))
    owed = db.session.execute(select(Receivable.amount_fen, Receivable.settled_fen)).all()
    assert [tuple(row) for row in owed] == [(0, 0)] * 3
    assert (batch.undone_at, batch.undone_by_id, batch.undo_reason) == (
        later,
        world.underwriter.id,
        "清单有误",
    )
    assert policies.coverage_of([world.coach.id], later)[world.coach.id].lines == {}


def test_vehicles_of_an_undone_batch_are_issued_again_with_new_numbers(
    batch: IssueBatch, world: World, now: datetime
) -> None:
    undo(batch, world, now)
    again = confirmed(order_for(world, [world.coach.id], CTPL), world, now + timedelta(minutes=5))
    [policy] = issued(again)
    assert policy.number == "PCT2026-000004"
    assert policies.coverage_of([world.coach.id], now + timedelta(hours=1))[world.coach.id].lines[
        PolicyLine.CTPL
    ].number == (policy.number)


def test_an_undone_run_is_undone_whole(world: World, now: datetime) -> None:
    make_small()
    batch = confirmed(order_for(world, many_vehicles([world.gongyi], 9)), world, now)
    with pytest.raises(Conflict, match="batch_still_running"):
        undo(batch, world, now)
    issue_runs.run(now)
    undo(batch, world, now)
    assert {policy.state for policy in issued(batch)} == {PolicyState.VOIDED}


def test_only_on_the_day_of_issue_in_china(batch: IssueBatch, world: World, now: datetime) -> None:
    last_minute = now.replace(hour=15, minute=59)
    assert undoing.may_undo(batch, now=last_minute)
    with pytest.raises(Conflict, match="undo_too_late"):
        undo(batch, world, last_minute + timedelta(minutes=1))
    db.session.rollback()
    assert undo(batch, world, last_minute).undone_at == last_minute


def test_a_delivered_batch_stays(batch: IssueBatch, world: World, now: datetime) -> None:
    batches.deliver(batch.number, "郭永刚", actor=world.underwriter, now=now)
    db.session.commit()
    assert {policy.delivered_at for policy in issued(batch)} == {now}
    with pytest.raises(Conflict, match="undo_batch_delivered"):
        undo(batch, world, now)


def test_each_policy_that_something_came_of_is_named(batch: IssueBatch, world: World, now: datetime) -> None:
    first, second, third = issued(batch)
    first.delivered_at = now
    receive(world, second, now)
    claim = reported_claim(world, now)
    db.session.add(ClaimCover(claim_id=claim.id, policy_id=third.id, code="ctpl", ends_at=third.ends_at))
    db.session.add(
        Endorsement(
            number="END-1",
            account_id=first.account_id,
            branch_id=first.branch_id,
            policy_id=first.id,
            ordinal=1,
            kind=EndorsementKind.PLATE,
            effective_at=now,
            created_by_id=world.underwriter.id,
            created_at=now,
        )
    )
    db.session.commit()
    assert problems_of(batch, world, now) == [
        ("undo_delivered", first.number),
        ("undo_paid", second.number),
        ("undo_claimed", third.number),
        ("undo_endorsed", first.number),
    ]
    assert {policy.state for policy in issued(batch)} == {PolicyState.ISSUED}


def test_what_is_on_its_way_to_a_branch_keeps_its_batch(
    batch: IssueBatch, world: World, now: datetime
) -> None:
    command = RunCommand(world.truck.branch_id, now.date(), "李送单")
    run = delivery_runs.plan(command, actor=world.underwriter, now=now)
    delivery_runs.send_out(run, actor=world.underwriter, now=now)
    db.session.commit()
    own = [policy.number for policy in issued(batch) if policy.branch_id == world.truck.branch_id]
    assert problems_of(batch, world, now) == [("undo_on_its_way", ", ".join(own))]


def test_a_cancelled_policy_keeps_its_batch(batch: IssueBatch, world: World, now: datetime) -> None:
    policy = issued(batch)[0]
    policy.state, policy.ends_at = PolicyState.CANCELLED, policy.starts_at
    db.session.commit()
    assert problems_of(batch, world, now) == [("undo_cancelled", policy.number)]


def test_many_policies_are_counted_and_the_first_named(world: World, now: datetime) -> None:
    batch = confirmed(order_for(world, many_vehicles([world.gongyi], 8)), world, now)
    for policy in issued(batch):
        policy.delivered_at = now
    db.session.commit()
    [(code, numbers)] = problems_of(batch, world, now)
    assert (code, numbers.count("PCT"), numbers.endswith("…")) == ("undo_delivered", 5, True)


def receive(world: World, policy: Policy, now: datetime) -> None:
    row = db.session.scalars(select(Receivable).where(Receivable.policy_id == policy.id)).one()
    command = ReceiptCommand(row.branch_id, (row.id,), 100, date(2026, 11, 23), "transfer", "中牟公交分公司")
    premiums.record_receipt(command, actor=world.underwriter, now=now)


def test_a_reason_is_asked_for_and_twice_is_refused(batch: IssueBatch, world: World, now: datetime) -> None:
    with pytest.raises(Invalid, match="required"):
        undo(batch, world, now, reason="  ")
    undo(batch, world, now)
    with pytest.raises(Conflict, match="batch_undone_already"):
        undo(batch, world, now)
    with pytest.raises(Conflict, match="batch_undone_already"):
        batches.deliver(batch.number, "郭永刚", actor=world.underwriter, now=now)


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("claims1", Forbidden), ("hq", Forbidden), ("safety_gongyi", Forbidden), ("foreign_hq", Forbidden)],
)
def test_only_underwriters_take_back(
    batch: IssueBatch, world: World, now: datetime, name: str, refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        undo(batch, world, now, actor=getattr(world, name))


def test_another_accounts_batch_is_not_found(batch: IssueBatch, world: World, now: datetime) -> None:
    own = select(UserAccount).where(UserAccount.user_id == world.underwriter.id)
    db.session.scalars(own).one().account_id = world.foreign_account.id
    db.session.commit()
    with pytest.raises(NotFound):
        undo(batch, world, now)


def test_of_a_delivery_and_an_undoing_at_once_one_wins(
    batch: IssueBatch, world: World, app: Flask, now: datetime
) -> None:
    number, user_id = batch.number, world.underwriter.id
    db.session.rollback()
    outcomes = at_once(
        lambda actor: undoing.undo(number, "重复", actor=actor, now=now),
        lambda actor: batches.deliver(number, "郭永刚", actor=actor, now=now),
        app=app,
        user_id=user_id,
    )
    assert sorted(outcomes) in (["batch_undone_already", "done"], ["done", "undo_batch_delivered"])


def test_a_claim_reported_while_a_batch_is_undone_keeps_no_cover_of_it(
    batch: IssueBatch, world: World, app: Flask, now: datetime
) -> None:
    sla.install_defaults(now)
    db.session.commit()
    later = now + timedelta(hours=1)
    command = ReportCommand(
        world.account.id, "豫A12345", now + timedelta(minutes=30), "G310", "追尾", "郭永刚", "13937108891"
    )
    number, user_id = batch.number, world.safety_gongyi.id
    db.session.commit()
    db.session.connection(execution_options={"begin_immediate": True})

    def report() -> None:
        with app.app_context():
            db.session.connection(execution_options={"begin_immediate": True})
            user = db.session.get_one(User, user_id)
            intake.report(command, photos=[], key="", actor=user, now=later, files=file_store())
            db.session.commit()

    undoing.undo(number, "重复", actor=world.underwriter, now=later)
    reporting = threading.Thread(target=report)
    reporting.start()
    reporting.join(timeout=1)
    db.session.commit()
    reporting.join()

    assert db.session.scalars(select(Claim)).one().loss_at == command.loss_at
    assert db.session.scalars(select(ClaimCover)).all() == []


def at_once(*acts: Any, app: Flask, user_id: int) -> list[str]:
    """Do acts in threads that start together, each in a unit of work; `done` or the refusal's code of each."""
    start, outcomes = threading.Barrier(len(acts)), []

    def run(act: Any) -> None:
        with app.app_context():
            start.wait()
            db.session.connection(execution_options={"begin_immediate": True})
            try:
                act(db.session.get_one(User, user_id))
                db.session.commit()
                outcomes.append("done")
            except DomainError as refusal:
                db.session.rollback()
                outcomes.append(refusal.code)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_an_undone_batch_is_not_printed(batch: IssueBatch, world: World, now: datetime) -> None:
    undo(batch, world, now)
    assert not batches.policies_to_print(batch.number, first=0, count=400, actor=world.hq, now=now)
    view = batches.get_batch(batch.number, PageRequest(), actor=world.hq, now=now)
    assert (view.branches, view.undone_by) == ([], db.session.get(User, world.underwriter.id))
    assert db.session.scalar(select(func.count()).select_from(Policy)) == 3


def test_a_branchs_bundle_holds_its_policies_only(batch: IssueBatch, world: World, now: datetime) -> None:
    views = batches.policies_to_print(
        batch.number, first=0, count=400, actor=world.hq, now=now, branch_id=world.zhongmu.id
    )
    assert [view.policy.vehicle_id for view in views] == [world.bus.id]
    found = batches.branches_to_print(batch.number, actor=world.hq)
    assert [(branch.id, count) for branch, count in found] == [(world.gongyi.id, 2), (world.zhongmu.id, 1)]
