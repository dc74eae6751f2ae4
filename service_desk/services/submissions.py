"""Idempotency: the same key sent twice by a person makes one record, and gets the first answer."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from service_desk.base.errors import Conflict
from service_desk.models.db import db
from service_desk.models.users import Submission, User


def once(kind: str, key: str, make: Callable[[], str], *, actor: User, now: datetime) -> str:
    """Call `make` unless this actor's key was used before; return its result (a number or an id) either way.

    The key's row goes in first: a second request that arrives meanwhile waits on the unique index
    until the first has committed, then reads its result. An empty key is not remembered.
    Conflict("stale") for a key that was used for something else: its result would be taken for one of this kind.
    """
    if not key:
        return make()
    submission = Submission(user_id=actor.id, key=key, kind=kind, result="", at=now)
    try:
        with db.session.begin_nested():
            db.session.add(submission)
    except IntegrityError:
        earlier = select(Submission).where(Submission.user_id == actor.id, Submission.key == key)
        made = db.session.scalars(earlier).one()
        if made.kind != kind:
            raise Conflict("stale") from None
        return made.result
    submission.result = make()
    return submission.result
