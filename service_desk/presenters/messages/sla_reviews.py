"""Refusals about reviews, corrections and the list of causes."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "review_by_holder": _l(
        "You held this clock yourself. A manager who did not hold it must sign the review."
    ),
    "review_cause_unknown": _l("Choose a cause from the list."),
    "review_correction_needed": _l("Somebody of ours is responsible, so a correction is needed."),
    "review_owner_missing": _l("Nobody of ours is responsible. Choose who makes the correction."),
    "review_owner_unknown": _l("Choose a person who works for this account now."),
    "correction_of_another": _l("Only who makes this correction, or a manager, may open it."),
    "correction_done": _l("This correction was reported done meanwhile."),
    "cause_name_missing": _l("Give the cause a name."),
    "cause_known": _l("“%(name)s” stands in the list already."),
    "cause_retired": _l("“%(name)s” was retired. Bring it back instead."),
    "cause_last": _l("A review must be able to name a cause. Add another before you retire the last one."),
}
