"""A schedule is moved, its hour comes, the mail server refuses twice; what arrives in the end says what the page says."""

import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from service_desk.base.clock import utc_now
from service_desk.jobs import notice_delivery, scheduled_reports
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.reports import ReportRun, ReportSchedule
from service_desk.presenters.labels import LABELS
from service_desk.presenters.languages import in_language
from service_desk.presenters.times import duration
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import next_period, sent_at
from service_desk.services.reports import schedules
from tests.browser.axe import axe_problems
from tests.browser.pages import rows_of, too_wide_tables
from tests.jobs.smtp_server import MailServer, mail_server
from tests.jobs.test_notice_delivery import configured
from tests.report_cases import add_claim, move, pay, reserve, survey, survey_clock
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def server(app: Flask, base_url: str) -> Iterator[MailServer]:
    with mail_server() as running, configured(app, smtp=running.settings, base_url=base_url):
        yield running


def fill_week(world: World, due: datetime) -> None:
    """A week with a large loss surveyed too late, a small one in time, and an old claim paid and closed."""
    thursday = due - 5 * DAY
    large = add_claim(world, thursday, is_urban=False)
    reserve(large, thursday + MINUTE, 12_345_67)
    survey(large, thursday + 90 * MINUTE, first_scene=False)
    survey_clock(world, large, stopped_after=90 * MINUTE, seen_at=due)
    small = add_claim(world, thursday + DAY, world.truck)
    reserve(small, thursday + DAY, 800_00)
    survey(small, thursday + DAY + 30 * MINUTE, first_scene=True)
    survey_clock(world, small, stopped_after=30 * MINUTE, seen_at=due)
    paid = add_claim(world, thursday - 20 * DAY, world.bus)
    pay(paid, thursday, 5_600_00)
    move(paid, thursday, ClaimState.CLOSED)
    db.session.commit()


def test_a_moved_report_arrives_after_two_refusals_and_equals_its_page(
    world: World, server: MailServer, open_desk: Callable[..., Page]
) -> None:
    schedules.ensure_schedules(utc_now())
    db.session.flush()
    # Only this report is looked at; the others may be due today.
    db.session.execute(
        update(ReportSchedule).values(
            is_active=(ReportSchedule.kind == ReportKind.WEEKLY_CLAIMS)
            & (ReportSchedule.account_id == world.account.id)
        )
    )
    db.session.commit()
    page = open_desk("manager", language="en")
    move_to_tuesday(page)
    db.session.rollback()
    [planned] = schedules.list_on_schedule()
    due = sent_at(planned.rule, next_period(planned.rule, utc_now()))
    fill_week(world, due)

    assert scheduled_reports.run(due - MINUTE).failed == 0
    before = set(db.session.scalars(select(ReportRun.id)))
    assert scheduled_reports.run(due) == Tally(done=1)
    server.answer = "451 4.3.2 Try again later"
    for late in (0 * MINUTE, 1 * MINUTE):
        assert notice_delivery.run(due + late).done == 0
    server.answer = "250 OK"
    assert notice_delivery.run(due + 6 * MINUTE).failed == 0

    mails = {one["To"].addresses[0].addr_spec: one for one in server.received if books_of(one)}
    assert set(mails) == {"hq@desk.example", "insurance@zzly.example", "claims1@desk.example"}
    run_id = next(iter(set(db.session.scalars(select(ReportRun.id))) - before))
    words = mails["claims1@desk.example"].get_body(("plain",))
    assert words is not None
    assert f"/reports/{run_id}" in words.get_content()

    page.goto(f"/reports/{run_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Weekly claim report")
    assert_same(page, books_of(mails["claims1@desk.example"])[0])
    log = page.locator("#delivery")
    expect(log.get_by_text("451 4.3.2 Try again later")).to_have_count(2 * len(mails))
    assert axe_problems(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download .xlsx").click()
    assert_same(page, download.value.path().read_bytes())
    log.get_by_role("button", name="Send again").first.click()
    expect(page.get_by_role("status").filter(has_text="The mail will be sent again")).to_be_visible()


def move_to_tuesday(page: Page) -> None:
    """Move the weekly report to Tuesday 09:15 and add a claims officer, who wants it in English."""
    page.goto("/reports")
    assert axe_problems(page) == []
    page.get_by_role("table", name="Schedules").get_by_role("link", name="Weekly claim report").first.click()
    page.get_by_label("Weekday").select_option("Tuesday")
    page.locator("#at").fill("09:15")
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_role("status").filter(has_text="The schedule was changed")).to_be_visible()
    page.get_by_label("Add a person").select_option("王建军 · Claims staff")
    page.locator("#added_language").select_option("English")
    page.get_by_role("button", name="Save recipients").click()
    expect(page.get_by_role("status").filter(has_text="The recipients were changed")).to_be_visible()
    expect(page.locator("#history")).to_contain_text("Monday → Tuesday")
    expect(page.locator("#history")).to_contain_text("王建军")
    assert axe_problems(page) == []


