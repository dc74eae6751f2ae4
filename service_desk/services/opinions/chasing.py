"""Every morning: forms whose day has come go out, who has not answered is reminded, ended ones close, replies are chased."""

from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.models.db import db
from service_desk.models.opinions import Opinion, OpinionCampaign
from service_desk.models.users import User
from service_desk.rules.item_reminders import DAYS_BEFORE, reminder_due
from service_desk.rules.opinions import OWED, CampaignState, is_reminder_day
from service_desk.rules.permissions import Role
from service_desk.services import access, audit, notices
from service_desk.services.opinions import campaigns
from service_desk.services.opinions.common import responsible
from service_desk.services.opinions.visibility import matter_of


def run_campaigns(account_id: int, *, now: datetime) -> int:
    """Send, remind and close what is due of an account's campaigns; answer how many campaigns that were."""
    today = local_date(now)
    statement = select(OpinionCampaign).where(
        OpinionCampaign.account_id == account_id, OpinionCampaign.state != CampaignState.CLOSED
    )
    moved = 0
    for campaign in db.session.scalars(statement.order_by(OpinionCampaign.id)).all():
        if campaign.state is CampaignState.PLANNED and campaign.from_on <= today <= campaign.until_on:
            campaigns.send_out(campaign, actor=None, now=now)
        elif today > campaign.until_on:
            campaigns.end(campaign, actor=None, now=now)
        elif campaign.state is CampaignState.OPEN and is_reminder_day(
            campaign.until_on, campaign.remind_days, today
        ):
            _remind(campaign, now)
        else:
            continue
        moved += 1
    return moved


def send_reminders(account_id: int, *, now: datetime) -> int:
    """Remind of replies that are owed, each once for what is due of it today; managers hear once that one is late."""
    statement = select(Opinion).where(
        Opinion.account_id == account_id,
        Opinion.state.in_(OWED),
        Opinion.due_on <= local_date(now) + timedelta(days=DAYS_BEFORE),
    )
    owed = db.session.scalars(statement.order_by(Opinion.due_on, Opinion.id)).all()
    managers = access.account_members(account_id, Role.MANAGER)
    owners = audit.people_of({one.owner_id for one in owed})
    for opinion in owed:
        owner = owners[opinion.owner_id]
        if not owner.is_active:
            opinion.owner_id = responsible(owner.id, account_id)
            owner = db.session.get_one(User, opinion.owner_id)
        _chase(opinion, owner, managers, now)
    return len(owed)


def _remind(campaign: OpinionCampaign, now: datetime) -> None:
    """Once, and only who has not answered and whose link still works."""
    missing = [
        one
        for one in campaigns.reachable_of(campaign.id)
        if one.answered_at is None and one.reminded_at is None and not one.revoked_at
    ]
    for one in missing:
        one.reminded_at = now
    reminded = [
        campaigns.message("opinion_reminded", campaign, one, f"opinion_reminded:{one.id}") for one in missing
    ]
    notices.queue_many(reminded, now=now)


def _chase(opinion: Opinion, owner: User, managers: list[User], now: datetime) -> None:
    due = reminder_due(opinion.due_on, local_date(now))
    if due is None:
        return
    _tell(opinion, owner, f"opinion:{opinion.id}:{due.key}", due.days, now)
    if due.tells_managers:
        for manager in managers:
            if manager.id != owner.id:
                _tell(opinion, manager, f"opinion:{opinion.id}:{opinion.due_on}:managers", due.days, now)


def _tell(opinion: Opinion, user: User, dedupe: str, days: int, now: datetime) -> None:
    params = {
        "url": f"/opinions/{opinion.number}",
        "number": opinion.number,
        "theme": opinion.theme.value,
        "words": opinion.words,
        "due_on": opinion.due_on.isoformat(),
        "days": days,
    }
    notices.queue(
        "opinion_due",
        notices.user_recipient(user),
        params,
        dedupe=dedupe,
        now=now,
        matter=matter_of(opinion),
        is_shared=False,
    )
