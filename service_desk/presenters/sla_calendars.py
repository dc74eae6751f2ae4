"""Working calendars as people read them: a year at one glance, what a change changes, which clocks it would move."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from babel.dates import get_day_names, get_month_names
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from service_desk.base.errors import Invalid, InvalidMany
from service_desk.models.sla import Timer
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.sla import day_words, hours_words, length
from service_desk.rules.calendar import DayChange, Differences, Written
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.services.sla.calendar_edits import Change, ConfirmYear, FillYear, RemoveDay, SetWeek
from service_desk.services.sla.calendars import Content, DayContent
from service_desk.services.sla.moves import Move, Standing

KINDS = ("work", "rest", "holiday", "make_up", "own")
# More days than these are told by number, the year they lie in, and what they become.
_MOST_DAYS_NAMED = 6


@dataclass(frozen=True)
class Cell:
    """A day of the year view. `kind` is one of KINDS, `mark` the letter that says it without colour."""

    day: date
    kind: str
    mark: str
    title: str
    is_provisional: bool
    is_today: bool


@dataclass(frozen=True)
class Month:
    """A month of the year view: its weeks, Monday first, None where another month's days stand."""

    name: str
    weeks: list[list[Cell | None]]


def months(content: Content, year: int, today: date) -> list[Month]:
    """The year view."""
    names = get_month_names("wide", "stand-alone", locale=get_locale())
    return [Month(names[month], list(_weeks(content, year, month, today))) for month in range(1, 13)]


def weekday_heads() -> list[tuple[str, str]]:
    """The weekdays above a month, Monday first: one letter, and the whole word."""
    letters = get_day_names("narrow", "stand-alone", locale=get_locale())
    return [(letters[index], label(name, "weekday")) for index, name in enumerate(WEEKDAYS)]


def legend() -> list[tuple[str, str, str]]:
    """What the year view shows: kind, mark, words."""
    return [(kind, _mark(kind), label(kind, "day_kind")) for kind in KINDS]


def _weeks(content: Content, year: int, month: int, today: date) -> Iterator[list[Cell | None]]:
    first = date(year, month, 1)
    monday = first - timedelta(days=first.weekday())
    while (monday.year, monday.month) <= (year, month):
        days = [monday + timedelta(days=index) for index in range(7)]
        yield [_cell(content, day, today) if day.month == month else None for day in days]
        monday += timedelta(days=7)


def _cell(content: Content, day: date, today: date) -> Cell:
    said = content.days.get(day)
    weekly = content.week.get(WEEKDAYS[day.weekday()], [])
    kind = _kind(said, weekly)
    is_provisional = said is not None and said.is_provisional
    return Cell(day, kind, _mark(kind), _title(day, kind, said, weekly), is_provisional, day == today)


def _kind(said: DayContent | None, weekly: Written) -> str:
    if said is None:
        return "work" if weekly else "rest"
    if not said.hours:
        return "holiday"
    return "own" if weekly else "make_up"


def _mark(kind: str) -> str:
    return "" if kind == "work" else label(kind, "day_mark")


def _title(day: date, kind: str, said: DayContent | None, weekly: Written) -> str:
    words = [f"{day.isoformat()} {label(WEEKDAYS[day.weekday()], 'weekday')}", label(kind, "day_kind")]
    hours = hours_words(weekly if said is None else said.hours)
    if hours:
        words.append(hours)
    if said is not None and said.label:
        words.append(day_words(said.label))
    if said is not None and said.is_provisional:
        words.append(_("provisional"))
    return " · ".join(words)


def change_lines(changed: Differences) -> list[str]:
    """What differs between two versions, a line each."""
    lines = [
        _(
            "%(weekday)s: %(before)s → %(after)s",
            weekday=label(one.weekday, "weekday"),
            before=_hours_or_off(one.before),
            after=_hours_or_off(one.after),
        )
        for one in changed.week
    ]
    for year, days in groupby(changed.days, key=lambda one: one.day.year):
        lines.extend(_day_lines(year, list(days)))
    if changed.announced_to:
        lines.append(_announced(*changed.announced_to))
    return lines


