"""Words shared by several pages."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "role": {
        "admin": _l("Administrator"),
        "manager": _l("Manager"),
        "underwriter": _l("Underwriting staff"),
        "claims": _l("Claims staff"),
        "group_insurance": _l("Group insurance department"),
        "branch_safety": _l("Branch safety officer"),
    },
    "side": {"insurer": _l("Insurer"), "client": _l("Client")},
    "use_class": {
        "coach": _l("Intercity coach"),
        "city_bus": _l("City bus"),
        "taxi_rental": _l("Taxi or rental"),
        "goods": _l("Commercial goods"),
        "non_operating": _l("Non-operating"),
    },
    "policy_line": {
        "ctpl": _l("Compulsory (CTPL)"),
        "commercial": _l("Commercial"),
        "carrier_liability": _l("Carrier's liability"),
    },
    "cover": {
        "ctpl": _l("Compulsory liability (CTPL)"),
        "tpl": _l("Third-party liability"),
        "own_damage": _l("Own damage"),
        "carrier_liability": _l("Carrier's liability"),
    },
    "yes_no": {"True": _l("Yes"), "False": _l("No")},
}
