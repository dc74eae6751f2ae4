"""What each bot wants to be asked with. Pure: the same message at the same instant gives the same request."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from service_desk.rules.hooks import HookKind

# As the vendors write: WeCom 4,096 bytes of markdown, DingTalk about 20,000 of a message, Feishu 20 KB of a request
# (what is left over there is for the request's own words). A webhook takes a whole report's text.
_MOST_BYTES = {
    HookKind.WECOM: 4_096,
    HookKind.DINGTALK: 18_000,
    HookKind.FEISHU: 16_000,
    HookKind.WEBHOOK: 100_000,
}
# Characters that are commands in a bot's markdown; words of a claim must not mention people or make links.
_TAME = str.maketrans({"<": "＜", ">": "＞", "[": "［", "]": "］", "`": "ˋ", "*": "＊"})


@dataclass(frozen=True)
class Bulletin:
    """A message as a group reads it. `message_id` stays the same over tries; `open_words` name the link."""

    message_id: str
    kind: str
    subject: str
    language: str
    title: str
    lines: tuple[str, ...]
    url: str
    open_words: str
    more_words: str
    account: str = ""
    number: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True)
class HookRequest:
    """A POST. `query` is added to the address's own; it may hold a signature."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""


def request_for(kind: HookKind, bulletin: Bulletin, secret: str, at: datetime) -> HookRequest:
    """The request that says this to a bot or webhook, signed with its secret where it has one."""
    return _REQUESTS[kind](bulletin, secret, at)


def _wecom(bulletin: Bulletin, _secret: str, _at: datetime) -> HookRequest:
    text = _markdown(bulletin, _MOST_BYTES[HookKind.WECOM], "\n")
    return HookRequest(_json({"msgtype": "markdown", "markdown": {"content": text}}))


def _dingtalk(bulletin: Bulletin, secret: str, at: datetime) -> HookRequest:
    # Markdown there breaks a line only after two blanks.
    text = _markdown(bulletin, _MOST_BYTES[HookKind.DINGTALK], "  \n")
    body = _json(
        {"msgtype": "markdown", "markdown": {"title": bulletin.title[:100].translate(_TAME), "text": text}}
    )
    if not secret:
        return HookRequest(body)
    stamp = str(int(at.timestamp() * 1000))
    sign = _hmac(secret.encode(), f"{stamp}\n{secret}".encode())
    return HookRequest(body, query=urlencode({"timestamp": stamp, "sign": base64.b64encode(sign).decode()}))


def _feishu(bulletin: Bulletin, secret: str, at: datetime) -> HookRequest:
    # Rich text: what is said stands in fields of its own and is not read for commands.
    lines, is_cut = _cut(bulletin.lines, _MOST_BYTES[HookKind.FEISHU], overhead=40)
    rows: list[list[dict[str, str]]] = [[{"tag": "text", "text": line}] for line in lines]
    if bulletin.url:
        words = bulletin.more_words if is_cut else bulletin.open_words
        rows.append([{"tag": "a", "text": words, "href": bulletin.url}])
    language = "zh_cn" if bulletin.language == "zh" else "en_us"
    content: dict[str, Any] = {
        "msg_type": "post",
        "content": {"post": {language: {"title": bulletin.title, "content": rows}}},
    }
    if secret:
        stamp = str(int(at.timestamp()))
        sign = _hmac(f"{stamp}\n{secret}".encode(), b"")
        content = {"timestamp": stamp, "sign": base64.b64encode(sign).decode(), **content}
    return HookRequest(_json(content))


def _webhook(bulletin: Bulletin, secret: str, at: datetime) -> HookRequest:
    lines, is_cut = _cut(bulletin.lines, _MOST_BYTES[HookKind.WEBHOOK])
    body = _json(
        {
            "id": bulletin.message_id,
            "kind": bulletin.kind,
            "subject": bulletin.subject,
            "account": bulletin.account,
            "number": bulletin.number,
            "language": bulletin.language,
            "title": bulletin.title,
            "text": "\n".join(lines),
            "is_cut": is_cut,
            "url": bulletin.url,
            "created_at": bulletin.created_at.isoformat() if bulletin.created_at else None,
        }
    )
    stamp = str(int(at.timestamp()))
    signature = _hmac(secret.encode(), stamp.encode() + b"." + body).hex()
    headers = {
        "Service-Desk-Id": bulletin.message_id,
        "Service-Desk-Timestamp": stamp,
        "Service-Desk-Signature": f"v1={signature}",
    }
    return HookRequest(body, headers)


_REQUESTS: dict[HookKind, Callable[[Bulletin, str, datetime], HookRequest]] = {
    HookKind.WECOM: _wecom,
    HookKind.DINGTALK: _dingtalk,
    HookKind.FEISHU: _feishu,
    HookKind.WEBHOOK: _webhook,
}


def _markdown(bulletin: Bulletin, most: int, line_break: str) -> str:
    """Title, lines and link, not longer than allowed: cut at a line, and the link says that there is more."""
    head = f"**{_fit(bulletin.title.translate(_TAME), 300)}**"
    ends = [
        f"{line_break}{line_break}[{words.translate(_TAME)}]({bulletin.url})" if bulletin.url else ""
        for words in (bulletin.open_words, bulletin.more_words)
    ]
    room = most - len(head.encode()) - max(len(end.encode()) for end in ends) - 2 * len(line_break)
    tame = [line.translate(_TAME) for line in bulletin.lines]
    lines, is_cut = _cut(tame, room, overhead=len(line_break))
    text = line_break.join(lines)
    return head + (f"{line_break}{line_break}{text}" if text else "") + ends[is_cut]


def _cut(lines: Sequence[str], most: int, *, overhead: int = 1) -> tuple[list[str], bool]:
    """As many whole lines as fit, each costing its bytes and `overhead`; and whether any was left out."""
    kept: list[str] = []
    for line in lines:
        most -= len(line.encode()) + overhead
        if most < 0:
            return kept, True
        kept.append(line)
    return kept, False


def _fit(text: str, most: int) -> str:
    """Text of at most so many bytes, cut between characters."""
    return text.encode()[:most].decode("utf-8", "ignore")


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
