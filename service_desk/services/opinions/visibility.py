"""Whose opinions one sees, and whose name: an anonymous one names its giver and branch to the desk alone."""

from sqlalchemy import ColumnElement, or_, select, true

from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.models.opinions import Opinion, OpinionCampaign, OpinionInvitation
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import Action, Scope, Side
from service_desk.services import access
from service_desk.services.notices import Matter

MATTER_KIND = "opinion"


def matter_of(opinion: Opinion) -> Matter:
    """The opinion as notices and files know it."""
    return Matter(MATTER_KIND, opinion.id, opinion.number, opinion.account_id, opinion.branch_id)


def opinions_seen(actor: User) -> ColumnElement[bool]:
    """The opinions within the actor's view. Forbidden for who reads none at all.

    A branch sees its own, but of anonymous ones each only what they gave themselves: where few people are, the branch
    is a name.
    """
    scope = access.require(actor, Action.READ_RELATIONS)
    seen = access.visible_clause(actor, Action.READ_RELATIONS, Opinion)
    if scope is not Scope.OWN_BRANCHES:
        return seen
    accounts = select(UserAccount.account_id).where(UserAccount.user_id == actor.id)
    own = (Opinion.given_by_id == actor.id) & Opinion.account_id.in_(accounts)
    return or_(seen & Opinion.is_anonymous.is_(False), own)


def named_to(actor: User) -> ColumnElement[bool]:
    """The condition under which giver and branch of an opinion may be shown to the actor."""
    if actor.side is Side.INSURER:
        return true()
    return or_(Opinion.is_anonymous.is_(False), Opinion.given_by_id == actor.id)


def is_named_to(opinion: Opinion, actor: User) -> bool:
    """Whether giver and branch of an opinion may be shown to the actor."""
    return actor.side is Side.INSURER or not opinion.is_anonymous or opinion.given_by_id == actor.id


def get_opinion(number: str, *, actor: User) -> Opinion:
    """The opinion of a number as the actor may see it; NotFound otherwise."""
    opinion = db.session.scalar(select(Opinion).where(Opinion.number == number, opinions_seen(actor)))
    if opinion is None:
        raise NotFound("not_found")
    return opinion


def campaigns_seen(actor: User) -> ColumnElement[bool]:
    """The campaigns whose state and response the actor may read: those who collect, of their accounts."""
    access.require(actor, Action.COLLECT_OPINIONS)
    return access.visible_clause(actor, Action.COLLECT_OPINIONS, OpinionCampaign)


def get_campaign(number: str, *, actor: User) -> OpinionCampaign:
    """A campaign for who collects opinions; NotFound otherwise."""
    statement = select(OpinionCampaign).where(OpinionCampaign.number == number, campaigns_seen(actor))
    campaign = db.session.scalar(statement)
    if campaign is None:
        raise NotFound("not_found")
    return campaign


def invitation_of(number: str, *, actor: User) -> tuple[OpinionCampaign, OpinionInvitation]:
    """A campaign that asks the actor, with their invitation; NotFound otherwise."""
    access.require(actor, Action.GIVE_OPINIONS)
    accounts = select(UserAccount.account_id).where(UserAccount.user_id == actor.id)
    found = db.session.execute(
        select(OpinionCampaign, OpinionInvitation)
        .join(OpinionInvitation, OpinionInvitation.campaign_id == OpinionCampaign.id)
        .where(
            OpinionCampaign.number == number,
            OpinionCampaign.sent_at.is_not(None),
            OpinionCampaign.account_id.in_(accounts),
            OpinionInvitation.user_id == actor.id,
        )
    ).one_or_none()
    if found is None:
        raise NotFound("not_found")
    return found[0], found[1]
