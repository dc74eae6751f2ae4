"""The duty roster: which hours want somebody on duty, who takes them in turn, what is wrong with a roster, who answers.

Docs: decisions/0029.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from service_desk.base.clock import CHINA, as_utc
from service_desk.base.errors import Invalid

T = TypeVar("T")
DAY = timedelta(days=1)
LONGEST_SHIFT = timedelta(hours=72)
LONGEST_PLAN_DAYS = 366


class DutyKind(StrEnum):
    """Why the office is closed: after a working day, at a weekend, on a statutory holiday."""

    NIGHT = "night"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


class ProblemKind(StrEnum):
    GAP = "gap"
    DOUBLE = "double"
    AWAY = "away"
    LEFT = "left"


@dataclass(frozen=True)
class DutyHours:
    """When duty begins after a working day and ends next morning; a day off is on duty from `ends` to `ends`."""

    begins: time = time(17, 30)
    ends: time = time(8, 30)


@dataclass(frozen=True)
class Span:
    """A stretch of time, [from_at, to_at)."""

    from_at: datetime
    to_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it; the end does not."""
        return self.from_at <= at < self.to_at

    def meets(self, other: "Span") -> bool:
        """Whether the two have any time in common."""
        return self.from_at < other.to_at and other.from_at < self.to_at


@dataclass(frozen=True)
class Turn:
    """Hours that want somebody: those that begin on `day`."""

    day: date
    kind: DutyKind
    span: Span


@dataclass(frozen=True)
class Assigned:
    """A shift as the rules read it; `key` names it to the caller."""

    key: int
    user_id: int
    kind: DutyKind
    span: Span


@dataclass(frozen=True)
class Problem:
    """What is wrong in a stretch of time. `key` and `user_id` are None for a gap, `other_key` is a double's second."""

    kind: ProblemKind
    span: Span
    key: int | None = None
    user_id: int | None = None
    other_key: int | None = None


def turns(
    from_on: date,
    to_on: date,
    kind_of: Callable[[date], DutyKind],
    hours: DutyHours = DutyHours(),
    zone: ZoneInfo = CHINA,
) -> Iterator[Turn]:
    """The hours of each day from one to another that want somebody on duty, in order.

    After a working day the night, until the morning; a day off the whole day until the next morning. They touch.
    """
    for number in range((to_on - from_on).days + 1):
        day = from_on + timedelta(days=number)
        kind = kind_of(day)
        begins = hours.begins if kind is DutyKind.NIGHT else hours.ends
        to_at = datetime.combine(day + DAY, hours.ends, zone)
        yield Turn(day, kind, Span(as_utc(datetime.combine(day, begins, zone)), as_utc(to_at)))


def kind_of_day(*, is_working: bool, is_dated: bool) -> DutyKind:
    """The kind of duty that begins on a day. `is_dated`: the calendar closes the office by name of the day."""
    if is_working:
        return DutyKind.NIGHT
    return DutyKind.HOLIDAY if is_dated else DutyKind.WEEKEND


def rotate(
    wanted: Iterable[Turn],
    people: Sequence[int],
    *,
    is_free: Callable[[int, Span], bool],
    before: Iterable[Assigned] = (),
) -> Iterator[tuple[Turn, int | None]]:
    """Who takes each turn: of those free then, who had fewest of its kind, then fewest of its weekday, then fewest
    of all, then the longest rest.

    `before` is what they had until then, so that a plan goes on where the last one ended. Nobody takes two turns
    that touch while another is free. None when nobody is free.
    """
    shares = _Shares(people, before)
    for turn in wanted:
        free = [user_id for user_id in people if is_free(user_id, turn.span)]
        rested = [user_id for user_id in free if shares.is_rested(user_id, turn)]
        chosen = min(rested or free, key=lambda user_id: shares.order(user_id, turn), default=None)
        if chosen is not None:
            shares.count(chosen, turn)
        yield turn, chosen


class _Shares:
    """What everybody has had so far."""

    def __init__(self, people: Sequence[int], before: Iterable[Assigned]) -> None:
        self._place = {user_id: index for index, user_id in enumerate(people)}
        self._of_kind = Counter[tuple[int, DutyKind]]()
        self._of_weekday = Counter[tuple[int, int]]()
        self._of_all = Counter[int]()
        self._last: dict[int, datetime] = {}
        for one in before:
            self._add(one.user_id, one.kind, one.span)

    def is_rested(self, user_id: int, turn: Turn) -> bool:
        """Whether their last turn does not touch this one."""
        return user_id not in self._last or self._last[user_id] < turn.span.from_at

    def order(self, user_id: int, turn: Turn) -> tuple[int, int, int, float, int]:
        """Whoever comes first takes the turn."""
        last = self._last.get(user_id)
        return (
            self._of_kind[user_id, turn.kind],
            self._of_weekday[user_id, turn.day.weekday()],
            self._of_all[user_id],
            last.timestamp() if last else 0.0,
            self._place[user_id],
        )

    def count(self, user_id: int, turn: Turn) -> None:
        """Give them the turn."""
        self._of_weekday[user_id, turn.day.weekday()] += 1
        self._add(user_id, turn.kind, turn.span)

    def _add(self, user_id: int, kind: DutyKind, span: Span) -> None:
        self._of_kind[user_id, kind] += 1
        self._of_all[user_id] += 1
        self._last[user_id] = max(self._last.get(user_id, span.to_at), span.to_at)


