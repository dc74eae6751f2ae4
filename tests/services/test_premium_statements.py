"""Statements are proven: opening and movements give the closing balance, which is what the ledger shows; for any history."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, Policy, PolicyOrigin
from service_desk.models.premiums import PremiumRefund, Receipt, Receivable, RefundState
from service_desk.rules.premium import Instalment
from service_desk.services import exports, premiums
from service_desk.services.premiums import AllocateCommand, Payout, PlanScope, ReceiptCommand, Statement
from tests.premium_cases import endorsed, issued
from tests.world import World

START, END = date(2026, 11, 1), date(2026, 11, 30)
NOW = datetime(2026, 12, 10, 2, tzinfo=UTC)


def at(day: int, month: int = 11) -> datetime:
    """Ten in the morning in Zhengzhou."""
    return datetime(2026, month, day, 2, tzinfo=UTC)


def statement_of(
    world: World, branch_id: int | None = None, start: date = START, end: date = END
) -> Statement:
    return premiums.statement(world.account.id, start, end, branch_id=branch_id, actor=world.hq, now=NOW)


def receive(world: World, *rows: Receivable, fen: int, now: datetime) -> Receipt:
    command = ReceiptCommand(
        world.gongyi.id, tuple(row.id for row in rows), fen, now.date(), "transfer", "巩义", keeps_rest=True
    )
    return premiums.record_receipt(command, actor=world.underwriter, now=now)


def test_each_kind_of_movement_stands_on_its_line(world: World) -> None:
    issued(world, world.coach, at(20, 10), premium_fen=100_00)
    row = issued(world, world.truck, at(2), premium_fen=200_00, tax_fen=36_00)
    bus = issued(world, world.bus, at(3), premium_fen=50_00)
    policy = db.session.get_one(Policy, row.policy_id)
    endorsed(world, policy, at(4), 30_00)
    receipt = receive(world, row, fen=300_00, now=at(5))
    premiums.allocate_money(receipt.number, AllocateCommand((bus.id,)), actor=world.underwriter, now=at(6))
    endorsed(world, policy, at(7), -80_00)
    wrong = receive(world, fen=70_00, now=at(8))
    premiums.reverse_receipt(wrong.number, "重复", actor=world.underwriter, now=at(9))
    (refund,) = db.session.scalars(select(PremiumRefund)).all()
    payout = Payout(date(2026, 11, 12), "transfer", "巩义")
    premiums.pay_refund(refund.number, payout, actor=world.underwriter, now=at(12))
    db.session.commit()

    group = statement_of(world)
    balance = group.balance
    assert (balance.opening_fen, balance.premium_fen, balance.endorsed_fen) == (100_00, 286_00, 30_00)
    assert (balance.returned_fen, balance.received_fen, balance.reversed_fen) == (-80_00, -370_00, 70_00)
    assert (balance.refunded_fen, balance.moved_fen) == (refund.amount_fen, 0)
    assert refund.amount_fen == 50_00
    assert group.is_proven
    assert balance.closing_fen == 86_00
    gongyi, zhongmu = (statement_of(world, branch.id) for branch in (world.gongyi, world.zhongmu))
    assert (gongyi.balance.moved_fen, zhongmu.balance.moved_fen) == (50_00, -50_00)
    assert gongyi.is_proven
    assert zhongmu.is_proven
    assert not zhongmu.open_policies
    assert [(line.kind, line.fen) for line in group.money.read(PageRequest()).rows] == [
        ("received", -300_00),
        ("received", -70_00),
        ("reversed", 70_00),
        ("refunded", 50_00),
    ]


def test_lists_read_in_portions_are_the_whole_list_and_its_sum(world: World) -> None:
    rows = [
        issued(world, vehicle, at(2), premium_fen=100_00) for vehicle in (world.coach, world.truck, world.bus)
    ]
    for day, row in enumerate(rows[:2], start=3):
        receive(world, row, fen=day * 10_00, now=at(day))
    premiums.reverse_receipt(
        receive(world, fen=5_00, now=at(7)).number, "重复", actor=world.underwriter, now=at(8)
    )
    db.session.commit()
    group, gongyi = statement_of(world), statement_of(world, world.gongyi.id)

    for statement in (group, gongyi):
        for listed in (statement.money, statement.open_policies):
            whole = listed.read(PageRequest())
            assert whole.total == len(whole.rows) == len(listed) > 1
            for size in (1, 2, 3):
                assert list(exports.in_portions(listed.read, portion=size)) == list(whole.rows)
        fen = [line.fen for line in statement.money.read(PageRequest()).rows]
        assert sum(fen) == statement.money.total_fen
        assert statement.balance.received_fen + statement.balance.reversed_fen == sum(fen)
        open_fen = [one.open_fen for one in statement.open_policies.read(PageRequest()).rows]
        assert sum(open_fen) == statement.open_fen
    assert len(gongyi.open_policies) < len(group.open_policies)
    nothing = statement_of(world, start=date(2026, 10, 1), end=date(2026, 10, 31))
    assert (len(nothing.money), nothing.money.total_fen, len(nothing.open_policies)) == (0, 0, 0)


def test_a_past_ledger_is_as_it_was_then(world: World) -> None:
    row = issued(world, world.coach, at(2), premium_fen=100_00, due_on=date(2026, 11, 9))
    policy = db.session.get_one(Policy, row.policy_id)
    receive(world, row, fen=60_00, now=at(10))
    endorsed(world, policy, at(12), -30_00)
    db.session.commit()

    def owed(day: date) -> dict[str, int]:
        rows = premiums.ledger(world.account.id, on=day, actor=world.hq, now=NOW)
        return {f"{band.from_days}": fen for one in rows for band, fen in one.by_age.items() if fen}

    assert owed(date(2026, 11, 1)) == {}
    assert owed(date(2026, 11, 9)) == {"None": 100_00}
    assert owed(date(2026, 11, 10)) == {"1": 40_00}
    assert owed(date(2026, 11, 12)) == {"1": 10_00}
    assert owed(date(2026, 12, 10)) == {"31": 10_00}
    # Nothing is paid until then.
    assert owed(date(2027, 12, 10)) == {"366": 10_00}


def test_of_a_policy_taken_over_only_what_was_unpaid_is_asked_for(world: World) -> None:
    row = issued(world, world.coach, at(2), premium_fen=100_00)
    policy = db.session.get_one(Policy, row.policy_id)
    policy.origin, row.amount_fen = PolicyOrigin.TAKEN_OVER, 40_00
    endorsed(world, policy, at(4), -25_00)
    endorsed(world, policy, at(6), -35_00)
    db.session.commit()
    before, after = (statement_of(world, end=date(2026, 11, day)) for day in (4, 6))
    assert (before.balance.premium_fen, before.balance.returned_fen) == (40_00, -25_00)
    assert (before.open_fen, before.owed_back_fen, before.is_proven) == (15_00, 0, True)
    assert (after.balance.premium_fen, after.balance.returned_fen) == (40_00, -60_00)
    assert (after.open_fen, after.owed_back_fen, after.is_proven) == (0, 20_00, True)


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (date(2026, 11, 2), date(2026, 11, 1), "period_backwards"),
        (date(2026, 11, 2), date(2026, 12, 11), "period_in_future"),
    ],
)
def test_a_period_that_cannot_be_is_refused(world: World, start: date, end: date, code: str) -> None:
    with pytest.raises(Invalid, match=code):
        statement_of(world, start=start, end=end)


def test_statements_are_for_the_group_and_its_insurer(world: World) -> None:
    with pytest.raises(Forbidden):
        premiums.statement(world.account.id, START, END, actor=world.safety_gongyi, now=NOW)
    for actor in (world.foreign_hq,):
        with pytest.raises(NotFound):
            premiums.statement(world.account.id, START, END, actor=actor, now=NOW)
    with pytest.raises(NotFound):
        statement_of(world, world.foreign_branch.id)


ACTS = (
    "issue",
    "add",
    "return",
    "receive",
    "allocate",
    "free",
    "reverse",
    "pay_back",
    "pay",
    "credit",
    "plan",
)
HISTORY = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(1, 3), st.integers(1, 200_00), st.integers(0, 5)),
    min_size=4,
    max_size=16,
)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=HISTORY)
def test_statement_and_ledger_agree_after_any_history(
    world: World, history: list[tuple[str, int, int, int]]
) -> None:
    """Each day's balance is followed by hand beside the desk, and by branch proven by what is open."""
    now, by_hand, balance = at(1, 10), {}, 0
    for act, pick, fen, days in history:
        for _ in range(days):
            by_hand[now.date()] = balance
            now += timedelta(days=1)
        balance += _do(world, act, pick, fen, now)
    by_hand[now.date()] = balance
    db.session.flush()

    first, last = min(by_hand), max(by_hand)
    for day in sorted({first, sorted(by_hand)[len(by_hand) // 2], last}):
        group = statement_of(world, start=first, end=day)
        assert group.balance.closing_fen == by_hand[day]
        assert group.balance.moved_fen == 0
        assert group.is_proven
        ledger = premiums.ledger(world.account.id, on=day, actor=world.hq, now=NOW)
        assert sum(row.open_fen for row in ledger) == group.open_fen
        for branch in (world.gongyi, world.zhongmu):
            own = statement_of(world, branch.id, start=first, end=day)
            assert own.is_proven
            assert sum(row.open_fen for row in ledger if row.branch.id == branch.id) == own.open_fen
    middle = sorted(by_hand)[len(by_hand) // 2]
    after = middle + timedelta(days=1)
    assert statement_of(world, start=after, end=max(last, after)).balance.opening_fen == by_hand[middle]
    credit = premiums.credit_of(world.account.id, actor=world.hq)
    assert credit.used_fen == by_hand[last]
    db.session.rollback()


def _do(world: World, act: str, pick: int, fen: int, now: datetime) -> int:
    """Do one act, if there is something to do it to; how it changes what the client owes."""
    found = {
        "issue": _issue,
        "add": _add,
        "return": _return,
        "receive": _receive,
        "reverse": _reverse,
        "pay": _pay,
    }
    if act in found:
        return found[act](world, pick, fen, now)
    _move(world, act, pick, now)
    return 0


def _issue(world: World, pick: int, fen: int, now: datetime) -> int:
    issued(world, (world.coach, world.truck, world.bus)[pick - 1], now, premium_fen=fen)
    return fen


def _policy(fen: int) -> Policy | None:
    policies = list(db.session.scalars(select(Policy).order_by(Policy.id)))
    return policies[fen % len(policies)] if policies else None


def _add(world: World, pick: int, fen: int, now: datetime) -> int:
    policy = _policy(fen)
    if policy is None:
        return 0
    endorsed(world, policy, now, fen)
    return fen


def _return(world: World, pick: int, fen: int, now: datetime) -> int:
    policy = _policy(fen)
    if policy is None:
        return 0
    changes = db.session.scalars(select(Endorsement.premium_fen).where(Endorsement.policy_id == policy.id))
    fen = min(fen, policy.premium_fen + sum(changes))
    if fen:
        endorsed(world, policy, now, -fen)
    return -fen


def _open() -> list[Receivable]:
    rows = db.session.scalars(select(Receivable).order_by(Receivable.id))
    return [one for one in rows if one.amount_fen > one.settled_fen]


def _receive(world: World, pick: int, fen: int, now: datetime) -> int:
    own = [one for one in _open() if one.branch_id == world.gongyi.id][:pick]
    receive(world, *own, fen=fen, now=now)
    return -fen


def _receipts() -> list[Receipt]:
    receipts = db.session.scalars(select(Receipt).order_by(Receipt.id))
    return [one for one in receipts if not one.reversed_on]


def _reverse(world: World, pick: int, fen: int, now: datetime) -> int:
    for receipt in _receipts()[:1]:
        try:
            premiums.reverse_receipt(receipt.number, "错", actor=world.underwriter, now=now)
        except Conflict:
            return 0
        return receipt.amount_fen
    return 0


def _owed() -> list[PremiumRefund]:
    return [one for one in db.session.scalars(select(PremiumRefund)) if one.state is RefundState.OWED]


def _pay(world: World, pick: int, fen: int, now: datetime) -> int:
    for refund in _owed()[:1]:
        payout = Payout(now.date(), "transfer", "巩义")
        premiums.pay_refund(refund.number, payout, actor=world.underwriter, now=now)
        return refund.amount_fen
    return 0


def _move(world: World, act: str, pick: int, now: datetime) -> None:
    """What moves money or due days and changes no balance of the group."""
    actor, rows, receipts = world.underwriter, _open(), _receipts()
    rich = [one for one in receipts if one.unallocated_fen]
    if act == "allocate" and rich and rows:
        command = AllocateCommand(tuple(one.id for one in rows[:pick]))
        premiums.allocate_money(rich[0].number, command, actor=actor, now=now)
    elif act == "free" and receipts:
        with suppress(Conflict):
            premiums.release_money(receipts[-1].number, "错", actor=actor, now=now)
    elif act == "pay_back" and rich:
        premiums.pay_back(rich[-1].number, None, "多付", actor=actor, now=now)
    elif act == "credit" and (owed := _owed()):
        premiums.credit_refund(owed[0].number, actor=actor, now=now)
    elif act == "plan" and rows:
        parts = [Instalment(now.date() + timedelta(days=n)) for n in range(pick)]
        scope = PlanScope(world.account.id, (rows[0].id,))
        premiums.make_plan(scope, parts, "分期", actor=actor, now=now)
