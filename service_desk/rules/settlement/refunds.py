"""Premium earned by the day, and given back when a policy ends early.

The day of notice is not counted as earned; the refund is the premium less what is earned, so the two always
add up to the premium (2014 model clause art. 68, CTPL clause art. 23-24). Before July 2006 a table of short
rates kept a share by months begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from service_desk.base.errors import Invalid
from service_desk.base.money import ZERO, from_fen, round_yuan, to_fen
from service_desk.rules.metrics import earned_fen
from service_desk.rules.settlement.working import (
    Source,
    Step,
    WorkingLine,
    percent,
    require_amount,
    yuan,
)

FEE_BEFORE_START = Decimal("0.03")

SHORT_RATES: tuple[Decimal, ...] = tuple(
    Decimal(share) / 100 for share in (10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95, 100)
)
"""The share of a year's premium for 1 to 12 months; a month begun counts whole (practice, text not read)."""


@dataclass(frozen=True)
class PremiumPart:
    """Premium for some days, `to_on` excluded: of the policy as issued, or of an endorsement (negative: returned).

    With `to_on == from_on` it is earned at once on that day.
    """

    amount: Decimal
    from_on: date
    to_on: date

    @property
    def days(self) -> int:
        return (self.to_on - self.from_on).days

    def elapsed(self, on: date) -> int:
        """The days of it before a day."""
        return (min(max(on, self.from_on), self.to_on) - self.from_on).days

    def earned(self, on: date) -> Decimal:
        """What of it is earned by 00:00 of a day, half-up to the fen."""
        if not self.days:
            return self.amount if on >= self.from_on else ZERO
        # Less than half a fen of premium returned is nought without a sign.
        return earned_premium(self.amount, self.elapsed(on), self.days) or ZERO


@dataclass(frozen=True)
class Refund:
    """What is kept and given back, with its working. `kept` is the earned premium or the fee."""

    term_days: int
    elapsed_days: int
    kept: Decimal
    refund: Decimal
    working: tuple[WorkingLine, ...]


def earned_premium(premium: Decimal, elapsed_days: int, term_days: int) -> Decimal:
    """The premium earned after some days of a term, half-up to the fen."""
    return from_fen(earned_fen(to_fen(premium), elapsed_days, term_days))


def refund_by_day(
    premium: Decimal, start: date, end_exclusive: date, cancel: date, *, source: Source
) -> Refund:
    """Refund of a policy cancelled during its term; Invalid `term_invalid`, `cancel_outside_term`."""
    require_amount(premium, "premium")
    if end_exclusive <= start:
        raise Invalid("term_invalid", field="end_exclusive", value=end_exclusive.isoformat())
    return refund_of_parts([PremiumPart(premium, start, end_exclusive)], cancel, source=source)


def refund_of_parts(parts: Sequence[PremiumPart], cancel: date, *, source: Source) -> Refund:
    """Refund of a policy with its endorsements; the first part is the policy as issued, for its whole term.

    Each part is earned by its own days. Invalid `cancel_outside_term`.
    """
    issued = parts[0]
    if not issued.from_on <= cancel <= issued.to_on:
        raise Invalid("cancel_outside_term", field="cancel", value=cancel.isoformat())
    total = round_yuan(sum((part.amount for part in parts), ZERO))
    earned_parts = [part.earned(cancel) for part in parts]
    # Rounding of several small parts may miss the whole by a fen: never more back than was charged.
    kept = min(max(sum(earned_parts, ZERO), ZERO), total)
    elapsed = issued.elapsed(cancel)
    working = [
        _line(Step.TERM_DAYS, f"{issued.to_on} − {issued.from_on}", Decimal(issued.days), source),
        _line(Step.ELAPSED_DAYS, f"{cancel} − {issued.from_on}", Decimal(elapsed), source),
        *(_earned_line(part, cancel, source) for part in parts),
    ]
    if len(parts) > 1:
        working.append(_line(Step.EARNED, added(earned_parts), kept, source))
    working.append(_line(Step.REFUND, f"{yuan(total)} − {yuan(kept)}", total - kept, source))
    return Refund(issued.days, elapsed, kept, total - kept, tuple(working))


