"""The letter that ends a claim: refusal, withdrawal, no payment. Written once in both languages, then sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.text import one_line, squeeze
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claim_letters import ClaimDenial, ClaimLetter
from service_desk.models.claims import Claim, ClaimCalculation, ClaimEvent
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.settings import Setting
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState
from service_desk.rules.claim_letters import LetterKind, RefusalClause, letter_for
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit, documents, settings
from service_desk.services.claims.common import (
    get_claim,
    latest_calculation,
    log_event,
    matter_of,
    require_not_future,
)
from service_desk.services.claims.people import tell_client
from service_desk.services.documents import Upload

LANGUAGES = ("zh", "en")
# The consumers' line of the supervisory authority, until the desk sets another.
DEFAULT_SUPERVISION_PHONE = "12378"

# Prints what a letter says, in each language.
Printer = Callable[[Mapping[str, Any]], Mapping[str, bytes]]


@dataclass(frozen=True)
class WriteLetter:
    """To whom, and what the facts were. The clauses are asked of a denial that has none on record."""

    addressee: str
    facts: str = ""
    clauses: tuple[RefusalClause, ...] = ()
    clause_text: str = ""


@dataclass(frozen=True)
class SendLetter:
    """How the letter went out. `at` is when."""

    at: datetime
    sent_to: str
    means: str = ""


def kind_for(claim: Claim) -> LetterKind | None:
    """The letter the claim's end calls for; None while it is open, or closed with money paid."""
    is_round_withdrawn = claim.state is ClaimState.CLOSED and _withdrawal_of(claim) is not None
    return letter_for(claim.state, paid_fen=claim.paid_fen, is_round_withdrawn=is_round_withdrawn)


def current_letter(claim: Claim) -> ClaimLetter | None:
    """The newest letter of the claim's present end; None before one is written."""
    kind = kind_for(claim)
    statement = select(ClaimLetter).where(
        ClaimLetter.claim_id == claim.id, ClaimLetter.round == claim.round, ClaimLetter.kind == kind
    )
    return db.session.scalar(statement.order_by(ClaimLetter.id.desc()).limit(1)) if kind else None


def is_due(claim: Claim) -> bool:
    """Whether a letter is still to be sent."""
    letter = current_letter(claim)
    return kind_for(claim) is not None and (letter is None or letter.sent_at is None)


def denial_of(claim: Claim) -> ClaimDenial | None:
    """Why the present round was denied; None when it was not, or before clauses were asked for."""
    return db.session.scalar(
        select(ClaimDenial).where(ClaimDenial.claim_id == claim.id, ClaimDenial.round == claim.round)
    )


def list_letters(claim_id: int) -> list[ClaimLetter]:
    """All letters of a claim, oldest first. The caller has checked who reads."""
    statement = select(ClaimLetter).where(ClaimLetter.claim_id == claim_id)
    return list(db.session.scalars(statement.order_by(ClaimLetter.id)))


def write(
    number: str,
    command: WriteLetter,
    *,
    print_letter: Printer,
    files: FileStore,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> ClaimLetter:
    """Write the letter of the claim's end and keep it as PDF in both languages. A newer takes an unsent one's place.

    Conflict: `no_letter_due`, `letter_recorded`; Invalid: no addressee, `clause_missing` for a denial without one.
    """
    claim, kind = _to_write(number, actor, version)
    if not squeeze(command.addressee):
        raise Invalid("required", field="addressee")
    content = _content(claim, kind, command, actor, now)
    printed = print_letter(content)
    kept = {
        language: _keep(claim, kind, language, printed[language], files, actor, now) for language in LANGUAGES
    }
    letter = ClaimLetter(
        claim_id=claim.id,
        round=claim.round,
        kind=kind,
        content=content,
        document_zh_id=kept["zh"].id,
        document_en_id=kept["en"].id,
        written_at=now,
        written_by_id=actor.id,
    )
    db.session.add(letter)
    log_event(
        claim, "letter_written", actor=actor, at=now, now=now, params={"letter": kind.value}, is_internal=True
    )
    audit.record("claim_letter_written", claim, actor=actor, now=now, changes={"kind": (None, kind)})
    return letter


def _to_write(number: str, actor: User, version: int | None) -> tuple[Claim, LetterKind]:
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.HANDLE_CLAIMS)
    db.session.refresh(claim, with_for_update=True)
    if version is not None and version != claim.version:
        raise Conflict("stale")
    kind = kind_for(claim)
    if kind is None:
        raise Conflict("no_letter_due")
    if not is_due(claim):
        raise Conflict("letter_recorded")
    return claim, kind


