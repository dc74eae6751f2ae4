"""Amounts to get back: by subrogation, by CTPL's recourse, paid too much. What comes in never changes what was paid."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.money import format_yuan
from service_desk.base.text import one_line, squeeze
from service_desk.models.claim_money import Recovery, RecoveryKind, RecoveryReceipt, RecoveryState
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, submissions
from service_desk.services.claims.common import get_claim, log_event, require_reason

MAX_FEN = 100_000_000_00
WRITTEN_OFF = "recovery_written_off"
CORRECTED = "recovery_corrected"


@dataclass(frozen=True)
class NewRecovery:
    """An amount to get back, from whom and why. `is_another`: it is known that one just like it was written down."""

    kind: RecoveryKind
    owed_by: str
    amount_fen: int
    note: str = ""
    is_another: bool = False


@dataclass(frozen=True)
class Receive:
    """Money that came in on a day. `is_another`: it is known that money just like it was recorded."""

    amount_fen: int
    received_on: date
    reference: str = ""
    is_another: bool = False


def add(number: str, command: NewRecovery, *, actor: User, now: datetime) -> Recovery:
    """Write down an amount to get back.

    Invalid: no debtor, `amount_not_positive`, `recovery_too_large`, `sent_alike`.
    """
    claim = _claim_to_record(number, actor)
    if not squeeze(command.owed_by):
        raise Invalid("required", field="owed_by")
    _require_amount(command.amount_fen)
    submissions.require_unlike(
        Recovery.made_at,
        Recovery.claim_id == claim.id,
        Recovery.kind == command.kind,
        Recovery.owed_by == squeeze(command.owed_by)[:200],
        Recovery.amount_fen == command.amount_fen,
        Recovery.note == one_line(command.note)[:200],
        Recovery.made_by_id == actor.id,
        Recovery.is_automatic.is_(False),
        is_another=command.is_another,
        now=now,
    )
    return open_recovery(claim, command, actor=actor, now=now)


def _claim_to_record(number: str, actor: User) -> Claim:
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.RECORD_RECOVERIES)
    return claim


def _require_amount(amount_fen: int) -> None:
    if amount_fen <= 0:
        raise Invalid("amount_not_positive", field="amount")
    if amount_fen > MAX_FEN:
        raise Invalid("recovery_too_large", field="amount")


def open_recovery(
    claim: Claim,
    command: NewRecovery,
    *,
    is_automatic: bool = False,
    calculation_id: int | None = None,
    actor: User,
    now: datetime,
) -> Recovery:
    """Write an amount to get back, its line and its audit. The caller has checked the command and who acts."""
    recovery = Recovery(
        claim_id=claim.id,
        account_id=claim.account_id,
        branch_id=claim.branch_id,
        is_automatic=is_automatic,
        calculation_id=calculation_id,
        kind=command.kind,
        owed_by=squeeze(command.owed_by)[:200],
        amount_fen=command.amount_fen,
        note=one_line(command.note)[:200],
        made_by_id=actor.id,
        made_at=now,
    )
    db.session.add(recovery)
    db.session.flush()
    _log(claim, "recovery_opened", recovery, actor, now, recovery.amount_fen)
    _record("recovery_added", recovery, actor, now, {"amount_fen": (None, recovery.amount_fen)}, claim)
    return recovery


def receive(
    recovery_id: int, command: Receive, *, actor: User, now: datetime, version: int | None = None
) -> RecoveryReceipt:
    """Record money that came in. It lowers what is open and leaves what was paid on the claim as it is.

    Invalid: `amount_not_positive`, `recovery_above_open`, `received_in_future`, `sent_alike`. Conflict when the page was
    stale.
    """
    recovery, claim = _to_change(recovery_id, Action.RECORD_RECOVERIES, actor, version)
    _require_amount(command.amount_fen)
    if command.amount_fen > recovery.open_fen:
        raise Invalid("recovery_above_open", field="amount", left=format_yuan(recovery.open_fen))
    if command.received_on > local_date(now):
        raise Invalid("received_in_future", field="received_on")
    submissions.require_unlike(
        RecoveryReceipt.recorded_at,
        RecoveryReceipt.recovery_id == recovery.id,
        RecoveryReceipt.amount_fen == command.amount_fen,
        RecoveryReceipt.received_on == command.received_on,
        RecoveryReceipt.reference == squeeze(command.reference)[:200],
        RecoveryReceipt.recorded_by_id == actor.id,
        RecoveryReceipt.struck_at.is_(None),
        is_another=command.is_another,
        now=now,
    )
    receipt = RecoveryReceipt(
        recovery_id=recovery.id,
        amount_fen=command.amount_fen,
        received_on=command.received_on,
        reference=squeeze(command.reference)[:200],
        recorded_by_id=actor.id,
        recorded_at=now,
    )
    db.session.add(receipt)
    changes = _move(recovery, received_fen=recovery.received_fen + command.amount_fen)
    _log(claim, "recovery_received", recovery, actor, now, command.amount_fen)
    _record("recovery_received", recovery, actor, now, changes, claim)
    return receipt


def strike(
    recovery_id: int,
    receipt_id: int,
    reason: str,
    *,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> Recovery:
    """Strike off money that was entered by mistake; it stays on record. Conflict `receipt_struck`; no reason: Invalid."""
    recovery, claim = _to_change(recovery_id, Action.RECORD_RECOVERIES, actor, version)
    receipt = db.session.get(RecoveryReceipt, receipt_id)
    if receipt is None or receipt.recovery_id != recovery.id:
        raise NotFound("not_found")
    if receipt.struck_at is not None:
        raise Conflict("receipt_struck")
    note = require_reason(reason)
    receipt.struck_at, receipt.struck_by_id, receipt.strike_reason = now, actor.id, note[:200]
    changes = _move(recovery, received_fen=recovery.received_fen - receipt.amount_fen)
    _log(claim, "recovery_receipt_struck", recovery, actor, now, receipt.amount_fen)
    _record("recovery_receipt_struck", recovery, actor, now, changes | {"reason": (None, note)}, claim)
    return recovery


def write_off(
    recovery_id: int,
    amount_fen: int,
    reason: str,
    *,
    is_another: bool = False,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> Recovery:
    """Give up some or all of what is open, by a manager and with a reason. Refusals as `receive`."""
    recovery, claim = _to_change(recovery_id, Action.WRITE_OFF_RECOVERIES, actor, version)
    note = require_reason(reason)
    _require_amount(amount_fen)
    if amount_fen > recovery.open_fen:
        raise Invalid("recovery_above_open", field="amount", left=format_yuan(recovery.open_fen))
    if not is_another and recovery.write_off_reason == note[:200]:
        _require_no_earlier_write_off(recovery, amount_fen, actor, now)
    lower_open(recovery, amount_fen, note, claim, actor=actor, now=now, given_up_of=recovery.id)
    return recovery


def _require_no_earlier_write_off(recovery: Recovery, amount_fen: int, actor: User, now: datetime) -> None:
    last = submissions.find_alike(
        ClaimEvent.recorded_at,
        ClaimEvent.claim_id == recovery.claim_id,
        ClaimEvent.kind == WRITTEN_OFF,
        ClaimEvent.actor_id == actor.id,
        now=now,
    )
    this = {"given_up_of": recovery.id, "amount_fen": amount_fen}
    if last is not None and this.items() <= last.params.items():
        raise Invalid("sent_alike", field="is_another", at=last.recorded_at)


def lower_open(
    recovery: Recovery,
    amount_fen: int,
    reason: str,
    claim: Claim,
    *,
    actor: User,
    now: datetime,
    **params: int,
) -> None:
    """Take a sum off what is open, with its line and its audit. The caller has checked it and who acts."""
    written_off = recovery.written_off_fen + amount_fen
    changes = _move(recovery, written_off_fen=written_off, write_off_reason=reason[:200])
    _log(claim, WRITTEN_OFF, recovery, actor, now, amount_fen, **params)
    _record("recovery_written_off", recovery, actor, now, changes, claim)


def correct(
    recovery_id: int,
    amount_fen: int,
    reason: str,
    *,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> Recovery:
    """State another amount to get back, with a reason; less than before only by who may write off.

    Invalid: `reason_missing`, `amount_not_positive`, `recovery_too_large`, `recovery_below_received` (what came in and
    was written off stays within it), `recovery_amount_unchanged`. Conflict `recovery_follows_decision` for what was
    paid too much, which is worked out from the decision anew each time.
    """
    recovery, claim = _to_change(recovery_id, Action.RECORD_RECOVERIES, actor, version)
    if not may_be_corrected(recovery):
        raise Conflict("recovery_follows_decision")
    if amount_fen < recovery.amount_fen:
        access.require(actor, Action.WRITE_OFF_RECOVERIES)
    note = require_reason(reason)
    _require_amount(amount_fen)
    least_fen = recovery.received_fen + recovery.written_off_fen
    if amount_fen < least_fen:
        raise Invalid("recovery_below_received", field="amount", least=format_yuan(least_fen))
    change_fen = amount_fen - recovery.amount_fen
    if not change_fen:
        raise Invalid("recovery_amount_unchanged", field="amount")
    changes = _move(recovery, amount_fen=amount_fen)
    _log(claim, CORRECTED, recovery, actor, now, amount_fen, corrected_of=recovery.id, change_fen=change_fen)
    _record("recovery_corrected", recovery, actor, now, changes | {"reason": (None, note)}, claim)
    return recovery


def may_be_corrected(recovery: Recovery) -> bool:
    """Whether its amount may be stated otherwise: not where it follows from what was paid and decided."""
    return not (recovery.is_automatic and recovery.kind is RecoveryKind.OVERPAID)


def _to_change(recovery_id: int, action: Action, actor: User, version: int | None) -> tuple[Recovery, Claim]:
    """The recovery, locked, with its claim."""
    recovery = get_recovery(recovery_id, actor=actor)
    access.require(actor, action)
    db.session.refresh(recovery, with_for_update=True)
    if version is not None and version != recovery.version:
        raise Conflict("stale")
    return recovery, db.session.get_one(Claim, recovery.claim_id)


def _move(recovery: Recovery, **values: Any) -> dict[str, tuple[Any, Any]]:
    changes = audit.change(recovery, **values)
    state = RecoveryState.OPEN if recovery.open_fen else RecoveryState.SETTLED
    return changes | audit.change(recovery, state=state)


def get_recovery(recovery_id: int, *, actor: User) -> Recovery:
    """A recovery the actor may see; NotFound otherwise."""
    return access.get_visible(actor, Action.RECORD_RECOVERIES, Recovery, Recovery.id == recovery_id)


def list_of_claim(claim_id: int) -> list[Recovery]:
    """The recoveries of a claim in the order they came about. The caller has checked who reads."""
    return list(
        db.session.scalars(select(Recovery).where(Recovery.claim_id == claim_id).order_by(Recovery.id))
    )


def _log(
    claim: Claim,
    kind: str,
    recovery: Recovery,
    actor: User,
    now: datetime,
    amount_fen: int,
    **params: int,
) -> None:
    log_event(
        claim,
        kind,
        actor=actor,
        at=now,
        now=now,
        params={"amount_fen": amount_fen, "recovery_kind": recovery.kind.value, "owed_by": recovery.owed_by}
        | params,
        is_internal=True,
    )


def _record(
    action: str,
    recovery: Recovery,
    actor: User,
    now: datetime,
    changes: dict[str, tuple[Any, Any]],
    claim: Claim,
) -> None:
    audit.record(action, recovery, actor=actor, now=now, changes=changes, label=claim.number)
