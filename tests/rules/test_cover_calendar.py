"""The cover calendar's law: gaps and overlaps of a layer, what a class needs, and what a gap may cost."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_desk.base.clock import start_of_day
from service_desk.rules.cover_calendar import (
    LayerPeriod,
    during,
    layer_calendar,
    missing_layers,
    since_when_missing,
)
from service_desk.rules.cover_needs import NeededTimes, NeedVersion, needs_on
from service_desk.rules.coverage import Span
from service_desk.rules.exposure import exposure_without_ctpl, uninsured_penalty
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

CTPL, TPL, OWN_DAMAGE, CARRIER = CoverCode
FIRST = date(2026, 1, 1)
YEAR = Span(start_of_day(FIRST), start_of_day(date(2027, 1, 1)))


def at(month: int, day: int, hour: int = 0) -> datetime:
    return start_of_day(date(2026, month, day)) + timedelta(hours=hour)


def held(start: datetime, end: datetime, source: str = "A", layer: CoverCode = CTPL) -> LayerPeriod:
    return LayerPeriod(start, end, layer, source)


def test_terms_that_meet_leave_neither_gap_nor_overlap() -> None:
    found = layer_calendar([held(at(1, 1), at(6, 1)), held(at(6, 1), YEAR.ends_at, "B")], CTPL, YEAR)
    assert (found.gaps, found.overlaps) == ([], [])
    assert (found.days, found.covered_days) == (365, 365)


def test_gaps_stand_before_between_and_after() -> None:
    found = layer_calendar([held(at(2, 1), at(3, 1)), held(at(3, 4), at(12, 31))], CTPL, YEAR)
    assert found.gaps == [
        Span(YEAR.starts_at, at(2, 1)),
        Span(at(3, 1), at(3, 4)),
        Span(at(12, 31), YEAR.ends_at),
    ]
    assert found.gap_days == 31 + 3 + 1


def test_a_gap_of_hours_breaks_one_day() -> None:
    found = layer_calendar([held(at(1, 1), at(5, 5)), held(at(5, 5, 9), YEAR.ends_at)], CTPL, YEAR)
    assert found.covered_days == 364


def test_one_second_too_early_is_an_overlap() -> None:
    early = held(at(6, 1) - timedelta(seconds=1), YEAR.ends_at, "B")
    (overlap,) = layer_calendar([held(at(1, 1), at(6, 1)), early], CTPL, YEAR).overlaps
    assert overlap.span == Span(at(6, 1) - timedelta(seconds=1), at(6, 1))


def test_overlap_names_both_policies_and_the_time_they_share() -> None:
    first, second = held(at(1, 1), at(7, 1), "A"), held(at(6, 21), YEAR.ends_at, "B")
    (overlap,) = layer_calendar([second, first], CTPL, YEAR).overlaps
    assert (overlap.span, overlap.first, overlap.second) == (Span(at(6, 21), at(7, 1)), first, second)


def test_a_term_within_a_longer_one_overlaps_it_and_leaves_no_gap() -> None:
    long, short = held(at(1, 1), YEAR.ends_at, "A"), held(at(3, 1), at(4, 1), "B")
    found = layer_calendar([long, short], CTPL, YEAR)
    assert found.gaps == []
    assert [one.span for one in found.overlaps] == [Span(at(3, 1), at(4, 1))]


def test_other_layers_do_not_count() -> None:
    assert layer_calendar([held(at(1, 1), YEAR.ends_at, layer=TPL)], CTPL, YEAR).gaps == [YEAR]


_days = st.integers(-30, 400)


@settings(deadline=None)
@given(st.lists(st.tuples(_days, st.integers(1, 200)), max_size=6), st.integers(0, 364 * 24))
def test_every_instant_is_covered_or_in_a_gap_and_never_both(terms: list[tuple[int, int]], hour: int) -> None:
    periods = [
        held(YEAR.starts_at + timedelta(days=start), YEAR.starts_at + timedelta(days=start + days))
        for start, days in terms
    ]
    moment = YEAR.starts_at + timedelta(hours=hour)

    found = layer_calendar(periods, CTPL, YEAR)

    holding = sum(one.holds(moment) for one in periods)
    assert (holding == 0) == any(one.starts_at <= moment < one.ends_at for one in found.gaps)
    assert (holding > 1) == any(one.span.starts_at <= moment < one.span.ends_at for one in found.overlaps)


def test_only_what_lies_on_the_road_counts() -> None:
    gap = Span(at(3, 1), at(4, 1))
    assert during(gap, [(at(3, 20), None), (at(1, 1), at(3, 5))]) == [
        Span(at(3, 1), at(3, 5)),
        Span(at(3, 20), at(4, 1)),
    ]


def test_missing_layers_and_since_when() -> None:
    periods = [held(at(1, 1), at(6, 1)), held(at(1, 1), YEAR.ends_at, layer=TPL)]
    assert missing_layers((CTPL, TPL, CARRIER), periods, at(6, 1)) == (CTPL, CARRIER)
    assert since_when_missing(periods, CTPL, at(6, 9)) == at(6, 1)
    assert since_when_missing(periods, CARRIER, at(6, 9)) is None


GENERAL = NeedVersion(None, UseClass.GOODS, date(2020, 1, 1), (CTPL, TPL))
STRICTER = NeedVersion(None, UseClass.GOODS, date(2026, 7, 1), (CTPL, TPL, OWN_DAMAGE))
OWN = NeedVersion(7, UseClass.GOODS, date(2026, 3, 1), (CTPL,))


@pytest.mark.parametrize(
    ("account_id", "on", "layers"),
    [
        (8, date(2026, 6, 30), (CTPL, TPL)),
        (8, date(2026, 7, 1), (CTPL, TPL, OWN_DAMAGE)),
        (7, date(2026, 2, 28), (CTPL, TPL)),
        (7, date(2026, 3, 1), (CTPL,)),
        (7, date(2026, 7, 1), (CTPL,)),
    ],
)
def test_an_accounts_own_version_goes_before_the_general_one(
    account_id: int, on: date, layers: tuple[CoverCode, ...]
) -> None:
    needs = needs_on([STRICTER, OWN, GENERAL], account_id, on)
    assert needs.layers_of(UseClass.GOODS) == layers
    assert needs.layers_of(UseClass.COACH) == (CTPL, TPL, CARRIER)
    assert needs.layers_of(None) == (CTPL,)


@pytest.mark.parametrize(
    ("use_class", "layers"),
    [
        (UseClass.COACH, (CTPL, TPL, CARRIER)),
        (UseClass.CITY_BUS, (CTPL, TPL, CARRIER)),
        (UseClass.TAXI_RENTAL, (CTPL, TPL, CARRIER)),
        (UseClass.GOODS, (CTPL, TPL)),
        (UseClass.NON_OPERATING, (CTPL, TPL)),
        (None, (CTPL,)),
    ],
)
def test_without_any_version_the_usual_layers_count(
    use_class: UseClass | None, layers: tuple[CoverCode, ...]
) -> None:
    assert needs_on([], 7, FIRST).layers_of(use_class) == layers


def test_own_damage_is_carried_by_the_commercial_line() -> None:
    needs = needs_on([STRICTER], 8, date(2026, 7, 1))
    assert needs.lines_of(UseClass.GOODS) == (PolicyLine.CTPL, PolicyLine.COMMERCIAL)


def test_a_layer_is_needed_from_the_day_its_version_holds() -> None:
    days = [(day, needs_on([GENERAL, STRICTER], 8, day)) for day in (date(2026, 1, 1), date(2026, 7, 1))]
    needed = NeededTimes(days).of(UseClass.GOODS)
    assert needed[OWN_DAMAGE] == [(at(7, 1), None)]
    assert needed[CTPL] == [(at(1, 1), at(7, 1)), (at(7, 1), None)]


def test_p13_the_fine_is_twice_the_premium() -> None:
    assert uninsured_penalty(Decimal(4690)) == Decimal("9380.00")


def test_exposure_takes_the_limits_in_force_on_the_day() -> None:
    now, then = (exposure_without_ctpl(Decimal(4690), date(year, 6, 1)) for year in (2026, 2019))
    assert (now.penalty, now.borne) == (Decimal(9380), Decimal(200_000))
    assert then.borne == Decimal(122_000)
    assert exposure_without_ctpl(None, date(2026, 6, 1)).penalty is None
