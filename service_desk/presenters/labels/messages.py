"""Words of messages between both sides."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "thread_kind": {"claim": _l("Claim"), "enquiry": _l("Contact")},
    "thread_view": {
        "mine": _l("Mine"),
        "new": _l("Unread"),
        "waiting": _l("Waiting for an answer"),
        "closed": _l("Closed"),
        "all": _l("All"),
    },
    "audit_action": {
        "message_written": _l("Message written"),
        "message_needs_no_answer": _l("Message needs no answer"),
    },
}
