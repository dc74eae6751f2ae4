"""Mailboxes over a real IMAP server: every mail once, whoever reads it, and none holds up the others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.adapters.file_store import FileStore, NoRoom
from service_desk.jobs import mailbox as job
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.mailboxes import Mailbox, MailOutcome, MailSecurity, ReceivedMail
from service_desk.models.notices import Notice
from service_desk.rules import inbound_mail
from service_desk.services import arrivals, sla
from service_desk.services.arrivals import MailboxDetails
from tests.imap_server import PASSWORD, USER, ImapServer, imap_server
from tests.letters import letter, mislabelled
from tests.world import World

MINUTE = timedelta(minutes=1)
CLIENT = "周敏 <insurance@zzly.example>"


@pytest.fixture(scope="module")
def running() -> Iterator[ImapServer]:
    with imap_server() as server:
        yield server


@pytest.fixture
def server(running: ImapServer, app: Flask) -> Iterator[ImapServer]:
    running.make_folder("desk")
    with running.trusted():
        yield running


@pytest.fixture
def now() -> datetime:
    """The server has its own clock, so the desk's is that too."""
    return datetime.now(UTC).replace(microsecond=0)


def details(server: ImapServer, **other: object) -> MailboxDetails:
    values: dict[str, object] = {
        "name": "服务台邮箱",
        "address": USER,
        "host": server.host,
        "port": server.port,
        "security": MailSecurity.NONE,
        "username": USER,
        "folder": "desk",
        "password": PASSWORD,
    }
    return MailboxDetails(**{**values, **other})  # type: ignore[arg-type]


@pytest.fixture
def box(world: World, server: ImapServer, now: datetime) -> Mailbox:
    sla.install_defaults(now)
    made = arrivals.add_mailbox(world.account.id, details(server), actor=world.manager, now=now)
    db.session.commit()
    return made


def mails() -> list[ReceivedMail]:
    return list(db.session.scalars(select(ReceivedMail).order_by(ReceivedMail.id)))


def test_a_mail_becomes_a_contact_and_its_sender_is_told_the_owner(
    box: Mailbox, server: ImapServer, world: World, now: datetime
) -> None:
    server.put(letter(CLIENT), folder="desk")

    assert job.run(now + MINUTE) == Tally(done=1)

    enquiry = db.session.scalars(select(Enquiry)).one()
    assert (enquiry.channel, enquiry.account_id) == (EnquiryChannel.MAIL, world.account.id)
    assert (enquiry.caller_name, enquiry.caller_email) == ("周敏", "insurance@zzly.example")
    told = db.session.scalars(select(Notice).where(Notice.kind == "enquiry_owner")).one()
    assert told.address == "insurance@zzly.example"
    assert told.params["number"] == enquiry.number
    assert told.params["owner"]["phone"]
    mail = mails()[0]
    assert (mail.outcome, mail.enquiry_id, mail.matter_number) == (
        MailOutcome.CONTACT,
        enquiry.id,
        enquiry.number,
    )
    assert server.flags("desk") == [()]


def test_what_was_read_is_not_read_again_and_a_new_mail_is(
    box: Mailbox, server: ImapServer, now: datetime
) -> None:
    server.put(letter(CLIENT), folder="desk")
    job.run(now + MINUTE)

    assert job.run(now + MINUTE) == Tally()
    assert job.run(now + 4 * MINUTE) == Tally()
    server.put(letter(CLIENT, key="<two@client.example>"), folder="desk")
    assert job.run(now + 8 * MINUTE) == Tally(done=1)

    assert [mail.uid for mail in mails()] == sorted(mail.uid for mail in mails())
    assert len(mails()) == 2


def test_a_folder_numbered_anew_brings_no_mail_twice(box: Mailbox, server: ImapServer, now: datetime) -> None:
    server.put(letter(CLIENT), folder="desk")
    job.run(now + MINUTE)
    validity = db.session.get_one(Mailbox, box.id, populate_existing=True).uidvalidity

    server.make_folder("desk", letter(CLIENT), letter(CLIENT, key="<two@client.example>"))
    assert job.run(now + 4 * MINUTE) == Tally(done=1)

    assert [mail.message_key for mail in mails()] == ["<one@client.example>", "<two@client.example>"]
    assert db.session.get_one(Mailbox, box.id, populate_existing=True).uidvalidity != validity


def test_what_lay_in_the_folder_before_is_left_alone(box: Mailbox, server: ImapServer, now: datetime) -> None:
    server.put(letter(CLIENT), folder="desk", at=now - timedelta(days=1, hours=3))

    job.run(now + MINUTE)
    server.put(letter(CLIENT, key="<two@client.example>"), folder="desk")
    job.run(now + 4 * MINUTE)

    assert [mail.message_key for mail in mails()] == ["<two@client.example>"]


def test_two_workers_take_a_mail_once(box: Mailbox, server: ImapServer, app: Flask, now: datetime) -> None:
    server.put(letter(CLIENT), letter(CLIENT, key="<two@client.example>"), folder="desk")

    def work(later: timedelta) -> Tally:
        with app.app_context():
            return job.run(now + later)

    with ThreadPoolExecutor(2) as pool:
        # The second comes when the first must have died, though it has not.
        done = list(pool.map(work, [MINUTE, 2 * MINUTE + arrivals.TAKEN_FOR]))
    db.session.rollback()

    assert sum((tally.done for tally in done), 0) == 2
    assert len(mails()) == 2
    assert len(list(db.session.scalars(select(Enquiry)))) == 2


