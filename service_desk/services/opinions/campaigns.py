"""Feedback forms sent to many: planned with whom they ask, sent, reminded of, closed; the links of who has no login."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, or_, select

from service_desk.adapters import signed_links
from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import one_line, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.opinions import OpinionCampaign, OpinionInvitation
from service_desk.models.users import User
from service_desk.rules.opinions import CampaignState, Question, Theme
from service_desk.rules.permissions import Action, Role
from service_desk.services import access, audit, notices, numbers
from service_desk.services.notices import Matter, Message, Recipient
from service_desk.services.opinions.visibility import get_campaign

PURPOSE = "opinion_form"
MATTER_KIND = "opinion_campaign"
MOST_GUESTS = 50
MOST_DAYS = 366
_LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Guest:
    """Somebody without a login: they get a form behind a link of their own."""

    name: str
    email: str = ""
    branch_id: int | None = None
    language: str = "zh"


@dataclass(frozen=True)
class CampaignPlan:
    """A campaign as typed. It asks the officers of the branches, the group's department if wanted, and guests."""

    title: str
    title_en: str
    intro: str
    intro_en: str
    questions: Sequence[Question]
    from_on: date
    until_on: date
    remind_days: int
    branch_ids: Sequence[int] = ()
    asks_group: bool = False
    guests: Sequence[Guest] = ()


def plan(account_id: int, wanted: CampaignPlan, *, actor: User, now: datetime) -> OpinionCampaign:
    """Prepare a campaign. It is sent by hand, or on the morning of its first day.

    InvalidMany of: required, words_too_long, campaign_days, campaign_no_question, campaign_nobody, email_invalid …
    """
    access.require(actor, Action.COLLECT_OPINIONS)
    access.get_account(actor, account_id)
    people = _people(account_id, wanted)
    _check(account_id, wanted, people, now)
    campaign = OpinionCampaign(
        number=numbers.next_number("FBK", local_date(now).year),
        account_id=account_id,
        planned_by_id=actor.id,
        planned_at=now,
        **_values(wanted),
    )
    db.session.add(campaign)
    db.session.flush()
    _invite(campaign, wanted, people)
    audit.record("campaign_planned", campaign, actor=actor, now=now, changes=_asked(campaign, wanted, people))
    return campaign


def change(number: str, wanted: CampaignPlan, version: int, *, actor: User, now: datetime) -> OpinionCampaign:
    """Change a campaign that was not sent yet. Conflict: stale, campaign_state."""
    campaign = _begin(number, version, CampaignState.PLANNED, actor)
    people = _people(campaign.account_id, wanted)
    _check(campaign.account_id, wanted, people, now)
    changes = audit.change(campaign, **_values(wanted))
    db.session.execute(delete(OpinionInvitation).where(OpinionInvitation.campaign_id == campaign.id))
    _invite(campaign, wanted, people)
    changes.pop("questions", None)
    audit.record("campaign_changed", campaign, actor=actor, now=now, changes=changes)
    return campaign


def send(number: str, version: int, *, actor: User, now: datetime) -> OpinionCampaign:
    """Send it now, before its first day or on it. Conflict: stale, campaign_state, campaign_over."""
    campaign = _begin(number, version, CampaignState.PLANNED, actor)
    if campaign.until_on < local_date(now):
        raise Conflict("campaign_over")
    send_out(campaign, actor=actor, now=now)
    return campaign


def send_out(campaign: OpinionCampaign, *, actor: User | None, now: datetime) -> None:
    """Open a planned campaign and tell everybody it asks."""
    first = min(campaign.from_on, local_date(now))
    changes = audit.change(campaign, state=CampaignState.OPEN, sent_at=now, from_on=first)
    audit.record("campaign_sent", campaign, actor=actor, now=now, changes=changes)
    people = reachable_of(campaign.id)
    for invitation in people:
        if invitation.user_id is None:
            give_link(invitation)
    asked = [message("opinion_asked", campaign, one, f"opinion_asked:{one.id}") for one in people]
    notices.queue_many(asked, now=now)


def close(number: str, version: int, *, actor: User, now: datetime) -> OpinionCampaign:
    """End a campaign before its day: it takes no answers any more. Conflict: stale, campaign_state."""
    campaign = _begin(number, version, CampaignState.OPEN, actor)
    end(campaign, actor=actor, now=now)
    return campaign


def end(campaign: OpinionCampaign, *, actor: User | None, now: datetime) -> None:
    """Take no answers any more."""
    changes = audit.change(campaign, state=CampaignState.CLOSED, closed_at=now)
    audit.record("campaign_closed", campaign, actor=actor, now=now, changes=changes)


