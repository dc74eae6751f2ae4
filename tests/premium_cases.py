"""Premium that is owed, changed and returned, as issue and endorsements write it."""

from datetime import date, datetime
from typing import Any

from service_desk.models.db import db
from service_desk.models.policies import Endorsement, EndorsementKind, Policy
from service_desk.models.premiums import PremiumRefund, Receivable
from tests.factories import PolicyFactory
from tests.world import World


def issued(
    world: World,
    vehicle: Any,
    at: datetime,
    *,
    premium_fen: int,
    tax_fen: int = 0,
    due_on: date | None = None,
) -> Receivable:
    """A policy issued at an instant, with its receivable. Flushes."""
    policy: Policy = PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        premium_fen=premium_fen,
        tax_fen=tax_fen,
        issued_at=at,
    )
    row = Receivable(
        account_id=policy.account_id,
        branch_id=policy.branch_id,
        policy_id=policy.id,
        amount_fen=premium_fen + tax_fen,
        due_on=due_on or at.date(),
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    return row


def endorsed(world: World, policy: Policy, at: datetime, premium_fen: int) -> Endorsement:
    """An endorsement that adds premium, or returns some: first what is open of the policy, the rest as a refund."""
    ordinal = 1 + db.session.query(Endorsement).filter_by(policy_id=policy.id).count()
    endorsement = Endorsement(
        number=f"{policy.number}-E{ordinal}",
        account_id=policy.account_id,
        branch_id=policy.branch_id,
        policy_id=policy.id,
        ordinal=ordinal,
        kind=EndorsementKind.SUM_INSURED,
        effective_at=at,
        premium_fen=premium_fen,
        created_by_id=world.underwriter.id,
        created_at=at,
    )
    db.session.add(endorsement)
    db.session.flush()
    if premium_fen > 0:
        db.session.add(
            Receivable(
                account_id=policy.account_id,
                branch_id=policy.branch_id,
                policy_id=policy.id,
                endorsement_id=endorsement.id,
                amount_fen=premium_fen,
                due_on=at.date(),
                created_at=at,
            )
        )
    else:
        _give_back(policy, endorsement, at, -premium_fen)
    db.session.flush()
    return endorsement


def _give_back(policy: Policy, endorsement: Endorsement, at: datetime, fen: int) -> None:
    rows = db.session.query(Receivable).filter_by(policy_id=policy.id).order_by(Receivable.due_on.desc())
    for row in rows:
        part = min(fen, row.amount_fen - row.settled_fen)
        row.amount_fen -= part
        fen -= part
    if fen:
        db.session.add(
            PremiumRefund(
                number=f"RFD-{endorsement.number}",
                account_id=policy.account_id,
                branch_id=policy.branch_id,
                policy_id=policy.id,
                endorsement_id=endorsement.id,
                amount_fen=fen,
                created_at=at,
            )
        )
