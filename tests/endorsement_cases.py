"""Policies to endorse: those of the coach of Gongyi and its lorry, issued on 23 November 2026 for the day itself."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Endorsement, EndorsementKind, Policy
from service_desk.models.premiums import PremiumRefund, Receivable
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies, premiums
from service_desk.services.policies import IssueRequest, LineChoice, endorsing, rates
from service_desk.services.policies.endorsing import EndorsementCommand
from service_desk.services.premiums import ReceiptCommand
from tests.standing import once
from tests.world import World

LINES = (
    LineChoice(PolicyLine.CTPL, "basic"),
    LineChoice(PolicyLine.COMMERCIAL, "tpl_1m_od"),
    LineChoice(PolicyLine.CARRIER_LIABILITY, "seat_400k"),
)


def issue(
    world: World,
    vehicle: Vehicle,
    now: datetime,
    *,
    lines: tuple[LineChoice, ...] = LINES,
    start_on: date | None = None,
    **values: Any,
) -> dict[PolicyLine, Policy]:
    """Policies of a vehicle, one a line, committed."""
    key = ("issue", vehicle.id, now, lines, start_on, tuple(sorted(values.items())))
    return once(key, lambda: _issue(world, vehicle, now, lines, start_on, values))


def _issue(
    world: World,
    vehicle: Vehicle,
    now: datetime,
    lines: tuple[LineChoice, ...],
    start_on: date | None,
    values: dict[str, Any],
) -> dict[PolicyLine, Policy]:
    if not db.session.scalar(select(func.count()).select_from(rates.RateTable)):
        rates.install_sample_rates(now=now)
    order = IssueRequest(world.account.id, (vehicle.id,), lines, start_on=start_on, **values)
    batch = policies.issue_many(order, actor=world.underwriter, now=now)
    db.session.commit()
    found = db.session.scalars(select(Policy).where(Policy.batch_id == batch.id))
    return {policy.line: policy for policy in found}


def command(kind: EndorsementKind, **values: Any) -> EndorsementCommand:
    """An endorsement at once, with a reason."""
    return EndorsementCommand(kind, values.pop("reason", "客户申请"), **values)


def endorse(world: World, policy: Policy, now: datetime, kind: EndorsementKind, **values: Any) -> Endorsement:
    """An endorsement, written and committed."""
    number = endorsing.endorse(policy.number, command(kind, **values), actor=world.underwriter, now=now)
    db.session.commit()
    return db.session.scalars(select(Endorsement).where(Endorsement.number == number)).one()


def china(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """An hour of a day in China."""
    return datetime(year, month, day, hour, tzinfo=UTC) - timedelta(hours=8)


def ledger(policy: Policy) -> tuple[int, int, int]:
    """What was asked for a policy, what was received of it, and what is given back, in fen."""
    asked, settled = db.session.execute(
        select(func.sum(Receivable.amount_fen), func.sum(Receivable.settled_fen)).where(
            Receivable.policy_id == policy.id
        )
    ).one()
    given = db.session.scalar(
        select(func.sum(PremiumRefund.amount_fen)).where(PremiumRefund.policy_id == policy.id)
    )
    return int(asked), int(settled), int(given or 0)


def premium_with_tax(policy: Policy) -> int:
    """The premium of a policy as issued, all it was endorsed by, and its tax."""
    changes = db.session.scalar(
        select(func.sum(Endorsement.premium_fen)).where(Endorsement.policy_id == policy.id)
    )
    return policy.premium_fen + int(changes or 0) + policy.tax_fen


def pay(world: World, policy: Policy, fen: int, at: datetime) -> None:
    """Receive so much for what is open of a policy."""
    rows = db.session.scalars(select(Receivable).where(Receivable.policy_id == policy.id)).all()
    by_branch: dict[int, list[Receivable]] = {}
    for row in rows:
        if row.amount_fen > row.settled_fen:
            by_branch.setdefault(row.branch_id, []).append(row)
    for branch_id, owed in by_branch.items():
        part = min(fen, sum(row.amount_fen - row.settled_fen for row in owed))
        if part > 0:
            order = ReceiptCommand(
                branch_id, tuple(row.id for row in owed), part, at.date(), "transfer", "分公司"
            )
            premiums.receive(order, actor=world.underwriter, now=at)
            fen -= part
    db.session.commit()
