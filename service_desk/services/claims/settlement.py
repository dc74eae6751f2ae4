"""From complete documents to the payment: calculated, approved by another person, paid."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, select

from service_desk.models.claims import ClaimCalculation, ClaimCover
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction
from service_desk.services import audit
from service_desk.services.claims import calculating
from service_desk.services.claims.approving import Approve, approve, send_back
from service_desk.services.claims.calculating import CalculationInputs
from service_desk.services.claims.common import begin, latest_calculation, perform
from service_desk.services.claims.paying import Pay, ReturnPayment, pay, pay_advance, return_payment

# Each step in a module of its own; who takes a claim to its payment finds them together here.
__all__ = [
    "Approve",
    "Pay",
    "ReturnPayment",
    "approve",
    "calculate",
    "latest_calculation",
    "list_covers",
    "pay",
    "pay_advance",
    "return_payment",
    "send_back",
]


def calculate(
    number: str, command: CalculationInputs, *, actor: User, now: datetime, version: int | None = None
) -> ClaimCalculation:
    """Calculate by what was in force at the loss and freeze inputs, lines and working as a new version.

    What was paid beyond the total is a recovery of kind `overpaid`. Invalid: `nothing_to_calculate`,
    `nothing_insured`, `contract_limit_missing`, amounts and rates that cannot be.
    """
    claim, _ = begin(number, ClaimAction.CALCULATE, actor=actor, version=version)
    result = calculating.work_out(claim, list_covers(claim.id), calculating.policies_of(claim.id), command)
    calculation = ClaimCalculation(
        claim_id=claim.id,
        round=claim.round,
        calculation_version=_last_version(claim.id) + 1,
        calculated_by_id=actor.id,
        calculated_at=now,
        **asdict(result),
    )
    db.session.add(calculation)
    changes = audit.change(claim, fault=command.fault)
    perform(
        claim,
        ClaimAction.CALCULATE,
        actor=actor,
        at=now,
        now=now,
        params={"version": calculation.calculation_version, "total_fen": result.total_fen},
        note=command.note.strip(),
        is_internal=True,
    )
    db.session.flush()
    audit.record("claim_calculated", claim, actor=actor, now=now, changes=changes)
    return calculation


def _last_version(claim_id: int) -> int:
    """The number of the last version, whether it counts or not; 0 before the first."""
    statement = select(func.max(ClaimCalculation.calculation_version)).where(
        ClaimCalculation.claim_id == claim_id
    )
    return db.session.scalar(statement) or 0


def list_covers(claim_id: int) -> list[ClaimCover]:
    """The cover that was found at the time of loss."""
    statement = select(ClaimCover).where(ClaimCover.claim_id == claim_id)
    return list(db.session.scalars(statement.order_by(ClaimCover.id)))
