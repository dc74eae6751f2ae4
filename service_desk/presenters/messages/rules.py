"""Refusals of the rules that `flask rules` answers."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "json_file_unreadable": _l("The file cannot be read: %(reason)s."),
    "json_file_broken": _l("This is no JSON file: %(reason)s."),
    "timer_unknown": _l("There is no clock of number %(number)s."),
    "clock_file_invalid": _l('The file must hold {"cases": […]}, each case with an id.'),
    "clock_value_missing": _l("Case %(id)s: this value is missing."),
    "clock_time_invalid": _l(
        "Case %(id)s: “%(value)s” is not a time. Write it as 2026-11-23T09:00:00+08:00."
    ),
    "clock_time_naive": _l(
        "Case %(id)s: “%(value)s” does not say its zone. Write it as 2026-11-23T09:00:00+08:00."
    ),
    "clock_seconds_invalid": _l("Case %(id)s: “%(value)s” is not a whole number of seconds, 0 or more."),
    "clock_pauses_invalid": _l("Case %(id)s: pauses are a list of pairs of times, from and to."),
    "clock_operation_unknown": _l("Case %(id)s: “%(value)s” is none of add, sub, between and is_open."),
    "clock_calendar_unknown": _l("Case %(id)s: the file has no calendar “%(value)s”."),
    "settlement_file_invalid": _l('The file must hold a list of {"id", "kind", "inputs"}.'),
    "settlement_form_unknown": _l("No calculation is known for these inputs."),
    "settlement_kind_unknown": _l("No calculation of this kind is known."),
    "section_invalid": _l("This must be a group of amounts by item."),
    "flag_invalid": _l("This must be true or false."),
    "choice_invalid": _l("This is not one of the possible values."),
    "input_unknown": _l("An input of this name is not known."),
    "input_missing": _l("This input is missing."),
    "term_invalid": _l("The term must end after it begins."),
    "cancel_outside_term": _l("The day of cancellation must lie within the term."),
    "policy_action_not_possible": _l("This cannot be done with the policy in its present state."),
}
