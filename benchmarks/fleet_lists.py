"""How much checking a fleet list of 6,000 and of 50,000 vehicles costs beside only reading its cells."""

import io
import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import xlsxwriter
from python_calamine import CalamineWorkbook

from benchmarks.timing import line
from service_desk.adapters.spreadsheets import read_workbook
from service_desk.rules.fleet_list import BranchNames, check
from tests.factories import make_vin

LISTS = Path(__file__).parents[1] / "tests" / "data" / "fleet_lists"
REPEATS = 5
MANY = 50_000
HEAD = (
    "序号",
    "车牌号",
    "车架号",
    "发动机号",
    "厂牌型号",
    "使用性质",
    "座位数",
    "吨位",
    "初登日期",
    "交强险到期",
    "商业险到期",
    "所属分公司",
)


def measure() -> list[dict[str, Any]]:
    """Time reading and checking; the floor is calamine reading the same sheets and doing nothing with them."""
    data = (LISTS / "06-handover-6000.xlsx").read_bytes()
    branches = [
        BranchNames(entry["name"], tuple(entry["aliases"]))
        for entry in json.loads((LISTS / "branches.json").read_text(encoding="utf-8"))
    ]
    floor = _milliseconds(lambda: _bare_reading(data))
    many = large_list(MANY, [branch.name for branch in branches])
    return [
        _by_turns(
            "fleet.check_50k",
            lambda: check(read_workbook(many), branches),
            lambda: _bare_reading(many),
        ),
        _line("read 6,000 rows", _milliseconds(lambda: read_workbook(data)), floor),
        _line(
            "read and check 6,000 rows", _milliseconds(lambda: check(read_workbook(data), branches)), floor
        ),
    ]


def large_list(rows: int, branches: list[str]) -> bytes:
    """A list as a group keeps it: a title, plates with dots, dates as dates, as text and as numbers."""
    chance = random.Random(rows)
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        page = book.add_worksheet("车辆台账")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        page.write_string(0, 0, "营运车辆明细台账")
        page.write_row(2, 0, HEAD)
        for row in range(rows):
            _write_vehicle(page, row, chance, branches, day)
    return out.getvalue()


def _write_vehicle(page: Any, row: int, chance: random.Random, branches: list[str], day: Any) -> None:
    registered = date(2015, 1, 1) + timedelta(days=chance.randrange(4000))
    expires = date(2026, 6, 1) + timedelta(days=chance.randrange(365))
    cells = (
        row + 1,
        f"豫{'ABVHK'[row % 5]}·{10000 + row // 5:05d}"
        if row % 3
        else f"豫{'ABVHK'[row % 5]}{10000 + row // 5:05d}",
        make_vin(row),
        f"YC6J{row:06d}",
        chance.choice(("宇通 ZK6119H", "解放 J6L", "金龙 XMQ6127")),
        chance.choice(("公路客运", "营业货车", "城市公交")),
        chance.choice((45, 33, "49座", None)),
        chance.choice((None, 9.99, "9.9吨")),
    )
    for column, cell in enumerate(cells):
        if cell is not None:
            page.write(row + 3, column, cell)
    page.write_datetime(row + 3, 8, registered, day)
    page.write_string(row + 3, 9, expires.strftime("%Y.%m.%d") if row % 2 else f"{expires:%Y年%m月%d日}")
    page.write_number(row + 3, 10, int(f"{expires:%Y%m%d}"))
    page.write_string(row + 3, 11, branches[row % len(branches)])


def _bare_reading(data: bytes) -> object:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


def _line(name: str, value: float, floor: float) -> dict[str, Any]:
    return {
        "name": f"fleet list: {name}",
        "value": round(value, 1),
        "floor": round(floor, 1),
        "ratio": round(value / floor, 1),
        "unit": "ms",
    }


def _by_turns(name: str, work: Callable[[], object], floor: Callable[[], object]) -> dict[str, Any]:
    """The best of several runs of both, so that both meet the same machine."""
    value = bare = float("inf")
    for _ in range(REPEATS):
        bare = min(bare, _seconds(floor))
        value = min(value, _seconds(work))
    return line(name, value * 1e3, bare * 1e3, "ms")


def _milliseconds(work: Callable[[], object]) -> float:
    """The best of several runs: the least disturbed by whatever else the machine does."""
    return min(_seconds(work) for _ in range(REPEATS)) * 1000


def _seconds(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin


if __name__ == "__main__":
    for one in measure():
        print(f"{one['name']:45} {one['value']:>10} {one['unit']}  {one['ratio']:>7} × floor")
