"""Money that goes out: part payments, the balance, advances, and what the bank sends back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.money import format_yuan
from service_desk.base.text import fold, mask_account_number, squeeze
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claim_money import AdvanceState, ClaimAdvance
from service_desk.models.claim_parties import ClaimParty
from service_desk.models.claims import Claim, ClaimCalculation, ClaimCover, ClaimPayment
from service_desk.models.db import db
from service_desk.models.policies import Policy
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState, ClockStep
from service_desk.rules.payee import Doubt, is_account_number, is_doubtful_card, is_known_payee
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, submissions
from service_desk.services.claims import advances, decided_recoveries, plans, reserves
from service_desk.services.claims.common import begin, get_claim, latest_calculation, perform, require_reason
from service_desk.services.claims.people import tell_client

# The tick of the form by which each doubt is confirmed.
_TICK_OF = {Doubt.CARD_CHECK_DIGIT: "account_confirmed", Doubt.OTHER_PAYEE: "payee_confirmed"}

_DECIDED = frozenset({ClaimState.APPROVED, ClaimState.PAID, ClaimState.CLOSED})


@dataclass(frozen=True)
class Pay:
    """A payment. `confirms_account`: the card number was compared although its check digit is wrong;
    `confirms_payee`: the insured's payment authority for this payee is on file. `is_another`: it is known that one just
    like it was recorded.
    """

    amount_fen: int
    payee: str
    account_number: str
    bank: str = ""
    reference: str = ""
    confirms_account: bool = False
    confirms_payee: bool = False
    is_another: bool = False

    @property
    def confirmed(self) -> set[Doubt]:
        ticks = {Doubt.CARD_CHECK_DIGIT: self.confirms_account, Doubt.OTHER_PAYEE: self.confirms_payee}
        return {doubt for doubt, is_ticked in ticks.items() if is_ticked}


@dataclass(frozen=True)
class ReturnPayment:
    """A payment that the bank sent back, and why."""

    payment_id: int
    reason: str


def pay(number: str, command: Pay, *, actor: User, now: datetime, version: int | None = None) -> ClaimPayment:
    """Pay all or a part of what is approved. The last part stops the clock and tells the client.

    Invalid: `amount_not_positive`, `payment_above_approved`, `reserve_too_small`, `account_number_invalid`, no payee,
    and for what must be confirmed first `account_number_doubtful`, `payee_unknown`, `sent_alike`.
    """
    claim, _ = begin(number, ClaimAction.PAY, actor=actor, version=version)
    _require_amount(claim, command.amount_fen)
    doubts = _require_payee(claim, command)
    _require_no_twin(claim, command, actor, now)
    calculation = _calculation_approved(claim)
    payment = _book(claim, command, doubts, actor, now, calculation_id=calculation.id)
    action = ClaimAction.PAY if claim.paid_fen == claim.approved_fen else ClaimAction.PAY_PART
    _finish(claim, payment, action, actor, now)
    return payment


def pay_advance(
    number: str,
    advance_id: int,
    command: Pay,
    *,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> ClaimPayment:
    """Pay an approved advance, all of it; its clock stops. Conflict `advance_not_approved`.

    Refusals otherwise as `pay`; the amount of `command` must be the advance's (`advance_amount`).
    """
    claim, _ = begin(number, ClaimAction.PAY_ADVANCE, actor=actor, version=version)
    advance = advances.get_advance(claim, advance_id)
    if advance.state is not AdvanceState.APPROVED:
        raise Conflict("advance_not_approved")
    if command.amount_fen != advance.amount_fen:
        raise Invalid("advance_amount", field="amount", amount=format_yuan(advance.amount_fen))
    _require_amount(claim, command.amount_fen)
    doubts = _require_payee(claim, command)
    advance.state = AdvanceState.PAID
    payment = _book(claim, command, doubts, actor, now, advance_id=advance.id)
    _finish(claim, payment, ClaimAction.PAY_ADVANCE, actor, now)
    return payment


def _require_amount(claim: Claim, amount_fen: int) -> None:
    left_fen = claim.approved_fen - claim.paid_fen
    if amount_fen <= 0:
        raise Invalid("amount_not_positive", field="amount")
    if amount_fen > left_fen:
        raise Invalid("payment_above_approved", field="amount", left=format_yuan(left_fen))
    if claim.reserve_fen < claim.paid_fen + amount_fen:
        raise Invalid("reserve_too_small", field="amount", reserve=format_yuan(claim.reserve_fen))


def _require_payee(claim: Claim, command: Pay) -> set[Doubt]:
    """The doubts that were confirmed; refused when the payee cannot be, or a doubt is not confirmed."""
    account_number = _digits(command.account_number)
    if not squeeze(command.payee):
        raise Invalid("required", field="payee")
    if not is_account_number(account_number):
        raise Invalid("account_number_invalid", field="account_number")
    doubts = set()
    if is_doubtful_card(account_number):
        doubts.add(Doubt.CARD_CHECK_DIGIT)
    if not is_known_payee(command.payee, known_payees(claim)):
        doubts.add(Doubt.OTHER_PAYEE)
    codes = {Doubt.CARD_CHECK_DIGIT: "account_number_doubtful", Doubt.OTHER_PAYEE: "payee_unknown"}
    open_ones = sorted(doubts - command.confirmed)
    if open_ones:
        raise InvalidMany([Invalid(codes[doubt], field=_TICK_OF[doubt]) for doubt in open_ones])
    return doubts


def _require_no_twin(claim: Claim, command: Pay, actor: User, now: datetime) -> None:
    submissions.require_unlike(
        ClaimPayment.paid_at,
        ClaimPayment.claim_id == claim.id,
        ClaimPayment.amount_fen == command.amount_fen,
        ClaimPayment.payee == squeeze(command.payee),
        ClaimPayment.account_number == _digits(command.account_number),
        ClaimPayment.reference == squeeze(command.reference),
        ClaimPayment.paid_by_id == actor.id,
        ClaimPayment.returned_at.is_(None),
        is_another=command.is_another,
        now=now,
    )


def _digits(account_number: str) -> str:
    """An account number without the blanks it is printed with, full-width figures as plain ones."""
    return "".join(fold(account_number).split())


def known_payees(claim: Claim) -> list[str]:
    """The parties money of this claim may go to without more: the client, its branch, who is insured, the other side."""
    account = db.session.get_one(KeyAccount, claim.account_id)
    branch = db.session.get_one(Branch, claim.branch_id)
    insured = (
        select(Policy.insured_name)
        .join(ClaimCover, ClaimCover.policy_id == Policy.id)
        .where(ClaimCover.claim_id == claim.id)
    )
    parties = select(ClaimParty.name).where(ClaimParty.claim_id == claim.id, ClaimParty.removed_at.is_(None))
    names = [account.name, account.name_en, branch.name, branch.name_en, claim.other_party]
    return [name for name in (*names, *db.session.scalars(insured), *db.session.scalars(parties)) if name]


def _calculation_approved(claim: Claim) -> ClaimCalculation:
    latest = latest_calculation(claim.id)
    if latest is None or latest.approved_at is None:
        raise Conflict("calculation_superseded")
    return latest


def _book(
    claim: Claim,
    command: Pay,
    doubts: Iterable[Doubt],
    actor: User,
    now: datetime,
    *,
    calculation_id: int | None = None,
    advance_id: int | None = None,
) -> ClaimPayment:
    payment = ClaimPayment(
        claim_id=claim.id,
        calculation_id=calculation_id,
        advance_id=advance_id,
        amount_fen=command.amount_fen,
        payee=squeeze(command.payee),
        account_number=_digits(command.account_number),
        bank=squeeze(command.bank),
        reference=squeeze(command.reference),
        paid_at=now,
        paid_by_id=actor.id,
        confirmed=sorted(doubt.value for doubt in doubts),
    )
    db.session.add(payment)
    claim.paid_fen += command.amount_fen
    reserves.record_paid(claim, actor=actor, now=now)
    return payment


def _finish(claim: Claim, payment: ClaimPayment, action: ClaimAction, actor: User, now: datetime) -> None:
    shown = _shown(payment) | {"left_fen": claim.approved_fen - claim.paid_fen}
    perform(claim, action, actor=actor, at=now, now=now, params=shown)
    db.session.flush()
    tell_client(claim, "claim_paid", shown | {"bank": payment.bank}, dedupe=str(payment.id), now=now)
    changes: dict[str, tuple[Any, Any]] = {"paid_fen": (claim.paid_fen - payment.amount_fen, claim.paid_fen)}
    if payment.confirmed:
        changes["confirmed"] = (None, payment.confirmed)
    audit.record("claim_paid", claim, actor=actor, now=now, changes=changes)


def _shown(payment: ClaimPayment) -> dict[str, Any]:
    return {
        "amount_fen": payment.amount_fen,
        "payee": payment.payee,
        "account": mask_account_number(payment.account_number),
    }


def get_payment(number: str, payment_id: int, *, actor: User) -> tuple[Claim, ClaimPayment]:
    """A payment with its whole account number, for who may pay; NotFound when it is none of this claim's."""
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.PAY_CLAIMS)
    payment = db.session.scalar(
        select(ClaimPayment).where(ClaimPayment.id == payment_id, ClaimPayment.claim_id == claim.id)
    )
    if payment is None:
        raise NotFound("not_found")
    return claim, payment


