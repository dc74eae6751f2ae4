"""Amounts to get back: by subrogation, by CTPL's recourse, paid too much. What comes in never changes what was paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.money import format_yuan
from service_desk.base.text import one_line, squeeze
from service_desk.models.claim_money import Recovery, RecoveryKind, RecoveryReceipt, RecoveryState
from service_desk.models.claims import Claim, ClaimCalculation, ClaimEvent, ClaimPayment
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.claims.common import get_claim, log_event, require_reason

MAX_FEN = 100_000_000_00
# Kept as the reason where the desk itself lowers what was paid too much; pages put it into words.
NOT_OWED_ANY_MORE = "not_owed_any_more"
_WRITTEN_OFF = "recovery_written_off"
_CORRECTED = "recovery_corrected"


@dataclass(frozen=True)
class NewRecovery:
    """An amount to get back, from whom and why."""

    kind: RecoveryKind
    owed_by: str
    amount_fen: int
    note: str = ""


@dataclass(frozen=True)
class Receive:
    """Money that came in on a day."""

    amount_fen: int
    received_on: date
    reference: str = ""


def add(number: str, command: NewRecovery, *, actor: User, now: datetime) -> Recovery:
    """Write down an amount to get back. Invalid: no debtor, `amount_not_positive`, `recovery_too_large`."""
    claim = _claim_to_record(number, actor)
    if not squeeze(command.owed_by):
        raise Invalid("required", field="owed_by")
    _require_amount(command.amount_fen)
    recovery = _open(claim, command, actor, now)
    _log(claim, "recovery_opened", recovery, actor, now, recovery.amount_fen)
    _record("recovery_added", recovery, actor, now, {"amount_fen": (None, recovery.amount_fen)}, claim)
    return recovery


def _claim_to_record(number: str, actor: User) -> Claim:
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.RECORD_RECOVERIES)
    return claim


def _require_amount(amount_fen: int) -> None:
    if amount_fen <= 0:
        raise Invalid("amount_not_positive", field="amount")
    if amount_fen > MAX_FEN:
        raise Invalid("recovery_too_large", field="amount")


def _open(
    claim: Claim,
    command: NewRecovery,
    actor: User,
    now: datetime,
    *,
    is_automatic: bool = False,
    calculation_id: int | None = None,
) -> Recovery:
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
    return recovery


def open_calculated(claim: Claim, calculation: ClaimCalculation, *, actor: User, now: datetime) -> None:
    """Open what an approved calculation says is to be got back: of each kind and debtor only what is new.

    What was paid too much is left to `settle_overpaid`: payments may have gone out or come back since it was frozen.
    """
    asked: dict[tuple[RecoveryKind, str], int] = {}
    for wanted in getattr(calculation, "recoveries", None) or []:
        kind = _kind_of(wanted)
        if kind is RecoveryKind.OVERPAID:
            continue
        key = kind, squeeze(str(wanted.get("from") or ""))[:200]
        asked[key] = asked.get(key, 0) + int(wanted["amount_fen"])
    known = _automatic_sums(claim)
    for (kind, owed_by), amount_fen in asked.items():
        more_fen = amount_fen - known.get((kind, owed_by), 0)
        if more_fen > 0:
            command = NewRecovery(kind, owed_by, more_fen)
            _open_automatic(claim, command, actor, now, calculation_id=calculation.id)


def _kind_of(wanted: Mapping[str, Any]) -> RecoveryKind:
    code = str(wanted.get("kind") or "")
    return RecoveryKind(code) if code in set(RecoveryKind) else RecoveryKind.OTHER


def _automatic_sums(claim: Claim) -> dict[tuple[RecoveryKind, str], int]:
    """What calculations have asked for so far; what somebody corrected since must not be asked for again."""
    rows = db.session.scalars(select(Recovery).where(Recovery.claim_id == claim.id, Recovery.is_automatic))
    changed, sums = _corrected_fen(claim), dict[tuple[RecoveryKind, str], int]()
    for row in rows:
        key = row.kind, row.owed_by
        sums[key] = sums.get(key, 0) + row.amount_fen - changed.get(row.id, 0)
    return sums


def _corrected_fen(claim: Claim) -> dict[int, int]:
    """By how much the amounts of recoveries were corrected, by id, by the time line, which is never rewritten."""
    events = db.session.scalars(
        select(ClaimEvent.params).where(ClaimEvent.claim_id == claim.id, ClaimEvent.kind == _CORRECTED)
    )
    found: dict[int, int] = {}
    for one in events:
        found[one["corrected_of"]] = found.get(one["corrected_of"], 0) + one["change_fen"]
    return found


def _open_automatic(
    claim: Claim, command: NewRecovery, actor: User, now: datetime, *, calculation_id: int | None
) -> None:
    recovery = _open(claim, command, actor, now, is_automatic=True, calculation_id=calculation_id)
    _log(claim, "recovery_opened", recovery, actor, now, recovery.amount_fen)
    _record("recovery_added", recovery, actor, now, {"amount_fen": (None, recovery.amount_fen)}, claim)


def settle_overpaid(claim: Claim, owed_fen: int, *, actor: User, now: datetime) -> None:
    """Bring the recovery of what was paid too much to what it is: more of it is opened, what is not owed falls away.

    `owed_fen` is what the claim is worth by its decision; the caller holds the claim's lock.
    """
    wanted_fen = max(claim.paid_fen - owed_fen, 0)
    rows = db.session.scalars(_overpaid(claim).order_by(Recovery.id.desc()).with_for_update()).all()
    surplus_fen = overpaid_fen(claim) - wanted_fen
    if surplus_fen < 0:
        command = NewRecovery(RecoveryKind.OVERPAID, _paid_to(claim), -surplus_fen)
        _open_automatic(claim, command, actor, now, calculation_id=None)
    for row in rows:
        falls_fen = min(max(surplus_fen, 0), row.open_fen)
        if falls_fen:
            _write_off(row, falls_fen, NOT_OWED_ANY_MORE, claim, actor, now)
            surplus_fen -= falls_fen


def overpaid_fen(claim: Claim) -> int:
    """What was asked back because it was paid too much, less what fell away since.

    What a manager gave up stays in it: a later decision must not ask for the same money again.
    """
    rows = db.session.scalars(_overpaid(claim)).all()
    return sum(row.amount_fen - row.written_off_fen for row in rows) + _given_up_fen(claim, rows)


def due_again_fen(claim: Claim, owed_fen: int) -> int:
    """What was paid too much and came back, and is owed after all: it is to be paid once more.

    `owed_fen` is what the claim is worth by its decision. What was paid stays as it was, so this comes on top of it.
    """
    received = select(func.coalesce(func.sum(Recovery.received_fen), 0)).where(
        Recovery.claim_id == claim.id, Recovery.kind == RecoveryKind.OVERPAID, Recovery.is_automatic
    )
    came_back_fen = int(db.session.scalar(received) or 0)
    return max(came_back_fen - max(claim.paid_fen - owed_fen, 0), 0)


def _given_up_fen(claim: Claim, rows: Sequence[Recovery]) -> int:
    """What people wrote off of some recoveries, by the time line, which is never rewritten."""
    ids = {row.id for row in rows}
    events = db.session.scalars(
        select(ClaimEvent.params).where(ClaimEvent.claim_id == claim.id, ClaimEvent.kind == _WRITTEN_OFF)
    )
    return sum(one["amount_fen"] for one in events if one.get("given_up_of") in ids)


def _overpaid(claim: Claim) -> Select[tuple[Recovery]]:
    return select(Recovery).where(
        Recovery.claim_id == claim.id, Recovery.kind == RecoveryKind.OVERPAID, Recovery.is_automatic
    )


def _paid_to(claim: Claim) -> str:
    """The payees of a claim, the latest first."""
    statement = select(ClaimPayment.payee).where(
        ClaimPayment.claim_id == claim.id, ClaimPayment.returned_at.is_(None)
    )
    names = db.session.scalars(statement.order_by(ClaimPayment.id.desc())).all()
    return ", ".join(dict.fromkeys(names))


def receive(
    recovery_id: int, command: Receive, *, actor: User, now: datetime, version: int | None = None
) -> RecoveryReceipt:
    """Record money that came in. It lowers what is open and leaves what was paid on the claim as it is.

    Invalid: `amount_not_positive`, `recovery_above_open`, `received_in_future`. Conflict when the page was stale.
    """
    recovery, claim = _to_change(recovery_id, Action.RECORD_RECOVERIES, actor, version)
    _require_amount(command.amount_fen)
    if command.amount_fen > recovery.open_fen:
        raise Invalid("recovery_above_open", field="amount", left=format_yuan(recovery.open_fen))
    if command.received_on > local_date(now):
        raise Invalid("received_in_future", field="received_on")
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
    _write_off(recovery, amount_fen, note, claim, actor, now, given_up_of=recovery.id)
    return recovery


def _write_off(
    recovery: Recovery,
    amount_fen: int,
    reason: str,
    claim: Claim,
    actor: User,
    now: datetime,
    **params: int,
) -> None:
    written_off = recovery.written_off_fen + amount_fen
    changes = _move(recovery, written_off_fen=written_off, write_off_reason=reason[:200])
    _log(claim, _WRITTEN_OFF, recovery, actor, now, amount_fen, **params)
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
    _log(claim, _CORRECTED, recovery, actor, now, amount_fen, corrected_of=recovery.id, change_fen=change_fen)
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
