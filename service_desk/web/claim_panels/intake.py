"""What there is to say about the report: late, incomplete, dates that cross, other vehicles of the accident."""

from typing import Any

from service_desk.models.users import User
from service_desk.presenters import claims as words
from service_desk.presenters import claims_intake
from service_desk.rules.permissions import Action, Side
from service_desk.services import access
from service_desk.services.claims import accidents, completing
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column

COLUMN = Column.FACTS
ORDER = 10


def read(file: ClaimFile, user: User) -> dict[str, Any] | None:
    """What the card shows; None where there is nothing to say and nothing to do."""
    claim, is_staff = file.claim, user.side is Side.INSURER
    shown = {
        "is_late": words.is_late_report(claim),
        "lateness": claims_intake.lateness(claim),
        "missing": claims_intake.missing_words(claim),
        "may_complete": words.is_open(claim) and completing.may_complete(claim, user),
        "order_problems": claims_intake.order_problems(claim) if is_staff else [],
        "accident": accidents.read_event(claim, actor=user),
        "may_number": access.may(user, Action.HANDLE_CLAIMS),
        "may_link": access.may(user, Action.HANDLE_CLAIMS),
        "may_add_photos": words.is_open(claim) and access.may(user, Action.UPLOAD_CLAIM_DOCUMENTS),
    }
    said_elsewhere = {"lateness"}
    return shown if any(value for name, value in shown.items() if name not in said_elsewhere) else None
