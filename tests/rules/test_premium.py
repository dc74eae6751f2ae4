"""Splitting premium, plans that cannot be, levels of dunning, and what of a credit limit is used."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.rules.premium import (
    AgeBand,
    Credit,
    DunningLevel,
    Instalment,
    PlanPart,
    Terms,
    age_bands,
    dunning_levels,
    plan_faults,
    split,
    terms_faults,
)

TODAY = date(2026, 11, 23)


@given(
    open_fen=st.integers(0, 10**9),
    tax_fen=st.integers(0, 10**6),
    weights=st.lists(st.integers(1, 10_000), min_size=1, max_size=12),
)
def test_instalments_add_up_whatever_is_split(open_fen: int, tax_fen: int, weights: list[int]) -> None:
    parts = split(open_fen, tax_fen, weights)
    assert sum(parts) == open_fen
    assert len(parts) == len(weights)
    assert parts[0] >= min(tax_fen, open_fen)
    assert min(parts) >= 0


def test_equal_parts_differ_by_a_fen_and_tax_stands_in_the_first() -> None:
    assert split(100_00, 0, [1, 1, 1]) == [33_34, 33_33, 33_33]
    assert split(100_00 + 36_000, 36_000, [1, 1, 1]) == [36_000 + 33_34, 33_33, 33_33]
    assert split(100_00, 36_000, [1, 1]) == [100_00, 0]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ([(TODAY, None)], []),
        ([(TODAY, "40"), (date(2027, 1, 1), "60")], []),
        ([], [("count", "plan_length")]),
        ([(None, None)], [("due_on_1", "required")]),
        ([(date(2026, 11, 22), None)], [("due_on_1", "plan_day_past")]),
        ([(TODAY, None), (TODAY, None)], [("due_on_2", "plan_days_out_of_order")]),
        ([(TODAY, "40"), (date(2027, 1, 1), None)], [("percent_2", "plan_percent_missing")]),
        ([(TODAY, "40"), (date(2027, 1, 1), "59.99")], [("percent_2", "plan_percents_not_100")]),
        ([(TODAY, "0"), (date(2027, 1, 1), "100")], [("percent_1", "plan_percent_wrong")]),
        (
            [(TODAY, "33.333"), (date(2027, 1, 1), "66.667")],
            [("percent_1", "plan_percent_wrong"), ("percent_2", "plan_percent_wrong")],
        ),
    ],
)
def test_a_plan_that_cannot_be_says_why(
    plan: list[tuple[date | None, str | None]], expected: list[tuple[str, str]]
) -> None:
    asked = [Instalment(day, None if share is None else Decimal(share)) for day, share in plan]
    assert [(fault.field, fault.code) for fault in plan_faults(asked, TODAY)] == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"age_days": ()}, "age_days"),
        ({"age_days": (30, 30)}, "age_days"),
        ({"age_days": (0, 30)}, "age_days"),
        ({"dunning_days": (-91, 1)}, "dunning_days"),
        ({"plan_parts": (PlanPart(0, 5000), PlanPart(30, 4000))}, "plan_percents"),
        ({"plan_parts": (PlanPart(30, 5000), PlanPart(0, 5000))}, "plan_days"),
    ],
)
def test_terms_that_cannot_be_name_their_field(changes: dict[str, object], field: str) -> None:
    assert [fault.field for fault in terms_faults(Terms(**changes))] == [field]  # type: ignore[arg-type]


def test_levels_and_columns_adjoin() -> None:
    assert dunning_levels((-7, 1, 31)) == [DunningLevel(-7, 1), DunningLevel(1, 31), DunningLevel(31, None)]
    assert age_bands((30, 90)) == [AgeBand(None, 0), AgeBand(1, 30), AgeBand(31, 90), AgeBand(91, None)]
    first, second, last = dunning_levels((-7, 1, 31))
    assert [
        level.holds(days) for level, days in ((first, -7), (first, 0), (second, 1), (second, 30), (last, 31))
    ]
    assert not first.holds(-8)


def test_money_with_us_makes_room_under_the_limit() -> None:
    credit = Credit(100_00, 90_00, unallocated_fen=15_00, refunds_fen=5_00)
    assert credit.used_fen == 70_00
    assert (credit.exceeded_by(30_00), credit.exceeded_by(30_01)) == (0, 1)
    assert Credit(None, 90_00).exceeded_by(10**12) == 0
