"""Calendars of whole days and invitations to meetings as iCalendar text (RFC 5545, RFC 5546)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from service_desk.rules.inbound_mail import CalendarReply

MIME_TYPE = "text/calendar; charset=utf-8"
_MOST_REPLY = 64 * 1024
# Name, parameters (a quoted value may hold any sign) and value of a content line.
_LINE = re.compile(r'([A-Za-z-]+)((?:;[A-Za-z-]+=(?:"[^"]*"|[^";:]*))*):(.*)')
_ANSWER = re.compile(r"PARTSTAT=\"?(ACCEPTED|DECLINED|TENTATIVE)\b", re.IGNORECASE)
_LONGEST_LINE = 75
"""Octets of a content line, its break not counted (RFC 5545 section 3.1)."""
# China's clock since the last summer time ended there.
_ZONE_LINES = (
    "BEGIN:VTIMEZONE",
    "TZID:Asia/Shanghai",
    "BEGIN:STANDARD",
    "DTSTART:19910915T020000",
    "TZOFFSETFROM:+0900",
    "TZOFFSETTO:+0800",
    "TZNAME:CST",
    "END:STANDARD",
    "END:VTIMEZONE",
)


@dataclass(frozen=True)
class DayEvent:
    """An event of one whole day. `uid` stays the same while it is the same event; `url` leads to it."""

    uid: str
    day: date
    summary: str
    description: str
    url: str
    category: str = ""


@dataclass(frozen=True)
class TimedEvent:
    """An event from one instant to another."""

    uid: str
    from_at: datetime
    to_at: datetime
    summary: str
    description: str
    url: str


class Method(StrEnum):
    """What a meeting's text asks of a calendar program: to show it, to put it in and answer, to take it out."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


def mime_type(method: Method) -> str:
    """The type of a meeting's text; programs offer to accept only what names its method."""
    return f"text/calendar; charset=utf-8; method={method.value}"


@dataclass(frozen=True)
class Attendee:
    """Somebody who takes part. `email` may be empty: then they are named and cannot be written to."""

    name: str
    email: str


@dataclass(frozen=True)
class Meeting:
    """A meeting from an instant to another. A higher `sequence` of the same `uid` takes the place of the lower ones."""

    uid: str
    sequence: int
    from_at: datetime
    to_at: datetime
    summary: str
    place: str
    description: str
    url: str
    organiser: Attendee
    attendees: tuple[Attendee, ...] = ()


def meeting_text(meeting: Meeting, product: str, *, method: Method, stamped_at: datetime) -> str:
    """A meeting as an invitation, a cancellation, or to be put into one's own calendar."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_text(product)}",
        "CALSCALE:GREGORIAN",
        f"METHOD:{method.value}",
        "BEGIN:VEVENT",
        f"UID:{_text(meeting.uid)}",
        f"SEQUENCE:{meeting.sequence}",
        f"DTSTAMP:{_instant(stamped_at)}",
        f"DTSTART:{_instant(meeting.from_at)}",
        f"DTEND:{_instant(meeting.to_at)}",
        f"SUMMARY:{_text(meeting.summary)}",
        f"LOCATION:{_text(meeting.place)}",
        f"DESCRIPTION:{_text(meeting.description)}",
        f"URL:{meeting.url}",
        f"STATUS:{'CANCELLED' if method is Method.CANCEL else 'CONFIRMED'}",
        *_people_lines(meeting, method),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _people_lines(meeting: Meeting, method: Method) -> Iterator[str]:
    if _is_address(meeting.organiser.email):
        yield f"ORGANIZER;CN={_parameter(meeting.organiser.name)}:mailto:{meeting.organiser.email}"
    if method is Method.PUBLISH:
        # What is only published has nobody who is asked to come (RFC 5546 section 3.2.1).
        return
    for one in meeting.attendees:
        if _is_address(one.email):
            asked = ";PARTSTAT=NEEDS-ACTION;RSVP=TRUE" if method is Method.REQUEST else ""
            yield f"ATTENDEE;CN={_parameter(one.name)};ROLE=REQ-PARTICIPANT{asked}:mailto:{one.email}"


def _is_address(email: str) -> bool:
    return "@" in email and not any(sign.isspace() or ord(sign) < 32 for sign in email)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _parameter(value: str) -> str:
    """A parameter's value in quotation marks, which it cannot hold itself; nor control characters."""
    plain = "".join(sign for sign in value if ord(sign) >= 32 and ord(sign) != 127)
    return '"' + plain.replace('"', "'") + '"'


