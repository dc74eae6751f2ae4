"""What reviews ordered to be corrected: who owes it, until when, and that it was done.

The rows are `BreachReview.correction*`; a `TimerCorrection` is another thing, a time put right.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit, notices
from service_desk.services.sla import ledger, starting, telling


@dataclass(frozen=True)
class Remedy:
    """A correction with the breach it follows from, who makes it, and who reported it done."""

    review: BreachReview
    timer: Timer
    owner: User
    reporter: User | None


def list_owed(*, actor: User, limit: int) -> tuple[list[Remedy], int]:
    """What the actor has to correct and has not reported done, as it falls due, and how many there are."""
    owed = access.visible(
        actor,
        Action.READ_CLOCKS,
        _remedies().where(BreachReview.correction_owner_id == actor.id, BreachReview.corrected_at.is_(None)),
        Timer,
    )
    total = db.session.scalar(select(func.count()).select_from(owed.with_only_columns(Timer.id).subquery()))
    rows = db.session.execute(owed.order_by(BreachReview.correction_due_on, Timer.id).limit(limit))
    return [Remedy(*row) for row in rows.tuples()], total or 0


def get_remedy(timer_id: int, *, actor: User) -> Remedy:
    """A correction, for who makes it and for managers; NotFound where the breach's review ordered none.

    For the client there is none: not even that one was ordered is theirs to know.
    """
    timer = access.get_visible(actor, Action.READ_CLOCKS, Timer, Timer.id == timer_id)
    row = db.session.execute(_remedies().where(Timer.id == timer.id)).tuples().first()
    if row is None or actor.side is Side.CLIENT:
        raise NotFound("not_found")
    remedy = Remedy(*row)
    if remedy.owner.id != actor.id and not access.may(actor, Action.REVIEW_BREACHES):
        raise Forbidden("correction_of_another")
    return remedy


def report_done(timer_id: int, note: str, *, actor: User, now: datetime) -> BreachReview:
    """Say that a correction was made and what was done, by who makes it or a manager.

    Invalid("review_text_missing"); Conflict("correction_done") when it was reported before.
    """
    remedy = get_remedy(timer_id, actor=actor)
    if remedy.review.corrected_at is not None:
        raise Conflict("correction_done")
    if not note.strip():
        raise Invalid("review_text_missing", field="note")
    changes = audit.change(
        remedy.review, corrected_at=now, corrected_by_id=actor.id, corrected_note=note.strip()
    )
    audit.record(
        "correction_done",
        remedy.review,
        actor=actor,
        now=now,
        label=starting.label_of(remedy.timer),
        account_id=remedy.timer.account_id,
        changes=changes,
    )
    return remedy.review


def ask(timer: Timer, review: BreachReview, *, actor: User, now: datetime) -> None:
    """Tell who is to make a review's correction; nobody is told what they ordered themselves."""
    if review.correction_owner_id is None or review.correction_owner_id == actor.id:
        return
    owner = db.session.get_one(User, review.correction_owner_id)
    _queue("correction_asked", Remedy(review, timer, owner, None), owner, now)


def send_reminders(account_id: int, *, now: datetime) -> int:
    """Remind of an account's corrections, each once on its day and once when it is late; answer how many.

    Late ones are told to who ordered them too. A day without a run is caught up with what is true now.
    """
    today = local_date(now)
    statement = _remedies().where(
        Timer.account_id == account_id,
        BreachReview.corrected_at.is_(None),
        BreachReview.correction_due_on <= today,
    )
    due = [Remedy(*row) for row in db.session.execute(statement.order_by(Timer.id)).tuples()]
    for remedy in due:
        if remedy.review.correction_due_on == today:
            _queue("correction_due", remedy, remedy.owner, now)
            continue
        for user in dict.fromkeys([remedy.owner, *_orderers(remedy)]):
            _queue("correction_overdue", remedy, user, now)
    return len(due)


def _remedies() -> Select[Any]:
    reporter = aliased(User)
    return (
        select(BreachReview, Timer, User, reporter)
        .join(Timer, Timer.id == BreachReview.timer_id)
        .join(User, User.id == BreachReview.correction_owner_id)
        .outerjoin(reporter, reporter.id == BreachReview.corrected_by_id)
    )


def _orderers(remedy: Remedy) -> list[User]:
    """Who signed the review; the account's managers when that person has left."""
    signer = db.session.get_one(User, remedy.review.signed_by_id)
    return [signer] if signer.is_active else telling.managers_of(remedy.timer)


def _queue(kind: str, remedy: Remedy, user: User, now: datetime) -> None:
    if not user.is_active:
        return
    review, timer, owner = remedy.review, remedy.timer, remedy.owner
    notices.queue(
        kind,
        notices.user_recipient(user),
        {
            "url": f"/breaches/{timer.id}/correction",
            "step": timer.step.value,
            "number": timer.matter_number,
            "correction": review.correction,
            "due_on": review.correction_due_on.isoformat() if review.correction_due_on else None,
            "owner": owner.name,
            "staff_no": owner.staff_no,
        },
        dedupe=f"review:{review.id}:{kind}",
        now=now,
        matter=ledger.matter_of(timer),
        is_shared=not access.hidden_from([timer.matter_number]),
    )
