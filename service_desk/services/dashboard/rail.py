"""The counts in the left rail: what waits for a person at each place."""

from sqlalchemy import func, select

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryState
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, sla
from service_desk.services.claims.queries import IS_OPEN
from service_desk.services.policies.onboarding.queries import count_waiting


def nav_counts(account_id: int, *, actor: User) -> dict[str, int]:
    """What stands beside a place in the left rail: what waits for this person there; nothing waits, no number."""
    counts = {"claims.queue": _count_claims(account_id, actor), "enquiries.inbox": _count_enquiries(actor)}
    if access.may(actor, Action.READ_FLEET):
        counts["onboarding.requests"] = count_waiting(account_id, actor=actor)
    if access.may(actor, Action.REVIEW_BREACHES):
        counts["sla.breaches"] = sla.count_open(actor, account_id=account_id)
    return {endpoint: count for endpoint, count in counts.items() if count}


def _count_claims(account_id: int, actor: User) -> int:
    """Open claims: to the client those it sees, to the desk those of this person."""
    # Every page asks: the index of open claims holds all of it, where by their states each would be read.
    statement = select(func.count(Claim.id)).where(Claim.account_id == account_id, IS_OPEN)
    if actor.side is not Side.CLIENT:
        statement = statement.where(Claim.owner_id == actor.id)
    return db.session.scalar(access.visible(actor, Action.READ_CLAIMS, statement, Claim)) or 0


def _count_enquiries(actor: User) -> int:
    statement = select(func.count(Enquiry.id)).where(
        Enquiry.owner_id == actor.id, Enquiry.state != EnquiryState.CLOSED
    )
    return db.session.scalar(statement) or 0
