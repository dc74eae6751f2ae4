"""A mailbox read over IMAP: what is new in a folder, mail by mail, without changing anything there.

The name is asked once and the connection goes to the address that was found allowed, as for bots.
"""

import socket
import ssl
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from types import TracebackType
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from service_desk.rules.hooks import is_public
from service_desk.rules.inbound_mail import MAX_MAIL_BYTES

TIMEOUT_SECONDS = 20
# So many of one reading; the next goes on where it ended.
MOST_AT_ONCE = 100
# Servers' clocks differ, and a day of SEARCH is by the server's own zone.
_MARGIN = timedelta(minutes=5)
# What a connection may end in, with a server that speaks another language than IMAP too.
_FAULTS = (OSError, IMAPClientError, ValueError, KeyError)


class MailboxError(Exception):
    """The mailbox cannot be read now; the text is what the server or the network said."""


@dataclass(frozen=True)
class Login:
    """Where a mailbox is. `security` is `tls`, `starttls` or `none`."""

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"


@dataclass(frozen=True)
class Place:
    """How far a folder was read. Without `uidvalidity`, or with another, what came since `since` is new."""

    uidvalidity: int | None
    last_uid: int
    since: datetime


@dataclass(frozen=True)
class Arrived:
    """A mail as it lies in the folder. `raw` is only the head of one that `is_too_large`."""

    uid: int
    uidvalidity: int
    at: datetime
    size: int
    raw: bytes = field(repr=False)
    is_too_large: bool = False


class _NamedContext(ssl.SSLContext):
    """Checks the certificate against the server's name, though the connection goes to an address."""

    name = ""

    def wrap_socket(self, sock: socket.socket, *args: Any, **more: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, *args, **{**more, "server_hostname": self.name})


class MailboxReader:
    """One connection to a mailbox. Use as a context manager."""

    def __init__(self, login: Login, trusted_hosts: Collection[str]) -> None:
        self._login, self._trusted = login, trusted_hosts
        self._client: IMAPClient | None = None
        self.uidvalidity = 0
        # All mails numbered below are seen by this reading.
        self.uidnext = 1

    def __enter__(self) -> "MailboxReader":
        try:
            self._open()
        except _FAULTS as error:
            self._hang_up()
            raise MailboxError(self._said(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def new_since(self, place: Place) -> Iterator[Arrived]:
        """What is new, the oldest first, fetched one by one."""
        try:
            for uid in self._new_uids(place)[:MOST_AT_ONCE]:
                arrived = self._fetch(uid)
                if arrived is not None:
                    yield arrived
        except _FAULTS as error:
            raise MailboxError(self._said(error)) from error

    def _open(self) -> None:
        login = self._login
        address = _allowed_address(login, self._trusted)
        is_tls = login.security == "tls"
        client = IMAPClient(
            address,
            login.port,
            ssl=is_tls,
            ssl_context=_context(login.host) if is_tls else None,
            timeout=TIMEOUT_SECONDS,
        )
        client.normalise_times = False
        self._client = client
        if login.security == "starttls":
            client.starttls(_context(login.host))
        client.login(login.user, login.password)
        # NetEase and others serve no folder to a program that does not say what it is (RFC 2971).
        if client.has_capability("ID"):
            client.id_({"name": "Service Desk"})
        folder = client.select_folder(login.folder, readonly=True)
        self.uidvalidity, self.uidnext = int(folder[b"UIDVALIDITY"]), int(folder.get(b"UIDNEXT", 1))

    def _hang_up(self) -> None:
        if self._client is None:
            return
        try:
            self._client.logout()
        except (OSError, IMAPClientError):
            return
        finally:
            self._client = None

    @property
    def _connected(self) -> IMAPClient:
        if self._client is None:
            raise MailboxError("not connected")
        return self._client

    def _new_uids(self, place: Place) -> list[int]:
        if place.uidvalidity == self.uidvalidity:
            # "5:*" names the last mail even when its number is smaller.
            found = self._connected.search(["UID", f"{place.last_uid + 1}:*"])
            return sorted(uid for uid in found if uid > place.last_uid)
        found = self._connected.search(["SINCE", (place.since - timedelta(days=1)).date()])
        dates = self._connected.fetch(found, ["INTERNALDATE"]) if found else {}
        since = place.since - _MARGIN
        return sorted(uid for uid, facts in dates.items() if _instant(facts) >= since)

    def _fetch(self, uid: int) -> Arrived | None:
        """A mail; None for one that has gone meanwhile."""
        facts = self._connected.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid)
        if facts is None:
            return None
        size = int(facts[b"RFC822.SIZE"])
        is_too_large = size > MAX_MAIL_BYTES
        part = b"BODY[HEADER]" if is_too_large else b"BODY[]"
        body = self._connected.fetch([uid], [part.replace(b"BODY", b"BODY.PEEK")]).get(uid, {}).get(part)
        if not isinstance(body, bytes):
            return None
        return Arrived(uid, self.uidvalidity, _instant(facts), size, body, is_too_large)

    def _said(self, error: Exception) -> str:
        """What was said, without the password, should the server repeat it."""
        said = f"{type(error).__name__}: {error}".replace(self._login.password or "\0", "***")
        return f"{self._login.host}:{self._login.port}: {said}"[:500]


def _context(host: str) -> _NamedContext:
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.name = host
    return context


def _instant(facts: dict[bytes, Any]) -> datetime:
    at = facts[b"INTERNALDATE"]
    return at.astimezone(UTC) if isinstance(at, datetime) else datetime.fromtimestamp(0, UTC)


def _allowed_address(login: Login, trusted: Collection[str]) -> str:
    """The first address of the server's name. MailboxError for one of the house that the operator has not named."""
    found = socket.getaddrinfo(login.host, login.port, type=socket.SOCK_STREAM)
    places = [str(one[4][0]) for one in found]
    is_trusted = login.host in trusted or f"{login.host}:{login.port}" in trusted
    if not is_trusted and not all(is_public(ip_address(place.partition("%")[0])) for place in places):
        raise MailboxError(f"{login.host} is not a public address")
    return places[0]
