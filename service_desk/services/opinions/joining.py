"""Asking somebody more while a feedback form is out: they are told at once, as the others were."""

from datetime import datetime

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import squeeze
from service_desk.models.db import db
from service_desk.models.opinions import OpinionCampaign, OpinionInvitation
from service_desk.models.users import User
from service_desk.rules.opinions import CampaignState
from service_desk.rules.permissions import Role
from service_desk.services import access, audit, notices
from service_desk.services.opinions import campaigns
from service_desk.services.opinions.campaigns import Guest
from service_desk.services.opinions.visibility import get_campaign


def ask_login(number: str, user_id: int, *, actor: User, now: datetime) -> OpinionInvitation:
    """Ask one more of the client's people with a login.

    Invalid: campaign_person_unsuitable. Conflict: campaign_state, campaign_over.
    """
    campaign = _open(number, actor, now)
    person = next((one for one in people_to_ask(campaign) if one.id == user_id), None)
    if person is None:
        raise Invalid("campaign_person_unsuitable", field="user_id")
    return _ask(campaign, campaigns.invitation_to(campaign, person), actor, now)


def ask_guest(number: str, guest: Guest, *, actor: User, now: datetime) -> OpinionInvitation:
    """Ask somebody without a login, who gets a link of their own.

    Invalid: campaign_person_asked. InvalidMany as of a guest of a plan. Conflict: campaign_state, campaign_over.
    """
    campaign = _open(number, actor, now)
    if problems := campaigns.wrong_guests(campaign.account_id, [guest]):
        raise InvalidMany(problems)
    asked = {one.email.lower() for one in campaigns.invitations_of(campaign.id) if one.email}
    if squeeze(guest.email).lower() in asked:
        raise Invalid("campaign_person_asked", field="email")
    return _ask(campaign, campaigns.invitation_to(campaign, guest), actor, now)


def people_to_ask(campaign: OpinionCampaign) -> list[User]:
    """The client's people with a login whom it does not ask yet, by staff number. The caller has checked that it is visible."""
    asked = select(OpinionInvitation.user_id).where(OpinionInvitation.campaign_id == campaign.id)
    ids = set(db.session.scalars(asked))
    members = access.account_members(campaign.account_id, Role.BRANCH_SAFETY, Role.GROUP_INSURANCE)
    return [one for one in members if one.id not in ids]


def _open(number: str, actor: User, now: datetime) -> OpinionCampaign:
    campaign = get_campaign(number, actor=actor)
    # Of two who add the same person the second finds what the first has added.
    db.session.refresh(campaign, with_for_update=True)
    if campaign.state is not CampaignState.OPEN:
        raise Conflict("campaign_state")
    if campaign.until_on < local_date(now):
        raise Conflict("campaign_over")
    return campaign


def _ask(
    campaign: OpinionCampaign, invitation: OpinionInvitation, actor: User, now: datetime
) -> OpinionInvitation:
    if invitation.user_id is None:
        campaigns.give_link(invitation)
    db.session.add(invitation)
    db.session.flush()
    label = campaigns.label_of(campaign, invitation)
    audit.record("campaign_person_added", campaign, actor=actor, now=now, label=label)
    asked = campaigns.message("opinion_asked", campaign, invitation, f"opinion_asked:{invitation.id}")
    notices.queue_many([asked], now=now)
    return invitation