def _content(
    claim: Claim, kind: LetterKind, command: WriteLetter, actor: User, now: datetime
) -> dict[str, Any]:
    """All the letter says, as plain values: what is printed later is what was true now."""
    account = db.session.get_one(KeyAccount, claim.account_id)
    branch = db.session.get_one(Branch, claim.branch_id)
    handler = db.session.get_one(User, claim.owner_id)
    content: dict[str, Any] = {
        "kind": kind.value,
        "number": claim.number,
        "addressee": one_line(command.addressee),
        "account": [account.name, account.name_en],
        "branch": [branch.name, branch.name_en],
        "plate": claim.plate,
        "loss_at": claim.loss_at.isoformat(),
        "reported_at": claim.reported_at.isoformat(),
        "place": claim.place,
        "story": claim.description,
        "facts": command.facts.strip(),
        "handler": [handler.name, handler.staff_no, handler.phone],
        "signed_by": [actor.name, actor.staff_no],
        "written_at": now.isoformat(),
        "supervision_phone": supervision_phone(),
    }
    if kind is LetterKind.REFUSAL:
        return content | _denied(claim, command, actor)
    return content | (_withdrawn(claim) if kind is LetterKind.WITHDRAWAL else _nothing_paid(claim))


def _denied(claim: Claim, command: WriteLetter, actor: User) -> dict[str, Any]:
    denial = denial_of(claim)
    if denial is None:
        denial = _late_denial(claim, command, actor)
    return {
        "decided_at": denial.decided_at.isoformat(),
        "reason": denial.reason,
        "clauses": denial.clauses,
        "clause_text": denial.clause_text,
        "facts": command.facts.strip() or denial.facts,
    }


def _late_denial(claim: Claim, command: WriteLetter, actor: User) -> ClaimDenial:
    """The denial of a claim that was denied before its clauses were asked for, with what is said now."""
    decided_by = db.session.scalar(
        select(ClaimEvent.actor_id)
        .where(ClaimEvent.claim_id == claim.id, ClaimEvent.action == ClaimAction.DENY)
        .order_by(ClaimEvent.id.desc())
        .limit(1)
    )
    denial = make_denial(
        claim,
        command.clauses,
        command.clause_text,
        reason=claim.denial_reason,
        facts=command.facts,
        decided_by_id=decided_by or actor.id,
        decided_at=claim.denied_at or claim.reported_at,
    )
    db.session.add(denial)
    return denial


def make_denial(
    claim: Claim,
    clauses: tuple[RefusalClause, ...],
    clause_text: str,
    *,
    reason: str,
    facts: str,
    decided_by_id: int,
    decided_at: datetime,
) -> ClaimDenial:
    """A denial of the present round, not yet kept; Invalid `clause_missing` when it names no clause."""
    if not clauses:
        raise Invalid("clause_missing", field="clauses")
    return ClaimDenial(
        claim_id=claim.id,
        round=claim.round,
        clauses=[clause.value for clause in dict.fromkeys(clauses)],
        clause_text=one_line(clause_text)[:200],
        reason=reason,
        facts=facts.strip(),
        decided_by_id=decided_by_id,
        decided_at=decided_at,
    )


def _withdrawn(claim: Claim) -> dict[str, Any]:
    """With `paid_fen` for a round that was taken back alone: what the claim was paid before."""
    event = _withdrawal_of(claim)
    at = event.at if event else claim.closed_at or claim.reported_at
    content: dict[str, Any] = {"decided_at": at.isoformat(), "reason": event.note if event else ""}
    if claim.state is ClaimState.CLOSED:
        content |= {"round": claim.round, "paid_fen": claim.paid_fen}
    return content


def _withdrawal_of(claim: Claim) -> ClaimEvent | None:
    """The step that took the present round back, or the whole claim; None where none did."""
    return db.session.scalar(
        select(ClaimEvent)
        .where(
            ClaimEvent.claim_id == claim.id,
            ClaimEvent.round == claim.round,
            ClaimEvent.action.in_((ClaimAction.WITHDRAW, ClaimAction.WITHDRAW_ROUND)),
        )
        .order_by(ClaimEvent.id.desc())
        .limit(1)
    )


