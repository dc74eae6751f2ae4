"""Who handles a claim, and whom at the client its news goes to."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.errors import Invalid
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role, Side, may
from service_desk.services import access, notices
from service_desk.services.claims.common import matter_of


def list_handlers(account_id: int) -> list[User]:
    """Who may be given a claim of the account, by staff number."""
    return access.account_members(account_id, *(role for role in Role if may(role, Action.HANDLE_CLAIMS)))


def get_handler(claim: Claim, user_id: int, *, field: str) -> User:
    """One of them; Invalid `not_a_handler` otherwise."""
    for user in list_handlers(claim.account_id):
        if user.id == user_id:
            return user
    raise Invalid("not_a_handler", field=field)


def tell_client(claim: Claim, kind: str, params: dict[str, Any], *, dedupe: str, now: datetime) -> int:
    """Queue a message to the client's people of this claim; how many there are."""
    messages = client_messages(claim, kind, params, dedupe=dedupe)
    notices.queue_many(messages, now=now)
    return len(messages)


def client_messages(claim: Claim, kind: str, params: dict[str, Any], *, dedupe: str) -> list[notices.Message]:
    """The same message for each of the client's people of this claim, not queued yet."""
    told = basics(claim) | params
    key, matter = f"{kind}:{claim.id}:{dedupe}", matter_of(claim)
    return [notices.Message(kind, recipient, told, key, matter) for recipient in client_recipients(claim)]


def client_recipients(claim: Claim) -> list[notices.Recipient]:
    """The client's person who reported it; else the safety officers of its branch or the branches above."""
    reporter = db.session.get_one(User, claim.reported_by_id)
    if reporter.side is Side.CLIENT and reporter.is_active:
        return [notices.user_recipient(reporter)]
    branch = db.session.get_one(Branch, claim.branch_id)
    above = [int(part) for part in branch.path.split("/") if part]
    officers = db.session.scalars(
        select(User)
        .where(User.role == Role.BRANCH_SAFETY, User.is_active, User.branch_id.in_(above))
        .order_by(User.id)
    )
    return [notices.user_recipient(officer) for officer in officers]


def basics(claim: Claim) -> dict[str, Any]:
    """What every message about a claim says: which one, and who handles it."""
    owner = db.session.get_one(User, claim.owner_id)
    return {
        "url": f"/claims/{claim.number}",
        "number": claim.number,
        "plate": claim.plate,
        "loss_at": claim.loss_at.isoformat(),
        "place": claim.place,
        "handler": owner.name,
        "handler_no": owner.staff_no,
        "handler_phone": owner.phone,
    }
