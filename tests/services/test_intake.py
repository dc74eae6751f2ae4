"""An accident report: taken whatever the cover, once, with a handler from the first minute."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, literal, select

from service_desk.base.errors import Conflict, Forbidden, InvalidMany
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim, ClaimCover, ClaimEvent, ReportChannel
from service_desk.models.db import UtcDateTime, days_apart, db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.fleet import PlateRecord, Vehicle
from service_desk.models.notices import Notice
from service_desk.models.policies import CoverSource, ExternalCover, PolicyState
from service_desk.models.sla import AbsenceKind, Timer, TimerState
from service_desk.models.users import User
from service_desk.presenters.intake import cover_lines
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services import sla
from service_desk.services.claims import intake
from service_desk.services.claims.intake import ReportCommand
from service_desk.services.documents import Upload
from service_desk.services.policies import coverage
from service_desk.services.sla import absences
from service_desk.services.sla.absences import PlanAbsence
from tests.claim_cases import file_store, picture
from tests.factories import CoverageFactory, PolicyFactory
from tests.world import World


@pytest.fixture(autouse=True)
def _levels(world: World, now: datetime) -> None:
    sla.install_defaults(now)
    db.session.commit()


@pytest.fixture
def command(world: World, now: datetime) -> ReportCommand:
    return ReportCommand(
        account_id=world.account.id,
        plate="豫A·12345",
        loss_at=now - timedelta(minutes=12),
        place="G310 巩义站街路口",
        description="雨天追尾前方货车",
        reporter_name="郭永刚",
        callback_phone="139 3710 8891",
        injured_count=1,
        # Several reports of one vehicle here are as many accidents.
        duplicate_answer=intake.NEW,
    )


def report(
    command: ReportCommand, actor: User, now: datetime, *, photos: tuple[Upload, ...] = (), key: str = "k1"
) -> Claim:
    number = intake.report(command, photos=photos, key=key, actor=actor, now=now, files=file_store())
    db.session.commit()
    return db.session.scalars(select(Claim).where(Claim.number == number)).one()


def refusals(command: ReportCommand, actor: User, now: datetime) -> list[tuple[str, str | None]]:
    with pytest.raises(InvalidMany) as refused:
        intake.report(command, photos=[], key="", actor=actor, now=now, files=file_store())
    db.session.rollback()
    return [(problem.code, problem.field) for problem in refused.value.problems]


def insure(world: World, starts_at: datetime, *, vehicle: Vehicle | None = None, **values) -> None:
    policy = PolicyFactory(
        vehicle=vehicle or world.coach, issued_by=world.underwriter, starts_at=starts_at, **values
    )
    CoverageFactory(policy=policy, code=CoverCode.CTPL, limit_fen=200_000_00)
    db.session.commit()


def covers_of(claim: Claim) -> list[ClaimCover]:
    return list(db.session.scalars(select(ClaimCover).where(ClaimCover.claim_id == claim.id)))


def test_a_branch_reports_and_has_a_number_and_a_handler_at_once(
    world: World, command: ReportCommand, now: datetime
) -> None:
    claim = report(command, world.safety_gongyi, now, photos=(picture(), picture("对方.jpg")))

    assert claim.number == "CLM-2026-000001"
    assert (claim.state, claim.channel) == (ClaimState.REPORTED, ReportChannel.PORTAL)
    assert (claim.plate, claim.branch_id, claim.is_urban) == ("豫A12345", world.gongyi.id, False)
    assert claim.owner_id == world.claims1.id
    assert (claim.loss_at, claim.reported_at) == (command.loss_at, now)
    timers = {
        timer.step: (timer.state, timer.holder_id, timer.started_at)
        for timer in db.session.scalars(select(Timer).where(Timer.matter_id == claim.id))
    }
    expected = (TimerState.RUNNING, world.claims1.id, now)
    assert timers == {ClockStep.DISPATCH: expected, ClockStep.SURVEY: expected}
    assert db.session.scalars(select(ClaimEvent.kind)).all() == ["reported"]
    assert db.session.scalar(select(AuditEntry).where(AuditEntry.action == "claim_reported")) is not None


def test_photos_are_kept_re_encoded_with_the_original_beside(
    world: World, command: ReportCommand, now: datetime
) -> None:
    claim = report(command, world.safety_gongyi, now, photos=(picture("现场.jpg"),))

    (photo,) = db.session.scalars(select(Document).where(Document.matter_id == claim.id)).all()
    assert (photo.kind, photo.filename, photo.content_type) == (
        DocumentKind.SCENE_PHOTO,
        "现场.jpg",
        "image/jpeg",
    )
    assert photo.storage_key != photo.original_key


def test_the_first_contact_of_a_claim_is_its_handler_or_who_took_the_call(
    world: World, command: ReportCommand, now: datetime
) -> None:
    by_portal = report(command, world.safety_gongyi, now, key="a")
    by_phone = report(command, world.underwriter, now, key="b")

    owners = dict(
        db.session.execute(
            select(Enquiry.claim_id, Enquiry.owner_id).where(Enquiry.channel == EnquiryChannel.CLAIM_REPORT)
        )
        .tuples()
        .all()
    )
    assert owners == {by_portal.id: by_portal.owner_id, by_phone.id: world.underwriter.id}
    assert by_phone.channel is ReportChannel.PHONE


def test_the_handler_is_who_took_it_when_they_handle_claims_else_who_has_the_fewest_open(
    world: World, command: ReportCommand, now: datetime
) -> None:
    own = report(command, world.claims1, now, key="a")
    managers = report(replace(command, channel=ReportChannel.VISIT), world.manager, now, key="b")
    next_one = report(command, world.safety_gongyi, now, key="c")

    assert own.owner_id == world.claims1.id
    assert (managers.owner_id, managers.channel) == (world.manager.id, ReportChannel.VISIT)
    assert next_one.owner_id == world.claims2.id


def test_both_sides_are_told_the_handlers_name_number_and_phone(
    world: World, command: ReportCommand, now: datetime
) -> None:
    report(command, world.safety_gongyi, now)

    told = {notice.kind: notice for notice in db.session.scalars(select(Notice).order_by(Notice.id.desc()))}
    assert told["claim_reported"].user_id == world.claims1.id
    received = told["claim_received"]
    assert received.user_id == world.safety_gongyi.id
    assert (received.params["handler"], received.params["handler_no"], received.params["handler_phone"]) == (
        world.claims1.name,
        world.claims1.staff_no,
        world.claims1.phone,
    )


def test_a_handler_who_took_the_call_is_not_told_what_they_know_but_the_branch_is(
    world: World, command: ReportCommand, now: datetime
) -> None:
    report(command, world.claims1, now)

    assert {
        (notice.kind, notice.user_id) for notice in db.session.scalars(select(Notice).order_by(Notice.id))
    } == {("claim_received", world.safety_gongyi.id)}


def test_the_cover_is_the_one_at_the_time_of_loss_not_of_the_report(
    world: World, command: ReportCommand, now: datetime
) -> None:
    turn = now - timedelta(hours=1)
    insure(world, turn - timedelta(days=365), number="OLD")
    insure(world, turn, number="NEW")

    before = report(replace(command, loss_at=turn - timedelta(seconds=1)), world.safety_gongyi, now, key="a")
    after = report(replace(command, loss_at=turn), world.safety_gongyi, now, key="b")

    assert [cover.policy_number for cover in covers_of(before)] == ["OLD"]
    assert [cover.policy_number for cover in covers_of(after)] == ["NEW"]
    assert covers_of(after)[0].limit_fen == 200_000_00


def test_a_report_is_taken_without_cover_and_with_cover_of_another_insurer(
    world: World, command: ReportCommand, now: datetime
) -> None:
    began_at = now - timedelta(days=10)
    insure(world, began_at, state=PolicyState.CANCELLED, ends_at=began_at)
    db.session.add(
        ExternalCover(
            account_id=world.account.id,
            vehicle_id=world.coach.id,
            line=PolicyLine.CTPL,
            ends_at=now + timedelta(days=40),
            source=CoverSource.CLIENT_LIST,
            noted_at=now,
        )
    )

    claim = report(command, world.safety_gongyi, now)

    assert claim.state is ClaimState.REPORTED
    assert covers_of(claim) == []


def test_covers_of_two_policies_of_one_line_are_all_kept(
    world: World, command: ReportCommand, now: datetime
) -> None:
    """As a list taken over states them: third party in one policy, own damage in another."""
    held = ((CoverCode.TPL, 2), (CoverCode.OWN_DAMAGE, 1), (CoverCode.TPL, 1))
    for code, months in held:
        policy = PolicyFactory(
            vehicle=world.coach,
            line=PolicyLine.COMMERCIAL,
            starts_at=now - timedelta(days=30 * months),
            issued_by=world.underwriter,
        )
        CoverageFactory(policy=policy, code=code, limit_fen=months * 1_000_000_00)

    covers = covers_of(report(command, world.safety_gongyi, now))

    assert [(one.code, one.limit_fen) for one in covers] == [
        ("tpl", 2_000_000_00),
        ("own_damage", 1_000_000_00),
    ]
    assert len(cover_lines(coverage.covers_at(world.coach.id, now), ())) == 2


def test_the_same_submission_twice_is_one_claim(world: World, command: ReportCommand, now: datetime) -> None:
    first = report(command, world.safety_gongyi, now)
    second = report(replace(command, description="另一句话"), world.safety_gongyi, now + timedelta(minutes=1))

    assert second.number == first.number
    assert db.session.scalar(select(func.count(Claim.id))) == 1
    # Another person's key of the same letters is theirs.
    assert report(command, world.claims1, now).number != first.number


def test_a_double_click_that_arrives_at_the_same_moment_is_one_claim(
    app: Flask, world: World, command: ReportCommand, now: datetime
) -> None:
    user_id, start, numbers = world.safety_gongyi.id, threading.Barrier(2), []

    def send() -> None:
        with app.app_context():
            start.wait()
            db.session.connection(execution_options={"begin_immediate": True})
            actor = db.session.get_one(User, user_id)
            numbers.append(
                intake.report(command, photos=[], key="same", actor=actor, now=now, files=file_store())
            )
            db.session.commit()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()

    assert numbers == ["CLM-2026-000001", "CLM-2026-000001"]
    assert db.session.scalar(select(func.count(Claim.id))) == 1


@pytest.mark.parametrize(
    ("plate", "code"),
    [
        ("豫AD12345", "plate_unknown"),
        ("豫C88661", "plate_unknown"),
        ("豫A99999", "plate_unknown"),
        ("豫AI2345", "plate_unknown_suggest"),
        ("  ", "required"),
    ],
)
def test_a_branch_reports_its_own_vehicles_only(
    world: World, command: ReportCommand, now: datetime, plate: str, code: str
) -> None:
    assert refusals(replace(command, plate=plate), world.safety_gongyi, now) == [(code, "plate")]


def test_o_and_i_are_suggested_as_digits(world: World, command: ReportCommand, now: datetime) -> None:
    refusal = intake.plate_refusal("豫ai2345")

    assert refusal.params == {"plate": "豫AI2345", "suggestion": "豫A12345"}


def test_a_plate_given_back_leads_to_the_vehicle_that_had_it_at_the_time(
    world: World, command: ReportCommand, now: datetime
) -> None:
    changed_at = now - timedelta(days=3)
    record = db.session.scalars(select(PlateRecord).where(PlateRecord.vehicle_id == world.coach.id)).one()
    record.to_at, world.coach.plate = changed_at, "豫A54321"
    db.session.commit()

    earlier = replace(command, loss_at=changed_at - timedelta(minutes=1))
    assert report(earlier, world.safety_gongyi, now).vehicle_id == world.coach.id
    assert refusals(command, world.safety_gongyi, now) == [("plate_unknown", "plate")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"loss_at": timedelta(seconds=1)}, ("time_in_future", "loss_at")),
        ({"loss_at": -timedelta(days=732)}, ("loss_too_old", "loss_at")),
        ({"place": " "}, ("place_missing", "place")),
        ({"callback_phone": ""}, ("required", "callback_phone")),
        ({"callback_phone": "巩义站"}, ("phone_invalid", "callback_phone")),
        ({"injured_count": -1}, ("injured_invalid", "injured_count")),
        ({"place": "路" * 201}, ("words_too_long", "place")),
    ],
)
def test_what_is_missing_or_cannot_be_is_refused_beside_its_field(
    world: World, command: ReportCommand, now: datetime, changes: dict, expected: tuple[str, str]
) -> None:
    values = {name: now + value if name == "loss_at" else value for name, value in changes.items()}

    assert refusals(replace(command, **values), world.safety_gongyi, now) == [expected]


@pytest.mark.parametrize("phone", ["13937108891", "0371-6358 1122", "+86 139 3710 8891", "(0371)63581122-8"])
def test_a_phone_is_judged_leniently(world: World, command: ReportCommand, now: datetime, phone: str) -> None:
    assert report(replace(command, callback_phone=phone), world.safety_gongyi, now).callback_phone == phone


def test_a_position_stands_for_a_place_and_now_is_not_the_future(
    world: World, command: ReportCommand, now: datetime
) -> None:
    at_scene = replace(command, place="", latitude=34.748, longitude=112.982, accuracy_m=12, loss_at=now)

    claim = report(at_scene, world.safety_gongyi, now)

    assert (claim.latitude, claim.longitude, claim.accuracy_m) == (34.748, 112.982, 12)


def test_all_refusals_come_at_once_and_nothing_is_written(
    world: World, command: ReportCommand, now: datetime
) -> None:
    wrong = replace(command, plate="豫A00000", place="", description="", callback_phone="12")

    codes = refusals(wrong, world.safety_gongyi, now)

    assert [field for _, field in codes] == ["plate", "place", "callback_phone"]
    assert db.session.scalar(select(func.count(Claim.id))) == 0


def test_a_file_that_is_no_photo_is_refused_by_name_and_the_report_not_half_taken(
    world: World, command: ReportCommand, now: datetime
) -> None:
    bad = Upload("合同.pdf", b"%PDF-1.7")

    with pytest.raises(Exception, match="photo_unreadable") as refused:
        intake.report(
            command,
            photos=[picture(), bad],
            key="x",
            actor=world.safety_gongyi,
            now=now,
            files=file_store(),
        )
    db.session.rollback()

    assert refused.value.params["filename"] == "合同.pdf"
    assert db.session.scalar(select(func.count(Claim.id))) == 0
    # The key is free again: the corrected report is taken.
    assert report(command, world.safety_gongyi, now, photos=(picture(),), key="x").number == "CLM-2026-000001"


def test_without_anybody_who_handles_claims_the_report_is_refused_in_words(
    world: World, command: ReportCommand, now: datetime
) -> None:
    for user in (world.claims1, world.claims2, world.manager):
        user.is_active = False
    db.session.commit()

    with pytest.raises(Conflict, match="nobody_handles_claims"):
        intake.report(command, photos=[], key="", actor=world.hq, now=now, files=file_store())


def test_a_user_who_has_left_reports_nothing(world: World, command: ReportCommand, now: datetime) -> None:
    world.safety_gongyi.is_active = False

    with pytest.raises(Forbidden):
        intake.report(command, photos=[], key="", actor=world.safety_gongyi, now=now, files=file_store())


def test_suggestions_are_the_persons_own_vehicles(world: World) -> None:
    def plates(text: str, actor: User) -> list[str | None]:
        return [v.plate for v in intake.suggest_vehicles(world.account.id, text, actor=actor)]

    assert plates("12345", world.safety_gongyi) == ["豫A12345"]
    assert plates("a·67", world.safety_gongyi) == ["豫A67890"]
    assert plates("12345", world.hq) == ["豫A12345", "豫AD12345"]
    assert plates("", world.foreign_hq) == []


def test_a_report_asks_the_database_no_more_than_it_must(
    world: World, command: ReportCommand, now: datetime
) -> None:
    insure(world, now - timedelta(days=30))
    report(command, world.hq, now)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        report(command, world.hq, now, key="k2")
    finally:
        event.remove(db.engine, "before_cursor_execute", note)

    # Both numbers are taken together, the clocks start together, the messages go in together, nobody asks twice who
    # is away, and nothing is asked of a claim that nobody else can know: more would tell that this is so no more.
    # Two of them ask which channels hear of it and what its readers wish.
    assert len(asked) <= 31, "\n".join(asked)
    for once in ("INSERT INTO notices", "INSERT INTO number_sequences", "UPDATE claims", "FROM absences"):
        assert sum(once in statement for statement in asked) == 1, once
    assert not any("SAVEPOINT" in statement for statement in asked)


def test_who_takes_a_report_while_away_leaves_its_clocks_to_the_stand_in(
    world: World, command: ReportCommand, now: datetime
) -> None:
    away = PlanAbsence(
        world.claims1.id, world.claims2.id, AbsenceKind.LEAVE, now, now + timedelta(days=2), note=""
    )
    absences.plan(away, actor=world.claims1, now=now)
    db.session.commit()

    claim = report(command, world.claims1, now + timedelta(hours=1))

    timers = sla.timers_of("claim", [claim.id])[claim.id]
    held = {(timer.holder_id, timer.covered_id, timer.cycle) for timer in timers}
    assert (claim.owner_id, held) == (world.claims1.id, {(world.claims2.id, world.claims1.id, 1)})
    assert claim.next_due_at == min(timer.due_at for timer in timers if timer.due_at)
    told = select(AuditEntry.changes).where(AuditEntry.action == "clock_started")
    assert [entry["holder_id"] for entry in db.session.scalars(told)] == [[None, world.claims2.id]] * len(
        timers
    )


def test_more_than_two_days_apart_is_found_to_the_millisecond(world: World) -> None:
    since = datetime(2026, 2, 27, 23, 59, 59, 999000, tzinfo=UTC)
    for step in range(40):
        reported = since + timedelta(hours=7 * step, milliseconds=13 * step)
        for extra, expected in ((0, False), (1, True)):
            at = reported + timedelta(days=2, milliseconds=extra)
            moments = (literal(moment, UtcDateTime) for moment in (at, reported))
            assert bool(db.session.scalar(select(days_apart(*moments, 2)))) is expected
