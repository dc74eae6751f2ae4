"""Words of service levels: reasons, escalations, their units."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "severity_reason": {
        "property_only": _l("nobody was hurt"),
        "injury": _l("one or two people were hurt"),
        "mass_injury": _l("three or more people were hurt"),
    },
    "escalation_role": {
        "manager": _l("all managers"),
        "claims": _l("all claims staff"),
        "underwriter": _l("all underwriting staff"),
        "admin": _l("all administrators"),
    },
    "escalation_unit": {
        "minutes": _l("minutes"),
        "hours": _l("hours"),
    },
    "audit_field": {
        "escalate_to": _l("Escalation tells"),
        "severity": _l("Severity"),
    },
}
