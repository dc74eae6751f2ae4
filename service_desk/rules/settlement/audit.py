"""The calculation as auditors call it: plain JSON in, plain JSON out.

A case is `{"id", "kind", "inputs"}`. Kind `claim` takes third-party losses (inputs with `loss`) or own
damage (inputs with `sum_insured`); kind `premium` takes a refund by the day (`premium`, `start`, `cancel` and,
for a commercial policy, `end_exclusive`; without it a CTPL year is meant), a commercial policy cancelled
before its start (`premium` alone), or a CTPL float (`base`, `float`). Amounts are numbers or text, dates ISO text.
An input that the form does not know is refused: a misspelt one would otherwise change the answer silently.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from service_desk.base.clock import add_years
from service_desk.base.errors import Invalid
from service_desk.base.money import from_fen, to_fen
from service_desk.rules.rating import floated
from service_desk.rules.settlement.inputs import Inputs
from service_desk.rules.settlement.own_damage import OwnDamageLoss, settle_own_damage
from service_desk.rules.settlement.refunds import Refund, refund_before_start, refund_by_day
from service_desk.rules.settlement.regimes import CTPL_REGIMES, CommercialClause, CtplRegime
from service_desk.rules.settlement.third_party import LiabilityTerms, ThirdPartyLoss, settle_third_party
from service_desk.rules.settlement.working import Source, Step, WorkingLine, percent, yuan
from service_desk.rules.vocabulary import Fault

Answer = tuple[dict[str, Any], tuple[WorkingLine, ...]]


def settle(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one case: `{"expected": {…}, "working": [{label_key, coverage, formula, amount, clause}]}`.

    Invalid, with the field: `settlement_kind_unknown`, `settlement_form_unknown`, `input_missing`,
    `input_unknown`, `amount_invalid`, `rate_invalid`, `date_invalid`, `choice_invalid`, `flag_invalid` …
    """
    form = _form_for(kind, inputs)
    reader = Inputs(inputs)
    expected, working = form(reader)
    return {"expected": expected, "working": [_shown(line) for line in working]}


def settle_document(document: Any) -> list[dict[str, Any]]:
    """Answer a file of cases: a list, or an object with the list under `examples`.

    A case that cannot be answered carries `error` (code, field, params) in place of `expected`; the others
    are answered all the same. Invalid `settlement_file_invalid` when it is no such list.
    """
    cases = document.get("examples") if isinstance(document, dict) else document
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise Invalid("settlement_file_invalid")
    return [_answer(case) for case in cases]


def _answer(case: dict[str, Any]) -> dict[str, Any]:
    head = {"id": case.get("id")}
    try:
        return head | settle(case.get("kind", ""), case.get("inputs", {}))
    except Invalid as error:
        return head | {"error": {"code": error.code, "field": error.field, "params": error.params}}


def _form_for(kind: str, inputs: Mapping[str, Any]) -> Callable[[Inputs], Answer]:
    if not isinstance(inputs, Mapping):
        raise Invalid("settlement_form_unknown", field="inputs")
    if kind == "claim":
        forms: list[tuple[set[str], Callable[[Inputs], Answer]]] = [
            ({"loss", "ctpl_regime"}, _third_party),
            ({"repair_cost", "sum_insured"}, _own_damage),
        ]
    elif kind == "premium":
        forms = [
            ({"premium", "start", "end_exclusive", "cancel"}, _commercial_refund),
            ({"premium", "start", "cancel"}, _ctpl_refund),
            ({"base", "float"}, _floated_premium),
        ]
        if set(inputs) == {"premium"}:
            return _refund_before_start
    else:
        raise Invalid("settlement_kind_unknown", field="kind", value=str(kind))
    for needed, form in forms:
        if needed <= set(inputs):
            return form
    raise Invalid("settlement_form_unknown", field="inputs", value=", ".join(sorted(map(str, inputs))))


