"""Why a market figure is refused."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "market_measure": _l(
        "The market's figures are of shares, days and averages. Choose one of the measures offered."
    ),
    "market_words_missing": _l("Say of which claims it is, for when it was published and by whom."),
    "market_value": _l("Enter a number from 0 with at most two decimals."),
}
