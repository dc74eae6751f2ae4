"""Words of reports and their delivery."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "audit_action": {
        "report_made": _l("Report made"),
        "report_recipient_changed": _l("Recipient of a report changed"),
        "report_schedule_changed": _l("Report schedule changed"),
        "report_try_asked": _l("Report to be tried again"),
    },
    "audit_field": {
        "channel": _l("Channel"),
        "hour": _l("Hour"),
        "minute": _l("Minute"),
        "month_day": _l("Day of the month"),
        "starts_on": _l("Starts on"),
        "weekday": _l("Weekday"),
    },
    "report_channel": {"mail": _l("mail only"), "in_app": _l("desk only")},
    "schedule_state": {
        "on": _l("On schedule"),
        "paused": _l("Paused"),
        "late": _l("Due, not made yet"),
    },
    "report_weekday": {
        "0": _l("Monday"),
        "1": _l("Tuesday"),
        "2": _l("Wednesday"),
        "3": _l("Thursday"),
        "4": _l("Friday"),
        "5": _l("Saturday"),
        "6": _l("Sunday"),
    },
    "age_band": {
        "week": _l("up to 7 days"),
        "month": _l("8 to 30 days"),
        "quarter": _l("31 to 90 days"),
        "older": _l("more than 90 days"),
    },
}
