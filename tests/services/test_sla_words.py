"""Clocks in words, in both languages: the pill, the ledger's story, and the commands that print them."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from service_desk.models.sla import Timer
from service_desk.presenters import sla as words
from service_desk.presenters.labels import label
from service_desk.presenters.languages import in_language
from service_desk.presenters.sla_bar import bar_marks, bar_segments
from service_desk.presenters.sla_ledger import ledger_table
from service_desk.presenters.sla_story import story
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import PauseReason
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla.files import find_file
from tests.world import World

MINUTE = timedelta(minutes=1)
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def survey(world: World, now: datetime) -> Timer:
    """Promised in 60 minutes from `now`."""
    sla.install_defaults(now)
    return start(world, ClockStep.SURVEY, now)


def start(world: World, step: ClockStep, at: datetime) -> Timer:
    matter = Matter("claim", 7, "CLM-2026-000007", world.account.id)
    timer = sla.start(matter, step, holder_id=world.claims1.id, at=at, actor=None, now=at)
    assert timer is not None
    return timer


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "已取消（不作评定）"), ("en", "Cancelled without a verdict")]
)
def test_a_cancelled_clock_is_not_called_as_a_cancelled_policy_is(app: Flask, language, words) -> None:
    with app.app_context(), in_language(language):
        assert label("cancelled", "timer_state") == words


def told(timer: Timer, at: datetime, language: str, **options: bool) -> tuple[str, str, str]:
    with in_language(language):
        pill = words.pill(timer, at, **options)
        return pill.tone, pill.icon, pill.text


@pytest.mark.parametrize(
    ("minutes", "tone", "icon", "chinese", "english"),
    [
        (0, "ok", "clock", "查勘 剩 1 小时", "survey · 1 h left"),
        (44, "ok", "clock", "查勘 剩 16 分", "survey · 16 min left"),
        (45, "warn", "clock", "查勘 剩 15 分", "survey · 15 min left"),
        (95, "bad", "over", "超 35 分", "over by 35 min"),
    ],
)
def test_a_running_pill(survey, now, minutes, tone, icon, chinese, english) -> None:
    at = now + minutes * MINUTE
    assert told(survey, at, "zh") == (tone, icon, chinese)
    assert told(survey, at, "en") == (tone, icon, english)


def test_an_abbreviation_keeps_its_capitals_in_a_pill(world, now) -> None:
    sla.install_defaults(now)
    decision = start(world, ClockStep.CTPL_DECISION, now)
    assert told(decision, now, "en")[2].startswith("CTPL decision · ")


def test_without_its_step(survey, now) -> None:
    assert told(survey, now, "zh", named=False)[2] == "剩 1 小时"


def test_a_paused_and_a_kept_pill(survey, world, now) -> None:
    sla.pause(survey.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=now)
    later = now + timedelta(days=2)
    assert told(survey, later, "zh") == ("idle", "paused", "待验车 2 天")
    assert told(survey, later, "en")[2] == "paused: waiting for vehicle, 2 d"
    sla.resume(survey.id, actor=world.claims1, now=later)
    done = later + 23 * MINUTE
    matter = Matter("claim", 7, "CLM-2026-000007", world.account.id)
    sla.stop(matter, [ClockStep.SURVEY], at=done, actor=None, now=done)
    assert told(survey, done, "zh") == ("ok", "met", "用时 23 分")


def test_a_deadline_by_law_shows_its_day(survey, world, now) -> None:
    timer = start(world, ClockStep.DENIAL_NOTICE, now)
    assert told(timer, now, "zh")[2] == "拒赔通知书 11-26 前"


def test_a_term_of_days_ends_at_24_wherever_it_is_told(survey, world, now) -> None:
    timer = start(world, ClockStep.DENIAL_NOTICE, now)
    later = now + timedelta(days=4)
    file = find_file(timer.id, later)

    with in_language("en"):
        assert "due 11-26 24:00" in words.promise_line(file, later)
        assert "due 11-26 24:00" in [mark.text for mark in bar_marks(file)]
        assert words.due_moment(survey, now) == "today 10:00"


def test_nearest_is_the_overdue_one_then_the_next_due(survey, world, now) -> None:
    decision = start(world, ClockStep.LIABILITY_DECISION, now)
    assert words.nearest([decision, survey]) is survey
    assert words.nearest([]) is None


def test_the_story_of_a_breach_adds_up(survey, world, now) -> None:
    matter = Matter("claim", 7, "CLM-2026-000007", world.account.id)
    handed, done = now + 50 * MINUTE, now + 95 * MINUTE
    sla.hand_over(matter, to_id=world.claims2.id, at=handed, actor=None, now=handed)
    sla.stop(matter, [ClockStep.SURVEY], at=done, actor=None, now=done)
    file = find_file(survey.id, done)

    table = ledger_table(file)
    with in_language("zh"):
        lines = story(file)
        segments, marks = bar_segments(file), bar_marks(file)

    assert (table.before, table.after) == (3600, 2100)
    assert [table.share(row) for row in table.rows] == ["53%", "47%"]
    assert "承诺 60 分钟" in lines[0]
    assert lines[-1] == "已超时，超 35 分。"
    assert [(one.seconds, one.state) for one in segments] == [
        (3000, "running"),
        (600, "running"),
        (2100, "over"),
    ]
    assert [one.at_seconds for one in marks] == [0, 3600, 5700]


def test_explain_prints_the_story(app: Flask, session, survey, now) -> None:
    session.commit()
    runner = app.test_cli_runner()
    told = runner.invoke(args=["sla", "explain", str(survey.id), "--language", "zh"])
    unknown = runner.invoke(args=["sla", "explain", "999"])
    assert told.exit_code == 0
    assert "CLM-2026-000007 查勘" in told.output
    assert unknown.exit_code == 1
    assert unknown.output.splitlines()[1:] == [
        "  没有编号为 999 的时限。",
        "  There is no clock of number 999.",
    ]


def test_the_clock_command_answers_the_vectors(app: Flask) -> None:
    answer = app.test_cli_runner().invoke(args=["rules", "clock", str(DATA / "clock_vectors.json")])
    cases = json.loads((DATA / "clock_vectors.json").read_text("utf-8"))["cases"]
    assert [one["id"] for one in json.loads(answer.output)] == [case["id"] for case in cases]


@pytest.mark.parametrize("command", ["clock", "settle"])
@pytest.mark.parametrize("content", ["[1, 2", '{"a": 1}', "[" * 100_000])
def test_a_wrong_file_is_refused_in_both_languages(app: Flask, tmp_path, command, content) -> None:
    file = tmp_path / "cases.json"
    file.write_text(content)
    answer = app.test_cli_runner().invoke(args=["rules", command, str(file)])
    assert answer.exit_code == 1
    assert answer.output.count("\n") == 3
    assert answer.output.startswith(f"Error: {file}:\n")


def test_a_naive_time_is_refused_with_case_and_field_in_both_languages(app: Flask, tmp_path) -> None:
    file = tmp_path / "cases.json"
    case = {"id": "c7", "op": "is_open", "start": "2026-11-23T09:00", "tz": "UTC", "week": {}}
    file.write_text(json.dumps({"cases": [{**case, "week": {"mon": [["08:30", "12:00"]]}}]}))
    answer = app.test_cli_runner().invoke(args=["rules", "clock", str(file)])
    place, chinese, english = answer.output.splitlines()
    assert (answer.exit_code, place) == (1, f"Error: {file}, start:")
    assert "案例 c7：“2026-11-23T09:00”没有注明时区" in chinese
    assert "Case c7: “2026-11-23T09:00” does not say its zone." in english


def test_a_file_that_is_not_there_is_refused(app: Flask, tmp_path) -> None:
    answer = app.test_cli_runner().invoke(args=["rules", "clock", str(tmp_path / "none.json")])
    assert (answer.exit_code, answer.output.count("\n")) == (1, 3)


def test_settle_answers_the_worked_examples(app: Flask) -> None:
    answer = app.test_cli_runner().invoke(args=["rules", "settle", str(DATA / "settlement_examples.json")])
    assert answer.exit_code == 0
    assert {"id", "expected", "working"} <= set(json.loads(answer.output)[0])
