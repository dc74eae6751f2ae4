"""The client's word: whether what was answered is settled. A complaint is closed by nothing else."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.enquiries import (
    ClientWord,
    ContactKind,
    Enquiry,
    EnquiryChannel,
    EnquiryState,
    WordMeans,
)
from service_desk.models.users import User
from service_desk.rules.first_contact import may_reopen
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit, sla
from service_desk.services.enquiries import answering, contacts, owners, repeats
from service_desk.services.enquiries.repeats import FurtherCall

_CHANNELS = {
    WordMeans.PORTAL: EnquiryChannel.MESSAGE,
    WordMeans.CALL: EnquiryChannel.CALL,
    WordMeans.VISIT: EnquiryChannel.VISIT,
    WordMeans.MAIL: EnquiryChannel.MAIL,
}


@dataclass(frozen=True)
class Word:
    """What the client said: who, how and when, as the owner writes it down. `note` is what is still wrong."""

    is_satisfied: bool
    means: WordMeans
    said_by: str
    said_at: datetime
    note: str = ""


def say_word(
    number: str, note: str, version: int, *, is_satisfied: bool, actor: User, now: datetime
) -> Enquiry:
    """The client says on their own page whether the answer settles the matter.

    Satisfied closes it. Not satisfied opens it again for the same owner; a complaint goes on to the next manager.
    Conflict: word_too_early (no answer yet), reopening_late (closed for more than 7 days), stale.
    """
    enquiry = repeats.hold(contacts.get_enquiry(number, actor=actor))
    access.require(actor, Action.LOG_ENQUIRY)
    if actor.side is not Side.CLIENT:
        raise Forbidden("not_allowed", action=Action.LOG_ENQUIRY.value)
    word = Word(is_satisfied, WordMeans.PORTAL, actor.name, now, note)
    return _take(enquiry, word, version, actor, now)


def record_word(number: str, word: Word, version: int, *, actor: User, now: datetime) -> Enquiry:
    """The owner, or a manager, writes down what the client said by phone, visit or mail; otherwise as `say_word`.

    Invalid: required (who said it), word_means_wrong (the client's pages are the client's), word_future,
    word_before_answer.
    """
    enquiry = repeats.hold(contacts.get_enquiry(number, actor=actor))
    access.require(actor, Action.ANSWER_ENQUIRIES)
    if not answering.may_work_on(enquiry, actor=actor, now=now):
        raise Forbidden("not_the_owner")
    _check(enquiry, word, now)
    return _take(enquiry, word, version, actor, now)


def words_of(enquiry_id: int) -> list[ClientWord]:
    """All the client said of a contact, oldest first. The caller has checked that it is visible."""
    statement = select(ClientWord).where(ClientWord.enquiry_id == enquiry_id)
    return list(db.session.scalars(statement.order_by(ClientWord.at, ClientWord.id)))


def may_say(enquiry: Enquiry, now: datetime) -> bool:
    """Whether the client may say now whether it is settled: answered, or closed so lately that it may come back."""
    if enquiry.channel is EnquiryChannel.CLAIM_REPORT:
        return False
    return enquiry.state is EnquiryState.ANSWERED or may_reopen(enquiry.closed_at, now)


def _check(enquiry: Enquiry, word: Word, now: datetime) -> None:
    problems = []
    if not word.said_by.strip():
        problems.append(Invalid("required", field="said_by"))
    if len(one_line(word.said_by)) > 64:
        problems.append(Invalid("words_too_long", field="said_by", length=64))
    if word.means is WordMeans.PORTAL:
        problems.append(Invalid("word_means_wrong", field="means"))
    if word.said_at > now:
        problems.append(Invalid("word_future", field="said_at"))
    elif enquiry.answered_at and word.said_at < enquiry.answered_at.replace(second=0, microsecond=0):
        problems.append(Invalid("word_before_answer", field="said_at"))
    if problems:
        raise InvalidMany(problems)


def _take(enquiry: Enquiry, word: Word, version: int, actor: User, now: datetime) -> Enquiry:
    if enquiry.version != version:
        raise Conflict("stale")
    if enquiry.state is EnquiryState.OPEN:
        raise Conflict("word_too_early")
    if enquiry.state is EnquiryState.CLOSED and (word.is_satisfied or not may_reopen(enquiry.closed_at, now)):
        raise Conflict("enquiry_closed" if word.is_satisfied else "reopening_late")
    if not word.is_satisfied and not word.note.strip():
        raise Invalid("note_missing", field="note")
    db.session.add(
        ClientWord(
            enquiry_id=enquiry.id,
            at=word.said_at,
            is_satisfied=word.is_satisfied,
            means=word.means,
            said_by=one_line(word.said_by),
            note=word.note.strip(),
            answer=enquiry.answer,
            owner_id=enquiry.owner_id,
            recorded_by_id=actor.id,
            recorded_at=now,
        )
    )
    audit.record(
        "client_satisfied" if word.is_satisfied else "client_not_satisfied",
        enquiry,
        actor=actor,
        now=now,
        changes={"said_by": (None, word.said_by), "means": (None, word.means), "note": (None, word.note)},
    )
    if word.is_satisfied:
        answering.end(enquiry, actor=actor, now=now)
        return enquiry
    return _not_settled(enquiry, word, actor, now)


def _not_settled(enquiry: Enquiry, word: Word, actor: User, now: datetime) -> Enquiry:
    """Open it again, counted as a repeat; the next manager hears what did not satisfy in a complaint."""
    is_told = enquiry.kind is ContactKind.COMPLAINT and _pass_on(enquiry, word, actor, now)
    call = FurtherCall(_CHANNELS[word.means], word.said_by, "", word.note)
    return repeats.add_call(enquiry, call, actor=actor, now=now, is_told=is_told)


def _pass_on(enquiry: Enquiry, word: Word, actor: User, now: datetime) -> bool:
    """To the first in line who has not had it; where everybody had it, it stays with whoever has it now."""
    had = {enquiry.owner_id, *(one.owner_id for one in words_of(enquiry.id) if not one.is_satisfied)}
    chosen = owners.owner_of_complaint(enquiry.account_id, barred=enquiry.hidden_from_id, actor=None, had=had)
    if chosen is None:
        return False
    changes = audit.change(enquiry, owner_id=chosen)
    answering.withdraw_offers_of(enquiry, now)
    sla.hand_over(contacts.matter_of(enquiry), to_id=chosen, at=now, actor=actor, now=now)
    audit.record("complaint_passed_on", enquiry, actor=actor, now=now, changes=changes)
    contacts.tell_owner(enquiry, now=now, note=word.note.strip())
    contacts.tell_client_owner(enquiry, actor, now)
    return True