def revoke_link(number: str, invitation_id: int, *, actor: User, now: datetime) -> None:
    """End a link at once. What was answered by it stays."""
    campaign, invitation = _linked(number, invitation_id, actor)
    if invitation.revoked_at is None:
        invitation.revoked_at = now
        audit.record(
            "opinion_link_revoked", campaign, actor=actor, now=now, label=label_of(campaign, invitation)
        )


def renew_link(number: str, invitation_id: int, shown: str, *, actor: User, now: datetime) -> None:
    """Make another link in place of the one `shown` (`link_mark`), and mail it where there is an address.

    Asked twice of the same link it is made and mailed once.
    """
    campaign, invitation = _linked(number, invitation_id, actor)
    db.session.refresh(invitation, with_for_update=True)
    if shown != link_mark(invitation):
        return
    give_link(invitation)
    invitation.revoked_at = None
    audit.record("opinion_link_renewed", campaign, actor=actor, now=now, label=label_of(campaign, invitation))
    dedupe = f"opinion_asked:{invitation.id}:{invitation.nonce}"
    notices.queue_many([message("opinion_asked", campaign, invitation, dedupe)], now=now)


def invitations_of(campaign_id: int) -> list[OpinionInvitation]:
    """Whom a campaign asks. The caller has checked that it is visible."""
    statement = select(OpinionInvitation).where(OpinionInvitation.campaign_id == campaign_id)
    return list(db.session.scalars(statement.order_by(OpinionInvitation.id)))


def reachable_of(campaign_id: int) -> list[OpinionInvitation]:
    """Whom a campaign asks and may write to: guests, and logins that are not closed."""
    statement = (
        select(OpinionInvitation)
        .outerjoin(User, User.id == OpinionInvitation.user_id)
        .where(
            OpinionInvitation.campaign_id == campaign_id,
            or_(OpinionInvitation.user_id.is_(None), User.is_active),
        )
    )
    return list(db.session.scalars(statement.order_by(OpinionInvitation.id)))


def link_mark(invitation: OpinionInvitation) -> str:
    """What tells a link from the one before, and nothing about it."""
    return (invitation.token_sha256 or "")[:12]


def token_of(invitation: OpinionInvitation) -> str:
    """The secret of a form's address, for who may show it; empty where there is none."""
    usable = invitation.nonce and invitation.revoked_at is None
    return signed_links.token_of(PURPOSE, invitation.nonce) if usable else ""


def questions_of(campaign: OpinionCampaign) -> list[Question]:
    """What it asks, in order."""
    return [Question(Theme(one["theme"]), one["text"], one["text_en"]) for one in campaign.questions]


def matter_of(campaign: OpinionCampaign) -> Matter:
    """The campaign as notices know it."""
    return Matter(MATTER_KIND, campaign.id, campaign.number, campaign.account_id)


def message(kind: str, campaign: OpinionCampaign, invitation: OpinionInvitation, dedupe: str) -> Message:
    """What asks or reminds somebody. The mail's words get the nonce, never the token."""
    params = {
        "url": f"/opinions/forms/{campaign.number}",
        "number": campaign.number,
        "title": campaign.title,
        "title_en": campaign.title_en,
        "intro": campaign.intro,
        "intro_en": campaign.intro_en,
        "until_on": campaign.until_on.isoformat(),
        "nonce": invitation.nonce,
    }
    recipient = Recipient(invitation.name, invitation.email, invitation.language, invitation.user_id)
    return Message(kind, recipient, params, dedupe, matter_of(campaign), is_shared=False)


def possible_branches(account_id: int, *, actor: User) -> list[tuple[Branch, int]]:
    """The account's branches with how many officers of each can be asked."""
    access.require(actor, Action.COLLECT_OPINIONS)
    officers = [one.branch_id for one in access.account_members(account_id, Role.BRANCH_SAFETY)]
    statement = select(Branch).where(Branch.account_id == account_id, Branch.is_active)
    rows = db.session.scalars(statement.order_by(Branch.district, Branch.name, Branch.id)).all()
    return [(branch, officers.count(branch.id)) for branch in rows]


def _begin(number: str, version: int, state: CampaignState, actor: User) -> OpinionCampaign:
    campaign = get_campaign(number, actor=actor)
    db.session.refresh(campaign, with_for_update=True)
    if campaign.version != version:
        raise Conflict("stale")
    if campaign.state is not state:
        raise Conflict("campaign_state")
    return campaign


def _linked(number: str, invitation_id: int, actor: User) -> tuple[OpinionCampaign, OpinionInvitation]:
    campaign = get_campaign(number, actor=actor)
    invitation = db.session.get(OpinionInvitation, invitation_id)
    if invitation is None or invitation.campaign_id != campaign.id:
        raise NotFound("not_found")
    if campaign.state is not CampaignState.OPEN or invitation.user_id is not None:
        raise Conflict("campaign_state")
    return campaign, invitation