def return_payment(
    number: str, command: ReturnPayment, *, actor: User, now: datetime, version: int | None = None
) -> ClaimPayment:
    """Record that the bank sent a payment back: it stays on record, its amount is due again and the clock runs.

    A closed claim is open again. Conflict `payment_returned`; Invalid `reason_missing`; NotFound.
    """
    claim, _ = begin(number, ClaimAction.RETURN_PAYMENT, actor=actor, version=version)
    payment = db.session.get(ClaimPayment, command.payment_id, with_for_update=True, populate_existing=True)
    if payment is None or payment.claim_id != claim.id:
        raise NotFound("not_found")
    if payment.returned_at is not None:
        raise Conflict("payment_returned")
    note = require_reason(command.reason)
    payment.returned_at, payment.returned_by_id, payment.return_reason = now, actor.id, note[:200]
    before = claim.paid_fen, claim.approved_fen
    claim.paid_fen -= payment.amount_fen
    total_fen = _owed_after_return(claim, payment)
    claim.approved_fen = max(claim.paid_fen, total_fen) + _due_again_fen(claim, total_fen)
    reserves.record_paid(claim, actor=actor, now=now)
    changes = {"paid_fen": (before[0], claim.paid_fen), "approved_fen": (before[1], claim.approved_fen)}
    if claim.state is ClaimState.CLOSED:
        changes |= audit.change(claim, closed_at=None, followed_up_at=None)
        # Nobody is asked how it was while it goes on; the next closing sends the form anew.
        asked = plans.find_plan(claim)
        if asked is not None:
            plans.revoke(asked, now=now)
    if claim.state is ClaimState.DENIED:
        # Nothing is due any more, so nothing is held for it either.
        reserves.move(claim, claim.paid_fen, "release", item="denial", reason=note, actor=actor, now=now)
    is_due = claim.approved_fen > claim.paid_fen
    perform(
        claim,
        ClaimAction.RETURN_PAYMENT,
        actor=actor,
        at=now,
        now=now,
        without=() if is_due else (ClockStep.PAYMENT, ClockStep.ADVANCE_PAYMENT),
        params=_shown(payment),
        note=note,
    )
    tell_client(claim, "claim_payment_returned", _shown(payment), dedupe=str(payment.id), now=now)
    audit.record("claim_payment_returned", claim, actor=actor, now=now, changes=changes)
    if claim.state in {ClaimState.APPROVED, ClaimState.DENIED}:
        decided_recoveries.settle_overpaid(claim, total_fen, actor=actor, now=now)
    return payment


def _due_again_fen(claim: Claim, owed_fen: int) -> int:
    """What came back of what was paid too much and is owed after all; only a decision says so."""
    return decided_recoveries.due_again_fen(claim, owed_fen) if claim.state in _DECIDED else 0


def _owed_after_return(claim: Claim, payment: ClaimPayment) -> int:
    """What is to be paid on the claim altogether now that a payment did not arrive.

    Decided: what the calculation says. Not yet: what is approved in advance, this one again. Denied: nothing more
    than earlier rounds granted and paid.
    """
    if claim.state in _DECIDED:
        return _calculation_approved(claim).total_fen
    if claim.state is ClaimState.DENIED:
        return advances.granted_fen(claim)
    if payment.advance_id is not None:
        advance = db.session.get_one(ClaimAdvance, payment.advance_id)
        if advance.round == claim.round:
            advance.state = AdvanceState.APPROVED
    return claim.paid_fen + advances.approved_open_fen(claim)
