"""Premium cases as auditors write them: refunds, floats, endorsements, short rates, the fine."""

from decimal import Decimal
from typing import Any

from service_desk.base.clock import add_years
from service_desk.base.money import from_fen, to_fen
from service_desk.rules.rating import floated
from service_desk.rules.settlement import endorsement
from service_desk.rules.settlement.cancellation import CTPL_REASONS
from service_desk.rules.settlement.endorsement import Year
from service_desk.rules.settlement.forms import Answer, Form, amounts
from service_desk.rules.settlement.inputs import Inputs
from service_desk.rules.settlement.refunds import (
    Refund,
    refund_before_start,
    refund_by_day,
    refund_by_short_rate,
    short_term_premium,
    uninsured_penalty,
)
from service_desk.rules.settlement.working import Source, Step, WorkingLine, percent, yuan


def _commercial_refund(inputs: Inputs) -> Answer:
    refund = refund_by_day(
        inputs.amount("premium"),
        inputs.day("start"),
        inputs.day("end_exclusive"),
        inputs.day("cancel"),
        source=Source.COMMERCIAL_2014_68,
    )
    inputs.done()
    return {"term_days": refund.term_days, **_daily(refund)}, refund.working


def _ctpl_refund(inputs: Inputs) -> Answer:
    start = inputs.day("start")
    refund = refund_by_day(
        inputs.amount("premium"),
        start,
        add_years(start, 1),
        inputs.day("cancel"),
        source=Source.CTPL_CLAUSE_23,
    )
    inputs.ignore("base", "float")
    inputs.done()
    return _daily(refund), refund.working


def _daily(refund: Refund) -> dict[str, Any]:
    return {
        "elapsed_days": refund.elapsed_days,
        **amounts({"earned": refund.kept, "refund": refund.refund}),
    }


def _refund_before_start(inputs: Inputs) -> Answer:
    refund = refund_before_start(inputs.amount("premium"))
    return amounts({"fee": refund.kept, "refund": refund.refund}), refund.working


def _floated_premium(inputs: Inputs) -> Answer:
    base, rate = inputs.amount("base"), inputs.signed_rate("float")
    inputs.done()
    premium = from_fen(floated(to_fen(base), rate))
    sign = "−" if rate < 0 else "+"
    formula = f"{yuan(base)} × (1 {sign} {percent(abs(rate))})"
    line = WorkingLine(Step.FLOATED_PREMIUM, None, formula, premium, Source.CTPL_FLOAT_TABLE)
    return amounts({"premium": premium}), (line,)


def _ctpl_reason(inputs: Inputs) -> Answer:
    stated = inputs.text("reason").casefold().replace("_", " ").replace("-", " ")
    inputs.done()
    known = [reason.value.replace("_", " ") for reason in CTPL_REASONS]
    is_allowed = stated in known
    formula = f"{stated} {'∈' if is_allowed else '∉'} {{{', '.join(known)}}}"
    line = WorkingLine(Step.CTPL_REASONS, None, formula, Decimal(is_allowed), Source.CTPL_REGULATION_16)
    return {"allowed": is_allowed}, (line,)


def _short_rate_refund(inputs: Inputs) -> Answer:
    refund = refund_by_short_rate(inputs.amount("annual_premium"), inputs.count("months"))
    inputs.done()
    return amounts({"retained": refund.kept, "refund": refund.refund}), refund.working


def _short_term_premium(inputs: Inputs) -> Answer:
    premium, working = short_term_premium(inputs.amount("annual_premium"), inputs.count("months"))
    inputs.done()
    return amounts({"premium": premium}), working


def _year(inputs: Inputs) -> Year:
    return Year(inputs.count("remaining_days"), inputs.count("term_days"))


def _added_vehicle(inputs: Inputs) -> Answer:
    change = endorsement.pro_rata_premium(
        inputs.amount("annual_premium"), _year(inputs), step=Step.ADDITIONAL_PREMIUM
    )
    inputs.done()
    return amounts({"additional_premium": change.amount}), change.working


def _changed_premium(inputs: Inputs) -> Answer:
    change = endorsement.pro_rata_change(inputs.amount("old"), inputs.amount("new"), _year(inputs))
    inputs.done()
    return amounts({"additional_premium": change.amount}), change.working


def _after_total_loss(inputs: Inputs) -> Answer:
    working = endorsement.no_refund(inputs.amount("own_damage_premium"))
    inputs.done()
    return amounts({"refund": working[0].amount}), working


def _penalty(inputs: Inputs) -> Answer:
    penalty, working = uninsured_penalty(inputs.amount("premium"))
    inputs.done()
    return amounts({"penalty": penalty}), working


PREMIUM_FORMS: list[tuple[set[str], Form]] = [
    ({"premium", "start", "end_exclusive", "cancel"}, _commercial_refund),
    ({"premium", "start", "cancel"}, _ctpl_refund),
    ({"base", "float"}, _floated_premium),
    ({"old", "new", "remaining_days", "term_days"}, _changed_premium),
    ({"annual_premium", "remaining_days", "term_days"}, _added_vehicle),
    ({"own_damage_premium"}, _after_total_loss),
    ({"reason"}, _ctpl_reason),
]

QUESTIONS: dict[frozenset[str], dict[str, Form]] = {
    frozenset({"premium"}): {"penalty": _penalty, "refund": _refund_before_start},
    frozenset({"annual_premium", "months"}): {"refund": _short_rate_refund, "premium": _short_term_premium},
}
"""Forms whose inputs alone do not tell what is asked."""
