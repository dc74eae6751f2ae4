"""Money beyond what is owed, allocated later, taken back, paid back; receipts reversed; refunds paid or credited once."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, unit_of_work
from service_desk.models.premiums import PremiumRefund, Receipt, Receivable, RefundState
from service_desk.models.users import User
from service_desk.services import premiums
from service_desk.services.premiums import AllocateCommand, Payout, ReceiptCommand
from tests.services.test_premiums import owe, pay
from tests.world import World

TODAY = date(2026, 11, 23)


def receive(world: World, now: datetime, *rows: Receivable, yuan: int) -> Receipt:
    """A receipt that keeps what goes beyond the rows."""
    command = pay(world, *rows, yuan=yuan, keeps_rest=True)
    receipt = premiums.record_receipt(command, actor=world.underwriter, now=now)
    db.session.commit()
    return receipt


def refunds() -> list[PremiumRefund]:
    return list(db.session.scalars(select(PremiumRefund).order_by(PremiumRefund.id)))


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_what_goes_beyond_the_lines_stays_unallocated(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 100, TODAY)
    receipt = receive(world, now, row, yuan=130)
    assert (receipt.allocated_fen, receipt.unallocated_fen) == (100_00, 30_00)
    credit = premiums.credit_of(world.account.id, actor=world.underwriter)
    assert (credit.open_fen, credit.unallocated_fen, credit.used_fen) == (0, 30_00, -30_00)
    page = premiums.list_receipts(world.account.id, PageRequest(), actor=world.hq, only_unallocated=True)
    assert [one.number for one, _ in page.rows] == [receipt.number]


def test_money_without_a_line_is_kept_whole(world: World, now: datetime) -> None:
    assert receive(world, now, yuan=50).unallocated_fen == 50_00
    with pytest.raises(Invalid, match="no_receivable_chosen"):
        premiums.record_receipt(
            pay(world, yuan=0, amount_fen=None, keeps_rest=True), actor=world.underwriter, now=now
        )


def test_unallocated_money_settles_another_branchs_premium_later(world: World, now: datetime) -> None:
    receipt = receive(world, now, owe(world, world.coach, 100, TODAY), yuan=130)
    other = owe(world, world.bus, 50, TODAY)
    command = AllocateCommand((other.id,))
    for _ in range(2):
        premiums.allocate_money(receipt.number, command, key="k", actor=world.underwriter, now=now)
    assert (other.settled_fen, receipt.unallocated_fen) == (30_00, 0)
    view = premiums.get_receipt(receipt.number, actor=world.hq)
    assert [part.amount_fen for part in view.settling] == [100_00, 30_00]
    assert actions().count("money_allocated") == 1


@pytest.mark.parametrize(
    ("amount", "code"),
    [(0, "amount_not_positive"), (31_00, "more_than_unallocated"), (21_00, "more_than_owed")],
)
def test_no_more_is_allocated_than_there_is_and_is_owed(
    world: World, now: datetime, amount: int, code: str
) -> None:
    receipt = receive(world, now, owe(world, world.coach, 100, TODAY), yuan=130)
    other = owe(world, world.truck, 20, TODAY)
    with pytest.raises(Invalid, match=code):
        premiums.allocate_money(
            receipt.number, AllocateCommand((other.id,), amount), actor=world.underwriter, now=now
        )


def test_money_is_not_allocated_to_another_account(world: World, now: datetime) -> None:
    receipt = receive(world, now, yuan=30)
    strange = owe(world, world.foreign_vehicle, 20, TODAY)
    with pytest.raises(Conflict, match="receivable_settled"):
        premiums.allocate_money(
            receipt.number, AllocateCommand((strange.id,)), actor=world.underwriter, now=now
        )
    with pytest.raises(NotFound):
        premiums.get_receipt(receipt.number, actor=world.foreign_hq)


def test_a_reversed_receipt_stays_and_opens_what_it_settled(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 100, TODAY)
    receipt = receive(world, now, row, yuan=130)
    premiums.reverse_receipt(receipt.number, "重复登记", actor=world.underwriter, now=now)
    db.session.commit()
    assert (row.settled_fen, receipt.unallocated_fen, receipt.reverse_reason) == (0, 0, "重复登记")
    view = premiums.get_receipt(receipt.number, actor=world.hq)
    assert view.settling == []
    assert [part.is_taken_back for part in view.parts] == [True]
    with pytest.raises(Conflict, match="receipt_reversed"):
        premiums.reverse_receipt(receipt.number, "再来", actor=world.underwriter, now=now)
    assert premiums.credit_of(world.account.id, actor=world.underwriter).used_fen == 100_00


def test_a_receipt_that_settled_the_wrong_line_is_freed(world: World, now: datetime) -> None:
    wrong, right = owe(world, world.coach, 100, TODAY), owe(world, world.truck, 100, TODAY)
    receipt = receive(world, now, wrong, yuan=100)
    premiums.release_money(receipt.number, "分配错误", actor=world.underwriter, now=now)
    premiums.allocate_money(receipt.number, AllocateCommand((right.id,)), actor=world.underwriter, now=now)
    assert (wrong.settled_fen, right.settled_fen) == (0, 100_00)


def test_money_paid_back_leaves_the_receipt_and_is_owed_once(world: World, now: datetime) -> None:
    receipt = receive(world, now, yuan=50)
    number = premiums.pay_back(receipt.number, 20_00, "多付", actor=world.underwriter, now=now)
    credit = premiums.credit_of(world.account.id, actor=world.underwriter)
    assert (credit.unallocated_fen, credit.refunds_fen, credit.used_fen) == (30_00, 20_00, -50_00)
    with pytest.raises(Conflict, match="receipt_paid_back"):
        premiums.reverse_receipt(receipt.number, "错", actor=world.underwriter, now=now)
    payout = Payout(TODAY, "transfer", "巩义客运分公司", "TK20261123")
    premiums.pay_refund(number, payout, actor=world.underwriter, now=now)
    db.session.commit()
    assert (refunds()[0].state, refunds()[0].settled_on) == (RefundState.PAID, TODAY)
    assert premiums.credit_of(world.account.id, actor=world.underwriter).used_fen == -30_00
    with pytest.raises(Conflict, match="refund_settled"):
        premiums.pay_refund(number, payout, actor=world.underwriter, now=now)
    with pytest.raises(Conflict, match="refund_settled"):
        premiums.credit_refund(number, actor=world.underwriter, now=now)


def test_a_credited_refund_settles_other_premium(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 100, TODAY)
    refund = PremiumRefund(
        number="RFD-2026-000900",
        account_id=world.account.id,
        branch_id=world.gongyi.id,
        policy_id=row.policy_id,
        amount_fen=40_00,
        created_at=now,
    )
    db.session.add(refund)
    db.session.commit()
    number = premiums.credit_refund(refund.number, key="c", actor=world.underwriter, now=now)
    assert premiums.credit_refund(refund.number, key="c", actor=world.underwriter, now=now) == number
    premiums.allocate_money(number, AllocateCommand((row.id,)), actor=world.underwriter, now=now)
    assert (refund.state, row.settled_fen) == (RefundState.CREDITED, 40_00)
    with pytest.raises(Conflict, match="receipt_of_refund"):
        premiums.reverse_receipt(number, "错", actor=world.underwriter, now=now)
    view = premiums.get_refund(refund.number, actor=world.hq)
    assert view.receipt is not None
    assert view.receipt.number == number


def test_refunds_are_listed_by_branch(world: World, now: datetime) -> None:
    receipt = receive(world, now, yuan=50)
    premiums.pay_back(receipt.number, 20_00, "多付", actor=world.underwriter, now=now)
    premiums.pay_back(receipt.number, 5_00, "多付", actor=world.underwriter, now=now)
    db.session.commit()
    owed = premiums.owed_by_branch(world.account.id, actor=world.hq)
    assert [(branch.name, count, fen) for branch, count, fen in owed] == [("巩义客运分公司", 2, 25_00)]
    rows = premiums.list_refunds(world.account.id, PageRequest(), state=RefundState.OWED, actor=world.hq).rows
    assert [(row.refund.amount_fen, row.from_receipt_number) for row in rows] == [
        (5_00, receipt.number),
        (20_00, receipt.number),
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"paid_on": TODAY + timedelta(days=1)}, "paid_in_future"),
        ({"paid_on": TODAY - timedelta(days=1)}, "paid_before_owed"),
        ({"payee": " "}, "required"),
        ({"method": "credit"}, "required"),
    ],
)
def test_a_payout_that_cannot_be_is_refused(
    world: World, now: datetime, changes: dict[str, object], code: str
) -> None:
    receipt = receive(world, now, yuan=50)
    number = premiums.pay_back(receipt.number, None, "多付", actor=world.underwriter, now=now)
    values = {"paid_on": TODAY, "method": "transfer", "payee": "巩义客运分公司"} | changes
    with pytest.raises(InvalidMany) as refusal:
        premiums.pay_refund(number, Payout(**values), actor=world.underwriter, now=now)  # type: ignore[arg-type]
    assert [problem.code for problem in refusal.value.problems] == [code]


def test_only_who_receives_premium_moves_money(world: World, now: datetime) -> None:
    receipt = receive(world, now, yuan=50)
    acts: list[Callable[[User], object]] = [
        lambda user: premiums.allocate_money(receipt.number, AllocateCommand((1,)), actor=user, now=now),
        lambda user: premiums.pay_back(receipt.number, None, "多付", actor=user, now=now),
        lambda user: premiums.reverse_receipt(receipt.number, "错", actor=user, now=now),
        lambda user: premiums.release_money(receipt.number, "错", actor=user, now=now),
        lambda user: premiums.credit_refund("RFD-2026-000001", actor=user, now=now),
    ]
    for act in acts:
        for user in (world.hq, world.claims1, world.safety_gongyi):
            with pytest.raises(Forbidden):
                act(user)


def test_two_clerks_at_once_allocate_money_once(world: World, app: Flask, now: datetime) -> None:
    receipt = receive(world, now, yuan=50)
    rows = [owe(world, vehicle, 50, TODAY) for vehicle in (world.coach, world.truck)]
    number, ids, user_id = receipt.number, [row.id for row in rows], world.underwriter.id
    db.session.commit()

    def allocate(row_id: int) -> str:
        actor = db.session.get_one(User, user_id)
        return premiums.allocate_money(number, AllocateCommand((row_id,)), actor=actor, now=now)

    outcomes = at_once(app, *(lambda row_id=row_id: allocate(row_id) for row_id in ids))
    assert sorted(outcomes) == sorted([number, "nothing_unallocated"])
    db.session.expire_all()
    assert sum(row.settled_fen for row in rows) == 50_00


def test_a_refund_is_not_paid_twice_at_once(world: World, app: Flask, now: datetime) -> None:
    receipt = receive(world, now, yuan=50)
    number = premiums.pay_back(receipt.number, None, "多付", actor=world.underwriter, now=now)
    user_id = world.underwriter.id
    db.session.commit()

    def payout() -> str:
        actor = db.session.get_one(User, user_id)
        premiums.pay_refund(number, Payout(TODAY, "transfer", "巩义"), actor=actor, now=now)
        return "paid"

    assert sorted(at_once(app, payout, payout)) == ["paid", "refund_settled"]


def at_once(app: Flask, *acts: Callable[[], str]) -> list[str]:
    """Run each act in a unit of work of its own at the same time; results, refusals by their codes."""
    results: list[str] = []
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], str]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                with unit_of_work():
                    results.append(act())
            except DomainError as error:
                results.append(error.code)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_money_received_before_the_premium_arose_settles_it_from_then(world: World, now: datetime) -> None:
    row = owe(world, world.coach, 100, TODAY)
    row.created_at = datetime(2026, 11, 20, 2, tzinfo=UTC)
    db.session.commit()
    command = ReceiptCommand(world.gongyi.id, (row.id,), 100_00, date(2026, 11, 10), "transfer", "巩义")
    premiums.record_receipt(command, actor=world.underwriter, now=now)
    at = {
        day: premiums.ledger(world.account.id, on=day, actor=world.hq, now=now)
        for day in (TODAY, date(2026, 11, 15))
    }
    assert at == {TODAY: [], date(2026, 11, 15): []}
