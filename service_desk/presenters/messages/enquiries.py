"""Refusals about first contacts and hand-overs."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "about_unknown": _l(
        "%(value)s is neither a claim, a policy nor a plate that you see. Check it, or leave it empty."
    ),
    "contact_branch_unknown": _l("Choose a branch of this account."),
    "nobody_at_desk": _l("Nobody works at the desk of this account yet. Call the insurer."),
    "answer_missing": _l("Write the answer first."),
    "enquiry_closed": _l("This contact is closed."),
    "enquiry_of_claim": _l("This contact belongs to a claim and is closed together with it."),
    "not_the_owner": _l("Only the owner or a manager can do this."),
    "matter_closed": _l("This matter has ended; there is nothing to hand over."),
    "taker_unsuitable": _l("Choose a colleague who works on this account."),
    "handover_open": _l("It is offered to somebody already. Take that offer back first."),
    "handover_decided": _l("This offer was decided or taken back meanwhile."),
    "handover_overtaken": _l("The matter has another owner meanwhile. Send the offer back."),
}