def _third_party(inputs: Inputs) -> Answer:
    loss = inputs.section("loss")
    lost = ThirdPartyLoss(*(loss.amount(name, default=0) for name in ("death", "medical", "property")))
    loss.done()
    terms = LiabilityTerms(
        regime=_regime(inputs),
        ctpl_in_force=inputs.flag("ctpl_in_force"),
        fault=Fault(inputs.choice("fault", [fault.value for fault in Fault])),
        clause=CommercialClause(inputs.choice("clause", [clause.value for clause in CommercialClause])),
        tpl_limit=inputs.amount_or_none("tpl_limit"),
        deductible_waiver=inputs.flag("deductible_waiver", default=False),
        absolute_rate=inputs.amount("absolute_deductible_rate", default=0),
    )
    inputs.done()
    result = settle_third_party(lost, terms)
    figures = {item.coverage.value: item.pay for item in result.items} | {
        "ctpl_total": result.ctpl_total,
        "tpl_excess_over_ctpl_limits": result.excess,
        "tpl_after_fault_ratio": result.after_fault,
        "tpl_after_cap": result.after_cap,
        "tpl_pay": result.tpl_pay,
        "insurer_total": result.total,
    }
    total = WorkingLine(
        Step.TOTAL,
        None,
        f"{yuan(result.ctpl_total)} + {yuan(result.tpl_pay)}",
        result.total,
        Source.DESK_RULE,
    )
    return _amounts(figures), (*result.working, total)


def _regime(inputs: Inputs) -> CtplRegime:
    """The regime named by the first day it counts for, as the limits table of the examples names it."""
    by_day = {regime.effective_on.isoformat(): regime for regime in CTPL_REGIMES}
    return by_day[inputs.choice("ctpl_regime", list(by_day))]


def _own_damage(inputs: Inputs) -> Answer:
    loss = OwnDamageLoss(
        repair_cost=inputs.amount("repair_cost"),
        sum_insured=inputs.amount("sum_insured"),
        total_loss=inputs.flag("total_loss", default=False),
        absolute_rates=inputs.amounts("absolute_rates"),
        absolute_amount=inputs.amount("absolute_amount", default=0),
        received_from_third_party=inputs.amount("received_from_third_party", default=0),
        salvage_kept_by_insured=inputs.amount("salvage_kept_by_insured", default=0),
        deductible_waiver=inputs.flag("deductible_waiver", default=False),
        fault_deductible_rate=inputs.amount("fault_deductible_rate"),
    )
    inputs.done()
    result = settle_own_damage(loss)
    return _amounts({"own_damage_base": result.base, "own_damage_pay": result.pay}), result.working


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
        **_amounts({"earned": refund.kept, "refund": refund.refund}),
    }


def _refund_before_start(inputs: Inputs) -> Answer:
    refund = refund_before_start(inputs.amount("premium"))
    return _amounts({"fee": refund.kept, "refund": refund.refund}), refund.working


def _floated_premium(inputs: Inputs) -> Answer:
    base, rate = inputs.amount("base"), inputs.signed_rate("float")
    inputs.done()
    premium = from_fen(floated(to_fen(base), rate))
    sign = "−" if rate < 0 else "+"
    formula = f"{yuan(base)} × (1 {sign} {percent(abs(rate))})"
    line = WorkingLine(Step.FLOATED_PREMIUM, None, formula, premium, Source.CTPL_FLOAT_TABLE)
    return _amounts({"premium": premium}), (line,)


def _amounts(figures: Mapping[str, Decimal]) -> dict[str, Any]:
    return {name: yuan(amount).replace(",", "") for name, amount in figures.items()}


def _shown(line: WorkingLine) -> dict[str, Any]:
    in_days = line.label_key in {Step.TERM_DAYS, Step.ELAPSED_DAYS}
    return {
        "label_key": line.label_key.value,
        "coverage": line.coverage.value if line.coverage else None,
        "formula": line.formula,
        "amount": str(line.amount) if in_days else f"{line.amount:.2f}",
        "clause": line.clause.value,
    }
