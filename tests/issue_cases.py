"""Large orders for tests of several floors: many vehicles in few statements, and orders that become runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from service_desk.models.accounts import Branch
from service_desk.models.db import db, table_of
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import IssueBatch, Policy
from service_desk.models.users import User
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import exports, policies, settings
from service_desk.services.policies import IssueRequest, LineChoice, batches, issuing, runs
from service_desk.services.policies.planning import RefusedLine
from tests.factories import CREATED_AT, make_vin
from tests.world import World

CTPL = LineChoice(PolicyLine.CTPL, "basic")
COMMERCIAL = LineChoice(PolicyLine.COMMERCIAL, "tpl_1m_od")
CARRIER = LineChoice(PolicyLine.CARRIER_LIABILITY, "seat_400k")


def many_vehicles(branches: list[Branch], count: int, *, prefix: str = "豫B", **values: Any) -> list[int]:
    """So many coaches, in the branches by turns; their ids in the order of their plates (`豫B00000` …)."""
    first = db.session.scalar(select(func.max(Vehicle.id))) or 0
    rows = [
        {
            "account_id": branches[0].account_id,
            "branch_id": branches[n % len(branches)].id,
            "plate": f"{prefix}{n:05d}",
            "vin": make_vin(n),
            "use_class": UseClass.COACH,
            "seats": 45,
            "state": VehicleState.OPERATING,
            "created_at": CREATED_AT,
            **values,
        }
        for n in range(count)
    ]
    db.session.execute(insert(table_of(Vehicle)), rows)
    return list(db.session.scalars(select(Vehicle.id).where(Vehicle.id > first).order_by(Vehicle.id)))


def order_for(world: World, ids: list[int], *lines: LineChoice, **values: Any) -> IssueRequest:
    return IssueRequest(world.account.id, tuple(ids), lines or (CTPL,), **values)


def make_small(*, at_once: int = 3, portion: int = 4) -> None:
    """Let orders beyond a few policies become runs of a few vehicles a portion."""
    settings.write(issuing.AT_ONCE, at_once)
    settings.write(runs.PORTION, portion)
    db.session.commit()


def confirmed(request: IssueRequest, world: World, now: datetime) -> IssueBatch:
    """Confirm an order, as the page does, and keep it."""
    number = policies.issue(request, actor=world.underwriter, now=now)
    db.session.commit()
    return db.session.scalars(select(IssueBatch).where(IssueBatch.number == number)).one()


def refused_lines(batch: IssueBatch, reader: User, *, portion: int = 3) -> list[RefusedLine]:
    """All that was not issued, as its spreadsheet reads it."""
    lines = exports.in_portions(
        lambda page: batches.list_refused_lines(batch.number, page, actor=reader), portion=portion
    )
    return [line for line, _branch in lines]


def issued(batch: IssueBatch) -> list[Policy]:
    """The policies of a batch as they are in the database now."""
    db.session.rollback()
    statement = select(Policy).where(Policy.batch_id == batch.id).order_by(Policy.id)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))