def give_link(invitation: OpinionInvitation) -> None:
    """Make the secret of a form's address anew; the one before opens nothing any more."""
    invitation.nonce = secrets.token_urlsafe(16)
    invitation.token_sha256 = signed_links.hash_of(signed_links.token_of(PURPOSE, invitation.nonce))


def label_of(campaign: OpinionCampaign, invitation: OpinionInvitation) -> str:
    """The form and whom it asks, for the trail."""
    return f"{campaign.number} {invitation.name}"


def _values(wanted: CampaignPlan) -> dict[str, object]:
    return {
        "title": one_line(wanted.title),
        "title_en": one_line(wanted.title_en),
        "intro": wanted.intro.strip(),
        "intro_en": wanted.intro_en.strip(),
        "questions": [
            {"theme": one.theme.value, "text": one_line(one.text), "text_en": one_line(one.text_en)}
            for one in wanted.questions
        ],
        "from_on": wanted.from_on,
        "until_on": wanted.until_on,
        "remind_days": wanted.remind_days,
    }


def _asked(
    campaign: OpinionCampaign, wanted: CampaignPlan, people: Sequence[User]
) -> dict[str, tuple[object, object]]:
    return {
        "title": (None, campaign.title),
        "until_on": (None, campaign.until_on),
        "asked": (None, len(people) + len(wanted.guests)),
    }


def _people(account_id: int, wanted: CampaignPlan) -> list[User]:
    """The logins it asks: officers of the branches themselves, and the group's department."""
    members = access.account_members(account_id, Role.BRANCH_SAFETY, Role.GROUP_INSURANCE)
    branches = set(wanted.branch_ids)
    return [
        one
        for one in members
        if (one.role is Role.GROUP_INSURANCE and wanted.asks_group)
        or (one.role is Role.BRANCH_SAFETY and one.branch_id in branches)
    ]


def _invite(campaign: OpinionCampaign, wanted: CampaignPlan, people: Sequence[User]) -> None:
    asked: list[User | Guest] = [*people, *wanted.guests]
    db.session.add_all([invitation_to(campaign, one) for one in asked])
    db.session.flush()


def invitation_to(campaign: OpinionCampaign, one: User | Guest) -> OpinionInvitation:
    """Somebody asked, not kept yet: a login or a guest."""
    return OpinionInvitation(
        campaign_id=campaign.id,
        branch_id=one.branch_id,
        user_id=one.id if isinstance(one, User) else None,
        name=squeeze(one.name),
        email=squeeze(one.email),
        language=one.language or "zh",
    )


def _check(account_id: int, wanted: CampaignPlan, people: Sequence[User], now: datetime) -> None:
    problems = [*_wrong_words(wanted), *wrong_guests(account_id, wanted.guests)]
    if (
        not local_date(now) <= wanted.until_on
        or not 0 <= (wanted.until_on - wanted.from_on).days <= MOST_DAYS
    ):
        problems.append(Invalid("campaign_days", field="until_on", most=MOST_DAYS))
    if not 0 <= wanted.remind_days <= 30:
        problems.append(Invalid("campaign_remind_days", field="remind_days", most=30))
    if not wanted.questions:
        problems.append(Invalid("campaign_no_question", field="questions"))
    if not people and not wanted.guests:
        problems.append(Invalid("campaign_nobody", field="branch_ids"))
    if problems:
        raise InvalidMany(problems)


def _wrong_words(wanted: CampaignPlan) -> list[Invalid]:
    titles = (("title", wanted.title), ("title_en", wanted.title_en))
    problems = [Invalid("required", field=field) for field, words in titles if not words.strip()]
    problems += [
        Invalid("words_too_long", field=field, length=200) for field, words in titles if len(words) > 200
    ]
    if any(not one.text.strip() or not one.text_en.strip() for one in wanted.questions):
        problems.append(Invalid("campaign_question_words", field="questions"))
    return problems


def wrong_guests(account_id: int, guests: Sequence[Guest]) -> list[Invalid]:
    """What keeps guests from being asked, each at the field `guests`."""
    problems = []
    branches = set(db.session.scalars(select(Branch.id).where(Branch.account_id == account_id)))
    if len(guests) > MOST_GUESTS:
        problems.append(Invalid("too_many_guests", field="guests", most=MOST_GUESTS))
    for one in guests:
        if not squeeze(one.name) or len(squeeze(one.name)) > 64 or one.language not in _LANGUAGES:
            problems.append(Invalid("guest_name_missing", field="guests"))
        if squeeze(one.email) and "@" not in one.email:
            problems.append(Invalid("email_invalid", field="guests", value=squeeze(one.email)))
        if one.branch_id is not None and one.branch_id not in branches:
            problems.append(Invalid("opinion_branch_unknown", field="guests"))
    return problems
