"""A period as figures see it, and a count of groups: by branch, by use class, and of the whole."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)

T = TypeVar("T")
# The group of all.
WHOLE = None


@dataclass(frozen=True)
class Days:
    """A period of whole days of a zone, both included, as it is or was seen at `now`.

    Its ends are asked for some million times.
    """

    first: date
    last: date
    zone: ZoneInfo
    now: datetime

    @cached_property
    def start(self) -> datetime:
        return midnight(self.first, self.zone)

    @cached_property
    def end(self) -> datetime:
        """The first instant after it."""
        return midnight(self.last + _DAY, self.zone)

    @cached_property
    def until(self) -> datetime:
        """The first instant that is not in it, or not yet: what happens now has happened."""
        return min(self.end, self.now + _MOMENT)

    @property
    def is_over(self) -> bool:
        return self.end <= self.now

    @property
    def last_day(self) -> date:
        return self.last if self.is_over else self.day_of(self.now)

    @property
    def last_whole_day(self) -> date:
        return self.last if self.is_over else self.last_day - _DAY

    def has(self, at: datetime | None) -> bool:
        """Whether an instant lies in it and has come."""
        return at is not None and self.start <= at < self.until

    def day_of(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def of(self, first: date, last: date) -> "Days":
        """Another period, seen from the same instant."""
        return Days(first, last, self.zone, self.now)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """00:00 of a day, where summer time is no matter."""
    return datetime.combine(day, time(), zone)


class Groups(Generic[T]):
    """Parts by branch and use class, which are added up to any group when somebody asks for it."""

    def __init__(self, make: Callable[[], T], add: Callable[[T, T], None]) -> None:
        self._make, self._add = make, add
        self._parts: dict[tuple[int | None, str], T] = {}

    def at(self, branch_id: int | None, use_class: str | None) -> T:
        """The part to count into."""
        key = (branch_id, use_class or "")
        if key not in self._parts:
            self._parts[key] = self._make()
        return self._parts[key]

    def whole(self) -> T:
        return self._sum(lambda _branch, _class: True)

    def of_branch(self, branch_id: int) -> T:
        return self._sum(lambda branch, _class: branch == branch_id)

    def of_class(self, use_class: str) -> T:
        return self._sum(lambda _branch, one: one == use_class)

    def _sum(self, is_in: Callable[[int | None, str], bool]) -> T:
        total = self._make()
        for (branch_id, use_class), part in self._parts.items():
            if is_in(branch_id, use_class):
                self._add(total, part)
        return total


class Sums(dict[str, Any]):
    """Numbers and lists by name; what was never counted is nought."""

    def __missing__(self, key: str) -> int:
        return 0

    def more(self, key: str, amount: Any = 1) -> None:
        self[key] = self.get(key, 0) + amount

    def note(self, key: str, value: Any) -> None:
        self.setdefault(key, []).append(value)

    def merge(self, other: Mapping[str, Any]) -> None:
        for key, value in other.items():
            self[key] = self[key] + value if key in self else value[:] if isinstance(value, list) else value


def sums() -> Groups[Sums]:
    return Groups(Sums, Sums.merge)


def by_key(rows: Iterable[Any], key: str) -> dict[Any, list[Any]]:
    """Rows by one of their values, in their order."""
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(getattr(row, key), []).append(row)
    return found
