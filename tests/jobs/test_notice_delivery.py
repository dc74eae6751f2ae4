"""The outbox over a real mail server: each mail once, temporary and final refusals, nothing jams the queue."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.adapters import mailer
from service_desk.adapters.mailer import (
    AddressRefused,
    Attachment,
    Mail,
    PermanentError,
    Picture,
    compose,
)
from service_desk.base.errors import Forbidden
from service_desk.base.paging import PageRequest
from service_desk.jobs import notice_delivery
from service_desk.jobs.runner import Tally
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Channel, DeliveryTry, FailReason, Notice, NoticeState
from service_desk.services import notices
from service_desk.services.notices import RETRY_MINUTES, TAKEN_FOR, Recipient, bounces, delivery_log
from service_desk.services.notices.delivery_log import LogFilter
from service_desk.services.reports import runs
from service_desk.services.users import close_user
from tests.jobs.smtp_server import MailServer, mail_server
from tests.world import World

KIND = "weekly_claim_report"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def server(app: Flask) -> Iterator[MailServer]:
    """The desk sends to this server."""
    with mail_server() as running, configured(app, smtp=running.settings):
        yield running


class configured:  # noqa: N801 (reads as a phrase)
    """The desk's settings with changes, put back afterwards."""

    def __init__(self, app: Flask, **changes: Any) -> None:
        self.app, self.changes = app, changes

    def __enter__(self) -> None:
        self.kept = self.app.extensions["desk_config"]
        self.app.extensions["desk_config"] = replace(self.kept, **self.changes)

    def __exit__(self, *_: object) -> None:
        self.app.extensions["desk_config"] = self.kept


@pytest.fixture
def queue(world: World, now: datetime):
    """Queue a mail to an address; by default the report of a week without claims."""

    run = runs.run_now(
        world.account.id, runs.RunNow(date(2026, 11, 16), is_sent=False), actor=world.manager, now=now
    )

    def queue_mail(address: str = "zhou@zzly.example", language: str = "zh", **params: Any) -> Notice:
        values = {
            "url": f"/reports/{run.id}",
            "run_id": run.id,
            "edition": 0,
            "account_name": "郑州联运集团",
            "account_name_en": "Zhengzhou United Transport",
            "period_from": "2026-11-16",
            "period_to": "2026-11-22",
        }
        recipient = Recipient("周敏", address, language)
        [notice] = notices.queue(KIND, recipient, values | params, dedupe=f"test:{address}", now=now)
        db.session.commit()
        return notice

    return queue_mail


def seen(notice: Notice) -> Notice:
    db.session.rollback()
    return db.session.get_one(Notice, notice.id, populate_existing=True)


def tries(notice: Notice) -> list[tuple[bool, str]]:
    rows = db.session.execute(
        select(DeliveryTry.succeeded, DeliveryTry.detail)
        .where(DeliveryTry.notice_id == notice.id)
        .order_by(DeliveryTry.id)
    )
    return [tuple(row) for row in rows]


def test_mail_arrives_in_the_recipients_language_with_text_page_and_spreadsheet(
    server: MailServer, queue, now: datetime
) -> None:
    chinese, english = queue("zhou@zzly.example"), queue("hq@zzly.example", "en")

    assert notice_delivery.run(now) == Tally(done=2)

    first, second = server.received
    assert "出险报案周报" in first["Subject"]
    assert "Weekly claim report" in second["Subject"]
    assert "Zhengzhou United Transport" in second["Subject"]
    assert first["To"] == "周敏 <zhou@zzly.example>"
    text, page = (first.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "出险报案周报" in text
    assert "<h1 style=" in page
    sheet, paper = first.iter_attachments()
    assert sheet.get_filename() == "weekly-claim-report-20261116-20261122.xlsx"
    assert sheet.get_content()[:2] == b"PK"
    assert (paper.get_filename(), paper.get_content()[:4]) == (
        "weekly-claim-report-20261116-20261122.pdf",
        b"%PDF",
    )
    assert (seen(chinese).state, seen(english).state) == (NoticeState.SENT, NoticeState.SENT)


def test_mail_says_that_a_machine_sent_it_and_who_answers(
    app: Flask, server: MailServer, queue, now: datetime
) -> None:
    notice = queue()

    with configured(
        app, mail_from="大客户保险服务台 <desk@insurer.example>", mail_reply_to="help@insurer.example"
    ):
        notice_delivery.run(now)

    [mail] = server.received
    assert mail["From"] == "大客户保险服务台 <desk@insurer.example>"
    assert mail["Reply-To"] == "help@insurer.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"]
    assert mail["Message-ID"].endswith("@insurer.example>")
    assert seen(notice).message_id == mail["Message-ID"]


