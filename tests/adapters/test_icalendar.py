"""The calendar's text against the rules of RFC 5545, read by a parser that forgives nothing."""

import re
from datetime import UTC, date, datetime

import pytest

from service_desk.adapters.icalendar import DayEvent, calendar_text

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
    assert len({event["UID"] for event in events}) == len(events)
    return calendar, events


def _unescaped(value: str) -> str:
    assert not re.search(r"(?<!\\)(?:\\\\)*[;,]", value), f"not escaped: {value!r}"
    assert not re.search(r"(?<!\\)(?:\\\\)*\\[^\\;,nN]", value), f"an escape that is none: {value!r}"
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value)


def made(*events: DayEvent, name: str = "续保到期：巩义客运分公司") -> str:
    return calendar_text(name, "-//Service Desk//Test//ZH", events, stamped_at=STAMP, refresh_hours=6)


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
