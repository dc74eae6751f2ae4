"""One timer with all that explains it: who held it, what it waited for, what proves that, what was changed since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.sla import (
    CalendarVersion,
    PauseObjection,
    ServiceLevel,
    Timer,
    TimerCorrection,
    TimerEntry,
    TimerRecomputation,
)
from service_desk.models.users import User
from service_desk.rules.sla import TargetUnit, TimerFacts, target_seconds
from service_desk.services.sla import calendars, ledger


@dataclass(frozen=True)
class TimerFile:
    """A timer as seen at one instant, `seen_at`.

    `people`, `evidence`, `levels` and `versions` (of calendars, by digest) are all that the rest names.
    `objections` are by the entry of the pause they are against. `target_seconds` is None for calendar days,
    which have no fixed length.
    """

    timer: Timer
    seen_at: datetime
    facts: TimerFacts
    entries: Sequence[TimerEntry]
    corrections: Sequence[TimerCorrection]
    objections: dict[int, PauseObjection]
    recomputations: Sequence[TimerRecomputation]
    people: dict[int, User]
    evidence: dict[int, Document]
    levels: dict[int, ServiceLevel]
    versions: dict[str, CalendarVersion]
    target_seconds: int | None

    @property
    def level(self) -> ServiceLevel:
        """The promise it counts against."""
        return self.levels[self.timer.level_id]

    @property
    def calendar(self) -> CalendarVersion:
        """The calendar version it counts on."""
        return self.versions[self.timer.calendar_digest]


def find_file(timer_id: int, now: datetime) -> TimerFile:
    """Any timer, for whoever has the server's command line; NotFound when there is none."""
    timer = db.session.get(Timer, timer_id)
    if timer is None:
        raise NotFound("not_found")
    return read_file(timer, now)


def read_file(timer: Timer, now: datetime) -> TimerFile:
    """The whole story of a timer the caller may see."""
    entries = ledger.entries_of([timer.id])[timer.id]
    corrections = _of_timer(TimerCorrection, timer)
    objections = _of_timer(PauseObjection, timer)
    recomputations = _of_timer(TimerRecomputation, timer)
    target, calendar = ledger.target_of(timer), ledger.calendar_of(timer)
    by_days = target.unit is TargetUnit.CALENDAR_DAYS
    return TimerFile(
        timer=timer,
        seen_at=now,
        facts=ledger.facts_of(timer, now),
        entries=entries,
        corrections=corrections,
        objections={objection.entry_id: objection for objection in objections},
        recomputations=recomputations,
        people=_people(entries, corrections, objections, recomputations),
        evidence=_evidence([*entries, *corrections]),
        levels=_levels(timer, recomputations),
        versions=_versions(timer, recomputations),
        target_seconds=None if by_days else target_seconds(target, calendar),
    )


def _of_timer(model: Any, timer: Timer) -> Sequence[Any]:
    return db.session.scalars(select(model).where(model.timer_id == timer.id).order_by(model.id)).all()


def _people(
    entries: Sequence[TimerEntry],
    corrections: Sequence[TimerCorrection],
    objections: Sequence[PauseObjection],
    recomputations: Sequence[TimerRecomputation],
) -> dict[int, User]:
    ids = {entry.holder_id for entry in entries} | {entry.actor_id for entry in entries}
    ids |= {row.actor_id for row in corrections} | {row.actor_id for row in recomputations}
    for objection in objections:
        ids |= {objection.raised_by_id, objection.decided_by_id}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids - {None})))}


def _evidence(rows: Collection[TimerEntry | TimerCorrection]) -> dict[int, Document]:
    ids = {row.evidence_id for row in rows if row.evidence_id}
    return {paper.id: paper for paper in db.session.scalars(select(Document).where(Document.id.in_(ids)))}


def _levels(timer: Timer, recomputations: Sequence[TimerRecomputation]) -> dict[int, ServiceLevel]:
    ids = {timer.level_id}.union(*((row.old_level_id, row.new_level_id) for row in recomputations))
    return {row.id: row for row in db.session.scalars(select(ServiceLevel).where(ServiceLevel.id.in_(ids)))}


def _versions(timer: Timer, recomputations: Sequence[TimerRecomputation]) -> dict[str, CalendarVersion]:
    digests = {timer.calendar_digest}.union(*((row.old_digest, row.new_digest) for row in recomputations))
    return {digest: calendars.version_of(digest) for digest in digests}
