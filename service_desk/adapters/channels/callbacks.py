"""What the vendors' servers send when somebody speaks to a bot: proved by their published algorithms, then read.

Pure: told the keys and the time. Whatever does not fit is `NotOfVendor`, without saying what did not.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from service_desk.rules.hooks import HookKind

# Older or younger calls are repeats, or of a clock that is wrong.
WINDOW_SECONDS = 300
_BLOCK = 16
_WECOM_PADDING = 32
_WECOM_HEAD = 20
_ENCRYPTED_XML = re.compile(rb"<Encrypt>\s*(?:<!\[CDATA\[)?([A-Za-z0-9+/=\s]+?)(?:\]\]>)?\s*</Encrypt>")
_MENTION = re.compile(r"^(\s*@\S+)+\s*")


# What reading ends in that nobody has written as the vendor writes; a RecursionError for brackets in brackets.
_UNREADABLE = (
    *(ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError),
    *(binascii.Error, ElementTree.ParseError),
)


class NotOfVendor(Exception):
    """Not signed as the vendor signs, too old, or not to be read."""


@dataclass(frozen=True)
class Keys:
    """What was agreed with the vendor. `receiver` is who WeCom writes to, checked where it is given."""

    token: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    receiver: str = ""


@dataclass(frozen=True)
class Call:
    """A request as it arrived; header names in lower case."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Heard:
    """What somebody said to the bot. `event_key` is the vendor's own number of it."""

    event_key: str
    said_by: str
    words: str
    phone: str = ""


@dataclass(frozen=True)
class Understood:
    """What to answer the vendor with, and what was said; None for kinds of messages that mean nothing here."""

    answer: str | dict[str, Any]
    heard: Heard | None = None


def understand(kind: HookKind, call: Call, keys: Keys, now: datetime) -> Understood:
    """Check and read a call. NotOfVendor when it is not proved."""
    try:
        return _READERS[kind](call, keys, now)
    except _UNREADABLE as error:
        raise NotOfVendor from error


def _wecom(call: Call, keys: Keys, now: datetime) -> Understood:
    """加解密方案: SHA-1 over the sorted token, time, nonce and cipher; AES-CBC under the EncodingAESKey."""
    stamp, nonce = call.query["timestamp"], call.query["nonce"]
    cipher = call.query["echostr"] if call.method == "GET" else _wecom_cipher(call.body)
    parts = sorted((keys.token, stamp, nonce, cipher))
    signature = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
    _require_same(signature, call.query["msg_signature"])
    _require_recent(int(stamp), now)
    plain = _wecom_plain(cipher, keys)
    if call.method == "GET":
        return Understood(plain)
    heard = _wecom_json(plain) if plain.lstrip().startswith("{") else _wecom_xml(plain)
    return Understood("", _worth(heard))


def _wecom_cipher(body: bytes) -> str:
    """The cipher out of its envelope, which nobody has signed: found by its shape, never parsed as XML."""
    if body.lstrip().startswith(b"{"):
        return str(json.loads(body)["encrypt"])
    found = _ENCRYPTED_XML.search(body)
    if found is None:
        raise NotOfVendor
    return "".join(found[1].decode().split())


def _wecom_plain(cipher: str, keys: Keys) -> str:
    """16 random bytes, the length in four, the message, and who it is for."""
    key = base64.b64decode(keys.key + "=")
    content = _unpadded(_aes(key, key[:_BLOCK], base64.b64decode(cipher)), _WECOM_PADDING)
    end = _WECOM_HEAD + int.from_bytes(content[_BLOCK:_WECOM_HEAD], "big")
    if end > len(content):
        raise NotOfVendor
    if keys.receiver and content[end:].decode() != keys.receiver:
        raise NotOfVendor
    return content[_WECOM_HEAD:end].decode()


def _wecom_xml(plain: str) -> Heard | None:
    """An application's message, or a group bot's, which nests."""
    if "<!DOCTYPE" in plain or "<!ENTITY" in plain:
        raise NotOfVendor
    tree = ElementTree.fromstring(plain)  # noqa: S314 - signed, and without declarations

    def text(path: str) -> str:
        return tree.findtext(path) or ""

    if text("MsgType") != "text":
        return None
    name = text("From/Name") or text("From/Alias") or text("FromUserName")
    return Heard(text("MsgId"), name, text("Text/Content") or text("Content"))


def _wecom_json(plain: str) -> Heard | None:
    facts = json.loads(plain)
    if facts.get("msgtype") != "text":
        return None
    sender = facts.get("from", {})
    return Heard(
        str(facts["msgid"]), str(sender.get("name") or sender.get("userid", "")), facts["text"]["content"]
    )


