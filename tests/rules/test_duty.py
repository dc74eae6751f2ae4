"""The duty roster's rules as tables: which hours, whose turn, what is wrong, who answers."""

import itertools
from datetime import UTC, date, datetime, time, timedelta

import pytest

from service_desk.base.errors import Invalid
from service_desk.rules.duty import (
    Assigned,
    DutyHours,
    DutyKind,
    Problem,
    ProblemKind,
    Span,
    answering,
    check_hours,
    check_plan,
    check_span,
    gaps,
    kind_of_day,
    problems,
    rotate,
    takers,
    turns,
)

NIGHT, WEEKEND, HOLIDAY = DutyKind.NIGHT, DutyKind.WEEKEND, DutyKind.HOLIDAY


def at(text: str) -> datetime:
    """`11-27 17:30` of 2026 in Zhengzhou."""
    return datetime.strptime(f"2026-{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


def span(from_at: str, to_at: str) -> Span:
    return Span(at(from_at), at(to_at))


def kind_of(day: date) -> DutyKind:
    return WEEKEND if day.weekday() > 4 else NIGHT


@pytest.mark.parametrize(
    ("is_working", "is_dated", "kind"),
    [
        (True, False, NIGHT),
        # A Saturday that is made up is open by its own hours.
        (True, True, NIGHT),
        (False, False, WEEKEND),
        (False, True, HOLIDAY),
    ],
)
def test_kind_of_day(is_working, is_dated, kind) -> None:
    assert kind_of_day(is_working=is_working, is_dated=is_dated) is kind


def test_turns_touch_and_leave_only_office_hours_open() -> None:
    # Friday 27, Saturday 28, Sunday 29, Monday 30 November.
    found = list(turns(date(2026, 11, 27), date(2026, 11, 30), kind_of))

    assert [(one.kind, one.span) for one in found] == [
        (NIGHT, span("11-27 17:30", "11-28 08:30")),
        (WEEKEND, span("11-28 08:30", "11-29 08:30")),
        (WEEKEND, span("11-29 08:30", "11-30 08:30")),
        (NIGHT, span("11-30 17:30", "12-01 08:30")),
    ]
    hours = DutyHours(time(18), time(8))
    assert next(turns(date(2026, 11, 27), date(2026, 11, 27), kind_of, hours)).span == span(
        "11-27 18:00", "11-28 08:00"
    )


def test_a_year_is_shared_evenly_and_nobody_has_two_turns_that_touch() -> None:
    wanted = list(turns(date(2026, 1, 1), date(2026, 12, 31), kind_of))
    chosen = list(rotate(wanted, (1, 2, 3, 4), is_free=lambda *_: True))

    for kind in (NIGHT, WEEKEND):
        counts = [sum(who == one and turn.kind is kind for turn, who in chosen) for one in (1, 2, 3, 4)]
        assert max(counts) - min(counts) <= 1, (kind, counts)
    pairs = itertools.pairwise(chosen)
    assert not [
        1 for (one, who), (two, other) in pairs if who == other and one.span.to_at == two.span.from_at
    ]


def test_turns_pass_over_who_is_away_and_go_on_where_the_last_plan_ended() -> None:
    wanted = list(turns(date(2026, 11, 23), date(2026, 11, 25), kind_of))
    away = span("11-23 00:00", "11-24 12:00")
    before = [Assigned(1, 2, NIGHT, span("11-20 17:30", "11-21 08:30"))]
    chosen = rotate(
        wanted, (1, 2, 3), is_free=lambda who, one: not (who == 1 and one.meets(away)), before=before
    )

    assert [who for _, who in chosen] == [3, 1, 2]
    assert [who for _, who in rotate(wanted, (1,), is_free=lambda *_: False)] == [None] * 3
    # Alone one takes all of them.
    assert [who for _, who in rotate(wanted, (1,), is_free=lambda *_: True)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ([], [("11-27 17:30", "11-28 08:30")]),
        ([("11-27 17:30", "11-28 08:30")], []),
        ([("11-27 12:00", "11-28 12:00")], []),
        ([("11-27 17:30", "11-27 22:00")], [("11-27 22:00", "11-28 08:30")]),
        (
            [("11-27 19:00", "11-27 22:00"), ("11-27 21:00", "11-28 06:00")],
            [("11-27 17:30", "11-27 19:00"), ("11-28 06:00", "11-28 08:30")],
        ),
    ],
)
def test_gaps(taken, left) -> None:
    wanted = [span("11-27 17:30", "11-28 08:30")]
    assert gaps(wanted, [span(*one) for one in taken]) == [span(*one) for one in left]


