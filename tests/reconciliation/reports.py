"""Every kind of report over its periods, made by the desk and counted anew."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import partial

from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.rules.periods import Period
from service_desk.rules.report_document import Report, ReportKind
from service_desk.services.reports.makers import MAKERS
from tests.reconciliation.claim_reports import check_demand, check_monthly_cases, check_weekly
from tests.reconciliation.comparing import Checker, Differences, month
from tests.reconciliation.cover_reports import check_forecast, check_underwriting
from tests.reconciliation.meetings import check_quarter, check_year
from tests.reconciliation.other_promises import Calendars
from tests.reconciliation.slow_measures import SlowCounts

Days = tuple[date, date]


def week(monday: date) -> Days:
    return monday, monday + timedelta(days=6)


def year(number: int) -> Days:
    return date(number, 1, 1), date(number, 12, 31)


def quarter(number: int, first_month: int) -> Days:
    return date(number, first_month, 1), month(number, first_month + 2)[1]


def make_report(counts: SlowCounts, kind: ReportKind, days: Days) -> Report:
    """The report as the desk makes it."""
    account = db.session.get_one(KeyAccount, counts.account_id)
    return MAKERS[kind].make(account, Period(*days), now=counts.now)


def check_reports(
    counts: SlowCounts, wanted: Mapping[ReportKind, list[Days]], to: Differences
) -> Iterator[Report]:
    """Make each, count it, and give it on."""
    checks: dict[ReportKind, Callable[[Checker], None]] = {
        ReportKind.WEEKLY_CLAIMS: check_weekly,
        ReportKind.MONTHLY_CASES: check_monthly_cases,
        ReportKind.BRANCH_DEMAND: check_demand,
        ReportKind.MONTHLY_UNDERWRITING: check_underwriting,
        ReportKind.RENEWAL_FORECAST: check_forecast,
        ReportKind.QUARTERLY_REVIEW: check_quarter,
        ReportKind.ANNUAL_SERVICE: partial(check_year, calendars=Calendars(counts.rows)),
    }
    assert set(wanted) == set(MAKERS) == set(checks)
    for kind, periods in wanted.items():
        for days in periods:
            report = make_report(counts, kind, days)
            checks[kind](Checker(counts, report, to))
            yield report
