"""Opinions the desk writes down: from a visit, a contact or a follow-up, with the scanned form if there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, FollowUp
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.enquiries import ContactKind, Enquiry
from service_desk.models.opinions import Opinion
from service_desk.models.relations import RelationEvent
from service_desk.models.users import User
from service_desk.rules.opinions import (
    HIGHEST_SCORE,
    LOWEST_SCORE,
    MAX_WORDS,
    OpinionSource,
    OpinionState,
    Theme,
)
from service_desk.rules.permissions import CLIENT_ROLES, Action, Side
from service_desk.rules.relation_flow import TOOK_PLACE
from service_desk.services import access, audit, documents, enquiries
from service_desk.services.claims.common import get_claim
from service_desk.services.documents import Upload
from service_desk.services.opinions.common import due_on, new_number, put
from service_desk.services.opinions.visibility import get_opinion, is_named_to, matter_of
from service_desk.services.relations.visibility import get_event


@dataclass(frozen=True)
class Origin:
    """Where an opinion comes from, with what is known there of who gave it and what they said."""

    source: OpinionSource
    source_id: int
    number: str
    account_id: int
    branch_id: int | None
    at: datetime
    given_by: str = ""
    phone: str = ""
    email: str = ""
    user_id: int | None = None
    words: str = ""
    score: int | None = None


@dataclass(frozen=True)
class NewOpinion:
    """An opinion as typed. `user_id` is the giver's login; without one their name, and how they can be reached."""

    theme: Theme
    words: str
    given_at: datetime
    branch_id: int | None = None
    user_id: int | None = None
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = "zh"
    score: int | None = None
    is_anonymous: bool = False
    papers: Sequence[Upload] = ()


def find_origin(source: OpinionSource, number: str, *, actor: User) -> Origin:
    """What an opinion is made of: a visit that took place, a contact that is an opinion, a claim's follow-up.

    NotFound where the actor does not see it; Conflict opinion_origin where it is none to take an opinion from.
    """
    access.require(actor, Action.COLLECT_OPINIONS)
    if source is OpinionSource.VISIT:
        return _of_event(get_event(number, actor=actor))
    if source is OpinionSource.CONTACT:
        return _of_contact(enquiries.get_enquiry(number, actor=actor))
    if source is OpinionSource.FOLLOW_UP:
        return _of_follow_up(get_claim(number, actor=actor))
    raise NotFound("not_found")


def record(origin: Origin, wanted: NewOpinion, *, files: FileStore, actor: User, now: datetime) -> Opinion:
    """Write down what somebody said. The reply is owed by whoever wrote it down.

    InvalidMany of: required, words_too_long, score_invalid, time_in_future, opinion_giver_unknown, branch_unknown …
    """
    access.require(actor, Action.COLLECT_OPINIONS)
    access.get_account(actor, origin.account_id)
    giver = _giver(origin, wanted)
    _check(origin, wanted, giver, now)
    documents.require_few(wanted.papers, field="papers")
    opinion = put(
        Opinion(
            number=new_number(now),
            account_id=origin.account_id,
            branch_id=wanted.branch_id,
            theme=wanted.theme,
            state=OpinionState.NEW,
            source=origin.source,
            source_id=origin.source_id,
            words=wanted.words.strip(),
            score=wanted.score,
            given_by_id=giver.id if giver else None,
            given_by=giver.name if giver else squeeze(wanted.name),
            email=giver.email if giver else squeeze(wanted.email),
            phone=giver.phone if giver else squeeze(wanted.phone),
            language=(giver.language or "zh") if giver else wanted.language,
            is_anonymous=wanted.is_anonymous,
            given_at=wanted.given_at,
            recorded_by_id=actor.id,
            owner_id=actor.id,
            due_on=due_on(wanted.given_at),
        )
    )
    audit.record("opinion_recorded", opinion, actor=actor, now=now, changes={"theme": (None, wanted.theme)})
    for paper in wanted.papers:
        documents.store_paper(
            files,
            paper,
            DocumentKind.OPINION_FORM,
            matter_of(opinion),
            field="papers",
            actor=actor,
            now=now,
        )
    return opinion


def made_of(source: OpinionSource, source_id: int, *, actor: User) -> list[Opinion]:
    """The opinions taken from a visit, contact or follow-up, for its page; only the desk is shown them there."""
    if not access.may(actor, Action.COLLECT_OPINIONS):
        return []
    statement = select(Opinion).where(
        Opinion.source == source,
        Opinion.source_id == source_id,
        access.visible_clause(actor, Action.COLLECT_OPINIONS, Opinion),
    )
    return list(db.session.scalars(statement.order_by(Opinion.id)))


