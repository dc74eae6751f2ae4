"""The duty roster: planned in turns, exchanged with consent, and who answers at 23:00."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.jobs import absences as job
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.duty import DutyShift, SwapState
from service_desk.models.enquiries import EnquiryChannel
from service_desk.models.notices import Notice
from service_desk.models.sla import AbsenceKind, Timer, TimerEntry
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.duty import DutyKind, ProblemKind
from service_desk.rules.permissions import Role
from service_desk.rules.sla import EventKind
from service_desk.services import duty, enquiries, sla
from service_desk.services.claims import intake
from service_desk.services.duty import planning, reading, swaps
from service_desk.services.duty.planning import Plan, ShiftDetails
from service_desk.services.enquiries import ContactDetails
from service_desk.services.notices import Matter
from service_desk.services.sla import absences, standing_in
from service_desk.services.sla.absences import PlanAbsence
from tests.factories import UserFactory
from tests.standing import once
from tests.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def china(text: str) -> datetime:
    """`11-23 18:00` of 2026 in Zhengzhou."""
    return datetime.strptime(f"2026-{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


# 23:00 of the Monday that the tests begin on.
NIGHT = china("11-23 23:00")


@pytest.fixture(autouse=True)
def _calendars(world: World, now: datetime) -> None:
    once(("defaults of duty", now), lambda: sla.install_defaults(now))
    db.session.commit()


def shift(world: World, user: User, from_at: str, to_at: str, now: datetime) -> DutyShift:
    details = ShiftDetails(user.id, DutyKind.NIGHT, china(from_at), china(to_at))
    made = planning.add(world.account.id, details, actor=world.manager, now=now)
    db.session.commit()
    return made


def told(kind: str) -> list[int | None]:
    statement = select(Notice.user_id).where(Notice.kind == kind, Notice.channel == "in_app")
    return list(db.session.scalars(statement.order_by(Notice.id)))


def actions() -> list[str]:
    statement = select(AuditEntry.action).where(AuditEntry.action.like("duty_%"))
    return list(db.session.scalars(statement.order_by(AuditEntry.id)))


def test_a_year_is_planned_in_turns_and_planned_again_only_where_nobody_is(
    world: World, now: datetime
) -> None:
    people = (world.claims1.id, world.claims2.id, world.underwriter.id)
    year = Plan(date(2026, 11, 23), date(2027, 11, 22), people)
    planned = planning.plan(world.account.id, year, actor=world.manager, now=now)
    db.session.commit()

    assert (planned.entered, planned.removed, planned.unfilled) == (365, 0, 0)
    found = reading.read_roster(
        world.account.id, date(2027, 1, 1), date(2027, 12, 31), actor=world.claims1, now=now
    )
    assert {load.user.id for load in found.loads} == set(people)
    # New Year's Day is a statutory holiday, the Saturday after a weekend.
    kinds = {row.shift.from_at: row.shift.kind for row in found.rows}
    assert kinds[china("01-01 08:30").replace(year=2027)] is DutyKind.HOLIDAY
    # After the last planned day nobody is on: that is shown from there on.
    assert {one.kind for one in found.problems} == {ProblemKind.GAP}
    assert min(one.span.from_at for one in found.problems) > china("11-22 12:00").replace(year=2027)
    assert sorted(told("duty_shift")) == sorted(people)

    again = planning.plan(world.account.id, year, actor=world.manager, now=now)
    anew = planning.plan(
        world.account.id,
        Plan(year.from_on, year.from_on, people[:1], replaces=True),
        actor=world.manager,
        now=now,
    )
    db.session.commit()
    assert (again.entered, anew.entered, anew.removed) == (0, 1, 1)
    assert actions().count("duty_planned") == 3


def test_two_who_plan_at_once_plan_each_night_once(app: Flask, world: World, now: datetime) -> None:
    week = Plan(date(2026, 11, 23), date(2026, 11, 29), (world.claims1.id, world.claims2.id))
    account_id, planners = world.account.id, (world.manager.id, world.admin.id)
    start_line, done = threading.Barrier(2), []

    def act(user_id: int) -> None:
        with app.app_context():
            start_line.wait()
            db.session.connection(execution_options={"begin_immediate": True})
            planning.plan(account_id, week, actor=db.session.get_one(User, user_id), now=now)
            db.session.commit()
            done.append(user_id)

    threads = [threading.Thread(target=act, args=(user_id,)) for user_id in planners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()

    nights = db.session.scalars(select(DutyShift.from_at)).all()
    assert sorted(done) == sorted(planners)
    assert len(nights) == len(set(nights)) == 7


def test_shifts_are_edited_and_what_is_wrong_is_shown(world: World, now: datetime) -> None:
    first = shift(world, world.claims1, "11-23 17:30", "11-24 08:30", now)
    second = shift(world, world.claims2, "11-24 06:00", "11-24 12:00", now)
    away = PlanAbsence(
        world.claims2.id, world.claims1.id, AbsenceKind.LEAVE, china("11-24 00:00"), china("11-25 00:00")
    )
    absences.plan(away, actor=world.claims2, now=now)
    db.session.commit()

    day = date(2026, 11, 23)
    found = reading.read_roster(world.account.id, day, day + DAY, actor=world.claims1, now=now)
    assert [(one.kind, one.key) for one in found.problems] == [
        (ProblemKind.AWAY, second.id),
        (ProblemKind.DOUBLE, first.id),
        (ProblemKind.GAP, None),
    ]

    later = ShiftDetails(world.manager.id, DutyKind.NIGHT, china("11-24 17:30"), china("11-25 08:30"))
    planning.change(second.id, later, second.version, actor=world.manager, now=now)
    db.session.commit()
    assert reading.read_roster(world.account.id, day, day + DAY, actor=world.claims1, now=now).problems == []
    with pytest.raises(Conflict, match="stale"):
        planning.change(second.id, later, 1, actor=world.manager, now=now)
    with pytest.raises(Conflict, match="duty_over"):
        planning.remove(first.id, first.version, actor=world.manager, now=china("11-24 08:30"))
    with pytest.raises(Invalid, match="duty_person_unsuitable"):
        planning.add(
            world.account.id,
            ShiftDetails(world.hq.id, DutyKind.NIGHT, china("11-26 17:30"), china("11-27 08:30")),
            actor=world.manager,
            now=now,
        )
    planning.remove(first.id, first.version, actor=world.manager, now=now)
    assert actions() == [
        "duty_shift_added",
        "duty_shift_added",
        "duty_shift_changed",
        "duty_shift_removed",
    ]


def test_who_may_see_and_edit_the_roster(world: World, now: datetime) -> None:
    one = shift(world, world.claims1, "11-23 17:30", "11-24 08:30", now)
    details = ShiftDetails(world.claims2.id, DutyKind.NIGHT, one.from_at, one.to_at)
    day = date(2026, 11, 23)

    for reader in (world.hq, world.safety_gongyi, world.claims2, world.admin):
        on = duty.who_is_on(world.account.id, actor=reader, now=NIGHT)
        assert [row.user.id for row in on] == [world.claims1.id]
    assert duty.who_is_on(world.account.id, actor=world.hq, now=now) == []
    for client in (world.hq, world.safety_gongyi):
        with pytest.raises(Forbidden):
            reading.read_roster(world.account.id, day, day, actor=client, now=now)
        with pytest.raises(Forbidden):
            swaps.ask(one.id, world.claims2.id, None, "", actor=client, now=now)
    for staff in (world.claims1, world.underwriter, world.hq):
        with pytest.raises(Forbidden):
            planning.change(one.id, details, one.version, actor=staff, now=now)
    with pytest.raises(NotFound):
        duty.who_is_on(world.account.id, actor=world.foreign_hq, now=now)
    stranger = UserFactory(username="foreign-manager", role=Role.MANAGER, accounts=[world.foreign_account])
    db.session.commit()
    with pytest.raises(NotFound):
        planning.change(one.id, details, one.version, actor=stranger, now=now)
    with pytest.raises(NotFound):
        reading.read_roster(world.account.id, day, day, actor=stranger, now=now)


def test_nobody_is_entered_for_hours_they_have_at_another_account(world: World, now: datetime) -> None:
    runner = UserFactory(
        username="both", role=Role.CLAIMS, accounts=[world.account, world.foreign_account], name="马骏"
    )
    theirs = UserFactory(username="foreign-manager", role=Role.MANAGER, accounts=[world.foreign_account])
    db.session.commit()
    night = ShiftDetails(runner.id, DutyKind.NIGHT, china("11-30 17:30"), china("12-01 08:30"))
    planning.add(world.foreign_account.id, night, actor=theirs, now=now)
    own = shift(world, world.claims1, "11-30 20:00", "12-01 08:30", now)

    with pytest.raises(Invalid, match="duty_swap_busy") as refused:
        planning.add(
            world.account.id, replace(night, to_at=china("12-02 08:30")), actor=world.manager, now=now
        )
    assert (refused.value.field, refused.value.params["day"]) == ("user_id", "2026-11-30")
    taken_over = replace(night, from_at=own.from_at)
    with pytest.raises(Invalid, match="duty_swap_busy"):
        planning.change(own.id, taken_over, own.version, actor=world.manager, now=now)
    # What begins when the other ends is free, and two at one account are an error of its roster.
    shift(world, runner, "12-01 08:30", "12-01 20:00", now)
    shift(world, runner, "12-01 19:00", "12-02 08:30", now)


def test_a_swap_counts_only_when_accepted_and_the_manager_sees_it(world: World, now: datetime) -> None:
    mine = shift(world, world.claims1, "11-25 17:30", "11-26 08:30", now)
    theirs = shift(world, world.claims2, "11-27 17:30", "11-28 08:30", now)
    refused = swaps.ask(mine.id, world.claims2.id, theirs.id, "家里有事", actor=world.claims1, now=now)
    db.session.commit()
    with pytest.raises(Conflict, match="duty_swap_open"):
        swaps.ask(mine.id, world.underwriter.id, None, "", actor=world.claims1, now=now)
    with pytest.raises(NotFound):
        swaps.accept(refused.id, actor=world.manager, now=now)
    with pytest.raises(Invalid, match="reason_missing"):
        swaps.refuse(refused.id, " ", actor=world.claims2, now=now)
    swaps.refuse(refused.id, "当晚有约", actor=world.claims2, now=now)
    db.session.commit()
    assert (mine.user_id, theirs.user_id) == (world.claims1.id, world.claims2.id)

    agreed = swaps.ask(mine.id, world.claims2.id, theirs.id, "", actor=world.claims1, now=now)
    swaps.accept(agreed.id, actor=world.claims2, now=now)
    db.session.commit()

    assert (mine.user_id, theirs.user_id) == (world.claims2.id, world.claims1.id)
    rows = swaps.list_swaps(world.account.id, actor=world.manager)
    assert [row.swap.state for row in rows] == [SwapState.ACCEPTED, SwapState.REFUSED]
    assert swaps.list_swaps(world.account.id, actor=world.underwriter) == []
    assert told("duty_swap") == [
        world.claims2.id,
        world.claims1.id,
        world.claims2.id,
        world.claims1.id,
        world.manager.id,
    ]
    with pytest.raises(Conflict, match="duty_swap_decided"):
        swaps.withdraw(agreed.id, actor=world.claims1, now=now)


def test_a_swap_that_no_longer_fits_is_refused(world: World, now: datetime) -> None:
    mine = shift(world, world.claims1, "11-25 17:30", "11-26 08:30", now)
    with pytest.raises(Forbidden, match="duty_not_yours"):
        swaps.ask(mine.id, world.claims1.id, None, "", actor=world.claims2, now=now)
    asked = swaps.ask(mine.id, world.claims2.id, None, "", actor=world.claims1, now=now)
    away = PlanAbsence(
        world.claims2.id, world.claims1.id, AbsenceKind.LEAVE, china("11-25 08:00"), china("11-25 20:00")
    )
    absence = absences.plan(away, actor=world.claims2, now=now)
    db.session.commit()
    with pytest.raises(Conflict, match="duty_swap_away"):
        swaps.accept(asked.id, actor=world.claims2, now=now)
    with pytest.raises(Conflict, match="duty_swap_overtaken"):
        swaps.accept(asked.id, actor=world.claims2, now=china("11-25 17:30"))
    absences.cancel(absence.id, absence.version, actor=world.claims2, now=now)
    # The same evening, for whichever account it is.
    shift(world, world.claims2, "11-25 12:00", "11-25 18:00", now)
    with pytest.raises(Conflict, match="duty_swap_busy"):
        swaps.accept(asked.id, actor=world.claims2, now=now)
    world.claims2.role = Role.ADMIN
    with pytest.raises(Conflict, match="duty_swap_overtaken"):
        swaps.accept(asked.id, actor=world.claims2, now=now)
    details = ShiftDetails(world.claims1.id, DutyKind.NIGHT, mine.from_at, mine.to_at + HOUR)
    planning.change(mine.id, details, mine.version, actor=world.manager, now=now)
    db.session.refresh(asked)
    assert asked.state is SwapState.WITHDRAWN


def start(world: World, at: datetime, *, holder: User) -> Timer:
    matter = Matter("claim", 7, "CLM-2026-000007", world.account.id, world.gongyi.id)
    timer = sla.start(matter, ClockStep.SURVEY, holder_id=holder.id, at=at, actor=holder, now=at)
    assert timer is not None
    db.session.commit()
    return timer


def moves(timer: Timer) -> list[tuple[str, datetime, int]]:
    statement = select(TimerEntry).where(TimerEntry.timer_id == timer.id, TimerEntry.kind != EventKind.START)
    rows = db.session.scalars(statement.order_by(TimerEntry.at, TimerEntry.id))
    return [(one.kind.value, one.at, one.holder_id) for one in rows]


@pytest.fixture
def on_leave(world: World, now: datetime):
    """claims1 takes leave from 20:00 until the morning after next, covered by the roster of claims2's nights."""
    shift(world, world.claims2, "11-23 17:30", "11-24 08:30", now)
    shift(world, world.manager, "11-24 17:30", "11-25 08:30", now)
    command = PlanAbsence(
        world.claims1.id, None, AbsenceKind.LEAVE, china("11-23 20:00"), china("11-25 09:00")
    )
    absence = absences.plan(command, actor=world.claims1, now=now)
    db.session.commit()
    return absence