def test_links_lead_to_the_address_people_type(
    app: Flask, server: MailServer, world: World, queue, now: datetime
) -> None:
    notice = queue()
    notice.user_id = world.hq.id
    db.session.commit()

    with configured(app, base_url="https://desk.insurer.example"):
        notice_delivery.run(now)

    [mail] = server.received
    assert f"https://desk.insurer.example{notice.params['url']}" in mail.get_body(("html",)).get_content()


def test_a_sent_mail_is_not_sent_twice(server: MailServer, queue, now: datetime) -> None:
    queue()

    assert notice_delivery.run(now) == Tally(done=1)
    assert notice_delivery.run(now + 60 * MINUTE) == Tally()

    assert len(server.received) == 1


def test_a_temporary_refusal_is_tried_again_with_growing_delays(
    server: MailServer, queue, now: datetime
) -> None:
    notice = queue()
    server.answer = "451 try later"
    at = now

    for delay in RETRY_MINUTES:
        assert notice_delivery.run(at) == Tally(failed=1)
        assert notice_delivery.run(at + delay * MINUTE - timedelta(seconds=1)) == Tally()
        at += delay * MINUTE
        assert seen(notice).next_try_at == at
    server.answer = "250 OK"
    assert notice_delivery.run(at) == Tally(done=1)

    assert [succeeded for succeeded, _ in tries(notice)] == [False] * len(RETRY_MINUTES) + [True]
    assert "451 try later" in tries(notice)[0][1]


def test_a_mail_is_given_up_after_the_last_delay(server: MailServer, queue, now: datetime) -> None:
    notice, at = queue(), now
    server.answer = "451 try later"

    for delay in (*RETRY_MINUTES, 0):
        notice_delivery.run(at)
        at += delay * MINUTE

    assert (seen(notice).state, seen(notice).next_try_at) == (NoticeState.FAILED, None)


def test_a_final_refusal_is_marked_failed_with_the_servers_words(
    server: MailServer, queue, now: datetime
) -> None:
    notice, other = queue("nobody@zzly.example"), queue("zhou@zzly.example")
    server.refuse["nobody@zzly.example"] = "550 no such user"

    assert notice_delivery.run(now) == Tally(done=1, failed=1)

    assert seen(notice).state is NoticeState.FAILED
    assert tries(notice) == [(False, "550 no such user")]
    assert seen(other).state is NoticeState.SENT


def test_what_waits_for_somebody_whose_login_was_closed_is_not_sent(
    server: MailServer, queue, world: World, now: datetime
) -> None:
    notice, other = queue(world.safety_gongyi.email), queue(world.hq.email)
    notice.user_id, notice.account_id = world.safety_gongyi.id, world.account.id
    other.user_id = world.hq.id
    close_user(world.safety_gongyi, actor=world.admin, now=now, reason="离职")
    db.session.commit()

    assert notice_delivery.run(now) == Tally(done=1, failed=1)

    assert (seen(notice).state, seen(notice).fail_reason) == (NoticeState.FAILED, FailReason.LOGIN_CLOSED)
    assert tries(notice) == []
    assert seen(other).state is NoticeState.SENT
    # It was meant so: nobody is alarmed.
    assert db.session.scalar(select(Notice.id).where(Notice.kind == "mail_undelivered")) is None


