"""The cover that a claim can be paid under: found by the time of loss and kept on the claim."""

from sqlalchemy import bindparam, delete, insert, select

from service_desk.models.claims import Claim, ClaimCover
from service_desk.models.db import db, hold, table_of
from service_desk.models.policies import Policy
from service_desk.services.policies.coverage import own_covers_at

_HELD = (
    select(Policy.id)
    .where(Policy.vehicle_id == bindparam("vehicle_id"), Policy.agreed_ends_at > bindparam("loss_at"))
    .order_by(Policy.id)
    .with_for_update(read=True)
)
_KEEP = insert(table_of(ClaimCover))


def keep_cover(claim: Claim) -> None:
    """Keep what our policies cover at the time of loss. None at all is an answer too: the report is taken."""
    # Who cancels or takes a policy back meanwhile waits for the claim, or we wait and then find its cover gone.
    hold(_HELD, vehicle_id=claim.vehicle_id, loss_at=claim.loss_at)
    rows = [
        {
            "claim_id": claim.id,
            "policy_id": cover.policy_id,
            "code": limit.code.value,
            "policy_number": cover.number,
            "limit_fen": limit.limit_fen,
            "per_seat_fen": limit.per_seat_fen,
            "deductible_fen": limit.deductible_fen,
            "absolute_deductible_percent": limit.absolute_deductible_percent,
            "ends_at": cover.ends_at,
        }
        for cover in own_covers_at(claim.vehicle_id, claim.loss_at)
        for limit in cover.limits
    ]
    if rows:
        db.session.execute(_KEEP, rows)


def keep_again(claim: Claim) -> tuple[list[list[str]], list[list[str]]]:
    """Look the cover up for a changed time of loss: `[code, policy number]` of each before and after."""
    before = _kept(claim)
    db.session.execute(delete(ClaimCover).where(ClaimCover.claim_id == claim.id))
    db.session.flush()
    keep_cover(claim)
    return before, _kept(claim)


def _kept(claim: Claim) -> list[list[str]]:
    covers = select(ClaimCover.code, ClaimCover.policy_number).where(ClaimCover.claim_id == claim.id)
    return [[code, number] for code, number in db.session.execute(covers.order_by(ClaimCover.id))]
