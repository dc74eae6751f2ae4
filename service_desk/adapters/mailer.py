"""Mail out of the house: over SMTP, or as files where no server is set."""

import hashlib
import os
import re
import smtplib
import ssl
import tempfile
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from types import TracebackType
from typing import Protocol

TIMEOUT_SECONDS = 20
_NO_SUCH_MAILBOX = (550, 551, 553)
_ENHANCED = re.compile(r"5\.(\d{1,3})\.\d{1,3}")


class MailError(Exception):
    """The mail was not handed over; the text is what the server (or the network) said."""


class TemporaryError(MailError):
    """Worth another try later."""


class ServerUnreachable(TemporaryError):
    """No mail can be sent now: no connection, no encryption, no sign-in. Not the fault of the mail."""


class PermanentError(MailError):
    """The server refused this mail for good."""


class AddressRefused(PermanentError):
    """There is no such mailbox: no mail to this address will ever arrive."""


class BadAddress(ValueError):
    """What stands in the place of a mail address is none."""


class SmtpServer(Protocol):
    """What is needed to reach a mail server. `security` is `none`, `starttls` or `tls`."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def security(self) -> str: ...


@dataclass(frozen=True)
class Attachment:
    filename: str
    content: bytes
    content_type: str


@dataclass(frozen=True)
class Picture:
    """A picture the html part shows by `<img src="cid:...">`; `cid` is a plain word, unique in its mail."""

    cid: str
    content: bytes
    content_type: str = "image/png"


@dataclass(frozen=True)
class Mail:
    """A mail in words. `reference` is stable over retries, so that a receiver can tell a repeat.

    `preferences_url` is where its reader chooses what is mailed; named to mail programs when it is https.
    """

    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    reference: str
    language: str
    attachments: tuple[Attachment, ...] = ()
    pictures: tuple[Picture, ...] = ()
    preferences_url: str = ""


def compose(mail: Mail, *, sender: str, reply_to: str = "", now: datetime) -> EmailMessage:
    """The message as it goes over the wire. BadAddress when an address cannot stand in a header."""
    message = EmailMessage()
    message["From"] = _address(*parseaddr(sender))
    message["To"] = _address(mail.to_name, mail.to_address)
    if reply_to:
        message["Reply-To"] = _address(*parseaddr(reply_to))
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(mail.reference, sender)
    message["Content-Language"] = {"zh": "zh-CN"}.get(mail.language, mail.language)
    # No holiday reply shall come back, and a mailbox can file the desk's mail (RFC 3834, RFC 2919).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["List-Id"] = f"Service Desk <notices.{_domain(sender)}>"
    # A page where one chooses after signing in, not one that acts by being fetched: so no List-Unsubscribe-Post.
    if mail.preferences_url.startswith("https://"):
        message["List-Unsubscribe"] = f"<{mail.preferences_url}>"
    _fill(message, mail)
    return message


def _fill(message: EmailMessage, mail: Mail) -> None:
    """Text, or the page with the pictures it shows; beside them what is attached."""
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    page = message.get_payload()[-1]  # type: ignore[index]
    for picture in mail.pictures:
        kind, _, subtype = picture.content_type.partition("/")
        page.add_related(  # type: ignore[union-attr]
            picture.content,
            maintype=kind,
            subtype=subtype,
            cid=f"<{picture.cid}>",
            disposition="inline",
            filename=f"{picture.cid}.{subtype}",
        )
    for part in mail.attachments:
        kind, _, subtype = part.content_type.partition("/")
        message.add_attachment(part.content, maintype=kind, subtype=subtype, filename=part.filename)


def message_id(reference: str, sender: str) -> str:
    """The Message-ID of a reference: the same for the same, and no secret in it."""
    return f"<{hashlib.sha256(reference.encode()).hexdigest()[:32]}@{_domain(sender)}>"


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    if not local or not domain or any(c in address for c in "\r\n"):
        raise BadAddress(f"not a mail address: {address!r}")
    try:
        return Address(display_name=" ".join(name.split()), addr_spec=address)
    except (ValueError, IndexError) as error:
        raise BadAddress(f"not a mail address: {address!r}") from error


def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"


class Postman:
    """Sends over one connection, opened with the first message. Use as a context manager."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> "Postman":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def send(self, message: EmailMessage) -> str:
        """Hand the message over and return what to write into the delivery log."""
        connection = self._connection or self._connect()
        try:
            connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise _refusal_of_address(code, words) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise PermanentError(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            self._hang_up()
            raise TemporaryError(_said(error)) from error
        return f"{self._server.host}:{self._server.port}"

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        try:
            connection: smtplib.SMTP
            if server.security == "tls":
                connection = smtplib.SMTP_SSL(
                    server.host, server.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
                )
            else:
                connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
            self._connection = connection
            if server.security == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if server.user:
                connection.login(server.user, server.password)
        except (smtplib.SMTPException, OSError) as error:
            self._hang_up()
            raise ServerUnreachable(f"{server.host}:{server.port}: {_said(error)}") from error
        return connection

    def _hang_up(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.quit()
        except (smtplib.SMTPException, OSError):
            self._connection.close()
        self._connection = None


class OutboxFolder:
    """Writes each message as an `.eml` file, which any mail program opens. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> "OutboxFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def send(self, message: EmailMessage) -> str:
        """Write the file whole or not at all and return its name; a repeat overwrites its first."""
        name = f"{str(message['Message-ID']).strip('<>').partition('@')[0]}.eml"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(self._folder / name)
        except OSError as error:
            raise TemporaryError(_said(error)) from error
        return name


def _refusal_of_address(code: int, words: bytes | str) -> MailError:
    """A mailbox that is not there; not the server's rules, its storage or its moods (RFC 5321, RFC 3463)."""
    refusal = _refusal(code, words)
    enhanced = _ENHANCED.match(str(refusal)[4:])
    is_about_address = enhanced.group(1) in ("1", "2") if enhanced else code in _NO_SUCH_MAILBOX
    is_full = enhanced is not None and enhanced.group(0).endswith(".2.2")
    if isinstance(refusal, PermanentError) and is_about_address and not is_full:
        return AddressRefused(str(refusal))
    return refusal


def _refusal(code: int, words: bytes | str) -> MailError:
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    kind = PermanentError if 500 <= code < 600 else TemporaryError
    return kind(f"{code} {said}")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
