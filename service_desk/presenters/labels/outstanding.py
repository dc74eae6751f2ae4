"""Words of lists of outstanding claims."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "outstanding_kind": {
        "same": _l("Agrees"),
        "differs": _l("Differs"),
        "ended": _l("Ended with us"),
        "not_ours": _l("Not with us"),
        "unsure": _l("To be asked"),
        "unreadable": _l("Cannot be read"),
        "only_ours": _l("Only with us"),
    },
    "outstanding_meaning": {
        "same": _l("The claim is open with us and the list says the same of it."),
        "differs": _l("The claim is open with us, and the list says something else; the remark says what."),
        "ended": _l("The claim is closed, withdrawn or denied with us."),
        "not_ours": _l(
            "We have no such claim. An enquiry with an owner was opened; its number is in the row."
        ),
        "unsure": _l("Several claims may be meant. Somebody has to say which."),
        "unreadable": _l("The row names no claim and no vehicle."),
        "only_ours": _l("The claim is open with us and not in the list."),
    },
    "outstanding_how": {
        "claim_no": _l("by claim number"),
        "report_no": _l("by report number"),
        "plate_date": _l("by plate and day"),
        "plate_near_date": _l("by plate, the day nearly"),
        "number_typed": _l("by a number typed otherwise"),
        "plate_typed": _l("by a plate typed otherwise"),
        "decided": _l("as somebody said"),
    },
    "outstanding_change": {
        "new": _l("New in the list"),
        "still_open": _l("As in the last list"),
        "moved_on": _l("Moved on"),
    },
    "outstanding_change_meaning": {
        "new": _l("The list before did not have it."),
        "still_open": _l("It stands with us where it stood at the list before."),
        "moved_on": _l("It has moved to another step with us since the list before."),
    },
    "outstanding_phase": {"open": _l("still open"), "ended": _l("ended")},
    "outstanding_state": {"checked": _l("Being answered"), "released": _l("Answered")},
    "outstanding_field": {
        "claim_no": _l("Claim number"),
        "report_no": _l("Report number"),
        "plate": _l("Plate"),
        "loss_on": _l("Day of loss"),
        "estimate": _l("Estimate"),
        "outstanding": _l("Outstanding amount"),
        "state": _l("State"),
        "branch": _l("Branch"),
        "policy_no": _l("Policy number"),
        "driver": _l("Driver"),
        "place": _l("Place"),
        "reported_on": _l("Day of report"),
    },
    "audit_action": {
        "outstanding_list_handed_in": _l("List of outstanding claims handed in"),
        "outstanding_list_compared": _l("List of outstanding claims compared again"),
        "outstanding_rows_decided": _l("Rows of an outstanding list decided"),
        "outstanding_list_answered": _l("List of outstanding claims answered"),
    },
    "audit_field": {
        "answers": _l("Answers"),
        "answered_by_id": _l("Answered by"),
        "answer_document_id": _l("Answer file"),
        "answer_sha256": _l("Check sum of the answer"),
    },
}
