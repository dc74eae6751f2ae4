"""Who and what was in the accident, with what each is expected to cost."""

from typing import Any

from service_desk.models.users import User
from service_desk.presenters import claim_parties as words
from service_desk.rules.permissions import Action, Side
from service_desk.services import access
from service_desk.services.claims import parties
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column

COLUMN, ORDER = Column.FACTS, 10


def read(file: ClaimFile, user: User) -> dict[str, Any] | None:
    """The parties; what the report said where none is entered yet."""
    may_handle, is_client = access.may(user, Action.HANDLE_CLAIMS), user.side is Side.CLIENT
    views = parties.list_parties(file.claim.id)
    return {
        "cards": [words.party_card(view, handled=may_handle, for_client=is_client) for view in views],
        "sides": words.reported_sides(file.claim),
        "may_handle": may_handle,
    }