def _dingtalk(call: Call, keys: Keys, now: datetime) -> Understood:
    """The headers' time, in milliseconds, and the robot's secret; the body is not signed."""
    stamp = call.headers["timestamp"]
    sign = hmac.new(keys.key.encode(), f"{stamp}\n{keys.key}".encode(), hashlib.sha256).digest()
    _require_same(base64.b64encode(sign).decode(), call.headers["sign"])
    _require_recent(int(stamp) // 1000, now)
    facts = json.loads(call.body)
    if facts.get("msgtype") != "text":
        return Understood({})
    heard = Heard(str(facts["msgId"]), str(facts.get("senderNick", "")), facts["text"]["content"])
    return Understood({}, _worth(heard))


def _feishu(call: Call, keys: Keys, now: datetime) -> Understood:
    """SHA-256 over time, nonce, encrypt key and body; the event itself under the encrypt key, with the token in it."""
    facts = _feishu_plain(call.body, keys)
    is_question = facts.get("type") == "url_verification"
    # The vendor's first question about the address may come without a signature; what it holds proves it.
    if not is_question or "x-lark-signature" in call.headers:
        _require_feishu_signature(call, keys, now)
    header = facts.get("header", {})
    _require_same(str(facts.get("token") or header.get("token", "")), keys.token)
    if is_question:
        return Understood({"challenge": str(facts["challenge"])})
    if header.get("event_type") != "im.message.receive_v1":
        return Understood({})
    return Understood({}, _worth(_feishu_words(header, facts["event"])))


def _feishu_plain(body: bytes, keys: Keys) -> dict[str, Any]:
    content = base64.b64decode(json.loads(body)["encrypt"])
    key = hashlib.sha256(keys.key.encode()).digest()
    plain = _unpadded(_aes(key, content[:_BLOCK], content[_BLOCK:]), _BLOCK)
    facts = json.loads(plain)
    if not isinstance(facts, dict):
        raise NotOfVendor
    return facts


def _require_feishu_signature(call: Call, keys: Keys, now: datetime) -> None:
    stamp = call.headers["x-lark-request-timestamp"]
    signed = f"{stamp}{call.headers['x-lark-request-nonce']}{keys.key}".encode() + call.body
    _require_same(hashlib.sha256(signed).hexdigest(), call.headers["x-lark-signature"])
    _require_recent(int(stamp), now)


def _feishu_words(header: Mapping[str, Any], event: Mapping[str, Any]) -> Heard | None:
    message, sender = event["message"], event.get("sender", {})
    if message.get("message_type") != "text" or sender.get("sender_type", "user") != "user":
        return None
    mentions = message.get("mentions") or []
    # An application may be sent all that is said in a group; only what is said to it is for it.
    kinds = [one.get("mentioned_type") for one in mentions]
    is_to_bot = bool(mentions) and (not any(kinds) or "bot" in kinds)
    if message.get("chat_type") == "group" and not is_to_bot:
        return None
    words = str(json.loads(message["content"]).get("text", ""))
    for one in mentions:
        words = words.replace(str(one.get("key", "")) or "\0", " ")
    ids = sender.get("sender_id", {})
    name = str(ids.get("user_id") or ids.get("open_id") or "")
    return Heard(str(header["event_id"]), name, words)


def _webhook(call: Call, keys: Keys, now: datetime) -> Understood:
    """Signed as our own messages to webhooks are."""
    stamp = call.headers["service-desk-timestamp"]
    signature = hmac.new(keys.key.encode(), stamp.encode() + b"." + call.body, hashlib.sha256).hexdigest()
    _require_same(f"v1={signature}", call.headers["service-desk-signature"])
    _require_recent(int(stamp), now)
    facts = json.loads(call.body)
    heard = Heard(
        str(facts["id"]),
        str(facts.get("sender", "")),
        str(facts.get("text", "")),
        str(facts.get("phone", "")),
    )
    return Understood({}, _worth(heard))


_READERS: dict[HookKind, Callable[[Call, Keys, datetime], Understood]] = {
    HookKind.WECOM: _wecom,
    HookKind.DINGTALK: _dingtalk,
    HookKind.FEISHU: _feishu,
    HookKind.WEBHOOK: _webhook,
}


def _worth(heard: Heard | None) -> Heard | None:
    """What was said without the mention of the bot; None where nothing else was said, or nothing numbers it."""
    if heard is None or not heard.event_key:
        return None
    words = _MENTION.sub("", heard.words.replace("\u2005", " ")).replace("\0", "").strip()
    clean = words.encode("utf-8", "replace").decode()
    return Heard(heard.event_key, heard.said_by.replace("\0", ""), clean, heard.phone) if clean else None


def _require_same(one: str, other: str) -> None:
    if not one or not hmac.compare_digest(one.encode(), other.encode()):
        raise NotOfVendor


def _require_recent(seconds: int, now: datetime) -> None:
    if abs(now.timestamp() - seconds) > WINDOW_SECONDS:
        raise NotOfVendor


def _aes(key: bytes, start: bytes, content: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    return decryptor.update(content) + decryptor.finalize()


def _unpadded(content: bytes, most: int) -> bytes:
    size = content[-1] if content else 0
    if not 1 <= size <= most or content[-size:] != bytes([size]) * size:
        raise NotOfVendor
    return content[:-size]
