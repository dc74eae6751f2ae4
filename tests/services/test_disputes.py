"""A dispute from the day it is raised to the decision and what follows, and everything that may not be done to it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.demo.disputes import build_disputes
from service_desk.demo.group import Group
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.disputes import Dispute, DisputeWord
from service_desk.models.notices import Notice
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.disputes import Consequence, DisputeOutcome, DisputeSide, DisputeTopic
from service_desk.rules.permissions import Role
from service_desk.services import documents
from service_desk.services.claims import disputes, exits, settlement
from service_desk.services.claims.disputes import Decision, DisputeFilter, RaiseDispute, Say
from service_desk.services.claims.disputes.reading import money_of
from tests.claim_cases import (
    CALCULATION,
    DENIAL,
    PAYMENT,
    Journey,
    close_all,
    file_store,
    picture,
    reported_claim,
)
from tests.factories import UserFactory
from tests.world import World

AMOUNT = RaiseDispute(DisputeTopic.AMOUNT, "修理发票为 9,000 元，只核了 6,300 元", claimed_fen=9_000_00)


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


@pytest.fixture
def journey(world: World, claim: Claim, now: datetime) -> Journey:
    return Journey(world, claim, now)


@pytest.fixture
def second_manager(world: World) -> User:
    user: User = UserFactory(username="manager2", name="钱卫东", role=Role.MANAGER, accounts=[world.account])
    db.session.commit()
    return user


def object_to(claim: Claim, actor: User, at: datetime, command: RaiseDispute = AMOUNT) -> Dispute:
    made = disputes.raise_dispute(claim.number, command, files=file_store(), actor=actor, now=at)
    db.session.commit()
    return made


def clocks(claim: Claim, step: ClockStep = ClockStep.DISPUTE) -> list[Timer]:
    statement = select(Timer).where(Timer.matter_id == claim.id, Timer.step == step)
    return list(db.session.scalars(statement.order_by(Timer.cycle)))


def told(kind: str) -> set[str]:
    found = db.session.scalars(select(Notice.recipient_name).where(Notice.kind == kind).order_by(Notice.id))
    return set(found)


def refused(problem: pytest.ExceptionInfo[InvalidMany]) -> set[tuple[str, str | None]]:
    return {(one.code, one.field) for one in problem.value.problems}


def test_a_dispute_about_an_approved_amount_from_the_client_to_the_new_calculation(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.APPROVED)
    at = journey.now + timedelta(hours=1)
    command = RaiseDispute(
        DisputeTopic.AMOUNT, "发票 9,000 元", 9_000_00, files=(picture("发票.jpg"),), files_show="修理发票"
    )
    made = object_to(claim, world.safety_gongyi, at, command)

    assert (claim.is_disputed, made.number) == (True, "DSP-2026-000001")
    assert (made.offered_fen, made.claimed_fen) == (6_300_00, 9_000_00)
    assert [(clock.state, clock.started_at) for clock in clocks(claim)] == [(TimerState.RUNNING, at)]
    assert told("dispute_raised") == {world.claims1.name}

    # The undisputed part is paid meanwhile, but the claim is not closed over the dispute.
    part = settlement.Pay(6_300_00, PAYMENT.payee, PAYMENT.account_number)
    settlement.pay(claim.number, part, actor=world.claims2, now=at)
    money = money_of(claim, made)
    assert (money.undisputed_fen, money.paid_fen, money.due_fen) == (6_300_00, 6_300_00, 0)
    with pytest.raises(Invalid, match="dispute_open"):
        close_all(claim, world.claims1, at)

    ours = Say("配件按市场价核定", files=(picture("询价单.jpg"),), files_show="询价单")
    disputes.say(claim.number, ours, files=file_store(), actor=world.claims1, now=at)
    disputes.say(
        claim.number, Say("客户可能投诉", is_internal=True), files=file_store(), actor=world.claims1, now=at
    )
    assert told("dispute_word") == {world.safety_gongyi.name}
    disputes.name_decider(claim.number, world.manager.id, actor=world.claims1, now=at)
    assert told("dispute_to_decide") == {world.manager.name}

    decision = Decision(DisputeOutcome.PARTLY, "配件差价部分支持", Consequence.NEW_CALCULATION, 7_000_00)
    disputes.decide(claim.number, decision, actor=world.manager, now=at + timedelta(hours=3))
    db.session.commit()

    assert (claim.is_disputed, claim.state) == (False, ClaimState.DOCUMENTS_COMPLETE)
    assert [clock.state for clock in clocks(claim)] == [TimerState.MET]
    assert told("dispute_decided") == {world.safety_gongyi.name, world.claims1.name}
    assert disputes.read_disputes(claim, reader=world.claims1)[0].is_awaited
    settlement.calculate(claim.number, CALCULATION, actor=world.claims1, now=at + timedelta(hours=4))
    file = disputes.read_disputes(claim, reader=world.claims1)[0]
    assert file.followed_by is not None
    assert file.followed_by.params["version"] == 2
    assert not file.is_awaited
    audited = set(db.session.scalars(select(AuditEntry.action)))
    assert audited >= {
        "claim_disputed", "dispute_word_added", "dispute_decider_named", "dispute_decided", "claim_dispute_settled",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("days", "ended"), [(1, TimerState.CANCELLED), (20, TimerState.BREACHED)], ids=["in time", "broken"]
)
def test_the_promise_to_pay_ends_with_what_was_approved_and_begins_again(
    world: World, claim: Claim, journey: Journey, days: int, ended: TimerState
) -> None:
    journey.to(ClaimState.APPROVED)
    object_to(claim, world.safety_gongyi, journey.now)
    disputes.name_decider(claim.number, world.manager.id, actor=world.claims1, now=journey.now)
    at = journey.now + timedelta(days=days)
    decision = Decision(DisputeOutcome.PARTLY, "配件差价部分支持", Consequence.NEW_CALCULATION, 7_000_00)

    disputes.decide(claim.number, decision, actor=world.manager, now=at)
    db.session.commit()
    assert [(clock.state, clock.stopped_at) for clock in clocks(claim, ClockStep.PAYMENT)] == [(ended, at)]

    later = at + timedelta(hours=1)
    settlement.calculate(claim.number, CALCULATION, actor=world.claims1, now=later)
    latest = settlement.latest_calculation(claim.id)
    settlement.approve(claim.number, settlement.Approve(latest.id), actor=world.claims2, now=later)
    first, second = clocks(claim, ClockStep.PAYMENT)
    assert first.state is ended
    assert (second.state, second.cycle, second.started_at) == (TimerState.RUNNING, 2, later)


def test_each_side_sees_the_others_words_and_papers_and_internal_notes_stay_inside(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.APPROVED)
    object_to(claim, world.safety_gongyi, journey.now)
    say = {"files": file_store(), "actor": world.claims1, "now": journey.now}
    disputes.say(claim.number, Say("按条款核定", files=(picture(),), files_show="条款"), **say)
    disputes.say(claim.number, Say("先内部讨论", is_internal=True), **say)

    of_client = disputes.read_disputes(claim, reader=world.safety_gongyi)[0]
    of_desk = disputes.read_disputes(claim, reader=world.claims2)[0]

    assert [one.words for one in of_client.words] == [AMOUNT.statement, "按条款核定"]
    assert [one.words for one in of_desk.words] == [AMOUNT.statement, "按条款核定", "先内部讨论"]
    ((evidence, document),) = of_client.evidence
    assert (evidence.side, evidence.words) == (DisputeSide.DESK, "条款")
    assert documents.get_document(document.id, actor=world.safety_gongyi).id == document.id
    with pytest.raises(NotFound):
        documents.get_document(document.id, actor=world.foreign_hq)
    with pytest.raises(Forbidden):
        disputes.say(
            claim.number,
            Say("x", is_internal=True),
            files=file_store(),
            actor=world.safety_gongyi,
            now=journey.now,
        )
    with pytest.raises(Invalid, match="internal_note_without_files"):
        disputes.say(claim.number, Say("x", is_internal=True, files=(picture(),)), **say)
    with pytest.raises(Invalid, match="nothing_said"):
        disputes.say(claim.number, Say("  "), **say)


def test_only_the_manager_named_decides_and_never_who_made_what_is_disputed(
    world: World, claim: Claim, journey: Journey, second_manager: User
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    settlement.calculate(claim.number, CALCULATION, actor=world.manager, now=journey.now)
    latest = settlement.latest_calculation(claim.id)
    assert latest is not None
    settlement.approve(claim.number, settlement.Approve(latest.id), actor=world.claims2, now=journey.now)
    made = object_to(claim, world.hq, journey.now)
    when: dict[str, Any] = {"now": journey.now}
    decision = Decision(DisputeOutcome.NOT_RIGHT, "按条款", Consequence.NOTHING)

    with pytest.raises(Conflict, match="decider_missing"):
        disputes.decide(claim.number, decision, actor=second_manager, **when)
    assert disputes.possible_deciders(claim, made) == [second_manager]
    for unfit in (world.manager, world.claims2, world.foreign_hq):
        with pytest.raises(Invalid, match="not_a_decider"):
            disputes.name_decider(claim.number, unfit.id, actor=world.claims1, **when)
    disputes.name_decider(claim.number, second_manager.id, actor=world.claims1, **when)
    for nobody in (world.manager, world.claims1, world.hq, world.safety_gongyi):
        with pytest.raises(Forbidden):
            disputes.decide(claim.number, decision, actor=nobody, **when)
    with pytest.raises(Forbidden):
        disputes.name_decider(claim.number, second_manager.id, actor=world.hq, **when)
    disputes.decide(claim.number, decision, actor=second_manager, **when)
    assert not claim.is_disputed


@pytest.mark.parametrize(
    ("decision", "problem"),
    [
        (Decision(DisputeOutcome.PARTLY, " ", Consequence.NOTHING), ("reason_missing", "reasons")),
        (Decision(DisputeOutcome.PARTLY, "x", Consequence.NEW_CALCULATION), ("required", "awarded")),
        (Decision(DisputeOutcome.PARTLY, "x", Consequence.REOPENING, 7_000_00), ("consequence_does_not_fit", "consequence")),
        (Decision(DisputeOutcome.PARTLY, "x", Consequence.NEW_CALCULATION, 6_000_00), ("award_below_offer", "awarded")),
        (Decision(DisputeOutcome.PARTLY, "x", Consequence.NEW_CALCULATION, 9_500_00), ("award_above_claim", "awarded")),
        (Decision(DisputeOutcome.PARTLY, "x", Consequence.NOTHING, 7_000_00), ("award_needs_consequence", "consequence")),
        (Decision(DisputeOutcome.WITHDRAWN, "x", Consequence.NOTHING), ("required", "outcome")),
    ],
)  # fmt: skip
def test_a_decision_must_fit_together(
    world: World, claim: Claim, journey: Journey, decision: Decision, problem: tuple[str, str]
) -> None:
    journey.to(ClaimState.APPROVED)
    object_to(claim, world.safety_gongyi, journey.now)
    disputes.name_decider(claim.number, world.manager.id, actor=world.claims1, now=journey.now)

    with pytest.raises(InvalidMany) as caught:
        disputes.decide(claim.number, decision, actor=world.manager, now=journey.now)

    assert problem in refused(caught)
    assert claim.is_disputed


def test_what_a_dispute_needs_when_it_is_raised(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.APPROVED)

    with pytest.raises(InvalidMany) as caught:
        object_to(claim, world.claims1, journey.now, RaiseDispute(DisputeTopic.AMOUNT, " "))
    assert refused(caught) == {("required", "statement"), ("required", "raised_for"), ("required", "claimed")}
    with pytest.raises(InvalidMany) as caught:
        object_to(claim, world.hq, journey.now, RaiseDispute(DisputeTopic.AMOUNT, "少了", 2_700_00))
    assert refused(caught) == {("claim_not_above_offer", "claimed")}

    for_them = RaiseDispute(DisputeTopic.LOSS_OF_USE, "停运 5 天", 9_000_00, raised_for="郭永刚")
    made = object_to(claim, world.claims1, journey.now, for_them)
    word = db.session.scalars(select(DisputeWord)).one()
    assert (made.raised_for, word.side, word.by_id) == ("郭永刚", DisputeSide.CLIENT, world.claims1.id)
    assert told("dispute_raised") == {world.safety_gongyi.name}
    with pytest.raises(Conflict, match="dispute_open_already"):
        object_to(claim, world.hq, journey.now)


def test_strangers_other_branches_and_other_accounts_find_nothing(
    world: World, claim: Claim, journey: Journey, now: datetime
) -> None:
    journey.to(ClaimState.APPROVED)
    other_branch = reported_claim(world, now, vehicle=world.bus)

    for number, actor in ((claim.number, world.foreign_hq), (other_branch.number, world.safety_gongyi)):
        with pytest.raises(NotFound):
            disputes.raise_dispute(number, AMOUNT, files=file_store(), actor=actor, now=journey.now)
    object_to(claim, world.safety_gongyi, journey.now)
    with pytest.raises(NotFound):
        disputes.take_back(claim.number, "x", actor=world.foreign_hq, now=journey.now)
    with pytest.raises(Forbidden):
        disputes.say(claim.number, Say("x"), files=file_store(), actor=world.underwriter, now=journey.now)


def test_who_approved_it_decides_only_where_there_is_no_other_manager(
    world: World, claim: Claim, journey: Journey, second_manager: User
) -> None:
    journey.to(ClaimState.CALCULATED)
    latest = settlement.latest_calculation(claim.id)
    assert latest is not None
    settlement.approve(claim.number, settlement.Approve(latest.id), actor=world.manager, now=journey.now)

    made = object_to(claim, world.hq, journey.now)

    assert disputes.possible_deciders(claim, made) == [second_manager]
    second_manager.is_active = False
    db.session.flush()
    assert disputes.possible_deciders(claim, made) == [world.manager]


def test_a_denied_claim_is_disputed_within_the_limitation_and_reopened_by_the_decision(
    world: World, claim: Claim, journey: Journey, second_manager: User
) -> None:
    journey.to(ClaimState.SURVEYED)
    exits.deny(claim.number, DENIAL, actor=world.manager, now=journey.now)
    db.session.commit()
    cover = RaiseDispute(DisputeTopic.COVER, "驾驶证当天已换发")
    with pytest.raises(Invalid, match="dispute_too_late"):
        object_to(claim, world.hq, journey.now + timedelta(days=735), cover)
    at = journey.now + timedelta(days=700)
    made = object_to(claim, world.hq, at, cover)
    assert disputes.possible_deciders(claim, made) == [second_manager]
    with pytest.raises(Conflict, match="dispute_open"):
        exits.reopen(claim.number, exits.Reopen("复议", 8_000_00), actor=world.claims1, now=at)

    disputes.name_decider(claim.number, second_manager.id, actor=world.claims1, now=at)
    decision = Decision(DisputeOutcome.CLIENT_RIGHT, "证件有效", Consequence.REOPENING)
    disputes.decide(claim.number, decision, actor=second_manager, now=at)
    exits.reopen(claim.number, exits.Reopen("争议裁定", 8_000_00), actor=world.claims1, now=at)

    file = disputes.read_disputes(claim, reader=world.hq)[0]
    assert (claim.state, claim.round) == (ClaimState.SURVEYED, 2)
    assert file.followed_by is not None
    assert file.followed_by.params["round"] == 2


def test_a_dispute_taken_back_makes_room_for_another_with_a_clock_of_its_own(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.APPROVED)
    object_to(claim, world.safety_gongyi, journey.now)
    for end in (
        lambda: exits.withdraw(claim.number, "x", actor=world.claims1, now=journey.now),
        lambda: exits.deny(claim.number, DENIAL, actor=world.manager, now=journey.now),
    ):
        with pytest.raises(Conflict):
            end()
    with pytest.raises(Invalid, match="reason_missing"):
        disputes.take_back(claim.number, " ", actor=world.safety_gongyi, now=journey.now)
    disputes.take_back(
        claim.number, "已解释清楚", actor=world.safety_gongyi, now=journey.now + timedelta(hours=1)
    )
    db.session.commit()
    with pytest.raises(Conflict, match="dispute_not_open"):
        disputes.take_back(claim.number, "x", actor=world.safety_gongyi, now=journey.now)
    later = journey.now + timedelta(days=1)
    object_to(claim, world.hq, later, RaiseDispute(DisputeTopic.TIME_TAKEN, "太慢"))

    files = disputes.read_disputes(claim, reader=world.hq)
    assert [file.dispute.outcome for file in files] == [None, DisputeOutcome.WITHDRAWN]
    assert [file.timer and file.timer.cycle for file in files] == [2, 1]


def test_a_stale_page_is_refused(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.APPROVED)
    made = object_to(claim, world.safety_gongyi, journey.now)
    shown = made.version
    disputes.name_decider(claim.number, world.manager.id, actor=world.claims1, now=journey.now, version=shown)
    db.session.commit()

    with pytest.raises(Conflict, match="stale"):
        disputes.take_back(claim.number, "x", actor=world.hq, now=journey.now, version=shown)


def test_the_list_holds_open_disputes_with_age_and_clock_the_oldest_first(
    world: World, claim: Claim, journey: Journey, now: datetime
) -> None:
    journey.to(ClaimState.APPROVED)
    object_to(claim, world.safety_gongyi, journey.now)
    other = reported_claim(world, now, vehicle=world.bus)
    object_to(other, world.hq, journey.now + timedelta(days=1), RaiseDispute(DisputeTopic.FAULT, "不同意"))
    disputes.name_decider(other.number, world.manager.id, actor=world.claims1, now=journey.now)
    later = journey.now + timedelta(days=3)

    def numbers(actor: User, wanted: DisputeFilter) -> list[tuple[str, int]]:
        page = disputes.list_disputes(world.account.id, wanted, PageRequest(), actor=actor, now=later)
        assert all(row.timer is not None for row in page.rows)
        return [(row.claim.number, row.seconds // 86_400) for row in page.rows]

    assert numbers(world.manager, DisputeFilter()) == [(claim.number, 3), (other.number, 2)]
    assert numbers(world.manager, DisputeFilter(decider_id=world.manager.id)) == [(other.number, 2)]
    assert numbers(world.manager, DisputeFilter(is_open=False)) == []
    assert disputes.count_open(world.account.id, actor=world.manager) == 2
    with pytest.raises(Forbidden):
        numbers(world.hq, DisputeFilter())


def test_the_demo_has_its_disputes_decided_by_who_did_not_approve(
    world: World, second_manager: User, now: datetime
) -> None:
    for vehicle in (world.coach, world.bus):
        claim = reported_claim(world, now, vehicle=vehicle)
        journey = Journey(world, claim, now)
        journey.to(ClaimState.CALCULATED)
        latest = settlement.latest_calculation(claim.id)
        assert latest is not None
        settlement.approve(claim.number, settlement.Approve(latest.id), actor=world.manager, now=journey.now)
        journey.done.append(ClaimState.APPROVED.value)
        journey.to(ClaimState.CLOSED)
    group = Group(world.account, [world.gongyi], {"hq": world.hq, "manager": world.manager})

    build_disputes(group, file_store(), now + timedelta(days=40))

    deciders = db.session.scalars(select(Dispute.decider_id)).all()
    assert deciders == [second_manager.id, second_manager.id]
