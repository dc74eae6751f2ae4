"""Without scripts nothing locks a button: who presses twice has it done once, and reads the same answer."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import message_flashed
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service_desk.base.clock import utc_now
from service_desk.models.claim_money import Recovery, RecoveryReceipt
from service_desk.models.db import db
from service_desk.models.duty import DutyShift, DutySwap
from service_desk.models.enquiries import Handover
from service_desk.models.notices import MessageChannel, Notice
from service_desk.models.renewals import ChaseKind, MissedCoverCase, MissedCoverEntry
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.duty import DutyKind
from service_desk.services import renewals, sla
from service_desk.services.duty import planning
from service_desk.services.duty.planning import ShiftDetails
from service_desk.services.policies import rates
from tests.claim_cases import Journey, reported_claim
from tests.standing import early
from tests.web.test_channel_pages import typed
from tests.world import World

SignIn = Callable[[str], FlaskClient]

_FORM = r'<form[^>]*action="{action}"[^>]*>.*?</form>'
_INPUT = re.compile(r'<input[^>]*type="hidden"[^>]*>')


def sent_by(client: FlaskClient, page: str, action: str) -> dict[str, str]:
    """What a browser sends of the hidden fields of a form on a page: among them its key, as the page has it."""
    found = re.search(_FORM.format(action=re.escape(action)), client.get(page).text, re.S)
    assert found, (page, action)
    fields = {}
    for field in _INPUT.findall(found.group()):
        name, value = (re.search(rf' {part}="([^"]*)"', field) for part in ("name", "value"))
        assert name
        fields[html.unescape(name.group(1))] = html.unescape(value.group(1)) if value else ""
    return fields


def press_twice(client: FlaskClient, page: str, action: str, **typed: Any) -> Any:
    """Send a page's form twice as it stands; the answer of both, which is one and the same."""
    fields = sent_by(client, page, action) | typed
    answers = []
    for _click in range(2):
        said: list[str] = []

        def hear(_app: Any, message: str, said: list[str] = said, **_about: Any) -> None:
            said.append(str(message))

        with message_flashed.connected_to(hear):
            answer = client.post(action, data=fields)
        answers.append((answer.status_code, answer.location, said))
    assert answers[0] == answers[1]
    assert answers[0][0] == 303
    assert answers[0][2]
    return answers[0]


