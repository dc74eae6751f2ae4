"""Words of first contacts, hand-overs and accident reports."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "enquiry_channel": {
        "call": _l("Call"),
        "visit": _l("Visit"),
        "message": _l("Message"),
        "claim_report": _l("Accident report"),
        "mail": _l("Mail"),
        "bot": _l("Chat group"),
    },
    "contact_kind": {
        "question": _l("Asks for information"),
        "request": _l("Request for service"),
        "complaint": _l("Complaint"),
        "opinion": _l("Opinion"),
    },
    "logged_channel": {"call": _l("Call"), "visit": _l("Visit"), "message": _l("Message")},
    "enquiry_state": {
        "open": _l("Waiting for an answer"),
        "answered": _l("Answered"),
        "closed": _l("Closed"),
    },
    "contact_view": {
        "mine": _l("Mine"),
        "open": _l("All open"),
        "closed": _l("Closed"),
        "all": _l("All"),
    },
    "handover_state": {
        "asked": _l("Offered"),
        "accepted": _l("Accepted"),
        "refused": _l("Sent back"),
        "withdrawn": _l("Taken back"),
    },
    "report_taken": {"phone": _l("By telephone"), "visit": _l("At the desk")},
    "audit_action": {
        "claim_reported": _l("Claim reported"),
        "enquiry_logged": _l("Contact logged"),
        "enquiry_answered": _l("Contact answered"),
        "enquiry_closed": _l("Contact closed"),
        "handover_asked": _l("Hand-over offered"),
        "handover_accepted": _l("Hand-over accepted"),
        "handover_refused": _l("Hand-over refused"),
        "handover_withdrawn": _l("Hand-over taken back"),
    },
}
