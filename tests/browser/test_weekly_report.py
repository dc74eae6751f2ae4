"""Journey 5: Monday's report arrives at a real mail server, and its spreadsheet says what the page says."""

import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from playwright.sync_api import Page, expect
from sqlalchemy import update

from service_desk.base.clock import start_of_day, utc_now
from service_desk.jobs import notice_delivery, scheduled_reports
from service_desk.models.db import db
from service_desk.models.reports import ReportSchedule
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.periods import week_of
from service_desk.services.reports import schedules
from tests.browser.axe import axe_problems
from tests.browser.pages import rows_of
from tests.jobs.smtp_server import MailServer, mail_server
from tests.jobs.test_notice_delivery import configured
from tests.report_cases import add_claim, move, pay, reserve, survey, survey_clock
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def monday() -> datetime:
    """08:30 of the Monday just gone by."""
    now = utc_now()
    due = start_of_day(week_of(now.date())) + timedelta(hours=8, minutes=30)
    return due if due <= now else due - 7 * DAY


@pytest.fixture
def server(app: Flask, base_url: str) -> Iterator[MailServer]:
    with mail_server() as running, configured(app, smtp=running.settings, base_url=base_url):
        yield running


@pytest.fixture
def week(world: World, monday: datetime) -> None:
    """A week with a large loss surveyed too late, a small one in time, and an old claim paid and closed."""
    thursday = monday - 4 * DAY
    large = add_claim(world, thursday, is_urban=False)
    reserve(large, thursday + MINUTE, 12_345_67)
    survey(large, thursday + 90 * MINUTE, first_scene=False)
    survey_clock(world, large, stopped_after=90 * MINUTE, seen_at=monday)
    small = add_claim(world, thursday + DAY, world.truck)
    reserve(small, thursday + DAY, 800_00)
    survey(small, thursday + DAY + 30 * MINUTE, first_scene=True)
    survey_clock(world, small, stopped_after=30 * MINUTE, seen_at=monday)
    paid = add_claim(world, thursday - 20 * DAY, world.bus)
    pay(paid, thursday, 5_600_00)
    move(paid, thursday, ClaimState.CLOSED)
    schedules.ensure_schedules(monday)
    db.session.execute(update(ReportSchedule).values(starts_on=(monday + DAY).date() - DAY))
    db.session.commit()


@pytest.mark.usefixtures("week")
def test_the_spreadsheet_in_the_mail_equals_the_page(
    server: MailServer, monday: datetime, open_desk: Callable[..., Page]
) -> None:
    page = open_desk("hq", language="en")
    assert scheduled_reports.run(monday).failed == 0
    assert notice_delivery.run(monday).failed == 0

    mail = next(one for one in reports(server) if one["To"].addresses[0].addr_spec == "hq@desk.example")
    [attachment] = mail.iter_attachments()
    book = load_workbook(io.BytesIO(attachment.get_content()))
    page.goto("/reports")
    page.get_by_role("table", name="Reports made").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Weekly claim report")

    shown = rows_of(page.locator("#by-branch"))
    assert shown == [as_shown(row) for row in sheet_rows(book.worksheets[0])]
    assert shown[-1] == [
        "Total",
        "1",
        "2",
        "0",
        "1",
        "2",
        "13,145.67",
        "1",
        "1/2",
        "1/2",
        "5,600.00",
        shown[-1][-1],
    ]
    for place, table in ((1, "#claims"), (2, "#open-claims"), (3, "#breach-rows")):
        expected = [row[:3] for row in sheet_rows(book.worksheets[place])]
        assert [[line[0], line[1], line[2]] for line in rows_of(page.locator(table))] == expected
    assert axe_problems(page) == []


def reports(server: MailServer) -> list[EmailMessage]:
    """The mails with a spreadsheet; others tell of the week's broken promises."""
    return [mail for mail in server.received if list(mail.iter_attachments())]


def sheet_rows(sheet: Worksheet) -> list[list[Any]]:
    """The rows below the heading, which is the first row with every column filled."""
    rows = [list(row) for row in sheet.values]
    head = next(i for i, row in enumerate(rows) if all(row))
    return [row for row in rows[head + 1 :] if row[0]]


def as_shown(row: list[Any]) -> list[str]:
    """A branch's row of the spreadsheet in the columns of the page."""
    (
        name,
        start,
        reported,
        reopened,
        closed,
        end,
        estimate,
        large,
        judged,
        in_time,
        _,
        due,
        first,
        _,
        paid,
        oldest,
    ) = row
    return [
        name,
        *(str(number) for number in (start, reported, reopened, closed, end)),
        f"{estimate:,.2f}",
        str(large),
        f"{in_time}/{judged}" if judged else "—",
        f"{first}/{due}" if due else "—",
        f"{paid:,.2f}",
        str(oldest) if oldest is not None else "—",
    ]


@pytest.mark.usefixtures("week")
def test_the_mail_leads_to_the_page_and_is_sent_again_from_it(
    server: MailServer, monday: datetime, open_desk: Callable[..., Page]
) -> None:
    scheduled_reports.run(monday)
    notice_delivery.run(monday)
    page = open_desk("manager", language="en")
    page.goto("/reports")
    page.get_by_role("table", name="Reports made").get_by_role("link").first.click()
    arrived = reports(server)
    words = arrived[0].get_body(("plain",))
    assert words is not None
    assert page.url in words.get_content()

    page.locator("#delivery").get_by_role("button", name="Send again").first.click()
    expect(page.get_by_role("status").filter(has_text="The mail will be sent again")).to_be_visible()
    notice_delivery.run(utc_now())

    assert len(reports(server)) == len(arrived) + 1
    with page.expect_download() as download:
        page.get_by_role("link", name="Download .xlsx").click()
    book = load_workbook(io.BytesIO(download.value.path().read_bytes()))
    assert book.sheetnames == ["By branch", "Claims of the week", "Open claims", "Breaches"]
