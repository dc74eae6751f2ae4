"""Which vehicle is covered when, and why a policy cannot be issued."""

from datetime import date, datetime, timedelta

import pytest

from service_desk.base.clock import start_of_day
from service_desk.rules.coverage import (
    CoverPeriod,
    IssueFacts,
    Refusal,
    Span,
    cover_at,
    refusals_for_issue,
    start_after,
)
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
