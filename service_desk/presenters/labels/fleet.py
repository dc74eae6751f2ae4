"""Words of vehicles and of the client's lists."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "vehicle_state": {
        "pending": _l("Approved, not yet insured"),
        "operating": _l("Operating"),
        "suspended": _l("Suspended"),
        "retired": _l("Retired"),
    },
    "cover_filter": {
        "without_ctpl": _l("Operating without CTPL today"),
        "expiring": _l("Expiring within 30 days"),
        "covered": _l("Fully covered today"),
    },
    "import_state": {
        "checked": _l("Checked, not imported"),
        "committed": _l("Imported"),
        "undone": _l("Taken back"),
        "abandoned": _l("Put away"),
    },
    "row_verdict": {
        "new": _l("New vehicle"),
        "changed": _l("Changed"),
        "unchanged": _l("Unchanged"),
        "skipped": _l("Skipped"),
        "rejected": _l("Refused"),
    },
    "fleet_field": {
        "plate": _l("Plate"),
        "vin": _l("VIN"),
        "engine_no": _l("Engine number"),
        "model": _l("Maker and model"),
        "use_class": _l("Class"),
        "seats": _l("Rated seats"),
        "load_t": _l("Rated load (t)"),
        "load_kg": _l("Rated load (kg)"),
        "registered_on": _l("First registration"),
        "ctpl_expires_on": _l("CTPL until"),
        "commercial_expires_on": _l("Commercial until"),
        "branch": _l("Branch"),
        "branch_id": _l("Branch"),
    },
    "import_warning": {
        "vin_check_digit": _l("The VIN's check digit does not fit: compare it with the licence."),
        "use_class_unknown": _l("The use class is not known and was left out."),
    },
    "audit_action": {
        "vehicle_added": _l("Vehicle added"),
        "vehicle_changed": _l("Vehicle changed"),
        "vehicle_state_changed": _l("Vehicle suspended, resumed or retired"),
        "fleet_list_checked": _l("Fleet list checked"),
        "fleet_list_imported": _l("Fleet list imported"),
        "fleet_list_abandoned": _l("Fleet list put away"),
        "fleet_list_undone": _l("Fleet list taken back"),
    },
}
