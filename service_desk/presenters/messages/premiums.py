"""Refusals about receipts."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "received_in_future": _l("The money cannot have been received in the future."),
    "no_receivable_chosen": _l("Choose what the money is for: tick at least one line."),
    "receipt_exceeds_debt": _l(
        "%(amount)s is more than the %(owed)s owed for the lines chosen. Choose more lines or a smaller amount."
    ),
    "receivable_settled": _l("One of the lines chosen was settled meanwhile. Look at the list again."),
}
