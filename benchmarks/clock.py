"""How much the clock costs beside the least it could: one bisection of a list of openings."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from service_desk.rules.calendar import WorkingCalendar, calendar_from_json
from service_desk.rules.sla import EventKind, LedgerEvent, PauseReason, Target, TargetUnit, evaluate

START = datetime(2026, 3, 3, 4, tzinfo=UTC)
OFFICE_DAY = [["08:30", "12:00"], ["13:30", "17:30"]]
OFFICE: dict[str, Any] = {
    "tz": "Asia/Shanghai",
    "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_DAY),
}
WORKING_DAY = 27_000
REPEATS = 5


@dataclass(frozen=True)
class _Case:
    name: str
    calls: int
    run: Callable[[], object]


def measure() -> list[dict[str, Any]]:
    """Time each operation and the floor in the same run; `ratio` says how many floors it costs."""
    floor = _microseconds(_Case("bisect", 50_000, _floor()))
    return [_line(case, floor) for case in _cases(calendar_from_json(OFFICE))]


def _line(case: _Case, floor: float) -> dict[str, Any]:
    value = _microseconds(case)
    return {
        "name": f"clock: {case.name}",
        "value": round(value, 3),
        "floor": round(floor, 3),
        "ratio": round(value / floor, 1),
        "unit": "µs",
    }


def _cases(office: WorkingCalendar) -> list[_Case]:
    near, far = office.add(START, 3 * WORKING_DAY), office.add(START, 2500 * WORKING_DAY)
    pauses = [(START, office.add(START, 3600)), (office.add(START, 9000), office.add(START, 18_000))]
    events = _ledger(office)
    target = Target(3, TargetUnit.WORKING_DAYS)
    return [
        _Case("add 3 working days", 20_000, lambda: office.add(START, 3 * WORKING_DAY)),
        _Case("add 10 years", 20_000, lambda: office.add(START, 2500 * WORKING_DAY)),
        _Case("sub 3 working days", 20_000, lambda: office.sub(near, 3 * WORKING_DAY)),
        _Case("between, 3 working days", 20_000, lambda: office.between(START, near)),
        _Case("between, 10 years", 20_000, lambda: office.between(START, far)),
        _Case("add with two pauses", 10_000, lambda: office.add(START, 3 * WORKING_DAY, pauses)),
        _Case("evaluate a timer of five events", 2_000, lambda: evaluate(events, target, office, near)),
        _Case("compile a calendar", 100, lambda: calendar_from_json(OFFICE).is_open(START)),
    ]


def _floor() -> Callable[[], object]:
    """The bare search a due time cannot do without, over five years of openings."""
    openings = [hour * 3_600_000_000 for hour in range(5 * 250 * 2)]
    middle = openings[len(openings) // 3] + 1
    return lambda: bisect_right(openings, middle)


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


def _microseconds(case: _Case) -> float:
    """The best of several runs, per call: the least disturbed by whatever else the machine does."""
    return min(_seconds(case) for _ in range(REPEATS)) / case.calls * 1e6


def _seconds(case: _Case) -> float:
    begin = perf_counter()
    for _ in range(case.calls):
        case.run()
    return perf_counter() - begin


if __name__ == "__main__":
    for line in measure():
        print(f"{line['name']:45} {line['value']:>10} {line['unit']}  {line['ratio']:>7} × floor")
