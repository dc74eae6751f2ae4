"""An assessment as it is kept, and its review (核损) by a second person."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.base.money import format_yuan
from service_desk.models.claim_parties import PartyItem
from service_desk.models.claims import Assessment, Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState
from service_desk.rules.claim_losses import LossItem, LossKind
from service_desk.rules.reserve_ledger import ReserveItem, item_of
from service_desk.services import audit
from service_desk.services.claims import advances, party_costs, reserves
from service_desk.services.claims.common import begin, log_event, require_reason

_REVIEWED_IN = frozenset({ClaimState.ASSESSED, ClaimState.DOCUMENTS_COMPLETE})


def require_assessable(claim: Claim, total_fen: int, *, field: str = "items") -> None:
    """Refuse an assessment that cannot be: Invalid `reserve_below_paid` or `reserve_out_of_range`.

    It may be less than was paid in advance, which the decision settles; what a decision granted before is a part of
    what is assessed again.
    """
    granted_fen = advances.granted_fen(claim)
    if total_fen < granted_fen:
        raise Invalid("reserve_below_paid", field=field, paid=format_yuan(granted_fen))
    if total_fen > reserves.MAX_RESERVE_FEN:
        raise Invalid("reserve_out_of_range", field=field)


def keep(
    claim: Claim, items: Sequence[LossItem], method: str, *, item: str, actor: User, now: datetime
) -> None:
    """Keep an assessment; the reserve becomes its sum, with what the injured are forecast to cost beyond it."""
    db.session.add(
        Assessment(
            claim_id=claim.id,
            round=claim.round,
            assessor_id=actor.id,
            assessed_at=now,
            method=method[:200],
            items=[_kept(one) for one in items],
            total_fen=sum(one.amount_fen for one in items),
        )
    )
    amounts: Counter[ReserveItem] = Counter()
    for one in items:
        amounts[item_of(one.kind)] += one.amount_fen
    amounts[ReserveItem.INJURY] += party_costs.forecast_beyond_items(claim.id)
    reserves.assess(claim, amounts, item=item, actor=actor, now=now, reason=method[:200])


def _kept(item: LossItem) -> dict[str, object]:
    kept: dict[str, object] = {"label": item.label, "kind": item.kind.value, "amount_fen": item.amount_fen}
    if item.party_id is not None:
        kept |= {"party_id": item.party_id, "item_id": item.item_id}
    return kept


def items_of(assessment: Assessment) -> list[LossItem]:
    """An assessment's items with the parties they belong to."""
    return [
        LossItem(i["label"], LossKind(i["kind"]), i["amount_fen"], i.get("party_id"), i.get("item_id"))
        for i in assessment.items
    ]


def latest(claim_id: int) -> Assessment | None:
    """The assessment that counts: the newest, or the newest review of it."""
    statement = select(Assessment).where(Assessment.claim_id == claim_id)
    return db.session.scalar(statement.order_by(Assessment.id.desc()).limit(1))


def review(
    number: str, assessment_id: int, amounts: Mapping[int, int], reason: str, *, actor: User, now: datetime
) -> Assessment:
    """Change amounts of the latest assessment, by another person than the assessor, before it is calculated.

    `amounts` are by the item's place. Conflict: another assessment is the latest, or the claim has moved on.
    Forbidden `own_assessment`. Invalid: `review_unchanged`, `amount_not_positive`, no reason.
    """
    claim, _ = begin(number, ClaimAction.SET_RESERVE, actor=actor)
    found, note = latest(claim.id), require_reason(reason)
    if claim.state not in _REVIEWED_IN:
        raise Conflict("claim_moved_on")
    if found is None or found.id != assessment_id:
        raise Conflict("stale")
    if found.assessor_id == actor.id:
        raise Forbidden("own_assessment")
    items = [
        replace(item, amount_fen=amounts.get(place, item.amount_fen))
        for place, item in enumerate(items_of(found))
    ]
    if any(item.amount_fen < 0 for item in items):
        raise Invalid("amount_not_positive", field="amount")
    if items == items_of(found):
        raise Invalid("review_unchanged")
    total_fen = sum(item.amount_fen for item in items)
    require_assessable(claim, total_fen, field="amount")
    before = claim.reserve_fen
    _keep_reviewed(claim, items)
    keep(claim, items, note, item="review", actor=actor, now=now)
    params = {"before_fen": found.total_fen, "total_fen": total_fen}
    log_event(
        claim, "assessment_reviewed", actor=actor, at=now, now=now, params=params, note=note, is_internal=True
    )
    changes = {"reserve_fen": (before, claim.reserve_fen)}
    audit.record("claim_assessment_reviewed", claim, actor=actor, now=now, changes=changes)
    return found


def _keep_reviewed(claim: Claim, items: Sequence[LossItem]) -> None:
    reviewed = {item.item_id: item.amount_fen for item in items if item.item_id is not None}
    for row in db.session.scalars(select(PartyItem).where(PartyItem.claim_id == claim.id)):
        if row.id in reviewed and reviewed[row.id] != row.amount_fen:
            row.reviewed_fen = reviewed[row.id]
    db.session.flush()
