"""The report pages, the inbox, the overview and the health check, as people and machines meet them."""

import io
from datetime import date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from service_desk.base.clock import utc_now
from service_desk.jobs import notice_delivery
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.models.reports import ReportRun, ReportSchedule
from service_desk.services import leases, notices
from service_desk.services.notices import user_recipient
from service_desk.services.reports import runs, schedules
from tests.report_cases import add_claim, pay, reserve
from tests.world import World

WEEK = date(2026, 11, 16)
HOUR = timedelta(hours=1)


@pytest.fixture
def run(world: World, now: datetime) -> ReportRun:
    """The report of last week, with one large claim and a payment."""
    claim = add_claim(world, now - timedelta(days=4))
    reserve(claim, now - timedelta(days=4), 12_345_00)
    pay(claim, now - timedelta(days=3), 5_600_00)
    schedules.ensure_schedules(now)
    made = runs.make_scheduled(world.account.id, WEEK, now=now)
    assert made is not None
    db.session.commit()
    return made


def text(answer) -> str:
    return answer.get_data(as_text=True)


def test_the_page_shows_the_figures_that_were_kept(run: ReportRun, sign_in) -> None:
    page = text(sign_in("manager").get(f"/reports/{run.id}"))

    for figure in ("12,345.00", "5,600.00", "2026-11-16", "2026-11-22", "豫A12345", "巩义客运分公司"):
        assert figure in page


def test_the_spreadsheet_speaks_the_readers_language(run: ReportRun, world: World, sign_in) -> None:
    world.hq.language = "en"

    answer = sign_in("hq").get(f"/reports/{run.id}/report.xlsx")

    book = load_workbook(io.BytesIO(answer.data))
    assert book.sheetnames == ["By branch", "Claims of the week", "Open claims", "Breaches"]
    assert "Gongyi Coach Branch" in [row[0] for row in book["By branch"].values]
    assert book["Claims of the week"].max_row > 3


def test_the_client_reads_what_was_sent_but_changes_nothing(run: ReportRun, sign_in) -> None:
    client = sign_in("hq")

    page = text(client.get("/reports"))
    assert f"/reports/{run.id}" in page
    assert "/reports/run" not in page
    assert "/reports/schedule" not in page
    assert client.get(f"/reports/{run.id}").status_code == 200
    assert client.post("/reports/run", data={"week": "2026-11-16"}).status_code == 403
    assert client.post("/reports/schedule", data={"weekday": "1"}).status_code == 403


@pytest.mark.parametrize(("username", "status"), [("foreign-hq", 404), ("safety-gongyi", 403)])
def test_others_do_not_see_it(run: ReportRun, sign_in, username: str, status: int) -> None:
    client = sign_in(username)

    assert client.get(f"/reports/{run.id}").status_code == status
    assert client.get(f"/reports/{run.id}/report.xlsx").status_code == status


def test_the_same_form_twice_makes_one_report(run: ReportRun, sign_in) -> None:
    client = sign_in("manager")
    form = {"week": "2026-11-18", "is_sent": "y", "idempotency_key": "one"}

    first, second = client.post("/reports/run", data=form), client.post("/reports/run", data=form)

    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert db.session.scalars(select(ReportRun.edition).order_by(ReportRun.id)).all() == [0, 1]


def test_a_week_that_is_not_over_is_refused_beside_its_field(run: ReportRun, sign_in) -> None:
    answer = sign_in("manager").post("/reports/run", data={"week": "2099-01-01"})

    assert answer.status_code == 422
    assert "本周尚未结束" in text(answer)
    assert "2099-01-01" in text(answer)


def test_the_manager_moves_the_report_to_friday(run: ReportRun, world: World, sign_in) -> None:
    schedule = db.session.scalars(select(ReportSchedule).filter_by(account_id=world.account.id)).one()
    form = {"weekday": "4", "at": "17:45", "is_active": "yes", "version": str(schedule.version)}

    answer = sign_in("manager").post("/reports/schedule", data=form)

    assert answer.status_code == 303
    changed = db.session.scalars(select(ReportSchedule).filter_by(account_id=world.account.id)).one()
    assert (changed.weekday, changed.hour, changed.minute, changed.is_active) == (4, 17, 45, True)


def test_a_schedule_changed_meanwhile_is_not_overwritten(run: ReportRun, sign_in) -> None:
    form = {"weekday": "4", "at": "17:45", "is_active": "yes", "version": "99"}

    answer = sign_in("manager").post("/reports/schedule", data=form)

    assert answer.status_code == 409
    assert 'value="17:45"' in text(answer)


