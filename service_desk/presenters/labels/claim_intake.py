"""Words of reports, accidents, arrivals and photos."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "photo_group": {
        "scene": _l("Scene"),
        "plate": _l("Plate"),
        "vin": _l("VIN"),
        "damage": _l("Damage"),
        "papers": _l("Papers"),
    },
    "photo_kind": {
        "scene_photo": _l("With the report"),
        "survey_photo": _l("Survey"),
        "survey_sketch": _l("Sketch"),
        "assessment_photo": _l("Assessment"),
    },
    "likeness": {
        "same_vehicle": _l("The same vehicle, near in time"),
        "same_other_party": _l("The same other side, near in time"),
        "each_other": _l("Your two vehicles against each other, near in time"),
    },
    "claim_date": {
        "loss_at": _l("Time of loss"),
        "reported_at": _l("Reported"),
        "arrived_at": _l("Arrived"),
        "surveyed_at": _l("Surveyed"),
        "closed_at": _l("Closed"),
    },
    "queue_view": {"late": _l("Reported late")},
    "audit_field": {
        "accident": _l("Accident"),
        "callback_phone": _l("Call back on"),
        "description": _l("What happened"),
        "injured_count": _l("People injured"),
        "is_typed": _l("Time typed in"),
        "late_reason": _l("Why so late"),
        "other_party": _l("The other side"),
        "photo_group": _l("Group"),
        "photos": _l("Photos"),
        "place": _l("Place"),
        "possible_duplicates": _l("Possible duplicates"),
        "report_no": _l("Report number"),
        "reporter_name": _l("Who reports"),
    },
    "audit_action": {
        "claim_accident_joined": _l("Claim linked with an accident"),
        "claim_accident_left": _l("Claim taken out of an accident"),
        "claim_photo_regrouped": _l("Photo put into another group"),
        "claim_photos_added": _l("Photos added"),
        "claim_report_completed": _l("Report completed"),
        "claim_report_no_entered": _l("Report number entered"),
        "claim_report_repeated": _l("Accident reported again"),
        "claim_reported_anew": _l("Said to be another accident"),
    },
}
