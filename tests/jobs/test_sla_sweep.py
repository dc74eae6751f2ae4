"""The sweep: due timers only, nothing twice, true instants after an outage, one bad row jams nothing."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event, func, select, text, update

from service_desk.jobs import sla_sweep
from service_desk.jobs.runner import Tally
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, unit_of_work
from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.models.sla import Absence, AbsenceKind, SlaEvent, Timer, TimerEntry, TimerState
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests.factories import UserFactory
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
    assert events(timer) == [(f"pause_end_{at.timestamp():.0f}", ends)]
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


def statements_of(act: Callable[[], object]) -> int:
    """How many statements an act sends; one over many rows is one."""
    sent: list[str] = []

    def count(_connection, _cursor, statement: str, *_rest) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        act()
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    return len(sent)


def test_twenty_due_clocks_cost_no_more_statements_than_two(start, now) -> None:
    for number in range(1, 3):
        start(number)
    few = statements_of(lambda: sla_sweep.run(now + 61 * MINUTE))
    later = now + 120 * MINUTE
    for number in range(11, 31):
        start(number, at=later)

    many = statements_of(lambda: sla_sweep.run(later + 61 * MINUTE))

    assert many == few


def test_events_are_written_in_the_order_in_which_they_came_true(start, now) -> None:
    for number, minutes in ((1, 0), (2, 10), (3, 50)):
        start(number, at=now + minutes * MINUTE)

    sla_sweep.run(now + timedelta(days=1))

    instants = list(db.session.scalars(select(SlaEvent.at).order_by(SlaEvent.id)))
    assert instants == sorted(instants)
    assert len(instants) == 9


def test_a_batch_with_a_bad_row_keeps_nothing_twice(start, now) -> None:
    timers = [start(number) for number in range(1, 6)]
    bad = timers[2]
    db.session.execute(update(TimerEntry).where(TimerEntry.timer_id == bad.id).values(kind=EventKind.STOP))
    db.session.commit()

    tally = sla_sweep.run(now + 61 * MINUTE)

    assert tally == Tally(done=4, failed=1)
    told = select(SlaEvent.timer_id, func.count()).group_by(SlaEvent.timer_id)
    assert dict(db.session.execute(told).all()) == {timer.id: 2 for timer in timers if timer is not bad}
    breaches = select(Notice.dedupe_key).where(
        Notice.kind == "clock_breach", Notice.channel == Channel.IN_APP
    )
    assert len(db.session.scalars(breaches).all()) == 2 * 4


def test_a_clock_somebody_is_working_on_is_left_for_after_the_batch(app: Flask, start, now) -> None:
    held, free = start(1), start(2)
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer, and no row is held while another writes")
    with db.engine.begin() as other:
        other.execute(select(Timer.id).where(Timer.id == held.id).with_for_update())

        checked = sla.check_timers([held.id, free.id], now + 45 * MINUTE)

    assert checked == [free.id]


@pytest.mark.parametrize("act", ["stop", "cancel", "hand_over"])
def test_who_acts_on_a_clock_while_it_is_swept_waits_and_is_not_refused(
    app: Flask, start, world, now, act
) -> None:
    timer, late = start(), now + 61 * MINUTE
    matter = Matter("claim", 1, timer.matter_number, world.account.id)
    other_id = world.claims2.id
    acts = {
        "stop": lambda: sla.stop(matter, [ClockStep.SURVEY], at=late, actor=None, now=late),
        "cancel": lambda: sla.cancel(matter, at=late, actor=None, now=late),
        "hand_over": lambda: sla.hand_over(matter, to_id=other_id, at=late, actor=None, now=late),
    }
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer: the second has read nothing yet")

    def work() -> int:
        with app.app_context():
            try:
                with unit_of_work():
                    return len(acts[act]())
            finally:
                db.session.remove()

    sla.check_timers([timer.id], late)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(work)
        wait_for_one_who_waits(answer)
        db.session.commit()

    assert answer.result() == 1
    assert {kind for kind, _ in events(timer)} == {"warning", "breach"}


def wait_for_one_who_waits(answer: Future[int]) -> None:
    """Until another session stands before a lock, or has come through without one."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not answer.done() and not connection.scalar(waiting):
            pass


def test_what_a_sweep_writes_of_a_clock_is_what_its_ledger_says(start, world, now) -> None:
    timer = start()
    late = now + 70 * MINUTE

    sla_sweep.run(late)

    row = db.session.get(Timer, timer.id)
    facts = sla.facts_of(row, late)
    assert (row.state, row.holder_id, row.due_at) == (facts.state, facts.holder_id, facts.due_at)
    assert (row.used_seconds, row.over_seconds, row.measured_at) == (4200, 600, late)
    assert row.next_check_at == facts.next_check_at == now + 300 * MINUTE


def test_the_review_clocks_of_a_batch_are_like_one_started_alone(start, world, now) -> None:
    timers = [start(number) for number in (1, 2)]
    late = now + 61 * MINUTE

    sla_sweep.run(late)

    matter = Matter("breach", 999, "CLM-2026-000009", world.account.id)
    alone = sla.start(
        matter, ClockStep.BREACH_REVIEW, holder_id=world.manager.id, at=late, actor=None, now=late
    )
    # One started alone is inserted first and brought up to date afterwards: its row has another version.
    own = {"id", "version", "matter_id", "matter_number", "branch_id"}
    columns = [column.name for column in Timer.__table__.columns if column.name not in own]
    for timer in timers:
        [review] = sla.timers_of("breach", [timer.id])[timer.id]
        assert {name: getattr(review, name) for name in columns} == {
            name: getattr(alone, name) for name in columns
        }
        assert (review.matter_number, review.branch_id) == (timer.matter_number, timer.branch_id)
        [entry] = sla.entries_of([review.id])[review.id]
        assert (entry.kind, entry.at, entry.holder_id) == (EventKind.START, late, world.manager.id)
    written = select(AuditEntry.entity_id, AuditEntry.changes).where(AuditEntry.action == "clock_started")
    changes = dict(db.session.execute(written).tuples().all())
    assert changes[review.id] == changes[alone.id]


