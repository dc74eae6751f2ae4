"""How much checking a fleet list of 6,000 vehicles costs beside only reading its cells."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from python_calamine import CalamineWorkbook

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.rules.fleet_list import BranchNames, check

LISTS = Path(__file__).parents[1] / "tests" / "data" / "fleet_lists"
REPEATS = 5


def measure() -> list[dict[str, Any]]:
    """Time reading and checking; the floor is calamine reading the same sheets and doing nothing with them."""
    data = (LISTS / "06-handover-6000.xlsx").read_bytes()
    branches = [
        BranchNames(entry["name"], tuple(entry["aliases"]))
        for entry in json.loads((LISTS / "branches.json").read_text(encoding="utf-8"))
    ]
    floor = _milliseconds(lambda: _bare_reading(data))
    return [
        _line("read 6,000 rows", _milliseconds(lambda: read_workbook(data)), floor),
        _line(
            "read and check 6,000 rows", _milliseconds(lambda: check(read_workbook(data), branches)), floor
        ),
    ]


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


def _milliseconds(work: Callable[[], object]) -> float:
    """The best of several runs: the least disturbed by whatever else the machine does."""
    return min(_seconds(work) for _ in range(REPEATS)) * 1000


def _seconds(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin


if __name__ == "__main__":
    for line in measure():
        print(f"{line['name']:45} {line['value']:>10} {line['unit']}  {line['ratio']:>7} × floor")
