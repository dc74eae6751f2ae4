"""What is outstanding of the reserve by item, and every movement: for those who handle claims."""

from typing import Any

from service_desk.models.users import User
from service_desk.presenters import reserves as words
from service_desk.rules.permissions import Side
from service_desk.services.claims import reserves
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column

COLUMN, ORDER = Column.LINE, 10


def read(file: ClaimFile, user: User) -> dict[str, Any] | None:
    """The ledger of the claim; None for the client and while nothing is held."""
    movements = [] if user.side is Side.CLIENT else reserves.list_movements(file.claim.id)
    if not movements:
        return None
    return {
        "held": words.held_items(movements),
        "left_fen": file.claim.reserve_fen - file.claim.paid_fen,
        "lines": words.movement_lines(movements, file.reserve_entries),
    }
