"""Words of the managers' overview and of the market's figures."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "behind_claims": {
        "open": _l("Open claims"),
        "large": _l("Large losses open"),
        "reported": _l("Claims reported, with what they come to"),
        "closed": _l("Claims closed"),
        "settled": _l("Claims closed with money paid"),
        "rolling": _l("Claims registered in twelve months"),
        "asked": _l("Ended claims to be asked after"),
        "answered": _l("Ended claims asked after"),
        "dissatisfied": _l("Dissatisfied answers"),
    },
    "behind_premium": {
        "written": _l("Premium written"),
        "earned": _l("Premium earned"),
    },
    "behind_value": {
        "open": _l("Outstanding"),
        "large": _l("Outstanding"),
        "reported": _l("Comes to"),
        "settled": _l("Paid"),
        "asked": _l("Score"),
        "answered": _l("Score"),
        "dissatisfied": _l("Score"),
    },
    "audit_action": {
        "market_figure_added": _l("Market figure added"),
        "market_figure_corrected": _l("Market figure corrected"),
        "market_figure_hidden": _l("Market figure hidden"),
        "market_figure_shown": _l("Market figure shown again"),
    },
    "audit_field": {
        "is_shown": _l("Shown"),
        "measure": _l("Measure"),
        "published_for": _l("Published for"),
        "scope": _l("Of which claims"),
        "scope_en": _l("Of which claims, in English"),
        "source_en": _l("Published by, in English"),
        "value_cents": _l("Published value, in hundredths"),
    },
}
