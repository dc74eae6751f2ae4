"""Where the parts of a claim meet: estimates and advances, denials and returns, a dispute, a second round, two ends."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.claim_money import AdvanceBasis, Recovery
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.sla import AbsenceKind, Timer, TimerState
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.claim_losses import LossItem, LossKind
from service_desk.rules.claim_parties import PartyKind, TreatmentStage
from service_desk.rules.disputes import Consequence, DisputeOutcome, DisputeTopic
from service_desk.rules.follow_up import FollowUpMeans, Scores
from service_desk.rules.periods import Preset, period_of
from service_desk.rules.sla import PauseReason
from service_desk.rules.vocabulary import Fault
from service_desk.services import documents, sla
from service_desk.services.claims import (
    advances,
    checklists,
    closing,
    common,
    completing,
    disputes,
    exits,
    files,
    follow_up_lists,
    follow_ups,
    handling,
    injuries,
    intake,
    papers,
    parties,
    party_costs,
    paying,
    plans,
    reserves,
    settlement,
)
from service_desk.services.claims.advances import ProposeAdvance
from service_desk.services.claims.exits import Reopen
from service_desk.services.claims.follow_up_lists import FollowUpFilter, FollowUpView
from service_desk.services.claims.follow_ups import FormAnswer
from service_desk.services.claims.injuries import FollowUpFacts
from service_desk.services.claims.intake import ReportCommand
from service_desk.services.claims.party_costs import Estimate
from service_desk.services.claims.paying import ReturnPayment
from service_desk.services.claims.plans import PlanFollowUp
from service_desk.services.sla import absences
from service_desk.web import calculation_start
from tests.claim_cases import (
    ASSESSMENT,
    CALCULATION,
    DENIAL,
    PAYMENT,
    SURVEY,
    Journey,
    close_all,
    dispute,
    file_store,
    picture,
    reported_claim,
    written_letter,
)
from tests.world import World

FORM = PlanFollowUp(FollowUpMeans.FORM, "郭永刚", email="guo@fleet.example")
DAY = timedelta(days=1)


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


@pytest.fixture
def journey(world: World, claim: Claim, now: datetime) -> Journey:
    return Journey(world, claim, now)


def pay_advance(journey: Journey, fen: int) -> int:
    """Propose, approve and pay an advance; the payment's id."""
    number, world, now = journey.claim.number, journey.world, journey.now
    wanted = ProposeAdvance(AdvanceBasis.CERTAIN_PART, fen, "医疗费发票已核实")
    one = advances.propose(number, wanted, actor=world.claims1, now=now)
    advances.decide(number, one.id, approves=True, note="", actor=world.claims2, now=now)
    paid = paying.pay_advance(number, one.id, replace(PAYMENT, amount_fen=fen), actor=world.claims2, now=now)
    db.session.commit()
    return paid.id


def outstanding_fen(claim: Claim) -> int:
    """What the ledger holds; it agrees with the claim's own figures at every moment."""
    held = sum(reserves.outstanding_of(claim.id).values())
    assert held == claim.reserve_fen - claim.paid_fen
    return held


def clocks(claim: Claim, step: ClockStep) -> list[TimerState]:
    statement = select(Timer.state).where(Timer.matter_id == claim.id, Timer.step == step)
    return list(db.session.scalars(statement.order_by(Timer.cycle)))


def second_round(journey: Journey, reserve_fen: int = 9_000_00) -> None:
    """Open a new round a day later, ready to be assessed."""
    journey.now += DAY
    exits.reopen(
        journey.claim.number, Reopen("复诊", reserve_fen), actor=journey.world.claims1, now=journey.now
    )
    journey.done = ["dispatched", "surveyed"]
    db.session.commit()


def assess(journey: Journey, *items: LossItem) -> None:
    command = handling.AssessmentRecord("", items)
    handling.record_assessment(
        journey.claim.number, command, actor=journey.world.claims1, now=journey.now, files=file_store()
    )
    journey.done.append("assessed")
    db.session.commit()


