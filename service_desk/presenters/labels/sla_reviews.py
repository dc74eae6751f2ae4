"""Words of breaches: the lists of the audit, what was told, where a correction stands, the list of causes."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "breach_view": {
        "open": _l("To review"),
        "reviewed": _l("Reviewed"),
        "corrections": _l("Corrections"),
        "at_risk": _l("At risk"),
    },
    "correction_state": {
        "open": _l("Correction open"),
        "overdue": _l("Correction overdue"),
        "done": _l("Correction done"),
    },
    "clock_happening": {
        "warning": _l("Warning"),
        "breach": _l("Breach"),
        "pause_end": _l("End of the longest pause"),
    },
    "audit_action": {
        "breaches_exported": _l("Breach audit exported"),
        "correction_done": _l("Correction reported done"),
        "cause_added": _l("Cause added"),
        "cause_renamed": _l("Cause renamed"),
        "cause_moved": _l("Cause moved in the list"),
        "cause_retired": _l("Cause retired"),
        "cause_brought_back": _l("Cause brought back"),
    },
    "audit_field": {
        "correction_owner_id": _l("Who corrects"),
        "correction_due_on": _l("Correct by"),
        "corrected_at": _l("Reported done"),
        "corrected_by_id": _l("Reported done by"),
        "corrected_note": _l("What was done"),
        "ordinal": _l("Place in the list"),
    },
}
