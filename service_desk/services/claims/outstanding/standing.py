"""How our claims stand, in bulk: step, owner, what is due next, what is missing, amounts."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.services.claims.common import MATTER_KIND

_IDS_A_QUERY = 900
_MISSING = (WantedState.REQUIRED, WantedState.REJECTED)


def standings(claim_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Each claim as the answer tells it, as JSON holds it: money in fen, days and instants as ISO text."""
    ordered = sorted(set(claim_ids))
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(ordered), _IDS_A_QUERY):
        some = ordered[start : start + _IDS_A_QUERY]
        missing, due = _missing(some), _next_due(some)
        statement = select(Claim, User).join(User, User.id == Claim.owner_id).where(Claim.id.in_(some))
        for claim, owner in db.session.execute(statement).tuples():
            found[claim.id] = {
                "number": claim.number,
                "plate": claim.plate,
                "loss_on": local_date(claim.loss_at).isoformat(),
                "state": claim.state.value,
                "round": claim.round,
                "is_disputed": claim.is_disputed,
                "branch_id": claim.branch_id,
                "owner": owner.name,
                "staff_no": owner.staff_no,
                "phone": owner.phone,
                "estimate_fen": claim.reserve_fen,
                "approved_fen": claim.approved_fen,
                "paid_fen": claim.paid_fen,
                "missing": missing.get(claim.id, 0),
                **due.get(claim.id, {"next_at": None, "next_step": None}),
            }
    return found


def _missing(ids: list[int]) -> dict[int, int]:
    statement = (
        select(WantedDocument.claim_id, func.count())
        .where(WantedDocument.claim_id.in_(ids), WantedDocument.state.in_(_MISSING))
        .group_by(WantedDocument.claim_id)
    )
    return dict(db.session.execute(statement).tuples().all())


def _next_due(ids: list[int]) -> dict[int, dict[str, Any]]:
    """The nearest clock that runs: when it is due, and of which step."""
    statement = select(Timer.matter_id, Timer.due_at, Timer.step).where(
        Timer.matter_kind == MATTER_KIND, Timer.matter_id.in_(ids), Timer.state == TimerState.RUNNING
    )
    of_claim: dict[int, list[Any]] = defaultdict(list)
    for row in db.session.execute(statement):
        if row.due_at is not None:
            of_claim[row.matter_id].append(row)
    nearest = {claim_id: min(rows, key=lambda row: row.due_at) for claim_id, rows in of_claim.items()}
    return {
        claim_id: {"next_at": row.due_at.isoformat(), "next_step": row.step.value}
        for claim_id, row in nearest.items()
    }
