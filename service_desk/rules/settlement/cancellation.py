"""Cancellation (退保): who may cancel what, for which reason, and what is given back; by the regime of the policy's start.

A regime counts for policies that begin on its day or later. `verified` says whether the published text was read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from service_desk.base.errors import Invalid
from service_desk.base.money import ZERO
from service_desk.rules.settlement.refunds import (
    FEE_BEFORE_START,
    PremiumPart,
    Refund,
    months_begun,
    refund_before_start,
    refund_by_short_rate,
    refund_of_parts,
)
from service_desk.rules.settlement.working import Source
from service_desk.rules.vocabulary import PolicyLine


class CancelReason(StrEnum):
    """Why the insured ends a policy. The first three are those of the CTPL Regulation."""

    DEREGISTERED = "deregistered"
    LAID_UP = "laid_up"
    CONFIRMED_LOST = "confirmed_lost"
    REPLACED = "replaced"
    SOLD = "sold"
    OTHER_INSURER = "other_insurer"
    NOT_NEEDED = "not_needed"


CTPL_REASONS = (CancelReason.DEREGISTERED, CancelReason.LAID_UP, CancelReason.CONFIRMED_LOST)
"""CTPL Regulation art. 16; the insured may not end a CTPL policy for any other."""


class RefundMethod(StrEnum):
    """How premium is given back when cover has begun."""

    BY_DAY = "by_day"
    SHORT_RATE = "short_rate"


@dataclass(frozen=True)
class CancellationRegime:
    """What counts for policies of some lines that begin on a day or later. `reasons` None: any."""

    effective_on: date
    lines: tuple[PolicyLine, ...]
    method: RefundMethod
    fee_before_start: Decimal
    source: Source
    source_before_start: Source
    verified: bool
    reasons: tuple[CancelReason, ...] | None = None


_CTPL_SINCE = date(2006, 7, 1)
_EVER = date(1900, 1, 1)
_FREE_LINES = (PolicyLine.COMMERCIAL, PolicyLine.CARRIER_LIABILITY)

CANCELLATION_REGIMES: tuple[CancellationRegime, ...] = (
    CancellationRegime(
        _EVER,
        _FREE_LINES,
        RefundMethod.SHORT_RATE,
        FEE_BEFORE_START,
        Source.SHORT_RATE_TABLE,
        Source.SHORT_RATE_TABLE,
        verified=False,
    ),
    CancellationRegime(
        _CTPL_SINCE,
        (PolicyLine.COMMERCIAL,),
        RefundMethod.BY_DAY,
        FEE_BEFORE_START,
        Source.COMMERCIAL_2014_68,
        Source.COMMERCIAL_2014_68,
        verified=True,
    ),
    # The contract may set the fee; the desk takes that of the commercial clause until another is agreed.
    CancellationRegime(
        _CTPL_SINCE,
        (PolicyLine.CARRIER_LIABILITY,),
        RefundMethod.BY_DAY,
        FEE_BEFORE_START,
        Source.INSURANCE_LAW_54,
        Source.INSURANCE_LAW_54,
        verified=False,
    ),
    CancellationRegime(
        _CTPL_SINCE,
        (PolicyLine.CTPL,),
        RefundMethod.BY_DAY,
        ZERO,
        Source.CTPL_CLAUSE_23,
        Source.CTPL_REGULATION_17,
        verified=True,
        reasons=CTPL_REASONS,
    ),
)


def regime_for(line: PolicyLine, starts_on: date) -> CancellationRegime:
    """The regime of a policy of a line that begins on a day; Invalid `no_cancellation_regime` (CTPL before July 2006)."""
    found = [
        regime for regime in CANCELLATION_REGIMES if line in regime.lines and regime.effective_on <= starts_on
    ]
    if not found:
        raise Invalid("no_cancellation_regime", field="effective_on")
    return max(found, key=lambda regime: regime.effective_on)


def require_reason(line: PolicyLine, starts_on: date, reason: CancelReason) -> None:
    """Refuse a reason that the law does not know: Invalid `ctpl_cancel_reason` (CTPL Regulation art. 16)."""
    allowed = regime_for(line, starts_on).reasons
    if allowed is not None and reason not in allowed:
        raise Invalid("ctpl_cancel_reason", field="cause")


def refund_on_cancellation(
    line: PolicyLine,
    reason: CancelReason,
    parts: Sequence[PremiumPart],
    cancel_on: date,
    *,
    is_before_start: bool,
) -> Refund:
    """What a cancelled policy gives back. `parts[0]` is the policy as issued, the others its endorsements.

    Before the start all but the regime's fee; later by the day, or by the short rates of old policies. A vehicle
    replaced goes over to a policy of the same desk and pays no fee. Invalid: `ctpl_cancel_reason`,
    `no_cancellation_regime`, `cancel_outside_term`.
    """
    starts_on = parts[0].from_on
    regime = regime_for(line, starts_on)
    require_reason(line, starts_on, reason)
    total = sum((part.amount for part in parts), ZERO)
    if is_before_start:
        fee = ZERO if reason is CancelReason.REPLACED else regime.fee_before_start
        return refund_before_start(total, fee=fee, source=regime.source_before_start)
    if regime.method is RefundMethod.SHORT_RATE:
        return refund_by_short_rate(total, min(12, months_begun(starts_on, cancel_on)))
    return refund_of_parts(parts, cancel_on, source=regime.source)
