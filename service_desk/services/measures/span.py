"""What is asked of the measures, what they answer, and what a source of some of them is."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from service_desk.base.clock import local_date
from service_desk.models.kept import Outlined
from service_desk.rules.metrics import Mean, MeasureCode, Ratio
from service_desk.rules.periods import Period

Value = int | Decimal | Ratio | Mean | None
Key = int | str


class By(StrEnum):
    """What figures are grouped by. Keys: ids of branches, codes of use classes (empty where a vehicle has none);
    `Reading.groups` holds those with any.
    """

    BRANCH = "branch"
    USE_CLASS = "use_class"


class SpanOutline(NamedTuple):
    """What a statement asks of a span: its own, or their placeholders in a statement built once (`models.kept`)."""

    account_id: Any
    instants: tuple[Any, Any]
    until: Any


@dataclass(frozen=True)
class Span(Outlined):
    """An account's period, in its zone. `now` decides what is late or overdue, and what is not over yet.

    Measures of a state (open claims, cover, what is owed) are as of the end of the period, or of `now` when it is not over.
    """

    account_id: int
    period: Period
    zone: ZoneInfo
    now: datetime

    @cached_property
    def instants(self) -> tuple[datetime, datetime]:
        """The instants it lies between: the first included, the last not."""
        return self.period.instants(self.zone)

    @property
    def as_of(self) -> datetime:
        return min(self.instants[1], self.now)

    @cached_property
    def until(self) -> datetime:
        """The first instant that is not in it any more, or not yet: what happened right now has happened."""
        return min(self.instants[1], self.now + timedelta(microseconds=1))

    @property
    def is_over(self) -> bool:
        return self.instants[1] <= self.now

    @cached_property
    def last_day(self) -> date:
        """The day its state is of: the last of the period, or today when it is not over."""
        return self.period.last if self.is_over else local_date(self.now, self.zone)

    @property
    def last_whole_day(self) -> date:
        """The last day of it that has gone by."""
        return self.period.last if self.is_over else self.last_day - timedelta(days=1)

    def outline_values(self) -> dict[str, Any]:
        """What statements ask of it."""
        return {"account_id": self.account_id, "instants": self.instants, "until": self.until}

    @classmethod
    def outline(cls, places: dict[str, Any]) -> SpanOutline:
        """A stand-in that knows placeholders alone."""
        return SpanOutline(**places)


# A span, or what stands in for it where statements are built.
AnySpan = Span | SpanOutline


@dataclass(frozen=True)
class Reading:
    """The values of measures: of the whole account, and of each group."""

    total: Mapping[MeasureCode, Value]
    groups: Mapping[Key, Mapping[MeasureCode, Value]] = field(default_factory=dict)


# Works a set of measures out of a span; a source may answer more than it is asked.
Source = Callable[[Span, Collection[MeasureCode], By | None], Reading]
