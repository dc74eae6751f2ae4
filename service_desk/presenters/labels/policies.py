"""Words of policies and price tables."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "cover_set": {
        "basic": _l("Statutory limits"),
        "tpl_1m": _l("Third party ¥1,000,000"),
        "tpl_2m": _l("Third party ¥2,000,000"),
        "tpl_1m_od": _l("Third party ¥1,000,000 and own damage"),
        "seat_400k": _l("¥400,000 a seat"),
    },
    "policy_state": {
        "issued": _l("Not yet begun"),
        "in_force": _l("In force now"),
        "expired": _l("Expired"),
        "cancelled": _l("Cancelled"),
        "voided": _l("Taken back"),
    },
    "cover_start": {"after": _l("when the present cover ends"), "day": _l("on a day")},
    "band_measure": {"seats": _l("seats"), "tonnes": _l("tonnes")},
    "cover_source": {
        "client_list": _l("Stated in the client's list"),
        "other_insurer": _l("With another insurer"),
    },
    "policy_title": {
        "ctpl": _l("Compulsory Traffic Accident Liability Policy"),
        "commercial": _l("Commercial Motor Policy"),
        "carrier_liability": _l("Carrier's Liability Policy"),
    },
    "audit_action": {
        "rates_installed": _l("Price table installed"),
        "rates_changed": _l("Prices changed"),
        "policies_issued": _l("Policies issued"),
        "batch_delivered": _l("Policies handed over"),
    },
}
