"""The next due time on a claim's own row, so that the queue is in its order without asking every clock.

It repeats what the clocks say and is written in the transaction that changes them. Everybody holds the claim before
its clocks: whoever changes a clock without having come by the claim calls `hold` first.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import bindparam, func, select, update

from service_desk.models.claims import Claim
from service_desk.models.db import db, table_of
from service_desk.models.sla import Timer, TimerState

CLAIM = "claim"

_RUNNING = (Timer.matter_kind == CLAIM, Timer.matter_id == Claim.id, Timer.state == TimerState.RUNNING)
NEXT_DUE = select(func.min(Timer.due_at)).where(*_RUNNING).correlate(Claim).scalar_subquery()

# Of tables, not of models: those would make the update one of the ORM's, which looks for rows of the session to change.
_CLAIMS, _TIMERS = table_of(Claim), table_of(Timer).c
_DUE = (
    select(func.min(_TIMERS.due_at))
    .where(
        _TIMERS.matter_kind == CLAIM,
        _TIMERS.matter_id == _CLAIMS.c.id,
        _TIMERS.state == TimerState.RUNNING,
    )
    .correlate(_CLAIMS)
    .scalar_subquery()
)
_KEEP_ONE = (
    update(_CLAIMS)
    .where(_CLAIMS.c.id == bindparam("claim_id"), _CLAIMS.c.next_due_at.is_distinct_from(_DUE))
    .values(next_due_at=_DUE)
)


def hold(timers: Iterable[Timer]) -> None:
    """Lock the claims of some clocks before the clocks themselves."""
    hold_claims({timer.matter_id for timer in timers if timer.matter_kind == CLAIM})


def hold_claims(ids: Collection[int], *, skip_locked: bool = False) -> set[int]:
    """Lock claims in the order in which everybody locks them; answer those that are held."""
    if not ids:
        return set()
    held = select(Claim.id).where(Claim.id.in_(ids)).order_by(Claim.id)
    return set(db.session.scalars(held.with_for_update(skip_locked=skip_locked)))


def keep(matters: Iterable[tuple[str, int]]) -> None:
    """Bring the claims among some matters (kind, id) up to date after their clocks have changed and are flushed.

    A statement of its own, past the claim's version: a clock that runs on is no edit of the claim.
    """
    ids = {matter_id for kind, matter_id in matters if kind == CLAIM}
    if not ids:
        return
    db.session.flush()
    if len(ids) == 1:
        db.session.execute(_KEEP_ONE, {"claim_id": ids.pop()})
        return
    changed = Claim.next_due_at.is_distinct_from(NEXT_DUE)
    stale = list(db.session.scalars(select(Claim.id).where(Claim.id.in_(ids), changed).order_by(Claim.id)))
    if stale:
        db.session.execute(update(_CLAIMS).where(_CLAIMS.c.id.in_(stale)).values(next_due_at=_DUE))
