"""Refusals about agreed items, meetings and visits."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "item_owner_unknown": _l("Choose somebody of this account whose login is open."),
    "item_due_past": _l("Enter a day from today on."),
}
