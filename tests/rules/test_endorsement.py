"""Endorsements and cancellation: amounts with both sides of each edge, and premium = earned + refund for any dates."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.base.clock import start_of_day
from service_desk.base.errors import Invalid
from service_desk.base.money import from_fen
from service_desk.rules.policy_flow import Term, one_year_term
from service_desk.rules.settlement import PremiumPart, Source, earned_premium
from service_desk.rules.settlement.cancellation import (
    CTPL_REASONS,
    CancelReason,
    refund_on_cancellation,
    regime_for,
)
from service_desk.rules.settlement.endorsement import (
    Closing,
    PremiumChange,
    Year,
    earned,
    effective_instant,
    parts_of_change,
    pro_rata_change,
    pro_rata_premium,
    total_loss_paid,
)
from service_desk.rules.settlement.refunds import months_begun, refund_of_parts, short_rate
from service_desk.rules.vocabulary import PolicyLine

TERM = one_year_term(date(2026, 3, 1))
NOW = start_of_day(date(2026, 6, 9)) + timedelta(hours=9)
AMOUNTS = st.integers(0, 10_000_000_00).map(from_fen)


def part(yuan: str, first: date = date(2026, 3, 1), days: int = 365) -> PremiumPart:
    return PremiumPart(Decimal(yuan), first, first + timedelta(days=days))


def test_an_endorsement_takes_effect_at_once_or_at_the_beginning_of_a_day() -> None:
    assert effective_instant(None, TERM, None, now=NOW) == NOW
    assert effective_instant(date(2026, 9, 1), TERM, None, now=NOW) == start_of_day(date(2026, 9, 1))


def test_before_the_start_it_takes_effect_with_the_cover() -> None:
    early = TERM.starts_at - timedelta(days=9)
    assert effective_instant(None, TERM, None, now=early) == TERM.starts_at


def test_the_first_day_of_a_term_that_began_within_it_means_its_beginning() -> None:
    term = Term(TERM.starts_at + timedelta(hours=10), TERM.ends_at)
    assert effective_instant(date(2026, 3, 1), term, None, now=NOW) == term.starts_at


@pytest.mark.parametrize(
    ("wanted", "last", "code"),
    [
        (date(2026, 2, 28), None, "effective_before_start"),
        (date(2027, 3, 1), None, "effective_after_end"),
        (date(2026, 5, 31), start_of_day(date(2026, 6, 1)), "effective_before_last"),
        (None, NOW + timedelta(minutes=1), "effective_before_last"),
    ],
)
def test_another_day_is_refused(wanted: date | None, last: datetime | None, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        effective_instant(wanted, TERM, last, now=NOW)
    assert (refusal.value.code, refusal.value.field) == (code, "effective_on")


def test_the_edges_of_the_term_and_of_the_last_endorsement_are_allowed() -> None:
    last = start_of_day(date(2026, 6, 1))
    assert effective_instant(date(2026, 6, 1), TERM, last, now=NOW) == last
    assert effective_instant(date(2027, 2, 28), TERM, None, now=NOW) == start_of_day(date(2027, 2, 28))


@given(AMOUNTS, AMOUNTS, st.integers(1, 366), st.data())
def test_a_change_and_its_reverse_cancel_out(
    before: Decimal, after: Decimal, days: int, data: st.DataObject
) -> None:
    year = Year(data.draw(st.integers(0, days)), days)
    there, back = pro_rata_change(before, after, year), pro_rata_change(after, before, year)
    assert there.amount == -back.amount
    assert there.working[-1].amount == there.amount
    assert pro_rata_change(before, after, Year(days, days)).amount == after - before


def test_the_working_of_a_change_says_where_the_price_is_from() -> None:
    change = pro_rata_change(Decimal(6570), Decimal(8030), Year(250, 365), price=Source.AGREED_PREMIUM)
    assert [line.clause for line in change.working] == [
        Source.PRO_RATA_ENDORSEMENT,
        Source.AGREED_PREMIUM,
        Source.PRO_RATA_ENDORSEMENT,
        Source.PRO_RATA_ENDORSEMENT,
    ]


@given(AMOUNTS, st.dates(date(2006, 7, 1), date(2090, 1, 1)), st.integers(1, 800), st.data())
def test_premium_is_earned_plus_refund_for_any_dates(
    premium: Decimal, start: date, days: int, data: st.DataObject
) -> None:
    cancel = start + timedelta(days=data.draw(st.integers(0, days)))
    parts = [PremiumPart(premium, start, start + timedelta(days=days))]
    refund = refund_of_parts(parts, cancel, source=Source.DESK_RULE)
    assert refund.kept + refund.refund == premium
    assert refund.kept == earned_premium(premium, (cancel - start).days, days)


@st.composite
def endorsed_policies(draw: st.DrawFn) -> tuple[list[PremiumPart], date]:
    """The premium of a policy whose year's price changed several times, and a day in or at the end of its term."""
    start = draw(st.dates(date(2006, 7, 1), date(2090, 1, 1)))
    term = one_year_term(start)
    end = start + timedelta(days=term.days)
    annual = draw(AMOUNTS)
    parts, day = [PremiumPart(annual, start, end)], start
    for _ in range(draw(st.integers(0, 5))):
        day += timedelta(days=draw(st.integers(0, max((end - day).days - 1, 0))))
        year = Year((end - day).days, term.days)
        new = draw(AMOUNTS)
        if new < annual and draw(st.booleans()):
            change = total_loss_paid(annual, new, year)
        else:
            change = pro_rata_change(annual, new, year)
        parts += parts_of_change(change, day, end)
        annual = new
    return parts, day + timedelta(days=draw(st.integers(0, (end - day).days)))


