"""Refusals of the rules that `flask rules` answers."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "clock_file_invalid": _l('The file must hold {"cases": […]}, each case with an id.'),
    "clock_case_invalid": _l("Case %(id)s cannot be read: %(problem)s."),
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
