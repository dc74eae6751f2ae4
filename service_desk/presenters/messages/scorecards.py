"""Refusals about scorecards and cards."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "card_own": _l("Nobody decides on a card of their own. Another manager of the account does."),
    "card_of_another": _l("Only the person who got the card replies to it."),
    "card_decided": _l("This card was decided before."),
    "card_answered": _l("There was a reply before, or the card does not count any more."),
    "card_not_answered": _l("There is no reply to answer, or the last word was said."),
    "card_rules_own": _l("The account goes by the default rules. Make them its own before you change them."),
    "card_measure": _l("No card is given for how much somebody has to do. Choose another measure."),
    "card_threshold": _l(
        "This cannot be the threshold of such a figure: a share lies between 0 and 100, a score between 0 and 5, "
        "a number is whole."
    ),
    "card_months": _l("Choose 1 to %(most)s months."),
    "card_day_past": _l("Choose today or a later day: kept months were judged by the rules of then."),
}
