"""Delivery runs and insurance cards in the browser: planned, printed, signed for; and who may not."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pdfminer.high_level import extract_text
from sqlalchemy import event, select

from service_desk.base.clock import CHINA, local_date, utc_now
from service_desk.models.db import db
from service_desk.models.deliveries import DeliveryRun
from service_desk.models.policies import IssueBatch, Policy
from service_desk.services.policies.delivery import runs
from service_desk.services.policies.delivery.runs import RunCommand
from tests.factories import PolicyFactory
from tests.web.clock_pages import photo
from tests.world import World

SignIn = Callable[[str], FlaskClient]


def statements(clerk: FlaskClient, address: str) -> int:
    """How many statements the database gets for a page."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    db.session.commit()
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert clerk.get(address).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


@pytest.fixture
def policy(world: World) -> Policy:
    now = utc_now()
    made: Policy = PolicyFactory(
        vehicle=world.coach,
        issued_by=world.underwriter,
        issued_at=now - timedelta(hours=50),
        starts_at=now - timedelta(hours=40),
        tax_fen=540_00,
        ctpl_float="A3",
    )
    db.session.commit()
    return made


@pytest.fixture
def run(world: World, policy: Policy) -> str:
    now = utc_now()
    number = runs.plan(RunCommand(world.gongyi.id, local_date(now), "李静"), actor=world.underwriter, now=now)
    db.session.commit()
    return number


def text_of(answer: object) -> str:
    return extract_text(io.BytesIO(answer.data))  # type: ignore[attr-defined]


def test_what_waits_is_shown_by_branch_with_what_is_late(
    sign_in: SignIn, world: World, policy: Policy
) -> None:
    clerk = sign_in("underwriter")

    page = clerk.get("/deliveries").get_data(as_text=True)
    assert "巩义客运分公司" in page
    assert "超时" in page
    rows = clerk.get(f"/deliveries/branches/{world.gongyi.id}").get_data(as_text=True)
    assert policy.number in rows
    assert "超时" in clerk.get("/").get_data(as_text=True)
    book = load_workbook(io.BytesIO(clerk.get("/deliveries.xlsx?late=1").data)).active
    assert policy.number in [cell.value for cell in book["C"]]


def test_a_run_is_planned_once_however_often_it_is_sent(
    sign_in: SignIn, world: World, policy: Policy
) -> None:
    clerk, address = sign_in("underwriter"), f"/deliveries/branches/{world.gongyi.id}"
    sent = {
        "idempotency_key": "k1",
        "planned_on": local_date(utc_now()).isoformat(),
        "carried_by": "李静",
        "everything": "1",
    }

    first, second = clerk.post(address, data=sent), clerk.post(address, data=sent)

    assert (first.status_code, first.location) == (303, second.location)
    assert len(db.session.scalars(select(DeliveryRun)).all()) == 1
    again = clerk.post(address, data={**sent, "idempotency_key": "k2"})
    assert again.status_code == 422
    ticked = clerk.post(
        address,
        data={
            "planned_on": sent["planned_on"],
            "carried_by": "李静",
            "papers": [f"policy-{policy.id}", "nonsense", "policy-x"],
        },
    )
    assert ticked.status_code == 409


def test_the_sheet_and_the_cards_name_what_is_brought(sign_in: SignIn, run: str, policy: Policy) -> None:
    clerk = sign_in("underwriter")

    sheet = text_of(clerk.get(f"/deliveries/runs/{run}.pdf"))
    cards = text_of(clerk.get(f"/deliveries/runs/{run}/cards.pdf"))

    assert all(words in sheet for words in (run, policy.number, "豫A12345", "签收人"))
    assert all(words in cards for words in (policy.number, "豫A12345", policy.vin, "保险卡"))


def test_cards_of_a_vehicle_a_batch_and_a_branch(sign_in: SignIn, world: World, policy: Policy) -> None:
    batch = IssueBatch(
        number="BAT-2026-000001",
        account_id=world.account.id,
        issued_by_id=world.underwriter.id,
        issued_at=policy.issued_at,
        policy_count=1,
        premium_fen=1,
    )
    db.session.add(batch)
    db.session.flush()
    policy.batch_id = batch.id
    clerk = sign_in("underwriter")

    for address in (
        f"/vehicles/{world.coach.id}/card.pdf",
        "/batches/BAT-2026-000001/cards.pdf",
        f"/deliveries/branches/{world.gongyi.id}/cards.pdf",
    ):
        assert policy.number in text_of(clerk.get(address))
    assert clerk.get(f"/vehicles/{world.truck.id}/card.pdf").status_code == 422


