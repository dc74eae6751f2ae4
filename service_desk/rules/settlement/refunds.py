"""Premium given back when a policy ends early.

Earned by the day, the day of notice not counted; the refund is the premium less what is earned, so the two
always add up to the premium (2014 model clause art. 68, CTPL clause art. 23-24).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from service_desk.base.errors import Invalid
from service_desk.base.money import round_yuan
from service_desk.rules.settlement.working import (
    Source,
    Step,
    WorkingLine,
    percent,
    require_amount,
    yuan,
)

FEE_BEFORE_START = Decimal("0.03")


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
    return round_yuan(premium * elapsed_days / term_days)


def refund_by_day(
    premium: Decimal, start: date, end_exclusive: date, cancel: date, *, source: Source
) -> Refund:
    """Refund of a policy cancelled during its term; Invalid `term_invalid`, `cancel_outside_term`."""
    require_amount(premium, "premium")
    if end_exclusive <= start:
        raise Invalid("term_invalid", field="end_exclusive", value=end_exclusive.isoformat())
    if not start <= cancel <= end_exclusive:
        raise Invalid("cancel_outside_term", field="cancel", value=cancel.isoformat())
    term, elapsed = (end_exclusive - start).days, (cancel - start).days
    earned = earned_premium(premium, elapsed, term)
    refund = round_yuan(premium) - earned
    working = (
        _line(Step.TERM_DAYS, f"{end_exclusive} − {start}", Decimal(term), source),
        _line(Step.ELAPSED_DAYS, f"{cancel} − {start}", Decimal(elapsed), source),
        _line(Step.EARNED, f"{yuan(premium)} × {elapsed} ÷ {term}", earned, source),
        _line(Step.REFUND, f"{yuan(premium)} − {yuan(earned)}", refund, source),
    )
    return Refund(term, elapsed, earned, refund, working)


def refund_before_start(premium: Decimal) -> Refund:
    """Refund of a commercial policy cancelled before cover starts: all but a fee of 3 %."""
    require_amount(premium, "premium")
    fee = round_yuan(premium * FEE_BEFORE_START)
    refund, source = round_yuan(premium) - fee, Source.COMMERCIAL_2014_68
    working = (
        _line(Step.CANCELLATION_FEE, f"{yuan(premium)} × {percent(FEE_BEFORE_START)}", fee, source),
        _line(Step.REFUND, f"{yuan(premium)} − {yuan(fee)}", refund, source),
    )
    return Refund(0, 0, fee, refund, working)


def _line(step: Step, formula: str, amount: Decimal, source: Source) -> WorkingLine:
    return WorkingLine(step, None, formula, amount, source)