@given(endorsed_policies())
def test_premium_with_endorsements_is_earned_plus_refund_to_the_fen(
    case: tuple[list[PremiumPart], date],
) -> None:
    parts, cancel = case
    total = sum((one.amount for one in parts), Decimal(0))
    refund = refund_of_parts(parts, cancel, source=Source.DESK_RULE)
    assert refund.kept + refund.refund == total
    assert 0 <= refund.refund <= total
    assert refund.working[-1].amount == refund.refund
    closing = Closing(cancel, refund.refund)
    assert earned(parts, cancel, closing) == refund.kept
    assert earned(parts, cancel + timedelta(days=500), closing) == refund.kept


@given(endorsed_policies())
def test_all_is_earned_at_the_end_and_nothing_before_the_start(case: tuple[list[PremiumPart], date]) -> None:
    parts, _ = case
    assert earned(parts, parts[0].to_on) == sum((one.amount for one in parts), Decimal(0))
    assert earned(parts, parts[0].from_on - timedelta(days=1)) == 0


def test_own_damage_after_a_total_loss_is_earned_at_once() -> None:
    change = total_loss_paid(Decimal(14340), Decimal(6540), Year(265, 365))
    assert (change.amount, change.earned_at_once) == (0, Decimal("5663.01"))
    assert (change.working[-1].formula, change.working[-1].amount) == ("7,800.00 × 0", 0)
    parts = [part("14340"), *parts_of_change(change, date(2026, 6, 9), date(2027, 3, 1))]
    refund = refund_of_parts(parts, date(2026, 6, 9), source=Source.COMMERCIAL_2014_68)
    assert refund.refund == pro_rata_premium(Decimal(6540), Year(265, 365)).amount


@pytest.mark.parametrize("line", list(PolicyLine))
@pytest.mark.parametrize("reason", list(CancelReason))
def test_who_may_cancel_for_what(line: PolicyLine, reason: CancelReason) -> None:
    def act() -> Decimal:
        return refund_on_cancellation(
            line, reason, [part("3650")], date(2026, 6, 9), is_before_start=False
        ).refund

    if line is PolicyLine.CTPL and reason not in CTPL_REASONS:
        with pytest.raises(Invalid) as refusal:
            act()
        assert refusal.value.code == "ctpl_cancel_reason"
    else:
        assert act() == Decimal("2650.00")


@pytest.mark.parametrize(
    ("line", "reason", "refund"),
    [
        (PolicyLine.COMMERCIAL, CancelReason.SOLD, "3540.50"),
        (PolicyLine.CARRIER_LIABILITY, CancelReason.SOLD, "3540.50"),
        (PolicyLine.COMMERCIAL, CancelReason.REPLACED, "3650.00"),
        (PolicyLine.CTPL, CancelReason.LAID_UP, "3650.00"),
    ],
)
def test_before_the_start(line: PolicyLine, reason: CancelReason, refund: str) -> None:
    found = refund_on_cancellation(line, reason, [part("3650")], date(2026, 3, 1), is_before_start=True)
    assert found.refund == Decimal(refund)
    assert found.kept + found.refund == 3650


@pytest.mark.parametrize(
    ("start", "cancel", "months"),
    [
        (date(2006, 3, 1), date(2006, 3, 1), 1),
        (date(2006, 3, 1), date(2006, 3, 2), 1),
        (date(2006, 3, 1), date(2006, 4, 1), 1),
        (date(2006, 3, 1), date(2006, 4, 2), 2),
        (date(2006, 3, 1), date(2006, 8, 4), 6),
        (date(2005, 12, 31), date(2006, 2, 28), 2),
        (date(2006, 3, 1), date(2007, 3, 1), 12),
    ],
)
def test_a_month_begun_counts_whole(start: date, cancel: date, months: int) -> None:
    assert months_begun(start, cancel) == months


@pytest.mark.parametrize(("starts_on", "kept"), [(date(2006, 6, 30), "0.60"), (date(2006, 7, 1), None)])
def test_the_regime_follows_the_start_of_the_policy(starts_on: date, kept: str | None) -> None:
    parts = [PremiumPart(Decimal(12000), starts_on, starts_on.replace(year=2007))]
    cancel = starts_on + timedelta(days=156)
    found = refund_on_cancellation(
        PolicyLine.COMMERCIAL, CancelReason.SOLD, parts, cancel, is_before_start=False
    )
    by_day = earned_premium(Decimal(12000), 156, 365)
    assert found.kept == (by_day if kept is None else 12000 * Decimal(kept))


def test_there_was_no_ctpl_before_july_2006() -> None:
    with pytest.raises(Invalid, match="no_cancellation_regime"):
        regime_for(PolicyLine.CTPL, date(2006, 6, 30))


@pytest.mark.parametrize("months", [0, 13])
def test_the_table_of_short_rates_has_twelve_months(months: int) -> None:
    with pytest.raises(Invalid, match="months_invalid"):
        short_rate(months)


def test_a_change_of_nothing_has_no_parts() -> None:
    nothing: dict[str, Any] = {"from_on": date(2026, 3, 1), "to_on": date(2027, 3, 1)}
    assert parts_of_change(PremiumChange(Decimal(0)), **nothing) == []
