"""The rows behind the figure of a promise, for who may open them."""

from datetime import date

from service_desk.models.users import User
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.rules.promises import Tie
from service_desk.services import access
from service_desk.web import figure_links as links

_OF_CLOCKS = frozenset({C.PROMISES_KEPT, C.BREACHES})
_OF_DAY = frozenset({C.COVERAGE, C.UNINSURED_VEHICLES})
_OF_RENEWALS = frozenset({C.RENEWAL_RATE})
_OF_CLAIMS = frozenset(
    {C.ROLLING_CLOSING_RATE, C.CLOSING_CYCLE, C.FOLLOWED_UP, C.FOLLOW_UP_SCORE, C.DISSATISFIED}
)


def rows_url(tie: Tie, month: Period, today: date, reader: User) -> str | None:
    """The page with the rows of a month's figure; None where there is none, or not for this reader."""
    if tie.step or tie.measure is C.SURVEYED_IN_TIME:
        step = tie.step.value if tie.step else "survey"
        return links.clocks_url("judged", month, step) if access.may(reader, Action.READ_COMPLIANCE) else None
    code = tie.measure
    if code in _OF_CLOCKS and access.may(reader, Action.READ_COMPLIANCE):
        return links.url_of(code, month)
    if code in _OF_DAY and access.may(reader, Action.READ_FLEET):
        last = min(month.last, today)
        return links.url_then(code, Period(last, last))
    if code in _OF_RENEWALS and access.may(reader, Action.READ_RENEWALS):
        return links.url_of(code, month)
    if code in _OF_CLAIMS and access.may(reader, Action.READ_DASHBOARD):
        return links.url_of(code, month)
    return None
