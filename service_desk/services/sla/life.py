"""The whole life of one timer: its pauses with what the client said to them, and every time put right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import (
    BreachReview,
    PauseObjection,
    ServiceLevel,
    Timer,
    TimerCorrection,
    TimerEntry,
)
from service_desk.models.users import User
from service_desk.rules.sla import PAUSE_RULES, EventKind, PauseReason
from service_desk.services.sla.files import TimerFile, read_file
from service_desk.services.sla.timers import get_timer

T = TypeVar("T")

_ENDS_PAUSE = frozenset({EventKind.RESUME, EventKind.STOP, EventKind.CANCEL})


@dataclass(frozen=True)
class PauseTold:
    """One pause: `until` is None while it lasts; `limit_at` is when it ends by itself."""

    entry: TimerEntry
    until: datetime | None
    limit_at: datetime
    objection: PauseObjection | None

    @property
    def is_struck_off(self) -> bool:
        """Whether an objection was upheld: the pause no longer counts."""
        return self.entry.voided_at is not None


@dataclass(frozen=True)
class TimerLife:
    """All that the timer's own page shows. `people` are all whom it names, by id."""

    file: TimerFile
    level: ServiceLevel
    branch: Branch | None
    pauses: Sequence[PauseTold]
    corrections: Sequence[TimerCorrection]
    review: BreachReview | None
    people: dict[int, User]

    @property
    def timer(self) -> Timer:
        return self.file.timer


def read_life(timer_id: int, *, actor: User, now: datetime) -> TimerLife:
    """A timer of a matter the actor may see, with everything that happened to it; NotFound otherwise."""
    timer = get_timer(timer_id, actor=actor)
    file = read_file(timer, now)
    objections = _of(PauseObjection, timer)
    corrections = _of(TimerCorrection, timer)
    review = db.session.scalar(select(BreachReview).where(BreachReview.timer_id == timer.id))
    return TimerLife(
        file=file,
        level=db.session.get_one(ServiceLevel, timer.level_id),
        branch=db.session.get(Branch, timer.branch_id) if timer.branch_id else None,
        pauses=pauses_of(file.entries, objections, now),
        corrections=corrections,
        review=review,
        people=_people(timer, file, objections, corrections, review),
    )


def pauses_of(
    entries: Iterable[TimerEntry], objections: Iterable[PauseObjection], now: datetime
) -> list[PauseTold]:
    """The pauses of a ledger in order, those struck off among them."""
    said = {objection.entry_id: objection for objection in objections}
    listed = list(entries)
    return [
        _told(listed, index, said.get(entry.id), now)
        for index, entry in enumerate(listed)
        if entry.kind is EventKind.PAUSE
    ]


def end_of_pause(entries: Sequence[TimerEntry], pause: TimerEntry) -> TimerEntry | None:
    """The entry that ended a pause, struck off with it or standing with it; None while nothing has."""
    later = entries[entries.index(pause) + 1 :]
    same = (entry for entry in later if entry.voided_at == pause.voided_at)
    return next((entry for entry in same if entry.kind in _ENDS_PAUSE), None)


def _told(
    entries: Sequence[TimerEntry], index: int, objection: PauseObjection | None, now: datetime
) -> PauseTold:
    entry = entries[index]
    limit_at = entry.at + timedelta(days=PAUSE_RULES[PauseReason(entry.reason)].max_days)
    ended_by = end_of_pause(entries, entry)
    # A pause struck off while it lasted ended there; and no sweep may have written yet that one is over.
    ends = [limit_at, *([ended_by.at] if ended_by else []), *([entry.voided_at] if entry.voided_at else [])]
    until = min(ends)
    return PauseTold(entry, until if until <= now else None, limit_at, objection)


def _of(model: type[T], timer: Timer) -> list[T]:
    row: Any = model
    return list(db.session.scalars(select(model).where(row.timer_id == timer.id).order_by(row.id)))


def _people(
    timer: Timer,
    file: TimerFile,
    objections: Iterable[PauseObjection],
    corrections: Iterable[TimerCorrection],
    review: BreachReview | None,
) -> dict[int, User]:
    ids: set[int | None] = {timer.holder_id, timer.covered_id}
    for objection in objections:
        ids |= {objection.raised_by_id, objection.decided_by_id}
    ids |= {correction.actor_id for correction in corrections}
    if review is not None:
        ids |= {review.responsible_id, review.signed_by_id}
    missing = ids - set(file.people) - {None}
    found = db.session.scalars(select(User).where(User.id.in_(missing))) if missing else ()
    return {**file.people, **{user.id: user for user in found}}
