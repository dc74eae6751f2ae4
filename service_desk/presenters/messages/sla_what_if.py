"""Refusals of the what-if."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "what_if_step_missing": _l("Choose the step whose promise is in question."),
    "what_if_same_promise": _l("Enter another target, another calendar or other hours to judge by."),
    "what_if_calendar_unknown": _l("There is no such calendar any more. Choose another one."),
    "what_if_level_of_another_step": _l(
        "This service level is of another step. Choose one of the step above."
    ),
}
