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
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.models.reports import ReportRecipient, ReportRun, ReportSchedule
from service_desk.models.users import UserAccount
from service_desk.rules.periods import Period
from service_desk.rules.report_document import ReportKind
from service_desk.services import leases, notices
from service_desk.services.notices import user_recipient
from service_desk.services.reports import faults, runs, schedules
from service_desk.services.reports.runs import Due
from tests.report_cases import add_claim, pay, reserve
from tests.world import World

KIND = ReportKind.WEEKLY_CLAIMS
WEEK = Period(date(2026, 11, 16), date(2026, 11, 22))


@pytest.fixture
def run(world: World, now: datetime) -> ReportRun:
    """The report of last week, with one large claim and a payment."""
    claim = add_claim(world, now - timedelta(days=4))
    reserve(claim, now - timedelta(days=4), 12_345_00)
    pay(claim, now - timedelta(days=3), 5_600_00)
    schedules.ensure_schedules(now)
    made = runs.make_scheduled(Due(world.account.id, KIND, WEEK), now=now)
    assert made is not None
    db.session.commit()
    return made


def text(answer) -> str:
    return answer.get_data(as_text=True)


def schedule_of(world: World, kind: ReportKind = KIND) -> ReportSchedule:
    return db.session.scalars(select(ReportSchedule).filter_by(account_id=world.account.id, kind=kind)).one()


def sheet_texts(answer) -> set[str]:
    book = load_workbook(io.BytesIO(answer.data))
    values = {value for sheet in book for row in sheet.values for value in row if value is not None}
    return {f"{value:.2f}" if isinstance(value, int | float) else str(value) for value in values}


def test_the_page_shows_the_figures_that_were_kept_and_so_do_the_downloads(
    run: ReportRun, world: World, sign_in
) -> None:
    world.hq.language = "en"
    for username, branch in (("manager", "巩义客运分公司"), ("hq", "Gongyi Coach Branch")):
        client = sign_in(username)
        page = text(client.get(f"/reports/{run.id}"))
        for figure in ("12,345.00", "5,600.00", "2026-11-16", "2026-11-22", "豫A12345", branch):
            assert figure in page
        book = client.get(f"/reports/{run.id}/report.xlsx")
        assert {"12345.00", "5600.00", "豫A12345", branch} <= sheet_texts(book)
        assert "weekly-claim-report-20261116-20261122.xlsx" in book.headers["Content-Disposition"]
        paper = client.get(f"/reports/{run.id}/report.pdf")
        assert (paper.mimetype, paper.data[:5]) == ("application/pdf", b"%PDF-")


def test_who_takes_out_a_report_of_another_account_is_audited_there(
    world: World, now: datetime, sign_in
) -> None:
    """As by the link of a mail, whichever account is worked in."""
    db.session.add(UserAccount(user_id=world.manager.id, account_id=world.foreign_account.id))
    made = runs.make_scheduled(Due(world.foreign_account.id, KIND, WEEK), now=now)
    assert made is not None
    db.session.commit()

    client = sign_in("manager")
    for path in ("report.xlsx", "report.pdf"):
        assert client.get(f"/reports/{made.id}/{path}").status_code == 200

    taken = select(AuditEntry).where(AuditEntry.action.in_(("exported", "file_taken")))
    for kept, path in zip(
        db.session.scalars(taken.order_by(AuditEntry.id)), ("report.xlsx", "report.pdf"), strict=True
    ):
        assert (kept.account_id, kept.entity_label) == (world.foreign_account.id, world.foreign_account.code)
        said = kept.changes.get("filter") or kept.changes["taken_from"]
        assert (kept.actor_id, said[1]) == (world.manager.id, f"/reports/{made.id}/{path}")
    assert kept.changes["export_file"][1].endswith(".pdf")


def test_the_client_reads_what_was_sent_and_changes_nothing(run: ReportRun, world: World, sign_in) -> None:
    client = sign_in("hq")

    page = text(client.get("/reports"))
    assert f"/reports/{run.id}" in page
    assert "/reports/schedules/" not in page
    assert f"{KIND}/run" not in page
    shown = text(client.get(f"/reports/{run.id}"))
    assert "figures=now" not in shown
    assert 'id="delivery"' not in shown
    assert client.get(f"/reports/{run.id}/compare").status_code == 200
    schedule = schedule_of(world).id
    for path in (f"/reports/{run.id}?figures=now", f"/reports/{KIND}/preview", f"/reports/{KIND}/run"):
        assert client.get(path).status_code == 403
    assert client.get(f"/reports/schedules/{schedule}").status_code == 403
    for path in (
        f"/reports/{KIND}/run",
        f"/reports/schedules/{schedule}",
        f"/reports/schedules/{schedule}/recipients",
    ):
        assert client.post(path, data={"week": "2026-11-16", "day": "1"}).status_code == 403


