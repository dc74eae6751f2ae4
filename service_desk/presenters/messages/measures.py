"""Sentences for what a program asks wrongly of the measures."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "measures_period_wrong": _l(
        "A period of measures is given as from=2026-01-01&to=2026-03-31, at most %(years)s years."
    ),
    "measures_group_wrong": _l("Measures are grouped by branch or by use_class."),
}
