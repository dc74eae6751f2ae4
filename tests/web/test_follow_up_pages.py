"""The pages of follow-ups: the list, planning and tries, the form behind a link, dates out of order, many at once."""

import io
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.claims import Claim, FollowUp
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.follow_ups import FollowUpLink, FollowUpPlan
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.follow_up import ClosingObstacle, FollowUpMeans
from service_desk.rules.messaging import ThreadKind
from service_desk.services import messages
from service_desk.services.claims import plans
from service_desk.services.claims.plans import PlanFollowUp
from service_desk.web.claim_panels import follow_up
from service_desk.web.pages import feedback
from service_desk.web.throttle import Throttle
from tests.claim_cases import Journey, file_store, reported_claim
from tests.world import World


@pytest.fixture
def now() -> datetime:
    """Pages live in the present."""
    return utc_now() - timedelta(minutes=30)


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return Journey(world, reported_claim(world, now), now).to(ClaimState.CLOSED)


@pytest.fixture(autouse=True)
def _fresh_throttle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "_throttle", Throttle(limit=6, seconds=60))


def form_token(world: World, claim: Claim, language: str = "en") -> str:
    command = PlanFollowUp(FollowUpMeans.FORM, "郭永刚", language=language)
    plan = plans.plan(claim.number, command, actor=world.claims1, now=utc_now())
    db.session.commit()
    return plans.token_of(plans.find_link(plan))  # type: ignore[arg-type]


def test_a_client_answers_the_form_without_signing_in_once_and_in_their_language(
    world: World, claim: Claim, client: FlaskClient
) -> None:
    address = f"/feedback/{form_token(world, claim)}"

    page = client.get(address)
    assert page.status_code == 200
    assert "How was it?" in page.text
    assert claim.number in page.text
    assert world.claims1.name in page.text
    for secret in (claim.reporter_name, claim.callback_phone, claim.place, claim.other_party):
        assert secret not in page.text
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"

    assert client.post(address, data={"comment": "慢"}).status_code == 422
    answer = client.post(address, data={"score": "1", "speed": "2", "comment": "慢", "wants_call_back": "y"})
    assert (answer.status_code, answer.location) == (303, address)
    assert client.post(address, data={"score": "5"}).status_code == 303

    kept = db.session.scalars(select(FollowUp)).one()
    assert (kept.score, kept.speed, kept.attitude, kept.wants_call_back) == (1, 2, None, True)
    assert "Thank you, we have your answer." in client.get(address).text
    assert db.session.scalars(select(Enquiry).where(Enquiry.channel == EnquiryChannel.MESSAGE)).one()


def test_a_guests_words_outlive_the_page_they_were_typed_on(
    app: Flask, world: World, claim: Claim, client: FlaskClient
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    address = f"/feedback/{form_token(world, claim)}"
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(address).text)[-1]
    client.delete_cookie(app.config["SESSION_COOKIE_NAME"])

    stopped = client.post(address, data={"score": "1", "comment": "等了三天", "csrf_token": token})

    assert stopped.status_code == 400
    assert '<li class="breaks as-typed">等了三天</li>' in stopped.text
    assert f'<form method="post" action="{address}">' in stopped.text
    assert db.session.scalars(select(FollowUp)).all() == []
    fresh = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', stopped.text)[-1]
    again = client.post(address, data={"score": "1", "comment": "等了三天", "csrf_token": fresh})
    assert again.status_code == 303
    assert db.session.scalars(select(FollowUp)).one().score == 1


def test_a_link_that_ended_or_never_was_answers_the_same_and_asking_too_often_is_slowed(
    world: World, claim: Claim, client: FlaskClient
) -> None:
    address = f"/feedback/{form_token(world, claim, 'zh')}"
    db.session.execute(FollowUpLink.__table__.update().values(ends_at=utc_now() - timedelta(seconds=1)))

    answers = [client.get(address), client.get("/feedback/nobody-made-this"), client.post(address, data={})]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert "此链接已失效" in answers[0].text

    statuses = [client.get(address).status_code for _ in range(5)]
    assert statuses[-1] == 429


