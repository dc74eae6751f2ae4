"""The ledger in words: sums that add up, stand-ins, pauses struck off, times put right, recomputations."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.sla import (
    PauseObjection,
    Timer,
    TimerCorrection,
    TimerEntry,
    TimerRecomputation,
)
from service_desk.presenters import sla_ledger, sla_story
from service_desk.presenters.languages import in_language
from service_desk.presenters.sla_bar import bar_marks, bar_segments
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.services import sla
from service_desk.services.sla import ledger
from service_desk.services.sla.files import TimerFile, find_file
from tests.breach_cases import matter_of

MINUTE = timedelta(minutes=1)


@pytest.fixture
def timer(world, now) -> Timer:
    """A survey promised in 60 minutes.

    claims1 0–20, paused 20–30, claims1 30–40, claims2 40–50, the underwriter for claims2 50–65, claims2 65–100:
    due at 70.
    """
    sla.install_defaults(now)
    found = sla.start(
        matter_of(world), ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now
    )
    assert found is not None
    events = [
        (EventKind.PAUSE, world.claims1, 20),
        (EventKind.RESUME, world.claims1, 30),
        (EventKind.HANDOVER, world.claims2, 40),
        (EventKind.SUBSTITUTE, world.underwriter, 50),
        (EventKind.RETURN, world.claims2, 65),
        (EventKind.STOP, world.claims2, 100),
    ]
    for kind, holder, minutes in events:
        at = now + minutes * MINUTE
        reason = PauseReason.VEHICLE_UNAVAILABLE if kind is EventKind.PAUSE else None
        ledger.add_entry(found, kind, holder_id=holder.id, at=at, actor=holder, now=at, reason=reason)
    db.session.flush()
    return found


@pytest.fixture
def file(timer, now) -> TimerFile:
    return find_file(timer.id, now + 200 * MINUTE)


def minutes(rows) -> list[tuple[int, int]]:
    return [(row.before // 60, row.after // 60) for row in rows]


def test_lines_are_turns_and_pauses_and_the_turns_add_up(file) -> None:
    table = sla_ledger.ledger_table(file)
    assert minutes(table.rows) == [(30, 0), (10, 0), (10, 0), (15, 0), (5, 30)]
    assert [row.is_pause for row in table.rows] == [False, True, False, False, False]
    assert (table.before + table.after, table.after) == (file.facts.used_seconds, file.facts.over_seconds)
    assert [table.share(row) for row in table.rows] == ["33%", "—", "11%", "17%", "39%"]


def test_a_persons_turns_are_summed_and_a_stand_ins_minutes_are_the_stand_ins(world, file) -> None:
    table = sla_ledger.by_person(file)
    people = [world.claims1, world.claims2, world.underwriter]
    assert [row.words for row in table.rows] == [f"{user.name} · {user.staff_no}" for user in people]
    assert minutes(table.rows) == [(30, 0), (15, 30), (15, 0)]
    assert sum(int(row.share.rstrip("%")) for row in table.rows) == 100
    assert table.before + table.after == file.facts.used_seconds


def test_pauses_are_summed_by_reason(file) -> None:
    table = sla_ledger.by_reason(file)
    assert [(row.count, row.before, row.after) for row in table.rows] == [(1, 600, 0)]


@pytest.mark.parametrize(
    ("parts", "percents"),
    [([1, 1, 1], [34, 33, 33]), ([0, 5], [0, 100]), ([0, 0], [0, 0]), ([2, 1], [67, 33])],
)
def test_shares_add_up_to_a_hundred(parts, percents) -> None:
    assert sla_ledger._percents(parts) == percents


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [(0, "0 s", "0 秒"), (3600, "1 h", "1 小时"), (97_265, "27 h 1 min 5 s", "27 小时 1 分 5 秒")],
)
def test_times_are_exact_so_that_they_add_up(app, seconds, english, chinese) -> None:
    with app.app_context():
        for language, words in (("en", english), ("zh", chinese)):
            with in_language(language):
                assert sla_ledger.exact(seconds) == words


def test_sums_speak_of_an_overrun_only_where_there_is_one(file) -> None:
    with in_language("en"):
        broken = " ".join(sla_ledger.rules_of_sums(file, sla_ledger.ledger_table(file)))
        kept = sla_ledger.rules_of_sums(file, sla_ledger.LedgerTable([], before=20 * 60, after=0))

    assert "what came after the due time, 30 min, is what the clock is over" in broken
    assert kept == ["Pauses and closed hours are nobody's time."]


def test_the_story_tells_who_stood_in_for_whom_in_both_languages(world, file) -> None:
    with in_language("en"):
        english = "\n".join(sla_story.story(file))
    with in_language("zh"):
        chinese = "\n".join(sla_story.story(file))
    name = f"{world.claims2.name} · {world.claims2.staff_no}"
    assert f"stood in for {name} with 20 min left" in english
    assert "back from absence with 5 min left" in english
    assert f"代 {name} 值班，剩余 20 分" in chinese
    assert "返岗，剩余 5 分" in chinese


def test_the_bar_names_its_lines_and_draws_the_due_point(file) -> None:
    with in_language("zh"):
        segments, marks = bar_segments(file), bar_marks(file)
    assert [(one.key, one.state) for one in segments] == [
        ("1", "running"),
        ("2", "paused"),
        ("1", "running"),
        ("3", "running"),
        ("4", "running"),
        ("5", "running"),
        ("5", "over"),
    ]
    (due,) = [mark for mark in marks if mark.is_due]
    assert due.at_seconds == 70 * 60
    assert sum(one.seconds for one in segments) == 100 * 60


def test_a_pause_struck_off_counts_as_running_and_is_told(world, timer, now) -> None:
    pause, resume = db.session.scalars(
        select(TimerEntry)
        .where(TimerEntry.timer_id == timer.id, TimerEntry.kind.in_((EventKind.PAUSE, EventKind.RESUME)))
        .order_by(TimerEntry.id)
    )
    decided = now + 150 * MINUTE
    pause.voided_at = resume.voided_at = decided
    db.session.add(
        PauseObjection(
            timer_id=timer.id,
            entry_id=pause.id,
            text="车辆就在停车场",
            raised_by_id=world.safety_gongyi.id,
            raised_at=now + 120 * MINUTE,
            is_upheld=True,
            answer="经核实属实",
            decided_by_id=world.manager.id,
            decided_at=decided,
        )
    )
    db.session.flush()
    file = find_file(timer.id, now + 200 * MINUTE)

    table = sla_ledger.ledger_table(file)
    with in_language("en"):
        (change,) = sla_ledger.changes(file)
        story = "\n".join(sla_story.story(file))

    assert minutes(table.rows)[0] == (40, 0)
    assert sla_ledger.by_reason(file).rows == []
    assert (change.before, change.after) == (
        "11-23 09:20 – 11-23 09:30, waiting for vehicle",
        "counts as running time",
    )
    assert change.reason == "车辆就在停车场 · 经核实属实"
    assert "Pause struck off after the client objected" in story


def test_a_time_put_right_and_a_recomputation_show_both_values(world, timer, now) -> None:
    stop = db.session.scalars(
        select(TimerEntry).where(TimerEntry.timer_id == timer.id, TimerEntry.kind == EventKind.STOP)
    ).one()
    later = now + 180 * MINUTE
    db.session.add(
        TimerCorrection(
            timer_id=timer.id,
            entry_id=stop.id,
            old_at=now + 130 * MINUTE,
            new_at=stop.at,
            old_state="breached",
            new_state="breached",
            reason="照片时间为准",
            actor_id=world.manager.id,
            recorded_at=later,
        )
    )
    db.session.add(
        TimerRecomputation(
            timer_id=timer.id,
            old_level_id=timer.level_id,
            new_level_id=timer.level_id,
            old_digest=timer.calendar_digest,
            new_digest=timer.calendar_digest,
            old_due_at=now + 60 * MINUTE,
            new_due_at=timer.due_at,
            reason="改为新承诺",
            actor_id=world.manager.id,
            recorded_at=now + 10 * MINUTE,
        )
    )
    db.session.flush()
    file = find_file(timer.id, now + 200 * MINUTE)

    with in_language("zh"):
        recomputed, corrected = sla_ledger.changes(file)
        story = "\n".join(sla_story.story(file))

    assert (corrected.before, corrected.after) == ("11-23 11:10 · 已超时", "11-23 10:40 · 已超时")
    assert recomputed.before.endswith("应于 11-23 10:00")
    assert recomputed.after.endswith("应于 11-23 10:10")
    assert "照片时间为准" in story
    assert "改为新承诺" in story


def test_explain_tells_it_in_the_language_asked_for_or_in_both(app, session, timer) -> None:
    session.commit()
    runner = app.test_cli_runner()
    english = runner.invoke(args=["sla", "explain", str(timer.id), "--lang", "en"]).output
    chinese = runner.invoke(args=["sla", "explain", str(timer.id), "--lang", "zh"]).output
    both = runner.invoke(args=["sla", "explain", str(timer.id)]).output
    assert "Broken: over by 30 min." in english
    assert "已超时，超 30 分。" in chinese
    assert english.strip() in both
    assert chinese.strip() in both
    assert runner.invoke(args=["sla", "explain", str(timer.id), "--lang", "fr"]).exit_code == 2
