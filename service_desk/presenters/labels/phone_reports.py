"""Words of reports that a phone kept."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "audit_action": {
        "claim_report_retyped": _l("Report changed on the phone"),
        "claim_photo_received": _l("Photo of the report received"),
    },
    "report_field": {
        "plate": _l("Plate"),
        "loss_at": _l("When"),
        "place": _l("Place"),
        "description": _l("What happened"),
        "other_party": _l("The other side"),
        "other_plates": _l("More of our vehicles that were in it"),
        "late_reason": _l("Why so late"),
        "injured_count": _l("Injured"),
        "reporter_name": _l("Who reports"),
        "callback_phone": _l("Call back on"),
    },
}