def test_problems_are_gaps_doubles_leave_and_people_who_are_gone() -> None:
    shifts = [
        Assigned(1, 7, NIGHT, span("11-27 17:30", "11-28 08:30")),
        Assigned(2, 8, WEEKEND, span("11-28 06:00", "11-29 08:30")),
        Assigned(3, 9, WEEKEND, span("11-29 08:30", "11-30 08:30")),
    ]
    wanted = [span("11-26 17:30", "11-27 08:30"), *(one.span for one in shifts)]
    found = problems(wanted, shifts, away={8: [span("11-28 20:00", "12-01 00:00")]}, serving={7, 8})

    assert found == [
        Problem(ProblemKind.GAP, span("11-26 17:30", "11-27 08:30")),
        Problem(ProblemKind.DOUBLE, span("11-28 06:00", "11-28 08:30"), 1, 7, 2),
        Problem(ProblemKind.AWAY, span("11-28 20:00", "11-29 08:30"), 2, 8),
        Problem(ProblemKind.LEFT, span("11-29 08:30", "11-30 08:30"), 3, 9),
    ]


@pytest.mark.parametrize(
    ("on_duty", "managers", "away", "answers"),
    [
        ([1], [8, 9], (), [1, 8, 9]),
        # Office hours, or a gap: a manager of the account.
        ([], [8, 9], (), [8, 9]),
        ([1], [8], (1,), [8]),
        ([8], [8, 9], (), [8, 9]),
        ([1], [8], (1, 8), []),
    ],
)
def test_who_answers_for_somebody_whom_the_roster_covers(on_duty, managers, away, answers) -> None:
    assert answering(on_duty, managers, id_of=int, away=away) == answers


@pytest.mark.parametrize(
    ("away", "on_duty", "found"),
    [
        ((), (), [1, 2, 3]),
        ((2,), (), [1, 3]),
        ((), (2,), [2]),
        ((), (2, 3), [2, 3]),
        # On duty but away: the others who are here.
        ((2,), (2,), [1, 3]),
        # Whoever is on duty and does not do this work changes nothing.
        ((), (7,), [1, 2, 3]),
        # Everybody away: anybody, for their stand-ins get the clocks.
        ((1, 2, 3), (), [1, 2, 3]),
    ],
)
def test_to_whom_a_new_matter_may_go(away, on_duty, found) -> None:
    assert takers([1, 2, 3], id_of=int, away=away, on_duty=on_duty) == found


@pytest.mark.parametrize(
    ("check", "code"),
    [
        (lambda: check_span(span("11-27 17:30", "11-27 17:30")), "duty_ends_first"),
        (lambda: check_span(span("11-24 17:30", "11-28 17:31")), "duty_too_long"),
        (lambda: check_hours(DutyHours(time(8, 30), time(8, 30))), "duty_hours_order"),
        (lambda: check_plan(date(2026, 11, 1), date(2026, 11, 9), (1,), date(2026, 11, 2)), "duty_plan_past"),
        (
            lambda: check_plan(date(2026, 11, 9), date(2026, 11, 8), (1,), date(2026, 11, 2)),
            "duty_plan_reversed",
        ),
        (lambda: check_plan(date(2026, 1, 1), date(2027, 1, 2), (1,), date(2026, 1, 1)), "duty_plan_long"),
        (lambda: check_plan(date(2026, 11, 9), date(2026, 11, 9), (), date(2026, 11, 2)), "duty_nobody"),
    ],
)
def test_what_cannot_be_planned_is_refused(check, code) -> None:
    with pytest.raises(Invalid, match=code):
        check()
    check_plan(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=365), (1,), date(2026, 1, 1))
