"""Refusals of the files that `flask rules` answers."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "clock_file_invalid": _l('The file must hold {"cases": […]}, each case with an id.'),
    "clock_case_invalid": _l("Case %(id)s cannot be read: %(problem)s."),
    "settlement_file_invalid": _l('The file must hold a list of {"id", "kind", "inputs"}.'),
}
