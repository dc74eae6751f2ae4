"""Segments of clocks that stopped before segments were kept are filled in, all of them, and as they would have been."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, func, select

from service_desk.jobs import housekeeping
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerEntry, TimerSegment
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla.segments import list_without_segments
from tests.clock_history import make_history
from tests.world import World

_COLUMNS = [column for column in TimerSegment.__table__.columns if column.name != "id"]


def kept() -> list[tuple[object, ...]]:
    order = (TimerSegment.timer_id, TimerSegment.ordinal)
    return [tuple(row) for row in db.session.execute(select(*_COLUMNS).order_by(*order))]


def forget() -> None:
    db.session.execute(delete(TimerSegment))
    db.session.commit()


def test_a_job_fills_in_every_clock_as_it_was_kept(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_history(world, now, clocks=40)
    before = kept()
    stopped = db.session.scalar(select(func.count()).where(Timer.stopped_at.is_not(None)))
    forget()
    # More than one batch, and the last one full.
    monkeypatch.setattr(housekeeping, "_CLOCKS_AT_A_TIME", 5)

    assert housekeeping.run(now) == Tally(done=stopped)

    assert kept() == before
    assert {row[0] for row in before} == set(
        db.session.scalars(select(Timer.id).where(Timer.stopped_at.is_not(None)))
    )
    assert housekeeping.run(now) == Tally()


def test_a_clock_that_cannot_be_read_keeps_no_other_waiting(world: World, now: datetime) -> None:
    make_history(world, now, clocks=20)
    before = kept()
    broken_id = before[0][0]
    forget()
    db.session.execute(delete(TimerEntry).where(TimerEntry.timer_id == broken_id))
    db.session.commit()

    tally = housekeeping.run(now)

    assert tally.failed == 1
    assert kept() == [row for row in before if row[0] != broken_id]
    assert list_without_segments(10) == [broken_id]


def test_a_clock_that_stopped_as_it_started_has_none_and_is_not_looked_for(
    world: World, now: datetime
) -> None:
    sla.install_defaults(now)
    matter = Matter("claim", 1, "CLM-2026-000001", world.account.id, world.gongyi.id)
    sla.start(matter, ClockStep.DISPATCH, holder_id=world.claims1.id, at=now, actor=None, now=now)
    sla.stop(matter, (ClockStep.DISPATCH,), at=now, actor=None, now=now)
    open_matter = Matter("claim", 2, "CLM-2026-000002", world.account.id, world.gongyi.id)
    earlier = now - timedelta(hours=1)
    sla.start(
        open_matter, ClockStep.DISPATCH, holder_id=world.claims1.id, at=earlier, actor=None, now=earlier
    )

    assert list_without_segments(10) == []
