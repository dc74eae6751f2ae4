"""Telling the client who a matter belongs to now: name, staff number, phone."""

from datetime import datetime

from sqlalchemy import select

from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, MatterKind
from service_desk.models.users import User
from service_desk.rules.permissions import Role, Side
from service_desk.services import notices
from service_desk.services.enquiries.contacts import tell_client_owner
from service_desk.services.notices import Matter, Message


def tell_client(
    kind: MatterKind, matter: object, owner_id: int, *, dedupe: str, actor: User, now: datetime
) -> None:
    """Tell the client's people of a claim or contact its new owner; nothing else is theirs to know."""
    if isinstance(matter, Enquiry):
        tell_client_owner(matter, actor, now)
    if not isinstance(matter, Claim):
        return
    owner = db.session.get_one(User, owner_id)
    params = {
        "url": f"/claims/{matter.number}",
        "number": matter.number,
        "about": matter.plate,
        "owner": {"name": owner.name, "staff_no": owner.staff_no, "phone": owner.phone},
    }
    about = Matter("claim", matter.id, matter.number, matter.account_id, matter.branch_id)
    recipients = [notices.user_recipient(user) for user in _people(matter)]
    key = f"owner_changed:{kind.value}:{dedupe}"
    notices.queue_many([Message("owner_changed", one, params, key, about) for one in recipients], now=now)


def _people(claim: Claim) -> list[User]:
    """The client's person who reported it, else the safety officers of its branch or above."""
    opener = db.session.get_one(User, claim.reported_by_id)
    if opener.side is Side.CLIENT and opener.is_active:
        return [opener]
    branch = db.session.get_one(Branch, claim.branch_id)
    above = [int(part) for part in branch.path.split("/") if part]
    officers = select(User).where(User.role == Role.BRANCH_SAFETY, User.is_active, User.branch_id.in_(above))
    return list(db.session.scalars(officers.order_by(User.id)))