def test_an_address_whose_server_refuses_it_is_spared_until_somebody_says_it_is_mended(
    server: MailServer, queue, world: World, now: datetime
) -> None:
    server.refuse["nobody@zzly.example"] = "550 5.1.1 no such user"
    first = queue("nobody@zzly.example")
    first.account_id = world.account.id
    db.session.commit()
    notice_delivery.run(now)
    assert seen(first).fail_reason is FailReason.REFUSED

    # The same address in other letters, and to somebody else.
    second = queue("Nobody@zzly.example")
    second.account_id = world.account.id
    db.session.commit()
    assert notice_delivery.run(now + MINUTE) == Tally(failed=1)
    assert (seen(second).state, seen(second).fail_reason) == (NoticeState.FAILED, FailReason.BOUNCING)
    assert tries(second) == []

    [bounce] = bounces.list_bouncing(world.account.id, actor=world.manager)
    assert (bounce.address, bounce.said) == ("nobody@zzly.example", "550 5.1.1 no such user")
    log = delivery_log.list_log(
        world.account.id, LogFilter(recipient="nobody@"), PageRequest(), actor=world.manager
    )
    assert [line.is_bouncing for line in log.rows] == [True, True]
    assert bounces.list_bouncing(world.foreign_account.id, actor=world.manager) == []
    with pytest.raises(Forbidden):
        bounces.try_again(bounce.id, actor=world.hq, now=now)
    # Their managers hear of it once for an address and day, in the app only.
    [alarm] = db.session.scalars(select(Notice).where(Notice.kind == "mail_undelivered").order_by(Notice.id))
    assert (alarm.user_id, alarm.channel, alarm.params["reason"]) == (
        world.manager.id,
        Channel.IN_APP,
        "refused",
    )

    server.refuse.clear()
    notices.send_again(second.id, actor=world.manager, now=now + 2 * MINUTE)
    db.session.commit()
    assert notice_delivery.run(now + 2 * MINUTE) == Tally(done=1)
    assert bounces.list_bouncing(world.account.id, actor=world.manager) == []
    assert (seen(second).state, seen(second).fail_reason) == (NoticeState.SENT, None)


@pytest.mark.parametrize(
    ("answer", "bounces_now"),
    [
        ("550 no such user", True),
        ("553 mailbox name not allowed", True),
        ("554 5.1.1 unknown", True),
        ("550 5.2.1 mailbox disabled", True),
        ("552 5.2.2 mailbox full", False),
        ("554 relay access denied", False),
        ("550 5.7.1 message refused by policy", False),
        ("450 4.2.1 try later", False),
    ],
)
def test_only_a_missing_mailbox_makes_an_address_bounce(answer: str, bounces_now: bool) -> None:
    """What the server thinks of us or of the mail is not the address's fault."""
    code, _, words = answer.partition(" ")

    refusal = mailer._refusal_of_address(int(code), words.encode())

    assert isinstance(refusal, AddressRefused) is bounces_now
    assert isinstance(refusal, PermanentError) is answer.startswith("5")


def test_giving_up_is_loud_for_the_client_and_silent_for_our_own(
    server: MailServer, queue, world: World, now: datetime
) -> None:
    server.answer = "554 rejected"
    told = {
        "claims1": world.claims1,
        "hq": world.hq,
    }
    for name, user in told.items():
        recipient = notices.user_recipient(user)
        notices.queue(
            "channel_test",
            recipient,
            {"name": name, "who": "", "url": "/"},
            dedupe=name,
            now=now,
            account_id=world.account.id,
        )
    db.session.commit()

    notice_delivery.run(now)

    alarms = db.session.scalars(
        select(Notice).where(Notice.kind == "mail_undelivered").order_by(Notice.id)
    ).all()
    assert [(one.user_id, one.params["address"]) for one in alarms] == [(world.manager.id, world.hq.email)]
    # A refusal of the mail is none of the address.
    assert bounces.find(world.hq.email) is None


