"""Refusals about lists of outstanding claims, and what is said of cells that could not be read."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "outstanding_header_not_found": _l(
        "No row of headings was found. The list needs at least three known headings, "
        "among them 车牌号, 报案号 or 立案号."
    ),
    "outstanding_no_rows": _l("There is no row below the headings."),
    "outstanding_released": _l("This list was answered already and stays as it is. Hand the next one in."),
    "questions_open": _l(
        "%(count)s rows are not sure yet. Say which claim each means before the answer goes out."
    ),
    "not_a_candidate": _l("This claim was not asked about. The page now shows the list as it is."),
    "list_number_precision_lost": _l(
        "%(value)s is a number that lost its last digits. Ask for the numbers as text."
    ),
    "list_number_unreadable": _l("%(value)s is no number of a claim."),
    "list_date_unreadable": _l("%(value)s is no date that can be read."),
    "list_amount_unreadable": _l("%(value)s is no amount that can be read."),
    "list_unit_twice": _l("%(value)s is in ten thousands, and so is its heading. Which one is meant?"),
}
