"""The pages of the roster, of hand-overs and of who leaves: what is shown to whom, done once, refused in words."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.duty import DutyShift, DutySwap, SwapState
from service_desk.models.enquiries import EnquiryChannel, Handover, HandoverState, MatterKind
from service_desk.models.sla import Absence
from service_desk.models.users import User
from service_desk.rules.duty import DutyKind
from service_desk.services import departures, enquiries, settings, sla
from service_desk.services.duty import planning
from service_desk.services.duty.planning import ShiftDetails
from service_desk.services.enquiries import ContactDetails, unanswered
from tests.claim_cases import reported_claim
from tests.standing import once
from tests.web.clock_pages import local
from tests.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# 23:00 of the Monday that the tests begin on.
NIGHT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock(world: World, now):
    once(("defaults of duty pages", now), lambda: sla.install_defaults(now - DAY))
    db.session.commit()
    with time_machine.travel(now, tick=False):
        yield


def shift(world: World, user: User, from_at: datetime, to_at: datetime, now: datetime) -> DutyShift:
    details = ShiftDetails(user.id, DutyKind.NIGHT, from_at, to_at)
    made = planning.add(world.account.id, details, actor=world.manager, now=now)
    db.session.commit()
    return made


def shifts() -> int:
    return db.session.scalar(select(func.count(DutyShift.id))) or 0


def test_a_manager_plans_once_and_nobody_else_does(sign_in, world: World, now: datetime) -> None:
    manager: FlaskClient = sign_in("manager")
    assert manager.get("/roster").status_code == 200
    form = {
        "from_on": "2026-11-23",
        "to_on": "2026-12-06",
        "people": [world.claims1.id, world.claims2.id],
        "begins": "17:30",
        "ends": "08:30",
        "calendar_code": "office",
        "idempotency_key": "once",
    }
    for _ in range(2):
        assert manager.post("/roster/plan", data=form).status_code == 303
    assert shifts() == 14
    assert (
        manager.post("/roster/plan", data={**form, "to_on": "2026-11-01", "idempotency_key": "x"}).status_code
        == 422
    )
    for address in ("/roster", "/roster?month=2026-12", "/roster?year=2026", "/roster?year=99999&month=1-99"):
        assert "王建军" in manager.get(address).text
    assert manager.get("/roster.xlsx?year=2026").data[:2] == b"PK"
    for name in ("claims1", "hq"):
        assert sign_in(name).post("/roster/plan", data=form).status_code == 403


def test_the_client_sees_only_who_is_on(sign_in, world: World, now: datetime) -> None:
    shift(world, world.claims1, NIGHT - HOUR, NIGHT + 9 * HOUR, now)
    client = sign_in("safety-gongyi")
    assert world.claims1.name not in client.get("/roster").text
    with time_machine.travel(NIGHT, tick=False):
        client = sign_in("safety-gongyi")
        for address in ("/roster", "/", "/enquiries/new"):
            page = client.get(address).text
            assert f"tel:{world.claims1.phone}" in page, address
        assert "roster.xlsx" not in client.get("/roster").text
    client = sign_in("hq")
    assert client.get("/roster.xlsx").status_code == 403
    assert client.get("/roster/mine.ics").status_code == 403
    one = db.session.scalars(select(DutyShift.id)).one()
    assert client.get(f"/roster/shifts/{one}").status_code == 403
    assert client.post(f"/roster/shifts/{one}/swap", data={}).status_code == 403
    with time_machine.travel(NIGHT, tick=False):
        assert world.claims1.name not in sign_in("foreign-hq").get("/").text


def test_ones_shifts_as_a_calendar(sign_in, world: World, now: datetime) -> None:
    shift(world, world.claims1, NIGHT, NIGHT + 9 * HOUR, now)
    text = sign_in("claims1").get("/roster/mine.ics").text
    assert "DTSTART:20261123T150000Z\r\nDTEND:20261124T000000Z" in text
    assert "BEGIN:VEVENT" not in sign_in("claims2").get("/roster/mine.ics").text


def test_shifts_are_changed_and_exchanged(sign_in, world: World, now: datetime) -> None:
    mine = shift(world, world.claims1, NIGHT, NIGHT + 9 * HOUR, now)
    theirs = shift(world, world.claims2, NIGHT + DAY, NIGHT + DAY + 9 * HOUR, now)
    giver, taker, manager = sign_in("claims1"), sign_in("claims2"), sign_in("manager")
    other = {f"swap-{mine.id}-other": f"shift:{theirs.id}"}
    assert giver.post(f"/roster/shifts/{mine.id}/swap", data=other).status_code == 303
    assert giver.post(f"/roster/shifts/{mine.id}/swap", data=other).status_code == 409
    swap = db.session.scalars(select(DutySwap)).one()
    assert taker.post(f"/roster/swaps/{swap.id}/refuse", data={"reason": ""}).status_code == 422
    assert manager.post(f"/roster/swaps/{swap.id}/accept").status_code == 404
    assert taker.post(f"/roster/swaps/{swap.id}/accept").status_code == 303
    db.session.refresh(swap)
    assert (swap.state, mine.user_id) == (SwapState.ACCEPTED, world.claims2.id)

    form = {
        "user_id": world.manager.id,
        "kind": "night",
        "from_at": local(NIGHT),
        "to_at": local(NIGHT + 8 * HOUR),
        "version": 1,
    }
    assert manager.post(f"/roster/shifts/{mine.id}", data=form).status_code == 409
    assert (
        manager.post(f"/roster/shifts/{mine.id}", data={**form, "version": mine.version}).status_code == 303
    )
    assert manager.post("/roster/shifts", data={**form, "idempotency_key": "k"}).status_code == 303
    db.session.expire_all()
    assert manager.post(f"/roster/shifts/{mine.id}/remove", data={"version": mine.version}).status_code == 303
    assert shifts() == 2


def test_leave_is_entered_by_the_roster(sign_in, world: World, now: datetime) -> None:
    form = {
        "user_id": world.claims1.id,
        "substitute_id": "0",
        "kind": "leave",
        "from_at": local(NIGHT - HOUR),
        "to_at": local(NIGHT + DAY),
    }
    client = sign_in("claims1")
    assert client.post("/absences", data=form).status_code == 422
    shift(world, world.claims2, NIGHT, NIGHT + 9 * HOUR, now)
    assert client.post("/absences", data=form).status_code == 303
    absence = db.session.scalars(select(Absence)).one()
    assert absence.substitute_id is None
    assert "当班值班人" in client.get("/absences").text
    path = f"/absences/{absence.id}/stand-in"
    chosen, version = f"absence-{absence.id}-substitute_id", f"absence-{absence.id}-version"
    assert client.post(path, data={chosen: "", version: 1}).status_code == 422
    assert client.post(path, data={chosen: world.claims2.id, version: 1}).status_code == 303


def test_several_are_offered_from_the_list_and_accepted_together(
    sign_in, world: World, now: datetime
) -> None:
    claim = reported_claim(world, now)
    giver, taker = sign_in("claims1"), sign_in("claims2")
    assert "/handovers/several" in giver.get("/claims").text
    assert "/handovers/several" in giver.get("/enquiries?view=open").text
    form = {"kind": "claim", "number": claim.number, "to_id": world.claims2.id, "back": "/claims?view=open"}
    answer = giver.post("/handovers/several", data=form)
    assert (answer.status_code, answer.location) == (303, "/claims?view=open")
    assert giver.post("/handovers/several", data={**form, "back": "//evil.example"}).location == "/handovers"
    assert giver.post("/handovers/several", data={**form, "kind": "shift"}).status_code == 404
    assert sign_in("hq").post("/handovers/several", data=form).status_code == 403
    page = taker.get("/handovers").text
    assert claim.number in page
    offer = db.session.scalars(select(Handover)).one()
    assert taker.post("/handovers/accept-several", data={"offer": offer.id}).status_code == 303
    db.session.expire_all()
    assert (claim.owner_id, offer.state) == (world.claims2.id, HandoverState.ACCEPTED)
    assert giver.get("/handovers.xlsx").data[:2] == b"PK"
    assert sign_in("hq").get("/handovers").status_code == 403
    assert "责任人经过" in giver.get(f"/claims/{claim.number}").text


def test_a_refused_offer_keeps_its_ticks_and_note(sign_in, world: World, now: datetime) -> None:
    claim, giver = reported_claim(world, now), sign_in("claims1")
    form = {"kind": "claim", "number": claim.number, "to_id": world.underwriter.id, "note": "代我查勘"}
    ticked = f'value="{claim.number}" data-select-row checked'
    answer = giver.post("/handovers/several", data={**form, "back": "/claims?view=open"})
    page = giver.get(answer.location).text
    assert ticked in page
    assert "代我查勘" in page
    assert ticked not in giver.get(answer.location).text
    giver.post("/handovers/several", data={**form, "back": "/claims?view=open"})
    assert "代我查勘" not in giver.get("/enquiries?view=open").text


def test_a_refused_single_offer_keeps_whom_and_note(sign_in, world: World, now: datetime) -> None:
    claim, giver = reported_claim(world, now), sign_in("claims1")
    call = ContactDetails(EnquiryChannel.CALL, "郭永刚", "", "过户要带哪些材料", "", "", None)
    contact = enquiries.log_contact(world.account.id, call, actor=world.underwriter, now=now)
    db.session.commit()
    for one, owner, path in (
        (("claim", claim.number), giver, f"/claims/{claim.number}"),
        (("enquiry", contact.number), sign_in("underwriter"), f"/enquiries/{contact.number}"),
    ):
        form = {"kind": one[0], "number": one[1], "to_id": world.hq.id, "note": "代我联系修理厂"}
        assert owner.post("/handovers", data=form).location == path
        assert 'value="代我联系修理厂"' in owner.get(path).text
        assert "代我联系修理厂" not in owner.get(path).text


def test_a_refused_exchange_keeps_what_was_typed(sign_in, world: World, now: datetime) -> None:
    mine = shift(world, world.claims1, NIGHT, NIGHT + 9 * HOUR, now)
    giver, prefix = sign_in("claims1"), f"swap-{mine.id}"
    sent = {f"{prefix}-other": f"user:{world.claims2.id}", f"{prefix}-note": "家中有事"}
    assert giver.post(f"/roster/shifts/{mine.id}/swap", data=sent).status_code == 303
    page = giver.post(f"/roster/shifts/{mine.id}/swap", data={**sent, f"{prefix}-note": "孩子发烧"})
    assert page.status_code == 409
    assert 'value="孩子发烧"' in page.text
    assert f'selected value="user:{world.claims2.id}"' in page.text


def test_the_administrator_sets_how_long_an_answer_may_take(sign_in, world: World) -> None:
    admin = sign_in("admin")
    form = {"remind": 2, "tell_managers": 6, "assign": 12}
    assert admin.post("/handovers/hours", data={**form, "remind": 9}).status_code == 422
    assert admin.post("/handovers/hours", data=form).status_code == 303
    assert settings.read(unanswered.KEY) == form
    assert sign_in("manager").post("/handovers/hours", data=form).status_code == 403


def test_who_leaves_keeps_the_login_until_all_is_taken(sign_in, world: World, now: datetime) -> None:
    claim = reported_claim(world, now)
    manager, admin = sign_in("manager"), sign_in("admin")
    leaver = f"/leaving/{world.claims1.id}"
    assert claim.number in manager.get(leaver).text
    assert world.claims1.name in manager.get("/leaving").text
    assert manager.get(f"{leaver}.xlsx").data[:2] == b"PK"
    for name in ("claims2", "hq"):
        assert sign_in(name).get(leaver).status_code == 403
    key = f"claim:{claim.id}"
    assert manager.post(f"{leaver}/offer", data={"matter": key}).status_code == 422
    form = {"matter": [key, "nonsense:1"], "to_ids": world.claims2.id}
    unsuitable = manager.post(
        f"{leaver}/offer", data={**form, "to_ids": world.underwriter.id, "note": "请跟进"}
    )
    assert (unsuitable.status_code, 'value="请跟进"' in unsuitable.text) == (409, True)
    assert f'value="{key}" data-select-row checked' in unsuitable.text
    assert manager.post(f"{leaver}/offer", data=form).status_code == 303
    assert manager.post(f"{leaver}/offer", data={**form, "matter": "claim:0"}).status_code == 409
    assert admin.post(f"{leaver}/close").status_code == 409
    details = {
        "username": "claims1",
        "name": "王建军",
        "staff_no": "C1",
        "role": "claims",
        "account_ids": world.account.id,
        "language": "zh",
        "version": world.claims1.version,
    }
    refused = admin.post(f"/users/{world.claims1.id}", data=details)
    assert (refused.status_code, "未了事项" in refused.text) == (409, True)
    with time_machine.travel(now + DAY, tick=False):
        manager, admin = sign_in("manager"), sign_in("admin")
        assigned = {"matter": key, "to_id": world.claims2.id, "reason": "无人接受"}
        assert manager.post(f"{leaver}/assign", data={**assigned, "reason": ""}).status_code == 422
        assert manager.post(f"{leaver}/assign", data=assigned).status_code == 303
        assert manager.post(f"{leaver}/take-back").status_code == 303
        assert manager.post(f"{leaver}/close").status_code == 403
        assert admin.post(f"{leaver}/close").status_code == 303
    db.session.expire_all()
    assert not world.claims1.is_active
    assert db.session.get_one(Claim, claim.id).owner_id == world.claims2.id


def test_the_command_line_closes_with_a_reason(app, world: World, now: datetime) -> None:
    reported_claim(world, now)
    run = app.test_cli_runner().invoke
    refused = run(args=["users", "close", "claims1"])
    assert (refused.exit_code, ": 1. Hand that over first" in refused.output) == (1, True)
    assert run(args=["users", "close", "claims1", "--leave-matters"]).exit_code == 1
    done = run(args=["users", "close", "claims1", "--leave-matters", "--reason", "立即停用"])
    assert (done.exit_code, "stay with it: 1." in done.output) == (0, True)
    assert run(args=["users", "close", "claims1"]).exit_code == 1


def test_offers_of_every_kind_are_shown_and_sent_back(sign_in, world: World, now: datetime) -> None:
    one = shift(world, world.claims1, NIGHT, NIGHT + 9 * HOUR, now)
    chosen = [(MatterKind.SHIFT, one.id)]
    departures.offer(world.claims1.id, chosen, [world.claims2.id], "", actor=world.manager, now=now)
    db.session.commit()
    taker = sign_in("claims2")
    for address in ("/", "/handovers"):
        assert "2026-11-23" in taker.get(address).text
    offer = db.session.scalars(select(Handover)).one()
    answer = taker.post(f"/handovers/{offer.id}/refuse", data={"reason": "当晚有约"})
    assert (answer.status_code, answer.location) == (303, "/handovers")
    assert "当晚有约" in sign_in("claims1").get("/handovers").text
