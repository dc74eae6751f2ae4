"""Refusals about claims from dispatch to follow-up."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "claim_moved_on": _l(
        "This step is not possible any more: the claim has moved on. The page now shows where it stands."
    ),
    "time_in_future": _l("This time has not come yet."),
    "before_report": _l("This is before the accident was reported. Check the date and the time."),
    "not_a_handler": _l("Choose somebody who handles claims of this account."),
    "already_theirs": _l("%(name)s handles this claim already."),
    "contact_recorded": _l("The call back is recorded already."),
    "arrival_recorded": _l("The arrival is recorded already."),
    "assessment_empty": _l("Enter at least one item with its amount."),
    "assessment_item_unnamed": _l("Say of each amount what was damaged or who was hurt."),
    "nothing_missing": _l("No document is missing, so there is nothing to ask for."),
    "second_notice": _l(
        "The client was told once what is missing. Asking again needs a reason, and the client reads it."
    ),
    "paper_missing": _l("Choose a photo or a PDF of the document."),
    "document_not_received": _l("This document has not come yet."),
    "document_not_missing": _l("This document is not missing."),
    "documents_missing": _l(
        "%(count)s documents are still missing. Take them in, or say why they are not needed."
    ),
    "reserve_below_paid": _l("The reserve cannot be less than what is paid, ¥%(paid)s."),
    "reserve_out_of_range": _l("This amount is too large to be right."),
    "reserve_unchanged": _l("This is the present reserve."),
    "nothing_to_calculate": _l("Enter what was lost: at least one amount."),
    "nothing_insured": _l(
        "Only the own vehicle was damaged, and there was no own-damage cover at the time. Deny the claim, or correct the amounts."
    ),
    "rate_invalid": _l("Enter a share from 0 to 100."),
    "own_calculation": _l("You made this calculation. Another person has to approve it."),
    "calculation_superseded": _l("There is a newer calculation. Read it before you decide."),
    "payment_above_approved": _l("At most ¥%(left)s is still due."),
    "reserve_too_small": _l("The reserve is ¥%(reserve)s. Raise it before you pay this amount."),
    "account_number_invalid": _l("Enter the account number: 8 to 30 digits."),
    "payment_open": _l("¥%(left)s is approved and not paid yet."),
    "reserve_open": _l("¥%(left)s of the reserve is left. Tick to release it, or change the reserve first."),
    "follow_up_recorded": _l("The follow-up is recorded already."),
    "score_invalid": _l("Choose a score from 1 to 5."),
    "before_closing": _l("This is before the claim ended. Check the date and the time."),
    "comment_missing": _l("Write down what they are dissatisfied with: it becomes a matter with an owner."),
    "already_paid": _l("Money was paid for what would be withdrawn, so it cannot be."),
    "paid_back_is_due": _l(
        "%(amount)s that the client paid back is due to them again. Calculate and pay it before this round ends."
    ),
    "letter_recorded": _l("The letter is recorded already."),
    "before_denial": _l("This is before the claim was denied. Check the date and the time."),
    "reopening_needs_reserve": _l("The new reserve must be more than what is paid, ¥%(paid)s."),
}
