"""Refusals of parties, reserves and the checklist of documents."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "party_empty": _l("Say at least one thing about the party: a name, a plate, what it is."),
    "too_many_parties": _l("A claim has at most %(most)s parties."),
    "age_invalid": _l("An age lies between 0 and 120."),
    "own_vehicle_known": _l("Our vehicle is entered already."),
    "party_in_use": _l("Something was estimated or followed for this party, so it stays."),
    "kind_of_another_party": _l("This kind of loss does not belong to this party."),
    "item_assessed": _l("This item is assessed already; its amount is changed by a review."),
    "not_a_person": _l("Only people are followed up."),
    "day_in_future": _l("This day has not come yet."),
    "before_loss": _l("This day lies before the accident."),
    "next_before_day": _l("The next day to ask must come after this one."),
    "forecast_below_cost": _l("The forecast is of all costs: it cannot be below what it has cost so far."),
    "own_assessment": _l("You made this assessment. Another person has to review it."),
    "review_unchanged": _l("No amount is different from the assessment."),
    "features_unchanged": _l("The checklist is made from exactly these already."),
    "line_full": _l("A line of the checklist holds at most %(most)s files."),
    "pause_without_notice": _l(
        "The client was not told yet what is missing. Send the one-time notice first; then the clock may stand on it."
    ),
    "pause_before_notice": _l("The notice went out at %(at)s; the clock may stand for it from then on."),
    "pause_nothing_missing": _l("No document is missing, so there is nothing to wait for."),
}
