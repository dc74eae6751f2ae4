"""The weekly report by the clock: once per account and week, caught up when missed, equal to what arrives by mail."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select, update

from service_desk.jobs import notice_delivery, scheduled_reports
from service_desk.jobs.runner import Tally
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.reports import ReportRun, ReportSchedule
from service_desk.rules.claim_flow import ClaimState
from service_desk.services.reports import runs, schedules
from service_desk.services.reports.figures import WeeklyReport
from tests.jobs.smtp_server import mail_server
from tests.jobs.test_notice_delivery import configured
from tests.report_cases import add_claim, move, pay, reserve, survey_clock
from tests.world import World

WEEK = date(2026, 11, 16)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
# Monday 23 November 2026, 08:30 in China.
DUE = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)


@pytest.fixture
def scheduled(world: World) -> Callable[[date], None]:
    """Both accounts are on schedule since a day, by default the day the report of the week is due."""

    def start(starts_on: date = WEEK + 7 * DAY) -> None:
        schedules.ensure_schedules(DUE)
        db.session.execute(update(ReportSchedule).values(starts_on=starts_on))
        db.session.commit()

    return start


def periods(world: World) -> list[date]:
    db.session.rollback()
    own = select(ReportRun.period_from).where(ReportRun.account_id == world.account.id)
    return list(db.session.scalars(own.order_by(ReportRun.id)))


def mails() -> int:
    statement = select(func.count()).select_from(Notice).where(Notice.channel == Channel.MAIL)
    return db.session.scalar(statement) or 0


def test_is_made_at_its_minute_and_not_before(world: World, scheduled) -> None:
    scheduled()

    assert scheduled_reports.run(DUE - timedelta(seconds=1)) == Tally()
    assert scheduled_reports.run(DUE) == Tally(done=2)

    assert periods(world) == [WEEK]


def test_is_made_once_however_often_the_job_runs(world: World, scheduled) -> None:
    scheduled()
    scheduled_reports.run(DUE)
    queued = mails()

    for minutes in (0, 1, 60, 60 * 24 * 6):
        assert scheduled_reports.run(DUE + minutes * MINUTE) == Tally()

    assert periods(world) == [WEEK]
    assert mails() == queued == 3


def test_missed_weeks_are_caught_up_oldest_first(world: World, scheduled) -> None:
    scheduled(WEEK - 7 * DAY)

    scheduled_reports.run(DUE + 2 * DAY)

    assert periods(world) == [WEEK - 14 * DAY, WEEK - 7 * DAY, WEEK]


def test_the_next_week_comes_after_it(world: World, scheduled) -> None:
    scheduled()
    scheduled_reports.run(DUE)

    scheduled_reports.run(DUE + 7 * DAY)

    assert periods(world) == [WEEK, WEEK + 7 * DAY]


def test_several_workers_make_it_once(app: Flask, world: World, scheduled) -> None:
    scheduled(WEEK - 7 * DAY)

    def work(_: int) -> Tally:
        with app.app_context():
            return scheduled_reports.run(DUE)

    with ThreadPoolExecutor(4) as pool:
        tallies = list(pool.map(work, range(4)))

    assert sum(tally.failed for tally in tallies) == 0
    assert periods(world) == [WEEK - 14 * DAY, WEEK - 7 * DAY, WEEK]
    assert mails() == 9


def test_an_account_that_fails_does_not_keep_the_others_from_theirs(world: World, scheduled) -> None:
    scheduled()
    db.session.execute(
        update(KeyAccount).where(KeyAccount.id == world.account.id).values(zone="Mars/Olympus_Mons")
    )
    db.session.commit()

    assert scheduled_reports.run(DUE) == Tally(done=1, failed=1)

    foreign = select(ReportRun.period_from).where(ReportRun.account_id == world.foreign_account.id)
    assert list(db.session.scalars(foreign)) == [WEEK]


def test_a_report_half_made_leaves_nothing_and_is_made_by_the_next_run(
    world: World, scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled()

    def fail(*_args: object, **_values: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(runs.notices, "queue", fail)
        assert scheduled_reports.run(DUE) == Tally(failed=2)
    assert periods(world) == []

    assert scheduled_reports.run(DUE + MINUTE) == Tally(done=2)
    assert periods(world) == [WEEK]


def test_a_new_account_gets_a_schedule_and_no_old_reports(world: World) -> None:
    scheduled_reports.run(DUE + 2 * DAY)

    assert periods(world) == []
    assert scheduled_reports.run(DUE + 7 * DAY) == Tally(done=2)
    assert periods(world) == [WEEK + 7 * DAY]


def test_the_spreadsheet_that_arrives_holds_the_figures_that_were_kept(
    app: Flask, world: World, scheduled
) -> None:
    thursday = DUE - 4 * DAY
    claim = add_claim(world, thursday)
    reserve(claim, thursday + HOUR, 12_000_00)
    survey_clock(world, claim, stopped_after=90 * MINUTE, seen_at=DUE)
    paid = add_claim(world, thursday - 20 * DAY, world.bus)
    pay(paid, thursday, 5_600_00)
    move(paid, thursday, ClaimState.CLOSED)
    scheduled()

    scheduled_reports.run(DUE)
    with mail_server() as server, configured(app, smtp=server.settings):
        notice_delivery.run(DUE)

    run = db.session.scalars(select(ReportRun).where(ReportRun.account_id == world.account.id)).one()
    report = WeeklyReport.from_json(run.figures)
    mail = next(one for one in server.received if one["To"].addresses[0].addr_spec == "hq@desk.example")
    [attachment] = mail.iter_attachments()
    book = load_workbook(io.BytesIO(attachment.get_content()))
    branches, claims, open_claims, breaches = (list(sheet.values) for sheet in book)
    total = branches[-1]
    assert total[1:9] == (1, 1, 0, 1, 1, 12000, 1, 1)
    assert total[14] == 5600
    assert [row[0] for row in claims[-len(report.claims) :]] == [claim.number]
    assert open_claims[-1][0] == claim.number
    assert breaches[-1][:2] == (claim.number, claim.plate)
    assert (report.total.reported, report.total.paid_fen, report.total.large_losses) == (1, 5_600_00, 1)