def suggested(claim: Claim, world: World) -> settlement.CalculationInputs:
    file = files.read_file(claim.number, actor=world.claims1)
    return calculation_start.suggested(file)


def test_survey_items_and_forecast_move_one_reserve(world: World, journey: Journey) -> None:
    claim = journey.to(ClaimState.SURVEYED)
    views = {view.party.kind: view.party for view in parties.list_parties(claim.id)}
    now = journey.now + DAY

    def estimate(kind: PartyKind, what: LossKind, fen: int) -> None:
        command = Estimate(views[kind].id, what, "估损", fen)
        party_costs.estimate_item(claim.number, command, actor=world.claims1, now=now)

    estimate(PartyKind.OTHER_VEHICLE, LossKind.THIRD_PARTY_VEHICLE, 3_000_00)
    assert claim.reserve_fen == outstanding_fen(claim) == 8_000_00
    facts = FollowUpFacts(
        views[PartyKind.PERSON].id, now.date(), "颈部扭伤", TreatmentStage.OUTPATIENT, 500_00, 4_000_00
    )
    injuries.follow_injured(claim.number, facts, actor=world.claims1, now=now)
    assert claim.reserve_fen == outstanding_fen(claim) == 8_000_00
    injuries.follow_injured(claim.number, replace(facts, forecast_fen=9_000_00), actor=world.claims1, now=now)
    assert claim.reserve_fen == outstanding_fen(claim) == 12_000_00
    assert claim.large_loss_noticed_at is not None

    journey.now = now
    journey.to(ClaimState.ASSESSED)
    # The forecast holds beyond what the injured's items say.
    assert claim.reserve_fen == outstanding_fen(claim) == 6_000_00 + 9_000_00


def test_an_assessment_may_be_below_an_advance_and_the_decision_settles_it(
    world: World, journey: Journey
) -> None:
    claim = journey.to(ClaimState.SURVEYED)
    pay_advance(journey, 5_000_00)

    assess(journey, LossItem("后保险杠", LossKind.THIRD_PARTY_VEHICLE, 4_000_00))

    assert (claim.state, claim.reserve_fen, outstanding_fen(claim)) == (ClaimState.ASSESSED, 5_000_00, 0)
    journey.now += DAY
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    less = replace(CALCULATION, fault=Fault.FULL, property_fen=4_000_00, medical_fen=0)
    made = settlement.calculate(claim.number, less, actor=world.claims1, now=journey.now)
    settlement.approve(claim.number, settlement.Approve(made.id), actor=world.claims2, now=journey.now)
    owed = db.session.scalars(select(Recovery)).one()
    assert owed.open_fen == 5_000_00 - made.total_fen
    close_all(claim, world.claims1, journey.now)
    assert (claim.state, claim.paid_fen) == (ClaimState.CLOSED, 5_000_00)


def test_a_second_round_is_assessed_with_what_was_granted_before(world: World, journey: Journey) -> None:
    claim = journey.to(ClaimState.CLOSED)
    second_round(journey)

    with pytest.raises(Invalid, match="reserve_below_paid"):
        assess(journey, LossItem("复查", LossKind.INJURY, 1_000_00))
    db.session.rollback()

    assess(journey, *ASSESSMENT.items, LossItem("复查", LossKind.INJURY, 1_000_00))
    assert outstanding_fen(claim) == 8_500_00 - 6_300_00


def test_a_second_refusal_still_asks_for_the_advance(world: World, journey: Journey) -> None:
    claim = journey.to(ClaimState.ASSESSED)
    pay_advance(journey, 2_000_00)
    exits.deny(claim.number, DENIAL, actor=world.claims2, now=journey.now)
    second_round(journey)

    exits.deny(claim.number, DENIAL, actor=world.claims2, now=journey.now)

    owed = db.session.scalars(select(Recovery)).one()
    assert (owed.amount_fen, owed.open_fen) == (2_000_00, 2_000_00)


