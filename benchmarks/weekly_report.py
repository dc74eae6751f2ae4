"""The weekly report of one account among 500,000 claims as .xlsx, beside its SQL alone and a bare writer of the same cells.

Of an account of 5,000 claims, and of one that has them all.
"""

import io
import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import xlsxwriter
from python_calamine import CalamineWorkbook
from sqlalchemy import event, select

from benchmarks.dashboard import ALL, OWN, build
from benchmarks.timing import line
from service_desk.base.clock import local_date, utc_now
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.presenters.languages import in_language
from service_desk.presenters.report_documents import workbook
from service_desk.rules.periods import Preset, period_of
from service_desk.services.reports.makers import weekly_claims
from tests import databases

ROUNDS = 15
Sheets = list[tuple[str, list[list[Any]]]]


def measure() -> Iterator[dict[str, Any]]:
    """Report and workbook by turns with their floor."""
    for name, own in (("report.weekly_500k", OWN), ("report.weekly_500k_whole", ALL)):
        folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
        try:
            path = folder / "desk.sqlite3"
            app = build(databases.sqlite_database(path), folder, ALL, own)
            with app.test_request_context(), in_language("zh"):
                yield _measured(name, path)
                db.session.remove()
                db.engine.dispose()
        finally:
            shutil.rmtree(folder)


def _measured(name: str, path: Path) -> dict[str, Any]:
    account = db.session.scalars(select(KeyAccount).order_by(KeyAccount.id).limit(1)).one()
    now = utc_now() + timedelta(minutes=1)
    week = period_of(Preset.LAST_WEEK, local_date(now))

    def make() -> bytes:
        return workbook(weekly_claims.make(account, week, now=now))

    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    book = CalamineWorkbook.from_filelike(io.BytesIO(make()))
    event.remove(db.engine, "before_cursor_execute", note)
    sheets = [(name, book.get_sheet_by_name(name).to_python()) for name in book.sheet_names]
    sqlite3.register_adapter(datetime, str)
    bare = sqlite3.connect(path)

    def floor() -> None:
        for statement, values in asked:
            bare.execute(statement, values).fetchall()
        _write(sheets)

    value = least = float("inf")
    for _round in range(ROUNDS):
        value, least = min(value, _seconds(make)), min(least, _seconds(floor))
        db.session.expire_all()
    cells = sum(len(row) for _name, rows in sheets for row in rows)
    return line(name, value, least, "s") | {"cells": cells, "statements": len(asked)}


def _write(sheets: Sheets) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if cell != "":
                        sheet.write(number, column, cell if isinstance(cell, (int, float)) else str(cell))
    return target.getvalue()


def _seconds(act: Any) -> float:
    begin = perf_counter()
    act()
    return perf_counter() - begin


if __name__ == "__main__":
    for one in measure():
        sys.stdout.write(json.dumps(one) + "\n")
