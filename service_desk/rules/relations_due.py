"""What both sides promised each other to do together, and what of it is due and not planned.

The source is the key-account agreement; each line may be changed for an account.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from service_desk.rules.periods import Period, months_after
from service_desk.rules.relation_flow import EventKind


class CadencePeriod(StrEnum):
    """What a number of events is promised for."""

    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


MONTHS = {CadencePeriod.QUARTER: 3, CadencePeriod.HALF_YEAR: 6, CadencePeriod.YEAR: 12}
MOST_TIMES = 12
MOST_NOTICE_DAYS = 180
# A greeting counts when it is made within so many days before the holiday.
GREETING_DAYS = 30


@dataclass(frozen=True)
class Cadence:
    """A line of the table: so many events of a kind a period, warned of `notice_days` before they are due.

    `holiday`: due before that holiday, once a year. `by_branch`: promised to every branch. No times: not promised.
    """

    code: str
    kind: EventKind
    times: int
    period: CadencePeriod
    notice_days: int
    holiday: str = ""
    by_branch: bool = False
    source: str = ""


DEFAULTS: tuple[Cadence, ...] = (
    Cadence("quarterly_meeting", EventKind.QUARTERLY_MEETING, 1, CadencePeriod.QUARTER, 30),
    Cadence("senior_visit_ours", EventKind.SENIOR_VISIT_OURS, 2, CadencePeriod.YEAR, 45),
    Cadence("senior_visit_theirs", EventKind.SENIOR_VISIT_THEIRS, 2, CadencePeriod.YEAR, 45),
    Cadence("branch_visit", EventKind.BRANCH_VISIT, 1, CadencePeriod.YEAR, 60, by_branch=True),
    Cadence("safety_talk", EventKind.SAFETY_TALK, 1, CadencePeriod.HALF_YEAR, 30),
    Cadence(
        "greeting_spring_festival",
        EventKind.GREETING,
        1,
        CadencePeriod.YEAR,
        21,
        holiday="spring_festival",
    ),
    Cadence("greeting_mid_autumn", EventKind.GREETING, 1, CadencePeriod.YEAR, 14, holiday="mid_autumn"),
    Cadence("training", EventKind.TRAINING, 0, CadencePeriod.YEAR, 30),
)


@dataclass(frozen=True)
class Occurrence:
    """A planned or held event as the rules see it."""

    kind: EventKind
    day: date
    branch_id: int | None = None


@dataclass(frozen=True)
class Due:
    """What is promised until a day and not planned. `branch_id` names the branch of a promise to every branch."""

    cadence: Cadence
    period: Period
    due_on: date
    branch_id: int | None = None

    @property
    def key(self) -> str:
        """The same for the same promise and period, so that it is told once."""
        return f"{self.cadence.code}:{self.branch_id or 0}:{self.due_on.isoformat()}"

    @property
    def warned_from(self) -> date:
        return self.due_on - timedelta(days=self.cadence.notice_days)


@dataclass(frozen=True)
class Progress:
    """How a promise stands in its current period. `wanted` counts every branch of a promise to each."""

    cadence: Cadence
    period: Period
    wanted: int
    held: int
    planned: int


def period_of(cadence: Cadence, today: date) -> Period:
    """The quarter, half year or year that a day lies in."""
    months = MONTHS[cadence.period]
    begins = (today.month - 1) // months * months + 1
    first = date(today.year, begins, 1)
    return Period(first, months_after(first, months - 1).last)


def due_unplanned(
    table: Sequence[Cadence],
    occurrences: Collection[Occurrence],
    branch_ids: Sequence[int],
    holidays: Mapping[str, Sequence[date]],
    today: date,
) -> list[Due]:
    """What is due within its notice days, or overdue in the current period, and not planned; by day.

    `holidays` are the first days off of each festival, of this year and the next.
    """
    found = [
        due
        for cadence in table
        if cadence.times
        for due in _lacking(cadence, occurrences, branch_ids, holidays, today)
        if due.warned_from <= today
    ]
    return sorted(found, key=lambda due: (due.due_on, due.cadence.code, due.branch_id or 0))


def _lacking(
    cadence: Cadence,
    occurrences: Collection[Occurrence],
    branch_ids: Sequence[int],
    holidays: Mapping[str, Sequence[date]],
    today: date,
) -> Iterator[Due]:
    if cadence.holiday:
        yield from _greetings(cadence, occurrences, holidays.get(cadence.holiday, ()), today)
        return
    period = period_of(cadence, today)
    for branch_id in branch_ids if cadence.by_branch else (None,):
        known = sum(
            one.kind is cadence.kind
            and period.first <= one.day <= period.last
            and (branch_id is None or one.branch_id == branch_id)
            for one in occurrences
        )
        for number in range(known + 1, cadence.times + 1):
            yield Due(cadence, period, part_end(period, number, cadence), branch_id)


def part_end(period: Period, number: int, cadence: Cadence) -> date:
    """The last day for the so manieth of a period's events: two a year are one each half year."""
    months = -(-number * MONTHS[cadence.period] // cadence.times)
    return months_after(period.first, months - 1).last


def _greetings(
    cadence: Cadence, occurrences: Collection[Occurrence], first_days: Sequence[date], today: date
) -> Iterator[Due]:
    for first in first_days:
        window = greeting_window(first)
        if first > today and not any(
            one.kind is cadence.kind and window.first <= one.day <= window.last for one in occurrences
        ):
            yield Due(cadence, window, window.last)


def greeting_window(first_day_off: date) -> Period:
    """The days on which a greeting counts for a holiday."""
    return Period(first_day_off - timedelta(days=GREETING_DAYS), first_day_off - timedelta(days=1))


def progress(
    table: Sequence[Cadence],
    held: Collection[Occurrence],
    planned: Collection[Occurrence],
    branch_ids: Sequence[int],
    holidays: Mapping[str, Sequence[date]],
    today: date,
) -> list[Progress]:
    """Each promise with how much of it was held and is planned in its current period, in the table's order.

    A greeting's period is the days before the holiday of this year.
    """
    return [
        Progress(
            cadence,
            period,
            cadence.times * (len(branch_ids) if cadence.by_branch else 1),
            _count(cadence, period, held),
            _count(cadence, period, planned),
        )
        for cadence in table
        if cadence.times
        for period in _current(cadence, holidays, today)
    ]


def _current(cadence: Cadence, holidays: Mapping[str, Sequence[date]], today: date) -> list[Period]:
    if not cadence.holiday:
        return [period_of(cadence, today)]
    days = [day for day in holidays.get(cadence.holiday, ()) if day.year == today.year]
    return [greeting_window(day) for day in days]


def _count(cadence: Cadence, period: Period, occurrences: Collection[Occurrence]) -> int:
    """Events of the period; of a promise to every branch, each branch at most as often as promised."""
    mine = [one for one in occurrences if one.kind is cadence.kind and period.first <= one.day <= period.last]
    if not cadence.by_branch:
        return len(mine)
    branches = [one.branch_id for one in mine if one.branch_id is not None]
    return sum(min(cadence.times, branches.count(branch)) for branch in set(branches))
