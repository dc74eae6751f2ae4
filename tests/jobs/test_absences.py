"""The job of absences: true instants, nothing twice, in order after an outage, one bad row jams nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from service_desk.jobs import absences as job
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.sla import Absence, AbsenceKind, Timer, TimerEntry
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import absences
from service_desk.services.sla.absences import PlanAbsence
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def china(text: str) -> datetime:
    """`11-23 18:00` of 2026 in Zhengzhou."""
    return datetime.strptime(f"2026-{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


@pytest.fixture
def timer(world: World, now: datetime) -> Timer:
    return start(world, now, 1)


def start(world: World, now: datetime, number: int, step: ClockStep = ClockStep.ASSESSMENT) -> Timer:
    sla.install_defaults(now)
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id, world.gongyi.id)
    timer = sla.start(matter, step, holder_id=world.claims1.id, at=now, actor=None, now=now)
    assert timer is not None
    db.session.commit()
    return timer


def plan(user: User, substitute: User, from_at: datetime, to_at: datetime, now, *, until=None) -> Absence:
    command = PlanAbsence(user.id, substitute.id, AbsenceKind.OFF_DUTY, from_at, to_at, until)
    absence = absences.plan(command, actor=user, now=now)
    db.session.commit()
    return absence


def moves(timer: Timer) -> list[tuple[str, datetime]]:
    statement = select(TimerEntry.kind, TimerEntry.at).where(
        TimerEntry.timer_id == timer.id, TimerEntry.kind != EventKind.START
    )
    rows = db.session.execute(statement.order_by(TimerEntry.at, TimerEntry.id))
    return [(kind.value, at) for kind, at in rows]


def test_begins_and_ends_at_the_true_instants(world, timer, now) -> None:
    from_at, to_at = now + HOUR, now + 3 * HOUR
    plan(world.claims1, world.claims2, from_at, to_at, now)

    assert job.run(from_at - MINUTE) == Tally()
    assert job.run(from_at + timedelta(seconds=29)) == Tally(done=1)
    assert job.run(from_at + timedelta(seconds=59)) == Tally()
    assert job.run(to_at + timedelta(seconds=10)) == Tally(done=1)

    assert moves(timer) == [("substitute", from_at), ("return", to_at)]


def test_nights_repeat_until_their_last_day(world, timer, now) -> None:
    plan(
        world.claims1,
        world.claims2,
        china("11-23 18:00"),
        china("11-24 08:30"),
        now,
        until=date(2026, 11, 24),
    )

    for at in ("11-23 18:00", "11-24 08:30", "11-24 18:00", "11-25 08:30", "11-25 18:00"):
        job.run(china(at))

    assert moves(timer) == [
        ("substitute", china("11-23 18:00")),
        ("return", china("11-24 08:30")),
        ("substitute", china("11-24 18:00")),
        ("return", china("11-25 08:30")),
    ]
    assert db.session.scalars(select(Absence.next_change_at)).one() is None


def test_after_an_outage_catches_up_in_order(world, timer, now) -> None:
    plan(
        world.claims1,
        world.claims2,
        china("11-23 18:00"),
        china("11-24 08:30"),
        now,
        until=date(2026, 11, 30),
    )
    started = start(world, china("11-24 20:00"), 2)
    assert started.holder_id == world.claims2.id

    tally = job.run(china("11-25 09:00"))

    assert tally == Tally(done=4)
    assert moves(timer) == [
        ("substitute", china("11-23 18:00")),
        ("return", china("11-24 08:30")),
        ("substitute", china("11-24 18:00")),
        ("return", china("11-25 08:30")),
    ]
    assert moves(started) == [("substitute", china("11-24 20:00")), ("return", china("11-25 08:30"))]
    stale = select(func.count()).select_from(Notice).where(Notice.kind == "standing_in")
    assert db.session.scalar(stale) == 0


def test_two_workers_move_each_clock_once(app: Flask, world, now) -> None:
    clocks = [start(world, now, number) for number in range(1, 7)]
    plan(world.claims1, world.claims2, now + HOUR, now + 2 * HOUR, now)
    late = now + 3 * HOUR

    def work(_: int) -> Tally:
        with app.app_context():
            try:
                return job.run(late)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        tallies = list(pool.map(work, range(2)))

    assert sum(tally.failed for tally in tallies) == 0
    for timer in clocks:
        assert moves(timer) == [("substitute", now + HOUR), ("return", now + 2 * HOUR)]


def test_one_bad_row_is_counted_and_the_others_are_done(world, timer, now) -> None:
    bad = plan(world.claims1, world.claims2, now + HOUR, now + 2 * HOUR, now)
    plan(world.manager, world.claims2, now + 3 * HOUR, now + 4 * HOUR, now)
    db.session.execute(update(TimerEntry).where(TimerEntry.timer_id == timer.id).values(kind=EventKind.STOP))
    db.session.commit()

    tally = job.run(now + 3 * HOUR)

    assert tally == Tally(done=1, failed=1)
    assert db.session.get(Absence, bad.id).next_change_at == now + HOUR
    assert job.run(now + 3 * HOUR) == Tally(failed=1)


def test_clocks_go_to_a_manager_when_the_stand_ins_login_is_closed(world, timer, now) -> None:
    absence = plan(world.claims1, world.claims2, now, now + DAY, now)
    assert timer.holder_id == world.claims2.id
    world.claims2.is_active = False
    db.session.commit()
    at = now + HOUR

    assert job.run(at) == Tally(done=1)
    assert job.run(at + MINUTE) == Tally()

    row = db.session.get(Timer, timer.id)
    assert (row.holder_id, row.covered_id) == (world.manager.id, world.claims1.id)
    assert db.session.get(Absence, absence.id).substitute_id == world.manager.id
    assert moves(timer) == [("substitute", now), ("substitute", at)]


def test_a_stand_in_whose_login_closed_before_never_gets_them(world, timer, now) -> None:
    plan(world.claims1, world.claims2, now + HOUR, now + DAY, now)
    world.claims2.is_active = False
    db.session.commit()

    job.run(now + HOUR)

    assert db.session.get(Timer, timer.id).holder_id == world.manager.id


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_message_reads_well_in_its_recipients_language(world, timer, now, language) -> None:
    for user in (world.claims1, world.claims2, world.manager):
        user.language = language
    command = PlanAbsence(
        world.claims1.id,
        world.claims2.id,
        AbsenceKind.SICKNESS,
        china("11-23 18:00"),
        china("11-24 08:30"),
        date(2026, 11, 30),
    )
    absence = absences.plan(command, actor=world.manager, now=now)
    db.session.commit()
    job.run(china("11-23 18:00"))
    absence = db.session.get(Absence, absence.id)
    absences.name_another(
        absence.id, world.manager.id, absence.version, actor=world.claims1, now=china("11-23 19:00")
    )
    db.session.commit()
    job.run(china("11-24 08:30"))
    absence = db.session.get(Absence, absence.id)
    absences.cancel(absence.id, absence.version, actor=world.claims1, now=china("11-24 09:00"))

    mails = db.session.scalars(select(Notice).where(Notice.channel == Channel.MAIL).order_by(Notice.id)).all()
    texts = [mail.render(notice, base_url="https://desk.example") for notice in mails]

    assert {notice.kind for notice in mails} == {
        "absence_planned",
        "absence_changed",
        "absence_cancelled",
        "standing_in",
        "clocks_returned",
    }
    for one in texts:
        assert "王建军" in one.subject or "孙国强" in one.subject or "11-23" in one.subject
        assert "https://desk.example/" in one.text
        assert "sickness" not in (one.text + one.html).casefold()
        assert "病" not in one.text + one.html
