"""Refusals about changing working calendars and about recomputing clocks."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "calendar_hours_overlap": _l(
        "%(earlier_on)s %(earlier)s and %(later_on)s %(later)s overlap. Let the first end before the second begins."
    ),
    "calendar_year_not_known": _l(
        "The official calendar can be taken over for the years %(first)s to %(last)s."
    ),
    "calendar_year_not_provisional": _l("%(year)s has no provisional days."),
    "calendar_code_invalid": _l(
        "“%(value)s” cannot be a code. Use 2 to 40 lower-case letters, digits and hyphens, such as night-desk."
    ),
    "calendar_code_taken": _l("There is a calendar with the code “%(value)s” already. Choose another code."),
    "calendar_name_missing": _l("Give the calendar a name."),
    "recompute_none_chosen": _l("Tick at least one clock."),
    "recompute_reason_missing": _l("Say why these clocks are recomputed; it is kept with each of them."),
    "recompute_stale": _l(
        "Changed meanwhile: %(numbers)s. Nothing was recomputed. Look at the list again and tick anew."
    ),
    "recompute_own": _l("You hold %(numbers)s yourself: another manager must decide on that clock."),
    "recompute_broken": _l(
        "Broken already, and a promise once broken stays broken: %(numbers)s. Nothing was recomputed."
    ),
}
