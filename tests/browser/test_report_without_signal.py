"""A report typed at the roadside without signal: kept, survives a restart, sent once, whole, by who typed it."""

import io
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from playwright.sync_api import BrowserType, FilePayload, Locator, Page, Route, expect
from sqlalchemy import select, update

from service_desk.base.clock import utc_now
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.phone_reports import PhonePhoto, PhoneReport
from service_desk.models.users import User
from service_desk.services import sla
from tests.browser.conftest import CHROMIUM_ARGS, PHONE, axe_problems
from tests.browser.pages import TIMEOUT_MS, photo, scrolls_sideways, until
from tests.factories import PASSWORD, PolicyFactory
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

PIECE = 256 * 1024
PIECES = "**/api/phone/reports/*/photos/*"
SHELVES = """async () => (await caches.keys()).filter(name => name.startsWith("desk-person-"))"""
STORY = "隧道内追尾，没有信号"
Phone = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def phone(
    world: World,
    app: Flask,
    sign_in: Callable[[str], FlaskClient],
    browser_type: BrowserType,
    chromium: str,
    base_url: str,
    tmp_path: Path,
) -> Phone:
    """`with phone("safety-gongyi") as page` is one phone switched on: what it keeps is there the next time."""
    sla.install_defaults(utc_now())
    PolicyFactory(vehicle=world.coach, issued_by=world.underwriter)
    db.session.execute(update(User).values(language="en"))
    db.session.commit()

    @contextmanager
    def switched_on(username: str, *, has_worker: bool = True) -> Iterator[Page]:
        context = browser_type.launch_persistent_context(
            tmp_path / "phone",
            executable_path=chromium,
            args=CHROMIUM_ARGS,
            base_url=base_url,
            locale="en-GB",
            timezone_id="Asia/Shanghai",
            service_workers="allow" if has_worker else "block",
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

    return switched_on


STOCKED = """async () => {
    const own = (await caches.keys()).find(name => name.startsWith("desk-person-"));
    return Boolean(own && navigator.serviceWorker.controller) && (await (await caches.open(own)).keys()).length === 3;
}"""


def stock(page: Page) -> None:
    """Open the desk while there is a signal, until the phone has laid aside what it needs without one."""
    page.goto("/")
    until(lambda: page.evaluate(STOCKED))


def large_photo(name: str) -> FilePayload:
    """One that takes several pieces to send."""
    out = io.BytesIO()
    Image.effect_noise((1200, 900), 90).convert("RGB").save(out, "JPEG", quality=85)
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def type_report(page: Page, *photos: FilePayload) -> None:
    page.goto("/claims/report")
    page.get_by_role("combobox", name="Plate").fill("A12345")
    page.get_by_role("option").filter(has_text="12345").click()
    page.get_by_role("button", name="Next: what happened").click()
    page.get_by_label("Place", exact=True).fill("连霍高速巩义隧道")
    page.get_by_label("What happened").fill(STORY)
    # By the keyboard: the page may still move under a finger while the cover is looked up.
    page.get_by_role("radio", name="Nobody").press("Space")
    page.locator('input[type="file"]').set_input_files(photos)
    expect(page.locator("[data-photo-previews] img")).to_have_count(len(photos))
    page.get_by_role("button", name="Next: who to call back").click()


def send(page: Page) -> None:
    page.get_by_role("button", name="Send report").click()


def card(page: Page, state: str) -> Locator:
    """The one report on the card, once it is in this state."""
    return page.locator(f'[data-kept-list] > li[data-state="{state}"]')


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
        type_report(page, photo("现场.jpg"), photo("车牌.jpg", (800, 600)))
        expect(page.locator("#claim-cover")).to_contain_text("without network")
        send(page)
        expect(card(page, "waiting")).to_contain_text("豫A12345")
        expect(card(page, "waiting")).to_contain_text("photos: 2")
        assert not scrolls_sideways(page)
        assert axe_problems(page) == []
    assert claims() == []

    with phone("safety-gongyi") as page:
        page.goto("/")
        expect(card(page, "sent")).to_be_visible()
        [claim] = claims()
        expect(card(page, "sent")).to_contain_text(claim.number)
    assert photo_names() == ["现场.jpg", "车牌.jpg"]
    assert claim.description == STORY
    report = db.session.scalars(select(PhoneReport)).one()
    assert report.typed_at is not None
    assert claim.loss_at <= report.typed_at < report.received_at


def test_a_lost_answer_and_a_photo_cut_off_half_way_are_made_good(phone: Phone) -> None:
    with phone("safety-gongyi", has_worker=False) as page:
        type_report(page, large_photo("现场.jpg"))
        page.route("**/api/phone/reports", answer_lost)
        send(page)
        expect(card(page, "waiting")).to_be_visible()
        assert len(claims()) == 1

        page.unroute("**/api/phone/reports")
        sent = cut_after_the_first_piece(page)
        page.get_by_role("button", name="Send now").click()
        expect(page.get_by_text("0 of 1 photos sent")).to_be_visible()
        db.session.rollback()
        half = db.session.scalars(select(PhonePhoto)).one()
        assert half.received_bytes == PIECE < half.size_bytes

        page.unroute(PIECES)
        page.get_by_role("button", name="Send now").click()
        expect(card(page, "sent")).to_be_visible()
    assert len(claims()) == 1
    assert photo_names() == ["现场.jpg"]
    # The first piece went once and the second twice: once into the void.
    assert len(sent) == 1 + math.ceil(half.size_bytes / PIECE)


def answer_lost(route: Route) -> None:
    route.fetch()
    route.abort()


def cut_after_the_first_piece(page: Page) -> list[str]:
    """Lose every piece after the first; returns what is sent, growing."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/photos/" in request.url else None)
    page.route(PIECES, lambda route: route.continue_() if len(sent) == 1 else route.abort())
    return sent


def test_a_bad_photo_is_named_and_the_good_one_arrives(phone: Phone) -> None:
    program: FilePayload = {"name": "程序.jpg", "mimeType": "image/jpeg", "buffer": b"MZ" + b"\0" * 400}
    with phone("safety-gongyi", has_worker=False) as page:
        type_report(page, program, photo("现场.jpg"))
        send(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("The report has arrived")
        expect(card(page, "sent")).to_contain_text("程序.jpg")
        page.get_by_role("button", name="Seen").click()
        expect(page.locator("[data-kept-reports]")).to_be_hidden()
    assert photo_names() == ["现场.jpg"]


def test_signed_out_meanwhile_nothing_is_lost_and_nobody_else_sees_or_sends_it(phone: Phone) -> None:
    with phone("safety-gongyi") as page:
        stock(page)
        page.context.set_offline(True)
        type_report(page, photo("现场.jpg"))
        send(page)
        expect(card(page, "waiting")).to_be_visible()
        page.context.clear_cookies()
        page.context.set_offline(False)

        page.get_by_role("link", name="Sign in").click()
        expect(page.get_by_text("Accident reports wait on this phone")).to_be_visible()
        expect(page.locator("main")).not_to_contain_text("豫A12345")
        sign_in_as(page, "hq")
        expect(page.get_by_text("No report waits on this phone.")).to_be_visible()
        until(lambda: page.evaluate(SHELVES) == [f"desk-person-{user_id('hq')}"])
        assert claims() == []

        page.get_by_role("button", name="Me").or_(page.get_by_label("Me")).first.click()
        page.get_by_role("button", name="Sign out").click()
        sign_in_as(page, "safety-gongyi")
        expect(card(page, "sent")).to_be_visible()
    assert len(claims()) == 1
    assert photo_names() == ["现场.jpg"]


def sign_in_as(page: Page, username: str) -> None:
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()


def user_id(username: str) -> int:
    return db.session.scalars(select(User.id).where(User.username == username)).one()
