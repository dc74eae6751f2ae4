"""What was paid, in advance or by the decision, what came back, and what is still due."""

from dataclasses import dataclass
from typing import Any

from service_desk.models.claim_money import ClaimAdvance
from service_desk.models.users import User
from service_desk.presenters.claim_money import PaymentLine, payment_line
from service_desk.rules.claim_flow import ClaimAction, transition
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit
from service_desk.services.claims import advances
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column

COLUMN = Column.LINE
ORDER = 20


@dataclass(frozen=True)
class PaymentsPanel:
    """`advances` with who proposed each are the desk's own; the client sees what was paid."""

    lines: list[PaymentLine]
    advances: list[tuple[ClaimAdvance, User]]
    may_pay: bool
    may_propose: bool


def read(file: ClaimFile, user: User) -> Any:
    """The panel; None where there is nothing to see and nothing to propose."""
    may_propose = access.may(user, Action.PAY_CLAIMS) and _takes_advances(file)
    proposed = [] if user.side is Side.CLIENT else advances.list_advances(file.claim.id)
    if not file.payments and not proposed and not may_propose:
        return None
    people = audit.people_of({one.proposed_by_id for one in proposed})
    return PaymentsPanel(
        lines=[payment_line(payment) for payment in file.payments],
        advances=[(one, people[one.proposed_by_id]) for one in proposed],
        may_pay=access.may(user, Action.PAY_CLAIMS),
        may_propose=may_propose,
    )


def _takes_advances(file: ClaimFile) -> bool:
    possible = transition(file.claim.state, ClaimAction.PAY_ADVANCE) is not None
    return possible and file.claim.reserve_fen > file.claim.paid_fen