def possible_givers(account_id: int) -> list[User]:
    """The client's people with a login, by staff number."""
    return access.account_members(account_id, *CLIENT_ROLES)


def papers_of(opinion: Opinion, *, actor: User) -> list[Document]:
    """The scanned forms of an opinion; none to who may not know its giver, whose hand it shows."""
    shows = is_named_to(opinion, actor)
    return documents.list_for(matter_of(opinion).kind, opinion.id) if shows else []


def get_paper(number: str, document_id: int, *, actor: User) -> Document:
    """A scanned form of an opinion the actor sees with its giver; NotFound otherwise."""
    for document in papers_of(get_opinion(number, actor=actor), actor=actor):
        if document.id == document_id:
            return document
    raise NotFound("not_found")


def _of_event(event: RelationEvent) -> Origin:
    if event.state not in TOOK_PLACE:
        raise Conflict("opinion_origin")
    return Origin(
        OpinionSource.VISIT, event.id, event.number, event.account_id, event.branch_id, event.from_at
    )


def _of_contact(enquiry: Enquiry) -> Origin:
    if enquiry.kind is not ContactKind.OPINION:
        raise Conflict("opinion_origin")
    opener = db.session.get_one(User, enquiry.opened_by_id)
    return Origin(
        OpinionSource.CONTACT,
        enquiry.id,
        enquiry.number,
        enquiry.account_id,
        enquiry.branch_id,
        enquiry.opened_at,
        given_by=enquiry.caller_name,
        phone=enquiry.caller_phone,
        email=enquiry.caller_email,
        user_id=opener.id if opener.side is Side.CLIENT else None,
        words=enquiry.body or enquiry.subject,
    )


def _of_follow_up(claim: Claim) -> Origin:
    statement = select(FollowUp).where(FollowUp.claim_id == claim.id)
    answer = db.session.scalar(statement.order_by(FollowUp.id.desc()).limit(1))
    if answer is None:
        raise Conflict("opinion_origin")
    return Origin(
        OpinionSource.FOLLOW_UP,
        answer.id,
        claim.number,
        claim.account_id,
        claim.branch_id,
        answer.at,
        given_by=answer.spoken_with,
        phone=claim.callback_phone,
        words=answer.comment,
        score=answer.score,
    )


def _giver(origin: Origin, wanted: NewOpinion) -> User | None:
    people = possible_givers(origin.account_id) if wanted.user_id else []
    return next((one for one in people if one.id == wanted.user_id), None)


def _check(origin: Origin, wanted: NewOpinion, giver: User | None, now: datetime) -> None:
    problems: list[Invalid] = []
    if not wanted.words.strip():
        problems.append(Invalid("required", field="words"))
    if len(wanted.words) > MAX_WORDS:
        problems.append(Invalid("words_too_long", field="words", length=MAX_WORDS))
    if wanted.score is not None and not LOWEST_SCORE <= wanted.score <= HIGHEST_SCORE:
        problems.append(Invalid("score_invalid", field="score"))
    if wanted.given_at > now:
        problems.append(Invalid("time_in_future", field="given_at"))
    if wanted.user_id and giver is None:
        problems.append(Invalid("opinion_giver_unknown", field="user_id"))
    if not giver:
        problems += _wrong_person(wanted)
    branch = db.session.get(Branch, wanted.branch_id) if wanted.branch_id else None
    if wanted.branch_id and (branch is None or branch.account_id != origin.account_id):
        problems.append(Invalid("opinion_branch_unknown", field="branch_id"))
    if problems:
        raise InvalidMany(problems)


def _wrong_person(wanted: NewOpinion) -> list[Invalid]:
    problems = []
    if not squeeze(wanted.name) and not wanted.user_id:
        problems.append(Invalid("required", field="name"))
    if squeeze(wanted.email) and "@" not in wanted.email:
        problems.append(Invalid("email_invalid", field="email", value=squeeze(wanted.email)))
    lengths = (("name", wanted.name, 64), ("phone", wanted.phone, 64), ("email", wanted.email, 200))
    return problems + [
        Invalid("words_too_long", field=field, length=length)
        for field, words, length in lengths
        if len(squeeze(words)) > length
    ]
