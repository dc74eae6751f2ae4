"""Asks the word each measure belongs to, once for all measures of that word."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from service_desk.rules.metrics import Mean, MeasureCode, Ratio
from service_desk.rules.periods import Period

Value = int | Decimal | Ratio | Mean | None
Key = int | str


class By(StrEnum):
    """What figures are grouped by. Keys: ids of branches, codes of use classes; `Reading.groups` holds those with any."""

    BRANCH = "branch"
    USE_CLASS = "use_class"


@dataclass(frozen=True)
class Span:
    """An account's period, in its zone. `now` decides what is late or overdue, and what is not over yet.

    Measures of a state (open claims, cover, what is owed) are as of the end of the period, or of `now` when it is not over.
    """

    account_id: int
    period: Period
    zone: ZoneInfo
    now: datetime

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """The instants it lies between: the first included, the last not."""
        return self.period.instants(self.zone)

    @property
    def as_of(self) -> datetime:
        return min(self.instants[1], self.now)


@dataclass(frozen=True)
class Reading:
    """The values of measures: of the whole account, and of each group."""

    total: Mapping[MeasureCode, Value]
    groups: Mapping[Key, Mapping[MeasureCode, Value]] = field(default_factory=dict)


# Works a set of measures out of a span; a source may answer more than it is asked.
Source = Callable[[Span, Collection[MeasureCode], By | None], Reading]

_SOURCES: Sequence[tuple[frozenset[MeasureCode], Source]] = ()


def read(span: Span, codes: Collection[MeasureCode], by: By | None = None) -> Reading:
    """The measures of a span, and by group when asked. KeyError for a measure no source knows or cannot group."""
    total: dict[MeasureCode, Value] = {}
    groups: dict[Key, dict[MeasureCode, Value]] = {}
    for known, source in _SOURCES:
        wanted = known & frozenset(codes)
        if not wanted:
            continue
        found = source(span, wanted, by)
        total |= {code: found.total[code] for code in wanted}
        for key, values in found.groups.items():
            groups.setdefault(key, {}).update({code: values[code] for code in wanted if code in values})
    missing = [code for code in codes if code not in total]
    if missing:
        raise KeyError(*missing)
    return Reading(total, groups)
