"""Who may approve the calculation that waits, for everybody at the desk who may not."""

from dataclasses import dataclass
from typing import Any

from flask import g

from service_desk.models.claims import ClaimEvent
from service_desk.models.users import User
from service_desk.presenters import claim_money as words
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.permissions import Action, Side
from service_desk.services import access
from service_desk.services.claims import approving, authority
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column

COLUMN = Column.NEXT
ORDER = 5


@dataclass(frozen=True)
class ApprovalPanel:
    """`own_limit` is the reader's authority where the sum is beyond it; `asked` when somebody was last asked."""

    amount_fen: int
    people: list[User]
    own_limit: str
    may_ask: bool
    asked: ClaimEvent | None


def read(file: ClaimFile, user: User) -> Any:
    """The panel; None where the reader may approve, or nothing waits."""
    calculation = file.calculation
    if user.side is Side.CLIENT or file.claim.state is not ClaimState.CALCULATED or calculation is None:
        return None
    people = approving.who_may_approve(file.claim, calculation, now=g.now)
    if any(one.id == user.id for one in people):
        return None
    return ApprovalPanel(
        amount_fen=calculation.total_fen,
        people=people,
        own_limit=_own_limit(file, user),
        may_ask=bool(people) and access.may(user, Action.HANDLE_CLAIMS),
        asked=next((event for event in reversed(file.events) if event.kind == "approval_asked"), None),
    )


def _own_limit(file: ClaimFile, user: User) -> str:
    calculation = file.calculation
    is_own = calculation is not None and calculation.calculated_by_id == user.id
    if is_own or not access.may(user, Action.APPROVE_CLAIMS):
        return ""
    has_any, limit_fen = authority.limit_of(file.claim.account_id, actor=user, now=g.now)
    return words.limit_words(limit_fen if has_any else 0)
