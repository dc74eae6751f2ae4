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
from service_desk.services.notices import Matter, Message


def tell_client(kind: MatterKind, matter: object, owner_id: int, *, dedupe: str, now: datetime) -> None:
    """Tell the client's people of a claim or contact its new owner; nothing else is theirs to know."""
    if not isinstance(matter, Claim | Enquiry):
        return
    owner = db.session.get_one(User, owner_id)
    is_claim = isinstance(matter, Claim)
    folder = "claims" if is_claim else "enquiries"
    params = {
        "url": f"/{folder}/{matter.number}",
        "number": matter.number,
        "about": matter.plate if isinstance(matter, Claim) else matter.subject,
        "owner": {"name": owner.name, "staff_no": owner.staff_no, "phone": owner.phone},
    }
    about = Matter(
        "claim" if is_claim else "enquiry", matter.id, matter.number, matter.account_id, matter.branch_id
    )
    recipients = [notices.user_recipient(user) for user in _people(matter)]
    key = f"owner_changed:{kind.value}:{dedupe}"
    notices.queue_many([Message("owner_changed", one, params, key, about) for one in recipients], now=now)


def _people(matter: Claim | Enquiry) -> list[User]:
    """The client's person who reported or wrote it; of a claim else the safety officers of its branch or above.

    A caller by phone is told by whoever takes it over.
    """
    opened_by_id = matter.reported_by_id if isinstance(matter, Claim) else matter.opened_by_id
    opener = db.session.get_one(User, opened_by_id)
    if opener.side is Side.CLIENT and opener.is_active:
        return [opener]
    if matter.branch_id is None or not isinstance(matter, Claim):
        return []
    branch = db.session.get_one(Branch, matter.branch_id)
    above = [int(part) for part in branch.path.split("/") if part]
    officers = select(User).where(User.role == Role.BRANCH_SAFETY, User.is_active, User.branch_id.in_(above))
    return list(db.session.scalars(officers.order_by(User.id)))