def _nothing_paid(claim: Claim) -> dict[str, Any]:
    calculation: ClaimCalculation | None = latest_calculation(claim.id)
    at = claim.closed_at or claim.reported_at
    version = calculation.calculation_version if calculation else None
    return {"decided_at": at.isoformat(), "reason": "", "calculation_version": version}


def _keep(
    claim: Claim,
    kind: LetterKind,
    language: str,
    content: bytes,
    files: FileStore,
    actor: User,
    now: datetime,
) -> Document:
    upload = Upload(f"{claim.number}-{kind.value}-{language}.pdf", content)
    return documents.store_paper(
        files, upload, DocumentKind.CLAIM_LETTER, matter_of(claim), field="letter", actor=actor, now=now
    )


def send(
    number: str, command: SendLetter, *, actor: User, now: datetime, version: int | None = None
) -> ClaimLetter:
    """Record that a confirmation of withdrawal or a notice without payment went out, and tell the client's people.

    A refusal goes by `exits.send_denial_letter`, which stops its clock. Refusals as there.
    """
    claim, kind = _to_write(number, actor, version)
    if kind is LetterKind.REFUSAL:
        raise Conflict("claim_moved_on")
    letter = mark_sent(claim, command, actor=actor, now=now)
    params = {"letter": kind.value, "sent_to": letter.sent_to, "means": letter.means}
    log_event(claim, "letter_sent", actor=actor, at=command.at, now=now, params=params)
    tell_client(
        claim, "claim_letter_sent", {"letter": kind.value}, dedupe=f"{claim.round}:{kind.value}", now=now
    )
    audit.record(
        "claim_letter_sent", claim, actor=actor, now=now, changes={"sent_to": (None, letter.sent_to)}
    )
    return letter


def mark_sent(claim: Claim, command: SendLetter, *, actor: User, now: datetime) -> ClaimLetter:
    """Note on the written letter when, to whom and how it went.

    Conflict `letter_not_written`; Invalid: `time_in_future`, `before_letter`, no recipient.
    """
    letter = current_letter(claim)
    if letter is None:
        raise Conflict("letter_not_written")
    require_not_future(command.at, field="at", now=now)
    if command.at < letter.written_at.replace(second=0, microsecond=0):
        raise Invalid("before_letter", field="at")
    if not squeeze(command.sent_to):
        raise Invalid("required", field="sent_to")
    letter.sent_at, letter.sent_by_id = command.at, actor.id
    letter.sent_to, letter.means = one_line(command.sent_to)[:200], one_line(command.means)[:200]
    return letter


def get_document(number: str, letter_id: int, language: str, *, actor: User) -> Document:
    """The PDF of a letter. The client gets it once it was sent; NotFound otherwise."""
    claim = get_claim(number, actor=actor)
    letter = db.session.get(ClaimLetter, letter_id)
    is_hidden = letter is None or letter.claim_id != claim.id or language not in LANGUAGES
    if (
        letter is None
        or is_hidden
        or (letter.sent_at is None and not access.may(actor, Action.HANDLE_CLAIMS))
    ):
        raise NotFound("not_found")
    return db.session.get_one(Document, letter.document_zh_id if language == "zh" else letter.document_en_id)


def visible_letters(claim: Claim, *, actor: User) -> list[ClaimLetter]:
    """The letters a reader may open, oldest first: the client those that were sent."""
    rows = list_letters(claim.id)
    return [row for row in rows if row.sent_at is not None] if actor.side is Side.CLIENT else rows


def supervision_phone() -> str:
    """Where a client may complain about the insurer, as printed on refusals."""
    return str(settings.read(settings.SUPERVISION_PHONE, DEFAULT_SUPERVISION_PHONE))


def set_supervision_phone(phone: str, *, actor: User, now: datetime) -> None:
    """Print another number on the letters written from now on."""
    access.require(actor, Action.MANAGE_SETTINGS)
    if not squeeze(phone):
        raise Invalid("required", field="phone")
    before = supervision_phone()
    settings.write(settings.SUPERVISION_PHONE, squeeze(phone))
    db.session.flush()
    row = db.session.get_one(Setting, settings.SUPERVISION_PHONE)
    changes = {"phone": (before, squeeze(phone))}
    audit.record("supervision_phone_set", row, actor=actor, now=now, label=row.key, changes=changes)
