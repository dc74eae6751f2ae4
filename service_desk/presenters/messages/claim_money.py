"""Refusals about authority, advances, payments, letters and recoveries."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "beyond_authority": _l(
        "¥%(amount)s is beyond your authority of ¥%(limit)s. These people may decide it: %(people)s."
    ),
    "beyond_authority_of_all": _l(
        "¥%(amount)s is beyond your authority of ¥%(limit)s, and nobody else of this account may decide it. An administrator sets who may."
    ),
    "nobody_may_approve": _l("Nobody else may approve this amount. An administrator sets who may."),
    "tier_holder_missing": _l("Choose a role, a person, or both."),
    "tier_holder_cannot": _l("Only claims staff and managers decide claims."),
    "tier_date_past": _l("Authority cannot change for days that have passed."),
    "tier_starts_too_early": _l("This authority holds since %(after)s. Choose a later day."),
    "tier_limit_invalid": _l("Enter an amount from 0 up, or leave it empty for no limit."),
    "tier_contradicts": _l("“%(new)s” and “%(other)s” cannot both hold. End or change the other first."),
    "own_advance": _l("You proposed this advance. Another person has to approve it."),
    "advance_decided": _l("This advance is decided already."),
    "advance_not_approved": _l("Only an approved advance is paid, and only once."),
    "advance_amount": _l("An advance is paid as it was approved: ¥%(amount)s."),
    "advance_above_reserve": _l("At most ¥%(left)s of the reserve is left for an advance."),
    "account_number_doubtful": _l(
        "The check digit of this card number is wrong. Compare it with the card and tick, or correct it."
    ),
    "payee_unknown": _l(
        "This payee is none of the parties of the claim. Tick if the insured's payment authority is on file."
    ),
    "payment_returned": _l("This payment was recorded as returned already."),
    "clause_missing": _l("A refusal names at least one clause it stands on."),
    "no_letter_due": _l("This claim needs no letter."),
    "letter_not_written": _l("Write the letter first, then record that it was sent."),
    "before_letter": _l("This is before the letter was written. Check the date and the time."),
    "recovery_too_large": _l("This amount is too large to be right."),
    "recovery_above_open": _l("At most ¥%(left)s is still open."),
    "recovery_below_received": _l("¥%(least)s of it came in or was written off. Enter at least as much."),
    "recovery_amount_unchanged": _l("This is the amount already."),
    "recovery_follows_decision": _l(
        "What was paid too much follows from the decision on the claim. It changes with a new calculation."
    ),
    "receipt_struck": _l("This receipt is struck off already."),
}
