"""The one sender of bots and webhooks: to the address that was judged and to no other, and not for long.

The name is asked once and the connection goes to the address that was checked, so that a name server cannot answer
with a public address first and one of the house afterwards. Redirects are not followed, proxies not used.
"""

import http.client
import json
import re
import socket
import ssl
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import ip_address
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from service_desk.adapters.channels.requests import HookRequest
from service_desk.base.errors import Invalid
from service_desk.rules.hooks import HookKind, Target, is_public, target_of

TIMEOUT_SECONDS = 10
# A receiver that answers byte by byte keeps nobody waiting longer than this.
DEADLINE_SECONDS = 25
_MOST_ANSWER = 64 * 1024

_SHORTEST_KEY = 8

# What the vendors' answer codes mean; any other but 0 is worth another try.
_BUSY_CODES = {
    HookKind.WECOM: {-1, 45009, 45033},
    HookKind.DINGTALK: {-1, 90030, 130101, 410100},
    HookKind.FEISHU: {11232, 11233, 11247, 99991400},
}
_REFUSED_CODES = {
    HookKind.WECOM: {40008, 40058, 44004, 45002, 93000, 93004, 93008},
    HookKind.DINGTALK: {
        *(40035, 43004, 300001, 310000, 400013, 400101, 400102, 400105, 400106),
        *(430101, 430102, 430103, 430104),
    },
    HookKind.FEISHU: {9499, 19001, 19002, 19021, 19022, 19024},
}


class ChannelError(Exception):
    """The message was not taken; the text is what was answered, without address and secret. Worth another try."""


class ChannelBusy(ChannelError):
    """Too many messages: the channel as a whole takes none for a while."""


class ChannelUnreachable(ChannelError):
    """No connection, no encryption, no answer: nothing can be sent there now."""


class ChannelRefused(ChannelError):
    """Refused for good: the bot is gone, the key or the signature wrong, the address not allowed."""


@dataclass(frozen=True)
class Hook:
    """A bot or webhook to send to."""

    kind: HookKind
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)


@dataclass
class _Settings:
    trusted: frozenset[str] = frozenset()


def trust_hosts(hosts: Collection[str]) -> None:
    """From now on these hosts (`host` or `host:port`) may be anywhere, by http too, for every kind of channel."""
    _Settings.trusted = frozenset(hosts)


def trusted_hosts() -> frozenset[str]:
    """The hosts the operator has named."""
    return _Settings.trusted


def send(hook: Hook, request: HookRequest) -> str:
    """Hand a request over and return what to write into the delivery log. ChannelError when it was not taken."""
    try:
        target = target_of(hook.kind, hook.url, trusted_hosts())
    except Invalid as error:
        raise ChannelRefused(f"the address is not allowed: {error.code}") from error
    try:
        status, body = _post(target, request)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        # UnicodeError: a name that cannot be looked up at all.
        raise ChannelUnreachable(f"{target.host}: {_clean(_said(error), hook)}") from error
    _judge(hook, status, body)
    return f"{target.host}: {status}"


def _post(target: Target, request: HookRequest) -> tuple[int, bytes]:
    connection = _Connection(target)
    # Closing the socket under a slow answer ends it with an error: timeouts count for each byte anew.
    alarm = Timer(DEADLINE_SECONDS, connection.abandon)
    alarm.daemon = True
    alarm.start()
    try:
        path = target.path
        if request.query:
            path += ("&" if "?" in path else "?") + request.query
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Service-Desk",
            "Connection": "close",
            **request.headers,
        }
        connection.request("POST", path, body=request.body, headers=headers)
        answer = connection.getresponse()
        status, said = answer.status, answer.read(_MOST_ANSWER)
        if connection.is_abandoned:
            # What came before the end is no whole answer, however it reads.
            raise TimeoutError("no answer in time")
        return status, said
    finally:
        alarm.cancel()
        connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection to an address that was looked up once and found allowed."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=TIMEOUT_SECONDS)
        self._target = target
        self.is_abandoned = False

    def connect(self) -> None:
        """Connect to the first address of the name; ChannelRefused when any of them is not public."""
        target = self._target
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        places = [str(one[4][0]) for one in found]
        if not target.is_trusted and not all(
            is_public(ip_address(place.partition("%")[0])) for place in places
        ):
            raise ChannelRefused(f"{target.host} is not a public address")
        self.sock = _connected(places, target.port)
        if target.is_tls:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=target.host)

    def abandon(self) -> None:
        """End whatever is being waited for."""
        self.is_abandoned = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def _connected(places: list[str], port: int) -> socket.socket:
    for place in places[:-1]:
        try:
            return socket.create_connection((place, port), TIMEOUT_SECONDS)
        except OSError:
            continue
    return socket.create_connection((places[-1], port), TIMEOUT_SECONDS)


def _judge(hook: Hook, status: int, body: bytes) -> None:
    """Raise what an answer means; return when the message was taken."""
    said = _clean(f"{status} {body[:300].decode('utf-8', 'replace')}".strip(), hook)
    if status in {429, 503}:
        raise ChannelBusy(said)
    if status >= 500 or status in (408, 425):
        raise ChannelError(said)
    if not 200 <= status < 300:
        # A redirect too: the address that was judged is the only one that is asked.
        raise ChannelRefused(said)
    if hook.kind is not HookKind.WEBHOOK:
        _judge_code(hook.kind, body, said)


def _judge_code(kind: HookKind, body: bytes, said: str) -> None:
    """Bots answer 200 and say in the body whether they took it."""
    answer = _answer(body)
    code = answer.get("errcode", answer.get("code", answer.get("StatusCode")))
    if code == 0:
        return
    # Feishu says "too many request" under the code of any bad request.
    is_crowded = kind is HookKind.FEISHU and "too many" in str(answer.get("msg", "")).lower()
    if code in _BUSY_CODES[kind] or is_crowded:
        raise ChannelBusy(said)
    raise ChannelRefused(said) if code in _REFUSED_CODES[kind] else ChannelError(said)


def _answer(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _clean(text: str, hook: Hook) -> str:
    """The text without the address's keys and the secret, should the other side repeat them."""
    parts = urlsplit(hook.url)
    # The key may be any part of the path or the query.
    keys = re.split(r"[/?=&;]", f"{parts.path}?{parts.query}")
    for secret in (hook.url, hook.secret, *sorted(keys, key=len, reverse=True)):
        if len(secret) >= _SHORTEST_KEY:
            text = text.replace(secret, "***")
    return text


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