def test_papers_of_many_vehicles_ask_no_more_than_of_one(
    sign_in: SignIn, world: World, policy: Policy
) -> None:
    clerk = sign_in("underwriter")
    batch = IssueBatch(
        number="BAT-2026-000001",
        account_id=world.account.id,
        issued_by_id=world.underwriter.id,
        issued_at=policy.issued_at,
        policy_count=1,
        premium_fen=1,
    )
    db.session.add(batch)
    db.session.flush()
    policy.batch_id = batch.id
    addresses = ("/batches/BAT-2026-000001/cards.pdf", "/batches/BAT-2026-000001.pdf")
    few = [statements(clerk, address) for address in addresses]
    for vehicle in (world.truck, world.bus):
        PolicyFactory(vehicle=vehicle, issued_by=world.underwriter, batch_id=batch.id)

    assert [statements(clerk, address) for address in addresses] == few


def test_the_policy_prints_tax_and_float_where_there_are_any(sign_in: SignIn, policy: Policy) -> None:
    printed = text_of(sign_in("underwriter").get(f"/policies/{policy.number}.pdf"))

    assert "代收车船税" in printed
    assert "540.00" in printed
    assert "A3（-30%）" in printed


def test_the_hand_over_is_recorded_and_the_client_sees_it(
    sign_in: SignIn, world: World, run: str, policy: Policy
) -> None:
    clerk, client = sign_in("underwriter"), sign_in("safety-gongyi")
    assert "已排入送单" in client.get(f"/policies/{policy.number}").get_data(as_text=True)
    clerk.post(f"/deliveries/runs/{run}/out")
    assert "送往分公司途中" in client.get(f"/policies/{policy.number}").get_data(as_text=True)

    refused = clerk.post(
        f"/deliveries/runs/{run}/hand-over",
        data={"signed_at": f"{utc_now().astimezone(CHINA):%Y-%m-%dT%H:%M}", "signed_by": ""},
    )
    done = clerk.post(
        f"/deliveries/runs/{run}/hand-over",
        data={
            "idempotency_key": "h",
            "signed_at": f"{utc_now().astimezone(CHINA):%Y-%m-%dT%H:%M}",
            "signed_by": "郭永刚",
            "signed_position": "安全科长",
            "photo": photo(),
        },
        content_type="multipart/form-data",
    )

    assert (refused.status_code, done.status_code) == (422, 303)
    page = clerk.get(f"/deliveries/runs/{run}").get_data(as_text=True)
    assert "郭永刚" in page
    document_id = db.session.scalars(select(DeliveryRun.document_id)).one()
    assert clerk.get(f"/documents/{document_id}").status_code == 200
    assert client.get(f"/documents/{document_id}").status_code == 404
    seen = client.get(f"/policies/{policy.number}").get_data(as_text=True)
    assert "已于" in seen
    assert "郭永刚" in seen


def test_a_run_can_be_given_up_with_a_reason(sign_in: SignIn, run: str) -> None:
    clerk = sign_in("underwriter")

    assert clerk.post(f"/deliveries/runs/{run}/drop", data={"reason": ""}).status_code == 422
    assert clerk.post(f"/deliveries/runs/{run}/drop", data={"reason": "改日"}).status_code == 303
    assert "改日" in clerk.get(f"/deliveries/runs/{run}").get_data(as_text=True)


@pytest.mark.parametrize("username", ["claims1", "hq", "safety-gongyi"])
def test_who_does_not_issue_may_not_deliver(sign_in: SignIn, world: World, run: str, username: str) -> None:
    visitor = sign_in(username)

    assert visitor.get("/deliveries").status_code == 403
    assert visitor.get("/deliveries/runs").status_code == 403
    assert visitor.post(f"/deliveries/runs/{run}/out").status_code == 403
    assert visitor.get(f"/deliveries/branches/{world.gongyi.id}").status_code in {403, 404}
    assert "/deliveries/branches" not in visitor.get("/").get_data(as_text=True)


def test_runs_and_cards_of_another_account_or_branch_are_not_there(
    sign_in: SignIn, world: World, run: str, policy: Policy
) -> None:
    row = db.session.scalars(select(DeliveryRun)).one()
    row.account_id, row.branch_id = world.foreign_account.id, world.foreign_branch.id
    PolicyFactory(vehicle=world.bus, issued_by=world.underwriter, starts_at=utc_now())

    clerk, safety = sign_in("underwriter"), sign_in("safety-gongyi")

    assert clerk.get(f"/deliveries/runs/{run}").status_code == 404
    assert clerk.get(f"/vehicles/{world.foreign_vehicle.id}/card.pdf").status_code == 404
    assert safety.get(f"/vehicles/{world.bus.id}/card.pdf").status_code == 404
    assert safety.get(f"/vehicles/{world.coach.id}/card.pdf").status_code == 200
