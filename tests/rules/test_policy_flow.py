"""Terms and states of policies."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from service_desk.base.errors import Conflict
from service_desk.rules.policy_flow import (
    TRANSITIONS,
    PolicyAction,
    PolicyState,
    actions_in,
    last_covered_day,
    next_state,
    one_year_term,
    state_at,
)

TERM = one_year_term(date(2026, 11, 23))


def test_year_runs_from_midnight_in_china_to_the_same_date_excluded() -> None:
    assert TERM.starts_at == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert TERM.ends_at == datetime(2027, 11, 22, 16, tzinfo=UTC)
    assert (TERM.first_day, TERM.last_day, TERM.days) == (date(2026, 11, 23), date(2027, 11, 22), 365)


@pytest.mark.parametrize(
    ("first_day", "last_day", "days"),
    [
        (date(2027, 3, 1), date(2028, 2, 29), 366),
        (date(2028, 2, 29), date(2029, 2, 27), 365),
        (date(2028, 3, 1), date(2029, 2, 28), 365),
    ],
)
def test_year_over_a_leap_day(first_day: date, last_day: date, days: int) -> None:
    term = one_year_term(first_day)
    assert (term.last_day, term.days) == (last_day, days)


def test_cover_ending_during_a_day_covers_that_day_last() -> None:
    assert last_covered_day(TERM.ends_at + timedelta(hours=9)) == date(2027, 11, 23)


@pytest.mark.parametrize(
    ("kept", "moment", "state"),
    [
        (PolicyState.ISSUED, TERM.starts_at - timedelta(microseconds=1), PolicyState.ISSUED),
        (PolicyState.ISSUED, TERM.starts_at, PolicyState.IN_FORCE),
        (PolicyState.ISSUED, TERM.ends_at - timedelta(microseconds=1), PolicyState.IN_FORCE),
        (PolicyState.ISSUED, TERM.ends_at, PolicyState.EXPIRED),
        (PolicyState.CANCELLED, TERM.ends_at - timedelta(microseconds=1), PolicyState.IN_FORCE),
        (PolicyState.CANCELLED, TERM.ends_at, PolicyState.CANCELLED),
        (PolicyState.VOIDED, TERM.starts_at, PolicyState.VOIDED),
    ],
)
def test_state_follows_from_the_term(kept: PolicyState, moment: datetime, state: PolicyState) -> None:
    assert state_at(kept, TERM, moment) is state


@pytest.mark.parametrize(("state", "action"), list(product(PolicyState, PolicyAction)))
def test_every_pair_of_state_and_action_is_answered_by_the_table(
    state: PolicyState, action: PolicyAction
) -> None:
    if (state, action) in TRANSITIONS:
        assert action in actions_in(state)
        assert next_state(state, action) is TRANSITIONS[state, action]
    else:
        with pytest.raises(Conflict, match="policy_action_not_possible"):
            next_state(state, action)
