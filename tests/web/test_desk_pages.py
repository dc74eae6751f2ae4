"""The homes: each person starts with what is due, offered, wanted or about to end, and sees nobody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from service_desk.base.clock import utc_now
from service_desk.models.claims import WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.enquiries import MatterKind
from service_desk.models.sla import AbsenceKind
from service_desk.services import enquiries, sla
from service_desk.services.claims import reserves
from service_desk.services.sla import absences, objections
from service_desk.services.sla.absences import PlanAbsence
from tests.claim_cases import reported_claim
from tests.factories import CoverageFactory, PolicyFactory
from tests.standing import early
from tests.world import World


@pytest.fixture(autouse=True)
def _levels(world: World) -> None:
    sla.install_defaults(early(utc_now()))
    db.session.commit()


def insure(world: World, vehicle, *, ends_in: int) -> None:
    starts_at = utc_now() + timedelta(days=ends_in - 365)
    CoverageFactory(policy=PolicyFactory(vehicle=vehicle, issued_by=world.underwriter, starts_at=starts_at))
    db.session.commit()


def test_staff_see_their_clocks_and_not_a_colleagues(world: World, sign_in) -> None:
    claim = reported_claim(world, utc_now())

    assert f"/claims/{claim.number}" in sign_in("claims1").get("/").text
    assert claim.number not in sign_in("claims2").get("/").text


def test_an_offer_is_decided_from_the_desk(world: World, sign_in) -> None:
    claim = reported_claim(world, utc_now())
    offer = enquiries.ask_handover(
        MatterKind.CLAIM, claim.number, world.claims2.id, "休假", actor=world.claims1, now=utc_now()
    )
    db.session.commit()

    page = sign_in("claims2").get("/").text

    assert f"/handovers/{offer.id}/accept" in page
    assert f"/handovers/{offer.id}/refuse" in page


def test_a_clock_held_for_somebody_away_says_for_whom(world: World, sign_in) -> None:
    now = utc_now()
    claim = reported_claim(world, now)
    leave = PlanAbsence(world.claims1.id, world.claims2.id, AbsenceKind.LEAVE, now, now + timedelta(days=1))
    absences.plan(leave, actor=world.claims1, now=now)
    db.session.commit()

    page = sign_in("claims2").get("/").text

    assert f"/claims/{claim.number}" in page
    assert f"代 {world.claims1.name}" in page


def test_a_manager_sees_the_objections_that_wait_and_others_do_not(world: World, sign_in) -> None:
    now = utc_now()
    claim = reported_claim(world, now)
    timer = sla.timers_of("claim", [claim.id])[claim.id][0]
    sla.pause(timer.id, "vehicle_unavailable", "", None, actor=world.claims1, now=now)
    pause = sla.entries_of([timer.id])[timer.id][-1]
    objections.object_to_pause(timer.id, pause.id, "车一直在场内", actor=world.hq, now=now)
    db.session.commit()

    page = sign_in("manager").get("/").text

    assert "待处理的异议" in page
    assert f"/timers/{timer.id}#pauses" in page
    assert "待处理的异议" not in sign_in("claims2").get("/").text


def test_todays_large_loss_stands_with_the_time_the_group_was_told(world: World, sign_in) -> None:
    claim = reported_claim(world, utc_now())
    reserves.move(claim, 26_800_00, "survey", item="survey", actor=world.claims1, now=utc_now())
    db.session.commit()

    page = sign_in("underwriter").get("/").text

    assert "26,800.00" in page
    assert "已通报" in page


def test_staff_see_renewals_by_branch_and_a_manager_the_overview(world: World, sign_in) -> None:
    insure(world, world.coach, ends_in=5)

    page = sign_in("underwriter").get("/").text

    assert f"branch={world.gongyi.id}" in page
    assert "/overview" not in page
    assert "/overview" in sign_in("manager").get("/").text


def test_a_branch_sees_its_claims_wanted_documents_and_vehicles_only(world: World, sign_in) -> None:
    own = reported_claim(world, utc_now())
    other = reported_claim(world, utc_now(), vehicle=world.bus)
    db.session.add_all(
        WantedDocument(claim_id=claim.id, code="driving_licence", state=WantedState.REQUIRED)
        for claim in (own, other)
    )
    insure(world, world.coach, ends_in=10)

    page = sign_in("safety-gongyi").get("/").text

    assert "/claims/report" in page
    assert own.number in page
    assert other.number not in page
    assert world.claims1.staff_no in page
    assert page.count(f"/claims/{own.number}/documents#line-driving_licence") == 1
    # The coach is covered, the truck is not; the bus is another branch's.
    assert "豫A·67890" in page
    assert "豫A·D12345" not in page


def test_of_many_wanted_documents_the_first_are_shown_and_the_others_folded(world: World, sign_in) -> None:
    claim = reported_claim(world, utc_now())
    codes = ("driving_licence", "vehicle_licence", "repair_invoice", "repair_list", "damage_photos")
    db.session.add_all(
        WantedDocument(claim_id=claim.id, code=code, state=WantedState.REQUIRED) for code in codes
    )
    db.session.commit()

    page = sign_in("safety-gongyi").get("/").text

    shown, _fold, folded = page.partition("<summary>另有 2 项</summary>")
    assert [shown.count(f"#line-{code}") for code in codes] == [1, 1, 1, 0, 0]
    assert [folded.count(f"#line-{code}") for code in codes] == [0, 0, 0, 1, 1]


def test_the_group_sees_the_account_by_branch(world: World, sign_in) -> None:
    reported_claim(world, utc_now())
    reported_claim(world, utc_now(), vehicle=world.bus)

    page = sign_in("hq").get("/").text

    assert world.gongyi.name in page
    assert world.zhongmu.name in page
    assert "豫C" not in page


def test_an_administrator_starts_with_what_is_to_be_kept_in_order(world: World, sign_in) -> None:
    page = sign_in("admin").get("/").text

    for place in ("/users", "/settings/levels", "/settings/calendars", "/account"):
        assert place in page


def test_a_stranger_is_asked_to_sign_in(client) -> None:
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("username", ["claims1", "safety-gongyi", "hq"])
def test_the_number_of_queries_does_not_grow_with_the_rows(app, world: World, sign_in, username: str) -> None:
    def count() -> int:
        statements: list[str] = []

        def note(_conn, _cursor, statement, *_rest) -> None:
            statements.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert browser.get("/").status_code == 200
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len([one for one in statements if one.lstrip().upper().startswith("SELECT")])

    browser = sign_in(username)
    reported_claim(world, utc_now())
    few = count()
    for _ in range(5):
        reported_claim(world, utc_now())

    assert count() <= few


@pytest.mark.parametrize(
    ("username", "page", "place"),
    [
        ("manager", "/handovers", "/enquiries"),
        ("manager", "/leaving", "/enquiries"),
        ("manager", "/messages", "/enquiries"),
        ("manager", "/roster", "/relations"),
        ("manager", "/scorecards/rules", "/relations"),
        ("manager", "/work-log/targets", "/relations"),
        ("manager", "/promises", "/relations"),
        ("hq", "/promises", "/promises"),
    ],
)
def test_the_rail_marks_the_place_a_page_was_opened_from(
    world: World, sign_in, username: str, page: str, place: str
) -> None:
    rail = sign_in(username).get(page).text.partition('class="rail-places"')[2].partition("</nav>")[0]

    assert f'href="{place}" aria-current="page"' in rail
    assert rail.count("aria-current") == 1
