"""The working of a calculation: one line a step, with its numbers, so that a reader can redo it."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from service_desk.base.errors import Invalid
from service_desk.base.money import FEN, ZERO

SMALLEST_SHOWN = Decimal("0.000001")
"""Shares of fault and deductibles in whole percent leave no smaller part of a yuan."""


class Coverage(StrEnum):
    """What a line is paid under."""

    CTPL_DEATH = "ctpl_death"
    CTPL_MEDICAL = "ctpl_medical"
    CTPL_PROPERTY = "ctpl_property"
    TPL = "tpl"
    OWN_DAMAGE = "own_damage"
    CTPL_ADVANCE = "ctpl_advance"
    TPL_TRAILER = "tpl_trailer"
    RESCUE_FEE = "rescue_fee"
    OCCUPANTS = "occupants"
    CARRIER = "carrier_liability"
    GLASS = "glass"
    THEFT = "theft"


class Step(StrEnum):
    """The label of a working line; the page holds the words."""

    CTPL_ITEM = "ctpl_item"
    CTPL_LAPSED = "ctpl_lapsed"
    CTPL_TOTAL = "ctpl_total"
    EXCESS_OVER_CTPL = "excess_over_ctpl"
    AFTER_FAULT = "after_fault"
    AFTER_CAP = "after_cap"
    TPL_PAY = "tpl_pay"
    TPL_ABSENT = "tpl_absent"
    OWN_DAMAGE_BASE = "own_damage_base"
    OWN_DAMAGE_PAY = "own_damage_pay"
    TOTAL = "total"
    TERM_DAYS = "term_days"
    ELAPSED_DAYS = "elapsed_days"
    EARNED = "earned"
    CANCELLATION_FEE = "cancellation_fee"
    REFUND = "refund"
    FLOATED_PREMIUM = "floated_premium"
    MONTHS = "months"
    RETAINED = "retained"
    SHORT_TERM_PREMIUM = "short_term_premium"
    ANNUAL_BEFORE = "annual_before"
    ANNUAL_AFTER = "annual_after"
    REMAINING_DAYS = "remaining_days"
    ADDITIONAL_PREMIUM = "additional_premium"
    RETURN_PREMIUM = "return_premium"
    PRO_RATA_PREMIUM = "pro_rata_premium"
    OWN_DAMAGE_PREMIUM = "own_damage_premium"
    OWN_DAMAGE_KEPT = "own_damage_kept"
    CTPL_REASONS = "ctpl_reasons"
    PENALTY = "penalty"
    CTPL_SHARE = "ctpl_share"
    CTPL_VICTIM = "ctpl_victim"
    CTPL_ADVANCE = "ctpl_advance"
    CTPL_EXCLUDED = "ctpl_excluded"
    CTPL_PAYER = "ctpl_payer"
    TPL_EXCLUDED = "tpl_excluded"
    TPL_VICTIM = "tpl_victim"
    TRACTOR_SHARE = "tractor_share"
    TRAILER_SHARE = "trailer_share"
    OWN_DAMAGE_EXCLUDED = "own_damage_excluded"
    RESCUE_FEE_SHARE = "rescue_fee_share"
    SEAT_PAY = "seat_pay"
    OCCUPANTS_TOTAL = "occupants_total"
    OCCUPANTS_EXCLUDED = "occupants_excluded"
    PASSENGER_PAY = "passenger_pay"
    CARRIER_TOTAL = "carrier_total"
    GLASS_PAY = "glass_pay"
    GLASS_EXCLUDED = "glass_excluded"
    THEFT_PAY = "theft_pay"
    SUBROGATION = "subrogation"
    RECOVERY = "recovery"
    ADVANCE = "advance"
    BALANCE = "balance"
    TERM = "term"
    LOSS_RATIO = "loss_ratio"
    RATE = "rate"
    COUNT = "count"
    RESERVE_CLOSE = "reserve_close"


COUNTING_STEPS = frozenset(
    {
        Step.TERM_DAYS,
        Step.ELAPSED_DAYS,
        Step.REMAINING_DAYS,
        Step.MONTHS,
        Step.CTPL_REASONS,
        Step.TERM,
        Step.LOSS_RATIO,
        Step.RATE,
        Step.COUNT,
    }
)
"""Steps whose result is a number of days, months or reasons, or a percentage, not money."""


class Source(StrEnum):
    """The clause a step rests on; the page holds its title."""

    CTPL_CLAUSE_8 = "ctpl_clause_8"
    CTPL_CLAUSE_8_NO_FAULT = "ctpl_clause_8_no_fault"
    CTPL_CLAUSE_23 = "ctpl_clause_23"
    CTPL_FLOAT_TABLE = "ctpl_float_table"
    CTPL_REGULATION_16 = "ctpl_regulation_16"
    CTPL_REGULATION_17 = "ctpl_regulation_17"
    CTPL_REGULATION_38 = "ctpl_regulation_38"
    COMMERCIAL_2014_11_19 = "commercial_2014_11_19"
    COMMERCIAL_2014_17_19 = "commercial_2014_17_19"
    COMMERCIAL_2014_21 = "commercial_2014_21"
    COMMERCIAL_2014_26 = "commercial_2014_26"
    COMMERCIAL_2014_35 = "commercial_2014_35"
    COMMERCIAL_2014_68 = "commercial_2014_68"
    COMMERCIAL_2020_OWN_DAMAGE = "commercial_2020_own_damage"
    COMMERCIAL_2020_TPL = "commercial_2020_tpl"
    INSURANCE_LAW_54 = "insurance_law_54"
    SHORT_RATE_TABLE = "short_rate_table"
    PRO_RATA_ENDORSEMENT = "pro_rata_endorsement"
    PRICE_TABLE = "price_table"
    AGREED_PREMIUM = "agreed_premium"
    DESK_RULE = "desk_rule"
    CTPL_REGULATION_22 = "ctpl_regulation_22"
    CTPL_REGULATION_28 = "ctpl_regulation_28"
    COURT_TRAFFIC_15 = "court_traffic_15"
    COURT_TRAFFIC_18 = "court_traffic_18"
    COURT_TRAFFIC_19 = "court_traffic_19"
    SHARED_BY_LOSS = "shared_by_loss"
    PAYER_AGREEMENT = "payer_agreement"
    COMMERCIAL_2006_FAULT = "commercial_2006_fault"
    COMMERCIAL_2014_7_19 = "commercial_2014_7_19"
    COMMERCIAL_2014_8 = "commercial_2014_8"
    COMMERCIAL_2014_18 = "commercial_2014_18"
    COMMERCIAL_2014_24 = "commercial_2014_24"
    COMMERCIAL_2014_29 = "commercial_2014_29"
    COMMERCIAL_2014_41 = "commercial_2014_41"
    COMMERCIAL_2014_43_48 = "commercial_2014_43_48"
    COMMERCIAL_2014_54_59 = "commercial_2014_54_59"
    COMMERCIAL_2014_GLASS = "commercial_2014_glass"
    COMMERCIAL_2020_OCCUPANTS = "commercial_2020_occupants"
    CARRIER_CONTRACT = "carrier_contract"
    INSURANCE_LAW_23 = "insurance_law_23"
    INSURANCE_LAW_24 = "insurance_law_24"
    INSURANCE_LAW_25 = "insurance_law_25"
    SERVICE_TARGETS_2005 = "service_targets_2005"
    FIGURE_DEFINITION = "figure_definition"


@dataclass(frozen=True)
class WorkingLine:
    """One step: what it is (`label_key`), under which coverage, its formula with numbers, result and source.

    `amount` is yuan, rounded for print (a count for `COUNTING_STEPS`); later steps go on with the unrounded
    figure, because only what is paid is rounded, and their formulas show it so that they can be done again. `coverage` is None for totals and refunds. `about` names the
    person or vehicle of a line that is one of several alike.
    """

    label_key: Step
    coverage: Coverage | None
    formula: str
    amount: Decimal
    clause: Source
    about: str = ""

    def as_json(self) -> dict[str, str | None]:
        """The line as auditors get it and rows keep it."""
        named: dict[str, str | None] = {"about": self.about} if self.about else {}
        return named | {
            "label_key": self.label_key.value,
            "coverage": self.coverage.value if self.coverage else None,
            "formula": self.formula,
            "amount": str(self.amount) if self.label_key in COUNTING_STEPS else f"{self.amount:.2f}",
            "clause": self.clause.value,
        }


def yuan(amount: Decimal) -> str:
    """An amount inside a formula: 12,345.00, and 50.005 where a step before came to parts of a fen."""
    # Written out: a calculation says some sixty amounts.
    shown = amount.quantize(FEN, ROUND_HALF_UP)
    if shown == amount:
        return f"{shown:,.2f}"
    exact = amount.normalize()
    # A quotient may go on for ever.
    return f"{exact if exact == exact.quantize(SMALLEST_SHOWN) else shown:,f}"


def not_below_nought(formula: str, amount: Decimal) -> str:
    """A formula whose bare numbers come to `amount`, as it is where nothing less than nought is paid."""
    return f"max({formula}, 0)" if amount < ZERO else formula


def percent(rate: Decimal) -> str:
    """A rate inside a formula: 0.7 is 70%, 0.125 is 12.5%."""
    return f"{(rate * 100).normalize():f}%"


def kept(*rates: Decimal) -> str:
    """The factors left by deductible rates: ` × (1 − 20%) × (1 − 10%)`; empty when all are nought."""
    return "".join(f" × (1 − {percent(rate)})" for rate in rates if rate)


def require_amount(amount: Decimal, field: str) -> None:
    """Refuse an amount that is negative or no number: Invalid `amount_invalid`."""
    if not amount.is_finite() or amount < ZERO:
        raise Invalid("amount_invalid", field=field, value=str(amount))


def require_share(rate: Decimal, field: str) -> None:
    """Refuse a rate outside nought to one: Invalid `rate_invalid`."""
    if not rate.is_finite() or not 0 <= rate <= 1:
        raise Invalid("rate_invalid", field=field, value=str(rate))
