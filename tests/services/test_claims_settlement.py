"""From the calculation to the follow-up, and the side ways out."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from service_desk.base.clock import start_of_day
from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import (
    Claim,
    ClaimCalculation,
    ClaimCover,
    ClaimPayment,
    ReserveEntry,
)
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel, EnquiryState
from service_desk.models.notices import Notice
from service_desk.models.sla import Timer, TimerState
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.disputes import Consequence, DisputeOutcome
from service_desk.rules.vocabulary import CoverCode, Fault
from service_desk.services.claims import (
    closing,
    disputes,
    exits,
    follow_ups,
    handling,
    plans,
    reserves,
    settlement,
)
from service_desk.services.claims.calculating import CalculationInputs
from service_desk.services.claims.files import read_file
from tests.claim_cases import CALCULATION, DENIAL, PAYMENT, Journey, dispute, reported_claim, written_letter
from tests.world import World


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


@pytest.fixture
def journey(world: World, claim: Claim, now: datetime) -> Journey:
    return Journey(world, claim, now)


def timer(claim: Claim, step: ClockStep) -> Timer | None:
    statement = select(Timer).where(
        Timer.matter_kind == "claim", Timer.matter_id == claim.id, Timer.step == step
    )
    return db.session.scalar(statement.order_by(Timer.cycle.desc()))


def first_contact(claim: Claim) -> Enquiry:
    return db.session.scalars(
        select(Enquiry).where(Enquiry.claim_id == claim.id, Enquiry.channel == EnquiryChannel.CLAIM_REPORT)
    ).one()


def test_two_people_take_a_claim_from_dispatch_to_follow_up(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.CLOSED)
    at = journey.now + timedelta(hours=2)

    spoken = follow_ups.FollowUpRecord(at, "郭永刚", 5, "很快")
    follow_ups.follow_up(claim.number, spoken, actor=world.claims1, now=at)
    db.session.commit()

    assert (claim.state, claim.approved_fen, claim.paid_fen, claim.reserve_fen) == (
        ClaimState.CLOSED, 6_300_00, 6_300_00, 6_300_00,
    )  # fmt: skip
    kept = read_file(claim.number, actor=world.claims1)
    steps = [event.to_state for event in kept.events if event.from_state != event.to_state]
    assert steps == [
        "dispatched", "surveyed", "assessed", "documents_complete", "calculated", "approved", "paid", "closed",
    ]  # fmt: skip
    assert {clock.step for clock in kept.timers if clock.state is TimerState.RUNNING} == set()
    assert first_contact(claim).state is EnquiryState.CLOSED
    audited = set(db.session.scalars(select(AuditEntry.action).where(AuditEntry.entity_kind == "claims")))
    assert audited >= {
        "claim_dispatched", "claim_surveyed", "claim_assessed", "claim_documents_complete", "claim_calculated",
        "claim_approved", "claim_paid", "claim_closed", "claim_followed_up",
    }  # fmt: skip


def test_a_calculation_is_frozen_with_its_inputs_regime_lines_and_every_step(
    world: World, claim: Claim, journey: Journey
) -> None:
    # CTPL pays 2,000 of the property and all of the 1,500 medical; main fault pays 70 % of the 4,000 above.
    journey.to(ClaimState.CALCULATED)

    kept = settlement.latest_calculation(claim.id)
    assert kept is not None
    assert kept.total_fen == 6_300_00
    assert kept.inputs["ctpl_limits_from"] == "2020-09-19"
    assert kept.inputs["clause"] == "2020"
    assert {line["coverage"]: line["pay_fen"] for line in kept.lines} == {
        "ctpl_medical": 1_500_00, "ctpl_property": 2_000_00, "tpl": 2_800_00,
    }  # fmt: skip
    assert kept.working[-1]["formula"] == "1,500.00 + 2,000.00 + 2,800.00"
    assert claim.fault is Fault.MAIN


def test_a_calculation_runs_by_the_limits_of_the_date_of_loss(
    world: World, claim: Claim, journey: Journey
) -> None:
    claim.loss_at = start_of_day(datetime(2020, 9, 18).date())
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    command = CalculationInputs(fault=Fault.FULL, medical_fen=15_000_00)

    kept = settlement.calculate(claim.number, command, actor=world.claims1, now=journey.now)

    assert kept.inputs["ctpl_limits_from"] == "2008-02-01"
    assert kept.lines[0]["pay_fen"] == 10_000_00


def test_own_damage_is_calculated_from_its_cover_and_without_one_is_not_insured(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    cover = db.session.scalars(select(ClaimCover).where(ClaimCover.code == CoverCode.OWN_DAMAGE)).one()
    cover.deductible_fen, cover.absolute_deductible_percent = 500_00, 10
    command = CalculationInputs(fault=Fault.MAIN, own_damage_fen=20_000_00, salvage_fen=1_000_00)

    kept = settlement.calculate(claim.number, command, actor=world.claims1, now=journey.now)

    assert Decimal(kept.total_fen) / 100 == (Decimal(19_000) * Decimal("0.9") - 500)
    db.session.delete(cover)
    db.session.flush()
    with pytest.raises(Invalid, match="nothing_insured"):
        settlement.calculate(claim.number, command, actor=world.claims1, now=journey.now)
    with pytest.raises(Invalid, match="nothing_to_calculate"):
        settlement.calculate(
            claim.number, CalculationInputs(Fault.MAIN), actor=world.claims1, now=journey.now
        )


def test_a_calculation_made_again_is_a_new_version_and_the_old_one_stays(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.CALCULATED)
    again = replace(CALCULATION, fault=Fault.EQUAL)

    settlement.calculate(claim.number, again, actor=world.claims2, now=journey.now)

    rows = db.session.scalars(select(ClaimCalculation).order_by(ClaimCalculation.calculation_version)).all()
    assert [(row.calculation_version, row.total_fen) for row in rows] == [(1, 6_300_00), (2, 5_500_00)]


def test_nobody_approves_their_own_calculation_nor_one_they_have_not_read(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.CALCULATED)
    read = settlement.latest_calculation(claim.id)
    assert read is not None

    with pytest.raises(Forbidden, match="own_calculation"):
        settlement.approve(claim.number, settlement.Approve(read.id), actor=world.claims1, now=journey.now)
    settlement.calculate(claim.number, CALCULATION, actor=world.claims1, now=journey.now)
    with pytest.raises(Conflict, match="calculation_superseded"):
        settlement.approve(claim.number, settlement.Approve(read.id), actor=world.claims2, now=journey.now)
    for actor in (world.underwriter, world.hq):
        with pytest.raises(Forbidden):
            settlement.approve(claim.number, settlement.Approve(read.id), actor=actor, now=journey.now)


def test_a_calculation_sent_back_is_made_again(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.CALCULATED)

    with pytest.raises(Invalid, match="reason_missing"):
        settlement.send_back(claim.number, "", actor=world.claims2, now=journey.now)
    settlement.send_back(claim.number, "责任比例有误", actor=world.claims2, now=journey.now)

    assert claim.state is ClaimState.DOCUMENTS_COMPLETE
    running = timer(claim, ClockStep.CALCULATION)
    assert running
    assert (running.state, running.cycle) == (TimerState.RUNNING, 2)


def test_a_claim_is_paid_in_parts_and_is_paid_with_the_last(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.APPROVED)
    first = replace(PAYMENT, amount_fen=2_000_00)

    settlement.pay(claim.number, first, actor=world.claims2, now=journey.now)
    assert (claim.state, claim.paid_fen) == (ClaimState.APPROVED, 2_000_00)
    running = timer(claim, ClockStep.PAYMENT)
    assert running
    assert running.state is TimerState.RUNNING
    settlement.pay(claim.number, replace(PAYMENT, amount_fen=4_300_00), actor=world.claims2, now=journey.now)
    db.session.commit()

    assert (claim.state, claim.paid_fen) == (ClaimState.PAID, 6_300_00)
    assert running.state is TimerState.MET
    mail = db.session.scalars(select(Notice).where(Notice.kind == "claim_paid")).first()
    assert mail is not None
    assert mail.params["account"] == "************7894"
    assert db.session.scalars(select(ClaimPayment.account_number)).first() == "6222021234567894"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_fen": 6_300_01}, "payment_above_approved"),
        ({"amount_fen": 0}, "amount_not_positive"),
        ({"payee": "  "}, "required"),
        ({"account_number": "6222-0212"}, "account_number_invalid"),
        ({"account_number": "1234567"}, "account_number_invalid"),
    ],
)
def test_a_payment_is_refused_when_it_cannot_be_right(
    world: World, claim: Claim, journey: Journey, change: dict[str, object], code: str
) -> None:
    journey.to(ClaimState.APPROVED)

    with pytest.raises(Invalid, match=code):
        settlement.pay(claim.number, replace(PAYMENT, **change), actor=world.claims2, now=journey.now)


def test_a_payment_needs_a_reserve_that_holds_it(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.APPROVED)
    smaller = reserves.SetReserve(6_299_99, "vehicle", "下调")
    reserves.set_reserve(claim.number, smaller, actor=world.claims1, now=journey.now)

    with pytest.raises(Invalid, match="reserve_too_small"):
        settlement.pay(claim.number, PAYMENT, actor=world.claims2, now=journey.now)


def test_a_claim_closes_only_when_paid_and_without_open_reserve(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.APPROVED)
    with pytest.raises(Invalid, match="payment_open"):
        closing.close(
            claim.number, closing.Close(True, plans.suggested(claim)), actor=world.claims1, now=journey.now
        )
    journey.to(ClaimState.PAID)

    with pytest.raises(Invalid, match="reserve_open"):
        closing.close(
            claim.number, closing.Close(False, plans.suggested(claim)), actor=world.claims1, now=journey.now
        )
    closing.close(
        claim.number, closing.Close(True, plans.suggested(claim)), actor=world.claims1, now=journey.now
    )

    released = db.session.scalars(select(ReserveEntry).order_by(ReserveEntry.id.desc())).first()
    assert released is not None
    assert (released.kind, released.before_fen, released.after_fen) == ("release", 7_500_00, 6_300_00)
    running = timer(claim, ClockStep.FOLLOWUP)
    assert running
    assert running.state is TimerState.RUNNING


def test_a_calculation_of_nought_is_closed_without_a_payment(
    world: World, claim: Claim, journey: Journey
) -> None:
    # No fault and CTPL lapsed: nothing is due.
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    for cover in db.session.scalars(select(ClaimCover).where(ClaimCover.code == CoverCode.CTPL)):
        db.session.delete(cover)
    nought = CalculationInputs(fault=Fault.NONE, property_fen=50_00)
    kept = settlement.calculate(claim.number, nought, actor=world.claims1, now=journey.now)
    settlement.approve(claim.number, settlement.Approve(kept.id), actor=world.claims2, now=journey.now)

    closing.close(
        claim.number,
        closing.Close(True, plans.suggested(claim), "无责且交强险脱保"),
        actor=world.claims1,
        now=journey.now,
    )

    assert (claim.state, claim.approved_fen, claim.reserve_fen) == (ClaimState.CLOSED, 0, 0)
    assert timer(claim, ClockStep.PAYMENT) is None


@pytest.mark.parametrize(("score", "opens"), [(1, True), (2, True), (3, False), (5, False)])
def test_who_is_dissatisfied_gets_a_first_contact_owned_by_the_handler(
    world: World, claim: Claim, journey: Journey, score: int, opens: bool
) -> None:
    journey.to(ClaimState.CLOSED)
    spoken = follow_ups.FollowUpRecord(journey.now, "郭永刚", score, "等了太久")

    follow_ups.follow_up(claim.number, spoken, actor=world.claims2, now=journey.now)
    db.session.commit()

    opened = db.session.scalars(select(Enquiry).where(Enquiry.channel == EnquiryChannel.CALL)).all()
    assert [(row.owner_id, row.subject, row.state) for row in opened] == (
        [(world.claims1.id, "等了太久", EnquiryState.OPEN)] if opens else []
    )
    told = db.session.scalars(
        select(Notice.user_id).where(Notice.kind == "client_dissatisfied").order_by(Notice.id)
    ).all()
    assert set(told) == ({world.claims1.id, world.manager.id} if opens else set())
    with pytest.raises(Conflict, match="follow_up_recorded"):
        follow_ups.follow_up(claim.number, spoken, actor=world.claims2, now=journey.now)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"score": 0}, "score_invalid"),
        ({"score": 6}, "score_invalid"),
        ({"score": 2, "comment": " "}, "comment_missing"),
        ({"spoken_with": ""}, "required"),
        ({"at": datetime.fromisoformat("2026-11-24T00:00+00:00")}, "time_in_future"),
        ({"at": datetime.fromisoformat("2026-11-23T00:59+00:00")}, "before_closing"),
    ],
)
def test_a_follow_up_that_cannot_be_is_refused(
    world: World, claim: Claim, journey: Journey, change: dict[str, object], code: str
) -> None:
    journey.to(ClaimState.CLOSED)
    spoken = follow_ups.FollowUpRecord(journey.now, "郭永刚", 4)

    with pytest.raises(Invalid, match=code):
        follow_ups.follow_up(claim.number, replace(spoken, **change), actor=world.claims1, now=journey.now)


def test_a_withdrawn_claim_keeps_no_clock_and_no_reserve_and_may_begin_anew(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.SURVEYED)
    with pytest.raises(Invalid, match="reason_missing"):
        exits.withdraw(claim.number, "", actor=world.claims1, now=journey.now)

    exits.withdraw(claim.number, "双方自行和解", actor=world.claims1, now=journey.now)
    db.session.commit()

    assert (claim.state, claim.reserve_fen, claim.closed_at) == (ClaimState.WITHDRAWN, 0, journey.now)
    cancelled = timer(claim, ClockStep.ASSESSMENT)
    assert cancelled
    assert cancelled.state is TimerState.CANCELLED
    again = exits.Reopen("对方反悔", 8_000_00)
    exits.reopen(claim.number, again, actor=world.claims1, now=journey.now + timedelta(hours=1))
    assert (claim.state, claim.round, claim.arrived_at, claim.closed_at) == (
        ClaimState.REPORTED,
        2,
        None,
        None,
    )


def test_a_denial_stops_the_decision_clock_and_needs_its_letter(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)

    exits.deny(claim.number, DENIAL, actor=world.claims2, now=journey.now)
    db.session.commit()

    decision, letter = timer(claim, ClockStep.LIABILITY_DECISION), timer(claim, ClockStep.DENIAL_NOTICE)
    assert decision
    assert letter
    assert (decision.state, letter.state) == (TimerState.MET, TimerState.RUNNING)
    sent = exits.DenialLetter(journey.now, "郑州联运集团保险部", "EMS 1012")
    with pytest.raises(Conflict, match="letter_not_written"):
        exits.send_denial_letter(claim.number, sent, actor=world.claims1, now=journey.now)
    written_letter(claim, world.claims1, journey.now)
    exits.send_denial_letter(claim.number, sent, actor=world.claims1, now=journey.now)
    db.session.commit()
    assert letter.state is TimerState.MET
    mail = db.session.scalars(select(Notice).where(Notice.kind == "claim_denied")).first()
    assert mail is not None
    assert mail.params["reason"] == "事故时驾驶人无证"
    with pytest.raises(Conflict, match="letter_recorded"):
        exits.send_denial_letter(claim.number, sent, actor=world.claims1, now=journey.now)


def test_reopening_is_a_new_round_that_pays_only_the_difference(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.CLOSED)
    number, at = claim.number, journey.now + timedelta(days=3)
    for command, code in (
        (exits.Reopen("", 9_000_00), "reason_missing"),
        (exits.Reopen("伤者复诊", 6_300_00), "reopening_needs_reserve"),
    ):
        with pytest.raises(Invalid, match=code):
            exits.reopen(number, command, actor=world.claims1, now=at)
    exits.reopen(number, exits.Reopen("伤者复诊", 9_000_00), actor=world.claims1, now=at)
    assert (claim.state, claim.round, claim.paid_fen) == (ClaimState.SURVEYED, 2, 6_300_00)
    journey.now, journey.done = at, ["dispatched", "surveyed"]
    journey.to(ClaimState.DOCUMENTS_COMPLETE)

    lower = replace(CALCULATION, medical_fen=500_00)
    kept = settlement.calculate(number, lower, actor=world.claims1, now=journey.now)
    assert kept.recoveries == [{"kind": "overpaid", "amount_fen": 1_000_00, "from": PAYMENT.payee}]
    higher = replace(CALCULATION, medical_fen=2_500_00)
    kept = settlement.calculate(number, higher, actor=world.claims1, now=journey.now)
    settlement.approve(number, settlement.Approve(kept.id), actor=world.claims2, now=journey.now)

    assert claim.approved_fen - claim.paid_fen == 1_000_00
    assert (kept.round, kept.calculation_version) == (2, 3)


def test_money_that_was_paid_for_the_round_itself_cannot_be_withdrawn(
    world: World, claim: Claim, journey: Journey
) -> None:
    """A dispute sends a paid calculation back: nothing of it was paid for a round before."""
    journey.to(ClaimState.PAID)
    dispute(claim, world.claims1, journey.now)
    disputes.name_decider(claim.number, world.manager.id, actor=world.claims1, now=journey.now)
    decision = disputes.Decision(DisputeOutcome.CLIENT_RIGHT, "重新理算", Consequence.NEW_CALCULATION)
    disputes.decide(claim.number, decision, actor=world.manager, now=journey.now)
    db.session.commit()

    with pytest.raises(Invalid, match="already_paid"):
        exits.withdraw(claim.number, "和解", actor=world.claims1, now=journey.now)

    assert (claim.state, claim.round) == (ClaimState.DOCUMENTS_COMPLETE, 1)


def test_a_closed_claim_may_be_given_to_another_for_its_follow_up(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.CLOSED)

    command = handling.Assign(world.claims2.id, "回访由赵丽做")
    handling.assign(claim.number, command, actor=world.manager, now=journey.now)

    running = timer(claim, ClockStep.FOLLOWUP)
    assert running
    assert running.holder_id == world.claims2.id
