"""The managers' overview of one account of 5,000 claims among 500,000, beside its own SQL alone.

The second line sets its 95th percentile beside the one in a desk of those 5,000 claims only: what other accounts keep
must not be felt.
"""

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

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from benchmarks.claim_books import fill
from benchmarks.timing import line
from service_desk.app import create_app
from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.users import User
from tests import databases
from tests.conftest import make_config
from tests.world import build_world

OWN, ALL = 5_000, 500_000
ROUNDS = 40
PATH = "/overview?period=this_month"
Asked = list[tuple[str, Any]]


def measure() -> Iterator[dict[str, Any]]:
    """The page beside its statements, by turns; and beside the page of the small desk."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        small, big = (Desk(folder / str(size), size) for size in (OWN, ALL))
        for _ in range(ROUNDS):
            small.look()
            big.look()
            big.ask()
        yield line("dashboard.500k", min(big.pages), min(big.floors), "s") | {"statements": len(big.asked)}
        yield line("dashboard.500k_p95", p95(big.pages), p95(small.pages), "s")
    finally:
        shutil.rmtree(folder)


def p95(seconds: list[float]) -> float:
    """What nineteen of twenty did not exceed."""
    return sorted(seconds)[int(len(seconds) * 0.95)]


class Desk:
    """A desk with so many claims, a manager signed in, and the statements of the page."""

    def __init__(self, folder: Path, size: int, own: int = OWN) -> None:
        folder.mkdir()
        path = folder / "desk.sqlite3"
        self.app = build(databases.sqlite_database(path), folder, size, own)
        self.client = signed_in(self.app)
        self.pages: list[float] = []
        self.floors: list[float] = []
        self.asked = self._note()
        self.bare = sqlite3.connect(path)

    def look(self) -> None:
        """Open the page."""
        begin = perf_counter()
        answer = self.client.get(PATH)
        self.pages.append(perf_counter() - begin)
        if answer.status_code != 200 or answer.text.count("data-figure=") < 20:
            raise RuntimeError(f"the overview answered {answer.status_code}")

    def ask(self) -> None:
        """Its statements alone."""
        begin = perf_counter()
        for statement, values in self.asked:
            self.bare.execute(statement, values).fetchall()
        self.floors.append(perf_counter() - begin)

    def _note(self) -> Asked:
        asked: Asked = []

        def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
            if statement.startswith(("SELECT", "WITH")):
                asked.append((statement, values))

        self.client.get(PATH)
        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        self.client.get(PATH)
        event.remove(engine, "before_cursor_execute", note)
        sqlite3.register_adapter(datetime, str)
        return asked


def build(url: str, folder: Path, size: int, own: int) -> Flask:
    """A desk whose account has `own` of so many claims."""
    databases.create_schema(url)
    app = create_app(make_config(url, folder))
    with app.app_context():
        world = build_world()
        fill(world, size, utc_now() - timedelta(minutes=1), own_of=size // own)
        db.session.remove()
    return app


def signed_in(app: Flask) -> FlaskClient:
    """A browser of the manager."""
    client = app.test_client()
    with app.app_context(), client.session_transaction() as cookie:
        manager = db.session.scalars(select(User).where(User.username == "manager")).one()
        cookie["_user_id"], cookie["_fresh"] = manager.get_id(), True
    return client


if __name__ == "__main__":
    for one in measure():
        sys.stdout.write(json.dumps(one) + "\n")
