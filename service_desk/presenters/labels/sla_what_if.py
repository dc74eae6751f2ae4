"""Words of the what-if: how verdicts flip."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "what_if_flip": {
        "broken": _l("Broken instead of kept"),
        "kept": _l("Kept instead of broken"),
        "undecided": _l("Broken then, still in time"),
    },
    # Until spreadsheets of all pages were written down alike.
    "audit_action": {"what_if_exported": _l("What-if exported")},
    "audit_field": {"question": _l("Question")},
}
