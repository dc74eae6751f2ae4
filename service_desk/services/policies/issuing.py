"""Issuing: all that can be issued, as one batch, in a few statements however many vehicles."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Coverage, IssueBatch, Policy, PolicyOrigin, PolicyState
from service_desk.models.premiums import Receivable
from service_desk.models.users import User
from service_desk.rules import premium as premium_rules
from service_desk.rules.permissions import Action
from service_desk.rules.rating import LimitPer
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, audit, numbers, submissions
from service_desk.services.policies import chase, credit, held_prices
from service_desk.services.policies.onboarding import finishing
from service_desk.services.policies.planning import (
    IssuePlan,
    IssueRequest,
    PlannedPolicy,
    chosen_vehicles,
    plan_for,
)

NUMBER_PREFIXES = {
    PolicyLine.CTPL: "PCT",
    PolicyLine.COMMERCIAL: "PCM",
    PolicyLine.CARRIER_LIABILITY: "PCL",
}


def issue(request: IssueRequest, *, key: str = "", actor: User, now: datetime) -> str:
    """Issue all that can be issued and return the batch's number; the same key twice is one batch."""
    return submissions.once(
        "issue", key, lambda: issue_many(request, actor=actor, now=now).number, actor=actor, now=now
    )


def issue_many(request: IssueRequest, *, actor: User, now: datetime) -> IssueBatch:
    """Issue all that can be issued, as one batch.

    Conflict `preview_changed` when the total is not the expected one, Invalid `nothing_to_issue` when
    nothing can be, Invalid `credit_exceeded` when it goes beyond the credit limit and no release covers it.
    Writes policies, coverages, receivables, the batch and one audit entry.
    """
    access.require(actor, Action.ISSUE_POLICIES)
    held_prices.lock_quote(request.quote_number, request.account_id)
    # Whoever issues for one of these vehicles meanwhile waits here, and then sees our policies as cover in
    # force. SQLite has one writer at a time and needs no lock on rows.
    vehicles = chosen_vehicles(request, actor, lock=True)
    plan = plan_for(request, vehicles, now)
    if not plan.policies:
        raise Invalid("nothing_to_issue")
    if request.expected_fen is not None and request.expected_fen != plan.total_fen:
        raise Conflict("preview_changed")
    release = credit.check_credit(request.account_id, plan.total_fen, actor=actor, now=now)
    batch = _write_batch(request, plan, actor, now)
    credit.use_release(release, batch, now=now)
    _write_policies(batch, plan.policies, now)
    finishing.after_issue(batch, [one.vehicle for one in plan.policies], actor=actor, now=now)
    chase.settle({one.vehicle.id for one in plan.policies}, actor=actor, now=now)
    audit.record(
        "policies_issued",
        batch,
        actor=actor,
        now=now,
        changes={"policy_count": (None, batch.policy_count), "premium_fen": (None, batch.premium_fen)},
    )
    return batch


def _write_batch(request: IssueRequest, plan: IssuePlan, actor: User, now: datetime) -> IssueBatch:
    batch = IssueBatch(
        number=numbers.next_number("BAT", local_date(now).year),
        account_id=request.account_id,
        issued_by_id=actor.id,
        issued_at=now,
        policy_count=len(plan.policies),
        premium_fen=plan.premium_fen,
        refused=[
            {
                "vehicle_id": one.vehicle_id,
                "plate": one.plate,
                "branch_id": one.branch_id,
                "line": one.line.value,
                "code": one.code,
                "params": one.params,
            }
            for one in plan.refused
        ],
        quote_id=held_prices.quote_id(request.quote_number, request.account_id),
    )
    db.session.add(batch)
    db.session.flush()
    return batch


def _write_policies(batch: IssueBatch, planned: list[PlannedPolicy], now: datetime) -> None:
    account = db.session.get_one(KeyAccount, batch.account_id)
    names = _insured_names(account, planned)
    numbers_of = _numbers(planned, local_date(now).year)
    rows = [
        _policy_values(batch, one, number, names[one.vehicle.branch_id])
        for one, number in zip(planned, numbers_of, strict=True)
    ]
    db.session.execute(insert(Policy), rows, execution_options={"render_nulls": True})
    # Asked for afterwards: to return them in the order of the rows SQLite would insert one at a time.
    found = select(Policy.number, Policy.id).where(Policy.batch_id == batch.id)
    id_of = dict(db.session.execute(found).tuples().all())
    ids = [id_of[number] for number in numbers_of]
    coverages = [values for id_, one in zip(ids, planned, strict=True) for values in _coverages(id_, one)]
    if coverages:
        # Rows with and without a limit a seat go in together, not in turns of one.
        db.session.execute(insert(Coverage), coverages, execution_options={"render_nulls": True})
    db.session.execute(
        insert(Receivable), [_receivable(id_, one, now) for id_, one in zip(ids, planned, strict=True)]
    )