def test_leave_is_covered_by_the_roster_and_the_ledger_follows_it(
    world: World, now: datetime, on_leave
) -> None:
    timer = start(world, now, holder=world.claims1)
    for at in ("11-23 20:00", "11-23 23:00", "11-24 08:30", "11-24 17:30", "11-25 08:30", "11-25 09:00"):
        job.run(china(at))

    # By night who is on duty, by day a manager; the manager's own night needs no entry, and at the end it comes back.
    assert moves(timer) == [
        ("substitute", china("11-23 20:00"), world.claims2.id),
        ("substitute", china("11-24 08:30"), world.manager.id),
        ("return", china("11-25 09:00"), world.claims1.id),
    ]
    assert told("standing_in")[:1] == [world.claims2.id]
    assert told("clocks_returned") == [world.claims1.id]


def test_after_an_outage_the_changes_stand_at_their_true_instants(
    world: World, now: datetime, on_leave
) -> None:
    timer = start(world, now, holder=world.claims1)
    job.run(china("11-24 10:00"))

    assert [move[:2] for move in moves(timer)] == [
        ("substitute", china("11-23 20:00")),
        ("substitute", china("11-24 08:30")),
    ]


def test_at_23_00_whoever_is_on_duty_answers_for_who_is_on_leave(
    world: World, now: datetime, on_leave
) -> None:
    job.run(china("11-23 20:00"))
    away = standing_in.away_now([world.claims1.id], NIGHT, account_id=world.account.id)[world.claims1.id]
    assert away.substitute == world.claims2
    # A clock that starts for the absent goes to who is on duty at once.
    timer = start(world, NIGHT, holder=world.claims1)
    assert (timer.holder_id, timer.covered_id) == (world.claims2.id, world.claims1.id)
    # The roster changes: the clocks follow within the job's half minute.
    row = db.session.scalars(select(DutyShift).order_by(DutyShift.from_at)).first()
    details = ShiftDetails(world.manager.id, DutyKind.NIGHT, row.from_at, row.to_at)
    planning.change(row.id, details, row.version, actor=world.manager, now=NIGHT)
    db.session.commit()
    job.run(NIGHT + timedelta(seconds=30))
    db.session.refresh(timer)
    assert timer.holder_id == world.manager.id