def test_what_an_earlier_decision_granted_stays_when_a_second_round_is_refused(
    world: World, journey: Journey
) -> None:
    claim = journey.to(ClaimState.DOCUMENTS_COMPLETE)
    pay_advance(journey, 7_000_00)
    journey.to(ClaimState.APPROVED)
    assert db.session.scalars(select(Recovery)).one().open_fen == 700_00
    close_all(claim, world.claims1, journey.now)
    second_round(journey)

    exits.deny(claim.number, DENIAL, actor=world.claims2, now=journey.now)

    assert [one.open_fen for one in db.session.scalars(select(Recovery))] == [700_00]
    assert outstanding_fen(claim) == 0


def test_an_advance_that_comes_back_to_a_refused_claim_leaves_no_reserve(
    world: World, journey: Journey
) -> None:
    claim = journey.to(ClaimState.ASSESSED)
    payment_id = pay_advance(journey, 2_000_00)
    exits.deny(claim.number, DENIAL, actor=world.claims2, now=journey.now)

    paying.return_payment(
        claim.number, ReturnPayment(payment_id, "账户已销"), actor=world.claims2, now=journey.now
    )

    assert (claim.reserve_fen, outstanding_fen(claim), claim.approved_fen) == (0, 0, 0)
    assert db.session.scalars(select(Recovery)).one().open_fen == 0


def closed_by_form(journey: Journey) -> str:
    """Closed with a form that went out; the token of its link."""
    claim = journey.to(ClaimState.PAID)
    close_by_form(journey)
    plan = plans.find_plan(claim)
    link = plans.find_link(plan) if plan else None
    assert link is not None
    return plans.token_of(link)


def close_by_form(journey: Journey) -> None:
    command = closing.Close(True, FORM)
    closing.close(journey.claim.number, command, actor=journey.world.claims1, now=journey.now)
    db.session.commit()


def send_back_the_payment(journey: Journey) -> None:
    """The bank sends the claim's payment back a day later."""
    journey.now += DAY
    payment = files.read_file(journey.claim.number, actor=journey.world.claims1).payments[-1]
    command = ReturnPayment(payment.id, "户名不符")
    paying.return_payment(journey.claim.number, command, actor=journey.world.claims2, now=journey.now)
    db.session.commit()


def pay_again(journey: Journey) -> None:
    settlement.pay(journey.claim.number, PAYMENT, actor=journey.world.claims2, now=journey.now)
    db.session.commit()


def test_a_payment_back_after_closing_ends_the_form_and_the_next_end_asks_again(
    world: World, journey: Journey
) -> None:
    claim, token = journey.claim, closed_by_form(journey)
    follow_ups.answer_form(token, FormAnswer(Scores(5)), now=journey.now)

    send_back_the_payment(journey)
    assert (claim.state, claim.followed_up_at) == (ClaimState.APPROVED, None)
    pay_again(journey)
    close_by_form(journey)

    plan = plans.find_plan(claim)
    link = plans.find_link(plan) if plan else None
    assert link is not None
    assert link.answered_at is None
    journey.now += DAY
    again = follow_ups.answer_form(plans.token_of(link), FormAnswer(Scores(2)), now=journey.now)
    assert again.answer is not None
    assert again.answer.score == 2
    before = follow_ups.read_form(token, now=journey.now).answer
    assert before is not None
    assert before.score == 5
    wanted = FollowUpFilter(period_of(Preset.THIS_YEAR, journey.now.date()), FollowUpView.DISSATISFIED)
    who = {"actor": world.claims1, "now": journey.now}
    rows = follow_up_lists.list_follow_ups(world.account.id, wanted, PageRequest(), **who).rows
    assert [row.answer.score for row in rows if row.answer] == [2]
    total = follow_up_lists.read_figures(world.account.id, wanted, actor=world.claims1).total
    assert (total.followed_up.part, total.dissatisfied.part) == (1, 1)


