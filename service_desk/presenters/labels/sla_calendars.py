"""Words of working calendars and of recomputing clocks."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "day_kind": {
        "work": _l("Working day"),
        "rest": _l("Weekly day off"),
        "holiday": _l("Day off"),
        "make_up": _l("Make-up working day"),
        "own": _l("Own hours"),
    },
    # What stands in the small square of the year view; the legend says what it means.
    "day_mark": {
        "work": "",
        "rest": "–",
        "holiday": _l("H"),
        "make_up": _l("M"),
        "own": _l("O"),
    },
    "recompute_view": {
        "moves": _l("Due time would move"),
        "same": _l("Nothing would move"),
        "broken": _l("Broken already"),
    },
    "audit_action": {
        "calendar_made": _l("Calendar made"),
        "calendar_year_filled": _l("Calendar year filled"),
        "calendar_year_confirmed": _l("Calendar year confirmed"),
        "clock_recomputed": _l("Clock recomputed"),
    },
    "audit_field": {
        "announced_to": _l("Last announced year"),
        "breached_at": _l("Broken at"),
        "calendar_version": _l("Calendar version"),
        "left_seconds": _l("Time left"),
    },
}
