"""The life of one timer as its page tells it: its pauses with their ends, and the review of a breach that was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, PauseObjection, Timer, TimerEntry
from service_desk.models.users import User
from service_desk.rules.sla import PAUSE_RULES, EventKind, PauseReason
from service_desk.services.sla.clock_views import ClockView, view_clocks
from service_desk.services.sla.files import TimerFile, read_file
from service_desk.services.sla.timers import get_timer

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
    """All that the timer's own page shows. `people` are all whom it names, by id.

    `review` is kept when a corrected time took its breach back.
    """

    file: TimerFile
    view: ClockView
    branch: Branch | None
    pauses: Sequence[PauseTold]
    review: BreachReview | None
    people: dict[int, User]

    @property
    def timer(self) -> Timer:
        return self.file.timer


def read_life(timer_id: int, *, actor: User, now: datetime) -> TimerLife:
    """A timer of a matter the actor may see, with everything that happened to it; NotFound otherwise."""
    timer = get_timer(timer_id, actor=actor)
    file = read_file(timer, now)
    review = db.session.scalar(select(BreachReview).where(BreachReview.timer_id == timer.id))
    return TimerLife(
        file=file,
        view=view_clocks([timer])[0],
        branch=db.session.get(Branch, timer.branch_id) if timer.branch_id else None,
        pauses=[
            told_pause(file.entries, entry, file.objections.get(entry.id), now)
            for entry in file.entries
            if entry.kind is EventKind.PAUSE
        ],
        review=review,
        people={**file.people, **_reviewers(review)},
    )


def told_pause(
    entries: Sequence[TimerEntry], pause: TimerEntry, objection: PauseObjection | None, now: datetime
) -> PauseTold:
    """When a pause of a ledger began and ended, as seen at `now`."""
    limit_at = pause.at + timedelta(days=PAUSE_RULES[PauseReason(pause.reason)].max_days)
    ended_by = end_of_pause(entries, pause)
    # A pause struck off while it lasted ended there; and no sweep may have written yet that one is over.
    ends = [limit_at, *([ended_by.at] if ended_by else []), *([pause.voided_at] if pause.voided_at else [])]
    until = min(ends)
    return PauseTold(pause, until if until <= now else None, limit_at, objection)


def end_of_pause(entries: Sequence[TimerEntry], pause: TimerEntry) -> TimerEntry | None:
    """The entry that ended a pause, struck off with it or standing with it; None while nothing has."""
    later = entries[entries.index(pause) + 1 :]
    same = (entry for entry in later if entry.voided_at == pause.voided_at)
    return next((entry for entry in same if entry.kind in _ENDS_PAUSE), None)


def _reviewers(review: BreachReview | None) -> dict[int, User]:
    if review is None:
        return {}
    ids = {review.responsible_id, review.signed_by_id} - {None}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}
