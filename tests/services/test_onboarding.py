"""Joint approval of new vehicles: three sides, none skipped, each with its clock, all of it in the register."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import ReportChannel
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.fleet import (
    BranchRecord,
    PlateRecord,
    Vehicle,
    VehicleRequest,
    VehicleRequestStep,
    VehicleState,
)
from service_desk.models.notices import Notice
from service_desk.models.policies import CoverSource, ExternalCover, IssueBatch, Policy
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.vehicle_onboarding import OnboardingAction, OnboardingState, Party
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import documents, policies, sla
from service_desk.services.claims import intake
from service_desk.services.claims.intake import ReportCommand
from service_desk.services.fleet import vehicles
from service_desk.services.policies import coverage, undoing
from service_desk.services.policies.onboarding import deciding, finishing, requesting
from service_desk.services.policies.onboarding.common import get_request
from tests.claim_cases import file_store, picture
from tests.factories import BranchFactory, UserFactory, VehicleFactory, make_vin
from tests.onboarding_cases import (
    ALL_LINES,
    CARRIER,
    COMMERCIAL,
    CTPL,
    PLATE,
    VIN,
    approved,
    ask,
    command,
    insured,
    order,
    ready,
)
from tests.world import World

S, A = OnboardingState, OnboardingAction
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _ready(world: World, now: datetime) -> None:
    ready(now)


def clocks(request: VehicleRequest) -> list[tuple[ClockStep, TimerState, int]]:
    db.session.flush()
    timers = sla.timers_of("vehicle_request", [request.id])[request.id]
    return [(timer.step, timer.state, timer.holder_id) for timer in timers]


def told(kind: str) -> set[str]:
    """The names of those who were told, by mail or in the app."""
    return set(db.session.scalars(select(Notice.recipient_name).where(Notice.kind == kind)))


def pending_vehicle(request: VehicleRequest) -> Vehicle:
    return db.session.get_one(Vehicle, request.vehicle_id)


def codes(refusal: pytest.ExceptionInfo[InvalidMany]) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in refusal.value.problems]


# --- the way of a request


def test_a_request_waits_for_the_group_with_its_photo_and_clock(world: World, now: datetime) -> None:
    request = ask(world, now)

    assert (request.number, request.state, request.round) == ("REQ-2026-000001", S.REQUESTED, 1)
    assert (request.plate, request.vin, request.party) == (PLATE, VIN, Party.BRANCH)
    assert clocks(request) == [(ClockStep.VEHICLE_APPROVAL, TimerState.RUNNING, world.hq.id)]
    assert told("vehicle_requested") == {world.hq.name}
    [photo] = documents.list_for("vehicle_request", request.id)
    assert (photo.kind.value, photo.branch_id) == ("vehicle_licence", world.gongyi.id)
    assert db.session.scalar(select(func.count(Vehicle.id)).where(Vehicle.vin == VIN)) == 0


def test_the_groups_approval_enters_the_vehicle_and_starts_the_desks_clock(
    world: World, now: datetime
) -> None:
    request = ask(world, now)

    deciding.approve(request.number, request.version, actor=world.hq, now=now + HOUR)

    vehicle = pending_vehicle(request)
    assert (vehicle.state, vehicle.plate, vehicle.vin) == (VehicleState.PENDING, PLATE, VIN)
    assert db.session.scalars(select(PlateRecord.plate).filter_by(vehicle_id=vehicle.id)).all() == [PLATE]
    assert db.session.scalars(select(BranchRecord.branch_id).filter_by(vehicle_id=vehicle.id)).all() == [
        world.gongyi.id
    ]
    assert request.state is S.APPROVED
    assert clocks(request) == [
        (ClockStep.VEHICLE_APPROVAL, TimerState.MET, world.hq.id),
        (ClockStep.VEHICLE_ISSUE, TimerState.RUNNING, world.underwriter.id),
    ]
    assert told("vehicle_to_insure") == {world.underwriter.name}
    assert told("vehicle_request_decided") == {world.safety_gongyi.name}


def test_issuing_all_it_needs_lets_the_vehicle_operate_in_the_same_order(world: World, now: datetime) -> None:
    request = approved(world, now)

    insured(world, request, now=now + HOUR)

    assert pending_vehicle(request).state is VehicleState.OPERATING
    assert request.state is S.DONE
    assert clocks(request)[1][:2] == (ClockStep.VEHICLE_ISSUE, TimerState.MET)
    assert told("vehicle_operating") == {world.safety_gongyi.name, world.hq.name}
    steps = db.session.execute(
        select(VehicleRequestStep.action, VehicleRequestStep.party, VehicleRequestStep.actor_id).order_by(
            VehicleRequestStep.id
        )
    ).tuples()
    assert list(steps) == [
        (A.REQUEST, Party.BRANCH, world.safety_gongyi.id),
        (A.APPROVE, Party.GROUP, world.hq.id),
        (A.COMPLETE, Party.DESK, world.underwriter.id),
    ]
    ratio = coverage.coverage_ratio(world.account.id, now + HOUR, branch_ids=[world.gongyi.id])
    assert (ratio.part, ratio.whole) == (1, 3)


def test_a_vehicle_whose_cover_is_taken_back_waits_for_it_again(world: World, now: datetime) -> None:
    request = approved(world, now)
    insured(world, request, CTPL, now=now)
    insured(world, request, COMMERCIAL, CARRIER, now=now + HOUR)
    first = db.session.scalars(select(IssueBatch).order_by(IssueBatch.id)).first()

    undoing.undo(first.number, "车型录入有误", actor=world.underwriter, now=now + 2 * HOUR)

    db.session.flush()
    vehicle = pending_vehicle(request)
    assert (vehicle.state, request.state) == (VehicleState.PENDING, S.APPROVED)
    assert clocks(request)[1:] == [
        (ClockStep.VEHICLE_ISSUE, TimerState.MET, world.underwriter.id),
        (ClockStep.VEHICLE_ISSUE, TimerState.RUNNING, world.underwriter.id),
    ]
    last = db.session.scalars(select(VehicleRequestStep).order_by(VehicleRequestStep.id.desc())).first()
    assert (last.action, last.reason, last.actor_id) == (A.TAKE_BACK, "车型录入有误", world.underwriter.id)
    assert db.session.scalar(select(func.count()).where(Notice.kind == "vehicle_operating")) == 8
    ratio = coverage.coverage_ratio(world.account.id, now + 2 * HOUR, branch_ids=[world.gongyi.id])
    assert (ratio.part, ratio.whole) == (0, 2)

    insured(world, request, CTPL, now=now + 3 * HOUR)
    assert (pending_vehicle(request).state, request.state) == (VehicleState.OPERATING, S.DONE)
    assert db.session.scalar(select(func.count()).where(Notice.kind == "vehicle_operating")) == 12


def test_a_vehicle_that_operated_before_the_batch_goes_on(world: World, now: datetime) -> None:
    request = approved(world, now)
    insured(world, request, now=now)
    year = timedelta(days=365)
    batch = policies.issue_many(order(world, request), actor=world.underwriter, now=now + year)
    db.session.flush()

    undoing.undo(batch.number, "重复", actor=world.underwriter, now=now + year + HOUR)

    assert (pending_vehicle(request).state, request.state) == (VehicleState.OPERATING, S.DONE)


def test_part_of_the_cover_leaves_it_waiting_with_what_is_missing(world: World, now: datetime) -> None:
    request = approved(world, now)

    insured(world, request, CTPL, now=now)

    assert (pending_vehicle(request).state, request.state) == (VehicleState.PENDING, S.APPROVED)
    cover = finishing.cover_to_come([request.vehicle_id], now)[request.vehicle_id]
    assert cover.missing == (PolicyLine.COMMERCIAL, PolicyLine.CARRIER_LIABILITY)
    insured(world, request, COMMERCIAL, CARRIER, now=now + HOUR)
    assert (pending_vehicle(request).state, request.state) == (VehicleState.OPERATING, S.DONE)
    actions = db.session.scalars(select(VehicleRequestStep.action).order_by(VehicleRequestStep.id)).all()
    assert actions == [A.REQUEST, A.APPROVE, A.ISSUE_PART, A.COMPLETE]


def test_cover_issued_for_a_later_day_counts_and_lines_may_begin_apart(world: World, now: datetime) -> None:
    request = approved(world, now)
    later = local_date(now) + timedelta(days=9)
    for line, day in ((CTPL, later), (COMMERCIAL, later), (CARRIER, later + timedelta(days=3))):
        assert request.state is S.APPROVED
        policies.issue_many(order(world, request, line, start_on=day), actor=world.underwriter, now=now)

    assert request.state is S.DONE


def test_a_lorry_needs_no_carriers_liability(world: World, now: datetime) -> None:
    request = approved(world, now, use_class=UseClass.GOODS, seats=None, load_kg=9_990)

    insured(world, request, CTPL, COMMERCIAL, now=now)

    assert request.state is S.DONE


def test_cover_from_elsewhere_is_taken_into_account_and_the_desk_says_so(world: World, now: datetime) -> None:
    request = approved(world, now)
    insured(world, request, CTPL, COMMERCIAL, now=now)
    with pytest.raises(Conflict) as refusal:
        finishing.complete(request.number, request.version, actor=world.underwriter, now=now)
    assert refusal.value.code == "cover_still_missing"
    db.session.add(
        ExternalCover(
            account_id=world.account.id,
            vehicle_id=request.vehicle_id,
            line=PolicyLine.CARRIER_LIABILITY,
            ends_at=now + timedelta(days=200),
            source=CoverSource.OTHER_INSURER,
            noted_at=now,
        )
    )
    db.session.flush()

    finishing.complete(request.number, request.version, actor=world.underwriter, now=now)

    assert (pending_vehicle(request).state, request.state) == (VehicleState.OPERATING, S.DONE)


# --- refused, corrected, withdrawn


def test_a_refused_request_is_corrected_and_sent_again_under_its_number(world: World, now: datetime) -> None:
    request = ask(world, now)
    deciding.refuse(request.number, " 照片 不清楚 ", request.version, actor=world.hq, now=now)
    db.session.flush()
    assert request.state is S.REFUSED_BY_GROUP
    assert clocks(request) == [(ClockStep.VEHICLE_APPROVAL, TimerState.MET, world.hq.id)]

    number = requesting.correct(
        request.number,
        command(world, now, vin=make_vin(900_101)),
        request.version,
        photos=[],
        key="k",
        actor=world.safety_gongyi,
        now=now + HOUR,
        files=file_store(),
    )

    assert (number, request.state, request.round) == (request.number, S.REQUESTED, 2)
    assert request.vin == make_vin(900_101)
    assert clocks(request)[1] == (ClockStep.VEHICLE_APPROVAL, TimerState.RUNNING, world.hq.id)
    line = db.session.scalars(select(VehicleRequestStep).filter_by(action=A.CORRECT)).one()
    assert (line.round, line.details["corrected"]) == (2, ["vin"])
    refused = db.session.scalars(select(VehicleRequestStep).filter_by(action=A.REFUSE)).one()
    assert (refused.reason, refused.round) == ("照片 不清楚", 1)
    # Two mails of two rounds.
    mails = select(func.count()).where(Notice.kind == "vehicle_requested", Notice.channel == "mail")
    assert db.session.scalar(mails) == 2


def test_the_desks_refusal_takes_the_vehicle_out_and_the_group_must_approve_anew(
    world: World, now: datetime
) -> None:
    request = approved(world, now)
    vehicle_id = request.vehicle_id

    deciding.decline(
        request.number, "核定载客与行驶证不符", request.version, actor=world.underwriter, now=now
    )
    db.session.flush()

    assert (request.state, request.vehicle_id) == (S.REFUSED_BY_DESK, None)
    assert db.session.scalar(select(Vehicle.id).where(Vehicle.id == vehicle_id)) is None
    assert db.session.scalar(select(PlateRecord.id).where(PlateRecord.vehicle_id == vehicle_id)) is None
    assert clocks(request)[1][:2] == (ClockStep.VEHICLE_ISSUE, TimerState.MET)
    assert told("vehicle_request_decided") == {world.safety_gongyi.name, world.hq.name}
    again(world, request, now, seats=43)
    with pytest.raises(Conflict):
        finishing.complete(request.number, request.version, actor=world.underwriter, now=now)
    deciding.approve(request.number, request.version, actor=world.hq, now=now)
    assert pending_vehicle(request).seats == 43


def again(world: World, request: VehicleRequest, now: datetime, **changes: Any) -> None:
    requesting.correct(
        request.number,
        command(world, now, **changes),
        request.version,
        photos=[picture()],
        key="",
        actor=world.safety_gongyi,
        now=now,
        files=file_store(),
    )
    db.session.flush()


def test_a_withdrawn_request_cancels_its_clock_and_frees_the_plate(world: World, now: datetime) -> None:
    request = approved(world, now)

    requesting.withdraw(
        request.number, "车辆改签他司", request.version, actor=world.safety_gongyi, now=now + HOUR
    )
    db.session.flush()

    assert request.state is S.WITHDRAWN
    assert clocks(request)[1][:2] == (ClockStep.VEHICLE_ISSUE, TimerState.CANCELLED)
    assert approved(world, now + HOUR).number == "REQ-2026-000002"


def test_a_vehicle_with_a_claim_is_retired_instead_and_comes_back_only_by_approval(
    world: World, now: datetime
) -> None:
    request = approved(world, now)
    number = reported(world, VIN, now)
    vehicle = pending_vehicle(request)

    deciding.decline(request.number, "资料不全", request.version, actor=world.underwriter, now=now)
    db.session.flush()

    assert (vehicle.state, request.vehicle_id) == (VehicleState.RETIRED, vehicle.id)
    with pytest.raises(Conflict) as refusal:
        vehicles.set_state(
            vehicle.id, VehicleState.OPERATING, "恢复", vehicle.version, actor=world.underwriter, now=now
        )
    assert refusal.value.code == "vehicle_not_approved"
    again(world, request, now, plate="豫A90002")
    deciding.approve(request.number, request.version, actor=world.hq, now=now)
    db.session.flush()
    assert (vehicle.state, vehicle.plate) == (VehicleState.PENDING, "豫A90002")
    assert number.startswith("CLM-")


def reported(world: World, plate: str, now: datetime) -> str:
    return intake.report(
        ReportCommand(
            account_id=world.account.id,
            plate=plate,
            loss_at=now,
            place="G310",
            description="刮擦",
            reporter_name="郭永刚",
            callback_phone="13903718891",
            channel=ReportChannel.PORTAL,
            injured_count=0,
            other_party="",
            latitude=None,
            longitude=None,
            accuracy_m=None,
        ),
        photos=[],
        key="",
        actor=world.safety_gongyi,
        now=now,
        files=file_store(),
    )


@pytest.mark.parametrize("step", ["decline", "withdraw"])
def test_what_is_insured_in_part_is_not_simply_given_up(world: World, now: datetime, step: str) -> None:
    request = approved(world, now)
    insured(world, request, CTPL, now=now)
    by = {"decline": world.underwriter, "withdraw": world.safety_gongyi}[step]
    act = {"decline": deciding.decline, "withdraw": requesting.withdraw}[step]

    with pytest.raises(Conflict) as refusal:
        act(request.number, "x", request.version, actor=by, now=now)

    assert (refusal.value.code, refusal.value.params) == (
        "request_has_cover",
        {"policies": "PCT2026-000001"},
    )


@pytest.mark.parametrize("act", [deciding.refuse, requesting.withdraw])
@pytest.mark.parametrize(("reason", "code"), [("  ", "reason_missing"), ("长" * 201, "words_too_long")])
def test_a_reason_is_asked_for(
    world: World, now: datetime, act: Callable[..., Any], reason: str, code: str
) -> None:
    request = ask(world, now)
    actor = world.hq if act is deciding.refuse else world.safety_gongyi

    with pytest.raises(Invalid) as refusal:
        act(request.number, reason, request.version, actor=actor, now=now)

    assert refusal.value.code == code
    assert request.state is S.REQUESTED


# --- nobody skips a side


def test_issuing_waits_for_the_groups_approval(world: World, now: datetime) -> None:
    vehicle = VehicleFactory(branch=world.gongyi, state=VehicleState.PENDING, vin=make_vin(31))
    request = approved(world, now)
    request.state = S.REQUESTED
    db.session.flush()

    for pending in (vehicle, pending_vehicle(request)):
        plan = policies.preview(
            policies.IssueRequest(world.account.id, (pending.id,), ALL_LINES),
            actor=world.underwriter,
            now=now,
        )
        assert {one.code for one in plan.refused} == {"vehicle_not_approved"}
        assert plan.policies == []


@pytest.mark.parametrize("who", ["safety_gongyi", "underwriter", "manager", "claims1", "admin"])
def test_only_the_group_approves_for_the_group(world: World, now: datetime, who: str) -> None:
    request = ask(world, now)

    for act in (
        lambda actor: deciding.approve(request.number, request.version, actor=actor, now=now),
        lambda actor: deciding.refuse(request.number, "x", request.version, actor=actor, now=now),
    ):
        with pytest.raises(Forbidden):
            act(getattr(world, who))

    assert request.state is S.REQUESTED


@pytest.mark.parametrize("who", ["safety_gongyi", "hq", "claims1", "admin"])
def test_only_the_desk_insures_or_refuses_to(world: World, now: datetime, who: str) -> None:
    request, actor = approved(world, now), getattr(world, who)

    for act in (
        lambda: deciding.decline(request.number, "x", request.version, actor=actor, now=now),
        lambda: finishing.complete(request.number, request.version, actor=actor, now=now),
        lambda: policies.issue_many(order(world, request), actor=actor, now=now),
    ):
        with pytest.raises(Forbidden):
            act()

    assert request.state is S.APPROVED


def test_the_desk_does_not_ask_for_vehicles(world: World, now: datetime) -> None:
    with pytest.raises(Forbidden):
        ask(world, now, by=world.underwriter)


def test_only_the_side_that_asked_withdraws(world: World, now: datetime) -> None:
    request = ask(world, now)

    with pytest.raises(Forbidden) as refusal:
        requesting.withdraw(request.number, "x", request.version, actor=world.hq, now=now)

    assert refusal.value.code == "request_of_other_side"


def test_strangers_and_other_branches_do_not_see_it(world: World, now: datetime) -> None:
    request = ask(world, now)
    [photo] = documents.list_for("vehicle_request", request.id)
    neighbour = UserFactory(
        username="safety-zhongmu", role=Role.BRANCH_SAFETY, accounts=[world.account], branch=world.zhongmu
    )

    for actor in (neighbour, world.foreign_hq):
        with pytest.raises(NotFound):
            get_request(request.number, actor=actor)
        with pytest.raises(NotFound):
            documents.get_document(photo.id, actor=actor)
        with pytest.raises((NotFound, Forbidden)):
            deciding.approve(request.number, request.version, actor=actor, now=now)
    with pytest.raises(NotFound):
        requesting.withdraw(request.number, "x", request.version, actor=neighbour, now=now)
    assert documents.get_document(photo.id, actor=world.underwriter).id == photo.id


@pytest.mark.parametrize("branch", ["zhongmu", "foreign_branch"])
def test_a_branch_asks_for_itself_only(world: World, now: datetime, branch: str) -> None:
    with pytest.raises(NotFound):
        ask(world, now, branch_id=getattr(world, branch).id)


def test_nobody_approves_what_they_asked_for(world: World, now: datetime) -> None:
    colleague = UserFactory(
        username="hq2", name="陈慧敏", role=Role.GROUP_INSURANCE, accounts=[world.account], staff_no="0001"
    )
    request = ask(world, now, by=world.hq)
    assert clocks(request)[0][2] == colleague.id
    assert told("vehicle_requested") == {colleague.name}

    with pytest.raises(Forbidden) as refusal:
        deciding.approve(request.number, request.version, actor=world.hq, now=now)
    assert refusal.value.code == "own_vehicle_request"

    deciding.approve(request.number, request.version, actor=colleague, now=now)
    assert request.state is S.APPROVED


def test_who_asks_for_the_department_needs_a_colleague_to_approve(world: World, now: datetime) -> None:
    with pytest.raises(Conflict) as refusal:
        ask(world, now, by=world.hq)

    assert refusal.value.code == "nobody_else_approves"


def test_where_the_group_has_nobody_the_manager_is_told_and_holds_the_clock(
    world: World, now: datetime
) -> None:
    world.hq.is_active = False

    request = ask(world, now)

    assert clocks(request) == [(ClockStep.VEHICLE_APPROVAL, TimerState.RUNNING, world.manager.id)]
    assert told("vehicle_requested") == {world.manager.name}
    params = db.session.scalars(select(Notice.params).where(Notice.kind == "vehicle_requested")).first()
    assert params["nobody_approves"] is True


def test_a_step_once_done_is_not_done_again(world: World, now: datetime) -> None:
    request = ask(world, now)
    shown = request.version
    deciding.approve(request.number, shown, actor=world.hq, now=now)
    db.session.flush()

    with pytest.raises(Conflict) as refusal:
        deciding.refuse(request.number, "x", shown, actor=world.hq, now=now)

    assert refusal.value.code == "request_moved_on"


def test_a_page_that_is_out_of_date_decides_nothing(world: World, now: datetime) -> None:
    request = ask(world, now)
    shown = request.version
    deciding.refuse(request.number, "照片不清", shown, actor=world.hq, now=now)
    again(world, request, now, plate="豫A90003")

    with pytest.raises(Conflict) as refusal:
        deciding.approve(request.number, shown, actor=world.hq, now=now)

    assert refusal.value.code == "stale"


# --- what is typed


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"plate": "", "vin": ""}, [("identity_missing", "plate")]),
        ({"plate": "豫AO2345"}, [("plate_invalid_perhaps", "plate")]),
        ({"plate": "豫A12345"}, [("plate_taken", "plate")]),
        ({"vin": make_vin(200001)}, [("vin_taken", "vin")]),
        ({"use_class": None}, [("required", "use_class")]),
        ({"seats": None}, [("required", "seats")]),
        ({"use_class": UseClass.GOODS}, [("required", "load_kg")]),
        ({"model": " "}, [("required", "model")]),
        ({"wanted_start_on": None}, [("required", "wanted_start_on")]),
        ({"note": "长" * 2001}, [("words_too_long", "note")]),
        ({"photos": 0}, [("photo_missing", "photos")]),
        ({"photos": 0, "vin": "LZYT"}, [("vin_invalid", "vin"), ("photo_missing", "photos")]),
    ],
)
def test_what_cannot_be_right_is_refused_all_at_once(
    world: World, now: datetime, changes: dict, expected: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidMany) as refusal:
        ask(world, now, **changes)

    assert codes(refusal) == expected
    assert db.session.scalar(select(func.count(VehicleRequest.id))) == 0


@pytest.mark.parametrize(
    ("days", "code"), [(-1, "start_in_the_past"), (0, None), (90, None), (91, "start_too_far")]
)
def test_cover_is_wanted_from_a_day_it_can_be_issued_for(
    world: World, now: datetime, days: int, code: str | None
) -> None:
    wanted = local_date(now) + timedelta(days=days)
    if code is None:
        assert ask(world, now, wanted_start_on=wanted).wanted_start_on == wanted
        return
    with pytest.raises(InvalidMany) as refusal:
        ask(world, now, wanted_start_on=wanted)
    assert codes(refusal) == [(code, "wanted_start_on")]


def test_a_plate_may_be_pending_for_a_known_vin(world: World, now: datetime) -> None:
    request = approved(world, now, plate="")

    assert (request.plate, pending_vehicle(request).plate) == (None, None)
    insured(world, request, now=now)
    assert request.state is S.DONE


def test_another_open_request_for_the_vehicle_is_named(world: World, now: datetime) -> None:
    first = ask(world, now)

    with pytest.raises(InvalidMany) as refusal:
        ask(world, now, plate=f" {PLATE} ", vin=VIN.lower())

    assert codes(refusal) == [("plate_requested", "plate"), ("vin_requested", "vin")]
    assert {problem.params["number"] for problem in refusal.value.problems} == {first.number}


def test_a_refused_request_holds_no_plate_until_it_is_sent_again(world: World, now: datetime) -> None:
    first = ask(world, now)
    deciding.refuse(first.number, "非本单位车辆", first.version, actor=world.hq, now=now)
    db.session.flush()
    second = ask(world, now)

    with pytest.raises(InvalidMany) as refusal:
        again(world, first, now)

    assert {problem.params["number"] for problem in refusal.value.problems} == {second.number}


def test_a_vehicle_that_came_meanwhile_is_named_at_the_approval(world: World, now: datetime) -> None:
    request = ask(world, now)
    VehicleFactory(branch=world.zhongmu, plate="豫A55555", vin=VIN)

    with pytest.raises(InvalidMany) as refusal:
        deciding.approve(request.number, request.version, actor=world.hq, now=now)

    assert codes(refusal) == [("vin_taken", "vin")]
    assert refusal.value.problems[0].params["holder"] == "豫A55555"


def test_the_same_form_twice_is_one_request(world: World, now: datetime) -> None:
    first, second = ask(world, now, key="k"), ask(world, now, key="k")

    assert first.number == second.number
    assert db.session.scalar(select(func.count(Document.id))) == 1


def test_the_same_vehicle_in_another_account_is_no_clash(world: World, now: datetime) -> None:
    VehicleFactory(branch=world.foreign_branch, plate=PLATE, vin=VIN)

    assert ask(world, now).state is S.REQUESTED


def test_two_people_who_ask_for_one_vehicle_at_once_make_one_request(
    app: Flask, world: World, now: datetime
) -> None:
    deputy = UserFactory(
        username="deputy", role=Role.BRANCH_SAFETY, accounts=[world.account], branch=world.gongyi
    )
    db.session.commit()
    people, wanted, account_id = [world.safety_gongyi.id, deputy.id], command(world, now), world.account.id
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def send(user_id: int) -> None:
        with app.app_context():
            db.session.connection(execution_options={"begin_immediate": True})
            try:
                actor = db.session.get_one(User, user_id)
                start.wait(timeout=10) if db.engine.dialect.name == "postgresql" else None
                requesting.request_vehicle(
                    account_id, wanted, photos=[picture()], key="", actor=actor, now=now, files=file_store()
                )
                db.session.commit()
                outcomes.append("sent")
            except InvalidMany as refusal:
                db.session.rollback()
                outcomes.append(refusal.problems[0].code)

    threads = [threading.Thread(target=send, args=(user_id,)) for user_id in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["plate_requested", "sent"]


def test_two_who_decide_at_once_decide_once(app: Flask, world: World, now: datetime) -> None:
    colleague = UserFactory(username="hq2", role=Role.GROUP_INSURANCE, accounts=[world.account])
    request = ask(world, now)
    db.session.commit()
    number, version, people = request.number, request.version, [world.hq.id, colleague.id]
    outcomes: list[str] = []

    def decide(user_id: int) -> None:
        with app.app_context():
            db.session.connection(execution_options={"begin_immediate": True})
            try:
                actor = db.session.get_one(User, user_id)
                deciding.approve(number, version, actor=actor, now=now)
                db.session.commit()
                outcomes.append("approved")
            except DomainError as refusal:
                db.session.rollback()
                outcomes.append(refusal.code)

    threads = [threading.Thread(target=decide, args=(user_id,)) for user_id in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["approved", "request_moved_on"]
    db.session.rollback()
    assert db.session.scalar(select(func.count(Vehicle.id)).where(Vehicle.vin == VIN)) == 1


# --- who holds what, and what it does not do


def test_the_desk_shares_its_new_vehicles_out(world: World, now: datetime) -> None:
    other = UserFactory(username="uw2", role=Role.UNDERWRITER, accounts=[world.account], staff_no="99999999")
    approved(world, now)
    second = approved(world, now, plate="豫A90004", vin=make_vin(900_104))

    assert clocks(second)[1][2] == other.id


def test_an_account_without_underwriters_leaves_it_to_the_manager(world: World, now: datetime) -> None:
    world.underwriter.is_active = False

    assert clocks(approved(world, now))[1][2] == world.manager.id


def test_a_clock_of_the_groups_that_runs_over_is_told_and_reviewed(world: World, now: datetime) -> None:
    request = ask(world, now)
    db.session.flush()
    timer = db.session.scalars(select(Timer).filter_by(matter_kind="vehicle_request")).one()
    late = now + timedelta(days=4)

    sla.check_timer(timer.id, now=late)
    db.session.flush()

    assert timer.breached_at is not None
    assert told("clock_breach") >= {world.hq.name, world.manager.name}
    paths = db.session.scalars(
        select(Notice.params).where(Notice.kind == "clock_breach").order_by(Notice.id)
    ).all()
    assert f"/vehicle-requests/{request.number}" in {params["url"] for params in paths}
    deciding.approve(request.number, request.version, actor=world.hq, now=late)
    assert request.state is S.APPROVED


def test_a_waiting_vehicle_counts_nowhere_but_takes_claims(world: World, now: datetime) -> None:
    before = coverage.coverage_ratio(world.account.id, now)

    request = approved(world, now)

    assert coverage.coverage_ratio(world.account.id, now) == before
    assert intake.find_vehicle(world.account.id, PLATE, now, actor=world.claims1).id == request.vehicle_id
    assert PLATE in [one.plate for one in intake.suggest_vehicles(world.account.id, "9000", actor=world.hq)]


def test_what_becomes_of_a_waiting_vehicle_is_decided_on_its_request(world: World, now: datetime) -> None:
    vehicle = pending_vehicle(approved(world, now))

    for state in (VehicleState.OPERATING, VehicleState.RETIRED):
        with pytest.raises(Conflict) as refusal:
            vehicles.set_state(vehicle.id, state, "x", vehicle.version, actor=world.underwriter, now=now)
        assert refusal.value.code == "vehicle_state_not_possible"


def test_what_the_group_approved_is_not_changed_behind_its_back(world: World, now: datetime) -> None:
    vehicle = pending_vehicle(approved(world, now, plate=""))
    approved_as = command(world, now, plate="").details

    for changes in ({"vin": make_vin(77)}, {"use_class": UseClass.GOODS}, {"branch_id": world.zhongmu.id}):
        with pytest.raises(Conflict) as refusal:
            vehicles.change_vehicle(
                vehicle.id,
                replace(approved_as, **changes),
                vehicle.version,
                actor=world.underwriter,
                now=now,
            )
        assert refusal.value.code == "approved_as_requested"
    vehicles.change_vehicle(
        vehicle.id,
        replace(approved_as, plate=PLATE, seats=43),
        vehicle.version,
        actor=world.underwriter,
        now=now,
    )
    assert (vehicle.plate, vehicle.seats) == (PLATE, 43)


def test_orders_for_operating_vehicles_know_nothing_of_requests(world: World, now: datetime) -> None:
    policies.issue_many(
        policies.IssueRequest(world.account.id, (world.coach.id,), ALL_LINES),
        actor=world.underwriter,
        now=now,
    )

    assert db.session.scalar(select(func.count(Policy.id))) == 3
    assert db.session.scalar(select(func.count(VehicleRequestStep.id))) == 0


def test_each_step_is_in_the_audit_trail(world: World, now: datetime) -> None:
    insured(world, approved(world, now), now=now)

    kept = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.entity_kind == "vehicle_requests").order_by(AuditEntry.id)
    ).all()
    assert kept == ["vehicle_request_request", "vehicle_request_approve", "vehicle_request_complete"]


def test_a_branch_below_is_its_officers_too(world: World, now: datetime) -> None:
    below = BranchFactory(account=world.account, parent=world.gongyi, name="回郭镇站")

    request = ask(world, now, branch_id=below.id)

    assert request.branch_id == below.id
