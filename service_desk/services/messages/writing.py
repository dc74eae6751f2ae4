"""Writing: a client's message starts a clock on the matter, the desk's answer stops it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.messages import Message, MessageThread
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.messaging import MAX_WORDS, CameBy, MessageKind, ThreadKind, may_write
from service_desk.rules.permissions import Side
from service_desk.services import audit, documents, sla
from service_desk.services.documents import Upload
from service_desk.services.messages import matters, telling
from service_desk.services.messages.matters import Talked
from service_desk.services.notices import Matter

MATTER_KIND = "message"
MAX_REASON = 500


@dataclass(frozen=True)
class NewMessage:
    """A message as typed. `is_interim`: the desk says something, but the answer is still to come.

    `came_by`: a client's own page, or a mail, whose sender is not verified.
    """

    body: str
    files: Sequence[Upload] = ()
    is_interim: bool = False
    came_by: CameBy = CameBy.PAGE


def write(
    kind: ThreadKind, number: str, message: NewMessage, *, files: FileStore, actor: User, now: datetime
) -> Message:
    """Write about a matter. The other side is told at once.

    Forbidden: `not_allowed`, `message_of_owner`. Conflict: `messages_ended`. Invalid: `message_empty`,
    `words_too_long`, and what a paper may be refused for.
    """
    talked = matters.get_talked(kind, number, actor=actor)
    matters.require_writer(talked, actor=actor, now=now)
    _check(message)
    thread = _held_thread(talked, now)
    waiting = matters.clock_of(talked)
    _require_open(talked, waiting, actor, now)
    is_answer = actor.side is Side.INSURER and waiting is not None and not message.is_interim
    written_as = MessageKind.ANSWER if is_answer else MessageKind.WORD
    row = _add(thread, written_as, message.body.strip(), actor, now)
    row.came_by = message.came_by
    for upload in message.files:
        documents.store_paper(
            files,
            upload,
            DocumentKind.MESSAGE_FILE,
            _matter_of(row, talked),
            field="files",
            actor=actor,
            now=now,
        )
    _keep_audit("message_written", row, talked, actor, now, files=len(message.files))
    _move_clock(talked, row, actor, now)
    telling.tell(talked, thread, row, files=len(message.files), actor=actor, now=now)
    return row


def need_no_answer(kind: ThreadKind, number: str, reason: str, *, actor: User, now: datetime) -> Message:
    """Say why what the client wrote needs no answer: the clock stops with its verdict, and the client reads the reason.

    Forbidden as for writing. Conflict: `message_answered_already`. Invalid: `reason_missing`, `words_too_long`.
    """
    talked = matters.get_talked(kind, number, actor=actor)
    matters.require_writer(talked, actor=actor, now=now)
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    if len(one_line(reason)) > MAX_REASON:
        raise Invalid("words_too_long", field="reason", length=MAX_REASON)
    thread = _held_thread(talked, now)
    if actor.side is Side.CLIENT or matters.clock_of(talked) is None:
        raise Conflict("message_answered_already")
    row = _add(thread, MessageKind.NO_ANSWER, one_line(reason), actor, now)
    _keep_audit("message_needs_no_answer", row, talked, actor, now, reason=row.body)
    _move_clock(talked, row, actor, now)
    telling.tell(talked, thread, row, files=0, actor=actor, now=now)
    return row


def _check(message: NewMessage) -> None:
    problems: list[Invalid] = []
    if not message.body.strip() and not message.files:
        problems.append(Invalid("message_empty", field="body"))
    if len(message.body.strip()) > MAX_WORDS:
        problems.append(Invalid("words_too_long", field="body", length=MAX_WORDS))
    if len(message.files) > documents.MAX_FILES:
        problems.append(Invalid("too_many_files", field="files", most=documents.MAX_FILES))
    if problems:
        raise InvalidMany(problems)


def _require_open(talked: Talked, waiting: Timer | None, actor: User, now: datetime) -> None:
    """A matter that ended is not talked about for ever; what a client waits for is answered whenever it comes."""
    if may_write(talked.kind, talked.closed_at, now):
        return
    if actor.side is Side.CLIENT or waiting is None:
        raise Conflict("messages_ended")


def _held_thread(talked: Talked, now: datetime) -> MessageThread:
    """The thread of a matter, begun when there is none, and held: of two who write at once one comes after the other."""
    of_matter = select(MessageThread).where(
        MessageThread.matter_kind == talked.kind, MessageThread.matter_id == talked.matter.id
    )
    held = of_matter.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalar(held)
    if found is not None:
        return found
    begun = MessageThread(
        account_id=talked.matter.account_id,
        matter_kind=talked.kind,
        matter_id=talked.matter.id,
        matter_number=talked.number,
        last_number=0,
        last_client_number=0,
        last_desk_number=0,
        last_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(begun)
    except IntegrityError:
        return db.session.scalars(held).one()
    return begun


def _add(thread: MessageThread, kind: MessageKind, body: str, actor: User, now: datetime) -> Message:
    thread.last_number += 1
    thread.last_at = now
    if actor.side is Side.CLIENT:
        thread.last_client_number = thread.last_number
    else:
        thread.last_desk_number = thread.last_number
    row = Message(
        account_id=thread.account_id,
        thread_id=thread.id,
        number=thread.last_number,
        author_id=actor.id,
        side=actor.side,
        kind=kind,
        body=body,
        at=now,
    )
    db.session.add(row)
    db.session.flush()
    return row


def _matter_of(row: Message, talked: Talked) -> Matter:
    """A message as its files know it."""
    return Matter(MATTER_KIND, row.id, talked.number, talked.matter.account_id, talked.matter.branch_id)


def _keep_audit(
    action: str, row: Message, talked: Talked, actor: User, now: datetime, **said: str | int
) -> None:
    changes = {name: (None, value) for name, value in said.items() if value}
    label = f"{talked.number} #{row.number}"
    audit.record(action, row, actor=actor, now=now, label=label, changes=dict(changes))


def _move_clock(talked: Talked, row: Message, actor: User, now: datetime) -> None:
    """A clock that runs is not begun anew by a further message: the client waits since the first of them."""
    step = ClockStep.MESSAGE_REPLY
    if row.side is Side.CLIENT:
        holder_id = matters.answerer_of(talked)
        sla.start(talked.matter, step, holder_id=holder_id, at=now, actor=actor, now=now)
    elif row.is_answer:
        sla.stop(talked.matter, (step,), at=now, actor=actor, now=now)
