"""Matching a client's list of 5,000 rows against 200,000 claims, beside reading the file."""

import io
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import xlsxwriter
from sqlalchemy import insert

from benchmarks.timing import Act, line
from service_desk.adapters.spreadsheets import read_workbook
from service_desk.app import create_app
from service_desk.models.claims import Claim, ReportChannel
from service_desk.models.db import db, table_of
from service_desk.models.fleet import PlateRecord, Vehicle, VehicleState
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.outstanding_list import Said, read_list
from service_desk.services.claims.outstanding.comparing import compare
from service_desk.services.claims.outstanding.knowing import match_rows
from tests import databases
from tests.conftest import make_config
from tests.factories import make_vin
from tests.world import World, build_world

ROWS, CLAIMS, VEHICLES = 5_000, 200_000, 50_000
REPEATS = 5
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
FIRST = date(2022, 1, 1)
DAYS = 1_700


def measure() -> Iterator[dict[str, Any]]:
    """Time matching and the whole comparison by turns with reading the file into what its rows say, in milliseconds."""
    content, by_report = _list(_claim_no), _list(_report_no)
    with _desk() as world:
        account_id = world.account.id
        rows = _found(account_id, content)
        reports = _found(account_id, by_report)
        matching = reporting = comparing = reading = float("inf")
        for _repeat in range(REPEATS):
            reading = min(reading, _seconds(lambda: read_list(read_workbook(content))))
            matching = min(matching, _seconds(lambda: match_rows(account_id, rows)))
            reporting = min(reporting, _seconds(lambda: match_rows(account_id, reports)))
            comparing = min(comparing, _seconds(lambda: compare(content, account_id)))
            db.session.rollback()
        yield line("outstanding.match_5k", matching * 1e3, reading * 1e3, "ms")
        yield line("outstanding.match_5k, by report number", reporting * 1e3, reading * 1e3, "ms")
        yield line("outstanding.compare_5k, reading and all our claims", comparing * 1e3, reading * 1e3, "ms")


def _found(account_id: int, content: bytes) -> tuple[Said, ...]:
    """The rows of a list, once every one of them is found or asked about."""
    rows = read_list(read_workbook(content)).rows
    matches, _known = match_rows(account_id, rows)
    # A number typed wrong is another claim's here, so that such a row is asked about.
    sure = sum(match.claim is not None for match in matches)
    asked = sum(bool(match.candidates) for match in matches)
    if sure < ROWS * 0.9 or sure + asked != ROWS:
        raise AssertionError(f"{sure} rows are sure and {asked} asked about, of {ROWS}")
    return rows


def _seconds(act: Act) -> float:
    """The processor's time: SQLite works in this process, and what others do on the machine does not count."""
    begin = process_time()
    act()
    return process_time() - begin


def _plate(vehicle: int) -> str:
    return f"豫{'FGHJK'[vehicle % 5]}{10_000 + vehicle // 5:05d}"


def _day(claim: int) -> date:
    return FIRST + timedelta(days=claim * 7919 % DAYS)


def _claim_no(claim: int) -> str:
    return f"CLM-2026-{claim + 1:06d}"


def _report_no(claim: int) -> str:
    return f"RDZA2026{claim:014d}"


def _list(number_of: Callable[[int], str]) -> bytes:
    """Half by number, half by plate and day, one in twenty with a slip of typing."""
    chance = random.Random(ROWS)
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        page = book.add_worksheet("未决")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        page.write_string(0, 0, "未决赔案清单")
        page.write_row(
            2,
            0,
            ("序号", "分公司", "车牌号", "立案号", "出险日期", "估损金额", "案件状态", "驾驶员", "出险地点"),
        )
        for row in range(ROWS):
            claim = chance.randrange(CLAIMS)
            number = number_of(claim) if row % 2 else ""
            plate = _plate(claim % VEHICLES)
            if row % 20 == 0:
                plate = f"{plate[:2]}·{plate[2:]}"
            if row % 20 == 1:
                number = number[:-2] + number[-1] + number[-2]
            page.write_row(3 + row, 0, (row + 1, "巩义客运分公司", plate, number))
            page.write_datetime(3 + row, 4, datetime(*_day(claim).timetuple()[:3]), day)
            page.write_row(3 + row, 5, (3_000, "未决", "张三", "G310 巩义站街路口"))
    return out.getvalue()


@contextmanager
def _desk() -> Iterator[World]:
    """A desk on SQLite with 50,000 vehicles and 200,000 claims."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        url = databases.sqlite_database(folder / "outstanding.sqlite3")
        databases.create_schema(url)
        app = create_app(make_config(url, folder))
        with app.app_context():
            world = build_world()
            db.session.flush()
            _fill(world)
            db.session.commit()
            yield world
            db.session.rollback()
            db.engine.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(world: World) -> None:
    branch, account = world.gongyi, world.account
    vehicles = [
        {
            "id": 1_000 + number,
            "account_id": account.id,
            "branch_id": branch.id,
            "plate": _plate(number),
            "vin": make_vin(500_000 + number),
            "engine_no": "",
            "model": "",
            "state": VehicleState.OPERATING,
            "created_at": NOW,
            "version": 1,
        }
        for number in range(VEHICLES)
    ]
    db.session.execute(insert(table_of(Vehicle)), vehicles)
    records = [{"vehicle_id": one["id"], "plate": one["plate"], "from_at": NOW} for one in vehicles]
    db.session.execute(insert(table_of(PlateRecord)), records)
    for start in range(0, CLAIMS, 20_000):
        claims = [_claim(world, number) for number in range(start, start + 20_000)]
        db.session.execute(insert(table_of(Claim)), claims)


def _claim(world: World, number: int) -> dict[str, Any]:
    day = _day(number)
    at = datetime(day.year, day.month, day.day, 3, 0, tzinfo=UTC)
    return {
        "number": _claim_no(number),
        "report_no": _report_no(number),
        "report_key": _report_no(number),
        "account_id": world.account.id,
        "branch_id": world.gongyi.id,
        "vehicle_id": 1_000 + number % VEHICLES,
        "plate": _plate(number % VEHICLES),
        "state": ClaimState.CLOSED if number % 100 else ClaimState.SURVEYED,
        "round": 1,
        "is_disputed": False,
        "loss_at": at,
        "reported_at": at,
        "place": "G310",
        "is_urban": True,
        "description": "追尾",
        "injured_count": 0,
        "other_party": "",
        "channel": ReportChannel.PHONE,
        "reporter_name": "郭永刚",
        "callback_phone": "",
        "reported_by_id": world.hq.id,
        "owner_id": world.claims1.id,
        "reserve_fen": 3_000_00,
        "highest_estimate_fen": 3_000_00,
        "approved_fen": 0,
        "paid_fen": 0,
        "denial_reason": "",
        "version": 1,
    }


if __name__ == "__main__":
    for one in measure():
        print(f"{one['name']:45} {one['value']:>10} {one['unit']}  {one['ratio']:>7} × floor")
