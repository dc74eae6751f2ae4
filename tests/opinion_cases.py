"""Feedback forms and opinions as tests need them: sent to both sides of a branch, answered, given anonymously."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.models.db import db
from service_desk.models.opinions import Opinion, OpinionCampaign, OpinionInvitation
from service_desk.models.relations import RelationEvent
from service_desk.rules.opinions import USUAL_QUESTIONS, OpinionSource, Theme
from service_desk.rules.relation_flow import EventKind
from service_desk.services import sla
from service_desk.services.opinions import answering, campaigns, recording
from service_desk.services.opinions.answering import Answer, Mark
from service_desk.services.opinions.campaigns import CampaignPlan, Guest
from service_desk.services.opinions.recording import NewOpinion
from service_desk.services.relations import events
from tests.claim_cases import file_store
from tests.relation_cases import planned_meeting
from tests.world import World

DAY = timedelta(days=1)


def campaign_plan(world: World, now: datetime, **other: Any) -> CampaignPlan:
    """To Gongyi's officer, the department, and a guest of Zhongmu, for ten days."""
    values: dict[str, Any] = {
        "title": "服务征求意见",
        "title_en": "Feedback on our service",
        "intro": "请如实填写。",
        "intro_en": "Please be frank.",
        "questions": USUAL_QUESTIONS,
        "from_on": local_date(now),
        "until_on": local_date(now) + 10 * DAY,
        "remind_days": 3,
        "branch_ids": (world.gongyi.id, world.zhongmu.id),
        "asks_group": True,
        "guests": (Guest("冯立新", "feng@zzly.example", world.zhongmu.id, "en"),),
    }
    return CampaignPlan(**(values | other))


def sent_campaign(world: World, now: datetime, **other: Any) -> OpinionCampaign:
    sla.install_defaults(now)
    campaign = campaigns.plan(
        world.account.id, campaign_plan(world, now, **other), actor=world.manager, now=now
    )
    db.session.flush()
    campaigns.send(campaign.number, campaign.version, actor=world.manager, now=now)
    db.session.flush()
    return campaign


def invitation_of(campaign: OpinionCampaign, user_id: int | None) -> OpinionInvitation:
    statement = select(OpinionInvitation).where(
        OpinionInvitation.campaign_id == campaign.id, OpinionInvitation.user_id == user_id
    )
    return db.session.scalars(statement).one()


def answered(
    world: World,
    campaign: OpinionCampaign,
    now: datetime,
    marks: dict[Theme, Mark],
    *,
    is_anonymous: bool = False,
) -> list[Opinion]:
    """What the officer of Gongyi said."""
    answer = Answer(marks, is_anonymous)
    answering.answer_own(campaign.number, answer, actor=world.safety_gongyi, now=now)
    db.session.flush()
    statement = select(Opinion).where(Opinion.campaign_id == campaign.id)
    return list(db.session.scalars(statement.order_by(Opinion.id)))


def held_visit(world: World, now: datetime) -> RelationEvent:
    """A visit to Zhongmu that took place yesterday."""
    visit = planned_meeting(
        world,
        now - DAY,
        now - 5 * DAY,
        kind=EventKind.BRANCH_VISIT,
        title="中牟走访",
        branch_id=world.zhongmu.id,
        user_ids=(world.claims1.id,),
        guests=(),
    )
    events.hold(visit.number, visit.version, actor=world.manager, now=now)
    db.session.flush()
    return visit


def recorded(world: World, visit: RelationEvent, now: datetime, **other: Any) -> Opinion:
    """What somebody without a login said at a visit; claims1 wrote it down."""
    values: dict[str, Any] = {
        "theme": Theme.SURVEY,
        "words": "郊县查勘到场慢",
        "given_at": visit.from_at,
        "branch_id": world.zhongmu.id,
        "name": "安全科长",
    }
    origin = recording.find_origin(OpinionSource.VISIT, visit.number, actor=world.claims1)
    wanted = NewOpinion(**(values | other))
    opinion = recording.record(origin, wanted, files=file_store(), actor=world.claims1, now=now)
    db.session.flush()
    return opinion
