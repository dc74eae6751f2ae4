"""The duty roster in words: month and year at a glance, what is wrong with it, one's shifts as a calendar."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from babel.dates import format_skeleton, get_day_names, get_month_names
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from service_desk.adapters.icalendar import TimedEvent, calendar_text
from service_desk.base.clock import CHINA, local_date, start_of_day
from service_desk.models.duty import DutyShift
from service_desk.models.users import User
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.rules.duty import DutyKind, Problem, ProblemKind
from service_desk.services.duty.reading import Roster, ShiftRow

_PRODUCT = "-//Service Desk//Duty roster//ZH"
_NAMESPACE = uuid.UUID("0d6a8a58-7d53-4f55-9a3e-8a0b7d3b1f42")
REFRESH_HOURS = 6
# The colours of the year view: a night is an ordinary day.
_COLOURS = {DutyKind.NIGHT: "work", DutyKind.WEEKEND: "rest", DutyKind.HOLIDAY: "holiday"}


@dataclass(frozen=True)
class Day:
    """A day of the month or year view, as the `year` macro takes it; `rows` are the shifts that begin on it."""

    day: date
    kind: str
    mark: str
    title: str
    is_today: bool
    rows: list[ShiftRow]
    is_bad: bool
    is_provisional: bool = False


@dataclass(frozen=True)
class Month:
    """Its weeks, Monday first, None where another month's days stand."""

    name: str
    weeks: list[list[Day | None]]


@dataclass(frozen=True)
class Fault:
    """A line of what is wrong: `shift_id` leads to the shift that would mend it."""

    what: str
    when: str
    detail: str
    shift_id: int | None


def months(roster: Roster, first: date, count: int, today: date) -> list[Month]:
    """So many months from the first, every day with who is on."""
    names = get_month_names("wide", "stand-alone", locale=get_locale())
    by_day: dict[date, list[ShiftRow]] = {}
    for row in roster.rows:
        by_day.setdefault(local_date(row.shift.from_at), []).append(row)
    bad = {local_date(one.span.from_at) for one in roster.problems}
    found = []
    for place in range(count):
        month = (first.month - 1 + place) % 12 + 1
        year = first.year + (first.month - 1 + place) // 12
        weeks = _weeks(date(year, month, 1), by_day, bad, today)
        found.append(Month(names[month], weeks))
    return found


def _weeks(
    first: date, by_day: Mapping[date, list[ShiftRow]], bad: set[date], today: date
) -> list[list[Day | None]]:
    monday = first - timedelta(days=first.weekday())
    weeks = []
    while (monday.year, monday.month) <= (first.year, first.month):
        days = [monday + timedelta(days=index) for index in range(7)]
        weeks.append(
            [
                _day(day, by_day.get(day, []), day in bad, today) if day.month == first.month else None
                for day in days
            ]
        )
        monday += timedelta(days=7)
    return weeks


def _day(day: date, rows: list[ShiftRow], is_bad: bool, today: date) -> Day:
    kind = _COLOURS[rows[0].shift.kind] if rows else "work"
    names = ", ".join(f"{row.user.name} {span(row.shift)}" for row in rows)
    title = " · ".join(text for text in (names, _("error") if is_bad else "") if text)
    mark = "!" if is_bad else short(rows[0].user.name) if rows else ""
    return Day(day, "own" if is_bad else kind, mark, title, day == today, rows, is_bad)


def short(name: str) -> str:
    """A name for a cell: the given name of a Chinese one, initials of another."""
    if name.isascii():
        return "".join(part[0] for part in name.split())[:2]
    return name[-2:] if len(name) > 2 else name


def heads() -> list[tuple[str, str]]:
    """The weekdays above a month, Monday first: short and whole."""
    locale = get_locale()
    letters = get_day_names("narrow", "stand-alone", locale=locale)
    words = get_day_names("wide", "stand-alone", locale=locale)
    return [(letters[index], words[index]) for index in range(7)]


def month_of(day: date) -> str:
    """`November 2026`."""
    words: str = format_skeleton("yMMMM", day, locale=get_locale())
    return words


def weekday(at: datetime) -> str:
    """The weekday on which a shift begins."""
    words: str = get_day_names("abbreviated", "stand-alone", locale=get_locale())[local_date(at).weekday()]
    return words


def span(shift: DutyShift) -> str:
    """`17:30–08:30`."""
    return f"{shift.from_at.astimezone(CHINA):%H:%M}–{shift.to_at.astimezone(CHINA):%H:%M}"


def between(from_at: datetime, to_at: datetime) -> str:
    """`12-05 08:30 – 12-06 08:30`."""
    return f"{times.mark(from_at)} – {times.mark(to_at)}"


def faults(problems: Sequence[Problem], people: Mapping[int, User]) -> list[Fault]:
    """What is wrong, in words. Turns one after the other that nobody has are one line."""
    found = []
    for group in _grouped(problems):
        first, last = group[0], group[-1]
        who = people.get(first.user_id or 0)
        count = ngettext("%(num)s turn", "%(num)s turns", len(group)) if len(group) > 1 else ""
        detail = f"{who.name} · {who.staff_no}" if who else count
        when = between(first.span.from_at, last.span.to_at)
        found.append(Fault(label(first.kind, "duty_problem"), when, detail, first.key))
    return found


def _grouped(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Gaps with nothing but office hours between them belong together; everything else stands alone."""
    found: list[list[Problem]] = []
    for one in problems:
        last = found[-1][-1] if found else None
        is_gap = last is not None and last.kind is one.kind is ProblemKind.GAP
        if is_gap and last is not None and one.span.from_at - last.span.to_at < timedelta(days=1):
            found[-1].append(one)
        else:
            found.append([one])
    return found


def calendar_of(shifts: Iterable[DutyShift], user: User, url: str, *, now: datetime) -> str:
    """One's own shifts as iCalendar text."""
    return calendar_text(
        _("Duty of %(name)s", name=user.name),
        _PRODUCT,
        [
            TimedEvent(
                uid=f"{uuid.uuid5(_NAMESPACE, str(shift.id))}",
                from_at=shift.from_at,
                to_at=shift.to_at,
                summary=_("On duty: %(kind)s", kind=label(shift.kind, "duty_kind")),
                description=shift.note,
                url=url,
            )
            for shift in shifts
        ],
        stamped_at=start_of_day(local_date(now)),
        refresh_hours=REFRESH_HOURS,
    )
