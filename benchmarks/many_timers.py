"""Databases with very many open timers, for the measures of the sweep; in a temporary folder, removed at the end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import Connection, Integer, Table, and_, func, insert, literal, select, text, update

from service_desk.app import create_app
from service_desk.models.db import db
from service_desk.models.sla import SlaEvent, Timer, TimerEntry
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Role
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests import databases
from tests.conftest import make_config
from tests.factories import BranchFactory, KeyAccountFactory, UserFactory

STARTED_AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
# A survey out of town: an hour round the clock, a warning after three quarters of it.
TARGET = timedelta(hours=1)
WARNED_AFTER = timedelta(minutes=45)
ACCOUNTS, HANDLERS_EACH = 50, 4


@dataclass
class Desk:
    """A desk with `size` open timers of many accounts, none of them due before `STARTED_AT + WARNED_AFTER`."""

    app: Flask
    size: int
    _next_slice: int = 0

    def make_due(self, count: int, *, now: datetime, breached: bool) -> None:
        """Let `count` timers spread over all of them come due at `now`, others each time.

        For a breach they were started a little over an hour ago and warned of; else three quarters of an hour ago.
        """
        in_turn = Timer.id % (self.size // count) == self._next_slice
        wanted = and_(in_turn, Timer.matter_kind == "claim", Timer.due_at == STARTED_AT + TARGET)
        self._next_slice += 1
        started_at = now - (TARGET if breached else WARNED_AFTER) - timedelta(minutes=1)
        due_at, warn_at = started_at + TARGET, started_at + WARNED_AFTER
        with self.app.app_context():
            ids = list(db.session.scalars(select(Timer.id).where(wanted).limit(count)))
            assert len(ids) == count
            values = {"started_at": started_at, "warn_at": warn_at, "due_at": due_at}
            values["next_check_at"] = due_at if breached else warn_at
            db.session.execute(update(Timer).where(Timer.id.in_(ids)).values(values))
            db.session.execute(update(TimerEntry).where(TimerEntry.timer_id.in_(ids)).values(at=started_at))
            if breached:
                told = {"kind": "warning", "at": warn_at, "recorded_at": warn_at}
                db.session.execute(insert(SlaEvent), [{"timer_id": one, **told} for one in ids])
            db.session.commit()


@contextmanager
def desks(kind: str, *sizes: int) -> Iterator[list[Desk]]:
    """A desk of each size on `sqlite` or `postgres`; RuntimeError when the PostgreSQL server does not start."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        with databases.postgres_server(uuid4().hex) if kind == "postgres" else nullcontext() as server:
            made = []
            for size in sizes:
                name = f"timers_{size}"
                url = (
                    databases.create_postgres_database(server, name)
                    if server
                    else databases.sqlite_database(folder / name)
                )
                made.append(_desk(url, folder / f"instance_{size}", size))
            yield made
            for desk in made:
                with desk.app.app_context():
                    db.session.remove()
                    db.engine.dispose()
    finally:
        shutil.rmtree(folder)


def _desk(url: str, instance_dir: Path, size: int) -> Desk:
    databases.create_schema(url)
    app = create_app(make_config(url, instance_dir))
    with app.app_context():
        pattern = _first_timer()
        with db.engine.connect() as connection:
            _multiply(connection, pattern, size)
    return Desk(app, size)


def _first_timer() -> int:
    """The people, the promises and one timer, made by the desk itself; the timer's id."""
    sla.install_defaults(STARTED_AT)
    for _ in range(ACCOUNTS):
        account = KeyAccountFactory()
        BranchFactory(account=account, is_urban=False)
        UserFactory(role=Role.MANAGER, accounts=[account])
        for _ in range(HANDLERS_EACH):
            UserFactory(role=Role.CLAIMS, accounts=[account])
    account_id, holder_id = db.session.execute(_people().limit(1)).one()
    matter = Matter("claim", 1, "CLM-2026-000001", account_id)
    timer = sla.start(
        matter, ClockStep.SURVEY, holder_id=holder_id, at=STARTED_AT, actor=None, now=STARTED_AT
    )
    assert timer is not None
    assert timer.due_at == STARTED_AT + TARGET
    pattern = timer.id
    db.session.commit()
    return pattern


def _people() -> Any:
    return (
        select(UserAccount.account_id, User.id)
        .join(User, User.id == UserAccount.user_id)
        .where(User.role == Role.CLAIMS)
        .order_by(User.id)
    )


def _multiply(connection: Connection, pattern: int, size: int) -> None:
    """Copy the one timer, its ledger with it, for every handler in turn. Indexes are made afterwards: quicker."""
    is_sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql(
        "PRAGMA foreign_keys = OFF" if is_sqlite else "SET session_replication_role = replica"
    )
    connection.commit()
    tables: list[Table] = [Timer.__table__, TimerEntry.__table__]  # type: ignore[list-item]
    indexes = [index for table in tables for index in table.indexes]
    for index in indexes:
        index.drop(connection)
    _copy_timers(connection, pattern, size)
    _copy_entries(connection, pattern)
    for index in indexes:
        index.create(connection)
    connection.commit()
    connection.exec_driver_sql("PRAGMA foreign_keys = ON" if is_sqlite else "RESET session_replication_role")
    connection.execute(text("ANALYZE"))
    connection.commit()


def _copy_timers(connection: Connection, pattern: int, size: int) -> None:
    numbers = select(literal(2, Integer).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < size))
    people = _people().subquery()
    turns = select(people, (func.row_number().over(order_by=people.c.id) - 1).label("turn")).subquery()
    own = {
        "matter_id": numbers.c.n,
        "matter_number": literal("CLM-2026-").concat(numbers.c.n),
        "account_id": turns.c.account_id,
        "holder_id": turns.c.id,
    }
    names = [column.name for column in Timer.__table__.columns if column.name != "id"]
    rows = select(*(own.get(name, Timer.__table__.columns[name]) for name in names)).select_from(Timer)
    rows = rows.join(numbers, literal(value=True)).join(
        turns, turns.c.turn == numbers.c.n % (ACCOUNTS * HANDLERS_EACH)
    )
    connection.execute(insert(Timer).from_select(names, rows.where(Timer.id == pattern)))


def _copy_entries(connection: Connection, pattern: int) -> None:
    names = [column.name for column in TimerEntry.__table__.columns if column.name != "id"]
    own = {"timer_id": Timer.id, "holder_id": Timer.holder_id}
    rows = select(*(own.get(name, TimerEntry.__table__.columns[name]) for name in names)).join_from(
        TimerEntry, Timer, and_(TimerEntry.timer_id == pattern, Timer.id != pattern)
    )
    connection.execute(insert(TimerEntry).from_select(names, rows))
