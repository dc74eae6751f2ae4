"""Dates of the claim that are out of order, for the desk's people: nobody mends them in silence."""

from service_desk.models.users import User
from service_desk.presenters.date_order import sentence_of
from service_desk.rules.permissions import Action, Side
from service_desk.services import access
from service_desk.services.claims.date_order import disorders_of
from service_desk.services.claims.files import ClaimFile

COLUMN = "facts"
ORDER = 5


def read(file: ClaimFile, user: User) -> dict[str, object] | None:
    """The sentences, and whether this person may correct times."""
    if user.side is Side.CLIENT:
        return None
    found = [sentence_of(one) for one in disorders_of(file.claim, file.events)]
    return {"sentences": found, "may_correct": access.may(user, Action.CORRECT_CLOCKS)} if found else None