def _policy_values(batch: IssueBatch, one: PlannedPolicy, number: str, insured_name: str) -> dict[str, Any]:
    return {
        "number": number,
        "account_id": batch.account_id,
        "branch_id": one.vehicle.branch_id,
        "issued_branch_id": one.vehicle.branch_id,
        "vehicle_id": one.vehicle.id,
        "origin": PolicyOrigin.ISSUED,
        "batch_id": batch.id,
        "line": one.line,
        "cover_set": one.cover_set,
        "state": PolicyState.ISSUED,
        "starts_at": one.term.starts_at,
        "ends_at": one.term.ends_at,
        "agreed_ends_at": one.term.ends_at,
        "premium_fen": one.premium.total_fen,
        "tax_fen": one.tax_fen,
        "ctpl_float": one.ctpl_float.value if one.ctpl_float else None,
        "rate_line_id": one.rate_line_id,
        "insured_name": insured_name,
        "plate": one.vehicle.plate,
        "vin": one.vehicle.vin,
        "vehicle_facts": vehicle_facts(one.vehicle),
        "issued_by_id": batch.issued_by_id,
        "issued_at": batch.issued_at,
    }


def _insured_names(account: KeyAccount, planned: Iterable[PlannedPolicy]) -> dict[int, str]:
    """The insured by branch: the group, and the branch that uses the vehicle."""
    ids = {one.vehicle.branch_id for one in planned}
    rows = db.session.execute(select(Branch.id, Branch.name).where(Branch.id.in_(ids)))
    return {row.id: f"{account.name}{row.name}"[:200] for row in rows}


def _numbers(planned: list[PlannedPolicy], year: int) -> list[str]:
    """A number for each policy. The sequences are locked in one order, so that two batches cannot lock each other."""
    counts: dict[PolicyLine, int] = defaultdict(int)
    for one in planned:
        counts[one.line] += 1
    taken = {
        line: iter(numbers.take(f"{prefix}{year}", counts[line]))
        for line, prefix in NUMBER_PREFIXES.items()
        if counts[line]
    }
    return [f"{NUMBER_PREFIXES[one.line]}{year}-{next(taken[one.line]):06d}" for one in planned]


def vehicle_facts(vehicle: Vehicle) -> dict[str, Any]:
    """The vehicle as insured: what the policy states, whatever becomes of the vehicle's row."""
    return {
        "use_class": vehicle.use_class.value if vehicle.use_class else None,
        "seats": vehicle.seats,
        "load_kg": vehicle.load_kg,
        "model": vehicle.model,
        "engine_no": vehicle.engine_no,
        "registered_on": vehicle.registered_on.isoformat() if vehicle.registered_on else None,
    }


def _coverages(policy_id: int, planned: PlannedPolicy) -> list[dict[str, Any]]:
    seats = planned.vehicle.seats or 0
    return [
        {
            "policy_id": policy_id,
            "code": limit.coverage,
            "limit_fen": (limit.limit_fen or 0) * seats if limit.per is LimitPer.SEAT else limit.limit_fen,
            "per_seat_fen": limit.limit_fen if limit.per is LimitPer.SEAT else None,
            "deductible_fen": limit.deductible_fen,
            "absolute_deductible_percent": limit.absolute_deductible_percent,
        }
        for limit in planned.premium.rate.limits
    ]


def _receivable(policy_id: int, planned: PlannedPolicy, now: datetime) -> dict[str, Any]:
    return {
        "account_id": planned.vehicle.account_id,
        "branch_id": planned.vehicle.branch_id,
        "policy_id": policy_id,
        "amount_fen": planned.due_fen,
        "instalment": 1,
        "due_on": premium_rules.due_on(planned.term.first_day, local_date(now)),
        "created_at": now,
    }
