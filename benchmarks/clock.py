"""How much the clock costs beside the least that the same answer needs.

The floor is what is left when instants are plain integers and nothing is checked: two bisections of Python
lists of openings with running sums, in a function. For a sum the second search is that of its end.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any

from benchmarks.clock_peers import SPANS, ZONE, libraries, walks
from benchmarks.timing import Act, beside
from service_desk.adapters.statutory_days import statutory_year
from service_desk.rules.calendar import WorkingCalendar, calendar_from_json
from service_desk.rules.sla import EventKind, LedgerEvent, PauseReason, Target, TargetUnit, evaluate

START = datetime(2026, 3, 3, 2, 20, tzinfo=UTC)
ENDS = {
    "between_3d": START + timedelta(days=3),
    "between_90d": START + timedelta(days=90),
    "between_2y": START + timedelta(days=730),
}
SIXTEEN_HOURS = 57_600
OFFICE_DAY = [["08:30", "12:00"], ["13:30", "17:30"]]
# No make-up working days: the libraries beside which this is measured do not know them.
HOLIDAYS = [day.day for year in (2026, 2027, 2028) for day in statutory_year(year).days if not day.is_working]
OFFICE: dict[str, Any] = {
    "tz": ZONE.key,
    "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_DAY),
    "holidays": HOLIDAYS,
}
FLOOR_FIRST, FLOOR_LAST = date(2026, 1, 1), date(2028, 12, 31)


def measure() -> list[dict[str, Any]]:
    """Time each operation beside its floor, then the same question asked of others beside the same floor."""
    office = calendar_from_json(OFFICE)
    questions = dict(_questions(office))
    peers = [
        *walks(HOLIDAYS, START, ENDS, SIXTEEN_HOURS),
        *libraries(HOLIDAYS, START, ENDS, SIXTEEN_HOURS),
    ]
    return [
        *(beside(f"clock.{name}", act, floor) for name, (act, floor) in questions.items()),
        *(beside(f"clock.{who}_{_length(name)}", act, questions[name][1]) for who, name, act in peers),
    ]


def _questions(office: WorkingCalendar) -> Iterator[tuple[str, tuple[Act, Act]]]:
    """Each question as (the calendar's act, the floor's); asked once of both to see that they agree."""
    bare = BareTable()
    start, due = _micros(START), office.add(START, SIXTEEN_HOURS)
    assert bare.add(start, SIXTEEN_HOURS * 1_000_000) == _micros(due)
    adding: Act = lambda: bare.add(start, SIXTEEN_HOURS * 1_000_000)  # noqa: E731
    yield "add_16h", (lambda: office.add(START, SIXTEEN_HOURS), adding)
    for name, end in ENDS.items():
        until = _micros(end)
        assert bare.between(start, until) == office.between(START, end) * 1_000_000
        yield (
            name,
            (
                lambda end=end: office.between(START, end),
                lambda until=until: bare.between(start, until),
            ),
        )
    yield "sub_16h", (lambda: office.sub(due, SIXTEEN_HOURS), adding)
    pauses = [(START, office.add(START, 3600)), (office.add(START, 9000), office.add(START, 18_000))]
    yield "add_16h_two_pauses", (lambda: office.add(START, SIXTEEN_HOURS, pauses), adding)
    events, target = _ledger(office), Target(3, TargetUnit.WORKING_DAYS)
    yield "evaluate_five_events", (lambda: evaluate(events, target, office, due), adding)
    yield "compile", (lambda: calendar_from_json(OFFICE).is_open(START), adding)


class BareTable:
    """The floor: lists of openings, closings and running sums, in microseconds, and nothing else."""

    def __init__(self) -> None:
        self.opens: list[int] = []
        self.closes: list[int] = []
        for ordinal in range(FLOOR_FIRST.toordinal(), FLOOR_LAST.toordinal() + 1):
            day = date.fromordinal(ordinal)
            if day.weekday() < 5 and day not in HOLIDAYS:
                midnight = _micros(datetime(day.year, day.month, day.day, tzinfo=ZONE))
                self.opens += [midnight + opens * 1_000_000 for opens, _ in SPANS]
                self.closes += [midnight + closes * 1_000_000 for _, closes in SPANS]
        lengths = (closes - opens for opens, closes in zip(self.opens, self.closes, strict=True))
        self.worked = list(accumulate(lengths))

    def between(self, start: int, end: int) -> int:
        """Two searches and the difference of their running sums."""
        first, last = bisect_right(self.opens, start) - 1, bisect_right(self.opens, end) - 1
        before, after = self.closes[first] - start, self.closes[last] - end
        return (self.worked[last] - (after if after > 0 else 0)) - (
            self.worked[first] - (before if before > 0 else 0)
        )

    def add(self, start: int, length: int) -> int:
        """One search for where the start stands, one for where the sum ends."""
        first = bisect_right(self.opens, start) - 1
        before = self.closes[first] - start
        position = self.worked[first] - (before if before > 0 else 0) + length
        last = bisect_left(self.worked, position)
        return self.closes[last] - (self.worked[last] - position)


def _ledger(office: WorkingCalendar) -> list[LedgerEvent]:
    def at(seconds: int) -> datetime:
        return office.add(START, seconds)

    return [
        LedgerEvent(START, EventKind.START, 1),
        LedgerEvent(at(3600), EventKind.PAUSE, 1, PauseReason.VEHICLE_UNAVAILABLE),
        LedgerEvent(at(7200), EventKind.RESUME, 1),
        LedgerEvent(at(9000), EventKind.HANDOVER, 2),
        LedgerEvent(at(40_000), EventKind.STOP, 2),
    ]


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _length(question: str) -> str:
    """What a peer's line is called after: `16h`, `3d`, `90d`, `2y`."""
    return question.rpartition("_")[2]


if __name__ == "__main__":
    for one in measure():
        print(f"{one['name']:32} {one['value']:>12.3f} µs  floor {one['floor']:>7.3f}  x {one['ratio']:.2f}")
