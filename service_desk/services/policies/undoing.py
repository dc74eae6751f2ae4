"""Taking a batch back on the day it was issued, as long as nothing has come of it: nobody holds a document of it,
nobody has paid, and no claim or endorsement hangs on it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import one_line
from service_desk.models.claims import ClaimCover
from service_desk.models.db import db, table_of
from service_desk.models.deliveries import DeliveryItem, DeliveryRun, ItemState, RunState
from service_desk.models.policies import Endorsement, IssueBatch, Policy, PolicyState
from service_desk.models.premiums import Receivable
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.policies.batches import check_settled, locked_batch
from service_desk.services.policies.delivery.runs import take_out
from service_desk.services.policies.onboarding import finishing

# A refusal names so many policies, and counts the others.
MOST_NAMED = 5

_POLICIES, _RECEIVABLES = table_of(Policy), table_of(Receivable)


def may_undo(batch: IssueBatch, *, now: datetime) -> bool:
    """Whether a batch may still be taken back as far as the day and its own delivery say."""
    is_of_today = local_date(batch.issued_at) == local_date(now)
    return is_of_today and batch.undone_at is None and batch.delivered_at is None


def undo(number: str, reason: str, *, actor: User, now: datetime) -> IssueBatch:
    """Void every policy of a batch, as if none had been issued; its vehicles may be issued for again.

    A new vehicle that began to operate by it waits for its cover again.

    Conflict `batch_still_running`, `batch_undone_already`, `undo_too_late`, `undo_batch_delivered`; InvalidMany with
    every other reason why not, each with the policies it is about. Writes policies, receivables, the batch and
    one audit entry; numbers are not used again.
    """
    access.require(actor, Action.ISSUE_POLICIES)
    batch = locked_batch(number, actor)
    words = one_line(reason)
    if not words:
        raise Invalid("required", field="reason")
    check_settled(batch)
    if local_date(batch.issued_at) != local_date(now):
        raise Conflict("undo_too_late", day=local_date(batch.issued_at).isoformat())
    if batch.delivered_at is not None:
        raise Conflict("undo_batch_delivered", name=batch.delivered_to)
    _check_nothing_came_of_it(batch)
    batch.undone_by_id = actor.id
    changes = audit.change(batch, undone_at=now, undo_reason=words[:200])
    _void(batch)
    # Nobody brings a branch the papers of policies that never were.
    take_out(_own(batch), batch.undo_reason)
    finishing.after_undo(batch, words[:200], actor=actor, now=now)
    audit.record("batch_undone", batch, actor=actor, now=now, changes=changes)
    return batch


def _check_nothing_came_of_it(batch: IssueBatch) -> None:
    """InvalidMany with a refusal for each kind of thing that has come of some policies."""
    # Whoever receives premium or notes a claim, delivery or endorsement waits for these rows, or we for them.
    locked = select(Policy.id).where(Policy.batch_id == batch.id).order_by(Policy.id).with_for_update()
    ids = db.session.scalars(locked).all()
    owed = select(Receivable.id).where(Receivable.policy_id.in_(_own(batch))).order_by(Receivable.id)
    db.session.scalars(owed.with_for_update()).all()
    has_left = select(DeliveryRun.id).where(DeliveryRun.state == RunState.OUT)
    on_its_way = select(DeliveryItem.policy_id).where(
        DeliveryItem.state == ItemState.OPEN, DeliveryItem.run_id.in_(has_left)
    )
    kinds: list[tuple[str, ColumnElement[bool]]] = [
        ("undo_delivered", Policy.delivered_at.is_not(None)),
        ("undo_on_its_way", Policy.id.in_(on_its_way)),
        ("undo_paid", Policy.id.in_(select(Receivable.policy_id).where(Receivable.settled_fen > 0))),
        ("undo_claimed", Policy.id.in_(select(ClaimCover.policy_id))),
        ("undo_endorsed", Policy.id.in_(select(Endorsement.policy_id))),
        ("undo_cancelled", Policy.state != PolicyState.ISSUED),
    ]
    problems = [
        _refusal(code, found) for code, condition in kinds if (found := _numbers(batch, condition)) and ids
    ]
    if problems:
        raise InvalidMany(problems)


def _own(batch: IssueBatch) -> Any:
    return select(Policy.id).where(Policy.batch_id == batch.id)


def _numbers(batch: IssueBatch, condition: ColumnElement[bool]) -> Sequence[str]:
    statement = select(Policy.number).where(Policy.batch_id == batch.id, condition).order_by(Policy.id)
    return db.session.scalars(statement).all()


def _refusal(code: str, numbers: Sequence[str]) -> Invalid:
    named = ", ".join(numbers[:MOST_NAMED])
    return Invalid(code, count=len(numbers), numbers=f"{named} …" if len(numbers) > MOST_NAMED else named)


def _void(batch: IssueBatch) -> None:
    """Cover nothing and owe nothing. Whoever reads a policy's old version is told that it changed."""
    db.session.flush()
    own = _own(batch)
    db.session.execute(
        update(_RECEIVABLES)
        .where(_RECEIVABLES.c.policy_id.in_(own))
        .values(amount_fen=0, version=_RECEIVABLES.c.version + 1)
    )
    db.session.execute(
        update(_POLICIES)
        .where(_POLICIES.c.batch_id == batch.id)
        .values(state=PolicyState.VOIDED, ends_at=_POLICIES.c.starts_at, version=_POLICIES.c.version + 1)
    )
    db.session.expire_all()
