"""A random history made by the state machine itself, counted slowly: every figure of the desk is the same."""

import os
import time
from datetime import UTC, date, datetime

from service_desk.rules.report_document import ReportKind
from tests.reconciliation.comparing import Differences, check_measures, month
from tests.reconciliation.history import Size, write_history
from tests.reconciliation.reports import check_reports, quarter, week, year
from tests.reconciliation.slow_measures import SlowCounts

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
PERIODS = [week(date(2026, 11, 9)), month(2024, 2), month(2026, 11), quarter(2025, 7), year(2024)]
REPORTS = {
    ReportKind.WEEKLY_CLAIMS: [week(date(2026, 11, 9)), week(date(2026, 11, 23))],
    ReportKind.MONTHLY_UNDERWRITING: [month(2025, 2), month(2026, 11)],
    ReportKind.MONTHLY_CASES: [month(2024, 12), month(2026, 11)],
    ReportKind.RENEWAL_FORECAST: [month(2025, 2), month(2026, 11)],
    ReportKind.QUARTERLY_REVIEW: [quarter(2025, 7)],
    ReportKind.ANNUAL_SERVICE: [year(2025), year(2026)],
    ReportKind.BRANCH_DEMAND: [quarter(2026, 7)],
}


def test_measures(world):
    t = time.process_time()

    def lap(what):
        nonlocal t
        print(what, round(time.process_time() - t, 2)); t = time.process_time()
    rows = write_history(world, NOW, Size(int(os.environ.get("N", "1500")), 300))
    lap("made")
    counts = SlowCounts(rows, world.account.id, NOW)
    lap("ready")
    to = Differences()
    for first, last in PERIODS:
        check_measures(counts, first, last, to)
        lap(f"{first}, {last}, {to.compared}, {len(to.found)}")
    for report in check_reports(counts, REPORTS, to):
        lap(f"{report.kind}, {report.period_from}, {to.compared}, {len(to.found)}")
    to.require_none()
