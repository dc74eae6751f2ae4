"""Lists of 50,000 rows as .xlsx, from the question to the file, beside the bulk writer with the same cells.

They must not grow in memory either: the peak of what the desk allocates is said beside the time.
"""

import shutil
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import xlsxwriter
from sqlalchemy import insert, select

from benchmarks.timing import Act, line
from service_desk.adapters.spreadsheets import TableSheet, write_workbook
from service_desk.app import create_app
from service_desk.base.clock import CHINA, local_date
from service_desk.base.money import from_fen
from service_desk.models.db import Base, db, read_standing_still, table_of
from service_desk.models.policies import Policy
from service_desk.presenters import claims as words
from service_desk.presenters.premiums import statement_sheets
from service_desk.presenters.sla_compliance_sheets import About, clocks_sheet
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.periods import Period
from service_desk.services import exports, premiums
from service_desk.services.claims import queries
from service_desk.services.claims.queries import ClaimFilter, QueueView
from service_desk.services.sla.compliance import ComplianceFilter, RowsWanted, Verdicts, list_clocks
from tests import databases
from tests.claim_cases import reported_claim
from tests.conftest import make_config
from tests.premium_cases import issued
from tests.report_cases import survey_clock
from tests.world import World, build_world

ROWS = 50_000
REPEATS = 2
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
TODAY = local_date(NOW)
# Portions and the writer's own buffers, whatever the length of the list.
MOST_MEMORY = 60 * 2**20


def measure() -> Iterator[dict[str, Any]]:
    """Time each export and the bare writer by turns, in milliseconds of the processor."""
    with _desk() as (world, folder):
        for name, read in LISTS.items():
            yield _measured(name, lambda read=read: read(world), folder)


def _measured(name: str, read: Callable[[], TableSheet], folder: Path) -> dict[str, Any]:
    peak = _peak(lambda: _export(read, folder / "export.xlsx"))
    if peak > MOST_MEMORY:
        raise AssertionError(f"{name}: {ROWS} rows hold {peak / 2**20:.0f} MiB at once")
    cells = list(read().rows)
    if len(cells) != ROWS:
        raise AssertionError(f"{name}: {len(cells)} rows instead of {ROWS}")
    export = bare = float("inf")
    for _repeat in range(REPEATS):
        bare = min(bare, _seconds(lambda: _write_bare(folder / "bare.xlsx", cells)))
        export = min(export, _seconds(lambda: _export(read, folder / "export.xlsx")))
    return line(name, export * 1e3, bare * 1e3, "ms") | {"peak_mib": round(peak / 2**20, 1)}


def _claims(world: World) -> TableSheet:
    wanted = ClaimFilter(view=QueueView.OPEN)
    rows = exports.in_portions(
        lambda page: queries.list_claims(
            world.account.id, wanted, page, actor=world.manager, now=NOW, is_for_file=True
        )
    )
    return words.sheet(rows, wanted.view, NOW)


def _clocks(world: World) -> TableSheet:
    """The clocks behind a share of promises kept."""
    days = Period(TODAY - timedelta(days=400), TODAY)
    wanted = ComplianceFilter(world.account.id, days, step=ClockStep.SURVEY)
    asked = RowsWanted(Verdicts.JUDGED)
    rows = exports.in_portions(
        lambda page: list_clocks(wanted, asked, page, actor=world.manager, now=NOW).page
    )
    return clocks_sheet(rows, "Clocks", None, About("", "", (), NOW, CHINA))


def _open_premium(world: World) -> TableSheet:
    """What is open in a statement, the last of its sheets."""
    found = premiums.statement(world.account.id, TODAY, TODAY, actor=world.manager, now=NOW)
    open_policies = exports.in_portions(found.open_policies.read)
    return statement_sheets(found, (), open_policies)[-1]


LISTS: dict[str, Callable[[World], TableSheet]] = {
    "export.50k": _claims,
    "export.50k of clocks": _clocks,
    "export.50k of open premium": _open_premium,
}


def _export(read: Callable[[], TableSheet], path: Path) -> None:
    read_standing_still()
    with path.open("wb") as out:
        write_workbook(out, [read()])


def _write_bare(path: Path, cells: list[list[Any]]) -> None:
    """The writer alone: no database, no columns' kinds, only the same values one after the other."""
    with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_formulas": False}) as book:
        page = book.add_worksheet()
        text = book.add_format({"num_format": "@"})
        money = book.add_format({"num_format": "#,##0.00"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for at, row in enumerate(cells):
            for column, value in enumerate(row):
                if value is None:
                    page.write_blank(at, column, None, text)
                elif isinstance(value, datetime):
                    page.write_datetime(at, column, value.replace(tzinfo=None), moment)
                elif isinstance(value, int):
                    page.write_number(at, column, from_fen(value), money)
                else:
                    page.write_string(at, column, str(value), text)


def _seconds(act: Act) -> float:
    begin = process_time()
    act()
    return process_time() - begin


def _peak(act: Act) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@contextmanager
def _desk() -> Iterator[tuple[World, Path]]:
    """An account with 50,000 of everything that is listed, on SQLite."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        url = databases.sqlite_database(folder / "desk.sqlite3")
        databases.create_schema(url)
        app = create_app(make_config(url, folder))
        with app.test_request_context():
            world = build_world()
            _fill(world)
            yield world, folder
            db.session.remove()
            db.engine.dispose()
    finally:
        shutil.rmtree(folder)


def _fill(world: World) -> None:
    """Each list's only row 50,000 times."""
    claim = reported_claim(world, NOW)
    clock = survey_clock(world, claim, stopped_after=timedelta(minutes=30), seen_at=NOW)
    owed = issued(world, world.coach, NOW - timedelta(days=30), premium_fen=100_00)
    policy = db.session.get_one(Policy, owed.policy_id)
    db.session.commit()
    _copy(
        claim,
        {
            "number": lambda n: f"CLM{n:010d}",
            "plate": lambda n: f"豫A{n:05d}",
            "place": lambda n: f"G310 {n} 号路口",
            "reported_at": lambda n: NOW - timedelta(minutes=n),
        },
    )
    _copy(clock, {"matter_id": lambda n: claim.id + n, "matter_number": lambda n: f"CLM{n:010d}"})
    policy_id = policy.id
    _copy(policy, {"id": lambda n: policy_id + n, "number": lambda n: f"PCT{n:010d}"})
    _copy(owed, {"policy_id": lambda n: policy_id + n})


def _copy(row: Base, changes: dict[str, Callable[[int], Any]]) -> None:
    """A row as often as it takes, each with the values that must differ."""
    table = table_of(type(row))
    values = dict(db.session.execute(select(table).where(table.c.id == row.id)).mappings().one())
    del values["id"]
    copies = [values | {name: value(n) for name, value in changes.items()} for n in range(1, ROWS)]
    db.session.execute(insert(table), copies)
    db.session.commit()
