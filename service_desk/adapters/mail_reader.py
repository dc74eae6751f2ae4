"""A raw mail read into words, files and reports: any charset, whatever its label says; markup made plain."""

import hashlib
from collections.abc import Iterator
from email import policy
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import Any, cast

from service_desk.adapters.icalendar import read_reply
from service_desk.rules.inbound_mail import (
    MAX_WORDS_KEPT,
    CalendarReply,
    DeliveryReport,
    Enclosed,
    Letter,
)

_JUDGED = (
    *("auto-submitted", "precedence", "return-path", "list-id", "list-unsubscribe"),
    *("x-autoreply", "x-autorespond", "x-auto-response-suppress"),
)
# A mail of more parts or deeper nests was made to cost time.
_MOST_PARTS = 200
_DEEPEST = 12
_OLD_CHINESE = frozenset({"gb2312", "gbk", "gb18030", "x-gbk", "cp936", "hz-gb-2312", "euc-cn"})
_THREE_BYTES = 0x800


class Unreadable(ValueError):
    """What came is no mail that can be read."""


def read(raw: bytes) -> Letter:
    """Read a mail. Unreadable when it is none."""
    try:
        return _letter(BytesParser(policy=policy.compat32).parsebytes(raw), raw)
    except (LookupError, ValueError, RecursionError, AttributeError, TypeError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def _letter(mail: Message, raw: bytes) -> Letter:
    name, address = _sender(mail)
    parts = list(_parts(mail))
    return Letter(
        message_id=_message_id(mail) or f"<{hashlib.sha256(raw).hexdigest()}@no-message-id>",
        answers=_ids(mail, "In-Reply-To") + _ids(mail, "References")[::-1],
        from_name=name[:200],
        from_address=address[:200],
        subject=" ".join(_words_of(mail["Subject"]).split())[:200],
        words=_body(parts),
        headers={name: str(mail[name]).strip() for name in _JUDGED if mail[name] is not None},
        enclosed=tuple(_enclosed(parts)),
        reports=tuple(_reports(mail)),
        is_report=mail.get_content_type() == "multipart/report",
        reply=next((found for one in parts if (found := _reply(one))), None),
    )


def _sender(mail: Message) -> tuple[str, str]:
    """Name and address of the first From. The name is decoded after the address is found: it may hold commas."""
    value = mail["From"]
    raw = str(value) if isinstance(value, str) else _words_of(value)
    for name, address in getaddresses([raw]):
        if "@" in address:
            return " ".join(_words_of(name).split()), clean(address.strip())
    return "", ""


def _message_id(mail: Message) -> str:
    """The mail's own; empty where it has none or one that cannot be kept whole."""
    found = _ids(mail, "Message-ID")
    return found[0] if found and len(found[0]) <= 200 else ""


def _ids(mail: Message, header: str) -> tuple[str, ...]:
    text = _words_of(mail[header])
    return tuple(clean(one) for one in text.replace("><", "> <").split() if one.startswith("<"))[:50]


def _words_of(value: Any) -> str:
    """A header in words, whether its bytes are labelled rightly, wrongly or not at all."""
    if value is None:
        return ""
    try:
        pieces = decode_header(value)
    except ValueError:
        return clean(str(value))
    return clean("".join(one if isinstance(one, str) else decode(one, label) for one, label in pieces))


def decode(content: bytes, label: str | None) -> str:
    """Bytes as text. Labels lie: what is UTF-8 is read as that, what is not is GB18030 before it is anything else."""
    label = (label or "").lower().strip("\"' ")
    as_utf8 = _strictly(content, "utf-8")
    if as_utf8 is not None and (label not in _OLD_CHINESE or any(ord(c) >= _THREE_BYTES for c in as_utf8)):
        return as_utf8
    is_other = (
        label and label not in _OLD_CHINESE and label not in {"utf-8", "utf8", "us-ascii", "unknown-8bit"}
    )
    for name in ([label] if is_other else []) + ["hz" if label == "hz-gb-2312" else "gb18030"]:
        found = _strictly(content, name)
        if found is not None:
            return found
    return as_utf8 or content.decode("utf-8", "replace")


def _strictly(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except (LookupError, UnicodeError):
        return None


def clean(text: str) -> str:
    """Text that every database keeps: no zero characters, no halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _parts(mail: Message) -> Iterator[Message]:
    """The leaves, in order. A mail within the mail is a leaf: its words are not its sender's."""
    waiting: list[tuple[Message, int]] = [(mail, 0)]
    seen = 0
    while waiting:
        part, depth = waiting.pop(0)
        seen += 1
        if seen > _MOST_PARTS or depth > _DEEPEST:
            raise Unreadable("too many parts")
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            inner = cast("list[Message]", part.get_payload())
            waiting[:0] = [(one, depth + 1) for one in inner]
        else:
            yield part


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _body(parts: list[Message]) -> str:
    """The plain words; those of the markup only where there are no others."""
    texts = [one for one in parts if one.get_content_maintype() == "text" and not _is_file(one)]
    plain = "\n".join(_text(one) for one in texts if one.get_content_subtype() == "plain")
    if not plain.strip():
        plain = "\n".join(plain_text(_text(one)) for one in texts if one.get_content_subtype() == "html")
    tidy = "\n".join(line.rstrip() for line in plain.replace("\r\n", "\n").splitlines())
    return tidy.strip()[:MAX_WORDS_KEPT]


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: Message) -> str:
    return clean(decode(_content(part), part.get_content_charset()))


def _enclosed(parts: list[Message]) -> Iterator[Enclosed]:
    for part in parts:
        is_text = part.get_content_maintype() == "text" and not _is_file(part)
        if is_text or part.get_content_type() in {"message/delivery-status", "text/rfc822-headers"}:
            continue
        is_mail = part.get_content_type() == "message/rfc822"
        content = b"".join(one.as_bytes() for one in _inner(part)) if is_mail else _content(part)
        name = _words_of(part.get_filename()) or f"{part.get_content_maintype()}.{part.get_content_subtype()}"
        is_inline = part.get_content_disposition() != "attachment" and part["Content-ID"] is not None
        yield Enclosed(name.replace("/", "_")[-200:], content, part.get_content_type(), is_inline)


def _reply(part: Message) -> CalendarReply | None:
    is_calendar = part.get_content_type() in {"text/calendar", "application/ics"}
    return read_reply(_text(part)) if is_calendar else None


def _inner(part: Message) -> list[Message]:
    inner = part.get_payload()
    return [one for one in inner if isinstance(one, Message)] if isinstance(inner, list) else []


def _reports(mail: Message) -> Iterator[DeliveryReport]:
    """What a delivery report says of each recipient, with the Message-ID of the mail it is about."""
    if mail.get_content_type() != "multipart/report":
        return
    parts = _inner(mail)
    about = next((found for one in parts if (found := _reported_id(one))), "")
    for part in parts:
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in _inner(part):
            if block["Action"] is None:
                continue
            yield DeliveryReport(
                action=_words_of(block["Action"]),
                status=_words_of(block["Status"]),
                recipients=tuple(_recipients(block)),
                message_id=about,
                said=_words_of(block["Diagnostic-Code"])[:500] or _words_of(block["Status"]),
            )


def _recipients(block: Message) -> Iterator[str]:
    for header in ("Original-Recipient", "Final-Recipient"):
        address = _words_of(block[header]).partition(";")[2].strip().strip("<>")
        if address:
            yield address


def _reported_id(part: Message) -> str:
    if part.get_content_type() == "message/rfc822":
        return next((_message_id(one) for one in _inner(part)), "")
    if part.get_content_type() == "text/rfc822-headers":
        return _message_id(BytesParser(policy=policy.compat32).parsebytes(_content(part), headersonly=True))
    return ""


class _Plain(HTMLParser):
    """Collects what a reader sees, and breaks lines where a page would."""

    _UNSEEN = frozenset({"script", "style", "title", "template", "noscript"})
    _BLOCKS = frozenset(
        {
            "p",
            "div",
            "br",
            "tr",
            "li",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "table",
            "ul",
            "ol",
            "blockquote",
            "hr",
        }
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._UNSEEN:
            self._unseen += 1
        elif tag in self._BLOCKS:
            self.pieces.append("\n")
        elif tag == "td":
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag in self._BLOCKS - {"br", "hr"}:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            # Line ends of the source are blanks; those of the page are the tags'.
            self.pieces.append(" ".join(data.split("\n")))


def plain_text(markup: str) -> str:
    """The words of a page, without its markup, its scripts and its styles."""
    parser = _Plain()
    parser.feed(markup)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).split("\n"))
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()