def test_the_review_of_a_manager_who_is_away_goes_to_who_stands_in(start, world, now) -> None:
    deputy = UserFactory(username="deputy", role=Role.MANAGER, accounts=[world.account], staff_no="99999999")
    away = {"from_at": now, "to_at": now + timedelta(days=3), "next_change_at": now + timedelta(days=3)}
    db.session.add(
        Absence(
            user_id=world.manager.id,
            substitute_id=deputy.id,
            kind=AbsenceKind.LEAVE,
            has_begun=True,
            entered_by_id=world.admin.id,
            entered_at=now,
            **away,
        )
    )
    timer = start()

    sla_sweep.run(now + 61 * MINUTE)

    [review] = sla.timers_of("breach", [timer.id])[timer.id]
    assert (review.holder_id, review.covered_id) == (deputy.id, world.manager.id)


def mails_to(user: User) -> list[Notice]:
    statement = select(Notice).where(Notice.channel == Channel.MAIL, Notice.user_id == user.id)
    return list(db.session.scalars(statement.order_by(Notice.id)))


def test_up_to_five_mails_to_one_person_go_out_singly(start, world, now) -> None:
    for number in range(1, 6):
        start(number)

    sla_sweep.run(now + 45 * MINUTE)

    assert [notice.kind for notice in mails_to(world.claims1)] == ["clock_warning"] * 5


@pytest.mark.parametrize("batch", [2, 8, 200])
def test_a_burst_of_mails_to_one_person_becomes_one_and_loses_nothing(start, world, now, batch) -> None:
    for number in range(1, 21):
        start(number, at=now + number * MINUTE)

    sla_sweep.run(now + timedelta(hours=3), batch=batch)

    assert inboxes("clock_breach") == sorted([world.claims1.id, world.manager.id] * 20)
    mails = mails_to(world.manager)
    [digest] = [notice for notice in mails if notice.kind == "clock_digest"]
    singly = [notice.params["number"] for notice in mails if notice is not digest]
    listed = [line["number"] for line in digest.params["lines"]]
    assert len(singly) <= 5
    assert singly + listed == [f"CLM-2026-{number:06d}" for number in range(1, 21)]
    assert digest.params["count"] == len(listed)
    assert digest.account_id == world.account.id


def test_a_digest_on_its_way_is_not_added_to(start, world, now) -> None:
    for number in range(1, 19):
        start(number)
    late = now + 45 * MINUTE
    sla_sweep.run_batch(late, 9)
    db.session.execute(
        update(Notice).where(Notice.kind == "clock_digest").values(state=NoticeState.SENT, tries=1)
    )
    db.session.commit()

    sla_sweep.run_batch(late, 9)

    assert [notice.params["count"] for notice in mails_to(world.claims1)] == [9, 9]


def test_a_digest_of_very_many_lists_a_hundred_and_counts_the_rest(start, world, now) -> None:
    world.claims1.language = "en"
    for number in range(1, 104):
        start(number)

    sla_sweep.run(now + 45 * MINUTE)

    [digest] = mails_to(world.claims1)
    text = mail.render(digest, base_url="https://desk.example").text
    assert (digest.params["count"], len(digest.params["lines"])) == (103, 100)
    assert "and 3 more on the desk" in text


@pytest.mark.parametrize(
    ("language", "subject", "line"),
    [
        ("zh", "时限提醒 6 条（合并发送）", "CLM-2026-000003 查勘已超时"),
        ("en", "6 messages about clocks in one mail", "Survey of CLM-2026-000003 is late"),
    ],
)
def test_a_digest_reads_well_in_its_recipients_language(start, world, now, language, subject, line) -> None:
    world.manager.language = language
    timers = [start(number) for number in range(1, 7)]

    sla_sweep.run(now + 61 * MINUTE)

    [digest] = mails_to(world.manager)
    words = mail.render(digest, base_url="https://desk.example")
    assert words.subject == subject
    assert line in words.text
    assert line in words.html
    assert f"https://desk.example/breaches/{timers[2].id}" in words.html
    assert "https://desk.example/notices" in words.text
    assert "2026-11-23 10:00" in words.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_message_reads_well_in_its_recipients_language(start, world, now, language) -> None:
    world.claims1.language = world.manager.language = language
    start(1)
    paused = start(2)
    sla.pause(paused.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=now)
    db.session.commit()
    sla_sweep.run(now + 45 * MINUTE)
    sla_sweep.run(now + timedelta(days=7, minutes=1))

    mails = db.session.scalars(select(Notice).where(Notice.channel == Channel.MAIL).order_by(Notice.id)).all()
    texts = {notice.kind: mail.render(notice, base_url="https://desk.example") for notice in mails}

    assert set(texts) == {"clock_warning", "clock_breach", "clock_escalation", "pause_ended"}
    word = {"zh": "查勘", "en": "Survey"}[language]
    for one in texts.values():
        assert word in one.subject
        assert "https://desk.example/" in one.text
        assert "CLM-2026-00000" in one.html
