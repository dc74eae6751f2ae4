"""One timer with all that explains it: who held it, what it waited for, what proves that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import NotFound
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.sla import CalendarVersion, Timer, TimerEntry
from service_desk.models.users import User
from service_desk.rules.sla import TargetUnit, TimerFacts, target_seconds
from service_desk.services.sla import calendars, ledger


@dataclass(frozen=True)
class TimerFile:
    """A timer as seen at one instant. `people` are the holders and actors of its entries by id.

    `target_seconds` is None for calendar days, which have no fixed length.
    """

    timer: Timer
    facts: TimerFacts
    entries: Sequence[TimerEntry]
    people: dict[int, User]
    evidence: dict[int, Document]
    calendar: CalendarVersion
    target_seconds: int | None


def find_file(timer_id: int, now: datetime) -> TimerFile:
    """Any timer, for whoever has the server's command line; NotFound when there is none."""
    timer = db.session.get(Timer, timer_id)
    if timer is None:
        raise NotFound("not_found")
    return read_file(timer, now)


def read_file(timer: Timer, now: datetime) -> TimerFile:
    """The whole story of a timer the caller may see."""
    entries = ledger.entries_of([timer.id])[timer.id]
    facts = ledger.facts_of(timer, now)
    target, calendar = ledger.target_of(timer), ledger.calendar_of(timer)
    by_days = target.unit is TargetUnit.CALENDAR_DAYS
    return TimerFile(
        timer=timer,
        facts=facts,
        entries=entries,
        people=_people(entries),
        evidence=_evidence(entries),
        calendar=calendars.version_of(timer.calendar_digest),
        target_seconds=None if by_days else target_seconds(target, calendar),
    )


def _people(entries: Sequence[TimerEntry]) -> dict[int, User]:
    ids = {entry.holder_id for entry in entries} | {entry.actor_id for entry in entries if entry.actor_id}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def _evidence(entries: Sequence[TimerEntry]) -> dict[int, Document]:
    ids = [entry.evidence_id for entry in entries if entry.evidence_id]
    return {paper.id: paper for paper in db.session.scalars(select(Document).where(Document.id.in_(ids)))}
