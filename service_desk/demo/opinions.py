"""The demo's feedback forms: one closed with answers of many branches, one open, and opinions in every state."""

from datetime import date, datetime, timedelta
from random import Random

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.models.claims import Claim, FollowUp
from service_desk.models.db import db
from service_desk.models.opinions import Opinion, OpinionCampaign, OpinionInvitation
from service_desk.models.relations import RelationEvent
from service_desk.models.users import User
from service_desk.rules.opinions import USUAL_QUESTIONS, OpinionSource, OpinionState, Theme
from service_desk.rules.relation_flow import EventKind, EventState
from service_desk.services.opinions import answering, campaigns, handling, recording
from service_desk.services.opinions.answering import Answer, Mark
from service_desk.services.opinions.campaigns import CampaignPlan, Guest
from service_desk.services.opinions.handling import Reply
from service_desk.services.opinions.recording import NewOpinion
from service_desk.services.relations import items
from service_desk.services.relations.items import NewItem
from service_desk.services.relations.visibility import get_item

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_INTRO = "请各单位安全科结合本期承保理赔服务情况如实填写，意见将逐条答复。"
_INTRO_EN = "Please tell us how our service was this period. Every opinion gets a reply."
_SAID = {
    Theme.UNDERWRITING: ("新车投保资料往返次数多，希望一次告知", "批改单出得快，很好"),
    Theme.PREMIUM: ("希望按季分期缴费", "同类车型费率差别较大，请说明"),
    Theme.SURVEY: ("郊县出险查勘员到场慢", "夜间查勘电话打得通，态度好"),
    Theme.ASSESSMENT: ("配件报价低于修理厂价格，反复沟通", "客车定损要等两三天"),
    Theme.PAYMENT: ("赔款到账前没有通知", "小额案件赔付快"),
    Theme.ATTITUDE: ("服务人员耐心，表扬", "电话偶尔占线"),
    Theme.MATERIALS: ("人伤案件单证清单看不懂，希望有样本", "误工证明要求各人说法不一"),
    Theme.OTHER: ("建议每季度到分公司讲一次事故处理", "希望增加驾驶员培训"),
}
_PRAISE = frozenset(
    {"批改单出得快，很好", "夜间查勘电话打得通，态度好", "小额案件赔付快", "服务人员耐心，表扬"}
)
_MEASURES = {
    Theme.UNDERWRITING: ("印发一次告知清单", "新车投保、批改、退保各一页清单", "underwriter"),
    Theme.SURVEY: ("郊县设驻点查勘员", "巩义、登封、新密各一名，工作日驻点", "claims1"),
    Theme.ASSESSMENT: ("客车定损限时反馈", "大客车两日内出定损单，配件价差当日说明", "claims2"),
    Theme.MATERIALS: ("人伤案件单证样本", "误工、护理、伙食各附样本一份", "claims3"),
}


def build_opinions(group: Group, files: FileStore, random: Random, now: datetime) -> None:
    """Write both forms, what was said on other occasions, and what the desk did with it."""
    closed = _campaign(group, "上季度服务征求意见", "Feedback on last quarter's service", now - 58 * DAY, 14)
    _answer_all(closed, random, now - 57 * DAY, share=0.8)
    campaigns.close(closed.number, closed.version, actor=group.users["manager"], now=now - 44 * DAY)
    _recorded(group, files, now)
    _work_on(group, now)
    current = _campaign(group, "本季度服务征求意见", "Feedback on this quarter's service", now - 4 * DAY, 14)
    _answer_all(current, random, now - 3 * DAY, share=0.3)
    db.session.flush()


def _campaign(group: Group, title: str, title_en: str, sent_at: datetime, days: int) -> OpinionCampaign:
    """To the officers with a login, the group's department, and one person in each of many other branches."""
    officers = {user.branch_id for user in group.users.values() if user.branch_id}
    others = [branch for branch in group.branches[:30] if branch.id not in officers]
    manager = group.users["manager"]
    plan = CampaignPlan(
        title=title,
        title_en=title_en,
        intro=_INTRO,
        intro_en=_INTRO_EN,
        questions=USUAL_QUESTIONS,
        from_on=local_date(sent_at),
        until_on=local_date(sent_at) + timedelta(days=days),
        remind_days=3,
        branch_ids=tuple(one for one in officers if one),
        asks_group=True,
        guests=tuple(Guest(f"{branch.name}安全科"[:64], "", branch.id) for branch in others),
    )
    campaign = campaigns.plan(group.account.id, plan, actor=manager, now=sent_at)
    db.session.flush()
    campaigns.send(campaign.number, campaign.version, actor=manager, now=sent_at)
    db.session.flush()
    return campaign


def _answer_all(campaign: OpinionCampaign, random: Random, first_at: datetime, *, share: float) -> None:
    for place, invitation in enumerate(campaigns.invitations_of(campaign.id)):
        if random.random() > share:
            continue
        at = first_at + timedelta(hours=random.randint(1, 60) if share < 0.5 else random.randint(1, 280))
        answer = Answer(_marks(random), is_anonymous=place % 9 == 4)
        _keep(invitation, answer, at)
    db.session.flush()


def _keep(invitation: OpinionInvitation, answer: Answer, at: datetime) -> None:
    token = campaigns.token_of(invitation)
    if token:
        answering.answer_by_link(token, answer, now=at)
    elif invitation.user_id:
        campaign = db.session.get_one(OpinionCampaign, invitation.campaign_id)
        giver = db.session.get_one(User, invitation.user_id)
        answering.answer_own(campaign.number, answer, actor=giver, now=at)


