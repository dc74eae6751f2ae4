"""Refusals about a timer's life: pauses, what is put right, objections, absences."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "clock_paused_meanwhile": _l("%(who)s has paused this clock already, at %(at)s."),
    "clock_resumed_meanwhile": _l("%(who)s has let this clock run again already, at %(at)s."),
    "clock_ended_meanwhile": _l("This clock was stopped at %(at)s (%(who)s); its verdict stands."),
    "pause_in_future": _l("A pause cannot begin later than now."),
    "pause_before_start": _l("The clock started only at %(at)s. A pause cannot begin before."),
    "pause_overlaps": _l("The clock was paused at that time or later. Enter a time after that pause."),
    "pause_before_breach": _l(
        "The promise fell due at %(at)s and was broken. No pause can be entered for the time before."
    ),
}
