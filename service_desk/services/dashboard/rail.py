"""The counts in the left rail: what waits for a person at each place."""

from sqlalchemy import Select, func, select

from service_desk.models.claims import Claim
from service_desk.models.enquiries import Enquiry, EnquiryState
from service_desk.models.kept import built_once
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Scope, Side
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
    if not access.may(actor, Action.READ_CLAIMS):
        return 0
    owner_id = None if actor.side is Side.CLIENT else actor.id
    question = _open_claims(account_id, owner_id, access.require(actor, Action.READ_CLAIMS))
    return question.scalar(**access.reach(actor)) or 0


@built_once
def _open_claims(account_id: int, owner_id: int | None, scope: Scope) -> Select[tuple[int]]:
    # Every page asks: the index of open claims holds all of it, where by their states each would be read.
    statement = select(func.count(Claim.id)).where(Claim.account_id == account_id, IS_OPEN)
    if owner_id is not None:
        statement = statement.where(Claim.owner_id == owner_id)
    return statement.where(access.visible_in(scope, Claim))


def _count_enquiries(actor: User) -> int:
    return _own_enquiries(actor.id).scalar() or 0


@built_once
def _own_enquiries(owner_id: int) -> Select[tuple[int]]:
    return select(func.count(Enquiry.id)).where(
        Enquiry.owner_id == owner_id, Enquiry.state != EnquiryState.CLOSED
    )