def _marks(random: Random) -> dict[Theme, Mark]:
    marks = {}
    for theme, said in _SAID.items():
        score = random.choices((5, 4, 3, 2), weights=(45, 35, 14, 6))[0]
        words = random.choice(said) if random.random() < 0.09 else ""
        score = 5 if words in _PRAISE else min(score, 3) if words else max(score, 3)
        marks[theme] = Mark(score if theme is not Theme.OTHER or words else None, words)
    return marks


def _recorded(group: Group, files: FileStore, now: datetime) -> None:
    """What was said at visits, and of a claim when it was asked after."""
    visits = db.session.scalars(
        select(RelationEvent)
        .where(
            RelationEvent.kind == EventKind.BRANCH_VISIT,
            RelationEvent.state.in_((EventState.HELD, EventState.MINUTED)),
        )
        .order_by(RelationEvent.from_at.desc())
        .limit(4)
    ).all()
    themes = (Theme.MATERIALS, Theme.SURVEY, Theme.PREMIUM, Theme.ATTITUDE)
    for visit, theme in zip(visits, themes, strict=False):
        _record(group, files, OpinionSource.VISIT, visit.number, theme, visit.from_at + HOUR, "安全科长")
    asked = db.session.execute(
        select(Claim.number, FollowUp.at, FollowUp.spoken_with)
        .join(FollowUp, FollowUp.claim_id == Claim.id)
        .where(FollowUp.comment != "", FollowUp.at < now - DAY)
        .order_by(FollowUp.at.desc())
        .limit(2)
    ).all()
    for number, at, name in asked:
        _record(group, files, OpinionSource.FOLLOW_UP, number, Theme.PAYMENT, at, name)


def _record(
    group: Group, files: FileStore, source: OpinionSource, number: str, theme: Theme, at: datetime, name: str
) -> None:
    actor = group.users["claims1"]
    origin = recording.find_origin(source, number, actor=actor)
    wanted = NewOpinion(
        theme=theme,
        words=origin.words or _SAID[theme][0],
        given_at=at,
        branch_id=origin.branch_id,
        name=name,
        score=origin.score,
    )
    recording.record(origin, wanted, files=files, actor=actor, now=at + HOUR)
    db.session.flush()


def _work_on(group: Group, now: datetime) -> None:
    """Opinions of a theme share an item. Those of the last weeks still wait for their reply, one of them too long."""
    statement = select(Opinion).where(
        Opinion.state == OpinionState.NEW, Opinion.account_id == group.account.id
    )
    shared: dict[Theme, int] = {}
    for place, opinion in enumerate(
        db.session.scalars(statement.order_by(Opinion.given_at, Opinion.id)).all()
    ):
        at = opinion.given_at + timedelta(days=2 + place % 5, hours=2)
        if at < now - 2 * DAY and place % 7 != 6:
            _one(group, opinion, place, shared, at, now)
            db.session.flush()


def _one(
    group: Group, opinion: Opinion, place: int, shared: dict[Theme, int], at: datetime, now: datetime
) -> None:
    actor, number = group.users["manager"], opinion.number
    if opinion.words in _PRAISE:
        thanks = Reply("感谢肯定，我们会继续保持。", handling.BY_HAND[0])
        handling.thank(number, thanks, opinion.version, actor=actor, now=at)
    elif opinion.theme not in _MEASURES:
        reason = Reply("按现行协议执行，续保时一并协商，暂不调整。", handling.BY_HAND[0])
        handling.decline(number, reason, opinion.version, actor=actor, now=at)
    else:
        item_id = _open_item(group, shared.get(opinion.theme))
        new = None if item_id else _item(group, opinion.theme, local_date(at))
        handling.take_up(number, item_id, new, opinion.version, actor=actor, now=at)
        db.session.flush()
        shared[opinion.theme] = opinion.item_id or 0
        if place % 4 != 3:
            reply = Reply("意见已采纳，已立项落实，完成后再告知结果。", handling.BY_HAND[0])
            handling.answer(number, reply, opinion.version, actor=actor, now=at + DAY)
            db.session.flush()
            _settle(group, opinion, at, now)


def _open_item(group: Group, item_id: int | None) -> int | None:
    """The item of a theme, unless it was done meanwhile: then the next opinion gets one of its own."""
    if item_id is None:
        return None
    return item_id if get_item(item_id, actor=group.users["manager"]).ended_at is None else None


def _item(group: Group, theme: Theme, day: date) -> NewItem:
    title, measure, owner = _MEASURES[theme]
    return NewItem(title, measure, group.users[owner].id, day + timedelta(days=45))


def _settle(group: Group, opinion: Opinion, at: datetime, now: datetime) -> None:
    """What opinions on survey and underwriting led to is done; the rest still runs."""
    done_at = at + 25 * DAY
    if opinion.theme not in {Theme.SURVEY, Theme.UNDERWRITING} or done_at > now:
        return
    item = get_item(opinion.item_id or 0, actor=group.users["manager"])
    if item.ended_at is None:
        result = "已落实，已通知各分公司"
        items.finish(item.id, result, item.version, actor=group.users["manager"], now=done_at)
        db.session.flush()
    handling.settle(
        opinion.number, item.result, opinion.version, actor=group.users["manager"], now=done_at + DAY
    )
