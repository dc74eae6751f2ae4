"""Refusals of the compliance pages."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "compliance_no_ranking": _l(
        "These pages show how the desk keeps its promises to you. They do not compare its people."
    ),
}
