"""Raising a dispute, what both sides say and bring, and who is to decide."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import CHINA, local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany
from service_desk.base.money import format_yuan
from service_desk.base.text import one_line
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.disputes import Dispute, DisputeEvidence, DisputeWord
from service_desk.models.documents import DocumentKind
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES, ClaimAction, ClaimState
from service_desk.rules.disputes import DisputeSide, DisputeTopic, last_day_to_dispute, needs_amount
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit, documents, numbers
from service_desk.services.claims.common import begin, get_claim, matter_of, perform
from service_desk.services.claims.disputes import telling
from service_desk.services.claims.disputes.reading import possible_deciders
from service_desk.services.claims.settlement import latest_calculation
from service_desk.services.documents import Upload


@dataclass(frozen=True)
class RaiseDispute:
    """What the client objects to. `raised_for`: the client's person, when the desk raises it for them."""

    topic: DisputeTopic
    statement: str
    claimed_fen: int | None = None
    raised_for: str = ""
    files: Sequence[Upload] = field(default=())
    files_show: str = ""


@dataclass(frozen=True)
class Say:
    """A statement, evidence with what it shows, or both."""

    words: str = ""
    is_internal: bool = False
    files: Sequence[Upload] = field(default=())
    files_show: str = ""


def side_of(actor: User) -> DisputeSide:
    """The side a person speaks for."""
    return DisputeSide.CLIENT if actor.side is Side.CLIENT else DisputeSide.DESK


