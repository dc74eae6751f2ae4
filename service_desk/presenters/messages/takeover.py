"""Refusals about lists of policies and their rows."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    # A row
    "policy_number_missing": _l("The policy number is missing."),
    "number_precision_lost": _l(
        "%(value)s is a number that lost its last digits. Ask for the policy numbers as text."
    ),
    "line_missing": _l("The row does not say which line of insurance it is."),
    "line_unknown": _l("%(value)s is no line of insurance that is known here."),
    "term_missing": _l("The date is missing."),
    "dates_reversed": _l("The term ends before it begins."),
    "term_too_long": _l("The term is longer than three years."),
    "end_style_mixed": _l(
        "%(value)s: some years of this column end on the day they began on, others the day before. Write the time "
        "beside the dates (24:00), or make all rows alike."
    ),
    "unit_twice": _l("%(value)s is in ten thousands, and so is its heading. Which one is meant?"),
    "limit_unlikely": _l(
        "%(value)s yuan is no limit that is sold. Perhaps ten thousands are meant: write the unit."
    ),
    "premium_missing": _l("The premium is missing."),
    "unpaid_exceeds_premium": _l("%(value)s yuan unpaid is more than the policy costs with its vehicle tax."),
    "number_twice": _l(
        "%(places)s has the same policy number and says something else. Keep the row that is right."
    ),
    "number_known_otherwise": _l(
        "Policy %(value)s is on record with other facts: %(differs)s. Nothing on record is changed."
    ),
    "number_elsewhere": _l("Policy number %(value)s is on record, but not of a vehicle of this account."),
    "overlaps_row": _l("%(places)s covers the same vehicle at the same time. Keep the row that is right."),
    "overlaps_cover": _l("There is cover until %(ends_on)s already: %(name)s."),
    "part_of": _l("A cover of the policy in %(places)s; taken over with it."),
    "older_term": _l("An older term of another insurer than the one in %(places)s; only the latest is kept."),
    "older_than_known": _l("Cover of another insurer until %(until)s is known already."),
    "which_vehicle": _l(
        "The VIN is %(vin)s here. Is it the vehicle %(plate)s with VIN %(holder)s, whose last six characters are the same?"
    ),
    "not_that_vehicle": _l("You said that the vehicle with this ending is not meant."),
    "plate_of_another": _l("Plate %(plate)s is on the vehicle with VIN %(holder)s."),
    "vehicle_unknown": _l(
        "No vehicle of the fleet has this plate or VIN, and to add it the row lacks: %(missing)s."
    ),
    "vehicle_may_be_added": _l("No vehicle of the fleet has this VIN. The row says enough to add it."),
    # A list
    "nothing_answered": _l("Answer at least one question, or tick at least one name or vehicle."),
    "difference_unexplained": _l(
        "The accepted rows do not come to the file's own totals. Say why it is taken over all the same."
    ),
    "nothing_to_take_over": _l("No row of this list would be taken over."),
    "take_over_undo_refused": _l(
        "The list cannot be taken back: something hangs on %(count)s of its policies or vehicles: %(names)s."
    ),
}
