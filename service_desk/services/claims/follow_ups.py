"""What the client says after the end, on the telephone or by the form: kept once a round, answered for when it is bad."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.adapters import signed_links
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.text import one_line, squeeze
from service_desk.models.claims import Claim, FollowUp
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.follow_ups import FollowUpLink, FollowUpPlan
from service_desk.models.users import User
from service_desk.rules.claim_flow import LOWEST_SATISFIED_SCORE, ClaimAction, ClockStep, transition
from service_desk.rules.first_contact import phone_key
from service_desk.rules.follow_up import (
    FollowUpMeans,
    Scores,
    are_possible,
    is_dissatisfied,
    needs_follow_up,
)
from service_desk.rules.permissions import Role
from service_desk.services import access, audit, enquiries, notices, sla
from service_desk.services.claims import plans
from service_desk.services.claims.common import (
    begin,
    held_since,
    log_event,
    matter_of,
    perform,
    require_not_future,
)
from service_desk.services.claims.people import basics

MAX_COMMENT = 4000


@dataclass(frozen=True)
class FollowUpRecord:
    """What the client said when called; scores from 1 (bad) to 5 (good), None for what was not asked."""

    at: datetime
    spoken_with: str
    score: int
    comment: str = ""
    speed: int | None = None
    attitude: int | None = None
    result: int | None = None
    wants_call_back: bool = False

    @property
    def scores(self) -> Scores:
        return Scores(self.score, self.speed, self.attitude, self.result)


@dataclass(frozen=True)
class FormAnswer:
    """What the client filled in, without a sign-in."""

    scores: Scores
    comment: str = ""
    wants_call_back: bool = False


@dataclass(frozen=True)
class OpenForm:
    """What the page behind a link shows: no more of the claim than its plate and number. `answer` once it was given."""

    claim: Claim
    owner: User
    plan: FollowUpPlan
    link: FollowUpLink
    answer: FollowUp | None


def follow_up(
    number: str, command: FollowUpRecord, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Record what the client said on the telephone. Once a round; a form that was out ends.

    Conflict: follow_up_recorded, follow_up_not_needed. Invalid: score_invalid, comment_missing, before_closing,
    time_in_future, required.
    """
    claim, _ = begin(number, ClaimAction.FOLLOW_UP, actor=actor, version=version)
    _require_follow_up(claim, command, now)
    answer = FollowUp(
        claim_id=claim.id,
        round=claim.round,
        at=command.at,
        spoken_with=squeeze(command.spoken_with),
        means=FollowUpMeans.CALL,
        score=command.score,
        speed=command.speed,
        attitude=command.attitude,
        result=command.result,
        wants_call_back=command.wants_call_back,
        is_dissatisfied=is_dissatisfied(command.scores, wants_call_back=command.wants_call_back),
        comment=command.comment.strip(),
        by_id=actor.id,
    )
    db.session.add(answer)
    claim.followed_up_at = command.at
    perform(
        claim,
        ClaimAction.FOLLOW_UP,
        actor=actor,
        at=command.at,
        now=now,
        stopped_at=_stop_at(claim, command.at),
        params=_told(answer),
        note=answer.comment,
    )
    plan = plans.find_plan(claim)
    if plan is not None:
        plans.revoke(plan, now=now)
    _finish(claim, answer, asked=None, actor=actor, now=now)
    return claim


