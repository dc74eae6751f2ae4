"""Words of the premium ledger."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "premium_age": {
        "not_due": _l("Not due"),
        "days_30": _l("1–30 days overdue"),
        "days_90": _l("31–90 days overdue"),
        "older": _l("More than 90 days overdue"),
    },
    "receipt_method": {
        "transfer": _l("Bank transfer"),
        "card": _l("Card"),
        "cash": _l("Cash"),
        "cheque": _l("Cheque"),
    },
    "audit_action": {"premium_received": _l("Premium received")},
}