def test_a_mail_is_sent_again_from_the_delivery_log(run: ReportRun, now: datetime, sign_in) -> None:
    mail = db.session.scalars(select(Notice).filter_by(channel=Channel.MAIL)).first()
    notices.record_failed(mail, "550 mailbox full", permanent=True, now=now)
    db.session.commit()
    client = sign_in("manager")

    assert "550 mailbox full" in text(client.get(f"/reports/{run.id}"))
    answer = client.post(f"/reports/{run.id}/mails/{mail.id}/again")

    assert answer.status_code == 303
    assert db.session.get(Notice, mail.id).state is NoticeState.QUEUED


def test_only_mails_of_that_report_are_sent_again_there(
    run: ReportRun, world: World, now: datetime, sign_in
) -> None:
    [_, other] = notices.queue(
        "other", user_recipient(world.claims1), {}, dedupe="x", now=now, account_id=world.account.id
    )
    db.session.commit()

    assert sign_in("manager").post(f"/reports/{run.id}/mails/{other.id}/again").status_code == 404


def test_who_may_not_read_the_delivery_log_sees_none(run: ReportRun, sign_in) -> None:
    assert 'id="delivery"' not in text(sign_in("claims1").get(f"/reports/{run.id}"))


def test_a_message_is_read_by_opening_it_and_leads_to_its_page(run: ReportRun, world: World, sign_in) -> None:
    client = sign_in("hq")
    notice = db.session.scalars(select(Notice).filter_by(channel=Channel.IN_APP, user_id=world.hq.id)).one()

    assert "出险报案周报" in text(client.get("/notices"))
    answer = client.post(f"/notices/{notice.id}")

    assert (answer.status_code, answer.location) == (303, f"/reports/{run.id}")
    assert db.session.get(Notice, notice.id).read_at is not None


def test_nobody_opens_another_persons_message(run: ReportRun, world: World, sign_in) -> None:
    notice = db.session.scalars(select(Notice).filter_by(channel=Channel.IN_APP, user_id=world.hq.id)).one()

    assert sign_in("claims1").post(f"/notices/{notice.id}").status_code == 404
    assert db.session.get(Notice, notice.id).read_at is None


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", ""]
)
def test_a_message_never_leads_to_another_site(world: World, now: datetime, sign_in, url: str) -> None:
    [notice, *_] = notices.queue("odd", user_recipient(world.claims1), {"url": url}, dedupe="x", now=now)
    db.session.commit()

    assert sign_in("claims1").post(f"/notices/{notice.id}").location == "/notices"


def test_a_message_that_cannot_be_rendered_does_not_close_the_inbox(
    world: World, now: datetime, sign_in
) -> None:
    notices.queue("no-such-kind", user_recipient(world.claims1), {}, dedupe="x", now=now)
    db.session.commit()

    answer = sign_in("claims1").get("/notices")

    assert answer.status_code == 200
    assert "服务台的一条消息" in text(answer)


def test_all_messages_are_marked_read_at_once(world: World, now: datetime, sign_in) -> None:
    for number in range(3):
        notices.queue("odd", user_recipient(world.claims1), {}, dedupe=str(number), now=now)
    db.session.commit()

    assert sign_in("claims1").post("/notices/read").status_code == 303

    assert notices.unread_count(world.claims1) == 0


def test_the_overview_is_for_managers(run: ReportRun, sign_in) -> None:
    page = sign_in("manager").get("/overview")

    assert page.status_code == 200
    assert "12,345.00" in text(page)
    assert sign_in("claims1").get("/overview").status_code == 403


def test_health_is_up_while_a_scheduler_holds_the_lease(client: FlaskClient, session) -> None:
    leases.take_or_renew("test", now=utc_now())

    answer = client.get("/healthz")

    assert (answer.status_code, answer.json["status"]) == (200, "up")


def test_health_tells_when_no_scheduler_runs(client: FlaskClient, session) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json["database"] == "up"
    assert answer.json["scheduler"] == "down"
    assert "scheduler" in answer.json["reason"]


def test_health_tells_when_the_database_does_not_answer(client: FlaskClient, session, monkeypatch) -> None:
    def fail(_now: datetime) -> None:
        raise OperationalError("SELECT", {}, Exception("connection refused by db.internal"))

    monkeypatch.setattr(leases, "state", fail)

    answer = client.get("/healthz")

    assert (answer.status_code, answer.json["database"]) == (503, "down")
    assert "db.internal" not in text(answer)


def test_delivered_mails_are_told_on_the_list(run: ReportRun, now: datetime, sign_in) -> None:
    notice_delivery.run(now)

    assert "已发 2 封" in text(sign_in("manager").get("/reports"))
