"""From dispatch to complete documents: who, when, what, how much, and what is missing."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim, ClaimEvent, ReserveEntry, WantedState
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.models.sla import Timer, TimerState
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.services.claims import handling, papers, reserves
from service_desk.services.claims.papers import JudgeDocument, ReceiveDocument
from tests.claim_cases import ASSESSMENT, SURVEY, Journey, file_store, picture, reported_claim
from tests.world import World


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


@pytest.fixture
def journey(world: World, claim: Claim, now: datetime) -> Journey:
    return Journey(world, claim, now)


def arrival(at: datetime) -> handling.ArrivalRecord:
    """An arrival whose time is typed in."""
    return handling.ArrivalRecord(at, "手机没电，事后补录")


def timer(claim: Claim, step: ClockStep) -> Timer | None:
    statement = select(Timer).where(
        Timer.matter_kind == "claim", Timer.matter_id == claim.id, Timer.step == step
    )
    return db.session.scalar(statement.order_by(Timer.cycle.desc()))


def events(claim: Claim) -> list[str]:
    statement = select(ClaimEvent.kind).where(ClaimEvent.claim_id == claim.id).order_by(ClaimEvent.id)
    return list(db.session.scalars(statement))


def notices_of(kind: str) -> list[Notice]:
    return list(db.session.scalars(select(Notice).where(Notice.kind == kind).order_by(Notice.id)))


def test_dispatch_names_the_surveyor_moves_the_clocks_and_tells_both_sides(
    world: World, claim: Claim, now: datetime
) -> None:
    handling.dispatch(claim.number, handling.Dispatch(world.claims2.id), actor=world.claims1, now=now)
    db.session.commit()

    assert (claim.state, claim.owner_id) == (ClaimState.DISPATCHED, world.claims2.id)
    dispatch, survey, contact = (
        timer(claim, s) for s in (ClockStep.DISPATCH, ClockStep.SURVEY, ClockStep.CONTACT)
    )
    assert dispatch
    assert survey
    assert contact
    # The clock that ended stays with who held it; those that go on belong to the surveyor.
    assert (dispatch.state, dispatch.holder_id) == (TimerState.BREACHED, world.claims1.id)
    assert (survey.state, survey.holder_id) == (TimerState.RUNNING, world.claims2.id)
    assert (contact.state, contact.holder_id) == (TimerState.RUNNING, world.claims2.id)
    told = {(notice.user_id, notice.params["to_handler"]) for notice in notices_of("claim_assigned")}
    assert told == {(world.claims2.id, True), (world.safety_gongyi.id, False)}
    assert events(claim) == ["reported", "dispatch"]
    assert db.session.scalar(select(AuditEntry).where(AuditEntry.action == "claim_dispatched")) is not None


def test_nobody_is_dispatched_who_does_not_handle_claims(world: World, claim: Claim, now: datetime) -> None:
    for user in (world.underwriter, world.hq, world.foreign_hq):
        with pytest.raises(Invalid, match="not_a_handler"):
            handling.dispatch(claim.number, handling.Dispatch(user.id), actor=world.claims1, now=now)


def test_a_step_that_the_state_has_not_is_a_conflict_and_a_stale_page_too(
    world: World, claim: Claim, journey: Journey, now: datetime
) -> None:
    seen = claim.version
    journey.to(ClaimState.DISPATCHED)

    with pytest.raises(Conflict, match="stale"):
        handling.record_arrival(claim.number, arrival(now), actor=world.claims1, now=now, version=seen)
    with pytest.raises(Conflict, match="claim_moved_on"):
        handling.dispatch(claim.number, handling.Dispatch(world.claims1.id), actor=world.claims1, now=now)


def test_who_may_not_see_finds_nothing_and_who_may_not_do_is_refused(
    world: World, claim: Claim, now: datetime
) -> None:
    command = handling.Dispatch(world.claims1.id)

    with pytest.raises(NotFound):
        handling.dispatch(claim.number, command, actor=world.foreign_hq, now=now)
    for actor in (world.safety_gongyi, world.hq, world.underwriter):
        with pytest.raises(Forbidden):
            handling.dispatch(claim.number, command, actor=actor, now=now)


def test_an_arrival_stops_the_survey_clock_at_the_time_it_took_place(
    world: World, claim: Claim, journey: Journey, now: datetime
) -> None:
    journey.to(ClaimState.DISPATCHED)
    later = now + timedelta(minutes=30)

    handling.record_arrival(
        claim.number, arrival(now + timedelta(minutes=10)), actor=world.claims1, now=later
    )

    stopped = timer(claim, ClockStep.SURVEY)
    assert stopped
    assert stopped.stopped_at == now + timedelta(minutes=10)
    assert stopped.state is TimerState.MET
    with pytest.raises(Conflict, match="arrival_recorded"):
        handling.record_arrival(claim.number, arrival(later), actor=world.claims1, now=later)


@pytest.mark.parametrize(
    ("minutes", "code"), [(5, "time_in_future"), (-21, "before_report"), (-20, None), (0, None)]
)
def test_an_arrival_is_after_the_report_and_not_in_the_future(
    world: World, claim: Claim, journey: Journey, now: datetime, minutes: int, code: str | None
) -> None:
    journey.to(ClaimState.DISPATCHED)
    at, entered = now + timedelta(minutes=minutes), now + timedelta(minutes=4)

    if code is None:
        handling.record_arrival(claim.number, arrival(at), actor=world.claims1, now=entered)
        assert claim.arrived_at == at
    else:
        with pytest.raises(Invalid, match=code):
            handling.record_arrival(claim.number, arrival(at), actor=world.claims1, now=entered)


def test_a_contact_is_recorded_once(world: World, claim: Claim, journey: Journey, now: datetime) -> None:
    journey.to(ClaimState.DISPATCHED)
    spoken = handling.Contact(journey.now, "郭永刚")
    handling.record_contact(claim.number, spoken, actor=world.claims1, now=journey.now)

    stopped = timer(claim, ClockStep.CONTACT)
    assert stopped
    assert stopped.state is TimerState.MET
    with pytest.raises(Conflict, match="contact_recorded"):
        handling.record_contact(claim.number, spoken, actor=world.claims1, now=journey.now)


def test_a_survey_keeps_photos_sets_the_reserve_and_makes_the_checklist(
    world: World, claim: Claim, journey: Journey, now: datetime
) -> None:
    journey.to(ClaimState.DISPATCHED)
    at = now + timedelta(minutes=8)
    command = replace(SURVEY, arrived_at=at, photos=(picture(), picture("车损.jpg")))

    handling.record_survey(claim.number, command, actor=world.claims1, now=at, files=file_store())
    db.session.commit()

    assert (claim.state, claim.reserve_fen, claim.is_first_scene) == (ClaimState.SURVEYED, 8_000_00, True)
    assert {line.code for line in papers.list_wanted(claim.id)} >= {
        "claim_form",
        "diagnosis",
        "third_party_licence",
    }
    started = timer(claim, ClockStep.ASSESSMENT)
    assert started
    assert started.state is TimerState.RUNNING
    survey_event = db.session.scalar(select(ClaimEvent).where(ClaimEvent.kind == "survey"))
    assert survey_event
    assert survey_event.params["photos"] == 2
    assert claim.large_loss_noticed_at is None


def test_a_survey_that_missed_the_first_scene_says_why(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.DISPATCHED)
    command = replace(SURVEY, arrived_at=journey.now, is_first_scene=False)

    with pytest.raises(Invalid, match="reason_missing") as refusal:
        handling.record_survey(
            claim.number, command, actor=world.claims1, now=journey.now, files=file_store()
        )
    assert refusal.value.field == "not_first_scene_reason"


@pytest.mark.parametrize(("estimate_fen", "told"), [(9_999_99, 0), (10_000_00, 2)])
def test_the_first_estimate_of_ten_thousand_is_told_the_same_day(
    world: World, claim: Claim, journey: Journey, estimate_fen: int, told: int
) -> None:
    world.insurance_department.gets_large_losses = True
    journey.to(ClaimState.DISPATCHED)
    command = replace(SURVEY, arrived_at=journey.now, estimate_fen=estimate_fen)

    handling.record_survey(claim.number, command, actor=world.claims1, now=journey.now, files=file_store())
    db.session.commit()

    by_mail = [notice.address for notice in notices_of("large_loss") if notice.address]
    assert len(by_mail) == told
    clock = timer(claim, ClockStep.LARGE_LOSS_NOTICE)
    assert (clock.state if clock else None) == (TimerState.MET if told else None)
    assert (claim.large_loss_noticed_at is not None) == bool(told)


def test_a_later_estimate_that_crosses_the_line_is_told_and_only_once(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.SURVEYED)
    for amount in (26_800_00, 9_000_00, 31_000_00):
        command = reserves.SetReserve(amount, "injury", "伤者转院")
        reserves.set_reserve(claim.number, command, actor=world.claims1, now=journey.now)
    db.session.commit()

    assert len({notice.dedupe_key for notice in notices_of("large_loss")}) == len(notices_of("large_loss"))
    assert {notice.user_id for notice in notices_of("large_loss")} >= {world.hq.id}
    assert events(claim).count("large_loss_notice") == 1
    history = [
        (entry.before_fen, entry.after_fen)
        for entry in db.session.scalars(select(ReserveEntry).order_by(ReserveEntry.id))
    ]
    assert history == [(0, 8_000_00), (8_000_00, 26_800_00), (26_800_00, 9_000_00), (9_000_00, 31_000_00)]
    assert claim.highest_estimate_fen == 31_000_00


def test_with_nobody_to_tell_the_large_loss_clock_goes_on(
    world: World, claim: Claim, journey: Journey
) -> None:
    world.hq.is_active = False
    world.insurance_department.gets_large_losses = False
    journey.to(ClaimState.SURVEYED)

    command = reserves.SetReserve(26_800_00, "injury", "伤者转院")
    reserves.set_reserve(claim.number, command, actor=world.claims1, now=journey.now)

    running = timer(claim, ClockStep.LARGE_LOSS_NOTICE)
    assert running
    assert running.state is TimerState.RUNNING
    assert claim.large_loss_noticed_at is None


@pytest.mark.parametrize(
    ("amount_fen", "reason", "code"),
    [
        (8_000_00, "同前", "reserve_unchanged"),
        (9_000_00, "  ", "reason_missing"),
        (-1, "错", "reserve_below_paid"),
    ],
)
def test_a_reserve_changes_only_to_another_amount_and_with_a_reason(
    world: World, claim: Claim, journey: Journey, amount_fen: int, reason: str, code: str
) -> None:
    journey.to(ClaimState.SURVEYED)
    command = reserves.SetReserve(amount_fen, "vehicle", reason)

    with pytest.raises(Invalid, match=code):
        reserves.set_reserve(claim.number, command, actor=world.claims1, now=journey.now)


def test_an_assessment_adds_its_items_up_and_becomes_the_reserve(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.ASSESSED)

    assert claim.reserve_fen == 7_500_00
    stopped = timer(claim, ClockStep.ASSESSMENT)
    assert stopped
    assert stopped.state is TimerState.MET


def test_an_assessment_without_items_or_with_a_half_empty_one_is_refused(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.SURVEYED)
    nothing = replace(ASSESSMENT, items=())
    nought = replace(ASSESSMENT, items=(replace(ASSESSMENT.items[0], amount_fen=0),))
    unnamed = replace(ASSESSMENT, items=(*ASSESSMENT.items, replace(ASSESSMENT.items[0], label=" ")))

    for command, code in (
        (nothing, "assessment_empty"),
        (nought, "amount_not_positive"),
        (unnamed, "assessment_item_unnamed"),
    ):
        with pytest.raises(Invalid, match=code):
            handling.record_assessment(
                claim.number, command, actor=world.claims1, now=journey.now, files=file_store()
            )


def test_the_one_notice_lists_everything_missing_and_a_second_needs_a_reason(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.SURVEYED)
    papers.receive(
        claim.number,
        ReceiveDocument(("claim_form",)),
        actor=world.claims1,
        now=journey.now,
        files=file_store(),
    )
    running = timer(claim, ClockStep.DEFICIENCY_NOTICE)
    assert running
    assert running.state is TimerState.RUNNING

    papers.request_documents(claim.number, "", actor=world.claims1, now=journey.now)
    db.session.commit()

    missing = [line.code for line in papers.list_wanted(claim.id) if line.state is WantedState.REQUIRED]
    assert [notice.params["codes"] for notice in notices_of("documents_wanted")] == [missing, missing]
    assert "claim_form" not in missing
    db.session.refresh(running)
    assert running.state is TimerState.MET
    with pytest.raises(Invalid, match="second_notice"):
        papers.request_documents(claim.number, " ", actor=world.claims1, now=journey.now)
    papers.request_documents(claim.number, "伤者伤情加重", actor=world.claims1, now=journey.now)
    db.session.commit()
    assert len(notices_of("documents_wanted")) == 4


def test_a_step_takes_no_more_files_than_one_request_may_bring(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.ASSESSED)
    many = ReceiveDocument((), tuple(picture() for _ in range(21)))

    with pytest.raises(Invalid, match="too_many_files"):
        papers.receive(claim.number, many, actor=world.safety_gongyi, now=journey.now, files=file_store())


def test_the_client_sends_papers_and_staff_reject_or_waive_them(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.ASSESSED)
    number, at = claim.number, journey.now

    with pytest.raises(Invalid, match="paper_missing"):
        papers.receive(
            number, ReceiveDocument(("diagnosis",)), actor=world.safety_gongyi, now=at, files=file_store()
        )
    sent = ReceiveDocument(("diagnosis",), (picture("诊断.jpg"),))
    papers.receive(number, sent, actor=world.safety_gongyi, now=at, files=file_store())
    papers.reject(number, JudgeDocument("diagnosis", "拍摄不清"), actor=world.claims1, now=at)
    papers.waive(number, JudgeDocument("lost_income_proof", "无误工"), actor=world.claims1, now=at)

    lines = {line.code: line for line in papers.list_wanted(claim.id)}
    assert lines["diagnosis"].state is WantedState.REJECTED
    assert len(lines["diagnosis"].document_ids) == 1
    assert (lines["lost_income_proof"].state, lines["lost_income_proof"].reason) == (
        WantedState.WAIVED,
        "无误工",
    )
    with pytest.raises(Forbidden):
        papers.waive(number, JudgeDocument("keys", "x"), actor=world.safety_gongyi, now=at)
    with pytest.raises(Invalid, match="document_not_received"):
        papers.reject(number, JudgeDocument("claim_form", "x"), actor=world.claims1, now=at)
    with pytest.raises(Invalid, match="document_not_missing"):
        papers.waive(number, JudgeDocument("lost_income_proof", "x"), actor=world.claims1, now=at)
    with pytest.raises(NotFound):
        papers.waive(number, JudgeDocument("no_such_paper", "x"), actor=world.claims1, now=at)


def test_documents_are_complete_only_when_no_line_is_open(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.ASSESSED)

    with pytest.raises(Invalid, match="documents_missing"):
        papers.complete(claim.number, actor=world.claims1, now=journey.now)
    journey.to(ClaimState.DOCUMENTS_COMPLETE)

    running = [timer(claim, step) for step in (ClockStep.CALCULATION, ClockStep.LIABILITY_DECISION)]
    assert [clock.state for clock in running if clock] == [TimerState.RUNNING, TimerState.RUNNING]


def test_assigning_moves_claim_and_clocks_and_needs_a_reason(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.SURVEYED)
    at = journey.now + timedelta(minutes=5)

    with pytest.raises(Invalid, match="reason_missing"):
        handling.assign(claim.number, handling.Assign(world.claims2.id, ""), actor=world.manager, now=at)
    with pytest.raises(Invalid, match="already_theirs"):
        handling.assign(claim.number, handling.Assign(world.claims1.id, "x"), actor=world.manager, now=at)
    handling.assign(claim.number, handling.Assign(world.claims2.id, "休假"), actor=world.manager, now=at)

    running = timer(claim, ClockStep.ASSESSMENT)
    assert running
    assert (claim.owner_id, running.holder_id) == (world.claims2.id, world.claims2.id)


def test_a_refused_step_leaves_no_trace(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.DISPATCHED)
    before = db.session.scalar(select(func.count(ClaimEvent.id)))
    bad = replace(SURVEY, arrived_at=journey.now, estimate_fen=-5)

    with pytest.raises(Invalid):
        handling.record_survey(claim.number, bad, actor=world.claims1, now=journey.now, files=file_store())

    assert not db.session.dirty
    assert not db.session.new
    assert db.session.scalar(select(func.count(ClaimEvent.id))) == before
