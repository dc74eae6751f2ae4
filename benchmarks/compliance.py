"""The compliance page over half a million clocks, beside the bare counting of the same clocks by step.

Two years of one account, a hundred clocks broken and still open. The page asks about a dozen times (groups, ranks,
trend, hours, risks); the floor is a single `SELECT step, state, count(*) … GROUP BY` over the period.
"""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import Connection, func, insert, select, text

from benchmarks.timing import Act, line
from service_desk.app import create_app
from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerEntry, TimerSegment, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.periods import Period
from service_desk.rules.sla import PauseReason
from service_desk.rules.vocabulary import Severity
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla.compliance import ComplianceFilter, Dimension, read_compliance
from tests import databases
from tests.conftest import make_config
from tests.world import World, build_world

# So many are made one by one, and copied as often: two years of clocks each time.
MADE, COPIES, STILL_OPEN = 20_000, 25, 4
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=730)
TARGET = timedelta(hours=1)
PERIODS = {
    "month": Period(date(2026, 11, 1), date(2026, 11, 30)),
    "year": Period(date(2026, 1, 1), date(2026, 12, 31)),
}
REPEATS = 3
STEPS = (ClockStep.SURVEY, ClockStep.CONTACT, ClockStep.ASSESSMENT, ClockStep.PAYMENT)


def measure() -> Iterator[dict[str, Any]]:
    """The page of a month and of a year, by step, on both databases."""
    for kind in ("sqlite", "postgres"):
        folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
        try:
            with databases.postgres_server(uuid4().hex) if kind == "postgres" else nullcontext() as server:
                url = (
                    databases.create_postgres_database(server, "compliance")
                    if server
                    else databases.sqlite_database(folder / "compliance.sqlite3")
                )
                app = _desk(url, folder)
                yield from _measured(app, kind)
        finally:
            shutil.rmtree(folder)


def _measured(app: Flask, kind: str) -> Iterator[dict[str, Any]]:
    with app.app_context():
        manager = db.session.scalars(select(User).where(User.username == "manager")).one()
        for name, period in PERIODS.items():
            wanted = ComplianceFilter(_account(), period)

            def page(wanted: ComplianceFilter = wanted) -> None:
                read_compliance(wanted, Dimension.STEP, actor=manager, now=NOW)

            def bare(period: Period = period) -> None:
                _count(period)

            yield line(f"compliance.{name}_{kind}", _seconds(page), _seconds(bare), "s")
        db.session.remove()
        db.engine.dispose()


def _account() -> int:
    return db.session.scalars(select(Timer.account_id).limit(1)).one()


def _count(period: Period) -> None:
    since, until = (
        datetime.combine(day, datetime.min.time(), UTC)
        for day in (period.first, period.last + timedelta(days=1))
    )
    db.session.execute(
        select(Timer.step, Timer.state, func.count())
        .where(Timer.stopped_at >= since, Timer.stopped_at < until)
        .group_by(Timer.step, Timer.state)
    ).all()


def _seconds(act: Act) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        begin = perf_counter()
        act()
        best = min(best, perf_counter() - begin)
        db.session.rollback()
    return best


def _desk(url: str, folder: Path) -> Flask:
    databases.create_schema(url)
    app = create_app(make_config(url, folder))
    with app.app_context():
        world = build_world()
        sla.install_defaults(SINCE)
        matter = Matter("claim", 1, "CLM-2024-000001", world.account.id, world.gongyi.id)
        holder = world.claims1.id
        pattern = sla.start(matter, ClockStep.SURVEY, holder_id=holder, at=SINCE, actor=None, now=SINCE)
        assert pattern is not None
        db.session.commit()
        shared = {name.name: getattr(pattern, name.name) for name in Timer.__table__.columns}
        with db.engine.connect() as connection:
            _insert(connection, shared, range(2, MADE + 2), world)
            for copy in range(1, COPIES):
                _copy(connection, Timer, copy * MADE, "id", "matter_id")
                _copy(connection, TimerSegment, copy * MADE, "timer_id")
                _copy(connection, TimerEntry, copy * MADE, "timer_id")
            connection.commit()
            connection.execute(text("ANALYZE"))
            connection.commit()
        db.session.remove()
    return app


def _insert(connection: Connection, shared: dict[str, Any], numbers: range, world: World) -> None:
    chance = random.Random(numbers.start)
    timers = [_timer(shared, number, chance, world) for number in numbers]
    connection.execute(insert(Timer), timers)
    ended = [one for one in timers if one["stopped_at"]]
    connection.execute(insert(TimerSegment), [part for one in ended for part in _segments(one, world)])
    connection.execute(
        insert(TimerEntry),
        [
            {
                "timer_id": one["id"],
                "at": one["started_at"],
                "kind": "start",
                "holder_id": one["holder_id"],
                "recorded_at": one["started_at"],
                "reason": "",
                "note": "",
            }
            for one in timers
            if not one["stopped_at"]
        ],
    )


def _copy(connection: Connection, model: Any, offset: int, *counted: str) -> None:
    """Insert what was made once more, the columns of clocks' numbers counted on."""
    columns = model.__table__.columns
    names = [column.name for column in columns if column.name != "id" or "id" in counted]
    key = columns[counted[0]]
    rows = select(*(columns[name] + offset if name in counted else columns[name] for name in names))
    connection.execute(insert(model).from_select(names, rows.where(key > 1, key <= MADE + 1)))


def _timer(shared: dict[str, Any], number: int, chance: random.Random, world: World) -> dict[str, Any]:
    started_at = SINCE + (NOW - SINCE) * (number / (MADE + 2))
    used = int(chance.expovariate(1 / 2400)) + 60
    stopped_at = started_at + timedelta(seconds=used)
    is_open = number % (MADE // STILL_OPEN) == 0 or stopped_at >= NOW
    is_late = stopped_at > started_at + TARGET
    ended = TimerState.BREACHED if is_late else TimerState.MET
    return shared | {
        "id": number,
        "matter_id": number,
        "matter_number": f"CLM-2024-{number:06d}",
        "branch_id": chance.choice([world.gongyi.id, world.zhongmu.id]),
        "holder_id": chance.choice([world.claims1.id, world.claims2.id]),
        "step": chance.choice(STEPS),
        "severity": chance.choice([None, *Severity]),
        "state": TimerState.RUNNING if is_open else ended,
        "started_at": started_at,
        "due_at": started_at + TARGET,
        "warn_at": started_at + TARGET * 0.75,
        "next_check_at": None,
        "breached_at": started_at + TARGET if is_open or is_late else None,
        "stopped_at": None if is_open else stopped_at,
        "used_seconds": used,
        "over_seconds": max(0, used - 3600),
    }


def _segments(timer: dict[str, Any], world: World) -> Iterator[dict[str, Any]]:
    """One turn of the holder, a pause in every tenth clock, a turn of the other holder in every fifth."""
    middle = timer["started_at"] + (timer["stopped_at"] - timer["started_at"]) / 2
    common = {
        "timer_id": timer["id"],
        "seconds_before_due": timer["used_seconds"] // 2,
        "seconds_after_due": 0,
    }
    yield common | {
        "ordinal": 1,
        "from_at": timer["started_at"],
        "to_at": middle,
        "holder_id": timer["holder_id"],
        "reason": None,
    }
    yield common | {
        "ordinal": 2,
        "from_at": middle,
        "to_at": timer["stopped_at"],
        "holder_id": world.claims2.id if timer["id"] % 5 == 0 else timer["holder_id"],
        "reason": PauseReason.FORCE_MAJEURE if timer["id"] % 10 == 0 else None,
    }
