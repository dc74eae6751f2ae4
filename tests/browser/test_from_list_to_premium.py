"""Journey 1: a client's list comes in, twelve vehicles are insured and printed, and the premium is received."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pdfminer.high_level import extract_text
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select

from service_desk.base.clock import utc_now
from service_desk.models.accounts import Branch, BranchAlias
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Policy
from service_desk.models.premiums import Receivable
from service_desk.services.policies import rates
from tests.browser.axe import axe_problems
from tests.factories import BranchFactory
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

LISTS = Path(__file__).parent.parent / "data" / "fleet_lists"
LIST = "02-gbk.csv"
SENT_AS = "2026年度营运车辆.csv"
CHOSEN = 12
MOST_CLICKS = 6


@pytest.fixture
def desk(world: World, open_desk: Callable[..., Page]) -> Page:
    """The underwriter's desk; the group has the branches its lists speak of, and there are prices."""
    known = {branch.name: branch for branch in (world.gongyi, world.zhongmu)}
    for entry in json.loads((LISTS / "branches.json").read_text(encoding="utf-8")):
        branch: Branch = known.get(entry["name"]) or BranchFactory(account=world.account, name=entry["name"])
        db.session.add_all(
            BranchAlias(account_id=world.account.id, branch_id=branch.id, alias=alias, alias_key=alias)
            for alias in entry["aliases"]
        )
    rates.install_sample_rates(now=utc_now())
    db.session.commit()
    return open_desk("underwriter", language="en")


class Clicks:
    """Clicks that are counted."""

    def __init__(self) -> None:
        self.count = 0

    def on(self, target: Locator, *, shift: bool = False) -> None:
        target.click(modifiers=["Shift"] if shift else [])
        self.count += 1


def test_a_list_becomes_twelve_printed_policies_and_their_premium(desk: Page, world: World) -> None:
    import_the_list(desk)
    quote_a_plate(desk)
    clicks = Clicks()
    printed = issue_twelve(desk, clicks)
    assert clicks.count <= MOST_CLICKS
    db.session.rollback()
    issued = list(db.session.scalars(select(Policy)))
    assert len({policy.vehicle_id for policy in issued}) == CHOSEN
    assert all(policy.number in printed and policy.plate in printed for policy in issued)
    receive_the_premium(desk, issued)


def import_the_list(page: Page) -> None:
    expected = json.loads((LISTS / "expected.json").read_text(encoding="utf-8"))[LIST]
    before = db.session.scalar(select(func.count()).select_from(Vehicle)) or 0
    page.goto("/vehicles")
    page.get_by_role("link", name="Import a list").click()
    content = (LISTS / LIST).read_bytes()
    page.locator('input[type="file"]').set_input_files(
        {"name": SENT_AS, "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Check the list").click()
    figures = page.locator(".figures")
    expect(figures).to_contain_text(str(len(expected["rejected"])))
    assert axe_problems(page) == []

    page.get_by_role("button", name=f"Import {expected['accepted']} vehicles").click()

    expect(page.get_by_role("link", name="To the fleet")).to_be_visible()
    with page.expect_download() as handed_back:
        page.get_by_role("link", name="Download with results").click()
    assert SENT_AS.removesuffix(".csv") in handed_back.value.suggested_filename
    assert len(handed_back.value.path().read_bytes()) > len(content)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Vehicle)) == before + expected["accepted"]


def quote_a_plate(page: Page) -> None:
    page.goto("/quote")
    page.get_by_role("combobox", name="Plate").fill("豫A12345")
    page.get_by_role("button", name="Show premium").click()
    expect(page.get_by_role("table", name="Premium a year")).to_contain_text("4,690.00")
    assert axe_problems(page) == []


def issue_twelve(page: Page, clicks: Clicks) -> str:
    """Filter, then count: choose twelve, look at the premiums, issue, open the bundle. Its text."""
    page.goto("/vehicles")
    page.get_by_label("Class").select_option("coach")
    page.wait_for_url("**use_class=coach**")

    rows = page.locator("[data-select-row]:not(:disabled)")
    clicks.on(rows.first)
    clicks.on(rows.nth(CHOSEN - 1), shift=True)
    expect(page.locator("[data-selected-count]")).to_have_text(str(CHOSEN))
    clicks.on(page.get_by_role("button", name="Issue policies for those chosen"))
    expect(page.get_by_role("table", name="Will be issued").locator("tbody tr")).to_have_count(CHOSEN)
    assert axe_problems(page) == []
    clicks.on(page.locator('button[formaction="/issue/confirm"]'))
    expect(page.get_by_role("status").filter(has_text="The policies were issued.")).to_be_visible()
    assert axe_problems(page) == []
    bundle = page.get_by_role("link", name="Print bundle")
    address = bundle.get_attribute("href")
    assert address
    with page.expect_response(f"**{address}") as opened:
        clicks.on(bundle)
    assert opened.value.headers["content-type"] == "application/pdf"
    return extract_text(io.BytesIO(page.request.get(address).body()))


def receive_the_premium(page: Page, issued: list[Policy]) -> None:
    """One branch pays all it owes."""
    branch = db.session.get_one(Branch, issued[0].branch_id)
    owed = sum(policy.premium_fen for policy in issued if policy.branch_id == branch.id)
    page.goto("/premiums")
    page.get_by_role("row").filter(has_text=branch.name_en).get_by_role("link").click()
    page.get_by_label("Choose all").check()
    page.get_by_label("Amount").fill(f"{owed / 100:,.2f}")
    assert axe_problems(page) == []

    page.get_by_role("button", name="Record receipt").dblclick()

    expect(page.get_by_role("status").filter(has_text="The receipt was recorded.")).to_be_visible()
    expect(page.locator("main")).to_contain_text(f"¥{owed / 100:,.2f}")
    db.session.rollback()
    page.goto(f"/premiums/branches/{branch.id}")
    expect(page.locator("main")).to_contain_text("This branch owes no premium.")
    assert db.session.scalar(select(func.count()).select_from(Receivable)) == len(issued)