def _earned_line(part: PremiumPart, cancel: date, source: Source) -> WorkingLine:
    formula = yuan(part.amount)
    if part.days:
        formula += f" × {part.elapsed(cancel)} ÷ {part.days}"
    return _line(Step.EARNED, formula, part.earned(cancel), source)


def added(amounts: Sequence[Decimal]) -> str:
    """A sum inside a formula: `1,200.00 + 300.00 − 50.00`."""
    words = yuan(amounts[0])
    for amount in amounts[1:]:
        words += f" {'−' if amount < ZERO else '+'} {yuan(abs(amount))}"
    return words


def refund_before_start(
    premium: Decimal, *, fee: Decimal = FEE_BEFORE_START, source: Source = Source.COMMERCIAL_2014_68
) -> Refund:
    """Refund of a policy cancelled before cover starts: all but a fee, for commercial cover 3 %."""
    require_amount(premium, "premium")
    kept = round_yuan(premium * fee)
    refund = round_yuan(premium) - kept
    working = (
        _line(Step.CANCELLATION_FEE, f"{yuan(premium)} × {percent(fee)}", kept, source),
        _line(Step.REFUND, f"{yuan(premium)} − {yuan(kept)}", refund, source),
    )
    return Refund(0, 0, kept, refund, working)


def refund_by_short_rate(premium: Decimal, months: int) -> Refund:
    """Refund of a year's premium after some months begun, by the table of short rates."""
    require_amount(premium, "annual_premium")
    rate = short_rate(months)
    kept, source = round_yuan(premium * rate), Source.SHORT_RATE_TABLE
    refund = round_yuan(premium) - kept
    working = (
        _line(Step.MONTHS, str(months), Decimal(months), source),
        _line(Step.RETAINED, f"{yuan(premium)} × {percent(rate)}", kept, source),
        _line(Step.REFUND, f"{yuan(premium)} − {yuan(kept)}", refund, source),
    )
    return Refund(0, 0, kept, refund, working)


def short_term_premium(annual: Decimal, months: int) -> tuple[Decimal, tuple[WorkingLine, ...]]:
    """The premium of a policy for fewer months than a year, by the same table, with its working."""
    require_amount(annual, "annual_premium")
    rate = short_rate(months)
    premium, source = round_yuan(annual * rate), Source.SHORT_RATE_TABLE
    line = _line(Step.SHORT_TERM_PREMIUM, f"{yuan(annual)} × {percent(rate)}", premium, source)
    return premium, (_line(Step.MONTHS, str(months), Decimal(months), source), line)


def short_rate(months: int) -> Decimal:
    """The share for 1 to 12 months; Invalid `months_invalid`."""
    if not 1 <= months <= len(SHORT_RATES):
        raise Invalid("months_invalid", field="months", value=str(months))
    return SHORT_RATES[months - 1]


def months_begun(start: date, on: date) -> int:
    """The months from a day up to another, one begun counted whole; at least 1."""
    months = (on.year - start.year) * 12 + on.month - start.month
    return max(1, months + (on.day > start.day))


def uninsured_penalty(premium: Decimal) -> tuple[Decimal, tuple[WorkingLine, ...]]:
    """The fine for a vehicle without CTPL: twice the premium at the lowest limit (CTPL Regulation art. 38)."""
    require_amount(premium, "premium")
    penalty = round_yuan(premium * 2)
    return penalty, (_line(Step.PENALTY, f"{yuan(premium)} × 2", penalty, Source.CTPL_REGULATION_38),)


def _line(step: Step, formula: str, amount: Decimal, source: Source) -> WorkingLine:
    return WorkingLine(step, None, formula, amount, source)
