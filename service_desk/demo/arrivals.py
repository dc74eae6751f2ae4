"""Mails that came to the demo's mailboxes: a contact with a photo, a message on its claim, machines', one nobody knows."""

from datetime import datetime, timedelta
from email.message import EmailMessage

from sqlalchemy import select

from service_desk.adapters import mail_reader
from service_desk.adapters.file_store import FileStore
from service_desk.adapters.mailbox import Arrived
from service_desk.demo.group import Group
from service_desk.demo.messages import paper_photo
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.mailboxes import Mailbox, MailSecurity
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.services import arrivals
from service_desk.services.arrivals import MailboxDetails

_MINUTE = timedelta(minutes=1)
_ADDRESS = "desk@insurer.example"


def build_arrivals(group: Group, files: FileStore, now: datetime) -> None:
    """Two mailboxes, paused for they have no server, and what came to them today."""
    own = _mailbox(group, "服务台邮箱", now, is_common=False)
    common = _mailbox(group, "总公司大客户邮箱", now, is_common=True)
    officer, department = group.users["safety-gongyi"], group.users["hq"]
    asked = _mail(
        officer, "行驶证换证后保单怎么更正", "豫A·D8261 换了新行驶证，照片见附件，保单上的信息怎么更正？"
    )
    asked.add_attachment(paper_photo(), maintype="image", subtype="jpeg", filename="新行驶证.jpg")
    asked.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="登记表.exe")
    _come(own, asked, files, now - 18 * _MINUTE)
    claim = _open_claim(group, now)
    if claim is not None:
        words = f"维修清单已寄出，单号 SF1423。\n\n> {claim.number} 请补交维修清单"
        _come(own, _mail(department, f"回复：{claim.number} 维修清单", words), files, now - 15 * _MINUTE)
    away = _mail(department, "自动回复：本周出差", "我本周出差，周五回复。")
    away["Auto-Submitted"] = "auto-replied"
    _come(own, away, files, now - 11 * _MINUTE)
    stranger = _mail(None, "咨询团体车辆投保", "我们有 60 台货车，想了解大客户服务。")
    _come(common, stranger, files, now - 9 * _MINUTE)
    db.session.flush()


def _mailbox(group: Group, name: str, now: datetime, *, is_common: bool) -> Mailbox:
    details = MailboxDetails(
        name=name,
        address=_ADDRESS,
        host="imap.insurer.example",
        port=993,
        security=MailSecurity.TLS,
        username=_ADDRESS,
        is_active=False,
        is_common=is_common,
        password="demo",  # noqa: S106 - there is no such server
    )
    keeper = group.users["admin" if is_common else "manager"]
    made = arrivals.add_mailbox(group.account.id, details, actor=keeper, now=now - timedelta(days=1))
    db.session.flush()
    return made


def _open_claim(group: Group, now: datetime) -> Claim | None:
    statement = select(Claim).where(
        Claim.account_id == group.account.id,
        Claim.state.in_(OPEN_STATES),
        Claim.reported_at < now - timedelta(days=2),
    )
    return db.session.scalar(statement.order_by(Claim.reported_at, Claim.id).limit(1))


def _mail(sender: User | None, subject: str, words: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"{sender.name} <{sender.email}>" if sender else "高建设 <gao@logistics.example>"
    mail["To"], mail["Subject"] = _ADDRESS, subject
    mail.set_content(words)
    return mail


def _come(box: Mailbox, mail: EmailMessage, files: FileStore, at: datetime) -> None:
    raw = mail.as_bytes()
    arrived = Arrived(1, 1, at, len(raw), raw)
    arrivals.receive(box.id, arrived, mail_reader.read(raw), files, own=(), now=at)
    db.session.flush()