def read_form(token: str, *, now: datetime, locked: bool = False) -> OpenForm:
    """The form of a link. NotFound `feedback_link_ended` for one that never was, has ended or was revoked.

    Whoever has the link may read it: the link itself is the key.
    """
    gone = NotFound("feedback_link_ended")
    if not token or len(token) > signed_links.MAX_TOKEN:
        raise gone
    found = db.session.execute(
        select(FollowUpLink, FollowUpPlan, Claim)
        .join(FollowUpPlan, FollowUpPlan.id == FollowUpLink.plan_id)
        .join(Claim, Claim.id == FollowUpPlan.claim_id)
        .where(FollowUpLink.token_sha256 == signed_links.hash_of(token))
    ).one_or_none()
    if found is None:
        raise gone
    link, plan, claim = found
    if locked:
        # The claim first, as every step does: who sends twice finds the first answer.
        db.session.refresh(claim, with_for_update=True)
        db.session.refresh(link)
    if link.revoked_at is not None or link.ends_at <= now or plan.round != claim.round:
        raise gone
    answer = _answer_of(claim, link.answered_at) if link.answered_at is not None else None
    return OpenForm(claim, db.session.get_one(User, claim.owner_id), plan, link, answer)


def answer_form(token: str, command: FormAnswer, *, now: datetime) -> OpenForm:
    """Keep what the client filled in. It stands: the same link again shows it and changes nothing.

    NotFound as `read_form`. Invalid: score_invalid, words_too_long. Conflict: follow_up_recorded when somebody
    has called meanwhile.
    """
    form = read_form(token, now=now, locked=True)
    if form.answer is not None:
        return form
    claim, plan = form.claim, form.plan
    _require_answer(claim, command)
    answer = FollowUp(
        claim_id=claim.id,
        round=claim.round,
        at=now,
        spoken_with=plan.name,
        means=FollowUpMeans.FORM,
        score=command.scores.overall,
        speed=command.scores.speed,
        attitude=command.scores.attitude,
        result=command.scores.result,
        wants_call_back=command.wants_call_back,
        is_dissatisfied=is_dissatisfied(command.scores, wants_call_back=command.wants_call_back),
        comment=command.comment.strip(),
    )
    db.session.add(answer)
    claim.followed_up_at = form.link.answered_at = now
    log_event(
        claim,
        ClaimAction.FOLLOW_UP.value,
        actor=None,
        at=now,
        now=now,
        action=ClaimAction.FOLLOW_UP,
        params=_told(answer),
        note=answer.comment,
    )
    sla.stop(matter_of(claim), (ClockStep.FOLLOWUP,), at=_stop_at(claim, now), actor=None, now=now)
    _finish(claim, answer, asked=plan, actor=None, now=now)
    return OpenForm(claim, form.owner, plan, form.link, answer)


def _require_answer(claim: Claim, command: FormAnswer) -> None:
    if transition(claim.state, ClaimAction.FOLLOW_UP) is None:
        raise NotFound("feedback_link_ended")
    if claim.followed_up_at is not None:
        raise Conflict("follow_up_recorded")
    if not are_possible(command.scores):
        raise Invalid("score_invalid", field="score")
    if len(command.comment) > MAX_COMMENT:
        raise Invalid("words_too_long", field="comment", length=MAX_COMMENT)


def _require_follow_up(claim: Claim, command: FollowUpRecord, now: datetime) -> None:
    if claim.followed_up_at is not None:
        raise Conflict("follow_up_recorded")
    if not needs_follow_up(claim.state, was_surveyed=claim.surveyed_at is not None):
        raise Conflict("follow_up_not_needed")
    if not are_possible(command.scores):
        raise Invalid("score_invalid", field="score")
    require_not_future(command.at, field="at", now=now)
    ended_at = claim.closed_at or claim.reported_at
    if command.at < ended_at.replace(second=0, microsecond=0):
        raise Invalid("before_closing", field="at")
    if not squeeze(command.spoken_with):
        raise Invalid("required", field="spoken_with")
    if command.scores.lowest < LOWEST_SATISFIED_SCORE and not command.comment.strip():
        raise Invalid("comment_missing", field="comment")


def _answer_of(claim: Claim, at: datetime) -> FollowUp | None:
    """What was answered by a link at an instant: a round that was closed twice has two answers."""
    return db.session.scalar(
        select(FollowUp).where(
            FollowUp.claim_id == claim.id, FollowUp.round == claim.round, FollowUp.at == at
        )
    )


