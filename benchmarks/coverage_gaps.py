"""Gaps, overlaps and the ratio of 50,000 vehicles with four layers over three years, beside reading their rows."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import insert, select

from benchmarks.timing import line
from service_desk.app import create_app
from service_desk.base.clock import end_of_day, start_of_day
from service_desk.models.db import db, table_of
from service_desk.models.fleet import BranchRecord, Vehicle, VehicleState, VehicleStateRecord
from service_desk.models.policies import Coverage, Policy, PolicyOrigin, PolicyState
from service_desk.models.users import User
from service_desk.rules.cover_needs import NeededTimes
from service_desk.rules.cover_ratio import DayGrid, days_of, needs_by_day
from service_desk.rules.coverage import Span
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass
from service_desk.services.fleet import requirements
from service_desk.services.policies.calendars import findings_of
from service_desk.services.policies.histories import account_histories
from service_desk.services.policies.layers import policies_read
from tests import databases
from tests.conftest import make_config
from tests.factories import BranchFactory, KeyAccountFactory, UserFactory

VEHICLES = 50_000
BRANCHES = 40
ROUNDS = 3
FIRST, LAST = date(2024, 1, 1), date(2026, 12, 31)
NOW = datetime(2026, 12, 31, 4, 0, tzinfo=UTC)
_SINCE, _UNTIL = start_of_day(FIRST), end_of_day(LAST)
_YEAR = timedelta(days=365)
# Every so many vehicles one has a hole of three days before a term, and one a term that begins two days early.
_GAP_EVERY, _OVERLAP_EVERY = 50, 80
_PORTION = 2_000


def measure() -> Iterator[dict[str, Any]]:
    """Find gaps and count vehicle-days; the floor reads the same rows of policies, covers, states and branches."""
    for kind in ("sqlite", "postgres"):
        try:
            with _fleet(kind) as (app, account_id), app.app_context():
                floor, value = float("inf"), float("inf")
                for _ in range(ROUNDS):
                    floor = min(floor, _seconds(lambda account_id=account_id: _bare(account_id)))
                    value = min(value, _seconds(lambda account_id=account_id: _gaps_and_ratio(account_id)))
                yield line(f"coverage.gaps_50k.{kind}", value, floor, "s")
        except RuntimeError as error:
            print(f"coverage on {kind}: left out, {error}")


def _gaps_and_ratio(account_id: int) -> None:
    within = Span(_SINCE, _UNTIL)
    over_time = requirements.over_time(account_id, FIRST, LAST)
    grid, needed = DayGrid(FIRST, LAST, NOW), NeededTimes(over_time)
    by_day = needs_by_day(grid, over_time)
    found = operating = covered = 0
    for vehicle in account_histories(account_id, since=_SINCE, until=_UNTIL):
        found += len(findings_of(vehicle, needed, within, NOW))
        for one in days_of(vehicle, grid, by_day):
            operating, covered = operating + one.operating, covered + one.covered
    assert operating == VEHICLES * len(grid.samples)
    assert 0 < covered < operating
    assert found >= VEHICLES // _GAP_EVERY
    db.session.rollback()


def _bare(account_id: int) -> None:
    """The rows, with the types of their columns, and nothing done with them."""
    statements = [
        policies_read(lambda model: model.account_id == account_id, _SINCE, _UNTIL),
        select(Vehicle.id, Vehicle.use_class, Vehicle.state, Vehicle.created_at, Vehicle.branch_id),
        *(
            select(model.vehicle_id, model.from_at, model.to_at, value)
            .join(Vehicle, Vehicle.id == model.vehicle_id)
            .where(Vehicle.account_id == account_id)
            .order_by(model.from_at, model.id)
            for model, value in (
                (VehicleStateRecord, VehicleStateRecord.state),
                (BranchRecord, BranchRecord.branch_id),
            )
        ),
    ]
    for statement in statements:
        for _row in db.session.execute(statement):
            pass
    db.session.rollback()


def _seconds(act: Any) -> float:
    begin = perf_counter()
    act()
    return perf_counter() - begin


@contextmanager
def _fleet(kind: str) -> Iterator[tuple[Flask, int]]:
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        with databases.postgres_server(uuid4().hex) if kind == "postgres" else nullcontext() as server:
            url = (
                databases.create_postgres_database(server, "coverage")
                if server
                else databases.sqlite_database(folder / "coverage")
            )
            databases.create_schema(url)
            app = create_app(make_config(url, folder / "instance"))
            with app.app_context():
                account_id = _build()
                yield app, account_id
                db.session.remove()
                db.engine.dispose()
    finally:
        shutil.rmtree(folder)


def _build() -> int:
    account = KeyAccountFactory()
    branches = [BranchFactory(account=account).id for _ in range(BRANCHES)]
    clerk: User = UserFactory(accounts=[account])
    for first in range(0, VEHICLES, _PORTION):
        numbers = range(first + 1, first + _PORTION + 1)
        _insert(Vehicle, (_vehicle(number, account.id, branches[number % BRANCHES]) for number in numbers))
        since = {"from_at": _SINCE - _YEAR, "to_at": None}
        _insert(
            VehicleStateRecord,
            ({"vehicle_id": number, "state": VehicleState.OPERATING, **since} for number in numbers),
        )
        _insert(
            BranchRecord,
            ({"vehicle_id": n, "branch_id": branches[n % BRANCHES], **since} for n in numbers),
        )
        policies = [one for number in numbers for one in _policies(number, account.id, branches[0], clerk.id)]
        _insert(Policy, policies)
        _insert(Coverage, (row for one in policies for row in _coverages(one)))
    db.session.commit()
    return int(account.id)


def _insert(model: Any, rows: Any) -> None:
    db.session.execute(insert(table_of(model)), list(rows))


def _vehicle(number: int, account_id: int, branch_id: int) -> dict[str, Any]:
    return {
        "id": number,
        "account_id": account_id,
        "branch_id": branch_id,
        "plate": f"P{number}",
        "vin": f"V{number}",
        "engine_no": "",
        "model": "",
        "use_class": UseClass.COACH,
        "state": VehicleState.OPERATING,
        "created_at": _SINCE - _YEAR,
        "version": 1,
    }


def _policies(number: int, account_id: int, branch_id: int, clerk_id: int) -> Iterator[dict[str, Any]]:
    """Terms of a year, one after the other, from some day of 2023 on."""
    begin = _SINCE - timedelta(days=number % 365)
    for year in range(4):
        starts_at = begin + year * _YEAR
        if year == 2 and number % _GAP_EVERY == 0:
            starts_at += timedelta(days=3)
        if year == 2 and number % _OVERLAP_EVERY == 0:
            starts_at -= timedelta(days=5)
        for place, policy_line in enumerate(PolicyLine):
            id_ = (number * 4 + year) * 3 + place
            yield {
                "id": id_,
                "number": f"N{id_}",
                "account_id": account_id,
                "branch_id": branch_id,
                "issued_branch_id": branch_id,
                "vehicle_id": number,
                "origin": PolicyOrigin.ISSUED,
                "line": policy_line,
                "cover_set": "basic",
                "state": PolicyState.ISSUED,
                "starts_at": starts_at,
                "ends_at": begin + (year + 1) * _YEAR,
                "agreed_ends_at": begin + (year + 1) * _YEAR,
                "premium_fen": 1,
                "tax_fen": 0,
                "insured_name": "",
                "vehicle_facts": {},
                "issued_by_id": clerk_id,
                "issued_at": _SINCE,
                "version": 1,
            }


def _coverages(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    codes = {
        PolicyLine.CTPL: (CoverCode.CTPL,),
        PolicyLine.COMMERCIAL: (CoverCode.TPL, CoverCode.OWN_DAMAGE),
        PolicyLine.CARRIER_LIABILITY: (CoverCode.CARRIER_LIABILITY,),
    }
    for code in codes[policy["line"]]:
        yield {
            "policy_id": policy["id"],
            "code": code,
            "deductible_fen": 0,
            "absolute_deductible_percent": 0,
        }


if __name__ == "__main__":
    for one in measure():
        print(one)
