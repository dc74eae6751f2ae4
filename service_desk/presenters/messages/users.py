"""Refusals about people and signing in."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "locked_out": _l("Too many wrong passwords. Try again in %(minutes)s minutes."),
    "no_account": _l("Your login is not connected to any key account yet. Ask the administrator."),
}