def _stop_at(claim: Claim, at: datetime) -> datetime:
    return max(at, claim.closed_at or at, held_since(claim))


def _told(answer: FollowUp) -> dict[str, object]:
    """What the time line says of an answer."""
    return {"score": answer.score, "spoken_with": answer.spoken_with, "means": answer.means.value}


def _finish(
    claim: Claim, answer: FollowUp, *, asked: FollowUpPlan | None, actor: User | None, now: datetime
) -> None:
    """Who is dissatisfied gets a first contact with an owner; the trail keeps the answer."""
    db.session.flush()
    if answer.is_dissatisfied:
        enquiry = _open_enquiry(claim, answer, asked, actor, now)
        answer.enquiry_id = enquiry.id
        _tell_dissatisfied(claim, answer, enquiry, actor, now)
    changes = {"followed_up_at": (None, claim.followed_up_at), "score": (None, answer.score)}
    audit.record("claim_followed_up", claim, actor=actor, now=now, changes=changes)


def _open_enquiry(
    claim: Claim, answer: FollowUp, asked: FollowUpPlan | None, actor: User | None, now: datetime
) -> Enquiry:
    """A dissatisfied client is answered like any caller: an owner and a clock."""
    owner = _responsible(claim)
    opener = actor or db.session.get_one(User, (asked and asked.user_id) or claim.reported_by_id)
    # Without words the scores are the subject; they are read in every language.
    subject = one_line(answer.comment) or f"{claim.plate} {claim.number} {answer.score}/5"
    enquiry = enquiries.open_for_claim(claim, owner_id=owner.id, subject=subject, actor=opener, now=now)
    enquiry.channel = EnquiryChannel.MESSAGE if answer.means is FollowUpMeans.FORM else EnquiryChannel.CALL
    enquiry.body, enquiry.caller_name = answer.comment, answer.spoken_with
    if asked is not None and asked.phone:
        enquiry.caller_phone, enquiry.phone_key = asked.phone, phone_key(asked.phone)
    db.session.flush()
    audit.record("enquiry_logged", enquiry, actor=actor, now=now, changes={"owner_id": (None, owner.id)})
    sla.start(
        enquiries.matter_of(enquiry),
        ClockStep.FIRST_REPLY,
        holder_id=owner.id,
        at=now,
        actor=actor,
        now=now,
    )
    params = {"number": enquiry.number}
    log_event(claim, "enquiry_opened", actor=actor, at=now, now=now, params=params, is_internal=True)
    return enquiry


def _responsible(claim: Claim) -> User:
    """The handler; a manager where the handler's login is closed."""
    owner = db.session.get_one(User, claim.owner_id)
    managers = access.account_members(claim.account_id, Role.MANAGER)
    return owner if owner.is_active or not managers else managers[0]


def _tell_dissatisfied(
    claim: Claim, answer: FollowUp, enquiry: Enquiry, actor: User | None, now: datetime
) -> None:
    """Tell the owner of the contact and the managers, except whoever recorded it."""
    owner = db.session.get_one(User, enquiry.owner_id)
    managers = access.account_members(claim.account_id, Role.MANAGER)
    params = basics(claim) | {
        "url": f"/enquiries/{enquiry.number}",
        "enquiry": enquiry.number,
        "owner": owner.name,
        "caller_name": enquiry.caller_name,
        "caller_phone": enquiry.caller_phone,
        "score": answer.score,
        "lowest": Scores(answer.score, answer.speed, answer.attitude, answer.result).lowest,
        "wants_call_back": answer.wants_call_back,
        "comment": answer.comment,
    }
    for user in {person.id: person for person in (owner, *managers)}.values():
        if actor is None or user.id != actor.id:
            notices.queue(
                "client_dissatisfied",
                notices.user_recipient(user),
                params,
                dedupe=f"client_dissatisfied:{answer.id}",
                now=now,
                matter=matter_of(claim),
            )
