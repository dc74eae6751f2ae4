"""Requests a second of the signed-in queue page at 500,000 claims with two workers, beside a bare Flask with the same SQL.

The second line sets its 95th percentile beside the one at 5,000 claims: the page must not grow with the book.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import event, text

from benchmarks.claim_books import without_indexes
from benchmarks.timing import line
from service_desk.app import create_app
from service_desk.base.clock import utc_now
from service_desk.base.paging import PageRequest
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.services.claims import queries
from service_desk.services.claims.queries import ClaimFilter
from tests import databases
from tests.claim_cases import reported_claim
from tests.conftest import SECRET_KEY, make_config
from tests.factories import PASSWORD
from tests.world import World, build_world

SIZES = (5_000, 500_000)
# Of a hundred claims two are open: a group's claims take a week or two of the years that are kept.
OPEN_OF_A_HUNDRED = 2
WORKERS, CLIENTS = 2, 4
ROUNDS, SECONDS = 3, 4.0
ROOT = Path(__file__).resolve().parents[1]


def measure() -> Iterator[dict[str, Any]]:
    """Requests a second beside the floor, and the 95th percentile beside that of the small book."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        with ExitStack() as servers:
            small, big = (servers.enter_context(_desk(size, folder / str(size))) for size in SIZES)
            floor = servers.enter_context(_floor(folder / str(SIZES[-1])))
            asked = (small, big, floor)
            found = [Load(), Load(), Load()]
            # By turns, so that all meet the same machine.
            for _ in range(ROUNDS):
                for one, (port, cookie) in zip(found, asked, strict=True):
                    one.add(port, cookie)
    finally:
        shutil.rmtree(folder)
    of_small, of_big, of_floor = found
    # As everywhere value and floor are costs: milliseconds a request.
    yield line("claims.queue_500k", 1000 / of_big.rate, 1000 / of_floor.rate, "ms/request") | {
        "requests_per_second": round(of_big.rate, 1),
        "of_floor": round(of_big.rate / of_floor.rate, 3),
    }
    yield line("claims.queue_500k_p95", of_big.p95 * 1000, of_small.p95 * 1000, "ms")


