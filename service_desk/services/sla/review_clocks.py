"""Every breach must be reviewed, and the review has a clock of its own: a manager's who may sign it."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, insert, select

from service_desk.base.clock import local_date
from service_desk.models.db import db, table_of
from service_desk.models.sla import BreachReview, ServiceLevel, Timer, TimerEntry
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind, LedgerEvent, evaluate
from service_desk.services import audit
from service_desk.services.sla import calendars, ledger, levels, standing_in, starting
from service_desk.services.sla.people import People

log = structlog.get_logger()

STEP = ClockStep.BREACH_REVIEW


@dataclass(frozen=True)
class Breach:
    """A promise broken; `users` are those with running time on its clock."""

    timer: Timer
    users: AbstractSet[int]


def open_for(breaches: Sequence[Breach], people: People, now: datetime) -> None:
    """Start the review clocks of breaches told now.

    They start when the breach is told: after an outage nobody could have known of it earlier. A review may be
    signed before that. An account without a manager has nobody to review; the breach itself was told to the
    administrators, who can name one.
    """
    signed = _signed([one.timer.id for one in breaches])
    reviewers = {
        one.timer.id: reviewer
        for one in breaches
        if one.timer.id not in signed and (reviewer := _reviewer(one, people))
    }
    breached = [one.timer for one in breaches]
    if not reviewers:
        return
    # A breach told anew has had a review clock before, and one who is away has a stand-in: one by one, with care.
    special = _with_earlier_clock(reviewers) | _of_absent(reviewers, now)
    for timer in breached:
        if timer.id in special:
            matter, reviewer_id = starting.review_matter(timer), reviewers[timer.id]
            starting.open_timers(matter, {STEP: None}, holder_id=reviewer_id, at=now, actor=None, now=now)
    _open_all([one for one in breached if one.id in reviewers and one.id not in special], reviewers, now)


def _reviewer(breach: Breach, people: People) -> int | None:
    """The first manager with no part in it; where all have one, whoever is not its holder now.

    The only manager reviews even the own delay: it must not be forgotten, and the signature still asks that
    somebody else answers for it (`reviews.sign_review`).
    """
    timer = breach.timer
    order = {
        user.id: (user.id in breach.users, user.id == timer.holder_id) for user in people.managers(timer)
    }
    return min(order, key=order.__getitem__, default=None)


def _signed(timer_ids: Collection[int]) -> set[int]:
    """The breaches whose review is signed."""
    return set(db.session.scalars(select(BreachReview.timer_id).where(BreachReview.timer_id.in_(timer_ids))))


def _with_earlier_clock(timer_ids: Collection[int]) -> set[int]:
    return set(db.session.scalars(select(Timer.matter_id).where(*_reviews_of(timer_ids))))


def _reviews_of(timer_ids: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    return Timer.matter_kind == starting.BREACH, Timer.matter_id.in_(timer_ids), Timer.step == STEP


def _of_absent(reviewers: Mapping[int, int], now: datetime) -> set[int]:
    away = standing_in.away_now(set(reviewers.values()), now)
    return {timer_id for timer_id, reviewer_id in reviewers.items() if reviewer_id in away}


@dataclass(frozen=True)
class _Promise:
    """The level of a review, and the columns that follow for every clock that starts under it now."""

    level: ServiceLevel
    digest: str
    computed: Mapping[str, Any]


def _open_all(breached: Sequence[Timer], reviewers: Mapping[int, int], now: datetime) -> None:
    """What `starting.open_timers` does for one, for many that all start now, in three statements."""
    promises = _promises({timer.account_id for timer in breached}, now)
    rows = [
        _row(timer, reviewers[timer.id], promises[timer.account_id], now)
        for timer in breached
        if timer.account_id in promises
    ]
    if not rows:
        return
    db.session.execute(insert(table_of(Timer)), rows)
    ids = _ids_by_breach([row["matter_id"] for row in rows])
    entries = [_start_entry(ids[row["matter_id"]], row, now) for row in rows]
    db.session.execute(insert(table_of(TimerEntry)), entries)
    started = [_subject(ids[row["matter_id"]], row) for row in rows]
    audit.record_many("clock_started", started, actor=None, now=now)


def _ids_by_breach(timer_ids: Collection[int]) -> dict[int, int]:
    """The review clocks just written, by the timer that was broken. RETURNING would cost SQLite a statement a row."""
    statement = select(Timer.matter_id, Timer.id).where(*_reviews_of(timer_ids))
    return dict(db.session.execute(statement).tuples().all())


def _promises(account_ids: Collection[int], now: datetime) -> dict[int, _Promise]:
    """The promise to each account; accounts without one are left out."""
    chosen = levels.choose_each(STEP, on=local_date(now), account_ids=account_ids)
    made = {level.id: _promise(level, now) for level in set(chosen.values()) if level}
    without = [account_id for account_id, level in chosen.items() if level is None]
    if without:
        log.warning("clock_without_level", step=STEP.value, accounts=without)
    return {account_id: made[level.id] for account_id, level in chosen.items() if level}


def _promise(level: ServiceLevel, now: datetime) -> _Promise:
    digest = calendars.current_digest(level.calendar_code)
    # Nobody holds this one: all that it answers is the same for every clock that starts now.
    events = [LedgerEvent(now, EventKind.START, holder_id=0)]
    facts = evaluate(events, levels.target_of(level), calendars.working_calendar(digest), now)
    return _Promise(level, digest, ledger.row_values(facts, events, now))


def _row(timer: Timer, reviewer_id: int, promise: _Promise, now: datetime) -> dict[str, Any]:
    matter = starting.review_matter(timer)
    first = starting.first_values(matter, promise.level, promise.digest, holder_id=reviewer_id, at=now)
    return {**promise.computed, **first}


def _start_entry(timer_id: int, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "timer_id": timer_id,
        "at": row["started_at"],
        "kind": EventKind.START,
        "holder_id": row["holder_id"],
        "recorded_at": now,
    }


def _subject(timer_id: int, row: Mapping[str, Any]) -> audit.Subject:
    label = f"{row['matter_number']} {STEP.value}"
    changes = {"due_at": (None, row["due_at"]), "holder_id": (None, row["holder_id"])}
    return audit.Subject(Timer.__tablename__, timer_id, row["account_id"], label, changes)