def test_the_desk_plans_sends_and_records_tries(sign_in: Any, world: World, claim: Claim) -> None:
    desk = sign_in("claims1")
    page = desk.get(f"/claims/{claim.number}")
    assert 'id="follow-up"' in page.text
    plan = {
        "plan-version": str(claim.version), "plan-means": "form", "plan-name": "郭永刚", "plan-language": "zh",
    }  # fmt: skip

    assert desk.post(f"/claims/{claim.number}/follow-up/plan", data=plan).status_code == 303
    page = desk.get(f"/claims/{claim.number}").text
    link = db.session.scalars(select(FollowUpLink)).one()
    assert f"/feedback/{plans.token_of(link)}" in page
    assert "<svg" in page
    missing = desk.post(f"/claims/{claim.number}/follow-up/plan", data={**plan, "plan-name": ""})
    assert missing.status_code == 422
    tried = {
        "try-version": str(claim.version), "try-at": "2099-01-01T08:00", "try-outcome": "busy",
    }  # fmt: skip
    assert desk.post(f"/claims/{claim.number}/follow-up/try", data=tried).status_code == 422
    tried["try-at"] = f"{utc_now() + timedelta(hours=8):%Y-%m-%dT%H:%M}"
    assert desk.post(f"/claims/{claim.number}/follow-up/try", data=tried).status_code == 303
    assert db.session.scalars(select(FollowUpPlan.tries)).one() == 1


@pytest.mark.parametrize(
    ("username", "status"), [("claims1", 200), ("manager", 200), ("underwriter", 403), ("safety-gongyi", 403)]
)
def test_who_may_open_the_list(sign_in: Any, world: World, claim: Claim, username: str, status: int) -> None:
    answer = sign_in(username).get("/follow-ups?view=all&period=this_year&q=豫A")

    assert answer.status_code == status
    assert (claim.number in answer.text) is (status == 200)


def test_the_list_is_exported_as_it_is_filtered_and_every_view_opens(
    sign_in: Any, world: World, claim: Claim
) -> None:
    manager = sign_in("manager")
    for view in ("due", "waiting", "answered", "dissatisfied", "all", "reopened"):
        assert manager.get(f"/follow-ups?view={view}").status_code == 200

    book = CalamineWorkbook.from_filelike(io.BytesIO(manager.get("/follow-ups.xlsx?view=due").data))

    cells = [cell for row in book.get_sheet_by_index(0).to_python() for cell in row]
    assert claim.number in cells


def test_dates_out_of_order_stand_on_the_claim_and_in_the_managers_list(
    sign_in: Any, world: World, claim: Claim
) -> None:
    claim.arrived_at = claim.reported_at - timedelta(minutes=9)
    db.session.commit()
    manager = sign_in("manager")

    assert "时间顺序异常" in sign_in("claims1").get(f"/claims/{claim.number}").text
    assert "时间顺序异常" not in sign_in("safety-gongyi").get(f"/claims/{claim.number}").text
    assert claim.number in manager.get("/claims/dates").text
    book = CalamineWorkbook.from_filelike(io.BytesIO(manager.get("/claims/dates.xlsx").data))
    assert claim.number in [row[0] for row in book.get_sheet_by_index(0).to_python()]
    assert sign_in("claims1").get("/claims/dates").status_code == 403


def test_ticked_claims_are_given_away_and_a_missing_reason_keeps_the_ticks(
    sign_in: Any, world: World, now: datetime
) -> None:
    open_claim = Journey(world, reported_claim(world, now), now).to(ClaimState.SURVEYED)
    desk = sign_in("claims1")
    sent = {"number": open_claim.number, "handler_id": str(world.claims2.id)}

    refused = desk.post("/claims/assign?view=open", data=sent)
    assert refused.status_code == 422
    assert f'value="{open_claim.number}" data-select-row checked' in refused.text
    given = desk.post("/claims/assign?view=open", data={**sent, "reason": "休假", "idempotency_key": "k"})

    assert (given.status_code, given.location) == (303, "/claims?view=open")
    db.session.refresh(open_claim)
    assert open_claim.owner_id == world.claims2.id
    assert sign_in("safety-gongyi").post("/claims/assign", data=sent).status_code == 403


def test_a_message_that_waits_stands_against_closing_on_the_claims_page(world: World, sign_in, now) -> None:
    """The page failed: it did not know where on it the message is answered."""
    claim = Journey(world, reported_claim(world, now), now).to(ClaimState.PAID)
    asked = messages.NewMessage("还要等多久？", [])
    messages.write(
        ThreadKind.CLAIM, claim.number, asked, files=file_store(), actor=world.safety_gongyi, now=now
    )
    db.session.commit()

    page = sign_in("claims1").get(f"/claims/{claim.number}")

    assert page.status_code == 200
    assert '<a href="#messages">' in page.text
    assert set(follow_up._PLACES) == {one.value for one in ClosingObstacle}
