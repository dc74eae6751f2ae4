"""The pages that open the rows behind the overview's figures."""

from collections.abc import Callable
from typing import Any

from flask import url_for

from service_desk.forms.months import month_code
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.periods import Period
from service_desk.services.dashboard import Behind


def claims_url(behind: str, period: Period, **narrowed: Any) -> str:
    """The claims behind a figure of a period."""
    return url_for("dashboard.claims_behind", behind=str(behind), **{**days(period), **narrowed})


def premium_url(behind: str, period: Period) -> str:
    """The premium behind a figure of a period."""
    return url_for("dashboard.premium_behind", behind=str(behind), **days(period))


def clocks_url(verdict: str, period: Period | None = None, step: str | None = None) -> str:
    """The clocks behind a figure: of a period, or of now."""
    return url_for("sla.compliance_timers", verdict=verdict, step=step, **(days(period) if period else {}))


def days(period: Period) -> dict[str, Any]:
    """A period as the addresses of lists have it."""
    return {"from_on": period.first.isoformat(), "to_on": period.last.isoformat()}


def url_now(code: C, today: Period) -> str:
    """The rows behind a figure of now. KeyError for one that is of a period."""
    return _NOW[code](today)


def url_then(code: C, day: Period) -> str | None:
    """The same as of the end of a past day; None where no list goes back."""
    return _THEN[code](day) if code in _THEN else None


def url_of(code: C, period: Period) -> str:
    """The rows behind a figure of a period. KeyError for one of now."""
    return _PERIOD[code](period)


_Link = Callable[[Period], str]
_THEN: dict[C, _Link] = {
    C.OUTSTANDING: lambda day: claims_url(Behind.OPEN, day),
    C.OUTSTANDING_LARGE: lambda day: claims_url(Behind.LARGE, day),
    C.COVERAGE: lambda day: url_for("coverage.vehicles", **days(day)),
    C.UNINSURED_VEHICLES: lambda day: url_for("coverage.vehicles", which="missed", **days(day)),
    C.PREMIUM_OVERDUE: lambda day: url_for("premiums.ledger", on=day.last.isoformat()),
}
_NOW: dict[C, _Link] = {
    **_THEN,
    C.CLOCKS_AT_RISK: lambda _day: clocks_url("at_risk"),
    C.CLOCKS_LATE: lambda _day: clocks_url("late"),
    C.BREACHES_UNREVIEWED: lambda _day: url_for("sla.breaches"),
    C.OUTSTANDING: lambda _day: url_for("claims.queue", view="open"),
    C.OUTSTANDING_LARGE: lambda _day: url_for("claims.queue", view="large"),
    C.PREMIUM_OVERDUE: lambda _day: url_for("premiums.ledger"),
}
_PERIOD: dict[C, _Link] = {
    C.PROMISES_KEPT: lambda period: clocks_url("judged", period),
    C.BREACHES: lambda period: clocks_url("breached", period),
    C.CLAIMS_REPORTED: lambda period: claims_url(Behind.REPORTED, period),
    C.CLAIMS_CLOSED: lambda period: claims_url(Behind.CLOSED, period),
    C.ROLLING_CLOSING_RATE: lambda period: claims_url(Behind.ROLLING, period),
    C.CLOSING_CYCLE: lambda period: claims_url(Behind.SETTLED, period),
    C.EARNED_LOSS_RATIO: lambda period: claims_url(Behind.REPORTED, period),
    C.SIMPLE_LOSS_RATIO: lambda period: claims_url(Behind.REPORTED, period),
    C.FOLLOWED_UP: lambda period: claims_url(Behind.ASKED, period),
    C.FOLLOW_UP_SCORE: lambda period: claims_url(Behind.ANSWERED, period),
    C.DISSATISFIED: lambda period: claims_url(Behind.DISSATISFIED, period),
    C.RENEWAL_DUE: lambda month: url_for("renewals_figures.rate", month=month_code(month)),
    C.RENEWAL_RATE: lambda month: url_for("renewals_figures.rate", month=month_code(month)),
}
