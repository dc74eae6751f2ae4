"""Words of follow-ups, and of dates out of order."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "follow_up_means": {"call": _l("Telephone call"), "form": _l("Feedback form")},
    "call_outcome": {
        "no_answer": _l("Nobody answered"),
        "busy": _l("Line busy"),
        "wrong_number": _l("Wrong number"),
        "later": _l("Asked to be called later"),
    },
    "follow_up_view": {
        "due": _l("To call"),
        "waiting": _l("Waiting for the form"),
        "answered": _l("Followed up"),
        "dissatisfied": _l("Dissatisfied"),
        "all": _l("All ended"),
        "reopened": _l("Reopened"),
    },
    "milestone": {
        "loss": _l("Loss"),
        "report": _l("Reported"),
        "dispatch": _l("Dispatch"),
        "arrival": _l("Arrival"),
        "survey": _l("Survey"),
        "assessment": _l("Assessment"),
        "documents": _l("Documents complete"),
        "calculation": _l("Calculation"),
        "approval": _l("Approval"),
        "payment": _l("Payment"),
        "closing": _l("Closed"),
        "follow_up": _l("Follow-up"),
    },
    "audit_action": {
        "follow_up_planned": _l("Follow-up planned"),
        "follow_up_tried": _l("Follow-up call without an answer"),
    },
}
