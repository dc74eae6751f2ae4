"""The ledger's ages, and receipts that settle the oldest first and never more than is owed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.premiums import Receipt, Receivable
from service_desk.rules.premium import AgeBand, age_of
from service_desk.services import exports, premiums
from service_desk.services.premiums import ReceiptCommand
from tests.factories import PolicyFactory
from tests.world import World

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


def owe(world: World, vehicle: Any, yuan: int, due_on: date, settled: int = 0) -> Receivable:
    policy = PolicyFactory(vehicle=vehicle, issued_by=world.underwriter, premium_fen=yuan * 100)
    row = Receivable(
        account_id=policy.account_id,
        branch_id=policy.branch_id,
        policy_id=policy.id,
        amount_fen=yuan * 100,
        due_on=due_on,
        created_at=policy.issued_at,
    )
    db.session.add(row)
    db.session.commit()
    if settled:
        branch = db.session.get_one(Branch, row.branch_id)
        command = ReceiptCommand(
            branch.id, (row.id,), settled * 100, date(2026, 9, 1), "transfer", branch.name
        )
        premiums.record_receipt(command, actor=world.underwriter, now=NOW)
        db.session.commit()
    return row


def pay(world: World, *rows: Receivable, yuan: int, **values: Any) -> ReceiptCommand:
    command = ReceiptCommand(
        branch_id=world.gongyi.id,
        receivable_ids=tuple(row.id for row in rows),
        amount_fen=yuan * 100,
        received_on=TODAY,
        method="transfer",
        payer="巩义客运分公司",
    )
    return replace(command, **values)


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (-1, AgeBand(None, 0)),
        (0, AgeBand(None, 0)),
        (1, AgeBand(1, 30)),
        (30, AgeBand(1, 30)),
        (31, AgeBand(31, 90)),
        (90, AgeBand(31, 90)),
        (91, AgeBand(91, 180)),
        (365, AgeBand(181, 365)),
        (366, AgeBand(366, None)),
    ],
)
def test_ledger_ages_as_the_rule_does(world: World, now: datetime, days: int, age: AgeBand) -> None:
    due_on = TODAY - timedelta(days=days)
    owe(world, world.coach, 100, due_on)
    (row,) = premiums.ledger(world.account.id, actor=world.underwriter, now=now)
    assert {a: fen for a, fen in row.by_age.items() if fen} == {age: 100_00}
    assert age_of(due_on, TODAY, (30, 90, 180, 365)) == age


def test_ledger_shows_only_branches_that_owe(world: World, now: datetime) -> None:
    owe(world, world.coach, 100, TODAY, settled=100)
    owe(world, world.truck, 50, TODAY, settled=20)
    owe(world, world.bus, 70, TODAY)
    rows = premiums.ledger(world.account.id, actor=world.hq, now=now)
    assert [(row.branch.name, row.open_count, row.open_fen) for row in rows] == [
        ("中牟公交分公司", 1, 70_00),
        ("巩义客运分公司", 1, 30_00),
    ]


def test_receipt_settles_the_oldest_first_and_a_part_of_the_last(world: World, now: datetime) -> None:
    late, later = (
        owe(world, world.coach, 100, date(2026, 12, 1)),
        owe(world, world.truck, 80, date(2026, 10, 1)),
    )
    receipt = premiums.record_receipt(pay(world, late, later, yuan=130), actor=world.underwriter, now=now)
    db.session.commit()
    assert receipt.number == "REC-2026-000001"
    assert (later.settled_fen, late.settled_fen) == (80_00, 50_00)
    view = premiums.get_receipt(receipt.number, actor=world.hq)
    assert [
        (policy.plate, fen) for policy, fen in ((part.policy, part.amount_fen) for part in view.parts)
    ] == [("豫A67890", 80_00), ("豫A12345", 50_00)]


def test_more_than_is_owed_is_refused_with_both_sums(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 100, TODAY)
    with pytest.raises(Invalid) as refusal:
        premiums.record_receipt(pay(world, row, yuan=101), actor=world.underwriter, now=now)
    assert (refusal.value.code, refusal.value.params) == (
        "receipt_exceeds_debt",
        {"owed": "¥100.00", "amount": "¥101.00"},
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_fen": 0}, "amount_not_positive"),
        ({"received_on": TODAY + timedelta(days=1)}, "received_in_future"),
        ({"receivable_ids": ()}, "no_receivable_chosen"),
        ({"payer": " "}, "required"),
        ({"method": "barter"}, "required"),
    ],
)
def test_wrong_receipts_are_refused(world: World, now: datetime, change: dict[str, Any], code: str) -> None:
    row = owe(world, world.coach, 100, TODAY)
    with pytest.raises(Invalid, match=code):
        premiums.record_receipt(pay(world, row, yuan=100, **change), actor=world.underwriter, now=now)


def test_without_an_amount_all_that_is_chosen_is_settled(world: World, now: datetime) -> None:
    rows = owe(world, world.coach, 100, TODAY, settled=30), owe(world, world.truck, 50, TODAY)
    command = pay(world, *rows, yuan=0, amount_fen=None)
    receipt = premiums.record_receipt(command, actor=world.underwriter, now=now)
    assert receipt.amount_fen == 120_00
    assert premiums.ledger(world.account.id, actor=world.underwriter, now=now) == []


def test_what_was_settled_meanwhile_is_not_settled_again(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 100, TODAY)
    premiums.record_receipt(pay(world, row, yuan=100), actor=world.underwriter, now=now)
    with pytest.raises(Conflict, match="receivable_settled"):
        premiums.record_receipt(pay(world, row, yuan=100), actor=world.underwriter, now=now)


def test_another_branchs_receivable_cannot_be_settled_with_it(world: World, now: datetime) -> None:
    row = owe(world, world.bus, 100, TODAY)
    with pytest.raises(Conflict):
        premiums.record_receipt(pay(world, row, yuan=100), actor=world.underwriter, now=now)


def test_the_same_receipt_twice_is_one(world: World, now: datetime) -> None:
    command = pay(world, owe(world, world.coach, 100, TODAY), yuan=60)
    numbers = {premiums.receive(command, key="k", actor=world.underwriter, now=now) for _ in range(2)}
    assert len(numbers) == 1
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 1


def test_credit_counts_everything_open(world: World) -> None:
    world.account.credit_limit_fen = 500_000_00
    owe(world, world.coach, 300_000, TODAY, settled=50_000)
    credit = premiums.credit_of(world.account.id, actor=world.underwriter)
    assert (credit.limit_fen, credit.used_fen) == (500_000_00, 250_000_00)
    assert (credit.exceeded_by(250_000_00), credit.exceeded_by(250_000_01)) == (0, 1)


def test_group_reads_the_ledger_and_receives_nothing(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 100, TODAY)
    premiums.ledger(world.account.id, actor=world.hq, now=now)
    with pytest.raises(Forbidden):
        premiums.record_receipt(pay(world, row, yuan=100), actor=world.hq, now=now)


def test_branch_officers_see_no_premiums(world: World, now: datetime) -> None:
    with pytest.raises(Forbidden):
        premiums.ledger(world.account.id, actor=world.safety_gongyi, now=now)


def test_another_account_sees_neither_debts_nor_receipts(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 100, TODAY)
    receipt = premiums.record_receipt(pay(world, row, yuan=40), actor=world.underwriter, now=now)
    with pytest.raises(NotFound):
        premiums.ledger(world.account.id, actor=world.foreign_hq, now=now)
    assert premiums.list_receipts(world.account.id, PageRequest(), actor=world.foreign_hq).total == 0
    with pytest.raises(NotFound):
        premiums.get_receipt(receipt.number, actor=world.foreign_hq)
    with pytest.raises(NotFound):
        premiums.open_receivables(world.gongyi.id, actor=world.foreign_hq)


def test_what_a_branch_owes_read_in_portions_is_all_of_it(world: World, now: datetime) -> None:
    for vehicle in (world.coach, world.truck, world.bus):
        owe(world, vehicle, 100, TODAY)
    _branch, owed = premiums.open_receivables(world.gongyi.id, actor=world.hq)
    assert len(owed) == 2
    for size in (1, 2, 3):
        rows = exports.in_portions(
            lambda page: premiums.list_open(world.gongyi.id, page, actor=world.hq), portion=size
        )
        assert list(rows) == owed
    with pytest.raises(NotFound):
        premiums.list_open(world.gongyi.id, PageRequest(), actor=world.foreign_hq)
