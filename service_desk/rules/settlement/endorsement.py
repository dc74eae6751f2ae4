"""Endorsements (批改): from when one takes effect, and what premium it adds or returns, with its working.

The premium of a year changes from one figure to another; what is charged or returned is the difference for the
days that remain, the day of effect included: difference x remaining days / days of the year, half-up to the fen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from service_desk.base.clock import local_date, start_of_day
from service_desk.base.errors import Invalid
from service_desk.base.money import ZERO, round_yuan
from service_desk.rules.policy_flow import Term
from service_desk.rules.settlement.refunds import PremiumPart
from service_desk.rules.settlement.working import (
    Coverage,
    Source,
    Step,
    WorkingLine,
    require_amount,
    yuan,
)


@dataclass(frozen=True)
class PremiumChange:
    """What an endorsement adds, or returns when negative, in yuan. `working` ends in that figure.

    `earned_at_once` is premium of the days to come that is kept all the same: of own damage after a total loss.
    """

    amount: Decimal
    working: tuple[WorkingLine, ...] = ()
    earned_at_once: Decimal = ZERO


@dataclass(frozen=True)
class Year:
    """What a premium is priced for: the days of the year, and how many of them remain from the day of effect on."""

    remaining_days: int
    days: int


def effective_instant(
    wanted_on: date | None, term: Term, last_effective_at: datetime | None, *, now: datetime
) -> datetime:
    """When an endorsement takes effect: at once (None), or at 00:00 of a day; never before the policy's start.

    `term` is the term in which the policy gives cover. Invalid: `effective_before_start`, `effective_after_end`,
    and `effective_before_last` for a day before the last endorsement takes effect: that one was worked out from
    the policy as it stood (domain.md section 8).
    """
    if wanted_on is None:
        moment = max(now, term.starts_at)
    else:
        moment = start_of_day(wanted_on)
        if wanted_on == term.first_day:
            moment = max(moment, term.starts_at)
    if moment < term.starts_at:
        raise Invalid(
            "effective_before_start", field="effective_on", starts_on=f"{local_date(term.starts_at)}"
        )
    if moment >= term.ends_at:
        raise Invalid("effective_after_end", field="effective_on", ends_on=f"{term.last_day}")
    if last_effective_at is not None and moment < last_effective_at:
        raise Invalid("effective_before_last", field="effective_on", last=last_effective_at)
    return moment


def end_exclusive(term: Term) -> date:
    """The day after the last covered one."""
    return term.last_day + timedelta(days=1)


def remaining_days(effective_at: datetime, term: Term) -> int:
    """The days from the day of effect, counted, to the last covered one."""
    return (end_exclusive(term) - local_date(effective_at)).days


def pro_rata_change(
    before: Decimal, after: Decimal, year: Year, *, price: Source = Source.PRICE_TABLE
) -> PremiumChange:
    """The premium added or returned when a year's premium changes; `price` says where the new one comes from.

    Invalid: `amount_invalid`, `days_invalid`.
    """
    require_amount(before, "old")
    require_amount(after, "new")
    _require_days(year)
    amount = round_yuan((after - before) * year.remaining_days / year.days)
    source = Source.PRO_RATA_ENDORSEMENT
    step = Step.RETURN_PREMIUM if amount < ZERO else Step.ADDITIONAL_PREMIUM
    formula = f"({yuan(after)} − {yuan(before)}) × {year.remaining_days} ÷ {year.days}"
    return PremiumChange(
        amount,
        (
            _line(Step.ANNUAL_BEFORE, yuan(before), before, source),
            _line(Step.ANNUAL_AFTER, yuan(after), after, price),
            _line(Step.REMAINING_DAYS, f"{year.remaining_days} ÷ {year.days}", year.remaining_days, source),
            _line(step, formula, amount, source),
        ),
    )


def pro_rata_premium(
    annual: Decimal,
    year: Year,
    *,
    step: Step = Step.PRO_RATA_PREMIUM,
    price: Source = Source.PRICE_TABLE,
) -> PremiumChange:
    """The premium of a vehicle insured for the rest of a year only, so that all end together."""
    require_amount(annual, "annual_premium")
    _require_days(year)
    amount, source = round_yuan(annual * year.remaining_days / year.days), Source.PRO_RATA_ENDORSEMENT
    formula = f"{yuan(annual)} × {year.remaining_days} ÷ {year.days}"
    return PremiumChange(
        amount, (_line(Step.ANNUAL_AFTER, yuan(annual), annual, price), _line(step, formula, amount, source))
    )


def total_loss_paid(before: Decimal, after: Decimal, year: Year) -> PremiumChange:
    """Own damage ends when its total loss is paid, and no premium is returned (2014 model clause art. 21).

    `before` and `after` are a year's premium with and without own damage: what is charged for the days to come
    is kept, and counts as earned from that day on.
    """
    own_damage = before - after
    require_amount(own_damage, "own_damage_premium")
    _require_days(year)
    kept, source = round_yuan(own_damage * year.remaining_days / year.days), Source.COMMERCIAL_2014_21
    formula = f"{yuan(own_damage)} × {year.remaining_days} ÷ {year.days}"
    return PremiumChange(
        ZERO,
        (
            _line(Step.OWN_DAMAGE_PREMIUM, f"{yuan(before)} − {yuan(after)}", own_damage, Source.PRICE_TABLE),
            _line(Step.OWN_DAMAGE_KEPT, formula, kept, source),
            no_refund(own_damage)[0],
        ),
        earned_at_once=kept,
    )


def no_refund(own_damage: Decimal) -> tuple[WorkingLine]:
    """The line that says that nothing is returned of own damage after its total loss was paid."""
    require_amount(own_damage, "own_damage_premium")
    line = WorkingLine(
        Step.REFUND, Coverage.OWN_DAMAGE, f"{yuan(own_damage)} × 0", ZERO, Source.COMMERCIAL_2014_21
    )
    return (line,)


def parts_of_change(change: PremiumChange, from_on: date, to_on: date) -> list[PremiumPart]:
    """How an endorsement's premium is earned: by the day from the day of effect on, what is kept at once."""
    kept = change.earned_at_once
    by_day = change.amount - kept
    parts = [PremiumPart(by_day, from_on, to_on)] if by_day else []
    return [*parts, PremiumPart(kept, from_on, from_on)] if kept else parts


@dataclass(frozen=True)
class Closing:
    """A cancellation: from which day the policy earns no more, and what was given back."""

    on: date
    refund: Decimal


def earned(parts: Sequence[PremiumPart], on: date, closing: Closing | None = None) -> Decimal:
    """What is earned of a policy by 00:00 of a day (满期保费): as issued by the day, endorsements from their day of effect.

    A cancelled policy has earned its premium less what was given back from the day of the cancellation on.
    """
    if closing is not None and on >= closing.on:
        return sum((part.amount for part in parts), ZERO) - closing.refund
    return sum((part.earned(on) for part in parts), ZERO)


def _require_days(year: Year) -> None:
    if not 0 <= year.remaining_days <= year.days or year.days < 1:
        raise Invalid("days_invalid", field="remaining_days", value=str(year.remaining_days))


def _line(step: Step, formula: str, amount: Decimal | int, source: Source) -> WorkingLine:
    return WorkingLine(step, None, formula, Decimal(amount), source)