def test_the_roster_covers_only_where_it_has_somebody(world: World, now: datetime) -> None:
    command = PlanAbsence(
        world.claims1.id, None, AbsenceKind.LEAVE, china("11-23 20:00"), china("11-25 09:00")
    )
    with pytest.raises(Invalid, match="roster_empty"):
        absences.plan(command, actor=world.claims1, now=now)


def test_a_named_stand_in_and_the_roster_take_turns(world: World, now: datetime, on_leave) -> None:
    timer = start(world, now, holder=world.claims1)
    job.run(china("11-23 20:00"))
    db.session.refresh(on_leave)
    at = china("11-23 21:00")
    absences.name_another(on_leave.id, world.manager.id, on_leave.version, actor=world.claims1, now=at)
    db.session.commit()
    assert (timer.holder_id, on_leave.next_change_at) == (world.manager.id, china("11-25 09:00"))
    absences.name_another(on_leave.id, None, on_leave.version, actor=world.claims1, now=at + HOUR)
    db.session.commit()
    assert (timer.holder_id, on_leave.next_change_at) == (world.claims2.id, china("11-24 08:30"))


def report(world: World, at: datetime, plate: str = "豫A12345") -> Claim:
    command = intake.ReportCommand(
        account_id=world.account.id,
        plate=plate,
        loss_at=at - timedelta(minutes=10),
        place="G310 巩义站街路口",
        latitude=None,
        longitude=None,
        accuracy_m=None,
        description="追尾",
        injured_count=0,
        other_party="",
        callback_phone="139 3710 8891",
        reporter_name="",
    )
    number = intake.report(
        command, photos=(), key=f"k{at:%d%H%M}", actor=world.safety_gongyi, now=at, files=None
    )
    db.session.commit()
    return db.session.scalars(select(Claim).where(Claim.number == number)).one()