def _day_lines(year: int, days: list[DayChange]) -> list[str]:
    if len(days) <= _MOST_DAYS_NAMED:
        return [
            _(
                "%(day)s: %(before)s → %(after)s",
                day=one.day.isoformat(),
                before=_said(one.before),
                after=_said(one.after),
            )
            for one in days
        ]
    off = sum(one.after == [] for one in days)
    worked = sum(bool(one.after) for one in days)
    weekly = sum(one.after is None for one in days)
    parts = [
        ngettext("%(num)s day off", "%(num)s days off", off) if off else "",
        ngettext("%(num)s day with own hours", "%(num)s days with own hours", worked) if worked else "",
        ngettext("%(num)s day like its weekday again", "%(num)s days like their weekday again", weekly)
        if weekly
        else "",
    ]
    return [_("%(year)s: %(days)s", year=year, days=_(", ").join(part for part in parts if part))]


def _said(hours: Written | None) -> str:
    return _("as its weekday") if hours is None else _hours_or_off(hours)


def _hours_or_off(hours: Written) -> str:
    return hours_words(hours) or _("day off")


def _announced(before: int | None, after: int | None) -> str:
    if after is None:
        return _("keeps no statutory days any more")
    if before is None:
        return _("keeps statutory days, announced to the end of %(year)s", year=after)
    return _("days announced to the end of %(after)s, formerly %(before)s", after=after, before=before)


def hours_written(value: dict[str, Written] | Written) -> str:
    """A week's or a day's hours as the audit trail keeps them."""
    if isinstance(value, list):
        return _hours_or_off(value)
    return _("; ").join(
        f"{label(name, 'weekday')} {hours_words(value[name])}" for name in WEEKDAYS if name in value
    )


def saved_words(change: Change, changed: int, kept: int) -> str:
    """What was done, after it was saved: of a filling, how many days it wrote and how many it left."""
    if isinstance(change, FillYear):
        filled = ngettext(
            "%(num)s day of %(year)s was written",
            "%(num)s days of %(year)s were written",
            changed,
            year=change.year,
        )
        left = ngettext("%(num)s entered by hand was kept.", "%(num)s entered by hand were kept.", kept)
        return _("%(filled)s; %(left)s", filled=filled, left=left)
    if isinstance(change, SetWeek):
        return _("The weekly hours were changed.")
    if isinstance(change, RemoveDay):
        return _("The day was removed.")
    if isinstance(change, ConfirmYear):
        return _("The days of %(year)s count as announced.", year=change.year)
    return _("The day was set.")


def standing_words(standing: Standing, timer: Timer) -> str:
    """When a clock is due; of one that stands, what is left when it runs again."""
    if standing.due_at is not None:
        return times.minute(standing.due_at)
    return _("stands, %(time)s left", time=length(standing.left_seconds or 0, timer))


def shift_words(move: Move) -> str:
    """By how much a clock would move: `1 d later`, `2 h sooner`; of a standing one `1 h more`."""
    seconds = move.shift_seconds
    if not seconds:
        return _("no change")
    if move.old.due_at and move.new.due_at:
        apart = times.duration(seconds)
        return _("%(time)s later", time=apart) if seconds > 0 else _("%(time)s sooner", time=apart)
    rest = length(seconds, move.timer)
    return _("%(time)s more", time=rest) if seconds > 0 else _("%(time)s less", time=rest)


def overlaps_in_words(act: Callable[[], Any]) -> Callable[[], Any]:
    """Act, and name the weekdays in refused hours: services know them by code, readers by their words."""

    def acting() -> Any:
        try:
            return act()
        except InvalidMany as error:
            raise InvalidMany([_with_weekdays(problem) for problem in error.problems]) from error

    return acting


def _with_weekdays(problem: Invalid) -> Invalid:
    named = {name: problem.params.get(name) for name in ("earlier_on", "later_on")}
    words = {name: label(value, "weekday") for name, value in named.items() if value in WEEKDAYS}
    return Invalid(problem.code, field=problem.field, **{**problem.params, **words})


def day_list(days: Iterable[date]) -> str:
    """Days by date, to stand in a sentence."""
    return _(", ").join(day.isoformat() for day in days)
