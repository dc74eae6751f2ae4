"""What is to be got back on a claim, for those who record it."""

from dataclasses import dataclass
from typing import Any

from service_desk.models.claim_money import Recovery
from service_desk.models.users import User
from service_desk.presenters.claim_money import recovery_tone
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.claims import recoveries
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column

COLUMN = Column.LINE
ORDER = 40


@dataclass(frozen=True)
class RecoveriesPanel:
    rows: list[tuple[Recovery, str]]
    net_fen: int


def read(file: ClaimFile, user: User) -> Any:
    """The panel; None for everybody else. `net_fen` is what was paid less what came in."""
    if not access.may(user, Action.RECORD_RECOVERIES):
        return None
    rows = recoveries.list_of_claim(file.claim.id)
    if not rows and not file.calculations and not file.payments:
        return None
    return RecoveriesPanel(
        rows=[(row, recovery_tone(row)) for row in rows],
        net_fen=file.claim.paid_fen - sum(row.received_fen for row in rows),
    )
