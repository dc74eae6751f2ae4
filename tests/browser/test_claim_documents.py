"""The client's phone sends two papers, one comes back with a reason and is sent again; told once, complete at the end."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from service_desk.base.clock import utc_now
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from service_desk.services.claims import papers
from tests.browser.conftest import axe_problems
from tests.browser.pages import photo, scrolls_sideways
from tests.claim_cases import Journey, reported_claim
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


@pytest.fixture
def claim(world: World) -> Claim:
    """Assessed, and all but two papers have come."""
    start = utc_now() - timedelta(minutes=30)
    claim = reported_claim(world, start)
    Journey(world, claim, start).to(ClaimState.ASSESSED)
    for row in papers.list_wanted(claim.id):
        if row.code not in {"diagnosis", "medical_invoices"}:
            row.state = WantedState.RECEIVED
    db.session.commit()
    return claim


def line(page: Page, code: str) -> Locator:
    return page.locator(f"#line-{code}")


def send(page: Page, code: str) -> None:
    line(page, code).locator('input[type="file"]').set_input_files(photo(f"{code}.jpg"))
    line(page, code).get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="The documents were sent.")).to_be_visible()


def test_papers_come_from_the_phone_one_is_sent_back_and_all_are_complete(
    claim: Claim, open_desk: Callable[..., Page]
) -> None:
    desk, phone = open_desk("claims1", language="en"), open_desk("safety-gongyi", phone=True, language="en")
    desk.goto(f"/claims/{claim.number}/documents")
    desk.get_by_role("button", name="Send the one-time notice").click()
    expect(desk.get_by_role("status").filter(has_text="The client was told what is missing.")).to_be_visible()
    expect(desk.locator("main")).to_contain_text("They were told once already.")

    phone.goto(f"/claims/{claim.number}/documents")
    expect(phone.locator("main")).to_contain_text("2 documents are missing.")
    assert axe_problems(phone) == []
    assert not scrolls_sideways(phone)
    send(phone, "diagnosis")
    send(phone, "medical_invoices")

    desk.reload()
    diagnosis = line(desk, "diagnosis")
    diagnosis.locator("summary", has_text="Send back").click()
    diagnosis.get_by_label("Reason, which the client reads").fill("缺医院公章")
    diagnosis.get_by_role("button", name="Send back").click()
    expect(desk.get_by_role("status").filter(has_text="The file was sent back")).to_be_visible()
    assert axe_problems(desk) == []

    phone.reload()
    expect(line(phone, "diagnosis")).to_contain_text("缺医院公章")
    send(phone, "diagnosis")
    expect(phone.locator("main")).to_contain_text("All documents are here.")

    desk.goto(f"/claims/{claim.number}")
    form = desk.locator('#next form[action$="/complete_documents"]')
    form.get_by_role("button", name="Documents are complete", exact=True).click()
    expect(desk.get_by_role("status").filter(has_text="The documents are complete.")).to_be_visible()
    db.session.rollback()
    assert claim.state is ClaimState.DOCUMENTS_COMPLETE
    assert {row.state for row in db.session.query(WantedDocument)} == {WantedState.RECEIVED}
    assert [notice.is_later_demand for notice in papers.list_notices(claim.id)] == [False]