def test_an_unanswered_form_is_closed_while_a_payment_is_due_again(world: World, journey: Journey) -> None:
    token = closed_by_form(journey)
    send_back_the_payment(journey)

    with pytest.raises(NotFound, match="feedback_link_ended"):
        follow_ups.read_form(token, now=journey.now)


def test_a_payment_back_after_closing_leaves_the_clock_of_a_dispute(world: World, journey: Journey) -> None:
    claim = journey.to(ClaimState.CLOSED)
    dispute(claim, world.safety_gongyi, journey.now)

    send_back_the_payment(journey)

    assert clocks(claim, ClockStep.DISPUTE) == [TimerState.RUNNING]
    assert clocks(claim, ClockStep.FOLLOWUP) == [TimerState.CANCELLED]


def test_a_payment_of_an_earlier_round_that_comes_back_starts_no_promise_of_an_advance(
    world: World, journey: Journey
) -> None:
    claim = journey.to(ClaimState.CLOSED)
    second_round(journey)
    journey.to(ClaimState.CALCULATED)
    before = clocks(claim, ClockStep.ADVANCE_PAYMENT)

    send_back_the_payment(journey)

    assert clocks(claim, ClockStep.ADVANCE_PAYMENT) == before
    journey.to(ClaimState.APPROVED)
    assert (claim.approved_fen, claim.paid_fen) == (6_300_00, 0)


def test_a_dispute_won_sends_the_calculation_back_and_the_difference_is_paid(
    world: World, journey: Journey
) -> None:
    claim = journey.to(ClaimState.PAID)
    objection = disputes.RaiseDispute(DisputeTopic.AMOUNT, "发票 9,000 元", claimed_fen=9_000_00)
    raised = disputes.raise_dispute(
        claim.number, objection, files=file_store(), actor=world.safety_gongyi, now=journey.now
    )
    raised.decider_id = world.manager.id
    decision = disputes.Decision(
        DisputeOutcome.CLIENT_RIGHT, "补充发票属实", Consequence.NEW_CALCULATION, 7_000_00
    )
    disputes.decide(claim.number, decision, actor=world.manager, now=journey.now)
    assert (claim.state, claim.is_disputed) == (ClaimState.DOCUMENTS_COMPLETE, False)

    more = replace(CALCULATION, property_fen=7_000_00)
    made = settlement.calculate(claim.number, more, actor=world.claims1, now=journey.now)
    assert made.calculation_version == 2
    settlement.approve(claim.number, settlement.Approve(made.id), actor=world.claims2, now=journey.now)
    left = made.total_fen - 6_300_00
    assert claim.approved_fen - claim.paid_fen == left > 0
    settlement.pay(claim.number, replace(PAYMENT, amount_fen=left), actor=world.claims2, now=journey.now)
    assert (claim.state, claim.paid_fen) == (ClaimState.PAID, made.total_fen)
    assert clocks(claim, ClockStep.PAYMENT) == [TimerState.MET, TimerState.MET]


def test_the_calculation_of_a_second_round_starts_with_its_own_assessment(
    world: World, journey: Journey
) -> None:
    claim = journey.to(ClaimState.CLOSED)
    assert suggested(claim, world).property_fen == 6_000_00
    second_round(journey)

    assess(
        journey,
        LossItem("后保险杠总成", LossKind.THIRD_PARTY_VEHICLE, 6_000_00),
        LossItem("门诊治疗及复诊", LossKind.INJURY, 2_500_00),
    )

    again = suggested(claim, world)
    assert again.fault is Fault.MAIN
    assert (again.property_fen, again.medical_fen) == (0, 0)
    assert sum(one.property_fen for one in again.victims) == 6_000_00
    assert sum(one.medical_fen for one in again.victims) == 2_500_00
    assert "豫VD2035" in {one.label for one in again.victims}


