"""Missed cover: found, opened once, chased, covered or stopped; who sees what; and what its exposure is."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.jobs import uninsured_watch
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, unit_of_work
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.notices import Notice
from service_desk.models.policies import ExternalCover
from service_desk.models.renewals import (
    MISSED_COVER,
    CaseState,
    ChaseChannel,
    ChaseKind,
    MissedCoverCase,
    MissedCoverEntry,
)
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.permissions import Role
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services import exports, policies, renewals, sla
from service_desk.services.fleet import vehicles
from service_desk.services.policies import IssueRequest, LineChoice, rates
from service_desk.services.renewals import case_views, cases
from service_desk.services.renewals.case_views import MissedFilter, MissedList, MissedRow
from service_desk.services.renewals.cases import ChaseCommand, NotedCover, OffRoad
from tests.factories import PolicyFactory, UserFactory, VehicleFactory
from tests.standing import once
from tests.world import World

CTPL, TPL, OWN_DAMAGE, CARRIER = CoverCode


@pytest.fixture(autouse=True)
def _promises(world: World, now: datetime) -> None:
    """Clocks and prices are there; coach and bus have all they need, the lorry has nothing."""
    once(("promises", now), lambda: _promise(world, now))


def _promise(world: World, now: datetime) -> None:
    sla.install_defaults(now)
    rates.install_sample_rates(now=now)
    for vehicle in (world.coach, world.bus):
        for line in PolicyLine:
            cover(world, vehicle, line, now)
    db.session.commit()


def cover(world: World, vehicle: Vehicle, line: PolicyLine, now: datetime, days: int = 100) -> None:
    ends_at = now + timedelta(days=days)
    PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        line=line,
        starts_at=ends_at - timedelta(days=365),
        ends_at=ends_at,
    )


@pytest.fixture
def case(world: World, now: datetime) -> MissedCoverCase:
    """The lorry's case, just opened by the watch."""
    once(("watch", now), lambda: renewals.watch(world.account.id, now=now))
    db.session.commit()
    return db.session.scalars(select(MissedCoverCase)).one()


def kinds(case: MissedCoverCase) -> list[ChaseKind]:
    statement = select(MissedCoverEntry.kind).where(MissedCoverEntry.case_id == case.id)
    return list(db.session.scalars(statement.order_by(MissedCoverEntry.id)))


def timer_of(case: MissedCoverCase) -> Timer:
    return sla.timers_of(MISSED_COVER, [case.id])[case.id][0]


def test_the_watch_opens_a_case_with_owner_and_clock(world: World, case: MissedCoverCase) -> None:
    assert (case.vehicle_id, case.branch_id) == (world.truck.id, world.gongyi.id)
    assert (case.layers, case.since_at, case.owner_id) == (["ctpl", "tpl"], None, world.underwriter.id)
    timer = timer_of(case)
    assert (timer.step, timer.holder_id, timer.state) == (
        "cover_chase",
        world.underwriter.id,
        TimerState.RUNNING,
    )
    assert kinds(case) == [ChaseKind.OPENED]


