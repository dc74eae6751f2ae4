"""A report typed at the roadside without signal: kept, survives a restart, sent once, whole, by who typed it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, BrowserType, Page, Route, expect
from sqlalchemy import func, select, update

from service_desk.base.clock import utc_now
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.phone_reports import PhoneReport
from service_desk.models.users import User
from service_desk.services import sla
from tests.browser.conftest import CHROMIUM_ARGS, PHONE, TIMEOUT_MS, axe_problems
from tests.browser.pages import photo, scrolls_sideways
from tests.factories import PolicyFactory
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

STORY = "隧道内追尾，没有信号"
Phone = Callable[..., "BrowserContext"]


@pytest.fixture
def phone(
    world: World,
    app: Flask,
    sign_in: Callable[[str], FlaskClient],
    browser_type: BrowserType,
    chromium: str,
    base_url: str,
    tmp_path: Path,
) -> Iterator[Phone]:
    """`with phone("safety-gongyi") as page` is one phone switched on: what it keeps is there the next time."""
    sla.install_defaults(utc_now())
    PolicyFactory(vehicle=world.coach, issued_by=world.underwriter)
    db.session.execute(update(User).values(language="en"))
    db.session.commit()

    @contextmanager
    def switched_on(username: str | None = None) -> Iterator[Page]:
        context = browser_type.launch_persistent_context(
            tmp_path / "phone",
            executable_path=chromium,
            args=CHROMIUM_ARGS,
            base_url=base_url,
            locale="en-GB",
            timezone_id="Asia/Shanghai",
            **PHONE,
        )
        context.set_default_timeout(TIMEOUT_MS)
        if username:
            cookie = sign_in(username).get_cookie(app.config["SESSION_COOKIE_NAME"])
            assert cookie is not None
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base_url}])
        try:
            yield context.pages[0]
        finally:
            context.close()

    yield switched_on


STOCKED = """async () => {
    const own = (await caches.keys()).find(name => name.startsWith("desk-person-"));
    return Boolean(own && navigator.serviceWorker.controller) && (await (await caches.open(own)).keys()).length === 3;
}"""


def stock(page: Page) -> None:
    """Open the desk while there is a signal, until the phone has laid aside what it needs without one."""
    page.goto("/")
    until(lambda: page.evaluate(STOCKED))


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what no element of the page shows."""
    end = time.monotonic() + TIMEOUT_MS / 1000
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def type_report(page: Page, photos: int = 2) -> None:
    page.goto("/claims/report")
    page.get_by_role("combobox", name="Plate").fill("A12345")
    page.get_by_role("option").filter(has_text="12345").click()
    page.get_by_role("button", name="Next: what happened").click()
    page.get_by_label("Where").fill("连霍高速巩义隧道")
    page.get_by_label("What happened").fill(STORY)
    page.get_by_text("Nobody", exact=True).click()
    page.locator('input[type="file"]').set_input_files(
        [photo(f"现场{n}.jpg", (1600 + n, 1200)) for n in range(photos)]
    )
    expect(page.locator("[data-photo-previews] img")).to_have_count(photos)
    page.get_by_role("button", name="Next: who to call back").click()


def send(page: Page) -> None:
    page.get_by_role("button", name="Send report").click()


def card(page: Page) -> object:
    return page.locator("[data-kept-reports] [data-kept-list] > li")


def claims() -> list[Claim]:
    db.session.rollback()
    return list(db.session.scalars(select(Claim)))


def photo_names() -> list[str]:
    db.session.rollback()
    return sorted(db.session.scalars(select(Document.filename)))


def test_a_report_without_signal_outlives_the_browser_and_becomes_one_claim(phone: Phone) -> None:
    with phone("safety-gongyi") as page:
        stock(page)
        page.context.set_offline(True)
        type_report(page)
        expect(page.locator("#claim-cover")).to_contain_text("without network")
        send(page)
        expect(card(page)).to_contain_text("waiting to send")
        expect(card(page)).to_contain_text("photos: 2")
        assert not scrolls_sideways(page)
        assert axe_problems(page) == []
    assert claims() == []

    with phone("safety-gongyi") as page:
        page.goto("/")
        expect(card(page)).to_contain_text("sent", timeout=15_000)
        [claim] = claims()
        expect(card(page)).to_contain_text(claim.number)
    assert photo_names() == ["现场0.jpg", "现场1.jpg"]
    assert claim.description == STORY
    report = db.session.scalars(select(PhoneReport)).one()
    assert claim.loss_at <= report.typed_at < report.received_at
