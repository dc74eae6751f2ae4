"""Where a claim happened, and when somebody came there."""

from sqlalchemy import select

from service_desk.models.claim_intake import Arrival
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.rules.claim_photos import Position


def position_of(claim: Claim) -> Position | None:
    """The reported position; None when only words were given."""
    if claim.latitude is None or claim.longitude is None:
        return None
    return Position(claim.latitude, claim.longitude, claim.accuracy_m)


def find_arrival(claim: Claim) -> Arrival | None:
    """The arrival of the claim's present round as it was stamped; None before it, or where it was only told."""
    statement = select(Arrival).where(Arrival.claim_id == claim.id, Arrival.round == claim.round)
    return db.session.scalar(statement)
