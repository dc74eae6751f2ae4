"""How many accident reports a second one process takes, beside bare Flask that inserts one row and commits.

Both write through the same engine settings, and each commit is on the disk before the answer, as in the desk's own use:
SQLite with WAL and a sync at each commit, PostgreSQL with its defaults. Each waits for the disk once, so that the ratio
tells of the disk too: `sync_ms` is what one page and its sync take here in the same run.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from uuid import uuid4

from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, func, insert, select

from benchmarks.timing import line
from service_desk.app import create_app
from service_desk.base.clock import CHINA, utc_now
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.rules.permissions import Role
from service_desk.services import sla
from tests import databases
from tests.conftest import make_config
from tests.factories import (
    BranchFactory,
    CoverageFactory,
    KeyAccountFactory,
    PolicyFactory,
    UserFactory,
    VehicleFactory,
)

VEHICLES = 200
REQUESTS = 40
ROUNDS = 5
Post = Callable[[int], int]


def measure() -> Iterator[dict[str, Any]]:
    """Reports a second on both databases."""
    for kind in ("sqlite", "postgres"):
        try:
            yield _measure(kind)
        except RuntimeError as error:
            print(f"claims.report_post on {kind}: left out, {error}")


def _measure(kind: str) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        with (
            databases.synced(),
            databases.postgres_server(uuid4().hex) if kind == "postgres" else nullcontext() as server,
        ):
            url, bare_url = (
                databases.create_postgres_database(server, name)
                if server
                else databases.sqlite_database(folder / f"{name}.sqlite3")
                for name in ("report_post", "bare")
            )
            found = _beside(kind, _desk(url, folder / "instance"), _bare(bare_url))
            return found | {"sync_ms": round(_sync_seconds(folder / "page") * 1000, 3)}
    finally:
        shutil.rmtree(folder)


def _sync_seconds(path: Path) -> float:
    """The median of writing one page and waiting until it is on the disk."""
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(REQUESTS):
            begin = perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            took.append(perf_counter() - begin)
    return median(took)


def _beside(kind: str, app: Flask, bare: Post) -> dict[str, Any]:
    post = _report(app)
    numbers = count()
    best = floor = 0.0
    for _ in range(ROUNDS):
        floor = max(floor, _per_second(bare, numbers, 201))
        best = max(best, _per_second(post, numbers, 303))
    with app.app_context():
        taken = db.session.scalar(select(func.count(Claim.id)))
        assert taken == ROUNDS * REQUESTS, taken
        db.session.remove()
        db.engine.dispose()
    return line(f"claims.report_post.{kind}", best, floor, "req/s")


def _per_second(post: Post, numbers: Iterator[int], expected: int) -> float:
    begin = perf_counter()
    for _ in range(REQUESTS):
        assert post(next(numbers)) == expected
    return REQUESTS / (perf_counter() - begin)


def _report(app: Flask) -> Post:
    """Post the form of a report, each of another vehicle at another time."""
    client = _signed_in(app)

    def post(number: int) -> int:
        at = utc_now().astimezone(CHINA) - timedelta(minutes=10 + number * 3)
        form = {
            "plate": f"豫B{number % VEHICLES:05d}",
            "loss_at": f"{at:%Y-%m-%dT%H:%M}",
            "place": "G310 巩义站街路口",
            "description": "雨天追尾前方货车",
            "injured": "no",
            "reporter_name": "郭永刚",
            "callback_phone": "139 3710 8891",
            "idempotency_key": uuid4().hex,
        }
        return client.post("/claims/report", data=form).status_code

    return post


def _signed_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = app.config["REPORTER"]
        cookie["_fresh"] = True
    return client


def _desk(url: str, instance_dir: Path) -> Flask:
    """A desk with a branch of 200 covered vehicles and its safety officer."""
    databases.create_schema(url)
    app = create_app(make_config(url, instance_dir))
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        now = utc_now()
        account = KeyAccountFactory()
        branch = BranchFactory(account=account)
        UserFactory(role=Role.CLAIMS, accounts=[account])
        clerk = UserFactory(role=Role.UNDERWRITER, accounts=[account])
        reporter = UserFactory(role=Role.BRANCH_SAFETY, accounts=[account], branch=branch)
        sla.install_defaults(now)
        for n in range(VEHICLES):
            vehicle = VehicleFactory(branch=branch, plate=f"豫B{n:05d}")
            policy = PolicyFactory(vehicle=vehicle, issued_by=clerk, starts_at=now - timedelta(days=30))
            CoverageFactory(policy=policy)
        app.config["REPORTER"] = reporter.get_id()
        db.session.commit()
    return app


def _bare(url: str) -> Post:
    """Flask, one insert, one commit."""
    app, engine = Flask("bare"), create_engine(url)
    reports = Table(
        "reports", MetaData(), Column("id", Integer, primary_key=True), Column("words", String(200))
    )
    reports.metadata.create_all(engine)

    @app.post("/")
    def take() -> tuple[str, int]:
        with engine.begin() as connection:
            connection.execute(insert(reports).values(words=request.form["words"]))
        return "", 201

    client = app.test_client()
    return lambda number: client.post("/", data={"words": f"report {number}"}).status_code


if __name__ == "__main__":
    for one in measure():
        print(
            f"{one['name']:36} {one['value']:>10.3f} {one['unit']}  floor {one['floor']:>9.3f}  x {one['ratio']:.2f}"
            f"  sync {one['sync_ms']:.2f} ms",
            flush=True,
        )
