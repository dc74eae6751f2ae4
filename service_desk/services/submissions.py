"""Idempotency: the same key sent twice by a person makes one record, and gets the first answer.

What comes just alike under another key is asked about instead, where a second one would go through.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, text, update
from sqlalchemy.orm import InstrumentedAttribute

from service_desk.base.errors import Conflict, Invalid
from service_desk.models.db import UtcDateTime, db, table_of
from service_desk.models.users import Submission, User

_CLAIM = text(
    "INSERT INTO submissions (user_id, \"key\", kind, result, at) VALUES (:user_id, :key, :kind, '', :at) "
    'ON CONFLICT (user_id, "key") DO NOTHING RETURNING id'
).bindparams(bindparam("at", type_=UtcDateTime()))
_ANSWER = (
    update(table_of(Submission))
    .where(table_of(Submission).c.id == bindparam("submission_id"))
    .values(result=bindparam("answer"))
)
# Within it a second one just like the first is more likely a slip than another.
_SOON = timedelta(minutes=30)


def once(kind: str, key: str, make: Callable[[], str], *, actor: User, now: datetime) -> str:
    """Call `make` unless this actor's key was used before; return its result (a number or an id) either way.

    The key's row goes in first: a second request that arrives meanwhile waits on the unique index
    until the first has committed, then reads its result. An empty key is not remembered.
    Conflict("stale") for a key that was used for something else: its result would be taken for one of this kind.
    """
    if not key:
        return make()
    # What is pending goes first, as before any statement that may wait for another's.
    db.session.flush()
    row = {"user_id": actor.id, "key": key, "kind": kind, "at": now}
    submission_id = db.session.execute(_CLAIM, row).scalar()
    if submission_id is None:
        earlier = select(Submission).where(Submission.user_id == actor.id, Submission.key == key)
        made = db.session.scalars(earlier).one()
        if made.kind != kind:
            raise Conflict("stale")
        return made.result
    answer = make()
    db.session.execute(_ANSWER, {"submission_id": submission_id, "answer": answer})
    return answer


def was_done(kind: str, key: str, *, actor: User) -> bool:
    """Whether this actor's key has been used for this. Asked after a refusal, once what it had begun is let go."""
    wanted = select(Submission.id).where(
        Submission.user_id == actor.id, Submission.key == key, Submission.kind == kind
    )
    return bool(key) and db.session.scalar(wanted) is not None


def find_alike(
    at: InstrumentedAttribute[datetime], *alike: ColumnElement[bool], now: datetime, besides: int = 0
) -> Any:
    """The latest row alike of the last half hour, by its instant `at`; None without one. `besides`: the row's own id.

    Who goes back in the browser, or has a form open twice, finds it as it was typed, under a new key, and may take it
    for unsent.
    """
    rows = at.class_
    found = select(rows).where(*alike, at >= now - _SOON, rows.id != besides)
    return db.session.scalar(found.order_by(rows.id.desc()).limit(1))


def require_unlike(
    at: InstrumentedAttribute[datetime], *alike: ColumnElement[bool], is_another: bool, now: datetime
) -> None:
    """Invalid `sent_alike` when `find_alike` finds one, unless this is said to be another."""
    if not is_another and (twin := find_alike(at, *alike, now=now)) is not None:
        raise Invalid("sent_alike", field="is_another", at=getattr(twin, at.key))
