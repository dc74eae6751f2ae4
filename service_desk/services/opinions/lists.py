"""Reading opinions and campaigns: lists as filtered, one with its history, what is still to be replied to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, select

from service_desk.base.clock import CHINA, local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, FollowUp
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.enquiries import Enquiry
from service_desk.models.opinions import Opinion, OpinionCampaign, OpinionInvitation, OpinionStep
from service_desk.models.relations import AgreedItem, RelationEvent
from service_desk.models.users import User
from service_desk.rules.metrics import Ratio
from service_desk.rules.opinions import COUNTED, OWED, OpinionSource, OpinionState, Theme
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action, Role
from service_desk.services import access, audit
from service_desk.services.opinions import recording
from service_desk.services.opinions.visibility import (
    campaigns_seen,
    get_campaign,
    get_opinion,
    is_named_to,
    named_to,
    opinions_seen,
)


class OpinionView(StrEnum):
    """The saved filters of the list."""

    OWED = "owed"
    LATE = "late"
    ANSWERED = "answered"
    SETTLED = "settled"
    DECLINED = "declined"
    OPINIONS = "opinions"
    ALL = "all"


@dataclass(frozen=True)
class OpinionFilter:
    """Which opinions are wanted; None means any. `period`: the days they were given on."""

    view: OpinionView = OpinionView.OWED
    theme: Theme | None = None
    branch_id: int | None = None
    source: OpinionSource | None = None
    campaign: str = ""
    period: Period | None = None
    zone: ZoneInfo = CHINA


@dataclass(frozen=True)
class OpinionRow:
    """An opinion as the reader may see it: without its giver and branch where it is anonymous to them."""

    opinion: Opinion
    owner: User
    branch: Branch | None
    item: AgreedItem | None
    is_named: bool

    @property
    def giver(self) -> str:
        return self.opinion.given_by if self.is_named else ""


@dataclass(frozen=True)
class OpinionFile:
    """One opinion with all that belongs to it. `origin` is the number of what it was taken from, where seen."""

    row: OpinionRow
    steps: Sequence[OpinionStep]
    people: dict[int, User]
    papers: Sequence[Document]
    campaign: OpinionCampaign | None
    origin: str
    sharing: Sequence[Opinion]


@dataclass(frozen=True)
class CampaignRow:
    """A campaign with its response."""

    campaign: OpinionCampaign
    answered: Ratio


@dataclass(frozen=True)
class InvitationRow:
    invitation: OpinionInvitation
    branch: Branch | None


def list_opinions(
    account_id: int, wanted: OpinionFilter, page: PageRequest, *, actor: User, now: datetime
) -> Page[OpinionRow]:
    """A page of an account's opinions: those owed by their day, others the latest first."""
    conditions = [*_narrowed(account_id, wanted, actor), *_view(wanted.view, now)]
    total = db.session.scalar(select(func.count(Opinion.id)).where(*conditions)) or 0
    is_owed = wanted.view in {OpinionView.OWED, OpinionView.LATE}
    order = (Opinion.due_on, Opinion.id) if is_owed else (Opinion.given_at.desc(), Opinion.id.desc())
    statement = _rows(conditions).order_by(*order).limit(page.size).offset(page.offset)
    rows = [_row(found, actor) for found in db.session.execute(statement).all()]
    return Page(rows, total, page.number, page.size)


def count_views(
    account_id: int, wanted: OpinionFilter, *, actor: User, now: datetime
) -> dict[OpinionView, int]:
    """How many opinions each saved filter holds under the same other filters, in one query."""
    counts = [func.count(Opinion.id).filter(and_(True, *_view(view, now))) for view in OpinionView]
    row = db.session.execute(select(*counts).where(*_narrowed(account_id, wanted, actor))).one()
    return dict(zip(OpinionView, row, strict=True))


def read_opinion(number: str, *, actor: User) -> OpinionFile:
    """One opinion; NotFound when the actor may not see it."""
    opinion = get_opinion(number, actor=actor)
    row = _row(db.session.execute(_rows([Opinion.id == opinion.id])).one(), actor)
    steps = db.session.scalars(
        select(OpinionStep)
        .where(OpinionStep.opinion_id == opinion.id)
        .order_by(OpinionStep.at, OpinionStep.id)
    ).all()
    people = {opinion.owner_id, opinion.recorded_by_id, *(step.by_id for step in steps)}
    return OpinionFile(
        row=row,
        steps=steps,
        people=audit.people_of({one for one in people if one}),
        papers=recording.papers_of(opinion, actor=actor),
        campaign=db.session.get(OpinionCampaign, opinion.campaign_id) if opinion.campaign_id else None,
        origin=_origin(opinion) if access.may(actor, Action.COLLECT_OPINIONS) else "",
        sharing=[one for one in of_item(opinion.item_id, actor=actor) if one.id != opinion.id],
    )


def of_item(item_id: int | None, *, actor: User) -> list[Opinion]:
    """The opinions an agreed item serves, as far as the actor sees them."""
    if item_id is None:
        return []
    statement = select(Opinion).where(Opinion.item_id == item_id, opinions_seen(actor))
    return list(db.session.scalars(statement.order_by(Opinion.id)))


def list_owed(account_id: int, *, actor: User, limit: int = 8) -> tuple[list[OpinionRow], int]:
    """What the actor has to reply to, and of a manager's account everything; by its day, with how many there are."""
    conditions = [Opinion.account_id == account_id, Opinion.state.in_(OWED), opinions_seen(actor)]
    if actor.role is not Role.MANAGER:
        conditions.append(Opinion.owner_id == actor.id)
    total = db.session.scalar(select(func.count(Opinion.id)).where(*conditions)) or 0
    statement = _rows(conditions).order_by(Opinion.due_on, Opinion.id).limit(limit)
    return [_row(found, actor) for found in db.session.execute(statement).all()], total


