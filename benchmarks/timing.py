"""Timing beside a floor, for the measures here."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

Act = Callable[[], object]

REPEATS = 7
# One repeat of a quick act lasts about this long: well above what the timer and the loop cost.
REPEAT_SECONDS = 0.03


def beside(name: str, act: Act, floor: Act) -> dict[str, Any]:
    """Measure an act and its floor by turns, in microseconds, so that both meet the same machine."""
    value_calls, floor_calls = _calls(act), _calls(floor)
    value = bare = float("inf")
    for _ in range(REPEATS):
        bare = min(bare, _seconds(floor, floor_calls) / floor_calls)
        value = min(value, _seconds(act, value_calls) / value_calls)
    return line(name, value * 1e6, bare * 1e6, "µs")


def line(name: str, value: float, floor: float, unit: str) -> dict[str, Any]:
    """One measure as `results.json` keeps it."""
    return {
        "name": name,
        "value": round(value, 4),
        "floor": round(floor, 4),
        "ratio": round(value / floor, 3),
        "unit": unit,
    }


def _calls(act: Act) -> int:
    """How many calls fill a repeat, by one call; that call also warms what is built on first use."""
    act()
    return max(1, int(REPEAT_SECONDS / max(_seconds(act, 1), 1e-7)))


def _seconds(act: Act, calls: int) -> float:
    begin = perf_counter()
    for _ in range(calls):
        act()
    return perf_counter() - begin