def test_the_first_paper_of_a_second_round_starts_the_clock_of_the_notice(
    world: World, journey: Journey
) -> None:
    claim = journey.to(ClaimState.CLOSED)
    assert claim.deficiency_notice_at is None
    second_round(journey)
    before = len(clocks(claim, ClockStep.DEFICIENCY_NOTICE))
    features = SURVEY.features | {ClaimFeature.DISABILITY}
    checklists.change_features(claim.number, features, "定残", actor=world.claims1, now=journey.now)
    missing = [row for row in papers.list_wanted(claim.id) if row.state in papers.MISSING]
    assert len(missing) >= 2
    command = papers.ReceiveDocument((missing[0].code,))

    papers.receive(claim.number, command, actor=world.claims1, now=journey.now, files=file_store())

    assert len(clocks(claim, ClockStep.DEFICIENCY_NOTICE)) == before + 1
    papers.request_documents(claim.number, "", actor=world.claims1, now=journey.now)
    assert [notice.is_later_demand for notice in papers.list_notices(claim.id)] == [False]
    assert clocks(claim, ClockStep.DEFICIENCY_NOTICE)[-1] is TimerState.MET


def test_a_clock_that_waits_for_papers_goes_on_by_itself_in_a_second_round(
    world: World, journey: Journey
) -> None:
    claim = journey.to(ClaimState.CLOSED)
    second_round(journey)
    more = SURVEY.features | {ClaimFeature.DISABILITY}
    checklists.change_features(claim.number, more, "定残", actor=world.claims1, now=journey.now)
    [timer] = [
        one
        for one in sla.timers_of(common.MATTER_KIND, [claim.id])[claim.id]
        if one.step is ClockStep.ASSESSMENT and one.state is TimerState.RUNNING
    ]
    paper = documents.store_photo(
        file_store(), picture(), DocumentKind.PAUSE_EVIDENCE, common.matter_of(claim),
        field="evidence", actor=world.claims1, now=journey.now,
    )  # fmt: skip
    waiting = (timer.id, PauseReason.WAITING_FOR_CLIENT_DOCUMENTS, "", paper.id)
    with pytest.raises(Invalid, match="pause_without_notice"):
        sla.pause(*waiting, actor=world.claims1, now=journey.now)
    papers.request_documents(claim.number, "", actor=world.claims1, now=journey.now)
    sla.pause(*waiting, actor=world.claims1, now=journey.now)

    codes = tuple(row.code for row in papers.list_wanted(claim.id) if row.state in papers.MISSING)
    journey.now += DAY
    command = papers.ReceiveDocument(codes, (picture("鉴定.jpg"),))
    papers.receive(claim.number, command, actor=world.safety_gongyi, now=journey.now, files=file_store())

    assert timer.state is TimerState.RUNNING


def test_a_form_planned_before_the_end_goes_out_with_the_letter_or_the_withdrawal(
    world: World, journey: Journey
) -> None:
    claim = journey.to(ClaimState.SURVEYED)
    plan = plans.plan(claim.number, FORM, actor=world.claims1, now=journey.now)
    exits.deny(claim.number, DENIAL, actor=world.claims2, now=journey.now)
    # Nobody is asked how it was before they know.
    assert plans.find_link(plan) is None
    written_letter(claim, world.claims1, journey.now)
    letter = exits.DenialLetter(journey.now, "集团保险部")
    exits.send_denial_letter(claim.number, letter, actor=world.claims1, now=journey.now)
    assert plans.find_link(plan) is not None

    second_round(journey)
    assert plans.find_link(plan) is None
    plan = plans.plan(claim.number, FORM, actor=world.claims1, now=journey.now)
    exits.withdraw(claim.number, "对方已自行修复", actor=world.claims1, now=journey.now)
    assert plans.find_link(plan) is not None


@pytest.fixture
def told(world: World, now: datetime) -> ReportCommand:
    """The desk's note of a call about the coach's accident and another vehicle's."""
    return ReportCommand(
        account_id=world.account.id,
        plate="豫A12345",
        loss_at=now - timedelta(minutes=30),
        place="G310 巩义站街路口",
        description="两车均有损",
        reporter_name="郭永刚",
        callback_phone="13937108891",
        other_plates=("豫A67890",),
        estimate_fen=30_000_00,
        duplicate_answer=intake.SAME,
    )