def calendar_text(
    name: str,
    product: str,
    events: Iterable[DayEvent | TimedEvent],
    *,
    stamped_at: datetime,
    refresh_hours: int,
) -> str:
    """A published calendar. Whole days have no zone: the 31st is the 31st wherever it is read.

    Without events it has the zone alone, for a calendar of nothing is none (RFC 5545 section 3.6).

    `stamped_at` is when the events were made out; programs are asked to look again after `refresh_hours`.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_text(product)}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        "X-WR-TIMEZONE:Asia/Shanghai",
        f"REFRESH-INTERVAL;VALUE=DURATION:PT{refresh_hours}H",
        f"X-PUBLISHED-TTL:PT{refresh_hours}H",
    ]
    stamp, parts = _instant(stamped_at), list[str]()
    for event in events:
        parts += _event_lines(event, stamp) if isinstance(event, DayEvent) else _timed_lines(event, stamp)
    lines += [*(parts or _ZONE_LINES), "END:VCALENDAR"]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _event_lines(event: DayEvent, stamp: str) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(event.uid)}"
    yield f"DTSTAMP:{stamp}"
    yield f"DTSTART;VALUE=DATE:{event.day:%Y%m%d}"
    # The end is excluded.
    yield f"DTEND;VALUE=DATE:{event.day + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_text(event.summary)}"
    yield f"DESCRIPTION:{_text(event.description)}"
    if event.category:
        yield f"CATEGORIES:{_text(event.category)}"
    yield f"URL:{event.url}"
    # An end of cover takes up nobody's day.
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _timed_lines(event: TimedEvent, stamp: str) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(event.uid)}"
    yield f"DTSTAMP:{stamp}"
    yield f"DTSTART:{event.from_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"DTEND:{event.to_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"SUMMARY:{_text(event.summary)}"
    if event.description:
        yield f"DESCRIPTION:{_text(event.description)}"
    yield f"URL:{event.url}"
    yield "END:VEVENT"


def read_reply(text: str) -> CalendarReply | None:
    """What a calendar text of the method REPLY answers for one attendee; None for anything else.

    Only our own identity is looked for in it, so nothing but these four lines is read.
    """
    unfolded = re.sub(r"\r?\n[ \t]", "", text[:_MOST_REPLY])
    found: dict[str, tuple[str, str]] = {}
    for line in unfolded.splitlines():
        parts = _LINE.fullmatch(line.strip())
        if parts is not None:
            found.setdefault(parts[1].upper(), (parts[2], parts[3].strip()))
    said, attendee = found.get("ATTENDEE", ("", ""))
    answer, sequence = _ANSWER.search(said), found.get("SEQUENCE", ("", "0"))[1]
    uid = found.get("UID", ("", ""))[1]
    if found.get("METHOD", ("", ""))[1].upper() != "REPLY" or answer is None or not uid:
        return None
    return CalendarReply(
        uid=uid[:200],
        sequence=int(sequence) if re.fullmatch(r"[0-9]{1,9}", sequence) else 0,
        attendee=re.sub(r"(?i)^mailto:", "", attendee)[:200],
        answer=answer[1].lower(),
        words=_plain(found.get("COMMENT", ("", ""))[1]),
    )


def _plain(value: str) -> str:
    """A TEXT value as it was before it was escaped."""
    return re.sub(r"\\(.)", lambda one: "\n" if one[1] in "nN" else one[1], value)


def _text(value: str) -> str:
    """A TEXT value: backslash, comma, semicolon and line break escaped; other control characters left out."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    escaped = escaped.replace("\r\n", "\n").replace("\n", "\\n")
    return "".join(sign for sign in escaped if sign == "\t" or (ord(sign) >= 32 and ord(sign) != 127))


def _folded(line: str) -> Iterator[str]:
    """A line in parts of at most 75 octets, each after the first begun by a blank; no character is cut in two."""
    part, octets = "", 0
    for sign in line:
        size = len(sign.encode())
        if octets + size > _LONGEST_LINE:
            yield part
            part, octets = " ", 1
        part += sign
        octets += size
    yield part
