"""The same questions asked of a day-by-day walk and, where installed, of two libraries.

None of them is a dependency; `pip install businesstimedelta pandas` adds their lines.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime, time, timedelta
from importlib import import_module
from importlib.util import find_spec
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
# The office day in seconds after midnight, Mondays to Fridays.
SPANS = ((30_600, 43_200), (48_600, 63_000))


class Walk:
    """What most helpdesks do: look at each day on the way."""

    def __init__(self, holidays: Collection[date]) -> None:
        self._holidays = frozenset(holidays)

    def between(self, start: datetime, end: datetime) -> int:
        """Working seconds in [start, end)."""
        begins, ends = start.astimezone(ZONE), end.astimezone(ZONE)
        day, last = begins.date(), ends.date()
        since, until = _second_of_day(begins), _second_of_day(ends)
        total = 0
        while day <= last:
            low = since if day == begins.date() else 0
            high = until if day == last else 86_400
            for opens, closes in self._spans(day):
                total += max(0, min(closes, high) - max(opens, low))
            day += timedelta(days=1)
        return total

    def add(self, start: datetime, seconds: int) -> datetime:
        """The instant by which `seconds` of working time have passed."""
        begins = start.astimezone(ZONE)
        day, low = begins.date(), _second_of_day(begins)
        while True:
            for opens, closes in self._spans(day):
                length = max(0, closes - max(opens, low))
                if length >= seconds:
                    return datetime.combine(day, time(), ZONE) + timedelta(seconds=max(opens, low) + seconds)
                seconds -= length
            day, low = day + timedelta(days=1), 0

    def _spans(self, day: date) -> tuple[tuple[int, int], ...]:
        return () if day.weekday() > 4 or day in self._holidays else SPANS


def walks(
    holidays: Collection[date], start: datetime, ends: dict[str, datetime], seconds: int
) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """The walk as (its name, the question's name, the act)."""
    walk = Walk(holidays)
    yield "walk", "add_16h", lambda: walk.add(start, seconds)
    for name, end in ends.items():
        yield "walk", name, lambda end=end: walk.between(start, end)


def libraries(
    holidays: Collection[date], start: datetime, ends: dict[str, datetime], seconds: int
) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """The libraries that are installed, in the same form."""
    if find_spec("businesstimedelta") and find_spec("pytz"):
        yield from _businesstimedelta(holidays, start, ends, seconds)
    if find_spec("pandas"):
        pandas = import_module("pandas")
        opens, closes = zip(*(map(_clock, span) for span in SPANS), strict=True)
        hours = pandas.offsets.CustomBusinessHour(
            n=seconds // 3600, start=list(opens), end=list(closes), holidays=sorted(holidays)
        )
        # It adds whole business hours and has no difference.
        stamp = pandas.Timestamp(start.astimezone(ZONE))
        yield "pandas", "add_16h", lambda: stamp + hours


def _businesstimedelta(
    holidays: Collection[date], start: datetime, ends: dict[str, datetime], seconds: int
) -> Iterator[tuple[str, str, Callable[[], object]]]:
    library = import_module("businesstimedelta")
    zone = import_module("pytz").timezone(ZONE.key)
    (opens, noon), (resumes, closes) = (tuple(map(_time, span)) for span in SPANS)
    rules = library.Rules(
        [
            library.WorkDayRule(opens, closes, list(range(5)), tz=zone),
            library.LunchTimeRule(noon, resumes, list(range(5)), tz=zone),
            library.HolidayRule(sorted(holidays), tz=zone),
        ]
    )
    yield "businesstimedelta", "add_16h", lambda: start + library.BusinessTimeDelta(rules, seconds=seconds)
    for name, end in ends.items():
        yield "businesstimedelta", name, lambda end=end: rules.difference(start, end)


def _second_of_day(local: datetime) -> int:
    return local.hour * 3600 + local.minute * 60 + local.second


def _time(seconds: int) -> time:
    return time(seconds // 3600, seconds % 3600 // 60)


def _clock(seconds: int) -> str:
    return f"{_time(seconds):%H:%M}"
