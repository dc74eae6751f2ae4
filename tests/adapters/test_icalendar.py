"""The calendar's text against the rules of RFC 5545, read by a parser that forgives nothing."""

import re
from datetime import UTC, date, datetime

import pytest

from service_desk.adapters.icalendar import (
    Attendee,
    DayEvent,
    Meeting,
    Method,
    calendar_text,
    meeting_text,
    mime_type,
    read_reply,
)
from service_desk.rules.inbound_mail import CalendarReply

STAMP = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
EVENT = DayEvent(
    uid="0a1b",
    day=date(2026, 12, 31),
    summary="交强险到期 2 辆 · 巩义客运分公司",
    description="豫A12345\n豫A67890",
    url="https://desk.example/renewals?branch=1",
    category="交强险",
)
_NAME = re.compile(r"([A-Z-]+)((?:;[A-Z-]+=[^\";:,]+)*):(.*)", re.DOTALL)


def parse(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The calendar's properties and those of each event, by name with parameters; AssertionError for a fault."""
    assert text.endswith("\r\n")
    lines = text.split("\r\n")[:-1]
    assert not any("\n" in line or "\r" in line for line in lines), "a bare line break"
    assert all(len(line.encode()) <= 75 for line in lines), "a line of more than 75 octets"
    assert all(line for line in lines), "an empty line"
    unfolded: list[str] = []
    for line in lines:
        if line.startswith(" "):
            unfolded[-1] += line[1:]
        else:
            unfolded.append(line)
    assert unfolded[0] == "BEGIN:VCALENDAR"
    assert unfolded[-1] == "END:VCALENDAR"
    zone = []
    if "BEGIN:VTIMEZONE" in unfolded:
        first, last = unfolded.index("BEGIN:VTIMEZONE"), unfolded.index("END:VTIMEZONE")
        zone, unfolded[first : last + 1] = unfolded[first : last + 1], []
        assert zone[1] == "TZID:Asia/Shanghai"
        assert zone[2:4] == ["BEGIN:STANDARD", "DTSTART:19910915T020000"]
    calendar: dict[str, str] = {}
    events: list[dict[str, str]] = []
    here = calendar
    for line in unfolded[1:-1]:
        found = _NAME.fullmatch(line)
        assert found, f"no content line: {line!r}"
        name, value = found[1] + found[2], found[3]
        if line == "BEGIN:VEVENT":
            assert here is calendar, "an event within an event"
            here = {}
        elif line == "END:VEVENT":
            assert {"UID", "DTSTAMP", "DTSTART;VALUE=DATE"} <= here.keys()
            events.append(here)
            here = calendar
        else:
            assert name not in here, f"{name} twice"
            here[name] = _unescaped(value) if name in {"SUMMARY", "DESCRIPTION", "NAME"} else value
    assert here is calendar, "an event that does not end"
    assert {"VERSION", "PRODID"} <= calendar.keys()
    assert events or zone, "a calendar without a component"
    assert len({event["UID"] for event in events}) == len(events)
    return calendar, events


def _unescaped(value: str) -> str:
    assert not re.search(r"(?<!\\)(?:\\\\)*[;,]", value), f"not escaped: {value!r}"
    assert not re.search(r"(?<!\\)(?:\\\\)*\\[^\\;,nN]", value), f"an escape that is none: {value!r}"
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value)


def made(*events: DayEvent, name: str = "续保到期：巩义客运分公司") -> str:
    return calendar_text(name, "-//Service Desk//Test//ZH", events, stamped_at=STAMP, refresh_hours=6)


REPLY = (
    "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:0a1b@service\r\n -desk\r\nSEQUENCE:2\r\n"
    'ATTENDEE;CN="周敏; 主任: 保险";PARTSTAT=TENTATIVE:MAILTO:zhou@client.example\r\n'
    "COMMENT:周四下午\\, 可以吗\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_a_reply_says_whose_answer_it_is() -> None:
    assert read_reply(REPLY) == CalendarReply(
        "0a1b@service-desk", 2, "zhou@client.example", "tentative", "周四下午, 可以吗"
    )


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        ("METHOD:REPLY", "METHOD:REQUEST"),
        ("TENTATIVE", "NEEDS-ACTION"),
        ("UID:", "X-UID:"),
        ("ATTENDEE", "X-A"),
    ],
)
def test_what_answers_nothing_is_no_reply(was: str, is_now: str) -> None:
    assert read_reply(REPLY.replace(was, is_now)) is None


