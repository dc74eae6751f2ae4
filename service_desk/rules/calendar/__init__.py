"""Working time: which seconds count, and where a sum of them ends."""

from service_desk.rules.calendar.hours import (
    Overlap,
    PlacedSpan,
    Span,
    find_overlaps,
    hours_from_json,
    parse_span,
    spans_from_json,
    written_span,
)
from service_desk.rules.calendar.vectors import run_vectors
from service_desk.rules.calendar.versions import (
    DayChange,
    Differences,
    WeekdayChange,
    Written,
    differences,
)
from service_desk.rules.calendar.working import (
    Pause,
    WorkingCalendar,
    always_open,
    calendar_from_json,
)
from service_desk.rules.calendar.zones import zone_names

__all__ = [
    "DayChange",
    "Differences",
    "Overlap",
    "Pause",
    "PlacedSpan",
    "Span",
    "WeekdayChange",
    "WorkingCalendar",
    "Written",
    "always_open",
    "calendar_from_json",
    "differences",
    "find_overlaps",
    "hours_from_json",
    "parse_span",
    "run_vectors",
    "spans_from_json",
    "written_span",
    "zone_names",
]
