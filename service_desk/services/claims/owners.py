"""The hand-overs of a claim with everybody they name. The caller has checked that the claim is visible."""

from dataclasses import dataclass

from sqlalchemy import select

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Handover, MatterKind
from service_desk.models.users import User
from service_desk.services import enquiries


@dataclass(frozen=True)
class Owners:
    """The offers, oldest first, and the people by id."""

    offers: list[Handover]
    people: dict[int, User]


def owners_of(claim: Claim) -> Owners:
    """Every offer of the claim."""
    offers = enquiries.history(MatterKind.CLAIM, claim.id)
    ids = {user_id for one in offers for user_id in (one.from_id, one.to_id)}
    people = db.session.scalars(select(User).where(User.id.in_(ids))) if ids else ()
    return Owners(offers, {user.id: user for user in people})