@pytest.mark.parametrize(("username", "status"), [("foreign-hq", 404), ("safety-gongyi", 403)])
def test_others_do_not_see_it(run: ReportRun, world: World, sign_in, username: str, status: int) -> None:
    client = sign_in(username)

    for path in ("", "/report.xlsx", "/report.pdf", "/compare"):
        assert client.get(f"/reports/{run.id}{path}").status_code == status
    assert client.get(f"/reports/schedules/{schedule_of(world).id}").status_code == 403
    assert client.post(f"/reports/{KIND}/run", data={"week": "2026-11-16"}).status_code == 403
    if status == 403:
        assert client.get("/reports").status_code == 403


def test_claims_staff_read_every_run_and_change_nothing(run: ReportRun, world: World, sign_in) -> None:
    client = sign_in("claims1")

    assert f"/reports/{run.id}" in text(client.get("/reports"))
    page = text(client.get(f"/reports/{run.id}"))
    assert 'id="delivery"' not in page
    assert "figures=now" not in page
    assert client.get(f"/reports/{run.id}?figures=now").status_code == 403
    assert client.get(f"/reports/schedules/{schedule_of(world).id}").status_code == 403


def test_a_run_by_hand_is_made_once_however_often_its_form_is_sent(run: ReportRun, sign_in) -> None:
    client = sign_in("manager")
    page = text(client.get(f"/reports/{KIND}/run"))
    assert 'value="2026-' in page
    # Nothing goes to a client unless somebody asks for it, and the page says to whom it would.
    assert "checked" not in page[page.index('name="is_sent"') :].split(">")[0]
    assert "勾选后将立即发送给：" in page
    form = {"week": "2026-11-18", "is_sent": "y", "idempotency_key": "one"}

    first, second = (client.post(f"/reports/{KIND}/run", data=form) for _ in range(2))
    month = client.post("/reports/monthly_underwriting/run", data={"year": "2026", "month": "2"})

    assert first.status_code == second.status_code == month.status_code == 303
    assert first.location == second.location
    columns = (ReportRun.kind, ReportRun.period_from, ReportRun.edition)
    made = db.session.execute(select(*columns).order_by(ReportRun.id))
    assert [tuple(row) for row in made] == [
        (KIND, WEEK.first, 0),
        (KIND, WEEK.first, 1),
        ("monthly_underwriting", date(2026, 2, 1), 1),
    ]
    assert "2026" in text(client.get(month.location))


@pytest.mark.parametrize(
    ("kind", "form", "status", "kept"),
    [
        ("weekly_claim_report", {"week": "2099-01-01"}, 422, 'value="2099-01-01"'),
        ("weekly_claim_report", {"week": "16.11."}, 422, 'value="16.11."'),
        ("monthly_underwriting", {"year": "2098", "month": "7"}, 422, 'value="2098"'),
        ("monthly_underwriting", {"year": "99999", "month": "7"}, 422, 'value="99999"'),
        ("monthly_underwriting", {"year": "2026", "month": "13"}, 422, 'value="2026"'),
        ("no_such_report", {"year": "2026"}, 404, ""),
    ],
)
def test_a_period_that_is_not_over_or_not_there_is_refused_beside_its_field(
    run: ReportRun, sign_in, kind: str, form: dict[str, str], status: int, kept: str
) -> None:
    answer = sign_in("manager").post(f"/reports/{kind}/run", data=form)

    assert answer.status_code == status
    assert kept in text(answer)
    assert "is-invalid" in text(answer) or status == 404
    assert len(db.session.scalars(select(ReportRun.id)).all()) == 1


def test_the_manager_moves_pauses_and_readdresses_a_report(run: ReportRun, world: World, sign_in) -> None:
    client, schedule = sign_in("manager"), schedule_of(world)
    page = f"/reports/schedules/{schedule.id}"
    form = {"day": "4", "at": "17:45", "is_active": "no", "version": str(schedule.version)}
    assert client.post(page, data=form).status_code == 303
    changed = schedule_of(world)
    assert (changed.weekday, changed.hour, changed.minute, changed.is_active) == (4, 17, 45, False)

    people = {
        "people-0-key": f"u{world.hq.id}",
        "people-0-language": "en",
        "people-0-channel": "",
        "people-1-key": f"c{world.insurance_department.id}",
        "people-1-gets_it": "y",
        "people-1-language": "",
        "people-1-channel": "",
        "added": f"u{world.claims1.id}",
        "added_language": "",
        "added_channel": "mail",
        "version": str(changed.version),
    }
    assert client.post(f"{page}/recipients", data=people).status_code == 303

    rows = {row.user_id: row for row in db.session.scalars(select(ReportRecipient))}
    assert {key: row.is_muted for key, row in rows.items()} == {world.hq.id: True, world.claims1.id: False}
    shown = text(client.get(page))
    for words in (
        "暂停",
        "出险报案周报 · 王建军",
        "修改报表收件人",
        "修改报表计划",
        "星期一 → 星期五",
        "仅邮件",
        "— → English",
    ):
        assert words in shown
    listed = text(client.get("/reports"))
    assert "暂停" in listed
    assert page in listed


