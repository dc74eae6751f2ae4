"""Refusals about endorsements, cancellation and replacement."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    # When
    "effective_day_missing": _l("Choose the day on which it takes effect."),
    "effective_before_start": _l("It cannot take effect before the policy begins on %(starts_on)s."),
    "effective_after_end": _l("It cannot take effect after the policy's last day, %(ends_on)s."),
    "effective_before_last": _l(
        "It cannot take effect before the last endorsement, which does at %(last)s: that one was worked out from the policy as it stood."
    ),
    "cover_not_for_the_past": _l(
        "Cover is not given for days that have passed. Choose today (%(today)s) or a later day."
    ),
    "effective_before_loss": _l(
        "Claim %(number)s is for a loss on %(loss)s. Cover cannot change before it; choose a later day."
    ),
    "vehicle_record_only_now": _l(
        "The vehicle's record cannot be changed for a day to come. Leave it as it is and change it on that day."
    ),
    # What
    "endorsement_changes_nothing": _l("This is what the policy states already."),
    "endorsement_changed": _l(
        "The premium has changed since it was shown. Check it again; nothing was written."
    ),
    "cover_choice_missing": _l("Choose the covers."),
    "cover_not_possible": _l("This choice does not fit the kind of endorsement or the line."),
    "cover_limit_missing": _l("Enter the new limit or sum insured."),
    "agreed_premium_missing": _l("Enter the agreed premium of a whole year."),
    "endorsement_needs_premium": _l(
        "The policy does not stand in a price table as it is. Enter the premium of a whole year that was agreed."
    ),
    "total_loss_needs_premium": _l(
        "The price table does not tell what own damage costs. Enter the premium of a whole year without it, at most ¥%(most)s."
    ),
    # Cancellation
    "cancel_cause_missing": _l("Choose why it is cancelled."),
    "ctpl_cancel_reason": _l(
        "CTPL can be cancelled only when the vehicle is deregistered, laid up or confirmed lost (CTPL Regulation art. 16)."
    ),
    "no_cancellation_regime": _l("There was no CTPL before 1 July 2006."),
    # Replacement
    "replacement_unknown": _l("No vehicle of the account has the plate or VIN %(value)s."),
    "replacement_same": _l("This is the vehicle the policy is for."),
    "replacement_not_operating": _l(
        "The new vehicle is not operating. Only an operating vehicle can take over."
    ),
    "tax_only_with_ctpl": _l("Vehicle tax is collected with CTPL only."),
    # Cases of the command line
    "months_invalid": _l("The table of short rates has 1 to 12 months."),
    "days_invalid": _l("The days that remain lie between none and all of the year."),
    "count_invalid": _l("This must be a whole number."),
    "text_invalid": _l("This must be text."),
}
