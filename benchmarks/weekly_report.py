"""The weekly report of an account among half a million claims: made and written as a spreadsheet.

Beside it the floor: the same SQL sent by the bare driver, every row fetched, and the same cells written by XlsxWriter.
"""

import io
import sqlite3
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import xlsxwriter
from flask import Flask
from sqlalchemy import event, select
from xlsxwriter.worksheet import Worksheet

from benchmarks import big_book
from benchmarks.timing import Act, line
from service_desk.app import create_app
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.presenters.report_documents import workbook
from service_desk.rules.periods import Period
from service_desk.services.reports.makers import weekly_claims
from tests import databases
from tests.conftest import make_config
from tests.world import build_world

CLAIMS = 500_000
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
WEEK = Period(date(2026, 11, 16), date(2026, 11, 22))
REPEATS = 3

Statements = list[tuple[str, Any]]
# A call of a worksheet's method: which sheet, which method, with what.
Calls = list[tuple[int, str, Sequence[Any]]]


def measure() -> Iterator[dict[str, Any]]:
    """Seconds from the database to the finished file."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        database = folder / "weekly.sqlite3"
        app = _desk(database, folder)
        with app.app_context():
            account = db.session.scalars(select(KeyAccount).where(KeyAccount.code == "ZZLY")).one()
            yield _measured(app, account, database)
            db.session.remove()
            db.engine.dispose()
    finally:
        shutil.rmtree(folder)


def _desk(database: Path, folder: Path) -> Flask:
    url = databases.sqlite_database(database)
    databases.create_schema(url)
    app = create_app(make_config(url, folder))
    with app.app_context():
        big_book.build(build_world(), CLAIMS, NOW)
        db.session.remove()
    return app


def _measured(app: Flask, account: KeyAccount, database: Path) -> dict[str, Any]:
    def whole() -> None:
        with app.test_request_context():
            workbook(weekly_claims.make(account, WEEK, now=NOW))

    with _sql_kept() as statements, _cells_kept() as cells:
        whole()

    def bare() -> None:
        with closing(sqlite3.connect(database)) as connection:
            for statement, values in statements:
                connection.execute(statement, values).fetchall()
        _write(cells)

    # By turns, so that both meet the same machine.
    found = [(_seconds(whole), _seconds(bare)) for _ in range(REPEATS)]
    value, floor = (min(one) for one in zip(*found, strict=True))
    return line("report.weekly_500k", value, floor, "s") | {"statements": len(statements), "cells": len(cells)}


def _seconds(act: Act) -> float:
    begin = perf_counter()
    act()
    return perf_counter() - begin


@contextmanager
def _sql_kept() -> Iterator[Statements]:
    """What is asked of the database, as the driver got it."""
    asked: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        plain = tuple(str(value) if isinstance(value, datetime) else value for value in values)
        asked.append((statement, plain))

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


@contextmanager
def _cells_kept() -> Iterator[Calls]:
    """What is written on worksheets."""
    calls: Calls = []
    names = ("write_string", "write_number", "write_datetime", "write_blank")
    methods = {name: getattr(Worksheet, name) for name in names}

    def kept(name: str) -> Any:
        def write(page: Worksheet, *values: Any) -> Any:
            calls.append((page.index, name, values))
            return methods[name](page, *values)

        return write

    for name in names:
        setattr(Worksheet, name, kept(name))
    yield calls
    for name, method in methods.items():
        setattr(Worksheet, name, method)


def _write(calls: Calls) -> None:
    """The cells in one format a kind, into a file as `workbook` writes one."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        plain = book.add_format({"valign": "top"})
        pages = [book.add_worksheet() for _ in range(max(index for index, _name, _values in calls) + 1)]
        for index, name, (row, column, value, *_look) in calls:
            look = moment if name == "write_datetime" else plain
            getattr(pages[index], name)(row, column, value, look)


if __name__ == "__main__":
    for one in measure():
        print(one)
