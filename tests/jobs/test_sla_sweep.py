"""The sweep: due timers only, nothing twice, true instants after an outage, one bad row jams nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from service_desk.jobs import sla_sweep
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.sla import SlaEvent, Timer, TimerEntry, TimerState
from service_desk.presenters import mail
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests.world import World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def start(world: World, now: datetime):
    """Start a survey clock (60 minutes) for claim number n."""
    sla.install_defaults(now)

    def start_survey(number: int = 1, at: datetime = now) -> Timer:
        matter = Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id, world.gongyi.id)
        timer = sla.start(
            matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=at, actor=world.claims1, now=at
        )
        assert timer is not None
        db.session.commit()
        return timer

    return start_survey


def events(timer: Timer) -> list[tuple[str, datetime]]:
    statement = select(SlaEvent.kind, SlaEvent.at).where(SlaEvent.timer_id == timer.id)
    return [tuple(row) for row in db.session.execute(statement.order_by(SlaEvent.id))]


def inboxes(kind: str) -> list[int]:
    statement = select(Notice.user_id).where(Notice.kind == kind, Notice.channel == Channel.IN_APP)
    return sorted(db.session.scalars(statement))


def test_warns_the_holder_once_at_the_warning_point(start, world, now) -> None:
    timer = start()

    assert sla_sweep.run(now + 44 * MINUTE) == Tally()
    assert sla_sweep.run(now + 45 * MINUTE) == Tally(done=1)
    assert sla_sweep.run(now + 46 * MINUTE) == Tally()

    assert events(timer) == [("warning", now + 45 * MINUTE)]
    assert inboxes("clock_warning") == [world.claims1.id]
    assert db.session.get(Timer, timer.id).next_check_at == now + 60 * MINUTE


def test_a_breach_reaches_holder_and_manager_and_starts_the_review_clock(start, world, now) -> None:
    timer = start()
    sla_sweep.run(now + 45 * MINUTE)

    sla_sweep.run(now + 60 * MINUTE + timedelta(seconds=1))

    row = db.session.get(Timer, timer.id)
    assert (row.state, row.breached_at) == (TimerState.RUNNING, now + 60 * MINUTE)
    assert inboxes("clock_breach") == sorted([world.claims1.id, world.manager.id])
    review = sla.timers_of("breach", [timer.id])[timer.id][0]
    assert (review.step, review.holder_id) == (ClockStep.BREACH_REVIEW, world.manager.id)


def test_at_the_due_instant_the_promise_can_still_be_kept(start, now) -> None:
    timer = start()

    sla_sweep.run(now + 60 * MINUTE)

    assert [kind for kind, _ in events(timer)] == ["warning"]


def test_after_a_missed_week_events_have_their_true_instants_in_order(start, world, now) -> None:
    timer = start()

    tally = sla_sweep.run(now + timedelta(days=7))

    assert tally.failed == 0
    assert events(timer) == [
        ("warning", now + 45 * MINUTE),
        ("breach", now + 60 * MINUTE),
        ("escalation_2", now + 300 * MINUTE),
    ]
    assert inboxes("clock_warning") == []
    assert inboxes("clock_breach") == sorted([world.claims1.id, world.manager.id])


def test_a_forgotten_pause_ends_by_itself_and_says_so(start, world, now) -> None:
    timer = start()
    at = now + 20 * MINUTE
    sla.pause(timer.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=at)
    db.session.commit()
    ends = at + timedelta(days=7)

    sla_sweep.run(ends + 10 * MINUTE)

    row = db.session.get(Timer, timer.id)
    assert (row.state, row.due_at) == (TimerState.RUNNING, ends + 40 * MINUTE)
    assert events(timer) == [("pause_end_1", ends)]
    assert inboxes("pause_ended") == [world.claims1.id]
    entry = db.session.scalars(
        select(TimerEntry).where(TimerEntry.timer_id == timer.id, TimerEntry.kind == EventKind.RESUME)
    ).one()
    assert (entry.at, entry.actor_id) == (ends, None)


def test_one_bad_row_is_counted_and_the_others_are_done(start, now) -> None:
    bad, good = start(1), start(2)
    db.session.execute(update(TimerEntry).where(TimerEntry.timer_id == bad.id).values(kind=EventKind.STOP))
    db.session.commit()

    tally = sla_sweep.run(now + 45 * MINUTE)

    assert tally == Tally(done=1, failed=1)
    assert [kind for kind, _ in events(good)] == ["warning"]
    assert sla_sweep.run(now + 46 * MINUTE) == Tally()
    assert sla_sweep.run(now + 51 * MINUTE) == Tally(failed=1)


def test_two_workers_tell_nothing_twice(app: Flask, start, now) -> None:
    for number in range(1, 13):
        start(number)
    late = now + 61 * MINUTE

    def work(_: int) -> Tally:
        with app.app_context():
            try:
                return sla_sweep.run(late, batch=3)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        tallies = list(pool.map(work, range(2)))

    assert sum(tallies, Tally()) == Tally(done=12)
    of_kind = select(SlaEvent.kind, func.count()).group_by(SlaEvent.kind)
    assert dict(db.session.execute(of_kind).all()) == {"warning": 12, "breach": 12}


def test_takes_the_longest_due_first_in_batches(start, now) -> None:
    late = [start(number, at=now - number * MINUTE) for number in (1, 3, 2)]

    first = sla.claim_due_timers(now + 61 * MINUTE, batch=2)
    rest = sla.claim_due_timers(now + 61 * MINUTE, batch=2)

    assert first == [late[1].id, late[2].id]
    assert rest == [late[0].id]


def test_a_stopped_clock_is_never_swept(start, world, now) -> None:
    timer = start()
    matter = Matter("claim", 1, timer.matter_number, world.account.id)
    sla.stop(matter, [ClockStep.SURVEY], at=now + MINUTE, actor=None, now=now + MINUTE)
    db.session.commit()

    assert sla_sweep.run(now + timedelta(days=7)) == Tally()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_message_reads_well_in_its_recipients_language(start, world, now, language) -> None:
    world.claims1.language = world.manager.language = language
    start(1)
    paused = start(2)
    sla.pause(paused.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=now)
    db.session.commit()
    sla_sweep.run(now + 45 * MINUTE)
    sla_sweep.run(now + timedelta(days=7, minutes=1))

    mails = db.session.scalars(select(Notice).where(Notice.channel == Channel.MAIL)).all()
    texts = {notice.kind: mail.render(notice, base_url="https://desk.example") for notice in mails}

    assert set(texts) == {"clock_warning", "clock_breach", "clock_escalation", "pause_ended"}
    word = {"zh": "查勘", "en": "Survey"}[language]
    for one in texts.values():
        assert word in one.subject
        assert "https://desk.example/" in one.text
        assert "CLM-2026-00000" in one.html