def test_pictures_of_a_mail_are_shown_in_it_and_are_no_attachments(now: datetime) -> None:
    words = Mail(
        "周敏",
        "zhou@zzly.example",
        "周报",
        "text",
        '<p><img src="cid:by-branch" alt=""></p>',
        "r1",
        "zh",
        (Attachment("a.xlsx", b"PK", "application/vnd.ms-excel"),),
        (Picture("by-branch", b"\x89PNG", "image/png"),),
        "https://desk.example/notices/settings",
    )

    mail = compose(words, sender="desk@insurer.example", now=now)

    mail = message_from_bytes(mail.as_bytes(), policy=default)
    assert [part.get_filename() for part in mail.iter_attachments()] == ["a.xlsx"]
    [picture] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert (picture["Content-ID"], picture.get_content_disposition()) == ("<by-branch>", "inline")
    assert picture.get_content() == b"\x89PNG"
    assert mail.get_body(("plain",)).get_content().strip() == "text"
    assert "cid:by-branch" in mail.get_body(("html",)).get_content()
    assert mail["List-Unsubscribe"] == "<https://desk.example/notices/settings>"
    plain = compose(replace(words, preferences_url="http://desk.example/x"), sender="a@b.example", now=now)
    assert plain["List-Unsubscribe"] is None


def test_a_message_that_cannot_be_rendered_is_set_aside_and_sent_when_it_is_mended(
    server: MailServer, queue, world: World, now: datetime
) -> None:
    poison, unknown = queue("a@zzly.example", run_id=999_999), queue("c@zzly.example")
    good = queue("b@zzly.example")
    unknown.kind = "nobody_wrote_this"
    poison.account_id = world.account.id
    db.session.commit()

    assert notice_delivery.run(now) == Tally(done=1, failed=2)

    assert seen(unknown).state is NoticeState.SET_ASIDE
    assert (seen(poison).state, seen(poison).fail_reason) == (NoticeState.SET_ASIDE, FailReason.NOT_RENDERED)
    assert "NotFound" in tries(poison)[0][1]
    assert [mail["To"] for mail in server.received] == ["周敏 <b@zzly.example>"]
    # Whoever mended it sends it again.
    poison.params = dict(good.params)
    notices.send_again(poison.id, actor=world.manager, now=now)
    db.session.commit()
    assert notice_delivery.run(now) == Tally(done=1)
    assert (seen(poison).state, seen(poison).fail_reason) == (NoticeState.SENT, None)


@pytest.mark.parametrize("address", ["no-address", "a@b\r\nBcc: all@zzly.example", "@zzly.example"])
def test_an_address_that_cannot_stand_in_a_header_is_set_aside(
    server: MailServer, queue, now: datetime, address: str
) -> None:
    notice = queue(address)

    notice_delivery.run(now)

    assert (seen(notice).state, seen(notice).fail_reason) == (NoticeState.FAILED, FailReason.BAD_ADDRESS)
    assert not server.received


def test_an_unreachable_server_costs_one_try_a_run_not_one_a_mail(app: Flask, queue, now: datetime) -> None:
    first, second = queue("a@zzly.example"), queue("b@zzly.example")
    with mail_server() as gone:
        settings = gone.settings

    with configured(app, smtp=settings):
        assert notice_delivery.run(now) == Tally(failed=1)

    assert sorted([seen(first).tries, seen(second).tries]) == [0, 1]
    assert {seen(first).state, seen(second).state} == {NoticeState.QUEUED}


