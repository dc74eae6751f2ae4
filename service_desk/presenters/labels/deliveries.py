"""Words of delivery runs."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "run_state": {
        "planned": _l("Planned"),
        "out": _l("On its way"),
        "delivered": _l("Delivered"),
        "returned": _l("Came back"),
    },
    "paper_kind": {
        "policy": _l("Policy"),
        "endorsement": _l("Endorsement"),
        "receipt": _l("Premium receipt"),
        "card": _l("Insurance card"),
    },
    "item_state": {
        "open": _l("On the list"),
        "delivered": _l("Delivered"),
        "brought_back": _l("Brought back"),
    },
    "paper_standing": {
        "waiting": _l("With the desk, to be delivered"),
        "planned": _l("Ready for delivery"),
        "out": _l("On its way to the branch"),
        "delivered": _l("Delivered"),
    },
    "audit_action": {
        "delivery_planned": _l("Delivery run planned"),
        "delivery_out": _l("Delivery run left"),
        "delivery_recorded": _l("Delivery signed for"),
        "delivery_dropped": _l("Delivery run given up"),
    },
}
