"""Words of the joint approval of new vehicles."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "onboarding_state": {
        "requested": _l("Waits for the group's approval"),
        "approved": _l("Approved, waits for cover"),
        "refused_by_group": _l("Refused by the group"),
        "refused_by_desk": _l("Refused by the desk"),
        "done": _l("Operating and covered"),
        "withdrawn": _l("Request withdrawn"),
    },
    "onboarding_action": {
        "request": _l("Requested"),
        "approve": _l("Approved by the group"),
        "refuse": _l("Refused by the group"),
        "issue_part": _l("Part of the cover issued"),
        "complete": _l("Cover complete, vehicle operating"),
        "take_back": _l("Cover taken back, waits for cover again"),
        "decline": _l("Refused by the desk"),
        "correct": _l("Corrected and sent again"),
        "withdraw": _l("Request withdrawn"),
    },
    "onboarding_party": {
        "branch": _l("Branch"),
        "group": _l("Group insurance department"),
        "desk": _l("Service desk"),
    },
    "request_view": {
        "waiting": _l("Waiting for us"),
        "open": _l("Open"),
        "all": _l("All requests"),
    },
    "audit_field": {
        "wanted_start_on": _l("Cover wanted from"),
        "requested_by_id": _l("Requested by"),
        "requested_at": _l("Requested"),
    },
    "audit_action": {
        "vehicle_request_request": _l("New vehicle requested"),
        "vehicle_request_approve": _l("New vehicle approved by the group"),
        "vehicle_request_refuse": _l("New vehicle refused by the group"),
        "vehicle_request_issue_part": _l("Part of a new vehicle's cover issued"),
        "vehicle_request_complete": _l("New vehicle covered and operating"),
        "vehicle_request_take_back": _l("Cover of a new vehicle taken back"),
        "vehicle_request_decline": _l("New vehicle refused by the desk"),
        "vehicle_request_correct": _l("Request for a new vehicle sent again"),
        "vehicle_request_withdraw": _l("Request for a new vehicle withdrawn"),
        "vehicle_request_changed": _l("Request for a new vehicle corrected"),
        "vehicle_removed": _l("Vehicle that never operated taken out"),
    },
}
