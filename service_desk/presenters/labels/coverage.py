"""Words of the cover calendar and of missed cover."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "cover_finding": {
        "gap": _l("gap"),
        "overlap": _l("overlap"),
        "not_renewed": _l("not renewed yet"),
    },
    "case_state": {
        "open": _l("Without cover"),
        "covered": _l("Covered"),
        "stopped": _l("Off the road"),
    },
    "chase_kind": {
        "opened": _l("Found without cover"),
        "layers_changed": _l("What is missing changed"),
        "contact": _l("Spoken to"),
        "client_said": _l("The client wrote"),
        "cover_noted": _l("Cover with another insurer noted"),
        "reassigned": _l("Given to somebody else"),
        "covered": _l("Covered: the case is closed"),
        "stopped": _l("Off the road: the case is closed"),
    },
    "chase_channel": {
        "call": _l("Phone call"),
        "visit": _l("Visit to the branch"),
        "message": _l("Text message"),
        "mail": _l("Mail"),
    },
    "off_road": {
        "suspended": _l("Suspended"),
        "retired": _l("Retired"),
    },
    "audit_field": {
        "chased_at": _l("Last chased"),
        "ends_at": _l("Cover ends"),
        "insurer": _l("Insurer"),
        "layers": _l("Cover"),
        "number": _l("Policy no."),
        "promised_on": _l("Promised by"),
        "starts_at": _l("Cover begins"),
    },
    "audit_action": {
        "cover_requirement_set": _l("Required cover of a class set"),
        "missed_cover_opened": _l("Missed cover found"),
        "missed_cover_changed": _l("Missed cover changed"),
        "missed_cover_closed": _l("Missed cover closed"),
        "missed_cover_chased": _l("Missed cover chased"),
        "missed_cover_client_said": _l("The client wrote about missed cover"),
        "missed_cover_reassigned": _l("Missed cover given to somebody else"),
        "external_cover_noted": _l("Cover with another insurer noted"),
    },
}
