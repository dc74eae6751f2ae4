"""Closing with a follow-up planned, calls and their tries, the form behind a link, reopening, and the figures."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, DomainError, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim, ClaimCalculation, ClaimEvent, FollowUp
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.follow_ups import FollowUpLink
from service_desk.models.notices import Notice
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.follow_up import CallOutcome, FollowUpMeans, Scores
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.periods import Preset, period_of
from service_desk.services.claims import closing, exits, follow_up_lists, follow_ups, plans, settlement
from service_desk.services.claims.calculating import CalculationInputs
from service_desk.services.claims.exits import Reopen
from service_desk.services.claims.follow_up_lists import FollowUpFilter, FollowUpView
from service_desk.services.claims.follow_ups import FollowUpRecord, FormAnswer
from service_desk.services.claims.plans import CallTried, PlanFollowUp
from tests.claim_cases import CALCULATION, Journey, dispute, reported_claim
from tests.services.test_issuing import at_once
from tests.world import World

FORM = PlanFollowUp(FollowUpMeans.FORM, "郭永刚", email="guo@fleet.example", language="en")
BAD = FormAnswer(Scores(2, speed=1), comment="等了三周", wants_call_back=True)


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


@pytest.fixture
def journey(world: World, claim: Claim, now: datetime) -> Journey:
    return Journey(world, claim, now)


def send_form(world: World, journey: Journey) -> str:
    """Close the claim and send the form; the token of its link."""
    journey.to(ClaimState.CLOSED)
    plan = plans.plan(journey.claim.number, FORM, actor=world.claims1, now=journey.now)
    db.session.commit()
    link = plans.find_link(plan)
    assert link is not None
    return plans.token_of(link)


def follow_up_clock(claim: Claim) -> Timer:
    wanted = select(Timer).where(Timer.matter_id == claim.id, Timer.step == ClockStep.FOLLOWUP)
    return db.session.scalars(wanted.order_by(Timer.cycle.desc())).first()  # type: ignore[return-value]


def codes(error: DomainError) -> list[str]:
    return [one.code for one in error.problems] if isinstance(error, InvalidMany) else [error.code]


def test_a_premature_close_is_refused_with_every_reason_at_once(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.APPROVED)
    dispute(claim, world.claims1, journey.now)

    with pytest.raises(InvalidMany) as refused:
        closing.close(claim.number, closing.Close(False), actor=world.claims1, now=journey.now)

    assert codes(refused.value) == ["reserve_open", "payment_open", "dispute_open", "follow_up_not_planned"]
    db.session.rollback()
    assert (claim.state, claim.closed_at) == (ClaimState.APPROVED, None)


def test_closing_plans_the_call_and_what_was_planned_before_serves_too(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.PAID)
    earlier = replace(plans.suggested(claim), name="王会计")
    plans.plan(claim.number, earlier, actor=world.claims1, now=journey.now)

    closing.close(claim.number, closing.Close(True), actor=world.claims1, now=journey.now)

    plan = plans.find_plan(claim)
    assert plan is not None
    assert (plan.name, plan.means, plan.round) == ("王会计", FollowUpMeans.CALL, 1)
    assert follow_up_clock(claim).state is TimerState.RUNNING


def test_a_form_planned_while_the_claim_is_open_goes_out_when_it_closes(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.PAID)
    plan = plans.plan(claim.number, FORM, actor=world.claims1, now=journey.now)
    assert plans.find_link(plan) is None

    closing.close(claim.number, closing.Close(True), actor=world.claims1, now=journey.now)

    assert plans.find_link(plan) is not None


def test_a_claim_without_a_payment_closes_with_its_own_reason(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    nought = replace(CALCULATION, received_fen=7_500_00, property_fen=0, medical_fen=0, own_damage_fen=1_00)
    made = settlement.calculate(claim.number, nought, actor=world.claims1, now=journey.now)
    assert made.total_fen == 0
    settlement.approve(claim.number, settlement.Approve(made.id), actor=world.claims2, now=journey.now)
    command = closing.Close(True, plans.suggested(claim))

    with pytest.raises(Invalid, match="zero_reason_missing"):
        closing.close(claim.number, command, actor=world.claims1, now=journey.now)
    closing.close(
        claim.number, replace(command, zero_reason="对方已全额赔付"), actor=world.claims1, now=journey.now
    )

    event = db.session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "close")).one()
    assert event.note == "对方已全额赔付"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": " "}, ["required"]),
        ({"phone": ""}, ["required"]),
        ({"email": "nobody"}, ["email_invalid"]),
        ({"language": "fr"}, ["required"]),
        ({"name": "", "phone": "", "email": "x" * 300}, ["required", "required", "email_invalid", "words_too_long"]),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(
    world: World, claim: Claim, journey: Journey, change: dict[str, str], expected: list[str]
) -> None:
    journey.to(ClaimState.CLOSED)
    command = PlanFollowUp(**{**vars(plans.suggested(claim)), **change})

    with pytest.raises(InvalidMany) as refused:
        plans.plan(claim.number, command, actor=world.claims1, now=journey.now)

    assert codes(refused.value) == expected


def test_calls_without_an_answer_are_kept_and_tried_again(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.CLOSED)
    tried = CallTried(journey.now, CallOutcome.NO_ANSWER, "下午再打")
    with pytest.raises(Invalid, match="next_try_past"):
        plans.record_try(
            claim.number, replace(tried, next_try_at=journey.now), actor=world.claims1, now=journey.now
        )

    for _ in range(2):
        plans.record_try(claim.number, tried, actor=world.claims1, now=journey.now)

    plan = plans.find_plan(claim)
    assert plan is not None
    assert (plan.tries, plan.next_try_at) == (2, journey.now + timedelta(hours=4))
    assert [call.outcome for call in plans.list_calls(plan)] == [CallOutcome.NO_ANSWER] * 2
    assert follow_up_clock(claim).state is TimerState.RUNNING


def test_a_bad_answer_by_the_form_opens_a_contact_with_an_owner_and_tells_owner_and_manager(
    world: World, claim: Claim, journey: Journey
) -> None:
    token = send_form(world, journey)
    later = journey.now + timedelta(days=1)

    follow_ups.answer_form(token, BAD, now=later)
    db.session.commit()

    answer = db.session.scalars(select(FollowUp)).one()
    assert (answer.means, answer.score, answer.speed, answer.by_id) == (FollowUpMeans.FORM, 2, 1, None)
    assert answer.is_dissatisfied
    enquiry = db.session.get_one(Enquiry, answer.enquiry_id)
    assert (enquiry.owner_id, enquiry.channel, enquiry.subject) == (
        claim.owner_id,
        EnquiryChannel.MESSAGE,
        "等了三周",
    )
    told = db.session.scalars(
        select(Notice.user_id).where(Notice.kind == "client_dissatisfied").order_by(Notice.id)
    )
    assert set(told) == {claim.owner_id, world.manager.id}
    assert (claim.followed_up_at, follow_up_clock(claim).state) == (later, TimerState.MET)
    kept = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "claim_followed_up")).one()
    assert kept.actor_id is None


def test_an_answer_stands_and_a_second_one_changes_nothing(
    world: World, claim: Claim, journey: Journey
) -> None:
    token = send_form(world, journey)
    follow_ups.answer_form(token, FormAnswer(Scores(5)), now=journey.now)
    db.session.commit()

    again = follow_ups.answer_form(token, BAD, now=journey.now)

    assert again.answer is not None
    assert again.answer.score == 5
    assert len(db.session.scalars(select(FollowUp)).all()) == 1
    with pytest.raises(Conflict, match="follow_up_recorded"):
        follow_ups.follow_up(
            claim.number, FollowUpRecord(journey.now, "郭永刚", 5), actor=world.claims1, now=journey.now
        )


def test_the_form_and_a_call_at_once_are_one_answer(
    app: Flask, world: World, claim: Claim, journey: Journey
) -> None:
    token, number, at, user_id = send_form(world, journey), claim.number, journey.now, world.claims1.id
    called = FollowUpRecord(at, "郭永刚", 5)
    db.session.rollback()

    outcomes = at_once(
        in_own_session(app, lambda: follow_ups.answer_form(token, BAD, now=at)),
        in_own_session(
            app,
            lambda: follow_ups.follow_up(number, called, actor=db.session.get_one(User, user_id), now=at),
        ),
    )

    # Whichever came first ended the other: the call ends the link, the form has followed the claim up.
    assert "kept" in outcomes
    assert set(outcomes) - {"kept"} <= {"follow_up_recorded", "feedback_link_ended"}
    db.session.rollback()
    assert len(db.session.scalars(select(FollowUp)).all()) == 1


def in_own_session(app: Flask, act: Callable[[], object]) -> Callable[[], str]:
    """The act as a request of its own does it; `kept`, or the code of its refusal."""

    def run() -> str:
        with app.app_context():
            db.session.connection(execution_options={"begin_immediate": True})
            try:
                act()
                db.session.commit()
            except DomainError as refusal:
                db.session.rollback()
                return refusal.code
            return "kept"

    return run


def test_a_link_ends_with_time_with_another_link_with_a_call_and_with_reopening(
    world: World, claim: Claim, journey: Journey
) -> None:
    first = send_form(world, journey)
    assert follow_ups.read_form(first, now=journey.now + timedelta(days=29)).claim.id == claim.id
    with pytest.raises(NotFound, match="feedback_link_ended"):
        follow_ups.read_form(first, now=journey.now + timedelta(days=30))

    second = plans.find_link(plans.plan(claim.number, FORM, actor=world.claims1, now=journey.now))
    assert second is not None
    assert_ended(first, journey.now)

    exits.reopen(claim.number, Reopen("复检发现暗伤", 9_000_00), actor=world.claims1, now=journey.now)
    assert_ended(plans.token_of(second), journey.now)
    assert second.revoked_at == journey.now


def assert_ended(token: str, now: datetime) -> None:
    with pytest.raises(NotFound, match="feedback_link_ended"):
        follow_ups.answer_form(token, BAD, now=now)


@pytest.mark.parametrize("token", ["", "1", "x" * 43, "y" * 5000])
def test_a_token_nobody_made_opens_nothing(world: World, now: datetime, token: str) -> None:
    assert_ended(token, now)


def test_the_database_holds_no_token_and_the_mail_holds_the_address(
    world: World, claim: Claim, journey: Journey
) -> None:
    token = send_form(world, journey)

    link = db.session.scalars(select(FollowUpLink)).one()
    notice = db.session.scalars(select(Notice).where(Notice.kind == "follow_up_form")).one()
    sent = mail.render(notice, base_url="https://desk.example")

    assert token not in f"{link.nonce} {link.token_sha256} {notice.params}"
    assert f"https://desk.example/feedback/{token}" in sent.text
    assert "How was it?" in sent.subject
    assert world.claims1.name in sent.text


def test_a_claim_withdrawn_after_the_survey_is_asked_after_and_one_before_is_not(
    world: World, now: datetime
) -> None:
    surveyed, fresh = reported_claim(world, now), reported_claim(world, now, vehicle=world.bus)
    Journey(world, surveyed, now).to(ClaimState.SURVEYED)
    later = now + timedelta(minutes=5)
    for one in (surveyed, fresh):
        exits.withdraw(one.number, "双方自行协商", actor=world.claims1, now=later)

    assert follow_up_clock(surveyed).state is TimerState.RUNNING
    assert follow_up_clock(fresh) is None
    with pytest.raises(Conflict, match="follow_up_not_needed"):
        follow_ups.follow_up(fresh.number, FollowUpRecord(later, "郭", 5), actor=world.claims1, now=later)
    follow_ups.follow_up(surveyed.number, FollowUpRecord(later, "郭", 5), actor=world.claims1, now=later)
    assert follow_up_clock(surveyed).state is TimerState.MET


def test_reopening_keeps_the_old_round_readable_and_tells_the_client(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.CLOSED)
    follow_ups.follow_up(
        claim.number, FollowUpRecord(journey.now, "郭永刚", 4), actor=world.claims1, now=journey.now
    )

    exits.reopen(claim.number, Reopen("复检发现暗伤", 9_000_00), actor=world.claims1, now=journey.now)
    db.session.commit()

    assert (claim.round, claim.state, claim.paid_fen) == (2, ClaimState.SURVEYED, 6_300_00)
    assert claim.followed_up_at is None
    assert plans.find_plan(claim) is None
    assert [row.round for row in db.session.scalars(select(ClaimCalculation))] == [1]
    assert [row.round for row in db.session.scalars(select(FollowUp))] == [1]
    told = db.session.scalars(
        select(Notice.user_id).where(Notice.kind == "claim_reopened").order_by(Notice.id)
    )
    assert set(told) == {claim.reported_by_id}
    cycles = select(Timer.cycle).where(Timer.matter_id == claim.id, Timer.step == ClockStep.ASSESSMENT)
    assert sorted(db.session.scalars(cycles)) == [1, 2]


def test_the_list_and_its_figures_say_the_same(world: World, now: datetime) -> None:
    called, formed, waiting, due = (
        reported_claim(world, now, vehicle=vehicle)
        for vehicle in (world.coach, world.coach, world.bus, world.truck)
    )
    at = now
    for one in (called, formed, waiting, due):
        at = Journey(world, one, now).to(ClaimState.CLOSED).closed_at or now
    answered = FollowUpRecord(at, "郭", 5, speed=2, comment="慢")
    follow_ups.follow_up(called.number, answered, actor=world.claims1, now=at)
    for one in (formed, waiting):
        plans.plan(one.number, FORM, actor=world.claims1, now=at)
    link = plans.find_link(plans.find_plan(formed))  # type: ignore[arg-type]
    follow_ups.answer_form(plans.token_of(link), FormAnswer(Scores(4)), now=at)  # type: ignore[arg-type]
    db.session.commit()
    wanted = FollowUpFilter(period_of(Preset.LAST_90_DAYS, local_date(now)))

    def numbers(view: FollowUpView) -> set[str]:
        page = follow_up_lists.list_follow_ups(
            world.account.id, replace(wanted, view=view), PageRequest(), actor=world.manager, now=at
        )
        return {row.claim.number for row in page.rows}

    expected = {
        FollowUpView.DUE: {due},
        FollowUpView.WAITING: {waiting},
        FollowUpView.ANSWERED: {called, formed},
        FollowUpView.DISSATISFIED: {called},
        FollowUpView.ALL: {called, formed, waiting, due},
        FollowUpView.REOPENED: set(),
    }
    assert {view: numbers(view) for view in FollowUpView} == {
        view: {one.number for one in claims} for view, claims in expected.items()
    }
    counts = follow_up_lists.count_views(world.account.id, wanted, actor=world.manager, now=at)
    assert counts == {view: len(claims) for view, claims in expected.items()}
    figures = follow_up_lists.read_figures(world.account.id, wanted, actor=world.manager)
    assert figures.total.followed_up == Ratio(2, 4)
    assert figures.total.score == Mean(9, 2)
    assert figures.total.dissatisfied == Ratio(1, 2)
    by_branch = {row.key: row.figures.followed_up for row in figures.by_branch}
    assert by_branch == {world.gongyi.id: Ratio(2, 3), world.zhongmu.id: Ratio(0, 1)}
    exits.reopen(called.number, Reopen("暗伤", 9_000_00), actor=world.claims1, now=at)
    assert numbers(FollowUpView.REOPENED) == {called.number}
    assert follow_up_lists.read_figures(world.account.id, wanted, actor=world.manager).reopened == 1


def test_a_loss_outside_cover_is_calculated_to_nought(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    for cover in settlement.list_covers(claim.id):
        db.session.delete(cover)
    db.session.flush()

    inputs = CalculationInputs(fault=CALCULATION.fault, property_fen=100_00)
    made = settlement.calculate(claim.number, inputs, actor=world.claims1, now=journey.now)

    # What nobody insured is calculated to nought, and can then be closed with its reason only.
    assert made.total_fen == 0
