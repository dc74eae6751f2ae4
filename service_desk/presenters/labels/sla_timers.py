"""Words of a timer's life: the entries of its ledger, what is put right, who is away."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "ledger_entry": {
        "start": _l("Start"),
        "pause": _l("Beginning of a pause"),
        "resume": _l("End of a pause"),
        "handover": _l("Hand-over"),
        "substitute": _l("Stand-in takes over"),
        "return": _l("Back to the owner"),
        "stop": _l("Done"),
        "cancel": _l("Cancellation"),
    },
    "absence_kind": {
        "leave": _l("Leave"),
        "sickness": _l("Sickness"),
        "training": _l("Training"),
        "off_duty": _l("Off duty"),
    },
    "audit_field": {
        "cancelled_at": _l("Called off"),
        "clocks": _l("Clocks"),
        "covered_id": _l("Stands in for"),
        "from_at": _l("From"),
        "kind": _l("Kind"),
        "repeats_until_on": _l("Every day until"),
        "start_at": _l("Start"),
        "stop_at": _l("Done"),
        "pause_at": _l("Beginning of a pause"),
        "resume_at": _l("End of a pause"),
        "handover_at": _l("Hand-over"),
        "large_loss_noticed_at": _l("Large-loss notice"),
        "substitute_id": _l("Stand-in"),
        "to_at": _l("Until"),
        "user_id": _l("Person"),
    },
    "audit_action": {
        "absence_planned": _l("Absence entered"),
        "absence_changed": _l("Absence changed"),
        "absence_cancelled": _l("Absence called off or ended early"),
        "absence_began": _l("Absence began"),
        "absence_ended": _l("Absence ended"),
        "clock_covered": _l("Clock given to the stand-in"),
        "clock_returned": _l("Clock back with its owner"),
        "time_corrected": _l("Time corrected"),
        "claim_time_corrected": _l("Time of the claim corrected"),
        "enquiry_time_corrected": _l("Time of the first contact corrected"),
        "pause_objected": _l("Objection to a pause"),
        "objection_upheld": _l("Objection upheld, pause struck off"),
        "objection_rejected": _l("Objection rejected"),
    },
}
