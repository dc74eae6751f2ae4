"""What a claim's clocks know of it, and the CTPL's stricter terms beside the commercial ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from service_desk.models.claims import Claim, ClaimCover
from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerState
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.vocabulary import CoverCode, Severity
from service_desk.services import sla
from service_desk.services.claims import (
    common,
    exits,
    follow_ups,
    handling,
    intake,
    papers,
    reserves,
)
from service_desk.services.claims.papers import ReceiveDocument
from tests.claim_cases import ASSESSMENT, DENIAL, SURVEY, Journey, file_store, reported_claim
from tests.world import World

MINUTE = timedelta(minutes=1)
LIST, DECISION = ClockStep.CTPL_DOCUMENT_LIST, ClockStep.CTPL_DECISION


def clocks_of(claim: Claim) -> dict[ClockStep, Timer]:
    return {timer.step: timer for timer in sla.timers_of(common.MATTER_KIND, [claim.id])[claim.id]}


def bring(world: World, now: datetime, state: ClaimState, **values: object) -> Journey:
    """A claim with CTPL cover, on its way; `values` are what was reported of it."""
    journey = Journey(world, reported_claim(world, now, **values), now)
    journey.to(state)
    return journey


def receive_first_paper(journey: Journey, *, codes: int = 1) -> None:
    lines = papers.list_wanted(journey.claim.id)[:codes]
    command = ReceiveDocument(tuple(line.code for line in lines))
    journey.now += MINUTE
    papers.receive(
        journey.claim.number, command, actor=journey.world.claims1, now=journey.now, files=file_store()
    )


def china(text: str) -> datetime:
    return datetime.strptime(f"{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


class TestWhatAClockKnows:
    @pytest.mark.parametrize(
        ("injured", "severity"),
        [(0, Severity.PROPERTY_ONLY), (1, Severity.INJURY), (3, Severity.MASS_INJURY)],
    )
    def test_every_clock_knows_how_many_were_hurt_and_where(self, world, now, injured, severity) -> None:
        journey = bring(world, now, ClaimState.CLOSED, injured_count=injured, is_urban=True)

        clocks = clocks_of(journey.claim)

        assert {clock.severity for clock in clocks.values()} == {severity}
        assert {clock.is_urban for clock in clocks.values()} == {True}
        assert {ClockStep.SURVEY, ClockStep.ASSESSMENT, ClockStep.PAYMENT, ClockStep.FOLLOWUP} <= set(clocks)

    def test_a_report_passes_all_it_knows(self, world, now) -> None:
        sla.install_defaults(now)
        command = intake.ReportCommand(
            account_id=world.account.id,
            plate="豫A12345",
            loss_at=now,
            place="G310",
            description="追尾",
            reporter_name="郭永刚",
            callback_phone="13937108891",
            injured_count=4,
        )
        number = intake.report(command, photos=(), key="k", actor=world.claims1, now=now, files=file_store())

        claim = db.session.scalars(select(Claim).where(Claim.number == number)).one()
        for clock in clocks_of(claim).values():
            known = (clock.severity, clock.is_urban, clock.amount_fen)
            assert known == (Severity.MASS_INJURY, world.gongyi.is_urban, None)

    def test_no_amount_is_known_before_the_first_estimate(self, world, now) -> None:
        journey = bring(world, now, ClaimState.ASSESSED)

        clocks = clocks_of(journey.claim)

        assert clocks[ClockStep.SURVEY].amount_fen is None
        assert clocks[ClockStep.ASSESSMENT].amount_fen == SURVEY.estimate_fen

    def test_an_estimate_of_nothing_is_an_amount(self, world, now) -> None:
        journey = bring(world, now, ClaimState.DISPATCHED)
        command = replace(SURVEY, estimate_fen=0, arrived_at=journey.now)

        handling.record_survey(
            journey.claim.number, command, actor=world.claims1, now=journey.now, files=file_store()
        )

        assert clocks_of(journey.claim)[ClockStep.ASSESSMENT].amount_fen == 0

    def test_the_large_loss_notice_goes_by_the_estimate_that_called_for_it(self, world, now) -> None:
        claim = reported_claim(world, now)
        command = reserves.SetReserve(12_000_00, "vehicle", "initial estimate")

        reserves.set_reserve(claim.number, command, actor=world.claims1, now=now)

        clock = clocks_of(claim)[ClockStep.LARGE_LOSS_NOTICE]
        assert (clock.amount_fen, clock.severity) == (12_000_00, Severity.INJURY)

    def test_payment_goes_by_what_was_approved_and_not_by_the_reserve(self, world, now) -> None:
        journey = bring(world, now, ClaimState.CALCULATED)
        command = reserves.SetReserve(30_000_00, "vehicle", "further damage is feared")
        reserves.set_reserve(journey.claim.number, command, actor=world.claims1, now=journey.now)

        journey.to(ClaimState.APPROVED)

        clock = clocks_of(journey.claim)[ClockStep.PAYMENT]
        assert clock.amount_fen == journey.claim.approved_fen < 10_000_00
        assert clock.target_unit == "working_days"

    def test_the_promises_of_a_denial_go_by_what_was_claimed(self, world, now) -> None:
        journey = bring(world, now, ClaimState.ASSESSED)

        exits.deny(journey.claim.number, DENIAL, actor=world.claims2, now=journey.now)

        total = sum(item.amount_fen for item in ASSESSMENT.items)
        assert journey.claim.reserve_fen == 0
        assert clocks_of(journey.claim)[ClockStep.DENIAL_NOTICE].amount_fen == total

    def test_an_enquiry_passes_none_of_it(self, world, now) -> None:
        journey = bring(world, now, ClaimState.CLOSED)
        command = follow_ups.FollowUpRecord(journey.now, "郭永刚", 1, "太慢")

        follow_ups.follow_up(journey.claim.number, command, actor=world.claims1, now=journey.now)

        reply = db.session.scalars(select(Timer).where(Timer.step == ClockStep.FIRST_REPLY)).one()
        assert (reply.severity, reply.is_urban, reply.amount_fen) == (None, None, None)


class TestCtplTerms:
    def test_the_list_is_due_the_next_day_beside_the_commercial_notice(self, world) -> None:
        journey = bring(world, china("2026-11-23 09:00"), ClaimState.ASSESSED)

        receive_first_paper(journey)

        clocks = clocks_of(journey.claim)
        assert clocks[LIST].due_at == china("2026-11-25 00:00")
        assert clocks[LIST].holder_id == clocks[ClockStep.DEFICIENCY_NOTICE].holder_id == world.claims1.id

    def test_the_notice_of_what_is_missing_stops_both(self, world, now) -> None:
        journey = bring(world, now, ClaimState.ASSESSED)
        receive_first_paper(journey)

        papers.request_documents(journey.claim.number, "", actor=world.claims1, now=journey.now)

        states = {step: clock.state for step, clock in clocks_of(journey.claim).items()}
        assert states[LIST] == states[ClockStep.DEFICIENCY_NOTICE] == TimerState.MET

    def test_no_list_is_due_when_the_first_papers_are_all(self, world, now) -> None:
        journey = bring(world, now, ClaimState.ASSESSED)

        receive_first_paper(journey, codes=99)

        assert LIST not in clocks_of(journey.claim)

    def test_the_decision_is_due_after_five_days_and_stops_with_the_approval(self, world) -> None:
        # The fifth day after Monday 23 November is a Saturday; the term lasts until the Monday after.
        journey = bring(world, china("2026-11-23 09:00"), ClaimState.DOCUMENTS_COMPLETE)
        running = clocks_of(journey.claim)[DECISION]
        assert running.due_at == china("2026-12-01 00:00")

        journey.to(ClaimState.APPROVED)

        stopped = clocks_of(journey.claim)
        assert stopped[DECISION].state == stopped[ClockStep.LIABILITY_DECISION].state == TimerState.MET
        assert stopped[DECISION].stopped_at == stopped[ClockStep.LIABILITY_DECISION].stopped_at

    def test_a_denial_decides_too(self, world, now) -> None:
        journey = bring(world, now, ClaimState.DOCUMENTS_COMPLETE)

        exits.deny(journey.claim.number, DENIAL, actor=world.claims2, now=journey.now)

        assert clocks_of(journey.claim)[DECISION].state is TimerState.MET

    @pytest.mark.parametrize(("other_party", "injured"), [("豫VD2035", 0), ("", 1)])
    def test_runs_for_another_party_or_for_the_injured(self, world, now, other_party, injured) -> None:
        journey = bring(world, now, ClaimState.SURVEYED, other_party=other_party, injured_count=injured)
        for line in papers.list_wanted(journey.claim.id):
            # So that only the report speaks of others.
            db.session.delete(line)
        db.session.flush()

        assert common.answers_under_ctpl(journey.claim)

    def test_does_not_run_where_only_the_insured_vehicle_was_in_it(self, world, now) -> None:
        journey = bring(world, now, ClaimState.DISPATCHED, other_party="", injured_count=0)
        features = frozenset({ClaimFeature.SINGLE_VEHICLE, ClaimFeature.OWN_DAMAGE})
        command = replace(SURVEY, features=features, arrived_at=journey.now)
        handling.record_survey(
            journey.claim.number, command, actor=world.claims1, now=journey.now, files=file_store()
        )
        journey.done.append("surveyed")
        receive_first_paper(journey)
        journey.to(ClaimState.DOCUMENTS_COMPLETE)

        clocks = clocks_of(journey.claim)

        assert {ClockStep.DEFICIENCY_NOTICE, ClockStep.LIABILITY_DECISION} <= set(clocks)
        assert not {LIST, DECISION} & set(clocks)

    def test_runs_when_the_survey_finds_what_the_report_did_not_say(self, world, now) -> None:
        journey = bring(world, now, ClaimState.DOCUMENTS_COMPLETE, other_party="", injured_count=0)
        assert DECISION in clocks_of(journey.claim)

    def test_does_not_run_without_a_ctpl_cover(self, world, now) -> None:
        claim = reported_claim(world, now)
        db.session.execute(delete(ClaimCover).where(ClaimCover.code == CoverCode.CTPL))
        journey = Journey(world, claim, now)
        journey.to(ClaimState.DOCUMENTS_COMPLETE)

        clocks = clocks_of(claim)

        assert ClockStep.LIABILITY_DECISION in clocks
        assert DECISION not in clocks

    def test_a_reopened_claim_has_its_terms_again(self, world, now) -> None:
        journey = bring(world, now, ClaimState.CLOSED)
        exits.reopen(
            journey.claim.number, exits.Reopen("伤情加重", 20_000_00), actor=world.claims1, now=journey.now
        )
        again = Journey(world, journey.claim, journey.now, done=["dispatched", "surveyed"])

        again.to(ClaimState.DOCUMENTS_COMPLETE)

        timers = sla.timers_of(common.MATTER_KIND, [journey.claim.id])[journey.claim.id]
        decisions = [timer for timer in timers if timer.step is DECISION]
        assert [(timer.cycle, timer.state) for timer in decisions] == [
            (1, TimerState.MET),
            (2, TimerState.RUNNING),
        ]