def test_a_worker_that_dies_while_sending_leaves_the_mail_to_the_next_under_the_same_message_id(
    server: MailServer, queue, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue()

    def die(*_args: object, **_values: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(notices, "record_sent", die)
        with pytest.raises(SystemExit):
            notice_delivery.run(now)
    assert notice_delivery.run(now + TAKEN_FOR - MINUTE) == Tally()
    assert notice_delivery.run(now + TAKEN_FOR) == Tally(done=1)

    first, second = server.received
    assert first["Message-ID"] == second["Message-ID"]


def test_sent_again_is_a_new_message(server: MailServer, queue, world: World, now: datetime) -> None:
    notice = queue()
    notice.account_id = world.account.id
    db.session.commit()
    notice_delivery.run(now)

    notices.send_again(notice.id, actor=world.manager, now=now + MINUTE)
    db.session.commit()
    assert notice_delivery.run(now + MINUTE) == Tally(done=1)

    first, second = server.received
    assert first["Message-ID"] != second["Message-ID"]
    assert [succeeded for succeeded, _ in tries(notice)] == [True, True]


def test_a_message_set_aside_is_sent_again_once_however_often_it_is_asked(
    server: MailServer, queue, world: World, now: datetime
) -> None:
    poison, good = queue("a@zzly.example", run_id=999_999), queue("b@zzly.example")
    poison.account_id = world.account.id
    db.session.commit()
    notice_delivery.run(now)
    shown = db.session.scalars(select(DeliveryTry.id).where(DeliveryTry.notice_id == poison.id)).one()
    poison.params = dict(good.params)

    def press(at: datetime) -> bool:
        is_queued = notices.send_again(poison.id, seen=shown, actor=world.manager, now=at)
        db.session.commit()
        return is_queued

    # A double click, and the same page again after the message has gone out.
    assert [press(now), press(now)] == [True, False]
    assert notice_delivery.run(now) == Tally(done=1)
    assert press(now + MINUTE) is False
    assert notice_delivery.run(now + MINUTE) == Tally()

    rows = db.session.scalars(
        select(Notice).where(Notice.address == "a@zzly.example").order_by(Notice.id)
    ).all()
    assert [(row.id, row.state, row.fail_reason) for row in rows] == [(poison.id, NoticeState.SENT, None)]
    assert [mail["To"] for mail in server.received].count("周敏 <a@zzly.example>") == 1
    entries = db.session.scalars(
        select(AuditEntry.id).where(AuditEntry.action == "notice_sent_again").order_by(AuditEntry.id)
    ).all()
    assert len(entries) == 1


def test_several_workers_send_each_mail_once(app: Flask, server: MailServer, queue, now: datetime) -> None:
    for number in range(12):
        queue(f"p{number}@zzly.example")
    db.session.commit()

    def work(_: int) -> Tally:
        with app.app_context():
            return notice_delivery.run(now)

    with ThreadPoolExecutor(4) as pool:
        tallies = list(pool.map(work, range(4)))

    assert sum(tallies, Tally()) == Tally(done=12)
    assert len({mail["To"] for mail in server.received}) == len(server.received) == 12


def test_without_a_server_mails_become_files_any_mail_program_opens(
    app: Flask, queue, now: datetime, tmp_path: Path
) -> None:
    notice = queue()

    with configured(app, instance_dir=tmp_path):
        assert notice_delivery.run(now) == Tally(done=1)

    [path] = (tmp_path / "outbox").iterdir()
    mail = message_from_bytes(path.read_bytes(), policy=default)
    assert path.suffix == ".eml"
    assert mail["To"] == "周敏 <zhou@zzly.example>"
    assert seen(notice).state is NoticeState.SENT


def test_in_app_messages_are_not_mailed(server: MailServer, world: World, now: datetime) -> None:
    recipient = Recipient("王建军", "", "zh", world.claims1.id)
    [notice] = notices.queue(KIND, recipient, {}, dedupe="x", now=now)
    db.session.commit()

    assert notice_delivery.run(now) == Tally()
    assert (notice.channel, notice.state) == (Channel.IN_APP, NoticeState.SENT)