def test_an_event_is_one_whole_day_without_a_zone() -> None:
    calendar, (event,) = parse(made(EVENT))
    assert calendar["NAME"] == "续保到期：巩义客运分公司"
    assert calendar["VERSION"] == "2.0"
    assert event["DTSTART;VALUE=DATE"] == "20261231"
    assert event["DTEND;VALUE=DATE"] == "20270101"
    assert event["DTSTAMP"] == "20261122T160000Z"
    assert event["SUMMARY"] == EVENT.summary
    assert event["DESCRIPTION"] == EVENT.description
    assert event["URL"] == EVENT.url


def test_a_calendar_without_events_is_one() -> None:
    assert parse(made())[1] == []


@pytest.mark.parametrize(
    "text",
    [
        "豫" * 400,
        "🚌" * 60,
        "a" * 75 + "豫",
        "逗号,分号;反斜杠\\换行\n终",
        "\\n, not a break; truly",
        " begins and ends with blanks ",
    ],
)
def test_long_and_odd_text_comes_back_as_it_was(text: str) -> None:
    event = DayEvent("u", date(2026, 2, 28), text, text, "https://desk.example/")
    _, (read,) = parse(made(event, name=text))
    assert (read["SUMMARY"], read["DESCRIPTION"]) == (text, text)


def test_no_text_can_begin_another_property() -> None:
    event = DayEvent("u", date(2026, 2, 28), "x\r\nATTENDEE:mailto:a@b", "y\rz\0", "https://desk.example/")
    _, (read,) = parse(made(event))
    assert "ATTENDEE" not in read
    assert read["SUMMARY"] == "x\nATTENDEE:mailto:a@b"
    assert read["DESCRIPTION"] == "yz"


class TestMeetings:
    MEETING = Meeting(
        uid="0a1b@desk",
        sequence=2,
        from_at=datetime(2026, 12, 10, 1, 30, tzinfo=UTC),
        to_at=datetime(2026, 12, 10, 3, 30, tzinfo=UTC),
        summary="四季度联席会议; 双方, 全体",
        place="集团三楼\r\nX-EVIL:1",
        description="议程\n一、通报",
        url="https://desk.example/relations/REL-2026-000001",
        organiser=Attendee('孙国强 "主管"', "manager@desk.example"),
        attendees=(Attendee("陈慧敏", "hq@zzly.example"), Attendee("无邮箱", "")),
    )

    def lines(self, method: Method) -> list[str]:
        text = meeting_text(self.MEETING, "-//Desk//EN", method=method, stamped_at=STAMP)
        assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
        return text.replace("\r\n ", "").split("\r\n")

    def test_an_invitation_names_who_asks_and_who_is_asked(self) -> None:
        lines = self.lines(Method.REQUEST)
        assert lines[4] == "METHOD:REQUEST"
        assert {"SEQUENCE:2", "DTSTART:20261210T013000Z", "DTEND:20261210T033000Z"} <= set(lines)
        assert "STATUS:CONFIRMED" in lines
        assert "ORGANIZER;CN=\"孙国强 '主管'\":mailto:manager@desk.example" in lines
        asked = [line for line in lines if line.startswith("ATTENDEE")]
        assert asked == [
            'ATTENDEE;CN="陈慧敏";ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:hq@zzly.example'
        ]

    def test_what_is_typed_stays_text(self) -> None:
        lines = self.lines(Method.REQUEST)
        assert "SUMMARY:四季度联席会议\\; 双方\\, 全体" in lines
        assert "LOCATION:集团三楼\\nX-EVIL:1" in lines
        assert not any(line.startswith("X-EVIL") for line in lines)

    def test_a_cancellation_says_so_and_a_published_one_asks_nobody(self) -> None:
        assert {"METHOD:CANCEL", "STATUS:CANCELLED"} <= set(self.lines(Method.CANCEL))
        published = self.lines(Method.PUBLISH)
        assert not any(line.startswith("ATTENDEE") for line in published)
        assert mime_type(Method.REQUEST) == "text/calendar; charset=utf-8; method=REQUEST"
