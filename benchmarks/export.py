"""A list of 50,000 claims as .xlsx, from the question to the file, beside the bulk writer with the same cells.

It must not grow in memory either: the peak of what the desk allocates is said beside the time.
"""

import shutil
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import xlsxwriter
from sqlalchemy import insert, select

from benchmarks.timing import Act, line
from service_desk.adapters.spreadsheets import write_workbook
from service_desk.app import create_app
from service_desk.base.money import from_fen
from service_desk.models.claims import Claim
from service_desk.models.db import db, read_standing_still, table_of
from service_desk.presenters import claims as words
from service_desk.services import exports
from service_desk.services.claims import queries
from service_desk.services.claims.queries import ClaimFilter, QueueView
from tests import databases
from tests.claim_cases import reported_claim
from tests.conftest import make_config
from tests.world import World, build_world

ROWS = 50_000
REPEATS = 2
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
# Portions and the writer's own buffers, whatever the length of the list.
MOST_MEMORY = 60 * 2**20


def measure() -> Iterator[dict[str, Any]]:
    """Time the export and the bare writer by turns, in milliseconds of the processor."""
    with _desk() as (world, folder):
        cells = list(_sheet(world).rows)
        if len(cells) != ROWS:
            raise AssertionError(f"{len(cells)} rows instead of {ROWS}")
        export = bare = float("inf")
        for _repeat in range(REPEATS):
            bare = min(bare, _seconds(lambda: _write_bare(folder / "bare.xlsx", cells)))
            export = min(export, _seconds(lambda: _export(world, folder / "export.xlsx")))
        peak = _peak(lambda: _export(world, folder / "export.xlsx"))
        if peak > MOST_MEMORY:
            raise AssertionError(f"an export of {ROWS} rows holds {peak / 2**20:.0f} MiB at once")
        yield line("export.50k", export * 1e3, bare * 1e3, "ms") | {"peak_mib": round(peak / 2**20, 1)}


def _sheet(world: World) -> Any:
    wanted = ClaimFilter(view=QueueView.OPEN)
    rows = exports.in_portions(
        lambda page: queries.list_claims(world.account.id, wanted, page, actor=world.manager, now=NOW)
    )
    return words.sheet(rows, wanted.view, NOW)


def _export(world: World, path: Path) -> None:
    read_standing_still()
    with path.open("wb") as out:
        write_workbook(out, [_sheet(world)])


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
    """An account with 50,000 open claims on SQLite."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        url = databases.sqlite_database(folder / "desk.sqlite3")
        databases.create_schema(url)
        app = create_app(make_config(url, folder))
        with app.test_request_context():
            world = build_world()
            claim = reported_claim(world, NOW)
            db.session.commit()
            _multiply(claim)
            yield world, folder
            db.session.remove()
            db.engine.dispose()
    finally:
        shutil.rmtree(folder)


def _multiply(claim: Claim) -> None:
    table = table_of(Claim)
    row = dict(db.session.execute(select(table).where(table.c.id == claim.id)).mappings().one())
    del row["id"]
    copies = (
        row
        | {
            "number": f"CLM{number:010d}",
            "plate": f"豫A{number:05d}",
            "place": f"G310 {number} 号路口",
            "reported_at": row["reported_at"] - timedelta(minutes=number),
        }
        for number in range(1, ROWS)
    )
    db.session.execute(insert(table), list(copies))
    db.session.commit()