def test_a_schedule_changed_meanwhile_is_not_overwritten_and_what_was_typed_stays(
    run: ReportRun, world: World, sign_in
) -> None:
    client, page = sign_in("manager"), f"/reports/schedules/{schedule_of(world).id}"

    moved = client.post(page, data={"day": "4", "at": "17:45", "is_active": "yes", "version": "99"})
    told = client.post(
        f"{page}/recipients",
        data={
            "added": f"u{world.claims2.id}",
            "added_language": "en",
            "added_channel": "",
            "version": "99",
        },
    )

    assert moved.status_code == told.status_code == 409
    assert 'value="17:45"' in text(moved)
    assert f'<option selected value="u{world.claims2.id}">' in text(told)
    assert db.session.scalars(select(ReportRecipient)).all() == []
    # Who has seen what it is now sends the same form again, and it is taken.
    assert 'name="version" type="hidden" value="1"' in text(moved)
    assert 'name="version" type="hidden" value="1"' in text(told)
    # The place in the rail stays marked on the pages opened from it.
    assert '<a href="/reports" aria-current="page">' in text(client.get(page))


def test_a_schedule_sent_twice_is_changed_once_and_says_nothing_of_others(
    run: ReportRun, world: World, sign_in
) -> None:
    client, page = sign_in("manager"), f"/reports/schedules/{schedule_of(world).id}"
    sent = {"day": "4", "at": "17:45", "is_active": "yes", "version": "1", "idempotency_key": "schedule-1"}

    answers = [client.post(page, data=sent) for _ in range(2)]
    other = client.post(page, data=sent | {"at": "18:00"})

    assert [(answer.status_code, answer.location) for answer in answers] == [(303, page)] * 2
    assert other.status_code == 409
    assert schedule_of(world).version == 2


def test_forms_that_no_page_sends_change_nothing(run: ReportRun, world: World, sign_in) -> None:
    client, schedule = sign_in("manager"), schedule_of(world)
    page, version = f"/reports/schedules/{schedule.id}", str(schedule.version)
    stranger = f"u{world.foreign_hq.id}"
    whole = {"people-0-language": "", "people-0-channel": ""}
    forms = [
        ("", {"day": "7", "at": "08:30", "is_active": "yes"}),
        ("", {"day": "x", "at": "25:61", "is_active": "maybe"}),
        ("/recipients", {"people-0-key": stranger, "people-0-gets_it": "y"} | whole),
        ("/recipients", {"people-0-gets_it": "y"} | whole),
        ("/recipients", {"people-0-key": f"u{world.hq.id}", "people-0-channel": "pigeon"}),
        ("/recipients", {"added": stranger, "added_language": "", "added_channel": ""}),
        ("/recipients", {"added": f"c{'9' * 30}", "added_language": "xx", "added_channel": ""}),
    ]
    for path, form in forms:
        assert client.post(page + path, data=form | {"version": version}).status_code == 422
    assert client.post(page, data={"day": "1", "at": "08:30", "version": "9" * 30}).status_code in (409, 422)

    assert db.session.scalars(select(ReportRecipient)).all() == []
    assert (schedule_of(world).weekday, schedule_of(world).version) == (0, 1)


def test_a_preview_shows_the_running_period_and_leaves_nothing(run: ReportRun, world: World, sign_in) -> None:
    add_claim(world, utc_now() - timedelta(minutes=1), world.bus)
    db.session.commit()

    page = sign_in("manager").get(f"/reports/{KIND}/preview")

    assert page.status_code == 200
    assert "豫AD12345" in text(page)
    assert "预览" in text(page)
    assert db.session.scalars(select(ReportRun.id)).all() == [run.id]


def test_as_of_now_marks_what_differs_and_the_report_stays_as_it_was_sent(
    run: ReportRun, world: World, now: datetime, sign_in
) -> None:
    client = sign_in("manager")
    assert "与生成时完全一致" in text(client.get(f"/reports/{run.id}?figures=now"))
    late = add_claim(world, now - timedelta(days=4), world.bus)
    reserve(late, now - timedelta(days=4), 7_777_00)
    db.session.commit()

    as_now = text(client.get(f"/reports/{run.id}?figures=now"))
    as_sent = text(client.get(f"/reports/{run.id}"))
    book = sheet_texts(client.get(f"/reports/{run.id}/report.xlsx"))

    assert 'id="differs-by_branch"' in as_now
    assert "豫AD12345" in as_now
    assert 'class="report-was"' in as_now
    assert "7,777.00" in as_now
    assert "豫AD12345" not in as_sent
    assert "7,777.00" not in as_sent
    assert "豫AD12345" not in book


