"""The order of a claim's dates: what lies before one that should precede it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.rules.date_order import Milestone, disorders, to_minute

M = Milestone
T = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T + timedelta(minutes=minutes)


def test_the_milestones_stand_in_the_order_of_the_domain() -> None:
    assert [milestone.value for milestone in M] == [
        "loss", "report", "dispatch", "arrival", "survey", "assessment", "documents", "calculation", "approval",
        "payment", "closing", "follow_up",
    ]  # fmt: skip


def test_dates_in_order_are_no_finding_and_missing_ones_are_passed_over() -> None:
    assert disorders([(M.LOSS, at(0)), (M.REPORT, at(0)), (M.SURVEY, None), (M.PAYMENT, at(9))]) == []


@pytest.mark.parametrize(("later", "expected"), [(at(5), 0), (at(4.99), 1), (at(5.5), 0)])
def test_a_date_may_share_the_minute_of_the_one_before(later: datetime, expected: int) -> None:
    assert len(disorders([(M.REPORT, at(5.7)), (M.ARRIVAL, later)])) == expected


def test_each_is_compared_with_the_latest_of_all_before_it() -> None:
    found = disorders(
        [(M.LOSS, at(0)), (M.REPORT, at(60)), (M.DISPATCH, at(10)), (M.ARRIVAL, at(20)), (M.SURVEY, at(70))]
    )

    assert [(one.earlier, one.later) for one in found] == [(M.REPORT, M.DISPATCH), (M.REPORT, M.ARRIVAL)]
    assert found[0].later_at == at(10)


@given(st.lists(st.tuples(st.sampled_from(M), st.integers(0, 500)), unique_by=lambda one: one[0]))
def test_a_finding_is_exactly_a_date_before_the_latest_that_precedes_it(dates: list[tuple[M, int]]) -> None:
    order = list(M)
    known = {milestone: at(minutes / 3) for milestone, minutes in dates}

    found = {one.later for one in disorders(known.items())}

    assert found == {
        later
        for later in known
        if any(
            order.index(earlier) < order.index(later) and to_minute(known[earlier]) > to_minute(known[later])
            for earlier in known
        )
    }
