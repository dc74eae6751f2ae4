"""Words of renewals."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "renewal_bucket": {
        "overdue": _l("Cover has ended"),
        "within_7": _l("within 7 days"),
        "within_15": _l("within 15 days"),
        "within_30": _l("within 30 days"),
        "within_60": _l("within 60 days"),
        "within_90": _l("within 90 days"),
        "within_120": _l("within 120 days"),
        "later": _l("later"),
    },
}
