"""Pages of mailboxes and received mails: who may, what is shown, sorted once, and taken out as filtered."""

import io
from collections.abc import Callable
from datetime import datetime

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service_desk.adapters import mail_reader
from service_desk.adapters.mailbox import Arrived
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.mailboxes import Mailbox, MailOutcome, ReceivedMail
from service_desk.services import arrivals, sla
from tests.claim_cases import file_store
from tests.letters import letter, photo
from tests.world import World

SECRET = "授权码 of the box"
TYPED = {
    "name": "服务台邮箱",
    "address": "desk@insurer.example",
    "host": "imap.insurer.example",
    "port": "993",
    "security": "tls",
    "username": "desk@insurer.example",
    "password": SECRET,
    "folder": "INBOX",
    "poll_minutes": "2",
    "is_active": "y",
    "idempotency_key": "one",
}


@pytest.fixture
def box(world: World, sign_in, now: datetime) -> Mailbox:
    sla.install_defaults(now)
    sign_in("manager").post("/mailboxes/new", data=TYPED)
    return db.session.scalars(select(Mailbox)).one()


@pytest.fixture
def come(now: datetime) -> Callable[..., ReceivedMail]:
    def arrive(box: Mailbox, raw: bytes) -> ReceivedMail:
        arrived = Arrived(1, 7, now, len(raw), raw)
        row = arrivals.receive(box.id, arrived, mail_reader.read(raw), file_store(), own=(), now=now)
        assert row is not None
        db.session.commit()
        return row

    return arrive


def test_a_manager_adds_a_mailbox_once_and_its_password_is_never_shown(
    box: Mailbox, sign_in, world: World
) -> None:
    world.manager.language = "en"
    manager: FlaskClient = sign_in("manager")
    assert manager.post("/mailboxes/new", data=TYPED).status_code == 303
    assert len(db.session.scalars(select(Mailbox)).all()) == 1
    assert "Not read yet" in manager.get("/mailboxes").text
    page = manager.get(f"/mailboxes/{box.id}").text
    assert SECRET not in page
    assert "For all accounts" not in page

    changed = {**TYPED, "password": "", "poll_minutes": "5", "version": str(box.version)}
    assert manager.post(f"/mailboxes/{box.id}", data=changed).status_code == 303
    db.session.refresh(box)
    assert (box.poll_minutes, box.mail_password) == (5, SECRET)
    assert manager.post(f"/mailboxes/{box.id}", data=changed).status_code == 303
    another_tab = changed | {"idempotency_key": "another-tab"}
    assert manager.post(f"/mailboxes/{box.id}", data=another_tab).status_code == 409
    assert manager.post(f"/mailboxes/{box.id}/test").status_code == 303


def test_a_refused_mailbox_keeps_what_was_typed_but_the_password(sign_in, world: World) -> None:
    answer = sign_in("manager").post("/mailboxes/new", data={**TYPED, "security": "none"})
    assert answer.status_code == 422
    assert "imap.insurer.example" in answer.text
    assert "CHANNEL_HOSTS" in answer.text
    assert SECRET not in answer.text


@pytest.mark.parametrize("username", ["claims1", "underwriter", "hq", "safety-gongyi"])
def test_only_who_runs_the_account_sees_them(box: Mailbox, come, sign_in, username: str) -> None:
    mail = come(box, letter("陌生人 <s@elsewhere.example>"))
    client = sign_in(username)
    for path in (
        "",
        "/new",
        f"/{box.id}",
        "/mails",
        "/mails.xlsx",
        f"/mails/{mail.id}",
        f"/mails/{mail.id}/original",
    ):
        assert client.get(f"/mailboxes{path}").status_code in (403, 404), path


def test_another_accounts_manager_finds_nothing(box: Mailbox, come, sign_in, world: World) -> None:
    mail = come(box, letter("陌生人 <s@elsewhere.example>"))
    box.account_id = mail.account_id = world.foreign_account.id
    db.session.commit()
    manager = sign_in("manager")
    for path in (f"/{box.id}", f"/mails/{mail.id}", f"/mails/{mail.id}/original"):
        assert manager.get(f"/mailboxes{path}").status_code == 404
    for path in (f"/{box.id}/test", f"/mails/{mail.id}/assign", f"/mails/{mail.id}/dismiss"):
        assert manager.post(f"/mailboxes{path}").status_code == 404


def test_mails_are_listed_shown_and_taken_out(box: Mailbox, come, sign_in, world: World) -> None:
    world.manager.language = "en"
    words = "请看附件 <b>粗</b>\n\n> 原来的话"
    mail = come(box, letter("周敏 <insurance@zzly.example>", words=words, files=(("表.exe", b"MZ"), photo())))
    come(box, letter("a@b.example", "广告", key="<2@x>", Precedence="bulk"))
    manager = sign_in("manager")

    page = manager.get("/mailboxes/mails").text
    assert "Opened a contact" in page
    assert "a mailing list or bulk mail" in page
    shown = manager.get(f"/mailboxes/mails/{mail.id}").text
    assert "&lt;b&gt;粗&lt;/b&gt;" in shown
    assert "<summary>Quoted text</summary>" in shown
    assert "表.exe – neither a picture nor a PDF" in shown
    original = manager.get(f"/mailboxes/mails/{mail.id}/original")
    assert original.headers["Content-Disposition"].startswith("attachment")
    assert original.data.startswith(b"From: ")
    book = openpyxl.load_workbook(
        io.BytesIO(manager.get("/mailboxes/mails.xlsx?outcome=automatic").data), read_only=True
    )
    cells = [value for row in book.active.iter_rows(values_only=True) for value in row]
    assert "广告" in cells
    assert "过户要带哪些材料" not in cells

    contact = manager.get(f"/enquiries/{mail.matter_number}").text
    assert "by mail, sender not verified" in contact
    assert "行驶证.jpg" in contact


def test_a_mail_is_sorted_by_hand_once(box: Mailbox, come, sign_in, world: World) -> None:
    mail = come(box, letter("陌生人 <s@elsewhere.example>"))
    mail.outcome, mail.enquiry_id, mail.matter_number = MailOutcome.UNSORTED, None, ""
    db.session.commit()
    manager = sign_in("manager")
    path = f"/mailboxes/mails/{mail.id}"
    foreign = {"account_id": str(world.foreign_account.id)}
    assert manager.post(f"{path}/assign", data=foreign).status_code == 422
    assert manager.post(f"{path}/assign", data={"account_id": str(world.account.id)}).status_code == 303
    assert manager.post(f"{path}/assign", data={"account_id": str(world.account.id)}).status_code == 409
    assert manager.post(f"{path}/dismiss").status_code == 409
    assert len(db.session.scalars(select(Enquiry)).all()) == 2
