"""Journeys of accountability: a breach nobody caused, and one that its first holder caused by passing it on late.

The clocks of these journeys run round the clock, and time is moved on between the steps: what people see at
each hour is what they would have seen.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import time_machine
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from service_desk.base.clock import end_of_day, local_date, utc_now
from service_desk.jobs import sla_sweep
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.sla import BreachReview
from service_desk.services.claims import handling, papers
from tests.breach_cases import second_manager
from tests.browser.axe import axe_problems
from tests.browser.pages import photo, rows_of
from tests.claim_cases import ASSESSMENT, SURVEY, Journey, file_store, reported_claim
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

MINUTE = timedelta(minutes=1)
OpenDesk = Callable[..., Page]
GoTo = Callable[[timedelta], datetime]


@pytest.fixture
def go_to() -> Iterator[GoTo]:
    """`go_to(20 * MINUTE)` moves the desk's time to 20 minutes after nine o'clock tomorrow, and answers that time.

    Not after now: late in the evening the minutes of a journey would lie on two days.
    """
    began = end_of_day(local_date(utc_now())) + timedelta(hours=9)
    with time_machine.travel(began, tick=False) as traveller:

        def move(after: timedelta) -> datetime:
            # Desks are opened after a move: SQLite lets nobody write who has read before another wrote.
            db.session.rollback()
            traveller.move_to(began + after)
            return began + after

        yield move


def sweep() -> None:
    tally = sla_sweep.run(utc_now())
    assert tally.failed == 0
    db.session.rollback()


def open_breach(page: Page, claim: Claim, step: str) -> None:
    """From the audit, as managers do."""
    page.goto("/breaches")
    row = page.get_by_role("row").filter(has_text=claim.number).filter(has_text=step)
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(claim.number)


def table(page: Page, name: str) -> Locator:
    return page.get_by_role("table", name=name)


def said(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


def the_review() -> BreachReview:
    db.session.rollback()
    return db.session.scalars(select(BreachReview)).one()


def test_a_breach_nobody_caused_paused_for_documents(world: World, open_desk: OpenDesk, go_to: GoTo) -> None:
    claim = surveyed_claim(world, go_to(timedelta()))
    # Only a notice of what is missing lets the clock wait for it.
    papers.request_documents(claim.number, "", actor=world.claims1, now=go_to(20 * MINUTE))
    db.session.commit()
    handler = open_desk("claims1", language="en")
    client = open_desk("safety-gongyi", phone=True, language="en")
    pause_for_documents(handler, claim)
    client.goto(f"/claims/{claim.number}")
    expect(client.locator("main")).to_contain_text("paused: waiting for client")

    # The client's papers are late beyond the longest pause: the clock runs again by itself and breaks.
    go_to(timedelta(days=30, hours=2))
    sweep()
    now = go_to(timedelta(days=30, hours=3))
    handling.record_assessment(claim.number, ASSESSMENT, actor=world.claims1, now=now, files=file_store())
    db.session.commit()

    page = open_desk("manager", language="en")
    open_breach(page, claim, "Assessment")
    ((reason, times, before, after), _total) = rows_of(table(page, "By reason of pause"))
    assert (reason, times, before, after) == ("Waiting for the client's documents", "1", "720 h", "—")
    expect(table(page, "Who held the clock").get_by_role("link", name="Evidence")).to_have_count(1)
    assert axe_problems(page) == []

    add_cause(page, "客户补件过晚", "Client's papers came late")
    open_breach(page, claim, "Assessment")
    page.get_by_label("Cause").select_option(label="Client's papers came late")
    page.get_by_label("Person responsible").select_option("nobody")
    page.get_by_label("Explanation").fill("一次性告知后三十日仍未补齐，恢复计时后超时")
    page.get_by_role("button", name="Sign the review").click()
    expect(page.get_by_role("alert")).to_contain_text("Say what is corrected.")
    page.get_by_label("No correction is needed").check()
    page.get_by_role("button", name="Sign the review").click()

    said(page, "The review is signed.")
    for words in ("Nobody of ours", "Client's papers came late", "None needed."):
        expect(page.locator("main")).to_contain_text(words)
    assert axe_problems(page) == []
    review = the_review()
    assert (review.responsible_id, review.correction_owner_id) == (None, None)
    assert review.signed_by_id == world.manager.id


def surveyed_claim(world: World, now: datetime) -> Claim:
    """Surveyed at once with a small estimate: its assessment is promised within 60 minutes."""
    claim = reported_claim(world, now)
    journey = Journey(world, claim, now)
    journey.dispatch()
    handling.record_arrival(claim.number, handling.ArrivalRecord(), actor=world.claims1, now=now)
    small = replace(SURVEY, estimate_fen=1_500_00)
    handling.record_survey(claim.number, small, actor=world.claims1, now=now, files=file_store())
    db.session.commit()
    return claim


def pause_for_documents(page: Page, claim: Claim) -> None:
    page.goto(f"/claims/{claim.number}")
    page.get_by_role("link", name="Assessment", exact=True).first.click()
    page.get_by_role("link", name="Pause").click()
    page.get_by_label("Reason").select_option("waiting_for_client_documents")
    page.get_by_label("Note").fill("一次性告知：缺修理发票与驾驶证，待巩义分公司补齐")
    page.get_by_label("Paper that proves it").set_input_files(photo("一次性告知书.jpg"))
    page.get_by_role("button", name="Pause the clock").click()
    expect(page.locator("main")).to_contain_text("paused: waiting for client")


def add_cause(page: Page, name: str, name_en: str) -> None:
    """The list has no word for it yet, so the manager adds one."""
    page.get_by_role("link", name="Edit the causes").click()
    page.get_by_label("Chinese name").fill(name)
    page.get_by_label("English name").fill(name_en)
    page.get_by_role("button", name="Add the cause").click()
    said(page, "The cause was added.")
    assert axe_problems(page) == []


def test_a_breach_handed_over_late_is_attributed_to_the_first_holder(
    world: World, open_desk: OpenDesk, go_to: GoTo
) -> None:
    other = second_manager(world)
    # Reported now, and promised within the hour; the first holder keeps it for 55 minutes.
    claim = reported_claim(world, go_to(timedelta()) + 20 * MINUTE)
    go_to(50 * MINUTE)
    first, second = open_desk("claims1", language="en"), open_desk("claims2", language="en")
    hand_over(first, claim, world)
    go_to(55 * MINUTE)
    second.goto("/")
    second.get_by_role("button", name="Accept").click()
    go_to(61 * MINUTE)
    sweep()
    now = go_to(70 * MINUTE)
    arrive(world, claim, now)

    page, late_signer = open_desk("manager", language="en"), open_desk("manager2", language="en")
    for manager in (page, late_signer):
        open_breach(manager, claim, "Survey")
    by_person = rows_of(table(page, "By person"))
    assert [row[1:] for row in by_person] == [
        ["55 min", "—", "55 min", "79%"],
        ["5 min", "10 min", "15 min", "21%"],
        ["1 h", "10 min", "1 h 10 min", ""],
    ]
    assert world.claims1.name in by_person[0][0]
    expect(page.locator("main")).to_contain_text("taken over with 5 min left")

    fill_review(page, world, "移交时只剩 5 分钟")
    page.get_by_role("button", name="Sign the review").click()
    said(page, "The review is signed.")
    fill_review(late_signer, world, "接手人到场已尽快")
    late_signer.get_by_role("button", name="Sign the review").click()
    expect(late_signer.locator("main")).to_contain_text("Another manager has signed this review meanwhile.")
    expect(late_signer.locator("main")).to_contain_text("接手人到场已尽快")
    assert axe_problems(late_signer) == []
    review = the_review()
    assert (review.responsible_id, review.signed_by_id) == (world.claims1.id, world.manager.id)
    assert review.signed_by_id != other.id

    go_to(timedelta(days=5))
    owner, manager = open_desk("claims1", phone=True, language="en"), open_desk("manager", language="en")
    report_done(owner)
    manager.goto("/breaches?view=corrections")
    expect(manager.get_by_role("row").filter(has_text=claim.number)).to_contain_text("done")
    assert axe_problems(manager) == []


def hand_over(page: Page, claim: Claim, world: World) -> None:
    page.goto(f"/claims/{claim.number}")
    page.locator("summary", has_text="Hand over").first.click()
    page.get_by_label("Offer to").select_option(str(world.claims2.id))
    page.get_by_role("button", name="Offer").first.click()
    expect(page.locator("main")).to_contain_text(world.claims2.name)


def arrive(world: World, claim: Claim, now: datetime) -> None:
    handling.dispatch(claim.number, handling.Dispatch(world.claims2.id), actor=world.claims2, now=now)
    handling.record_arrival(claim.number, handling.ArrivalRecord(), actor=world.claims2, now=now)
    db.session.commit()


def fill_review(page: Page, world: World, explanation: str) -> None:
    page.get_by_label("Cause").select_option("late_handover")
    page.get_by_label("Person responsible").select_option(str(world.claims1.id))
    page.get_by_label("Explanation").fill(explanation)
    page.get_by_role("textbox", name="Correction").fill("剩余时间不足半小时的移交须先报主管")
    page.get_by_label("Correct by").fill((local_date(utc_now()) + timedelta(days=7)).isoformat())


def report_done(page: Page) -> None:
    """From the desk of who owes it, where it is amber by now."""
    page.goto("/")
    card = page.locator("#corrections")
    expect(card).to_contain_text("2 days left")
    card.get_by_role("link").first.click()
    page.get_by_label("What was done").fill("移交页已加提示，班前会已说明")
    assert axe_problems(page) == []
    page.get_by_role("button", name="Report it done").click()
    said(page, "The correction is reported done.")