def test_a_vehicle_that_came_at_noon_is_found_the_same_day(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    uninsured_watch.run(now)
    before = notice_count()
    VehicleFactory(branch=world.zhongmu, plate="豫A55555", created_at=now)
    db.session.commit()

    uninsured_watch.run_pass(now + timedelta(minutes=15))

    # The lorry, the newcomer and the vehicle of the other account.
    assert db.session.scalar(select(func.count()).select_from(MissedCoverCase)) == 3
    told = list(db.session.scalars(select(Notice).order_by(Notice.id).offset(before)))
    assert {one.recipient_name for one in told if one.kind == "uninsured_vehicles"} == {"周敏"}
    assert all(row["plate"] == "豫A55555" for one in told for row in one.params["rows"])
    uninsured_watch.run_pass(now + timedelta(minutes=30))
    assert notice_count() == before + len(told)


def test_what_turns_up_at_night_waits_for_the_mornings_notices(world: World) -> None:
    midnight = datetime(2026, 11, 22, 16, 15, tzinfo=UTC)
    uninsured_watch.run_pass(midnight)
    assert (
        db.session.scalar(select(func.count()).select_from(MissedCoverCase)) == 2
    )  # the lorry and the stranger's
    assert notice_count() == 0


def notice_count() -> int:
    return (
        db.session.scalar(select(func.count()).select_from(Notice).where(Notice.kind == "uninsured_vehicles"))
        or 0
    )


def test_one_branch_has_one_chaser_and_the_next_goes_to_who_has_least(world: World, now: datetime) -> None:
    other: User = UserFactory(role=Role.UNDERWRITER, accounts=[world.account], staff_no="99999999")
    VehicleFactory(branch=world.gongyi)
    VehicleFactory(branch=world.zhongmu)
    renewals.watch(world.account.id, now=now)
    found = db.session.execute(select(MissedCoverCase.branch_id, MissedCoverCase.owner_id)).tuples().all()
    owners = {branch: {owner for b, owner in found if b == branch} for branch, _ in found}
    assert len(owners[world.gongyi.id]) == len(owners[world.zhongmu.id]) == 1
    assert owners[world.gongyi.id] | owners[world.zhongmu.id] == {world.underwriter.id, other.id}


def test_two_watchers_at_once_open_one_case(app: Flask, world: World, now: datetime) -> None:
    account_id, start = world.account.id, Barrier(2)
    db.session.commit()

    def watch(_number: int) -> int:
        with app.app_context():
            try:
                start.wait()
                with unit_of_work():
                    return len(renewals.watch(account_id, now=now))
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        opened = sorted(pool.map(watch, range(2)))

    assert opened == [0, 1]
    assert db.session.scalar(select(func.count()).select_from(MissedCoverCase)) == 1
    assert db.session.scalar(select(func.count()).select_from(Timer)) == 1


def test_when_other_layers_are_missing_the_case_says_so(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    cover(world, world.truck, PolicyLine.COMMERCIAL, now)
    renewals.watch(world.account.id, now=now + timedelta(hours=1))
    entry = db.session.scalars(
        select(MissedCoverEntry).where(MissedCoverEntry.kind == ChaseKind.LAYERS_CHANGED)
    ).one()
    assert (case.layers, entry.changes["layers"]) == (["ctpl"], [["ctpl", "tpl"], ["ctpl"]])
    assert case.state is CaseState.OPEN


def test_issuing_closes_the_case_at_once(world: World, case: MissedCoverCase, now: datetime) -> None:
    later = now + timedelta(hours=3)
    issue(world, later, PolicyLine.CTPL)
    assert (case.state, case.layers) == (CaseState.OPEN, ["tpl"])
    issue(world, later, PolicyLine.COMMERCIAL)
    assert (case.state, case.closed_at) == (CaseState.COVERED, later)
    assert (timer_of(case).state, timer_of(case).stopped_at) == (TimerState.MET, later)
    assert kinds(case) == [ChaseKind.OPENED, ChaseKind.LAYERS_CHANGED, ChaseKind.COVERED]
    assert renewals.watch(world.account.id, now=later) == []


def issue(world: World, at: datetime, line: PolicyLine) -> None:
    sets = rates.in_force(world.account.id, date(2026, 11, 23))[line].cover_sets
    order = IssueRequest(world.account.id, (world.truck.id,), (LineChoice(line, sets[0]),))
    policies.issue_many(order, actor=world.underwriter, now=at)
    db.session.commit()


def test_the_watch_closes_what_was_covered_otherwise(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    for line in (PolicyLine.CTPL, PolicyLine.COMMERCIAL):
        cover(world, world.truck, line, now)
    renewals.watch(world.account.id, now=now + timedelta(hours=1))
    assert case.state is CaseState.COVERED


def test_a_vehicle_put_off_the_road_elsewhere_ends_its_case(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    suspended = VehicleState.SUSPENDED
    vehicles.set_state(world.truck.id, suspended, "大修", 1, actor=world.underwriter, now=now)
    renewals.watch(world.account.id, now=now + timedelta(minutes=1))
    assert case.state is CaseState.STOPPED


def test_a_second_lapse_is_a_second_case(world: World, case: MissedCoverCase, now: datetime) -> None:
    for line in (PolicyLine.CTPL, PolicyLine.COMMERCIAL):
        cover(world, world.truck, line, now, days=2)
    renewals.watch(world.account.id, now=now + timedelta(hours=1))
    renewals.watch(world.account.id, now=now + timedelta(days=3))
    states = db.session.scalars(select(MissedCoverCase.state).order_by(MissedCoverCase.id)).all()
    assert states == [CaseState.COVERED, CaseState.OPEN]


def said(text: str = "明早送保单", promised_on: date | None = date(2026, 11, 24)) -> ChaseCommand:
    return ChaseCommand(ChaseChannel.CALL, "郭永刚", text, promised_on)


def test_a_chase_is_logged_once(world: World, case: MissedCoverCase, now: datetime) -> None:
    for _ in range(2):
        cases.log_chase(case.number, said(), actor=world.underwriter, now=now, key="one-click")
    entry = db.session.scalars(
        select(MissedCoverEntry).where(MissedCoverEntry.kind == ChaseKind.CONTACT)
    ).one()
    assert (entry.by_id, entry.channel, entry.spoken_to) == (
        world.underwriter.id,
        ChaseChannel.CALL,
        "郭永刚",
    )
    assert (case.chased_at, case.promised_on) == (now, date(2026, 11, 24))
    assert "missed_cover_chased" in list(
        db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))
    )


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ChaseCommand(None, "郭", "好"), "chase_channel_missing"),
        (ChaseCommand(ChaseChannel.CALL, " ", "好"), "chase_person_missing"),
        (ChaseCommand(ChaseChannel.CALL, "郭", " "), "chase_text_missing"),
        (said(promised_on=date(2026, 11, 22)), "promise_in_past"),
    ],
)
def test_an_empty_chase_is_refused(
    world: World, case: MissedCoverCase, now: datetime, command: ChaseCommand, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        cases.log_chase(case.number, command, actor=world.underwriter, now=now)
    assert refused.value.code == code


def test_declaring_the_vehicle_stopped_suspends_it_and_closes_the_case(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    at = now + timedelta(hours=1)
    with pytest.raises(Invalid):
        cases.declare_stopped(case.number, OffRoad.SUSPENDED, " ", actor=world.underwriter, now=at)
    cases.declare_stopped(case.number, OffRoad.SUSPENDED, "停驶检修", actor=world.underwriter, now=at)
    assert (world.truck.state, case.state) == (VehicleState.SUSPENDED, CaseState.STOPPED)
    assert timer_of(case).state is TimerState.MET
    assert renewals.list_uninsured(world.account.id, actor=world.underwriter, now=at) == []
    with pytest.raises(Conflict):
        cases.log_chase(case.number, said(), actor=world.underwriter, now=at)


def noted(line: PolicyLine = PolicyLine.CTPL, last_day: date = date(2027, 11, 22)) -> NotedCover:
    return NotedCover(line, "平安财险", "PA-001", date(2026, 11, 23), last_day)


def test_cover_of_another_insurer_closes_the_case_when_nothing_is_missing(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    at = now + timedelta(hours=1)
    assert not cases.note_cover(case.number, noted(), actor=world.underwriter, now=at)
    assert case.layers == ["tpl"]
    assert cases.note_cover(case.number, noted(PolicyLine.COMMERCIAL), actor=world.underwriter, now=at)
    assert case.state is CaseState.COVERED
    rows = db.session.scalars(select(ExternalCover).order_by(ExternalCover.id)).all()
    assert [(row.line, row.insurer, row.number) for row in rows] == [
        (PolicyLine.CTPL, "平安财险", "PA-001"),
        (PolicyLine.COMMERCIAL, "平安财险", "PA-001"),
    ]


def test_cover_that_does_not_help_is_refused(world: World, case: MissedCoverCase, now: datetime) -> None:
    for wrong, code in (
        (noted(last_day=date(2026, 11, 22)), "cover_ends_before"),
        (NotedCover(PolicyLine.CTPL, "", "", date(2026, 11, 1), date(2027, 1, 1)), "insurer_missing"),
        (NotedCover(PolicyLine.CTPL, "平安", "", date(2026, 1, 1), date(2026, 11, 22)), "cover_not_now"),
    ):
        with pytest.raises(Invalid) as refused:
            cases.note_cover(case.number, wrong, actor=world.underwriter, now=now)
        assert refused.value.code == code


def test_a_case_is_given_on_with_a_reason(world: World, case: MissedCoverCase, now: datetime) -> None:
    at = now + timedelta(hours=1)
    cases.reassign(case.number, world.manager.id, "休假", actor=world.underwriter, now=at)
    assert (case.owner_id, timer_of(case).holder_id) == (world.manager.id, world.manager.id)
    notice = db.session.scalars(select(Notice).where(Notice.kind == "missed_cover_assigned")).first()
    assert notice is not None
    assert notice.user_id == world.manager.id
    for to_id, code in ((world.manager.id, "chaser_has_it"), (world.claims1.id, "chaser_missing")):
        with pytest.raises((Invalid, Conflict)) as refused:
            cases.reassign(case.number, to_id, "再转", actor=world.underwriter, now=at)
        assert refused.value.code == code


def test_the_client_writes_into_the_log_and_the_owner_hears_of_it(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    cases.client_says(case.number, "车辆周一起停驶", actor=world.safety_gongyi, now=now)
    assert kinds(case)[-1] is ChaseKind.CLIENT_SAID
    notice = db.session.scalars(select(Notice).where(Notice.kind == "missed_cover_word")).first()
    assert notice is not None
    assert notice.user_id == world.underwriter.id


ACTS: list[Callable[[str, User, datetime], object]] = [
    lambda number, actor, now: cases.log_chase(number, said(), actor=actor, now=now),
    lambda number, actor, now: cases.reassign(number, None, "理由", actor=actor, now=now),
    lambda number, actor, now: cases.declare_stopped(number, OffRoad.RETIRED, "理由", actor=actor, now=now),
    lambda number, actor, now: cases.note_cover(number, noted(), actor=actor, now=now),
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("who", ["safety_gongyi", "hq", "claims1"])
def test_only_who_chases_acts(
    world: World, case: MissedCoverCase, now: datetime, who: str, act: Callable[..., object]
) -> None:
    with pytest.raises(Forbidden):
        act(case.number, getattr(world, who), now)


def test_a_branch_sees_its_own_and_another_account_nothing(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    VehicleFactory(branch=world.zhongmu)
    renewals.watch(world.account.id, now=now)
    other = db.session.scalars(
        select(MissedCoverCase).where(MissedCoverCase.branch_id == world.zhongmu.id)
    ).one()
    assert case_views.read_case(case.number, actor=world.safety_gongyi, now=now).case is case
    for number, actor in ((other.number, world.safety_gongyi), (case.number, world.foreign_hq)):
        with pytest.raises(NotFound):
            case_views.read_case(number, actor=actor, now=now)
        with pytest.raises(NotFound):
            cases.client_says(number, "停了", actor=actor, now=now)
    assert [row.case for row in missed(world, world.safety_gongyi, now)] == [case]
    assert missed(world, world.foreign_hq, now) == []


def missed(world: World, actor: User, now: datetime, wanted: MissedFilter | None = None) -> list[MissedRow]:
    wanted = wanted or MissedFilter()
    return list(MissedList(world.account.id, wanted, actor, now).read(PageRequest()).rows)


def test_a_list_read_in_portions_is_the_whole_list(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    for number in range(5):
        VehicleFactory(branch=world.zhongmu, plate=f"豫A0000{number}")
    later = now + timedelta(days=10)
    listed = MissedList(world.account.id, MissedFilter(), world.manager, later)
    whole = listed.read(PageRequest())
    assert whole.total == len(whole.rows) > 5
    assert listed.overdue == 1
    for size in (1, 2, 7):
        assert list(exports.in_portions(listed.read, portion=size)) == list(whole.rows)


def test_the_list_puts_overdue_first_and_filters(world: World, case: MissedCoverCase, now: datetime) -> None:
    later = now + timedelta(days=10)
    VehicleFactory(branch=world.zhongmu, plate="豫A00001")
    renewals.watch(world.account.id, now=later)

    def plates(**wanted: object) -> list[str | None]:
        rows = missed(world, world.manager, later, MissedFilter(**wanted))  # type: ignore[arg-type]
        return [row.missed.vehicle.plate for row in rows]

    assert plates() == ["豫A67890", "豫A00001"]
    assert plates(only_overdue=True) == ["豫A67890"]
    assert plates(layer=CARRIER) == ["豫A00001"]
    assert plates(branch_id=world.gongyi.id) == ["豫A67890"]
    assert plates(owner_id=world.manager.id) == []


def test_exposure_is_twice_the_premium_and_the_limits_in_force(
    world: World, case: MissedCoverCase, now: datetime
) -> None:
    (row,) = missed(world, world.underwriter, now)
    assert row.exposure is not None
    # A lorry of 9.99 t pays 3,450 yuan by the tariff of 2008.
    assert (row.exposure.penalty, row.exposure.borne) == (Decimal(6900), Decimal(200_000))


def test_closed_cases_are_listed(world: World, case: MissedCoverCase, now: datetime) -> None:
    at = now + timedelta(hours=1)
    cases.declare_stopped(case.number, OffRoad.RETIRED, "报废", actor=world.underwriter, now=at)
    page = case_views.list_closed(world.account.id, PageRequest(), actor=world.safety_gongyi, now=at)
    assert [row[0].number for row in page.rows] == [case.number]
    foreign = case_views.list_closed(world.account.id, PageRequest(), actor=world.foreign_hq, now=at)
    assert foreign.total == 0
