"""Mails as other people's programs write them, put together byte by byte."""

from email.header import Header
from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from tests.claim_cases import picture

TO = "desk@insurer.example"


def letter(
    sender: str,
    subject: str = "过户要带哪些材料",
    words: str = "车卖给中牟分公司，过户要带哪些材料？",
    *,
    key: str = "<one@client.example>",
    answers: str = "",
    files: tuple[tuple[str, bytes], ...] = (),
    **headers: str,
) -> bytes:
    """A mail in UTF-8. A header's blanks are written as underscores."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, TO, subject
    if key:
        mail["Message-ID"] = key
    if answers:
        mail["In-Reply-To"] = answers
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(words)
    for filename, content in files:
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=filename)
    return mail.as_bytes()


def photo() -> tuple[str, bytes]:
    """A photo as an attachment."""
    return "行驶证.jpg", picture().content


def mislabelled(sender: str, subject: str, words: str, *, key: str = "<gbk@client.example>") -> bytes:
    """A mail in GBK that says it is UTF-8, its subject raw bytes."""
    head = f"From: {sender}\r\nTo: {TO}\r\nMessage-ID: {key}\r\nSubject: ".encode()
    kind = b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return head + subject.encode("gbk") + kind + words.encode("gbk") + b"\r\n"


def page_only(
    sender: str, markup: str, *, charset: str = "gb2312", key: str = "<page@client.example>"
) -> bytes:
    """A mail without plain text, its subject in an old charset."""
    mail = MIMEText(markup, "html", charset)
    mail["From"], mail["To"], mail["Message-ID"] = sender, TO, key
    mail["Subject"] = Header("关于报价", charset).encode()
    return mail.as_bytes()


def bounce(message_id: str, recipient: str, *, status: str = "5.1.1", action: str = "failed") -> bytes:
    """A server's report that a mail of ours did not arrive (RFC 3464)."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"], report["To"] = "MAILER-DAEMON@mx.client.example", TO
    report["Message-ID"], report["Subject"] = f"<dsn-{status}-{action}@mx.client.example>", "Undelivered Mail"
    report["Auto-Submitted"] = "auto-replied"
    report.attach(MIMEText("The mail could not be delivered."))
    status_part = Message()
    status_part["Content-Type"] = "message/delivery-status"
    of_server, of_recipient = Message(), Message()
    of_server["Reporting-MTA"] = "dns; mx.client.example"
    of_recipient["Final-Recipient"] = f"rfc822; {recipient}"
    of_recipient["Action"], of_recipient["Status"] = action, status
    of_recipient["Diagnostic-Code"] = "smtp; 550 no such user"
    status_part.set_payload([of_server, of_recipient])
    report.attach(status_part)
    original = Message()
    original["Content-Type"] = "text/rfc822-headers"
    original.set_payload(f"Message-ID: {message_id}\r\nSubject: x\r\n")
    report.attach(original)
    return report.as_bytes()