def raise_dispute(
    number: str,
    command: RaiseDispute,
    *,
    files: FileStore,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> Dispute:
    """Raise a dispute, which starts its clock and marks the claim until it is decided.

    Conflict `dispute_open_already`; Invalid `dispute_too_late`, `claim_not_above_offer`, and what is missing.
    """
    claim, _ = begin(number, ClaimAction.DISPUTE, actor=actor, version=version)
    if claim.is_disputed:
        raise Conflict("dispute_open_already")
    _require_in_time(claim, now)
    offered = _offered_fen(claim)
    _require_complete(command, offered, actor)
    documents.require_few(command.files, field="files")
    calculation = latest_calculation(claim.id)
    dispute = Dispute(
        number=numbers.next_number("DSP", now.astimezone(CHINA).year),
        claim_id=claim.id,
        account_id=claim.account_id,
        branch_id=claim.branch_id,
        round=claim.round,
        topic=command.topic,
        claimed_fen=command.claimed_fen,
        offered_fen=offered,
        calculation_id=calculation.id if calculation else None,
        raised_by_id=actor.id,
        raised_for=one_line(command.raised_for)[:64],
        raised_at=now,
    )
    db.session.add(dispute)
    db.session.flush()
    # What the desk writes down for the client is the client's word all the same.
    said = Say(command.statement, files=command.files, files_show=command.files_show)
    _keep(dispute, claim, said, DisputeSide.CLIENT, files, actor, now)
    changes = audit.change(claim, is_disputed=True)
    params = {"number": dispute.number, "topic": dispute.topic.value}
    note = command.statement.strip()
    perform(claim, ClaimAction.DISPUTE, actor=actor, at=now, now=now, params=params, note=note)
    audit.record("claim_disputed", claim, actor=actor, now=now, changes=changes)
    telling.raised(claim, dispute, note, actor=actor, now=now)
    return dispute


def _require_in_time(claim: Claim, now: datetime) -> None:
    """An ended claim may be disputed until the limitation has run out."""
    if claim.state in OPEN_STATES or claim.closed_at is None:
        return
    last = last_day_to_dispute(local_date(claim.closed_at))
    if local_date(now) > last:
        raise Invalid("dispute_too_late", last=last)


def _offered_fen(claim: Claim) -> int | None:
    """What the desk offers as it stands: approved, or nothing after a denial; None before the decision."""
    if claim.state is ClaimState.DENIED:
        return 0
    calculation = latest_calculation(claim.id)
    return calculation.total_fen if calculation and calculation.approved_at else None


def _require_complete(command: RaiseDispute, offered_fen: int | None, actor: User) -> None:
    problems = []
    if not command.statement.strip():
        problems.append(Invalid("required", field="statement"))
    if actor.side is Side.INSURER and not command.raised_for.strip():
        problems.append(Invalid("required", field="raised_for"))
    if command.claimed_fen is None:
        if needs_amount(command.topic):
            problems.append(Invalid("required", field="claimed"))
    elif command.claimed_fen <= 0:
        problems.append(Invalid("amount_not_positive", field="claimed"))
    elif offered_fen is not None and command.claimed_fen <= offered_fen:
        problems.append(Invalid("claim_not_above_offer", field="claimed", offered=format_yuan(offered_fen)))
    if problems:
        raise InvalidMany(problems)


def say(
    number: str, command: Say, *, files: FileStore, actor: User, now: datetime, version: int | None = None
) -> Dispute:
    """Add what one side says or brings to the open dispute; the other side is told, of an internal note nobody.

    Invalid `nothing_said`, `internal_note_without_files`; Forbidden for a client's internal note.
    """
    access.require(actor, Action.RAISE_DISPUTES)
    claim, dispute = locked(number, actor=actor, version=version)
    if not command.words.strip() and not command.files:
        raise Invalid("nothing_said", field="words")
    if command.is_internal and actor.side is Side.CLIENT:
        raise Forbidden("not_allowed", action="internal_note")
    if command.is_internal and command.files:
        # Whoever may see the claim may open its papers, so a paper can be no secret.
        raise Invalid("internal_note_without_files", field="files")
    documents.require_few(command.files, field="files")
    _keep(dispute, claim, command, side_of(actor), files, actor, now)
    changes = {"words": (None, command.words.strip()[:200]), "files": (None, len(command.files))}
    audit.record("dispute_word_added", dispute, actor=actor, now=now, changes=changes)
    if not command.is_internal:
        telling.word(claim, dispute, command.words.strip(), actor=actor, now=now)
    return dispute


def _keep(
    dispute: Dispute,
    claim: Claim,
    command: Say,
    side: DisputeSide,
    files: FileStore,
    actor: User,
    now: datetime,
) -> None:
    common = {"dispute_id": dispute.id, "side": side, "by_id": actor.id, "at": now}
    if command.words.strip():
        db.session.add(DisputeWord(words=command.words.strip(), is_internal=command.is_internal, **common))
    for upload in command.files:
        document = documents.store_paper(
            files,
            upload,
            DocumentKind.DISPUTE_EVIDENCE,
            matter_of(claim),
            field="files",
            actor=actor,
            now=now,
        )
        shows = one_line(command.files_show)
        db.session.add(DisputeEvidence(document_id=document.id, words=shows, **common))
    db.session.flush()


def name_decider(
    number: str, user_id: int, *, actor: User, now: datetime, version: int | None = None
) -> Dispute:
    """Say who is to decide: a manager who had no part in what is disputed. Invalid `not_a_decider`."""
    access.require(actor, Action.HANDLE_CLAIMS)
    claim, dispute = locked(number, actor=actor, version=version)
    decider = next((one for one in possible_deciders(claim, dispute) if one.id == user_id), None)
    if decider is None:
        raise Invalid("not_a_decider", field="decider_id")
    changes = audit.change(dispute, decider_id=decider.id)
    dispute.decider_named_at = now
    audit.record("dispute_decider_named", dispute, actor=actor, now=now, changes=changes)
    telling.to_decide(claim, dispute, decider, actor=actor, now=now)
    return dispute


def locked(number: str, *, actor: User, version: int | None = None) -> tuple[Claim, Dispute]:
    """The claim and its open dispute, as they are once nobody else changes them.

    Conflict `stale` when the page showed an older dispute, `dispute_not_open` when none is open.
    """
    claim = get_claim(number, actor=actor)
    db.session.refresh(claim, with_for_update=True)
    statement = select(Dispute).where(Dispute.claim_id == claim.id, Dispute.decided_at.is_(None))
    dispute = db.session.scalar(statement.with_for_update().execution_options(populate_existing=True))
    if dispute is None:
        raise Conflict("dispute_not_open")
    if version is not None and version != dispute.version:
        raise Conflict("stale")
    return claim, dispute
