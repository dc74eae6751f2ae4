"""Which vehicle is covered when, and why a policy cannot be issued."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.base.clock import start_of_day
from service_desk.rules.coverage import (
    CoverPeriod,
    IssueFacts,
    Refusal,
    Span,
    VehicleCover,
    cover_at,
    coverage_ratio,
    gaps,
    missing_lines,
    overlaps,
    refusals_for_issue,
    start_after,
)
from service_desk.rules.metrics import Ratio
from service_desk.rules.vocabulary import PolicyLine, UseClass

CTPL, COMMERCIAL, CARRIER = PolicyLine
GOOD = IssueFacts(vin="LZYTBTE61N1001850", use_class=UseClass.COACH, state="operating")


def at(month: int, day: int, year: int = 2026) -> datetime:
    return start_of_day(date(year, month, day))


def period(
    start: datetime, end: datetime, line: PolicyLine = CTPL, source: str = "POL-2026-000001"
) -> CoverPeriod:
    return CoverPeriod(start, end, line, source)


MARCH_TO_JUNE = period(at(3, 1), at(6, 1))
JUNE_TO_SEPTEMBER = period(at(6, 1), at(9, 1), source="POL-2026-000002")


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        (at(3, 1) - timedelta(microseconds=1), None),
        (at(3, 1), MARCH_TO_JUNE),
        (at(6, 1) - timedelta(microseconds=1), MARCH_TO_JUNE),
        (at(6, 1), JUNE_TO_SEPTEMBER),
        (at(9, 1), None),
    ],
)
def test_cover_holds_from_its_start_up_to_its_end(moment: datetime, found: CoverPeriod | None) -> None:
    assert cover_at([JUNE_TO_SEPTEMBER, MARCH_TO_JUNE], CTPL, moment) == found


def test_cover_of_another_line_does_not_count() -> None:
    assert cover_at([period(at(3, 1), at(6, 1), COMMERCIAL)], CTPL, at(4, 1)) is None


@pytest.mark.parametrize(
    ("use_class", "missing"),
    [
        (UseClass.COACH, [COMMERCIAL, CARRIER]),
        (UseClass.CITY_BUS, [COMMERCIAL, CARRIER]),
        (UseClass.TAXI_RENTAL, [COMMERCIAL, CARRIER]),
        (UseClass.GOODS, [COMMERCIAL]),
        (UseClass.NON_OPERATING, [COMMERCIAL]),
        (None, []),
    ],
)
def test_required_layers_follow_the_use_class(use_class: UseClass | None, missing: list[PolicyLine]) -> None:
    assert missing_lines(use_class, [MARCH_TO_JUNE], at(4, 1)) == missing


def test_gaps_before_between_and_after() -> None:
    later = period(at(7, 1), at(8, 1))
    assert gaps([later, MARCH_TO_JUNE], CTPL, Span(at(1, 1), at(12, 1))) == [
        Span(at(1, 1), at(3, 1)),
        Span(at(6, 1), at(7, 1)),
        Span(at(8, 1), at(12, 1)),
    ]


def test_renewal_at_the_end_leaves_neither_gap_nor_overlap() -> None:
    periods = [MARCH_TO_JUNE, JUNE_TO_SEPTEMBER]
    assert gaps(periods, CTPL, Span(at(3, 1), at(9, 1))) == []
    assert overlaps(periods, CTPL) == []


def test_one_second_too_early_is_an_overlap() -> None:
    early = period(at(6, 1) - timedelta(seconds=1), at(9, 1))
    assert overlaps([early, MARCH_TO_JUNE], CTPL) == [(MARCH_TO_JUNE, early)]


def test_new_term_begins_exactly_when_the_old_one_ends() -> None:
    assert start_after([MARCH_TO_JUNE], CTPL, at(5, 20)) == at(6, 1)
    assert start_after([JUNE_TO_SEPTEMBER, MARCH_TO_JUNE], CTPL, at(5, 20)) == at(9, 1)
    assert start_after([MARCH_TO_JUNE], CTPL, at(6, 2)) == at(6, 2)
    assert start_after([], CTPL, at(6, 2)) == at(6, 2)


def test_vehicle_in_order_is_not_refused() -> None:
    assert refusals_for_issue(GOOD, CTPL, Span(at(6, 1), at(6, 1, 2027)), [MARCH_TO_JUNE]) == []


def test_all_reasons_are_told_at_once() -> None:
    facts = IssueFacts(vin=None, use_class=None, state="retired")
    found = refusals_for_issue(facts, CTPL, Span(at(6, 1), at(6, 1, 2027)), [])
    assert [refusal.code for refusal in found] == ["vehicle_retired", "vin_missing", "no_use_class"]


def test_suspended_vehicle_is_refused() -> None:
    facts = IssueFacts(GOOD.vin, GOOD.use_class, "suspended")
    assert refusals_for_issue(facts, CTPL, Span(at(6, 1), at(7, 1)), []) == [Refusal("vehicle_suspended")]


def test_overlap_tells_the_last_covered_day_and_the_policy() -> None:
    found = refusals_for_issue(GOOD, CTPL, Span(at(5, 31), at(5, 31, 2027)), [MARCH_TO_JUNE])
    assert found == [
        Refusal(
            "overlaps_cover_in_force",
            {"ends_on": date(2026, 5, 31), "source": "POL-2026-000001", "line": "ctpl"},
        )
    ]


def test_cover_that_begins_later_clashes_as_well() -> None:
    future = period(at(1, 1, 2027), at(1, 1, 2028))
    found = refusals_for_issue(GOOD, CTPL, Span(at(6, 1), at(6, 1, 2027)), [future])
    assert [refusal.code for refusal in found] == ["overlaps_cover_in_force"]


def test_coverage_ratio_of_the_worked_example() -> None:
    full = [period(at(1, 1), at(1, 1, 2027), line) for line in PolicyLine]
    fleet = (
        [VehicleCover("operating", UseClass.COACH, full)] * 1174
        + [VehicleCover("operating", UseClass.COACH, full[:2])] * 6
        + [VehicleCover("suspended", UseClass.COACH)] * 22
    )
    ratio = coverage_ratio(fleet, at(6, 1))
    assert ratio == Ratio(1174, 1180)
    assert str(ratio.percent(2)) == "99.49"


@given(
    spans=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=8),
    probe=st.integers(0, 59),
)
def test_each_instant_is_either_covered_or_in_a_gap(spans: list[tuple[int, int]], probe: int) -> None:
    zero = datetime(2026, 1, 1, tzinfo=UTC)
    periods = [
        period(zero + timedelta(days=first), zero + timedelta(days=first + length)) for first, length in spans
    ]
    found = gaps(periods, CTPL, Span(zero, zero + timedelta(days=60)))
    moment = zero + timedelta(days=probe)
    in_gap = any(span.starts_at <= moment < span.ends_at for span in found)
    assert in_gap == (cover_at(periods, CTPL, moment) is None)
