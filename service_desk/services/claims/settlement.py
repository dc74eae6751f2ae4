"""From complete documents to the payment: calculated, approved by another person, paid."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.base.money import format_yuan
from service_desk.base.text import mask_account_number, squeeze
from service_desk.models.claims import Claim, ClaimCalculation, ClaimCover, ClaimPayment
from service_desk.models.db import db
from service_desk.models.policies import Policy
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState, ClockStep
from service_desk.services import audit
from service_desk.services.claims import calculating
from service_desk.services.claims.calculating import CalculationInputs
from service_desk.services.claims.common import begin, perform, require_reason
from service_desk.services.claims.people import tell_client

MIN_ACCOUNT_DIGITS, MAX_ACCOUNT_DIGITS = 8, 30


@dataclass(frozen=True)
class Approve:
    """`calculation_id` is the calculation the approver has read."""

    calculation_id: int
    note: str = ""


@dataclass(frozen=True)
class Pay:
    amount_fen: int
    payee: str
    account_number: str
    bank: str = ""
    reference: str = ""


def calculate(
    number: str, command: CalculationInputs, *, actor: User, now: datetime, version: int | None = None
) -> ClaimCalculation:
    """Calculate by what was in force at the loss and freeze inputs, lines and working as a new version.

    Invalid: `nothing_to_calculate`, `nothing_insured`, `calculation_below_paid`, amounts and rates that cannot be.
    """
    claim, _ = begin(number, ClaimAction.CALCULATE, actor=actor, version=version)
    result = calculating.work_out(claim, list_covers(claim.id), _policies(claim.id), command)
    if result.total_fen < claim.paid_fen:
        raise Invalid(
            "calculation_below_paid", paid=format_yuan(claim.paid_fen), total=format_yuan(result.total_fen)
        )
    latest = latest_calculation(claim.id)
    calculation = ClaimCalculation(
        claim_id=claim.id,
        round=claim.round,
        calculation_version=latest.calculation_version + 1 if latest else 1,
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


def approve(
    number: str, command: Approve, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Approve the calculation that was read. Forbidden for whoever made it; Conflict when a newer one exists."""
    claim, _ = begin(number, ClaimAction.APPROVE, actor=actor, version=version)
    calculation = _calculation_read(claim, command.calculation_id)
    if calculation.calculated_by_id == actor.id:
        raise Forbidden("own_calculation")
    calculation.approved_by_id, calculation.approved_at = actor.id, now
    before, claim.approved_fen = claim.approved_fen, calculation.total_fen
    is_due = claim.approved_fen > claim.paid_fen
    perform(
        claim,
        ClaimAction.APPROVE,
        actor=actor,
        at=now,
        now=now,
        without=() if is_due else (ClockStep.PAYMENT,),
        params={"version": calculation.calculation_version, "approved_fen": calculation.total_fen},
        note=command.note.strip(),
    )
    changes = {"approved_fen": (before, claim.approved_fen)}
    audit.record("claim_approved", claim, actor=actor, now=now, changes=changes)
    return claim


def send_back(number: str, reason: str, *, actor: User, now: datetime, version: int | None = None) -> Claim:
    """Send the calculation back to be made again, with the reason."""
    claim, _ = begin(number, ClaimAction.SEND_BACK, actor=actor, version=version)
    note = require_reason(reason)
    perform(claim, ClaimAction.SEND_BACK, actor=actor, at=now, now=now, note=note, is_internal=True)
    changes = {"state": (ClaimState.CALCULATED, claim.state)}
    audit.record("claim_sent_back", claim, actor=actor, now=now, changes=changes)
    return claim


def _calculation_read(claim: Claim, calculation_id: int) -> ClaimCalculation:
    latest = latest_calculation(claim.id)
    if latest is None or latest.id != calculation_id:
        raise Conflict("calculation_superseded")
    return latest


def pay(number: str, command: Pay, *, actor: User, now: datetime, version: int | None = None) -> ClaimPayment:
    """Pay all or a part of what is approved. The last part stops the clock and tells the client.

    Invalid: `amount_not_positive`, `payment_above_approved`, `reserve_too_small`, `account_number_invalid`, no payee.
    """
    claim, _ = begin(number, ClaimAction.PAY, actor=actor, version=version)
    account_number = _require_payable(claim, command)
    calculation = _calculation_approved(claim)
    payment = ClaimPayment(
        claim_id=claim.id,
        calculation_id=calculation.id,
        amount_fen=command.amount_fen,
        payee=squeeze(command.payee),
        account_number=account_number,
        bank=squeeze(command.bank),
        reference=squeeze(command.reference),
        paid_at=now,
        paid_by_id=actor.id,
    )
    db.session.add(payment)
    before, claim.paid_fen = claim.paid_fen, claim.paid_fen + command.amount_fen
    is_last = claim.paid_fen == claim.approved_fen
    shown = {
        "amount_fen": command.amount_fen,
        "payee": payment.payee,
        "account": mask_account_number(account_number),
        "left_fen": claim.approved_fen - claim.paid_fen,
    }
    action = ClaimAction.PAY if is_last else ClaimAction.PAY_PART
    perform(claim, action, actor=actor, at=now, now=now, params=shown)
    db.session.flush()
    tell_client(claim, "claim_paid", shown | {"bank": payment.bank}, dedupe=str(payment.id), now=now)
    audit.record("claim_paid", claim, actor=actor, now=now, changes={"paid_fen": (before, claim.paid_fen)})
    return payment


def _calculation_approved(claim: Claim) -> ClaimCalculation:
    latest = latest_calculation(claim.id)
    if latest is None or latest.approved_at is None:
        raise Conflict("calculation_superseded")
    return latest


def _require_payable(claim: Claim, command: Pay) -> str:
    """The account number without blanks, when everything about the payment is right."""
    left_fen = claim.approved_fen - claim.paid_fen
    if command.amount_fen <= 0:
        raise Invalid("amount_not_positive", field="amount")
    if command.amount_fen > left_fen:
        raise Invalid("payment_above_approved", field="amount", left=format_yuan(left_fen))
    if claim.reserve_fen < claim.paid_fen + command.amount_fen:
        raise Invalid("reserve_too_small", field="amount", reserve=format_yuan(claim.reserve_fen))
    if not squeeze(command.payee):
        raise Invalid("required", field="payee")
    account_number = "".join(command.account_number.split())
    is_number = account_number.isascii() and account_number.isdigit()
    if not is_number or not MIN_ACCOUNT_DIGITS <= len(account_number) <= MAX_ACCOUNT_DIGITS:
        raise Invalid("account_number_invalid", field="account_number")
    return account_number


def latest_calculation(claim_id: int) -> ClaimCalculation | None:
    """The newest version; None before the first."""
    statement = select(ClaimCalculation).where(ClaimCalculation.claim_id == claim_id)
    return db.session.scalar(statement.order_by(ClaimCalculation.calculation_version.desc()).limit(1))


def list_covers(claim_id: int) -> list[ClaimCover]:
    """The cover that was found at the time of loss."""
    statement = select(ClaimCover).where(ClaimCover.claim_id == claim_id)
    return list(db.session.scalars(statement.order_by(ClaimCover.id)))


def _policies(claim_id: int) -> dict[int, Policy]:
    statement = (
        select(Policy)
        .join(ClaimCover, ClaimCover.policy_id == Policy.id)
        .where(ClaimCover.claim_id == claim_id)
    )
    return {policy.id: policy for policy in db.session.scalars(statement)}
