"""Words of the service commitments."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "promise_verdict": {
        "kept": _l("promise kept"),
        "not_kept": _l("not kept"),
        "no_cases": _l("no cases yet"),
    },
    "report_table": {"commitments": _l("Promises kept, month by month")},
    "report_heading": {"commitment": _l("Promise"), "months_kept": _l("Months kept")},
    "audit_action": {
        "promises_drafted": _l("Next version of the promises begun"),
        "promises_changed": _l("Draft of the promises changed"),
        "promises_dropped": _l("Draft of the promises given up"),
        "promises_published": _l("Promises published"),
    },
    "audit_field": {
        "promise": _l("Promise"),
        "promises": _l("Promises"),
        "preface": _l("Preface"),
        "preface_en": _l("Preface, in English"),
        "supervision_name": _l("Who supervises the service"),
        "supervision_phone": _l("Supervision phone"),
        "published_at": _l("Published at"),
        "published_by_id": _l("Published by"),
        "target_cents": _l("Target (hundredths)"),
        "comparison": _l("Comparison"),
        "words_en": _l("In more words, in English"),
        "title_en": _l("Promise, in English"),
    },
}