def test_a_worker_that_died_midway_leaves_the_rest_to_the_next(
    box: Mailbox, server: ImapServer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(letter(CLIENT), letter(CLIENT, key="<two@client.example>"), folder="desk")
    taken = job._receive

    def die(mailbox: Any, arrived: job.Arrived, at: datetime) -> Tally:
        if mails():
            raise KeyboardInterrupt
        return taken(mailbox, arrived, at)

    with monkeypatch.context() as patch:
        patch.setattr(job, "_receive", die)
        with pytest.raises(KeyboardInterrupt):
            job.run(now + MINUTE)
    db.session.rollback()

    assert job.run(now + 2 * MINUTE) == Tally()
    assert job.run(now + 2 * MINUTE + arrivals.TAKEN_FOR) == Tally(done=1)
    assert len(mails()) == 2


def test_a_mail_that_cannot_be_dealt_with_holds_up_no_other(
    box: Mailbox, server: ImapServer, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(letter(CLIENT), letter(CLIENT, "坏", key="<two@client.example>"), folder="desk")
    receive = arrivals.receive

    def fail(
        mailbox_id: int, arrived: job.Arrived, read: inbound_mail.Letter, *more: object, **others: object
    ):
        if read.subject == "坏":
            raise ZeroDivisionError
        return receive(mailbox_id, arrived, read, *more, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(job.arrivals, "receive", fail)
    assert job.run(now + MINUTE) == Tally(done=1, failed=1)

    assert [(mail.outcome, mail.reason) for mail in mails()] == [
        (MailOutcome.CONTACT, ""),
        (MailOutcome.SET_ASIDE, "ZeroDivisionError"),
    ]
    told = select(Notice).where(Notice.kind == "mailbox_attention", Notice.user_id == world.manager.id)
    assert {notice.params["what"] for notice in db.session.scalars(told)} == {"set_aside"}
    assert job.run(now + 4 * MINUTE) == Tally()


def test_a_full_disk_loses_no_mail(
    box: Mailbox, server: ImapServer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(letter(CLIENT), folder="desk")

    def full(_store: FileStore, _content: bytes) -> str:
        raise NoRoom

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "put", full)
        assert job.run(now + MINUTE) == Tally(failed=1)
    assert mails() == []
    assert db.session.get_one(Mailbox, box.id, populate_existing=True).last_error == "NoRoom"
    assert job.run(now + 5 * MINUTE) == Tally(done=1)


def test_a_mail_that_is_too_large_is_named_and_not_read(
    box: Mailbox, server: ImapServer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service_desk.adapters.mailbox.MAX_MAIL_BYTES", 500)
    server.put(letter(CLIENT, words="长" * 400), folder="desk")

    job.run(now + MINUTE)

    mail = mails()[0]
    assert (mail.outcome, mail.reason, mail.raw_key) == (MailOutcome.REFUSED, "too_large", "")
    assert mail.subject == "过户要带哪些材料"


def test_a_server_that_refuses_is_asked_ever_later_and_its_keeper_told(
    box: Mailbox, server: ImapServer, world: World, now: datetime
) -> None:
    wrong = details(server, host="127.0.0.1", port=1, security=MailSecurity.TLS)
    arrivals.change_mailbox(box.id, wrong, 1, actor=world.manager, now=now)
    db.session.commit()

    waits, at = [], now
    for _ in range(4):
        assert job.run(at) == Tally(failed=1)
        row = db.session.get_one(Mailbox, box.id, populate_existing=True)
        waits.append((row.next_poll_at - at) // MINUTE)
        at = row.next_poll_at

    assert waits == [2, 5, 15, 60]
    assert "is not a public address" in row.last_error
    assert PASSWORD not in row.last_error
    told = select(Notice).where(Notice.kind == "mailbox_attention")
    assert {notice.params["what"] for notice in db.session.scalars(told)} == {"unreadable"}


def test_a_server_changed_while_the_old_one_was_read_begins_at_its_own_place(
    box: Mailbox, server: ImapServer, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(letter(CLIENT), folder="desk")
    take = job._take_mail

    def change_meanwhile(*asked: Any) -> Tally:
        other = details(server, folder="another")
        arrivals.change_mailbox(box.id, other, 1, actor=world.manager, now=now)
        db.session.commit()
        return take(*asked)

    monkeypatch.setattr(job, "_take_mail", change_meanwhile)
    assert job.run(now + MINUTE).done == 1
    row = db.session.get_one(Mailbox, box.id, populate_existing=True)
    assert (row.folder, row.uidvalidity, row.last_uid, row.last_ok_at) == ("another", None, 0, None)


def test_a_mail_labelled_wrongly_is_read(box: Mailbox, server: ImapServer, now: datetime) -> None:
    server.put(mislabelled(CLIENT, "豫A12345 保单更正", "请把车架号改一下，谢谢。"), folder="desk")

    job.run(now + MINUTE)

    enquiry = db.session.scalars(select(Enquiry)).one()
    assert (enquiry.subject, enquiry.body) == ("豫A12345 保单更正", "请把车架号改一下，谢谢。")
