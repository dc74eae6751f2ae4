"""Names of sheets for tables of reports whose titles are longer than the 31 letters a spreadsheet allows."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

LABELS: dict[str, dict[str, LazyString]] = {
    "report_sheet": {
        "acts": _l("Policies and endorsements"),
        "ageing": _l("Open claims by age"),
        "agreed_items": _l("Agreed items, last meeting"),
        "answers_by_theme": _l("Follow-up answers"),
        "closed_claims": _l("Claims ended in the period"),
        "expiring_bands": _l("Cover that ends, by days"),
        "expiring_groups": _l("Cover that ends, by branch"),
        "expiring_results": _l("Results of expiring policies"),
        "hours_by_branch": _l("Hours and places of accidents"),
        "kinds_by_branch": _l("Kinds of damage and injury"),
        "large_losses": _l("Large losses"),
        "open_claims": _l("Open claims"),
        "places_by_branch": _l("Places of several accidents"),
        "promise_needs": _l("Promises by attainment"),
        "proposals": _l("What each branch needs"),
        "renewal_months": _l("Renewals by month"),
        "reserves_by_month": _l("Reserves by month"),
        "what_if": _l("Stricter promises"),
    },
}