def gaps(wanted: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """The parts of the wanted hours in which nobody is on duty, in order."""
    shifts = sorted(taken, key=lambda one: one.from_at)
    found = []
    for span in wanted:
        at = span.from_at
        for shift in shifts:
            if shift.to_at <= at:
                continue
            if shift.from_at >= span.to_at:
                break
            if shift.from_at > at:
                found.append(Span(at, shift.from_at))
            at = max(at, shift.to_at)
        if at < span.to_at:
            found.append(Span(at, span.to_at))
    return found


def problems(
    wanted: Iterable[Span],
    shifts: Sequence[Assigned],
    *,
    away: Mapping[int, Sequence[Span]],
    serving: Collection[int],
) -> list[Problem]:
    """What is wrong with a roster, by time: hours without anybody, two at once, somebody on leave or no longer here."""
    found = [Problem(ProblemKind.GAP, span) for span in gaps(wanted, (one.span for one in shifts))]
    found += _doubles(shifts)
    for one in shifts:
        if one.user_id not in serving:
            found.append(Problem(ProblemKind.LEFT, one.span, one.key, one.user_id))
        found += [
            Problem(ProblemKind.AWAY, _common(one.span, span), one.key, one.user_id)
            for span in away.get(one.user_id, ())
            if one.span.meets(span)
        ]
    return sorted(found, key=lambda one: (one.span.from_at, one.kind.value, one.key or 0))


def _doubles(shifts: Sequence[Assigned]) -> list[Problem]:
    ordered = sorted(shifts, key=lambda one: (one.span.from_at, one.key))
    found, current = [], list[Assigned]()
    for one in ordered:
        current = [earlier for earlier in current if earlier.span.to_at > one.span.from_at]
        found += [
            Problem(
                ProblemKind.DOUBLE, _common(earlier.span, one.span), earlier.key, earlier.user_id, one.key
            )
            for earlier in current
        ]
        current.append(one)
    return found


def _common(one: Span, other: Span) -> Span:
    return Span(max(one.from_at, other.from_at), min(one.to_at, other.to_at))


def check_span(span: Span) -> None:
    """Refuse a shift nobody can do. Invalid: duty_ends_first, duty_too_long."""
    if span.to_at <= span.from_at:
        raise Invalid("duty_ends_first", field="to_at")
    if span.to_at - span.from_at > LONGEST_SHIFT:
        raise Invalid("duty_too_long", field="to_at", hours=LONGEST_SHIFT // timedelta(hours=1))


def check_hours(hours: DutyHours) -> None:
    """Refuse nights that would reach into the one before. Invalid: duty_hours_order."""
    if hours.begins <= hours.ends:
        raise Invalid("duty_hours_order", field="begins")


def check_plan(from_on: date, to_on: date, people: Collection[int], today: date) -> None:
    """Refuse a plan that cannot be made. Invalid: duty_plan_past, duty_plan_reversed, duty_plan_long, duty_nobody."""
    if from_on < today:
        raise Invalid("duty_plan_past", field="from_on")
    if to_on < from_on:
        raise Invalid("duty_plan_reversed", field="to_on")
    if (to_on - from_on).days >= LONGEST_PLAN_DAYS:
        raise Invalid("duty_plan_long", field="to_on", days=LONGEST_PLAN_DAYS)
    if not people:
        raise Invalid("duty_nobody", field="people")


def answering(
    on_duty: Iterable[T], managers: Iterable[T], *, id_of: Callable[[T], int], away: Collection[int]
) -> list[T]:
    """Who answers for somebody away whom the roster covers, the first choice first.

    Who is on duty; else, in office hours or where the roster has a gap, a manager of the account. Nobody who is
    away themselves, and nobody twice.
    """
    found: dict[int, T] = {}
    for person in (*on_duty, *managers):
        if id_of(person) not in away:
            found.setdefault(id_of(person), person)
    return list(found.values())


def takers(
    desk: Sequence[T], *, id_of: Callable[[T], int], away: Collection[int], on_duty: Collection[int]
) -> list[T]:
    """Of those who could own a new matter, whom it may go to now.

    While a shift lasts whoever is on duty, if they do this work; else those who are not away; when all are away,
    anybody: their stand-ins get the clocks.
    """
    here = [person for person in desk if id_of(person) not in away]
    return [person for person in here if id_of(person) in on_duty] or here or list(desk)
