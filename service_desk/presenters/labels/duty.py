"""Words of the duty roster, of hand-overs and of somebody leaving."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "duty_kind": {
        "night": _l("Night"),
        "weekend": _l("Weekend"),
        "holiday": _l("Public holiday"),
    },
    "duty_problem": {
        "gap": _l("Nobody on duty"),
        "double": _l("Two on duty at once"),
        "away": _l("On duty while away"),
        "left": _l("No longer works for this account"),
    },
    "swap_state": {
        "asked": _l("Not answered yet"),
        "accepted": _l("Accepted"),
        "refused": _l("Refused"),
        "withdrawn": _l("Taken back"),
    },
    "matter_kind": {
        "claim": _l("Claim"),
        "enquiry": _l("First contact"),
        "clock": _l("Clock"),
        "correction": _l("Correction of a breach"),
        "missed_cover": _l("Missed cover"),
        "item": _l("Agreed item"),
        "outstanding_list": _l("Outstanding list"),
        "follow_up": _l("Follow-up of an ended claim"),
        "shift": _l("Shift on the roster"),
        "stand_in": _l("Stands in for"),
        "report": _l("Reader of a report"),
        "opinion": _l("Opinion to be replied to"),
    },
    "audit_field": {
        "assigned_reason": _l("Reason"),
        "correction_owner_id": _l("Makes the correction"),
        "from_on": _l("From"),
        "matters": _l("Open matters"),
        "remind": _l("Told again after hours"),
        "shifts": _l("Shifts"),
        "tell_managers": _l("Managers told after hours"),
        "assign": _l("May be assigned after hours"),
        "to_on": _l("Until"),
    },
    "audit_action": {
        "correction_passed_on": _l("Correction passed on"),
        "duty_planned": _l("Duty roster planned"),
        "duty_shift_added": _l("Shift entered"),
        "duty_shift_changed": _l("Shift changed"),
        "duty_shift_removed": _l("Shift taken out"),
        "duty_swap_accepted": _l("Exchange of shifts accepted"),
        "duty_swap_asked": _l("Exchange of shifts asked for"),
        "duty_swap_refused": _l("Exchange of shifts refused"),
        "duty_swap_withdrawn": _l("Exchange of shifts taken back"),
        "handover_assigned": _l("Matter assigned without consent"),
        "handover_hours_set": _l("Hours for answering hand-overs set"),
        "login_closed": _l("Login closed"),
        "matter_passed_on": _l("Matter passed on"),
        "report_reader_passed_on": _l("Reader of a report replaced"),
    },
}