def books_of(mail: EmailMessage) -> list[bytes]:
    return [
        part.get_content() for part in mail.iter_attachments() if str(part.get_filename()).endswith(".xlsx")
    ]


def assert_same(page: Page, book: bytes) -> None:
    """Every table of the page stands on a sheet of the book, figure for figure."""
    sheets = {sheet.title: [list(row) for row in sheet.values] for sheet in load_workbook(io.BytesIO(book))}
    tables = [one for one in page.locator("section[id^=table-]").all() if one.locator("tbody tr").count()]
    assert len(tables) == 4
    for table in tables:
        code = str(table.get_attribute("id")).removeprefix("table-")
        title = str(table.locator("h2").evaluate("one => one.firstChild.textContent")).strip()
        headings = [one.strip() for one in table.locator("thead th").all_inner_texts()]
        shown = rows_of(table)
        kept = by_heading(sheets[str(LABELS["report_sheet"].get(code, title))], headings)
        assert [[same(cell) for cell in row] for row in shown] == [
            [same(as_shown(value, cell)) for value, cell in zip(row, cells, strict=True)]
            for row, cells in zip(kept, shown, strict=True)
        ]


def by_heading(rows: list[list[Any]], headings: list[str]) -> list[list[Any]]:
    """The rows below the heading, in the page's columns."""
    head = next(place for place, row in enumerate(rows) if set(headings) <= set(row))
    places = [rows[head].index(one) for one in headings]
    return [[row[place] for place in places] for row in rows[head + 1 :] if any(row)]


def as_shown(value: Any, cell: str) -> str:
    """A value of the sheet as the page writes it: the page's text says which of its ways is meant."""
    if value is None:
        return "—" if cell == "—" else ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, timedelta):
        with in_language("en"):
            return duration(value.total_seconds())
    if isinstance(value, int | float) and "%" in cell:
        return f"{value * 100:.1f}%"
    if isinstance(value, int | float) and "." in cell:
        return f"{value:,.2f}"
    return str(value)


def same(cell: str) -> str:
    """A figure without what it is made of, which the sheet has in columns of its own."""
    return re.sub(r"\s*\(\d[\d,]*/[\d,]+\)$", "", cell).strip()


def test_a_page_with_broad_tables_is_printed_across_and_nothing_is_cut_off(
    busy_desk: World, open_desk: Callable[..., Page]
) -> None:
    """Sheets upright cut the last columns off."""
    page = open_desk("manager")
    page.goto("/reports")
    page.goto(str(page.locator("tbody a[href*='/reports/']").last.get_attribute("href")))
    expect(page.locator(".table-wrap").first).to_be_visible()

    # A4 across less its margins.
    page.set_viewport_size({"width": 1016, "height": 665})
    page.emulate_media(media="print")

    assert page.locator(".page").evaluate("sheet => getComputedStyle(sheet).page") == "wide"
    assert not too_wide_tables(page)
