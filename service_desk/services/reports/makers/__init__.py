"""Who makes each report: one module a kind, with `make(account, period, *, now)`. A kind without one is not offered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from service_desk.models.accounts import KeyAccount
from service_desk.rules.periods import Period
from service_desk.rules.report_document import Report, ReportKind
from service_desk.services.reports.makers import (
    annual_service,
    branch_demand,
    monthly_cases,
    monthly_underwriting,
    quarterly_review,
    renewal_forecast,
    weekly_claims,
)


class Maker(Protocol):
    """Works a report out. Reads only; a past period comes out the same whenever it is made."""

    def make(self, account: KeyAccount, period: Period, *, now: datetime) -> Report: ...


MAKERS: Mapping[ReportKind, Maker] = {
    ReportKind.WEEKLY_CLAIMS: weekly_claims,
    ReportKind.MONTHLY_UNDERWRITING: monthly_underwriting,
    ReportKind.MONTHLY_CASES: monthly_cases,
    ReportKind.RENEWAL_FORECAST: renewal_forecast,
    ReportKind.QUARTERLY_REVIEW: quarterly_review,
    ReportKind.ANNUAL_SERVICE: annual_service,
    ReportKind.BRANCH_DEMAND: branch_demand,
}


def kinds() -> list[ReportKind]:
    """The reports that can be made, in their own order."""
    return [kind for kind in ReportKind if kind in MAKERS]
