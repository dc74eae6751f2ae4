"""Refusals about the service commitments."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "promises_begin_past": _l("A version begins today or later: nothing is promised for the past."),
    "promises_begin_early": _l("A published version begins on %(day)s. Choose that day or a later one."),
    "promises_none": _l("Add at least one promise before you publish."),
    "promises_supervision": _l("Enter who supervises the service and the phone before you publish."),
    "promises_too_many": _l("A version holds at most %(most)s promises."),
    "promise_tie": _l("Choose what measures the promise."),
    "promise_target": _l(
        "This cannot be the target of such a figure: a share lies between 0 and 100, a number is whole, "
        "and there are at most two decimals."
    ),
}
