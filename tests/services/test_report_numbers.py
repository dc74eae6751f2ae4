"""The insurer's number of a report: entered with it or later, one accident's alone, found by whoever has only that."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState
from service_desk.services import search, sla
from service_desk.services.claims import accidents, intake, queries, report_numbers
from service_desk.services.claims.intake import ReportCommand
from service_desk.services.claims.queries import ClaimFilter, QueueView
from service_desk.services.claims.report_numbers import EnterReportNo
from tests.claim_cases import file_store, least_report
from tests.world import World

NUMBER = "RDZA202641010000001234"


@pytest.fixture(autouse=True)
def _levels(world: World, now: datetime) -> None:
    sla.install_defaults(now)
    db.session.commit()


@pytest.fixture
def command(world: World, now: datetime) -> ReportCommand:
    return least_report(world, now)


def report(command: ReportCommand, actor: User, now: datetime) -> Claim:
    number = intake.report(command, photos=[], key="", actor=actor, now=now, files=file_store())
    db.session.commit()
    return db.session.scalars(select(Claim).where(Claim.number == number)).one()


def enter(claim: Claim, number: str, actor: User, now: datetime, **values: Any) -> None:
    report_numbers.enter(claim.number, EnterReportNo(number), actor=actor, now=now, **values)
    db.session.commit()


def numbers() -> list[str | None]:
    return list(db.session.scalars(select(Claim.report_no).order_by(Claim.id)))


def test_staff_state_it_with_the_report_and_clients_do_not(
    world: World, command: ReportCommand, now: datetime
) -> None:
    by_phone = report(replace(command, report_no=" rdza-20264101 0000001234"), world.claims1, now)
    by_branch = report(
        replace(command, loss_at=now - timedelta(days=3), report_no="RDZA999"), world.safety_gongyi, now
    )

    assert (by_phone.report_no, by_phone.report_key) == (NUMBER, "RDZA202641010000001234")
    assert (by_branch.report_no, by_branch.report_key) == (None, None)


def test_one_report_of_several_vehicles_is_one_number(
    world: World, command: ReportCommand, now: datetime
) -> None:
    report(replace(command, other_plates=("豫A67890",), report_no=NUMBER), world.claims1, now)

    assert numbers() == [NUMBER, NUMBER]


@pytest.mark.parametrize("typed", ["1.23457E+20", "12345", "CLM-2026-000012", "报案号待定000000"])
def test_what_is_no_report_number_is_refused_with_all_else(
    world: World, command: ReportCommand, now: datetime, typed: str
) -> None:
    with pytest.raises(InvalidMany) as refused:
        report(replace(command, report_no=typed, place=""), world.claims1, now)

    assert [(one.code, one.field) for one in refused.value.problems] == [
        ("place_missing", "place"), ("report_no_invalid", "report_no"),
    ]  # fmt: skip


def test_a_report_with_the_number_of_another_accident_is_refused_and_of_the_same_taken(
    world: World, command: ReportCommand, now: datetime
) -> None:
    first = report(replace(command, report_no=NUMBER, other_party="豫VD2035"), world.claims1, now)
    elsewhere = replace(command, plate="豫A67890", loss_at=now - timedelta(days=9), report_no=NUMBER)

    with pytest.raises(Invalid, match="report_no_taken") as refused:
        report(elsewhere, world.claims1, now)
    db.session.rollback()

    assert refused.value.params["claim"] == first.number
    linked = replace(
        command,
        plate="豫A67890",
        other_party="豫VD2035",
        report_no=NUMBER,
        duplicate_answer=intake.LINKED,
        same_as=first.number,
    )
    assert report(linked, world.claims1, now).report_no == NUMBER


def test_a_second_report_brings_the_number_that_the_claim_lacks_and_never_another(
    world: World, command: ReportCommand, now: datetime
) -> None:
    claim = report(command, world.safety_gongyi, now)
    again = replace(command, duplicate_answer=intake.SAME, same_as=claim.number)

    report(replace(again, report_no=NUMBER), world.claims1, now + timedelta(minutes=1))
    report(replace(again, report_no="RDZA202641010000009999"), world.claims1, now + timedelta(minutes=2))

    assert numbers() == [NUMBER]
    repeated = db.session.scalars(
        select(ClaimEvent.params).where(ClaimEvent.kind == "report_repeated").order_by(ClaimEvent.id)
    )
    assert [one["report_no"] for one in repeated] == [NUMBER, "RDZA202641010000009999"]


def test_it_is_entered_corrected_and_taken_off_later_also_of_an_ended_claim(
    world: World, command: ReportCommand, now: datetime
) -> None:
    claim = report(command, world.safety_gongyi, now)
    claim.state, claim.closed_at = ClaimState.WITHDRAWN, now
    db.session.commit()

    enter(claim, NUMBER, world.claims2, now, version=claim.version)
    enter(claim, "rdza-1111 11", world.claims2, now + timedelta(minutes=1))
    enter(claim, "  ", world.manager, now + timedelta(minutes=2))

    changes = db.session.scalars(
        select(AuditEntry.changes)
        .where(AuditEntry.action == "claim_report_no_entered")
        .order_by(AuditEntry.id)
    )
    assert [one["report_no"] for one in changes] == [
        [None, NUMBER],
        [NUMBER, "RDZA111111"],
        ["RDZA111111", None],
    ]
    assert (claim.report_no, claim.report_key) == (None, None)
    events = db.session.scalars(
        select(ClaimEvent).where(ClaimEvent.kind == "report_no_entered").order_by(ClaimEvent.id)
    )
    assert [(one.params["report_no"], one.is_internal) for one in events] == [
        (NUMBER, False), ("RDZA111111", False), ("", False),
    ]  # fmt: skip


def test_wrong_input_and_strangers_are_refused(world: World, command: ReportCommand, now: datetime) -> None:
    claim = report(replace(command, report_no=NUMBER), world.claims1, now)

    for typed, code in (("1.2E+20", "report_no_invalid"), (f" {NUMBER.lower()}", "nothing_changed")):
        with pytest.raises(Invalid, match=code) as refused:
            enter(claim, typed, world.claims1, now)
        assert refused.value.field == "report_no"
        db.session.rollback()
    for actor, error in (
        (world.safety_gongyi, Forbidden), (world.underwriter, Forbidden), (world.foreign_hq, NotFound),
    ):  # fmt: skip
        with pytest.raises(error):
            enter(claim, "RDZA111111", actor, now)
        db.session.rollback()
    with pytest.raises(Conflict):
        enter(claim, "RDZA111111", world.claims1, now, version=claim.version - 1)
    db.session.rollback()
    assert numbers() == [NUMBER]


def test_another_accidents_number_is_refused_until_the_claims_are_linked(
    world: World, command: ReportCommand, now: datetime
) -> None:
    first = report(replace(command, report_no=NUMBER), world.claims1, now)
    second = report(replace(command, plate="豫A67890"), world.claims1, now)

    with pytest.raises(Invalid, match="report_no_taken") as refused:
        enter(second, "RDZA2O2641O1OOOOOO1234", world.claims1, now)
    db.session.rollback()

    assert refused.value.params["claim"] == first.number
    accidents.link(second.number, accidents.LinkClaim(first.number, "同一事故"), actor=world.claims1, now=now)
    enter(second, NUMBER, world.claims1, now)
    assert numbers() == [NUMBER, NUMBER]


def test_a_strangers_account_may_have_the_same_number(
    world: World, command: ReportCommand, now: datetime
) -> None:
    claim = report(command, world.claims1, now)
    other = report(replace(command, plate="豫A67890"), world.claims1, now)
    other.account_id, other.report_no, other.report_key = world.foreign_account.id, NUMBER, NUMBER
    db.session.commit()

    enter(claim, NUMBER, world.claims1, now)

    assert numbers() == [NUMBER, NUMBER]


def test_of_two_who_give_one_number_to_two_claims_at_once_one_is_refused(
    app: Flask, world: World, command: ReportCommand, now: datetime
) -> None:
    claims = [
        report(command, world.claims1, now),
        report(replace(command, plate="豫A67890"), world.claims1, now),
    ]
    chosen, actor_id, results = [claim.number for claim in claims], world.claims1.id, list[str]()
    barrier = threading.Barrier(2)

    def run(number: str) -> None:
        with app.app_context():
            barrier.wait(10)
            db.session.connection(execution_options={"begin_immediate": True})
            actor = db.session.get_one(User, actor_id)
            try:
                report_numbers.enter(number, EnterReportNo(NUMBER), actor=actor, now=now)
                db.session.commit()
                results.append("done")
            except Invalid as error:
                results.append(error.code)
                db.session.rollback()

    db.session.rollback()
    threads = [threading.Thread(target=run, args=(number,)) for number in chosen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(results) == ["done", "report_no_taken"]


def test_it_finds_its_claim_in_the_queue_and_in_the_search_however_typed(
    world: World, command: ReportCommand, now: datetime
) -> None:
    claim = report(replace(command, report_no=NUMBER), world.claims1, now)
    report(replace(command, plate="豫A67890", report_no="RDZA202641010000009999"), world.claims1, now)

    def queue(text: str, actor: User) -> list[str]:
        wanted = ClaimFilter(view=QueueView.OPEN, text=text)
        counts = queries.count_views(world.account.id, wanted, actor=actor, now=now)
        page = queries.list_claims(world.account.id, wanted, PageRequest(), actor=actor, now=now)
        assert counts[QueueView.OPEN] == page.total
        return [row.claim.number for row in page.rows]

    for actor in (world.claims1, world.hq):
        assert queue("rdza-2026 4101-0000-001234", actor) == [claim.number]
        assert [one.id for one in search.search("RDZA2O264101OOOOOO1234", actor=actor).claims] == [claim.id]
    assert queue("RDZA2026410100000012", world.claims1) == []
    assert search.search(NUMBER, actor=world.foreign_hq).claims == []
