"""Refusals about outcomes of renewals."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "no_renewal_line_chosen": _l("Tick the lines that are not renewed."),
    "insurer_missing": _l("Name the insurer that covers the vehicle now."),
    "covered_until_missing": _l("Say until when the other insurer covers the vehicle."),
    "covered_until_too_early": _l("The other insurer's cover must go on beyond %(day)s."),
    "expiry_changed": _l(
        "The vehicle was renewed, or an outcome was recorded, meanwhile. Look at the list again."
    ),
}
