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
}