def test_the_estimate_of_a_second_report_is_the_known_vehicles(
    world: World, claim: Claim, now: datetime, told: ReportCommand
) -> None:
    command = replace(told, same_as=claim.number)

    number = intake.report(
        command, photos=[picture()], key="", actor=world.claims1, now=now, files=file_store()
    )

    assert number == claim.number
    other = db.session.scalars(select(Claim).where(Claim.id != claim.id)).one()
    assert (claim.reserve_fen, other.reserve_fen) == (30_000_00, 0)
    assert claim.large_loss_noticed_at is not None
    assert other.large_loss_noticed_at is None


def test_the_same_answer_to_an_ended_claim_leaves_it_ended(
    world: World, claim: Claim, journey: Journey, told: ReportCommand
) -> None:
    journey.to(ClaimState.CLOSED)
    command = replace(told, same_as=claim.number, other_plates=())

    number = intake.report(
        command, photos=[picture()], key="", actor=world.claims1, now=journey.now, files=file_store()
    )

    assert number == claim.number
    assert (claim.state, claim.reserve_fen) == (ClaimState.CLOSED, claim.paid_fen)
    kinds = db.session.scalars(select(ClaimEvent.kind).where(ClaimEvent.claim_id == claim.id)).all()
    assert "report_repeated" in kinds


def test_a_time_of_loss_stands_while_a_sum_stands_on_it(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.CALCULATED)
    command = completing.CompleteReport(
        claim.loss_at - timedelta(hours=2), claim.place, claim.description, claim.other_party,
        claim.injured_count, claim.reporter_name, claim.callback_phone,
    )  # fmt: skip
    with pytest.raises(Conflict, match="loss_time_calculated"):
        completing.complete(claim.number, command, actor=world.claims1, now=journey.now)
    db.session.rollback()
    same_time = replace(command, loss_at=claim.loss_at, place="G310 巩义站街路口北侧")
    done = completing.complete(claim.number, same_time, actor=world.claims1, now=journey.now)
    assert (done.changed, done.covers) == (("place",), None)


def test_a_report_is_given_to_somebody_who_is_there(world: World, now: datetime, told: ReportCommand) -> None:
    sla.install_defaults(now)
    leave = absences.PlanAbsence(world.claims1.id, world.claims2.id, AbsenceKind.LEAVE, now, now + DAY)
    absences.plan(leave, actor=world.claims1, now=now)

    def owner(plate: str, at: datetime) -> int:
        command = replace(told, plate=plate, other_plates=(), duplicate_answer="")
        number = intake.report(
            command, photos=[], key="", actor=world.safety_gongyi, now=at, files=file_store()
        )
        return db.session.scalars(select(Claim.owner_id).where(Claim.number == number)).one()

    assert owner("豫A12345", now + timedelta(minutes=1)) == world.claims2.id
    assert owner("豫A67890", now + timedelta(minutes=2)) == world.claims2.id


def test_two_injured_whose_names_nobody_knows_yet_are_calculated_apart(world: World, now: datetime) -> None:
    claim = reported_claim(world, now, injured_count=2)
    journey = Journey(world, claim, now)
    journey.to(ClaimState.SURVEYED)
    persons = [
        view.party.id for view in parties.list_parties(claim.id) if view.party.kind is PartyKind.PERSON
    ]
    assert len(persons) == 2
    assess(journey, *(LossItem("门诊", LossKind.INJURY, 2_000_00, party) for party in persons))
    journey.now += DAY
    journey.to(ClaimState.DOCUMENTS_COMPLETE)

    start = suggested(claim, world)

    assert [one.medical_fen for one in start.victims] == [2_000_00, 2_000_00]
    assert len({one.label for one in start.victims if one.label}) == 2
    made = settlement.calculate(claim.number, start, actor=world.claims1, now=journey.now)
    assert made.total_fen == 4_000_00
