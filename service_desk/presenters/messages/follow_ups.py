"""Refusals around the end of a claim, and where two people acted at once."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "stale_claim": _l(
        "While this page was open, %(who)s acted on the claim (%(at)s: %(what)s). What you typed is still here: "
        "check the claim as it is now and send again."
    ),
    "zero_reason_missing": _l("Nothing was paid. Say why."),
    "follow_up_not_planned": _l("Plan the follow-up: whom the desk asks, by a call or a form."),
    "follow_up_not_needed": _l("This claim needs no follow-up."),
    "next_try_past": _l("Choose a time to come for the next call."),
    "nothing_ticked": _l("Tick the claims first."),
    "too_many_ticked": _l("At most %(most)s claims at once."),
    "feedback_link_ended": _l(
        "This link answers no more. If you want to tell us something, call the person who handled the claim."
    ),
}
