"""Idempotency: the same key sent twice by a person makes one record, and gets the first answer."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import bindparam, select, text, update

from service_desk.base.errors import Conflict
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
