"""What an opinion is, what may be done with it, its day for a reply, and the figures."""

from datetime import date

import pytest

from service_desk.base.errors import Conflict
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.opinions import (
    ENDED,
    Given,
    OpinionAction,
    OpinionState,
    Theme,
    actions_for,
    figures_of,
    is_reminder_day,
    next_state,
    reply_due_on,
    state_as_given,
)

S, A = OpinionState, OpinionAction
TABLE = {
    S.NOTED: {},
    S.NEW: {A.TAKE_UP: S.TAKEN_UP, A.THANK: S.SETTLED, A.DECLINE: S.DECLINED},
    S.TAKEN_UP: {A.ANSWER: S.ANSWERED, A.DECLINE: S.DECLINED},
    S.ANSWERED: {A.SETTLE: S.SETTLED},
    S.SETTLED: {},
    S.DECLINED: {},
    S.WITHDRAWN: {},
}


@pytest.mark.parametrize("state", OpinionState)
def test_every_act_in_every_state(state: OpinionState) -> None:
    assert set(actions_for(state)) == set(TABLE[state])
    for action in OpinionAction:
        if action in TABLE[state]:
            assert next_state(state, action) is TABLE[state][action]
        else:
            with pytest.raises(Conflict, match="opinion_state"):
                next_state(state, action)


@pytest.mark.parametrize(
    ("score", "words", "state"),
    [
        (None, "慢", S.NEW),
        (5, "好", S.NEW),
        (2, "", S.NEW),
        (1, "  ", S.NEW),
        (3, "", S.NOTED),
        (5, " ", S.NOTED),
    ],
)
def test_words_and_bad_marks_are_opinions(score: int | None, words: str, state: OpinionState) -> None:
    assert state_as_given(score, words) is state


def test_ten_working_days_pass_over_rest_days() -> None:
    def rests(day: date) -> bool:
        return day.weekday() > 4 or day == date(2026, 12, 2)

    assert reply_due_on(date(2026, 11, 23), lambda _day: False) == date(2026, 12, 3)
    assert reply_due_on(date(2026, 11, 23), rests) == date(2026, 12, 8)
    assert reply_due_on(date(2026, 11, 28), rests) == date(2026, 12, 14)


@pytest.mark.parametrize(("day", "is_due"), [(6, False), (7, True), (10, True), (11, False)])
def test_who_has_not_answered_is_reminded_near_the_end(day: int, is_due: bool) -> None:
    assert is_reminder_day(date(2026, 12, 10), 3, date(2026, 12, day)) is is_due


def test_figures_add_up_and_marks_alone_count_for_the_mean_only() -> None:
    rows = [
        Given(Theme.SURVEY, 1, S.NEW, 1, None),
        Given(Theme.SURVEY, 1, S.SETTLED, None, 4),
        Given(Theme.SURVEY, 2, S.DECLINED, 3, 2),
        Given(Theme.SURVEY, 2, S.NOTED, 5, None),
        Given(Theme.SURVEY, 2, S.WITHDRAWN, 1, None),
    ]
    found = figures_of(rows)
    assert (found.opinions, found.scores) == (3, Mean(9, 3))
    assert (found.replied, found.settled, found.reply_days) == (Ratio(2, 3), Ratio(2, 3), Mean(6, 2))
    assert figures_of(rows[:2]) + figures_of(rows[2:]) == found
    assert {S.SETTLED, S.DECLINED} == ENDED