def test_an_accident_at_night_is_handled_by_who_is_on_duty(world: World, now: datetime) -> None:
    # claims1 would be first by staff number, were nobody on duty.
    shift(world, world.claims2, "11-23 17:30", "11-24 08:30", now)
    assert report(world, NIGHT).owner_id == world.claims2.id
    assert report(world, china("11-24 10:00"), world.truck.plate).owner_id == world.claims1.id


def test_on_duty_but_not_for_claims_leaves_the_report_to_who_handles_them(
    world: World, now: datetime
) -> None:
    shift(world, world.underwriter, "11-23 17:30", "11-24 08:30", now)
    assert report(world, NIGHT).owner_id == world.claims1.id


def test_a_message_at_night_is_owned_by_who_is_on_duty(world: World, now: datetime) -> None:
    shift(world, world.manager, "11-23 17:30", "11-24 08:30", now)
    details = ContactDetails(EnquiryChannel.MESSAGE, "郭永刚", "139 3710 8891", "保单开票", "", "", None)
    by_night = enquiries.log_contact(world.account.id, details, actor=world.safety_gongyi, now=NIGHT)
    by_day = enquiries.log_contact(world.account.id, details, actor=world.safety_gongyi, now=now)
    assert by_night.owner_id == world.manager.id
    assert by_day.owner_id != world.manager.id
    assert db.session.scalar(select(func.count()).select_from(DutyShift)) == 1
