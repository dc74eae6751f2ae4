"""Addresses and forms that no page sends: answered, never a fault of the desk."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service_desk.web.http import own_path
from tests.world import World

pytestmark = pytest.mark.both_databases

HUGE = "9" * 23
ADDRESSES = [
    *(f"/{place}/{HUGE}" for place in ("vehicles", "documents", "reports", "breaches", "premiums/branches")),
    *(f"/{page}?page={HUGE}" for page in ("vehicles", "claims", "policies", "renewals", "receipts")),
    *(f"/{page}?branch={HUGE}" for page in ("vehicles", "claims", "enquiries", "breaches", "renewals")),
    *(f"/{page}?q=a%00b" for page in ("vehicles", "claims", "enquiries", "policies", "search")),
    "/claims/a%00b",
    f"/audit?person={HUGE}",
    "/audit?person=²",
    "/audit?from_on=0001-01-01",
    "/audit?to_on=9999-12-31",
    "/policies?ends=999999999",
    "/issue?all=1&cover=999999999",
    "/api/claim-cover?plate=豫A12345&at=0001-01-01T00:00",
    "/api/claim-cover?plate=豫A12345&at=9999-12-31T23:59",
    f"/settings/calendars?year={HUGE}",
]
REPORT = {
    "plate": "豫A12345",
    "loss_at": "2026-11-20T08:00",
    "place": "G30",
    "description": "追尾",
    "injured": "no",
    "channel": "phone",
    "reporter_name": "郭永刚",
    "callback_phone": "13800000000",
}
RECEIPT = {"receivable_ids": "1", "received_on": "2026-11-20", "method": "cash", "payer": "巩义"}
CONTACT = {"channel": "call", "caller_name": "郭永刚", "subject": "保单", "branch_id": ""}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_no_page_makes_is_answered(sign_in, world: World, address: str) -> None:
    assert sign_in("manager").get(address).status_code < 500


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("/claims/report", REPORT | {"loss_at": "0001-01-01T00:00"}),
        ("/claims/report", REPORT | {"latitude": "1", "longitude": "2", "accuracy": HUGE}),
        ("/claims/report", REPORT | {"description": "a\0b"}),
        ("/enquiries/new", CONTACT | {"branch_id": "²"}),
        ("/enquiries/new", CONTACT | {"idempotency_key": "k" * 500}),
        ("/premiums/branches/{branch}", RECEIPT | {"receivable_ids": HUGE}),
        ("/premiums/branches/{branch}", RECEIPT | {"amount": "1e30"}),
        ("/premiums/branches/{branch}", RECEIPT | {"amount": "1e999999万"}),
        (
            "/issue",
            {"vehicle_ids": "{vehicle}", "start": "day", "start_on": "9999-12-31", "idempotency_key": "k"},
        ),
        ("/reports/weekly_claim_report/run", {"week": "0001-01-01"}),
        ("/reports/weekly_claim_report/run", {"week": "1900-01-01"}),
        ("/reports/annual_service/run", {"year": HUGE}),
        ("/reports/annual_service/run", {"year": "2000"}),
        (f"/notices/{HUGE}", {}),
    ],
)
def test_a_form_that_no_page_sends_is_answered(
    sign_in, world: World, address: str, sent: dict[str, str]
) -> None:
    ids = {"branch": world.gongyi.id, "vehicle": world.coach.id}
    filled = {name: value.format(**ids) for name, value in sent.items()}

    answer = sign_in("manager").post(address.format(**ids), data=filled)

    assert answer.status_code < 500


def test_a_zero_character_is_refused_before_signing_in(client: FlaskClient, world: World) -> None:
    answer = client.post("/sign-in", data={"username": "admin\0", "password": "demo-desk-2026"})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "////evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "evil.example",
        "javascript:alert(1)",
        "",
        None,
    ],
)
def test_no_redirect_leaves_the_desk(app: Flask, target: str | None) -> None:
    assert own_path(target) is None


def test_a_path_of_the_desk_is_kept_with_its_query(app: Flask) -> None:
    assert own_path("/claims?view=mine&q=豫A") == "/claims?view=mine&q=豫A"


def test_a_language_switch_cannot_lead_to_another_site(client: FlaskClient, world: World) -> None:
    answer = client.post("/language", data={"language": "en", "next": "////evil.example/"})

    assert answer.location == "/"
