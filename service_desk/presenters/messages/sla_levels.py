"""Refusals about service levels."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "escalation_to_outsider": _l(
        "Escalation step %(number)s names somebody who is no longer active, or who does not work for every account "
        "this promise holds for. Choose a role or another person."
    ),
}
