"""What issuing a large order costs, from confirming it to the last portion committed, beside inserting the same rows."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import Table, delete, insert, select, text

from benchmarks.timing import line
from service_desk.app import create_app
from service_desk.base.clock import start_of_day
from service_desk.jobs import issue_runs
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, table_of, unit_of_work
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import (
    Coverage,
    IssueBatch,
    IssuePortion,
    IssueRun,
    Policy,
    PolicyOrigin,
    PolicyState,
)
from service_desk.models.premiums import Receivable
from service_desk.models.users import User
from service_desk.rules.permissions import Role
from service_desk.rules.policy_flow import one_year_term
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import policies
from service_desk.services.policies import IssueRequest, LineChoice, rates
from tests import databases
from tests.conftest import make_config
from tests.factories import BranchFactory, KeyAccountFactory, UserFactory, make_vin

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SIZES = (3_000, 10_000)
BRANCHES = 12
# Disk and processor of a shared machine are uneven: the least of several rounds is what it costs.
ROUNDS = 5
LINES = (
    LineChoice(PolicyLine.CTPL, "basic"),
    LineChoice(PolicyLine.COMMERCIAL, "tpl_1m_od"),
    LineChoice(PolicyLine.CARRIER_LIABILITY, "seat_400k"),
)
# What is written, parents first.
_WRITTEN: list[Table] = [
    table_of(model)
    for model in (IssueBatch, IssueRun, IssuePortion, Policy, Coverage, Receivable, AuditEntry)
]


def measure() -> Iterator[dict[str, Any]]:
    """Renew 3,000 and 10,000 vehicles in portions, on both databases."""
    for kind in ("sqlite", "postgres"):
        try:
            with _desks(kind) as desks:
                yield from _measures(kind, desks)
        except RuntimeError as error:
            print(f"issue on {kind}: left out, {error}")


@dataclass(frozen=True)
class _Desk:
    """A desk with `size` vehicles of one account, all of whose cover ends within two months."""

    app: Flask
    size: int
    request: IssueRequest
    actor_id: int


def _measures(kind: str, desks: list[_Desk]) -> Iterator[dict[str, Any]]:
    times: dict[int, list[tuple[float, float]]] = {desk.size: [] for desk in desks}
    for _ in range(ROUNDS):
        for desk in desks:
            with desk.app.app_context():
                times[desk.size].append(_issue_and_insert(desk))
    each = {}
    for size, both in times.items():
        value, floor = min(one for one, _ in both), min(one for _, one in both)
        each[size] = value / size * 1e3
        yield line(f"issue.batch_{size}.{kind}", value, floor, "s")
    few, many = SIZES
    yield line(f"issue.per_vehicle_growth.{kind}", each[many], each[few], "ms")


def _issue_and_insert(desk: _Desk) -> tuple[float, float]:
    """Seconds to issue an order, and to insert the very rows it wrote."""
    first = {
        table.name: db.session.scalar(select(table.c.id).order_by(table.c.id.desc()).limit(1)) or 0
        for table in _WRITTEN
    }
    begin = perf_counter()
    with unit_of_work():
        number = policies.issue(desk.request, actor=db.session.get_one(User, desk.actor_id), now=NOW)
    while issue_runs.run(NOW).done:
        pass
    seconds = perf_counter() - begin
    batch = db.session.scalars(select(IssueBatch).where(IssueBatch.number == number)).one()
    assert batch.policy_count >= 2 * desk.size
    rows = {table.name: _rows_after(table, first[table.name]) for table in _WRITTEN}
    _delete(first)
    begin = perf_counter()
    with unit_of_work():
        for table in _WRITTEN:
            db.session.execute(insert(table), rows[table.name])
    floor = perf_counter() - begin
    _delete(first)
    return seconds, floor


def _rows_after(table: Table, last_id: int) -> list[dict[str, Any]]:
    found = db.session.execute(select(table).where(table.c.id > last_id).order_by(table.c.id)).mappings()
    return [dict(row) for row in found]


def _delete(first: dict[str, int]) -> None:
    with unit_of_work():
        for table in reversed(_WRITTEN):
            db.session.execute(delete(table).where(table.c.id > first[table.name]))


@contextmanager
def _desks(kind: str) -> Iterator[list[_Desk]]:
    """A desk of each size; RuntimeError when the PostgreSQL server does not start."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        with databases.postgres_server(uuid4().hex) if kind == "postgres" else nullcontext() as server:
            made = []
            for size in SIZES:
                name = f"issue_{size}"
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


def _desk(url: str, instance_dir: Path, size: int) -> _Desk:
    databases.create_schema(url)
    app = create_app(make_config(url, instance_dir))
    with app.app_context():
        account = KeyAccountFactory()
        branches = [BranchFactory(account=account).id for _ in range(BRANCHES)]
        clerk = UserFactory(role=Role.UNDERWRITER, accounts=[account])
        rates.install_sample_rates(now=NOW)
        rows = [_vehicle(account.id, branches[n % BRANCHES], n) for n in range(size)]
        db.session.execute(insert(table_of(Vehicle)), rows)
        ids = db.session.scalars(select(Vehicle.id).order_by(Vehicle.id)).all()
        old = [
            values for id_, row in zip(ids, rows, strict=True) for values in _old_cover(id_, row, clerk.id)
        ]
        db.session.execute(insert(table_of(Policy)), old)
        desk = _Desk(app, size, IssueRequest(account.id, tuple(ids), LINES), clerk.id)
        db.session.commit()
        db.session.execute(text("ANALYZE"))
        db.session.commit()
    return desk


def _vehicle(account_id: int, branch_id: int, n: int) -> dict[str, Any]:
    is_lorry = n % 5 == 0
    return {
        "account_id": account_id,
        "branch_id": branch_id,
        "plate": f"豫A{n:05d}",
        "vin": make_vin(n),
        "use_class": UseClass.GOODS if is_lorry else UseClass.COACH,
        "seats": None if is_lorry else 20 + n % 30,
        "load_kg": 5_000 + n % 5_000 if is_lorry else None,
        "state": VehicleState.OPERATING,
        "created_at": NOW,
    }


def _old_cover(vehicle_id: int, vehicle: dict[str, Any], clerk_id: int) -> Iterator[dict[str, Any]]:
    """The policies that end soon, one a line."""
    lines = [
        choice.line for choice in LINES if vehicle["seats"] or choice.line is not PolicyLine.CARRIER_LIABILITY
    ]
    first_day = (NOW - timedelta(days=310 + vehicle_id % 50)).date()
    term = one_year_term(first_day)
    for policy_line in lines:
        yield {
            "number": f"OLD-{policy_line.value}-{vehicle_id}",
            "account_id": vehicle["account_id"],
            "branch_id": vehicle["branch_id"],
            "issued_branch_id": vehicle["branch_id"],
            "vehicle_id": vehicle_id,
            "origin": PolicyOrigin.ISSUED,
            "line": policy_line,
            "cover_set": "old",
            "state": PolicyState.ISSUED,
            "starts_at": term.starts_at,
            "ends_at": term.ends_at,
            "agreed_ends_at": term.ends_at,
            "premium_fen": 3_000_00,
            "insured_name": "郑州联运集团有限公司",
            "plate": vehicle["plate"],
            "vin": vehicle["vin"],
            "vehicle_facts": {},
            "issued_by_id": clerk_id,
            "issued_at": start_of_day(first_day),
        }


if __name__ == "__main__":
    for one in measure():
        print(
            f"{one['name']:36} {one['value']:>10.3f} {one['unit']}  floor {one['floor']:>9.3f}  x {one['ratio']:.2f}",
            flush=True,
        )
