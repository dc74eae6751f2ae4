"""Amounts to get back that follow from decisions on a claim: as calculated, and what was paid too much."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from service_desk.base.text import squeeze
from service_desk.models.claim_money import Recovery, RecoveryKind
from service_desk.models.claims import Claim, ClaimCalculation, ClaimEvent, ClaimPayment
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.services.claims.recoveries import (
    CORRECTED,
    WRITTEN_OFF,
    NewRecovery,
    lower_open,
    open_recovery,
)

# Kept as the reason where the desk itself lowers what was paid too much; pages put it into words.
NOT_OWED_ANY_MORE = "not_owed_any_more"


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
            open_recovery(
                claim, command, is_automatic=True, calculation_id=calculation.id, actor=actor, now=now
            )


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
        select(ClaimEvent.params).where(ClaimEvent.claim_id == claim.id, ClaimEvent.kind == CORRECTED)
    )
    found: dict[int, int] = {}
    for one in events:
        found[one["corrected_of"]] = found.get(one["corrected_of"], 0) + one["change_fen"]
    return found


def settle_overpaid(claim: Claim, owed_fen: int, *, actor: User, now: datetime) -> None:
    """Bring the recovery of what was paid too much to what it is: more of it is opened, what is not owed falls away.

    `owed_fen` is what the claim is worth by its decision; the caller holds the claim's lock.
    """
    wanted_fen = max(claim.paid_fen - owed_fen, 0)
    rows = db.session.scalars(_overpaid(claim).order_by(Recovery.id.desc()).with_for_update()).all()
    surplus_fen = overpaid_fen(claim) - wanted_fen
    if surplus_fen < 0:
        command = NewRecovery(RecoveryKind.OVERPAID, _paid_to(claim), -surplus_fen)
        open_recovery(claim, command, is_automatic=True, actor=actor, now=now)
    for row in rows:
        falls_fen = min(max(surplus_fen, 0), row.open_fen)
        if falls_fen:
            lower_open(row, falls_fen, NOT_OWED_ANY_MORE, claim, actor=actor, now=now)
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
        select(ClaimEvent.params).where(ClaimEvent.claim_id == claim.id, ClaimEvent.kind == WRITTEN_OFF)
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
