"""One accident is one claim for each vehicle: asked when in doubt, linked when several, completed later."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.claim_intake import AccidentEvent
from service_desk.models.claims import Claim, ClaimCover, ClaimEvent
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.notices import Notice
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.vocabulary import CoverCode
from service_desk.services import sla
from service_desk.services.claims import accidents, completing, exits, intake, queries
from service_desk.services.claims.accidents import LinkClaim
from service_desk.services.claims.completing import CompleteReport
from service_desk.services.claims.intake import ReportCommand
from service_desk.services.claims.queries import ClaimFilter, QueueView
from tests.claim_cases import Journey, file_store, least_report, picture, reported_claim
from tests.factories import CoverageFactory, PolicyFactory
from tests.world import World


@pytest.fixture(autouse=True)
def _levels(world: World, now: datetime) -> None:
    sla.install_defaults(now)
    db.session.commit()


@pytest.fixture
def command(world: World, now: datetime) -> ReportCommand:
    return least_report(world, now)


def report(command: ReportCommand, actor: User, now: datetime, **values: Any) -> Claim:
    sent: dict[str, Any] = {"photos": [], "key": "", "files": file_store()} | values
    number = intake.report(command, actor=actor, now=now, **sent)
    db.session.commit()
    return db.session.scalars(select(Claim).where(Claim.number == number)).one()


def asked(command: ReportCommand, actor: User, now: datetime) -> dict[str, Any]:
    with pytest.raises(Conflict, match="possible_duplicate") as question:
        report(command, actor, now)
    db.session.rollback()
    return question.value.params


def events(claim: Claim) -> list[str]:
    statement = select(ClaimEvent.kind).where(ClaimEvent.claim_id == claim.id).order_by(ClaimEvent.id)
    return list(db.session.scalars(statement))


def count_claims() -> int:
    return db.session.scalar(select(func.count(Claim.id))) or 0


def test_minimal_fields_are_enough_and_name_whom_to_ask(
    world: World, command: ReportCommand, now: datetime
) -> None:
    by_branch = report(command, world.safety_gongyi, now)
    by_phone = report(replace(command, plate="豫A67890"), world.claims1, now)

    assert (by_branch.description, by_branch.reporter_name) == ("", world.safety_gongyi.name)
    assert by_phone.reporter_name == "13937108891"


def test_a_second_claim_of_a_vehicle_within_a_day_is_asked_about(
    world: World, command: ReportCommand, now: datetime
) -> None:
    first = report(command, world.safety_gongyi, now)

    question = asked(replace(command, loss_at=now - timedelta(hours=20)), world.claims1, now)

    (shown,) = question["claims"]
    assert (shown["number"], shown["plate"], shown["place"]) == (first.number, "豫A12345", first.place)
    assert shown["handler"] == world.claims1.name
    assert count_claims() == 1
    long_ago = replace(command, loss_at=command.loss_at - timedelta(hours=24, minutes=1))
    assert report(long_ago, world.claims1, now).number != first.number


def test_an_ended_claim_is_asked_about_too_and_a_strangers_not_named(
    world: World, command: ReportCommand, now: datetime
) -> None:
    withdrawn = report(replace(command, plate="豫AD12345", other_party="豫VD2035"), world.hq, now)
    withdrawn.state = ClaimState.WITHDRAWN
    db.session.commit()

    question = asked(
        replace(command, other_party="张先生 豫V·D2035"), world.safety_gongyi, now + timedelta(hours=1)
    )

    # Of another branch: counted, not told.
    assert (question["claims"], question["unseen"], question["count"]) == ([], 1, 1)
    seen = asked(replace(command, other_party="豫VD2035"), world.hq, now)["claims"]
    assert [(one["number"], one["likeness"]) for one in seen] == [(withdrawn.number, "same_other_party")]


def test_another_accident_is_a_claim_of_its_own_that_says_it_was_asked(
    world: World, command: ReportCommand, now: datetime
) -> None:
    first = report(command, world.safety_gongyi, now)

    second = report(replace(command, duplicate_answer="new"), world.safety_gongyi, now)

    assert events(second) == ["reported", "reported_anew"]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "claim_reported_anew")).one()
    assert entry.changes == {"possible_duplicates": [None, [first.number]]}
    # An answer about one claim says nothing of another that was not shown.
    answered = replace(command, duplicate_answer="new", asked_about=(first.number,))
    question = asked(answered, world.safety_gongyi, now)
    assert {one["number"] for one in question["claims"]} == {first.number, second.number}


def test_the_same_accident_gets_the_words_and_photos_and_its_handler_is_told(
    world: World, command: ReportCommand, now: datetime
) -> None:
    first = report(command, world.safety_gongyi, now)
    again = replace(command, description="又来一次", duplicate_answer="same", same_as=first.number)

    same = report(again, world.hq, now + timedelta(minutes=5), photos=[picture()], key="k")

    assert same.number == first.number
    assert count_claims() == 1
    line = db.session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "report_repeated")).one()
    assert (line.note, line.params["photos"], line.params["name"]) == ("又来一次", 1, world.hq.name)
    assert db.session.scalar(select(func.count(Document.id)).where(Document.matter_id == first.id)) == 1
    told = db.session.scalars(
        select(Notice).where(Notice.kind == "claim_report_repeated").order_by(Notice.id)
    ).all()
    assert {(notice.user_id, notice.params["is_ended"]) for notice in told} == {(first.owner_id, False)}
    assert report(again, world.hq, now, photos=[picture()], key="k").number == first.number
    assert db.session.scalar(select(func.count(Document.id))) == 1


def test_the_accident_of_an_ended_claim_is_asked_about_and_left_to_its_handler_to_reopen(
    world: World, command: ReportCommand, now: datetime
) -> None:
    ended = report(command, world.safety_gongyi, now)
    exits.withdraw(ended.number, "当场了结", actor=world.claims1, now=now + timedelta(minutes=1))
    db.session.commit()
    later = now + timedelta(hours=2)

    with pytest.raises(Conflict, match="possible_duplicate") as asked:
        report(command, world.hq, later)
    db.session.rollback()
    same = report(replace(command, duplicate_answer="same", same_as=ended.number), world.hq, later)

    assert [(one["number"], one["is_ended"]) for one in asked.value.params["claims"]] == [
        (ended.number, True)
    ]
    assert (same.number, same.state, count_claims()) == (ended.number, ClaimState.WITHDRAWN, 1)
    told = db.session.scalars(
        select(Notice).where(Notice.kind == "claim_report_repeated").order_by(Notice.id)
    ).all()
    assert {(notice.user_id, notice.params["is_ended"]) for notice in told} == {(ended.owner_id, True)}
    exits.reopen(ended.number, exits.Reopen("客户补报暗伤", 3_000_00), actor=world.claims1, now=later)
    assert (ended.state, ended.round) == (ClaimState.REPORTED, 2)


@pytest.mark.parametrize("answer", ["same", "linked"])
def test_an_answer_must_name_a_claim_that_was_shown_and_fits(
    world: World, command: ReportCommand, now: datetime, answer: str
) -> None:
    own = report(command, world.safety_gongyi, now)
    elsewhere = report(replace(command, plate="豫A67890"), world.hq, now)
    wrong = {"same": [elsewhere.number, "CLM-2026-999999"], "linked": [own.number]}[answer]

    for number in wrong:
        with pytest.raises(Conflict, match="similar_unknown"):
            report(replace(command, duplicate_answer=answer, same_as=number), world.safety_gongyi, now)
        db.session.rollback()


def test_two_who_report_one_vehicle_at_once_are_one_claim_and_one_question(
    app: Flask, world: World, command: ReportCommand, now: datetime
) -> None:
    ids, start, got = [world.safety_gongyi.id, world.hq.id], threading.Barrier(2), []

    def send(user_id: int) -> None:
        with app.app_context():
            start.wait()
            db.session.connection(execution_options={"begin_immediate": True})
            actor = db.session.get_one(User, user_id)
            try:
                got.append(
                    intake.report(command, photos=[], key="", actor=actor, now=now, files=file_store())
                )
                db.session.commit()
            except Conflict as question:
                got.append(question.code)
                db.session.rollback()

    threads = [threading.Thread(target=send, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()

    assert sorted(got) == ["CLM-2026-000001", "possible_duplicate"]
    assert count_claims() == 1


def test_several_vehicles_of_one_accident_are_linked_claims_of_one_handler(
    world: World, command: ReportCommand, now: datetime
) -> None:
    sent = replace(command, other_plates=("豫A·67890", "豫AD12345"), other_party="豫VD2035")

    first = report(sent, world.hq, now)

    claims = list(db.session.scalars(select(Claim).order_by(Claim.number)))
    assert [claim.plate for claim in claims] == ["豫A12345", "豫A67890", "豫AD12345"]
    assert {claim.owner_id for claim in claims} == {first.owner_id}
    view = accidents.read_event(first, actor=world.hq)
    assert view is not None
    assert [other.number for other, _handler in view.others] == [claims[1].number, claims[2].number]
    assert not view.event.is_own_collision
    # The branch sees its own two vehicles, and that there is a third.
    of_branch = accidents.read_event(first, actor=world.safety_gongyi)
    assert of_branch is not None
    assert ([other.plate for other, _handler in of_branch.others], of_branch.unseen) == (["豫A67890"], 1)


def test_two_own_vehicles_against_each_other_are_flagged(
    world: World, command: ReportCommand, now: datetime
) -> None:
    first = report(command, world.hq, now)
    other_side = replace(command, plate="豫A67890", other_party="豫A12345")
    (shown,) = asked(other_side, world.hq, now)["claims"]
    assert shown["likeness"] == "each_other"

    second = report(replace(other_side, duplicate_answer="linked", same_as=first.number), world.hq, now)

    view = accidents.read_event(second, actor=world.hq)
    assert view is not None
    assert view.event.is_own_collision
    assert [other.number for other, _handler in view.others] == [first.number]
    assert second.owner_id == first.owner_id
    assert events(second) == ["reported", "accident_joined"]


def test_an_unknown_or_repeated_plate_is_refused_with_the_others(
    world: World, command: ReportCommand, now: datetime
) -> None:
    with pytest.raises(InvalidMany) as refused:
        report(replace(command, other_plates=("豫A00000", "豫A12345")), world.hq, now)

    assert [(one.code, one.field) for one in refused.value.problems] == [
        ("plate_unknown", "other_plates"),
        ("plate_twice", "other_plates"),
    ]


def test_claims_are_linked_and_taken_apart_afterwards_with_a_reason(world: World, now: datetime) -> None:
    one, two = reported_claim(world, now), reported_claim(world, now, vehicle=world.truck)

    accidents.link(one.number, LinkClaim(two.number, "同一路口"), actor=world.claims1, now=now)
    db.session.commit()

    assert "accident_joined" in events(one)
    assert "accident_joined" in events(two)
    with pytest.raises(Invalid, match="linked_already"):
        accidents.link(two.number, LinkClaim(one.number, "再来"), actor=world.claims1, now=now)
    with pytest.raises(Invalid, match="reason_missing"):
        accidents.unlink(one.number, " ", actor=world.claims1, now=now)
    accidents.unlink(one.number, "不是同一起", actor=world.claims1, now=now)
    db.session.commit()
    # One vehicle alone is no accident of several: the other has left as well.
    assert accidents.read_event(two, actor=world.claims1) is None
    assert events(two)[-1] == "accident_left"
    with pytest.raises(Conflict, match="not_linked"):
        accidents.unlink(one.number, "又一次", actor=world.claims1, now=now)


def test_who_may_not_link_does_not_and_strangers_find_nothing(world: World, now: datetime) -> None:
    one, two = reported_claim(world, now), reported_claim(world, now, vehicle=world.truck)
    three = reported_claim(world, now, vehicle=world.coach)
    command = LinkClaim(two.number, "同一起")

    with pytest.raises(Forbidden):
        accidents.link(one.number, command, actor=world.safety_gongyi, now=now)
    with pytest.raises(NotFound):
        accidents.link(one.number, command, actor=world.foreign_hq, now=now)
    for number, code in (
        (one.number, "same_claim"),
        (three.number, "same_vehicle"),
        ("CLM-1", "claim_unknown"),
    ):
        with pytest.raises(Invalid, match=code):
            accidents.link(one.number, LinkClaim(number, "原因"), actor=world.claims1, now=now)
    accidents.link(one.number, command, actor=world.claims1, now=now)
    four = reported_claim(world, now, vehicle=world.bus)
    accidents.link(three.number, LinkClaim(four.number, "另一起"), actor=world.claims1, now=now)
    with pytest.raises(Conflict, match="in_two_accidents"):
        accidents.link(two.number, LinkClaim(three.number, "都算"), actor=world.claims1, now=now)
    db.session.rollback()


def test_a_late_report_is_taken_and_found_in_its_list(
    world: World, command: ReportCommand, now: datetime
) -> None:
    in_time = report(replace(command, loss_at=now - timedelta(hours=48)), world.hq, now)
    late = report(
        replace(command, plate="豫A67890", loss_at=now - timedelta(hours=49), late_reason="在外地"),
        world.hq,
        now,
    )

    page = queries.list_claims(
        world.account.id, ClaimFilter(QueueView.LATE), PageRequest(1, 50), actor=world.claims1, now=now
    )
    assert [row.claim.number for row in page.rows] == [late.number]
    assert late.late_reason == "在外地"
    assert in_time.state is ClaimState.REPORTED


def as_it_is(claim: Claim, **changes: Any) -> CompleteReport:
    known = {name: getattr(claim, name) for name in CompleteReport.__dataclass_fields__}
    return CompleteReport(**(known | changes))


def test_the_rest_of_a_report_comes_later_with_both_values_kept(
    world: World, command: ReportCommand, now: datetime
) -> None:
    claim = report(command, world.safety_gongyi, now)

    told = as_it_is(claim, description="追尾货车", injured_count=2)
    done = completing.complete(claim.number, told, actor=world.safety_gongyi, now=now)
    db.session.commit()

    assert (claim.description, claim.injured_count, done.covers) == ("追尾货车", 2, None)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "claim_report_completed")).one()
    assert entry.changes == {"description": ["", "追尾货车"], "injured_count": [0, 2]}
    with pytest.raises(Invalid, match="nothing_changed"):
        completing.complete(claim.number, as_it_is(claim), actor=world.claims1, now=now)
    # Another person of the client reads it, but it is not theirs to change.
    with pytest.raises(Forbidden):
        completing.complete(claim.number, as_it_is(claim, place="别处"), actor=world.hq, now=now)
    with pytest.raises(NotFound):
        completing.complete(claim.number, as_it_is(claim, place="别处"), actor=world.foreign_hq, now=now)


def test_another_time_of_loss_looks_the_cover_up_again(
    world: World, command: ReportCommand, now: datetime
) -> None:
    turn = now - timedelta(hours=1)
    for number, starts_at in (("OLD", turn - timedelta(days=365)), ("NEW", turn)):
        policy = PolicyFactory(
            vehicle=world.coach, issued_by=world.underwriter, starts_at=starts_at, number=number
        )
        CoverageFactory(policy=policy, code=CoverCode.CTPL, limit_fen=200_000_00)
    claim = report(command, world.safety_gongyi, now)

    moved = as_it_is(claim, loss_at=turn - timedelta(minutes=5))
    done = completing.complete(claim.number, moved, actor=world.claims1, now=now)

    assert done.covers == ([["ctpl", "NEW"]], [["ctpl", "OLD"]])
    kept = select(ClaimCover.policy_number).where(ClaimCover.claim_id == claim.id)
    assert db.session.scalars(kept).all() == ["OLD"]
    outside = as_it_is(claim, loss_at=turn - timedelta(days=400))
    nothing = completing.complete(claim.number, outside, actor=world.claims1, now=now)
    assert nothing.covers == ([["ctpl", "OLD"]], [])


def test_a_time_of_loss_keeps_the_order_of_dates_and_what_was_calculated(world: World, now: datetime) -> None:
    claim = reported_claim(world, now)
    after = as_it_is(claim, loss_at=claim.reported_at + timedelta(minutes=1))

    with pytest.raises(InvalidMany) as refused:
        completing.complete(claim.number, after, actor=world.claims1, now=now)
    assert [one.code for one in refused.value.problems] == ["loss_after_report"]
    journey = Journey(world, claim, now)
    journey.to(ClaimState.CALCULATED)
    earlier = as_it_is(claim, loss_at=claim.loss_at - timedelta(hours=1))
    with pytest.raises(Conflict, match="loss_time_calculated"):
        completing.complete(claim.number, earlier, actor=world.claims1, now=journey.now)
    completing.complete(
        claim.number, as_it_is(claim, place="站街路口东"), actor=world.claims1, now=journey.now
    )


def test_an_event_has_its_own_number(world: World, command: ReportCommand, now: datetime) -> None:
    report(replace(command, other_plates=("豫A67890",), is_own_collision=True), world.claims1, now)

    event = db.session.scalars(select(AccidentEvent)).one()
    assert (event.number, event.is_own_collision) == ("ACC-2026-000001", True)
