"""Refusals about reports and their schedules."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "report_week_not_over": _l("This week is not over yet. Choose a day of a week that has ended."),
    "report_time_invalid": _l("Choose a weekday and a time such as 08:30."),
}
