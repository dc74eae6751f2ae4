"""Advances, payments with their doubts and returns, recoveries: paid stays within approved at every step."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import current_app
from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.demo.claim_money import build_claim_money
from service_desk.demo.group import Group
from service_desk.models.audit import AuditEntry
from service_desk.models.claim_money import (
    AdvanceBasis,
    AdvanceState,
    ClaimAdvance,
    Recovery,
    RecoveryKind,
    RecoveryState,
)
from service_desk.models.claims import Claim, ClaimPayment
from service_desk.models.db import db, unit_of_work
from service_desk.models.notices import Notice
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.services import sla
from service_desk.services.claims import (
    advances,
    common,
    decided_recoveries,
    exits,
    paying,
    recoveries,
    recovery_list,
    reserves,
    settlement,
)
from service_desk.services.claims.advances import ProposeAdvance
from service_desk.services.claims.paying import ReturnPayment
from service_desk.services.claims.recoveries import NewRecovery, Receive
from service_desk.services.claims.recovery_list import RecoveryFilter
from service_desk.services.reports import weekly
from tests.claim_cases import CALCULATION, DENIAL, PAYMENT, Journey, close_all, reported_claim
from tests.world import World

CERTAIN = ProposeAdvance(AdvanceBasis.CERTAIN_PART, 2_000_00, "医疗费发票已核实，余款待定")


@pytest.fixture
def journey(world: World, now: datetime) -> Journey:
    return Journey(world, reported_claim(world, now), now)


def clock(claim: Claim, step: ClockStep) -> Timer:
    timers = sla.timers_of(common.MATTER_KIND, [claim.id])[claim.id]
    return [timer for timer in timers if timer.step is step][-1]


def sums(claim: Claim) -> tuple[int, int]:
    return claim.approved_fen, claim.paid_fen


def paid_advance(journey: Journey, command: ProposeAdvance = CERTAIN) -> ClaimPayment:
    """Proposed by claims1, approved by claims2, paid by claims1."""
    number, world = journey.claim.number, journey.world
    one = advances.propose(number, command, actor=world.claims1, now=journey.now)
    advances.decide(number, one.id, approves=True, note="", actor=world.claims2, now=journey.now)
    payment = replace(PAYMENT, amount_fen=command.amount_fen)
    made = paying.pay_advance(number, one.id, payment, actor=world.claims1, now=journey.now)
    db.session.commit()
    return made


def test_the_demos_advance_is_approved_by_whoever_may(journey: Journey, world: World) -> None:
    """How large it is depends on the claims of the day."""
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    journey.claim.reserve_fen = 36_000_00
    staff = {user.username: user for user in (world.claims1, world.claims2)}

    build_claim_money(Group(world.account, [world.gongyi], staff), journey.now)

    [one] = db.session.scalars(select(ClaimAdvance))
    assert (one.amount_fen, one.state) == (12_000_00, AdvanceState.PAID)
    assert one.decided_by_id == world.manager.id


def test_an_advance_is_approved_by_another_paid_and_counts_as_paid(journey: Journey, world: World) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    running = clock(journey.claim, ClockStep.ADVANCE_PAYMENT)
    assert running.state is TimerState.RUNNING
    assert (running.target_value, running.target_unit) == (60, "calendar_days")

    paid_advance(journey)

    assert clock(journey.claim, ClockStep.ADVANCE_PAYMENT).state is TimerState.MET
    assert sums(journey.claim) == (2_000_00, 2_000_00)
    journey.to(ClaimState.APPROVED)
    assert sums(journey.claim) == (6_300_00, 2_000_00)
    rest = replace(PAYMENT, amount_fen=4_300_00)
    settlement.pay(journey.claim.number, rest, actor=world.claims2, now=journey.now)
    assert (journey.claim.state, *sums(journey.claim)) == (ClaimState.PAID, 6_300_00, 6_300_00)


def test_who_proposes_an_advance_does_not_approve_it(journey: Journey, world: World) -> None:
    journey.to(ClaimState.SURVEYED)
    number, now = journey.claim.number, journey.now
    too_much = replace(CERTAIN, amount_fen=8_000_01)
    with pytest.raises(Invalid, match="advance_above_reserve"):
        advances.propose(number, too_much, actor=world.claims1, now=now)
    one = advances.propose(number, CERTAIN, actor=world.claims1, now=now)
    assert one.reason == CERTAIN.reason

    with pytest.raises(Forbidden, match="own_advance"):
        advances.decide(number, one.id, approves=True, note="", actor=world.claims1, now=now)
    with pytest.raises(Conflict, match="advance_not_approved"):
        paying.pay_advance(
            number, one.id, replace(PAYMENT, amount_fen=2_000_00), actor=world.claims2, now=now
        )
    for actor, error in ((world.underwriter, Forbidden), (world.hq, Forbidden), (world.foreign_hq, NotFound)):
        with pytest.raises(error):
            advances.decide(number, one.id, approves=True, note="", actor=actor, now=now)
    with pytest.raises(Invalid, match="reason_missing"):
        advances.decide(number, one.id, approves=False, note=" ", actor=world.claims2, now=now)
    advances.decide(number, one.id, approves=False, note="不确定", actor=world.claims2, now=now)
    with pytest.raises(Conflict, match="advance_decided"):
        advances.decide(number, one.id, approves=True, note="", actor=world.claims2, now=now)
    assert sums(journey.claim) == (0, 0)
    told = db.session.scalars(
        select(Notice.user_id).where(Notice.kind == "advance_asked").order_by(Notice.id)
    ).all()
    assert set(told) == {world.claims2.id, world.manager.id}


def test_an_advance_counts_with_what_is_paid_for_authority(journey: Journey, world: World) -> None:
    journey.to(ClaimState.SURVEYED)
    number, now = journey.claim.number, journey.now
    raised = reserves.SetReserve(30_000_00, "injury", "住院")
    reserves.set_reserve(number, raised, actor=world.claims1, now=now)
    paid_advance(journey, replace(CERTAIN, amount_fen=9_000_00))
    one = advances.propose(number, CERTAIN, actor=world.claims1, now=now)

    with pytest.raises(Forbidden, match="beyond_authority"):
        advances.decide(number, one.id, approves=True, note="", actor=world.claims2, now=now)
    advances.decide(number, one.id, approves=True, note="", actor=world.manager, now=now)

    assert sums(journey.claim) == (11_000_00, 9_000_00)


def test_an_advance_above_the_decision_is_to_be_got_back(journey: Journey, world: World) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    payment = paid_advance(journey, replace(CERTAIN, amount_fen=7_000_00))
    number, now = journey.claim.number, journey.now

    journey.to(ClaimState.APPROVED)

    assert sums(journey.claim) == (7_000_00, 7_000_00)
    owed = db.session.scalars(select(Recovery)).one()
    assert (owed.kind, owed.amount_fen, owed.owed_by) == (RecoveryKind.OVERPAID, 700_00, PAYMENT.payee)
    # The bank sends it back: only what the decision says is due, and nothing is owed to us.
    paying.return_payment(number, ReturnPayment(payment.id, "户名不符"), actor=world.claims2, now=now)
    db.session.commit()
    assert sums(journey.claim) == (6_300_00, 0)
    assert (owed.open_fen, owed.state) == (0, RecoveryState.SETTLED)


def test_a_denial_cancels_what_is_open_and_asks_for_the_advance_back(journey: Journey, world: World) -> None:
    journey.to(ClaimState.ASSESSED)
    payment = paid_advance(journey)
    number, now = journey.claim.number, journey.now
    waiting = advances.propose(number, replace(CERTAIN, amount_fen=100_00), actor=world.claims1, now=now)

    exits.deny(number, DENIAL, actor=world.claims2, now=now)

    assert waiting.state is AdvanceState.CANCELLED
    assert sums(journey.claim) == (2_000_00, 2_000_00)
    owed = db.session.scalars(select(Recovery)).one()
    assert owed.open_fen == 2_000_00
    paying.return_payment(number, ReturnPayment(payment.id, "账户已销"), actor=world.claims2, now=now)
    assert (journey.claim.state, *sums(journey.claim)) == (ClaimState.DENIED, 0, 0)
    assert owed.open_fen == 0
    assert journey.claim.reserve_fen == 0
    assert not any(reserves.outstanding_of(journey.claim.id).values())


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"account_number": "6222021234567890"}, {"account_number_doubtful"}),
        ({"payee": "巩义修理厂"}, {"payee_unknown"}),
        (
            {"account_number": "6222021234567890", "payee": "巩义修理厂"},
            {"account_number_doubtful", "payee_unknown"},
        ),
    ],
)
def test_a_doubtful_payment_needs_its_ticks(journey: Journey, world: World, change, codes) -> None:
    journey.to(ClaimState.APPROVED)
    command = replace(PAYMENT, **change)

    with pytest.raises(InvalidMany) as refused:
        settlement.pay(journey.claim.number, command, actor=world.claims2, now=journey.now)

    assert {one.code for one in refused.value.problems} == codes
    ticked = replace(command, confirms_account=True, confirms_payee=True)
    made = settlement.pay(journey.claim.number, ticked, actor=world.claims2, now=journey.now)
    assert len(made.confirmed) == len(codes)


def test_a_returned_payment_is_due_again_and_stays_on_record(journey: Journey, world: World) -> None:
    journey.to(ClaimState.CLOSED)
    number, now = journey.claim.number, journey.now + timedelta(days=2)
    first = db.session.scalars(select(ClaimPayment)).one()
    command = ReturnPayment(first.id, "账号户名不符")
    with pytest.raises(Invalid, match="reason_missing"):
        paying.return_payment(number, replace(command, reason=" "), actor=world.claims2, now=now)

    paying.return_payment(number, command, actor=world.claims2, now=now)
    db.session.commit()

    claim = journey.claim
    assert (claim.state, claim.closed_at, *sums(claim)) == (ClaimState.APPROVED, None, 6_300_00, 0)
    running = clock(claim, ClockStep.PAYMENT)
    assert (running.state, running.cycle) == (TimerState.RUNNING, 2)
    assert clock(claim, ClockStep.FOLLOWUP).state is TimerState.CANCELLED
    with pytest.raises(Conflict, match="payment_returned"):
        paying.return_payment(number, command, actor=world.claims2, now=now)
    settlement.pay(number, PAYMENT, actor=world.claims2, now=now)
    close_all(claim, world.claims1, now)
    assert (claim.state, *sums(claim)) == (ClaimState.CLOSED, 6_300_00, 6_300_00)
    kept = db.session.scalars(select(ClaimPayment).order_by(ClaimPayment.id)).all()
    assert [(one.amount_fen, one.returned_at is not None) for one in kept] == [
        (6_300_00, True),
        (6_300_00, False),
    ]


def test_a_returned_advance_is_paid_again_before_the_decision(journey: Journey, world: World) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    payment = paid_advance(journey)
    number, now = journey.claim.number, journey.now

    paying.return_payment(number, ReturnPayment(payment.id, "退票"), actor=world.claims2, now=now)
    db.session.commit()

    assert sums(journey.claim) == (2_000_00, 0)
    assert clock(journey.claim, ClockStep.ADVANCE_PAYMENT).state is TimerState.RUNNING
    again = replace(PAYMENT, amount_fen=2_000_00)
    paying.pay_advance(number, payment.advance_id, again, actor=world.claims2, now=now)
    assert sums(journey.claim) == (2_000_00, 2_000_00)


def test_two_clerks_who_pay_at_once_pay_once(journey: Journey, world: World) -> None:
    journey.to(ClaimState.APPROVED)
    number, now, app = journey.claim.number, journey.now, current_app._get_current_object()
    gate, answers = threading.Barrier(2), []

    def work(username: str) -> None:
        with app.app_context():
            actor = db.session.scalars(select(User).where(User.username == username)).one()
            db.session.rollback()
            gate.wait()
            try:
                with unit_of_work():
                    settlement.pay(number, PAYMENT, actor=actor, now=now)
                    answers.append("paid")
            except DomainError as error:
                answers.append(error.code)

    db.session.rollback()
    threads = [threading.Thread(target=work, args=(name,)) for name in ("claims1", "claims2")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    db.session.rollback()
    assert sorted(answers) == ["claim_moved_on", "paid"]
    assert sums(journey.claim) == (6_300_00, 6_300_00)


def test_an_account_number_is_kept_as_plain_figures(journey: Journey, world: World) -> None:
    journey.to(ClaimState.APPROVED)

    command = replace(PAYMENT, account_number="６２２２ ０２１２３４５６７８９４")
    payment = paying.pay(journey.claim.number, command, actor=world.claims2, now=journey.now)

    assert payment.account_number == "6222021234567894"


def test_a_whole_account_number_is_for_who_may_pay(journey: Journey, world: World) -> None:
    journey.to(ClaimState.PAID)
    payment = db.session.scalars(select(ClaimPayment)).one()
    number = journey.claim.number

    assert paying.get_payment(number, payment.id, actor=world.claims1)[1].account_number == "6222021234567894"
    for actor in (world.underwriter, world.hq, world.safety_gongyi):
        with pytest.raises(Forbidden):
            paying.get_payment(number, payment.id, actor=actor)
    with pytest.raises(NotFound):
        paying.get_payment(number, payment.id, actor=world.foreign_hq)


def test_the_weekly_report_counts_what_arrived(journey: Journey, world: World) -> None:
    journey.to(ClaimState.PAID)
    payment = db.session.scalars(select(ClaimPayment)).one()
    monday, now = local_date(journey.now), journey.now + timedelta(hours=1)
    monday -= timedelta(days=monday.weekday())
    assert weekly.compute(world.account.id, monday, now=now).total.paid_fen == 6_300_00

    returned = ReturnPayment(payment.id, "退票")
    paying.return_payment(journey.claim.number, returned, actor=world.claims2, now=journey.now)

    assert weekly.compute(world.account.id, monday, now=now).total.paid_fen == 0


def test_money_that_comes_in_leaves_what_was_paid_as_it_is(journey: Journey, world: World) -> None:
    journey.to(ClaimState.CLOSED)
    claim, now, today = journey.claim, journey.now, local_date(journey.now)
    command = NewRecovery(RecoveryKind.SUBROGATION, "豫VD2035 车主", 1_000_00)
    one = recoveries.add(claim.number, command, actor=world.claims1, now=now)

    recoveries.receive(one.id, Receive(400_00, today), actor=world.claims1, now=now)
    wrong = recoveries.receive(one.id, Receive(100_00, today), actor=world.claims1, now=now)
    with pytest.raises(Invalid, match="recovery_above_open"):
        recoveries.receive(one.id, Receive(500_01, today), actor=world.claims1, now=now)
    with pytest.raises(Invalid, match="received_in_future"):
        recoveries.receive(one.id, Receive(1, today + timedelta(days=1)), actor=world.claims1, now=now)
    recoveries.strike(one.id, wrong.id, "入错账", actor=world.claims1, now=now)
    with pytest.raises(Conflict, match="receipt_struck"):
        recoveries.strike(one.id, wrong.id, "再次", actor=world.claims1, now=now)
    with pytest.raises(Forbidden):
        recoveries.write_off(one.id, 600_00, "无财产可执行", actor=world.claims1, now=now)
    recoveries.write_off(one.id, 600_00, "无财产可执行", actor=world.manager, now=now)
    db.session.commit()

    assert (one.received_fen, one.written_off_fen, one.open_fen) == (400_00, 600_00, 0)
    assert one.state is RecoveryState.SETTLED
    assert sums(claim) == (6_300_00, 6_300_00)
    for actor in (world.hq, world.underwriter):
        with pytest.raises(Forbidden):
            recovery_list.list_recoveries(world.account.id, RecoveryFilter(), PageRequest(), actor=actor)
        with pytest.raises(NotFound):
            recoveries.get_recovery(one.id, actor=actor)


def test_recoveries_of_a_calculation_open_once_and_a_new_one_adds_the_difference(
    journey: Journey, world: World
) -> None:
    journey.to(ClaimState.CALCULATED)
    claim, now = journey.claim, journey.now
    made = settlement.latest_calculation(claim.id)
    overpaid = {"kind": "overpaid", "amount_fen": 9_00, "from": "郑州联运集团"}
    wanted = [{"kind": "subrogation", "amount_fen": 1_000_00, "from": "豫VD2035"}, overpaid]
    for amount_fen in (1_000_00, 1_000_00, 1_500_00):
        wanted[0]["amount_fen"] = amount_fen
        made.recoveries = wanted
        decided_recoveries.open_calculated(claim, made, actor=world.claims2, now=now)

    page = recovery_list.list_recoveries(
        world.account.id, RecoveryFilter(text="vd2035"), PageRequest(), actor=world.claims1
    )
    assert [row.recovery.amount_fen for row in page.rows] == [1_000_00, 500_00]
    totals = recovery_list.total_recoveries(world.account.id, RecoveryFilter(), actor=world.claims1)
    assert (totals.count, totals.open_fen) == (2, 1_500_00)


def test_a_lower_calculation_of_a_reopened_claim_asks_back_what_was_paid_too_much(
    journey: Journey, world: World
) -> None:
    journey.to(ClaimState.CLOSED)
    number, at, paid_fen = journey.claim.number, journey.now + timedelta(days=3), journey.claim.paid_fen
    exits.reopen(number, exits.Reopen("复诊", 9_000_00), actor=world.claims1, now=at)
    journey.now, journey.done = at, ["dispatched", "surveyed"]
    journey.to(ClaimState.DOCUMENTS_COMPLETE)

    lower = replace(CALCULATION, medical_fen=500_00)
    calculation = settlement.calculate(number, lower, actor=world.claims1, now=journey.now)
    settlement.approve(number, settlement.Approve(calculation.id), actor=world.claims2, now=journey.now)

    assert sums(journey.claim) == (paid_fen, paid_fen)
    owed = db.session.scalars(select(Recovery)).one()
    assert (owed.kind.value, owed.amount_fen) == ("overpaid", paid_fen - calculation.total_fen)

    # It comes back; then a decision says it was owed after all, and it is due once more.
    back_fen = owed.amount_fen
    receipt = Receive(back_fen, local_date(journey.now))
    recoveries.receive(owed.id, receipt, actor=world.claims1, now=journey.now)
    close_all(journey.claim, world.claims1, journey.now)
    exits.reopen(number, exits.Reopen("复议", 19_000_00), actor=world.claims1, now=journey.now)
    journey.done = ["dispatched", "surveyed"]
    journey.to(ClaimState.APPROVED)

    assert sums(journey.claim) == (paid_fen + back_fen, paid_fen)
    settlement.pay(number, replace(PAYMENT, amount_fen=back_fen), actor=world.claims2, now=journey.now)
    assert decided_recoveries.due_again_fen(journey.claim, paid_fen) == 0


def test_a_part_the_bank_returns_lowers_what_is_asked_back_by_as_much_and_no_more(
    journey: Journey, world: World
) -> None:
    journey.to(ClaimState.APPROVED)
    number, part = journey.claim.number, replace(PAYMENT, amount_fen=300_00)
    small = settlement.pay(number, part, actor=world.claims2, now=journey.now)
    journey.to(ClaimState.CLOSED)
    exits.reopen(number, exits.Reopen("复诊", 9_000_00), actor=world.claims1, now=journey.now)
    journey.done = ["dispatched", "surveyed"]
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    lower = replace(CALCULATION, medical_fen=0)
    total_fen = settlement.calculate(number, lower, actor=world.claims1, now=journey.now).total_fen
    latest = settlement.latest_calculation(journey.claim.id)
    assert latest is not None
    settlement.approve(number, settlement.Approve(latest.id), actor=world.claims2, now=journey.now)
    asked_fen = db.session.scalars(select(Recovery)).one().open_fen

    back = ReturnPayment(small.id, "账号错误")
    paying.return_payment(number, back, actor=world.claims2, now=journey.now)

    assert asked_fen > 300_00
    assert db.session.scalars(select(Recovery)).one().open_fen == asked_fen - 300_00
    assert journey.claim.paid_fen - total_fen == asked_fen - 300_00


def test_a_denied_claim_with_an_advance_may_be_reopened_and_come_to_less(
    journey: Journey, world: World
) -> None:
    journey.to(ClaimState.ASSESSED)
    paid_advance(journey, replace(CERTAIN, amount_fen=7_000_00))
    number, at = journey.claim.number, journey.now + timedelta(days=1)
    exits.deny(number, DENIAL, actor=world.claims2, now=journey.now)
    exits.reopen(number, exits.Reopen("补充证据", 9_000_00), actor=world.claims1, now=at)
    journey.now, journey.done = at, ["dispatched", "surveyed"]

    journey.to(ClaimState.APPROVED)

    assert sums(journey.claim) == (7_000_00, 7_000_00)
    owed = db.session.scalars(select(Recovery)).one()
    assert (owed.amount_fen, owed.written_off_fen, owed.open_fen) == (7_000_00, 6_300_00, 700_00)


def test_what_a_manager_gave_up_is_not_asked_for_again_by_a_later_decision(
    journey: Journey, world: World
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    payment = paid_advance(journey, replace(CERTAIN, amount_fen=7_000_00))
    journey.to(ClaimState.APPROVED)
    number, now = journey.claim.number, journey.now
    owed = db.session.scalars(select(Recovery)).one()
    recoveries.write_off(owed.id, 300_00, "无力偿还", actor=world.manager, now=now)

    decided_recoveries.settle_overpaid(journey.claim, 6_300_00, actor=world.claims2, now=now)

    assert db.session.scalars(select(Recovery)).one().open_fen == 400_00
    paying.return_payment(number, ReturnPayment(payment.id, "户名不符"), actor=world.claims2, now=now)
    assert (owed.written_off_fen, owed.open_fen) == (700_00, 0)
    rest = replace(PAYMENT, amount_fen=6_300_00)
    settlement.pay(number, rest, actor=world.claims2, now=now)
    decided_recoveries.settle_overpaid(journey.claim, 5_600_00, actor=world.claims2, now=now)
    assert [one.open_fen for one in db.session.scalars(select(Recovery).order_by(Recovery.id))] == [0, 400_00]


def test_an_amount_to_get_back_is_corrected_with_a_reason_and_never_below_what_came_in(
    world: World, journey: Journey, now: datetime
) -> None:
    claim, command = journey.claim, NewRecovery(RecoveryKind.SUBROGATION, "豫A11111 车主", 1_000_00)
    one = recoveries.add(claim.number, command, actor=world.claims1, now=now)
    recoveries.receive(one.id, Receive(400_00, local_date(now)), actor=world.claims1, now=now)
    recoveries.write_off(one.id, 100_00, "减免", actor=world.manager, now=now)
    db.session.commit()

    def correct(fen: int, actor: User, reason: str = "判决书金额", **more: int) -> None:
        recoveries.correct(one.id, fen, reason, actor=actor, now=now, **more)
        db.session.commit()

    for fen, actor, reason, error, code in (
        (499_99, world.manager, "x", Invalid, "recovery_below_received"),
        (1_000_00, world.manager, "x", Invalid, "recovery_amount_unchanged"),
        (0, world.manager, "x", Invalid, "amount_not_positive"),
        (1_200_00, world.claims1, " ", Invalid, "reason_missing"),
        (900_00, world.claims1, "x", Forbidden, "not_allowed"),
        (1_200_00, world.hq, "x", NotFound, "not_found"),
    ):
        with pytest.raises(error, match=code):
            correct(fen, actor, reason)
    with pytest.raises(Conflict, match="stale"):
        correct(1_200_00, world.claims1, version=one.version - 1)

    correct(1_200_00, world.claims1)
    assert (one.amount_fen, one.open_fen, one.state) == (1_200_00, 700_00, RecoveryState.OPEN)
    correct(500_00, world.manager)
    assert (one.open_fen, one.state) == (0, RecoveryState.SETTLED)
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "recovery_corrected").order_by(AuditEntry.id)
    ).all()
    assert [entry.changes["amount_fen"] for entry in entries] == [[1_000_00, 1_200_00], [1_200_00, 500_00]]
    assert entries[0].changes["reason"] == [None, "判决书金额"]


def test_a_corrected_amount_of_a_calculation_is_not_asked_for_again(
    world: World, journey: Journey, now: datetime
) -> None:
    claim = journey.to(ClaimState.APPROVED)
    made = settlement.latest_calculation(claim.id)
    wanted = [{"kind": "subrogation", "from": "豫A11111 车主", "amount_fen": 1_000_00}]

    def ask(fen: int) -> list[int]:
        made.recoveries = [wanted[0] | {"amount_fen": fen}]
        decided_recoveries.open_calculated(claim, made, actor=world.claims2, now=now)
        return [row.amount_fen for row in recoveries.list_of_claim(claim.id)]

    assert ask(1_000_00) == [1_000_00]
    row = recoveries.list_of_claim(claim.id)[0]
    recoveries.correct(row.id, 600_00, "判决书金额", actor=world.manager, now=now)
    assert ask(1_000_00) == [600_00]
    assert ask(1_100_00) == [600_00, 100_00]