class Load:
    """What some clients at once got out of one server."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.seconds = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.took) / self.seconds

    @property
    def p95(self) -> float:
        """Seconds that nineteen of twenty requests did not exceed."""
        return sorted(self.took)[int(len(self.took) * 0.95)]

    def add(self, port: int, cookie: str) -> None:
        """Ask for a while."""
        for _ in range(6):
            _get(port, "/claims", cookie)
        begin = time.perf_counter()
        clients = [
            threading.Thread(target=self._ask, args=(port, cookie, begin + SECONDS)) for _ in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.seconds += time.perf_counter() - begin

    def _ask(self, port: int, cookie: str, until: float) -> None:
        while time.perf_counter() < until:
            begin = time.perf_counter()
            status, page, _ = _get(port, "/claims", cookie)
            if status != 200 or page.count("<tr") < 50:
                raise RuntimeError(f"the queue answered {status}")
            self.took.append(time.perf_counter() - begin)


def _build(url: str, folder: Path, size: int) -> None:
    databases.create_schema(url)
    app = create_app(make_config(url, folder))
    with app.app_context():
        world = build_world()
        now = utc_now()
        reported_claim(world, now)
        _multiply(world, size, now)
        _keep_sql(world, folder, now)
        db.session.remove()
        db.engine.dispose()


def _multiply(world: World, size: int, now: datetime) -> None:
    """Copy the one claim and two of its clocks in two statements; each copy has its own dates, state and handler."""
    series = f"WITH RECURSIVE series(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM series WHERE n < {size})"
    is_open = f"(n % 100 < {OPEN_OF_A_HUNDRED})"
    moment = "strftime('%Y-%m-%d %H:%M:%S.000000', :now, {offset})"
    due = moment.format(offset="((n * 7919) % 8000 - 2000) || ' minutes'")
    reported = moment.format(offset="'-' || ((n * 31) % 2600000) || ' minutes'")
    recent = moment.format(offset="'-' || ((n * 31) % 20000) || ' minutes'")
    values = {
        "id": "n",
        "number": "printf('CLM-2026-%06d', n)",
        "plate": "printf('豫A%05d', n % 100000)",
        "branch_id": f"CASE n % 2 WHEN 0 THEN {world.gongyi.id} ELSE {world.zhongmu.id} END",
        "owner_id": f"CASE n % 3 WHEN 0 THEN {world.claims1.id} ELSE {world.claims2.id} END",
        "state": f"CASE WHEN {is_open} THEN CASE n % 4 WHEN 0 THEN 'reported' WHEN 1 THEN 'dispatched' ELSE 'surveyed' END ELSE 'closed' END",
        "reported_at": f"CASE WHEN {is_open} THEN {recent} ELSE {reported} END",
        "closed_at": f"CASE WHEN {is_open} THEN NULL ELSE {reported} END",
        "followed_up_at": f"CASE WHEN {is_open} THEN NULL ELSE {reported} END",
        "surveyed_at": f"CASE WHEN {is_open} THEN NULL ELSE {reported} END",
        "next_due_at": f"CASE WHEN {is_open} THEN {due} ELSE NULL END",
        "is_disputed": "n % 977 = 0",
        "highest_estimate_fen": "(n * 7001) % 2000000",
        "reserve_fen": "(n * 7001) % 2000000",
    }
    clock = {
        "id": "n * 2 + {cycle}",
        "matter_id": "n",
        "matter_number": "printf('CLM-2026-%06d', n)",
        "branch_id": values["branch_id"],
        "holder_id": values["owner_id"],
        "cycle": "{cycle}",
        "state": f"CASE WHEN {is_open} AND {{cycle}} = 1 THEN 'running' ELSE 'met' END",
        "due_at": f"CASE WHEN {is_open} AND {{cycle}} = 1 THEN {due} ELSE {reported} END",
        "warn_at": f"CASE WHEN {is_open} AND {{cycle}} = 1 THEN {due} ELSE {reported} END",
        "next_check_at": "NULL",
        "breached_at": f"CASE WHEN {is_open} AND {{cycle}} = 1 AND {due} <= :now THEN {due} ELSE NULL END",
        "stopped_at": f"CASE WHEN {is_open} AND {{cycle}} = 1 THEN NULL ELSE {reported} END",
    }
    at = {"now": now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")}
    with without_indexes("claims", "timers"):
        _copy(Claim, values, series, at)
        for cycle in (1, 2):
            _copy(Timer, {name: sql.format(cycle=cycle) for name, sql in clock.items()}, series, at)
    db.session.execute(text("ANALYZE"))
    db.session.commit()


def _copy(model: Any, values: dict[str, str], series: str, at: dict[str, str]) -> None:
    columns = [column.name for column in model.__table__.columns]
    chosen = ", ".join(values.get(name, f'pattern."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    table = model.__tablename__
    pattern = f"(SELECT * FROM {table} WHERE id = (SELECT min(id) FROM {table})) AS pattern"
    db.session.execute(
        text(f"INSERT INTO {table} ({names}) {series} SELECT {chosen} FROM series, {pattern}"),
        at if ":now" in chosen else {},
    )


def _keep_sql(world: World, folder: Path, now: datetime) -> None:
    """Write down what the queue asks: its counts, its page and the clocks of the page."""
    asked: list[tuple[str, list[Any]]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if " claims" in statement or " timers" in statement:
            asked.append(
                (statement, [str(value) if isinstance(value, datetime) else value for value in values])
            )

    event.listen(db.engine, "before_cursor_execute", note)
    wanted, who = ClaimFilter(), {"actor": world.claims1, "now": now + timedelta(minutes=5)}
    counts = queries.count_views(world.account.id, wanted, **who)
    queries.list_claims(world.account.id, wanted, PageRequest(), counts=counts, **who)
    event.remove(db.engine, "before_cursor_execute", note)
    (folder / "queue.json").write_text(json.dumps(asked), encoding="utf-8")


@contextmanager
def _desk(size: int, folder: Path) -> Iterator[tuple[int, str]]:
    """The desk over a book of a size: its port, and the cookie of a person signed in."""
    folder.mkdir()
    database = folder / "queue.sqlite3"
    _build(databases.sqlite_database(database), folder, size)
    settings = {
        "DATABASE_URL": f"sqlite:///{database}",
        "INSTANCE_DIR": str(folder),
        "SECRET_KEY": SECRET_KEY,
        "DEMO": "0",
    }
    with _served("wsgi:app", settings) as port:
        yield port, _sign_in(port)


@contextmanager
def _floor(folder: Path) -> Iterator[tuple[int, str]]:
    settings = {"QUEUE_DATABASE": str(folder / "queue.sqlite3"), "QUEUE_SQL": str(folder / "queue.json")}
    with _served("benchmarks.queue_floor:create_floor()", settings) as port:
        yield port, ""


@contextmanager
def _served(application: str, settings: dict[str, str]) -> Iterator[int]:
    """Two workers of gunicorn on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "gunicorn", "-w", str(WORKERS), "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*words, "--log-level", "error", application], cwd=ROOT, env=os.environ | settings
    )
    try:
        _wait_for(port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            if _get(port, "/claims", "")[0] < 500:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not come up")


def _get(port: int, path: str, cookie: str, body: str | None = None) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Cookie": cookie} if cookie else {}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request("GET" if body is None else "POST", path, body, headers)
    answer = connection.getresponse()
    page = answer.read().decode()
    set_cookie = (answer.headers.get("Set-Cookie") or "").partition(";")[0]
    connection.close()
    return answer.status, page, set_cookie


def _sign_in(port: int) -> str:
    _, page, cookie = _get(port, "/sign-in", "")
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    if found is None:
        raise RuntimeError("no token on the sign-in page")
    typed = {"csrf_token": found[1], "username": "claims1", "password": PASSWORD}
    status, _, signed_in = _get(port, "/sign-in", cookie, urlencode(typed))
    if status >= 400:
        raise RuntimeError(f"signing in answered {status}")
    return signed_in or cookie


if __name__ == "__main__":
    for one in measure():
        print(json.dumps(one))
