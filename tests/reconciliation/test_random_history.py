"""A random history made by the state machine itself, counted slowly: every figure of the desk is the same."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from service_desk.app import create_app
from service_desk.models.db import Base, db
from service_desk.rules.report_document import ReportKind
from tests import databases
from tests.conftest import make_config
from tests.reconciliation.comparing import Differences, check_measures, month
from tests.reconciliation.history import Size, write_history
from tests.reconciliation.records import TABLES, read_rows
from tests.reconciliation.reports import Days, check_reports, quarter, week, year
from tests.reconciliation.slow_measures import SlowCounts
from tests.world import build_world

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
LARGE, SMALL = Size(50_000, 300), Size(1_500, 120)
# Over the large history each once, over the small one also what runs, a leap year and days of the past.
MEASURED = {LARGE: [month(2026, 10)]}
MEASURED[SMALL] = [week(date(2026, 11, 9)), month(2024, 2), month(2026, 11), quarter(2025, 7), year(2024)]
REPORTS: dict[ReportKind, list[Days]] = {
    ReportKind.WEEKLY_CLAIMS: [week(date(2026, 11, 9)), week(date(2026, 11, 23))],
    ReportKind.MONTHLY_UNDERWRITING: [month(2025, 2), month(2026, 11)],
    ReportKind.MONTHLY_CASES: [month(2024, 12), month(2026, 11)],
    ReportKind.RENEWAL_FORECAST: [month(2025, 2), month(2026, 11)],
    ReportKind.QUARTERLY_REVIEW: [quarter(2025, 7), quarter(2026, 10)],
    ReportKind.ANNUAL_SERVICE: [year(2025), year(2026)],
    ReportKind.BRANCH_DEMAND: [quarter(2025, 1), quarter(2026, 10)],
}


@dataclass(frozen=True)
class History:
    size: Size
    counts: SlowCounts
    rows: dict[str, list[Any]]


@pytest.fixture(scope="module", params=[("sqlite", LARGE), ("postgres", SMALL)], ids=["sqlite", "postgres"])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A desk of its own: emptying so many rows would cost the tests that come after."""
    kind, size = request.param
    folder: Path = tmp_path_factory.mktemp("history")
    if kind == "sqlite":
        url = databases.sqlite_database(folder / "desk.sqlite3")
    else:
        url = databases.create_postgres_database(
            request.getfixturevalue("postgres"), f"history_{folder.name}"
        )
    app = create_app(make_config(url, folder))
    # A million rows are made and none is let go: looking for those costs a third of the time.
    gc.disable()
    try:
        with app.app_context():
            Base.metadata.create_all(db.engine)
            world = build_world()
            db.session.commit()
            rows = write_history(world, NOW, size)
            # A planner that knows nothing of so many new rows may take a minute for one report.
            db.session.execute(text("ANALYZE"))
            db.session.commit()
            yield History(size, SlowCounts(rows, world.account.id, NOW), rows)
            db.session.remove()
            db.engine.dispose()
    finally:
        gc.enable()


def test_the_history_has_everything_and_was_written_as_it_was_made(history: History) -> None:
    rows = history.rows
    assert len(rows["claims"]) == history.size.claims
    assert not {name for name in TABLES if not rows[name]}
    assert len({one.state for one in rows["claims"]}) == 11
    assert {one.state for one in rows["timers"]} == {"met", "breached", "running", "paused", "cancelled"}
    assert {one.round for one in rows["claims"]} >= {1, 2}
    for name in ("claims", "timer_segments", "policies", "receipt_allocations"):
        assert read_rows([name])[name] == rows[name]


def test_every_measure_equals_a_slow_count(history: History) -> None:
    found = Differences()
    for days in MEASURED[history.size]:
        check_measures(history.counts, *days, found)
    found.require_none()
    assert found.compared > 1_000


def test_every_figure_of_every_report_equals_a_slow_count(history: History) -> None:
    wanted = REPORTS if history.size is SMALL else {kind: days[:1] for kind, days in REPORTS.items()}
    found = Differences()
    kinds = {report.kind for report in check_reports(history.counts, wanted, found)}
    found.require_none()
    assert kinds == set(ReportKind)
    assert found.compared > 10_000
