"""Answering a feedback form, signed in or by one's own link: a mark and words for each theme, correctable until it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.adapters import signed_links
from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.opinions import Opinion, OpinionCampaign, OpinionInvitation
from service_desk.models.relations import AgreedItem, ItemSource
from service_desk.models.users import User
from service_desk.rules.opinions import (
    HIGHEST_SCORE,
    LOWEST_SCORE,
    MAX_WORDS,
    UNTOUCHED,
    CampaignState,
    OpinionSource,
    OpinionState,
    Theme,
    state_as_given,
)
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, notices
from service_desk.services.opinions.campaigns import matter_of
from service_desk.services.opinions.common import due_on, new_number, put, responsible
from service_desk.services.opinions.visibility import invitation_of


@dataclass(frozen=True)
class Mark:
    """What was said of one theme."""

    score: int | None = None
    words: str = ""

    @property
    def is_empty(self) -> bool:
        return self.score is None and not self.words.strip()


@dataclass(frozen=True)
class Answer:
    """A form as filled in."""

    marks: Mapping[Theme, Mark]
    is_anonymous: bool = False


@dataclass(frozen=True)
class OpenForm:
    """A form as somebody may see it; `given` is what they said of each theme so far."""

    account: KeyAccount
    campaign: OpinionCampaign
    invitation: OpinionInvitation
    given: Mapping[Theme, Opinion]
    is_open: bool


def list_open(
    account_id: int, *, actor: User, now: datetime
) -> list[tuple[OpinionCampaign, OpinionInvitation]]:
    """The forms of an account that ask the actor now, the first to end first."""
    if not access.may(actor, Action.GIVE_OPINIONS):
        return []
    today = local_date(now)
    statement = (
        select(OpinionCampaign, OpinionInvitation)
        .join(OpinionInvitation, OpinionInvitation.campaign_id == OpinionCampaign.id)
        .where(
            OpinionCampaign.account_id == account_id,
            OpinionCampaign.state == CampaignState.OPEN,
            OpinionCampaign.until_on >= today,
            OpinionInvitation.user_id == actor.id,
        )
        .order_by(OpinionCampaign.until_on, OpinionCampaign.id)
    )
    return [(campaign, invitation) for campaign, invitation in db.session.execute(statement).tuples()]


def read_own(number: str, *, actor: User, now: datetime) -> OpenForm:
    """The form of a campaign that asks the actor; NotFound otherwise."""
    campaign, invitation = invitation_of(number, actor=actor)
    return _form(campaign, invitation, now)


def answer_own(number: str, answer: Answer, *, actor: User, now: datetime) -> OpenForm:
    """Keep what the actor filled in; sent again it corrects. Conflict campaign_over."""
    campaign, invitation = invitation_of(number, actor=actor)
    return _answer(campaign, invitation, answer, actor, now)


def read_by_link(token: str, *, now: datetime) -> OpenForm:
    """The form of a link, which is itself the key. NotFound `feedback_link_ended` when it is not, or not any more."""
    campaign, invitation = _of_link(token, now)
    return _form(campaign, invitation, now)


def answer_by_link(token: str, answer: Answer, *, now: datetime) -> OpenForm:
    """Keep what was filled in behind a link; sent again it corrects."""
    campaign, invitation = _of_link(token, now)
    return _answer(campaign, invitation, answer, None, now)


def is_open(campaign: OpinionCampaign, now: datetime) -> bool:
    """Whether it takes answers: also on its last day, and not after it, whenever it is closed."""
    return campaign.state is CampaignState.OPEN and local_date(now) <= campaign.until_on


def _of_link(token: str, now: datetime) -> tuple[OpinionCampaign, OpinionInvitation]:
    found = None
    if token and len(token) <= signed_links.MAX_TOKEN:
        found = db.session.execute(
            select(OpinionCampaign, OpinionInvitation)
            .join(OpinionInvitation, OpinionInvitation.campaign_id == OpinionCampaign.id)
            .where(
                OpinionInvitation.token_sha256 == signed_links.hash_of(token),
                OpinionInvitation.revoked_at.is_(None),
            )
        ).one_or_none()
    if found is None or not is_open(found[0], now):
        raise NotFound("feedback_link_ended")
    return found[0], found[1]


def _form(campaign: OpinionCampaign, invitation: OpinionInvitation, now: datetime) -> OpenForm:
    account = db.session.get_one(KeyAccount, campaign.account_id)
    return OpenForm(account, campaign, invitation, _given(invitation), is_open(campaign, now))


def _given(invitation: OpinionInvitation) -> dict[Theme, Opinion]:
    """The latest of each theme that was not taken back."""
    statement = select(Opinion).where(
        Opinion.source == OpinionSource.FORM,
        Opinion.source_id == invitation.id,
        Opinion.state != OpinionState.WITHDRAWN,
    )
    return {one.theme: one for one in db.session.scalars(statement.order_by(Opinion.id))}


def _answer(
    campaign: OpinionCampaign,
    invitation: OpinionInvitation,
    answer: Answer,
    actor: User | None,
    now: datetime,
) -> OpenForm:
    # The invitation first: who sends twice at once finds the first answer.
    db.session.refresh(invitation, with_for_update=True)
    if not is_open(campaign, now):
        raise Conflict("campaign_over")
    asked = {Theme(one["theme"]) for one in campaign.questions}
    marks = {theme: mark for theme, mark in answer.marks.items() if theme in asked}
    _check(marks)
    is_first = invitation.answered_at is None
    invitation.is_anonymous = answer.is_anonymous
    if is_first:
        invitation.answered_at = now
    else:
        invitation.corrected_at = now
    given = _given(invitation)
    with audit.together():
        for theme in Theme:
            if theme in marks:
                _keep(campaign, invitation, theme, marks[theme], given.get(theme), actor, now)
        for one in given.values():
            one.is_anonymous = answer.is_anonymous
        if answer.is_anonymous:
            _unname_items([one.id for one in given.values()], actor, now)
    db.session.flush()
    if is_first:
        _tell_owner(campaign, invitation, now)
    return _form(campaign, invitation, now)


def _check(marks: Mapping[Theme, Mark]) -> None:
    problems = []
    if all(mark.is_empty for mark in marks.values()):
        problems.append(Invalid("opinion_empty"))
    for theme, mark in marks.items():
        if mark.score is not None and not LOWEST_SCORE <= mark.score <= HIGHEST_SCORE:
            problems.append(Invalid("score_invalid", field=f"score_{theme.value}"))
        if len(mark.words) > MAX_WORDS:
            problems.append(Invalid("words_too_long", field=f"words_{theme.value}", length=MAX_WORDS))
    if problems:
        raise InvalidMany(problems)


def _keep(
    campaign: OpinionCampaign,
    invitation: OpinionInvitation,
    theme: Theme,
    mark: Mark,
    earlier: Opinion | None,
    actor: User | None,
    now: datetime,
) -> None:
    """Write or correct one theme. What the desk has begun to work on stays; other words are another opinion."""
    words = mark.words.strip()
    if earlier is not None and earlier.state in UNTOUCHED:
        _correct(earlier, mark, actor, now)
    elif not mark.is_empty and (earlier is None or (words and words != earlier.words)):
        opinion = _new(campaign, invitation, theme, mark, now)
        audit.record("opinion_given", opinion, actor=actor, now=now, changes={"theme": (None, theme)})


def _correct(earlier: Opinion, mark: Mark, actor: User | None, now: datetime) -> None:
    state = OpinionState.WITHDRAWN if mark.is_empty else state_as_given(mark.score, mark.words)
    changes = audit.change(earlier, state=state, score=mark.score, words=mark.words.strip())
    if changes:
        audit.record("opinion_corrected", earlier, actor=actor, now=now, changes=changes)


def _new(
    campaign: OpinionCampaign, invitation: OpinionInvitation, theme: Theme, mark: Mark, now: datetime
) -> Opinion:
    return put(
        Opinion(
            number=new_number(now),
            account_id=campaign.account_id,
            branch_id=invitation.branch_id,
            theme=theme,
            state=state_as_given(mark.score, mark.words),
            source=OpinionSource.FORM,
            source_id=invitation.id,
            campaign_id=campaign.id,
            words=mark.words.strip(),
            score=mark.score,
            given_by_id=invitation.user_id,
            given_by=invitation.name,
            email=invitation.email,
            language=invitation.language,
            is_anonymous=invitation.is_anonymous,
            given_at=now,
            owner_id=responsible(campaign.planned_by_id, campaign.account_id),
            due_on=due_on(now),
        )
    )


def _unname_items(opinion_ids: list[int], actor: User | None, now: datetime) -> None:
    """Take the branch from items that were opened of opinions while these were named: it would name their giver."""
    statement = select(AgreedItem).where(
        AgreedItem.source == ItemSource.OPINION,
        AgreedItem.source_id.in_(opinion_ids),
        AgreedItem.branch_id.is_not(None),
    )
    for item in db.session.scalars(statement).all():
        changes = audit.change(item, branch_id=None)
        audit.record("item_unnamed", item, actor=actor, now=now, label=item.title, changes=changes)


def _tell_owner(campaign: OpinionCampaign, invitation: OpinionInvitation, now: datetime) -> None:
    """Whoever sends forms out hears of answers in the app; the list says what is to be replied to."""
    owner = db.session.get_one(User, responsible(campaign.planned_by_id, campaign.account_id))
    params = {
        "url": f"/opinions/campaigns/{campaign.number}",
        "number": campaign.number,
        "title": campaign.title,
        "title_en": campaign.title_en,
        "name": invitation.name,
    }
    notices.queue(
        "opinion_received",
        notices.user_recipient(owner),
        params,
        dedupe=f"opinion_received:{invitation.id}",
        now=now,
        matter=matter_of(campaign),
        mail=False,
        is_shared=False,
    )
