"""Words of new versions of price tables and of quote sheets."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "limit_per": {
        "accident": _l("each accident"),
        "seat": _l("each seat"),
        "vehicle": _l("each vehicle"),
    },
    "price_change": {"added": _l("added"), "changed": _l("changed"), "removed": _l("taken out")},
    "quote_state": {"open": _l("Prices hold"), "expired": _l("Expired"), "issued": _l("Issued from")},
    "audit_action": {
        "rates_withdrawn": _l("Price table withdrawn"),
        "quote_made": _l("Quote sheet made"),
        "quote_changed": _l("Quote sheet changed"),
    },
    "audit_field": {
        "line_count": _l("Lines"),
        "vehicle_count": _l("Vehicles"),
        "valid_until": _l("Prices held until"),
        "tax_fen": _l("Vehicle tax"),
    },
}