def count(model: Any, *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def test_a_test_of_a_channel_goes_out_once(sign_in: SignIn, world: World) -> None:
    manager = sign_in("manager")
    manager.post("/channels/new", data=typed())
    channel = db.session.scalars(select(MessageChannel)).one()

    press_twice(manager, "/channels", f"/channels/{channel.id}/test")
    assert count(Notice, Notice.kind == "channel_test") == 1

    # The page that is shown then has another key: it is another test.
    press_twice(manager, "/channels", f"/channels/{channel.id}/test")
    assert count(Notice, Notice.kind == "channel_test") == 2


@pytest.fixture
def number(world: World) -> str:
    return str(reported_claim(world, utc_now()).number)


def test_a_claim_is_offered_taken_back_and_accepted_once(sign_in: SignIn, world: World, number: str) -> None:
    giver, taker, page = sign_in("claims1"), sign_in("claims2"), f"/claims/{number}"
    offered = {"to_id": str(world.claims2.id), "note": "休假"}
    press_twice(giver, page, "/handovers", **offered)
    offer = db.session.scalars(select(Handover)).one()
    press_twice(giver, page, f"/handovers/{offer.id}/withdraw")
    press_twice(giver, page, "/handovers", **offered)
    offer = db.session.scalars(select(Handover).order_by(Handover.id.desc())).first()
    press_twice(taker, page, f"/handovers/{offer.id}/refuse", reason="请假中")
    press_twice(giver, page, "/handovers", **offered)
    offer = db.session.scalars(select(Handover).order_by(Handover.id.desc())).first()
    press_twice(taker, page, f"/handovers/{offer.id}/accept")
    assert count(Handover) == 3


def test_another_colleague_chosen_on_the_page_of_before_is_another_offer(
    sign_in: SignIn, world: World, number: str
) -> None:
    giver = sign_in("claims1")
    fields = sent_by(giver, f"/claims/{number}", "/handovers") | {"note": "休假"}
    giver.post("/handovers", data=fields | {"to_id": str(world.claims2.id)})
    offer = db.session.scalars(select(Handover)).one()
    giver.post(f"/handovers/{offer.id}/withdraw")
    giver.post("/handovers", data=fields | {"to_id": str(world.manager.id)})
    found = db.session.scalars(select(Handover.to_id).order_by(Handover.id)).all()
    assert found == [world.claims2.id, world.manager.id]


def test_several_are_offered_once_and_told_with_their_number(
    sign_in: SignIn, world: World, number: str
) -> None:
    giver, key = sign_in("claims1"), {"idempotency_key": "several"}
    sent = {"kind": "claim", "number": number, "to_id": world.claims2.id, "back": "/claims"} | key
    texts = []
    for _click in range(2):
        assert giver.post("/handovers/several", data=sent).status_code == 303
        texts.append("已发起转交 1 项" in giver.get("/claims").text)
    assert (texts, count(Handover)) == ([True, True], 1)


def _shift(world: World, user: User, now: datetime) -> DutyShift:
    from_at = now + timedelta(days=2)
    details = ShiftDetails(user.id, DutyKind.NIGHT, from_at, from_at + timedelta(hours=9))
    made = planning.add(world.account.id, details, actor=world.manager, now=now)
    db.session.commit()
    return made


def test_a_shift_is_offered_and_exchanged_once(sign_in: SignIn, world: World) -> None:
    mine = _shift(world, world.claims1, utc_now())
    giver, taker = sign_in("claims1"), sign_in("claims2")
    other = {f"swap-{mine.id}-other": f"user:{world.claims2.id}"}
    press_twice(giver, "/roster", f"/roster/shifts/{mine.id}/swap", **other)
    swap = db.session.scalars(select(DutySwap)).one()
    press_twice(taker, "/roster", f"/roster/swaps/{swap.id}/accept")
    db.session.refresh(mine)
    assert mine.user_id == world.claims2.id
    press_twice(sign_in("manager"), f"/roster/shifts/{mine.id}", f"/roster/shifts/{mine.id}/remove")
    assert count(DutyShift) == 0


def test_cover_of_another_insurer_is_noted_once(sign_in: SignIn, world: World) -> None:
    now = datetime.now(UTC) - timedelta(minutes=5)
    sla.install_defaults(early(now))
    rates.install_sample_rates(now=early(now))
    renewals.watch(world.account.id, now=now)
    db.session.commit()
    case = db.session.scalars(
        select(MissedCoverCase).where(MissedCoverCase.vehicle_id == world.truck.id)
    ).one()
    page, clerk = f"/renewals/missed/{case.number}", sign_in("underwriter")
    cover = {
        "cover-insurer": "平安财险",
        "cover-number": "PA-1",
        "cover-first_day": now.date().isoformat(),
        "cover-last_day": (now.date() + timedelta(days=300)).isoformat(),
    }
    press_twice(clerk, page, f"{page}/cover", **cover, **{"cover-line": "ctpl"})
    assert count(MissedCoverEntry, MissedCoverEntry.kind == ChaseKind.COVER_NOTED) == 1
    # The answer that the case is closed is the same, too, although it offers no form any more.
    press_twice(clerk, page, f"{page}/cover", **cover, **{"cover-line": "commercial"})


def test_a_login_is_added_once(sign_in: SignIn, world: World) -> None:
    admin = sign_in("admin")
    login = {
        "username": "newone", "name": "新员工", "role": "claims", "language": "zh", "is_active": "y",
        "password": "a-long-new-password", "account_ids": str(world.account.id), "staff_no": "41000999",
        "phone": "13900000999", "idempotency_key": "login-1",
    }  # fmt: skip
    answers = [admin.post("/users/new", data=login) for _click in range(2)]
    assert [(one.status_code, one.location) for one in answers] == [(303, "/users")] * 2
    assert count(User, User.username == "newone") == 1


def test_of_two_receipts_each_is_struck_off_from_the_page_that_shows_both(
    sign_in: SignIn, world: World
) -> None:
    now = utc_now() - timedelta(minutes=30)
    journey = Journey(world, reported_claim(world, now), now)
    journey.to(ClaimState.PAID)
    staff = sign_in("claims1")
    owed = {"kind": "other", "owed_by": "某人", "amount": "1,000"}
    staff.post(f"/claims/{journey.claim.number}/recovery", data=owed)
    one = db.session.scalars(select(Recovery)).one()
    page = f"/recoveries/{one.id}"
    for amount in ("100", "200"):
        money = sent_by(staff, page, f"{page}/receive") | {"receive-amount": amount}
        staff.post(f"{page}/receive", data=money | {"receive-received_on": f"{now:%Y-%m-%d}"})
    first, second = db.session.scalars(select(RecoveryReceipt.id).order_by(RecoveryReceipt.id))
    kept = sent_by(staff, page, f"{page}/receipts/{second}/strike") | {"strike-reason": "重复录入"}
    press_twice(staff, page, f"{page}/receipts/{first}/strike", **{"strike-reason": "重复录入"})

    late = staff.post(f"{page}/receipts/{second}/strike", data=kept)

    assert late.status_code == 409
    db.session.refresh(one)
    assert one.received_fen == 200_00


def test_a_list_accepted_a_night_later_is_another_order(sign_in: SignIn, world: World, number: str) -> None:
    """A key is remembered with what was sent under it, not for the button alone."""
    giver = sign_in("claims1")
    giver.post("/handovers", data={"kind": "claim", "number": number, "to_id": world.claims2.id})
    offer = db.session.scalars(select(Handover)).one()
    key = {"idempotency_key": "accept"}
    taker = sign_in("claims2")
    assert taker.post("/handovers/accept-several", data=key).status_code == 303
    with time_machine.travel(utc_now() + timedelta(hours=1)):
        assert taker.post("/handovers/accept-several", data=key | {"offer": offer.id}).status_code == 303
    db.session.refresh(offer)
    assert offer.decided_at is not None