def list_campaigns(account_id: int, page: PageRequest, *, actor: User) -> Page[CampaignRow]:
    """The account's campaigns, the latest first, each with who has answered of those asked."""
    conditions = [OpinionCampaign.account_id == account_id, campaigns_seen(actor)]
    total = db.session.scalar(select(func.count(OpinionCampaign.id)).where(*conditions)) or 0
    statement = (
        select(
            OpinionCampaign,
            func.count(OpinionInvitation.id),
            func.count(OpinionInvitation.answered_at),
        )
        .outerjoin(OpinionInvitation, OpinionInvitation.campaign_id == OpinionCampaign.id)
        .where(*conditions)
        .group_by(OpinionCampaign.id)
        .order_by(OpinionCampaign.from_on.desc(), OpinionCampaign.id.desc())
    )
    found = db.session.execute(statement.limit(page.size).offset(page.offset)).tuples()
    rows = [CampaignRow(campaign, Ratio(answered, asked)) for campaign, asked, answered in found]
    return Page(rows, total, page.number, page.size)


def campaign_names(account_id: int, *, actor: User) -> list[OpinionCampaign]:
    """The campaigns that were sent, for the filter of who reads their answers."""
    access.require(actor, Action.READ_RELATIONS)
    access.get_account(actor, account_id)
    statement = select(OpinionCampaign).where(
        OpinionCampaign.account_id == account_id, OpinionCampaign.sent_at.is_not(None)
    )
    return list(db.session.scalars(statement.order_by(OpinionCampaign.id.desc()).limit(50)))


def list_invitations(number: str, page: PageRequest, *, actor: User) -> Page[InvitationRow]:
    """Whom a campaign asks, branch by branch, those without an answer first."""
    campaign = get_campaign(number, actor=actor)
    of_it = OpinionInvitation.campaign_id == campaign.id
    total = db.session.scalar(select(func.count(OpinionInvitation.id)).where(of_it)) or 0
    statement = (
        select(OpinionInvitation, Branch)
        .outerjoin(Branch, Branch.id == OpinionInvitation.branch_id)
        .where(of_it)
        .order_by(OpinionInvitation.answered_at.is_not(None), Branch.name, OpinionInvitation.id)
    )
    found = db.session.execute(statement.limit(page.size).offset(page.offset)).tuples()
    return Page([InvitationRow(*row) for row in found], total, page.number, page.size)


def response_of(campaign: OpinionCampaign) -> Ratio:
    """Who answered of those asked. The caller has checked that the campaign is visible."""
    asked, answered = db.session.execute(
        select(func.count(OpinionInvitation.id), func.count(OpinionInvitation.answered_at)).where(
            OpinionInvitation.campaign_id == campaign.id
        )
    ).one()
    return Ratio(answered, asked)


def _origin(opinion: Opinion) -> str:
    """The number of the visit, contact or claim it was taken from; empty for a form."""
    if opinion.source is OpinionSource.VISIT:
        event = db.session.get(RelationEvent, opinion.source_id)
        return event.number if event else ""
    if opinion.source is OpinionSource.CONTACT:
        enquiry = db.session.get(Enquiry, opinion.source_id)
        return enquiry.number if enquiry else ""
    if opinion.source is OpinionSource.FOLLOW_UP:
        statement = select(Claim.number).join(FollowUp, FollowUp.claim_id == Claim.id)
        return db.session.scalar(statement.where(FollowUp.id == opinion.source_id)) or ""
    return ""


def _narrowed(account_id: int, wanted: OpinionFilter, actor: User) -> list[ColumnElement[bool]]:
    conditions = [Opinion.account_id == account_id, opinions_seen(actor)]
    if wanted.theme:
        conditions.append(Opinion.theme == wanted.theme)
    if wanted.branch_id:
        # An anonymous opinion is found under no branch by who may not know it.
        conditions += [Opinion.branch_id == wanted.branch_id, named_to(actor)]
    if wanted.source:
        conditions.append(Opinion.source == wanted.source)
    if wanted.campaign:
        of_it = select(OpinionCampaign.id).where(OpinionCampaign.number == wanted.campaign)
        conditions.append(Opinion.campaign_id.in_(of_it))
    if wanted.period:
        begins, ends = wanted.period.instants(wanted.zone)
        conditions += [Opinion.given_at >= begins, Opinion.given_at < ends]
    return conditions


def _view(view: OpinionView, now: datetime) -> list[ColumnElement[bool]]:
    if view is OpinionView.ALL:
        return [Opinion.state != OpinionState.WITHDRAWN]
    if view is OpinionView.OPINIONS:
        return [Opinion.state.in_(COUNTED)]
    if view is OpinionView.OWED:
        return [Opinion.state.in_(OWED)]
    if view is OpinionView.LATE:
        return [Opinion.state.in_(OWED), Opinion.due_on < local_date(now)]
    return [Opinion.state == OpinionState(view.value)]


def _rows(conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(Opinion, User, Branch, AgreedItem)
        .join(User, User.id == Opinion.owner_id)
        .outerjoin(Branch, Branch.id == Opinion.branch_id)
        .outerjoin(AgreedItem, AgreedItem.id == Opinion.item_id)
        .where(*conditions)
    )


def _row(found: Any, actor: User) -> OpinionRow:
    opinion, owner, branch, item = found
    is_named = is_named_to(opinion, actor)
    return OpinionRow(opinion, owner, branch if is_named else None, item, is_named)