def test_two_runs_are_laid_beside_each_other(run: ReportRun, world: World, now: datetime, sign_in) -> None:
    other = runs.make_scheduled(
        Due(world.account.id, KIND, Period(date(2026, 11, 9), date(2026, 11, 15))), now=now
    )
    month = runs.make_scheduled(
        Due(world.account.id, ReportKind.MONTHLY_UNDERWRITING, Period(date(2026, 10, 1), date(2026, 10, 31))),
        now=now,
    )
    db.session.commit()
    client = sign_in("claims1")

    chooser = text(client.get(f"/reports/{run.id}/compare"))
    assert f'value="{other.id}"' in chooser
    assert f'value="{month.id}"' not in chooser
    beside = text(client.get(f"/reports/{run.id}/compare?other={other.id}"))
    assert "12,345.00" in beside
    assert "豫A12345" in beside
    assert client.get(f"/reports/{run.id}/compare?other={month.id}").status_code == 422
    assert client.get(f"/reports/{run.id}/compare?other=999999").status_code == 404
    assert client.get(f"/reports/{run.id}/compare?other=x").status_code == 200


def test_the_list_is_narrowed_to_a_kind(run: ReportRun, world: World, now: datetime, sign_in) -> None:
    month = runs.make_scheduled(
        Due(world.account.id, ReportKind.MONTHLY_UNDERWRITING, Period(date(2026, 10, 1), date(2026, 10, 31))),
        now=now,
    )
    db.session.commit()
    client = sign_in("hq")

    def rows(query: str) -> set[int]:
        return {
            one for one in (run.id, month.id) if f'"/reports/{one}"' in text(client.get(f"/reports{query}"))
        }

    assert rows("") == rows("?kind=nonsense") == {run.id, month.id}
    assert rows("?kind=monthly_underwriting") == {month.id}
    assert rows(f"?kind={KIND}") == {run.id}


def test_a_mail_is_sent_again_from_the_delivery_log(run: ReportRun, now: datetime, sign_in) -> None:
    mail = db.session.scalars(select(Notice).filter_by(channel=Channel.MAIL)).first()
    notices.record_failed(mail, "550 mailbox full", permanent=True, now=now)
    db.session.commit()
    client = sign_in("manager")

    assert "550 mailbox full" in text(client.get(f"/reports/{run.id}"))
    answer = client.post(f"/reports/{run.id}/mails/{mail.id}/again")

    assert answer.status_code == 303
    assert db.session.get(Notice, mail.id).state is NoticeState.QUEUED
    trail = text(client.get("/audit"))
    assert "出险报案周报" in trail
    assert "weekly_claim_report" not in trail


def test_only_mails_of_that_report_are_sent_again_there(
    run: ReportRun, world: World, now: datetime, sign_in
) -> None:
    [_, other] = notices.queue(
        "other", user_recipient(world.claims1), {}, dedupe="x", now=now, account_id=world.account.id
    )
    db.session.commit()

    assert sign_in("manager").post(f"/reports/{run.id}/mails/{other.id}/again").status_code == 404


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
    assert "6,745.00" in text(page)  # What is outstanding: the estimate less what is paid.
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


def test_a_report_that_cannot_be_made_says_so_and_is_tried_at_once_by_a_manager(
    run: ReportRun, world: World, now: datetime, sign_in
) -> None:
    schedules.ensure_schedules(now)
    own = (ReportSchedule.account_id == world.account.id, ReportSchedule.kind == KIND)
    schedule = db.session.scalars(select(ReportSchedule).where(*own)).one()
    schedule.starts_on = (now - timedelta(days=14)).date()
    due = runs.not_made(runs.wanted(schedules.planned(schedule, world.account.zone), now))[0]
    faults.note(due, "ZeroDivisionError", now=now)
    db.session.commit()
    address = f"/reports/schedules/{schedule.id}"
    manager = sign_in("manager")

    assert "ZeroDivisionError" in text(manager.get("/reports"))
    assert "ZeroDivisionError" in text(manager.get(address))
    for username, status in (("claims1", 403), ("hq", 403), ("foreign-hq", 403)):
        client = sign_in(username)
        assert client.post(f"{address}/try").status_code == status, username
        assert "ZeroDivisionError" not in text(client.get("/reports"))
    assert manager.post(f"{address}/try").location == address
    assert "立即重试" in text(manager.get(address))
