"""The calculation as auditors call it: plain JSON in, plain JSON out.

A case is `{"id", "kind", "inputs"}`. Kind `claim` takes third-party losses (inputs with `loss`) or own
damage (inputs with `sum_insured`). Amounts are numbers or text, dates ISO text. An input that the form does not
know is refused: a misspelt one would otherwise change the answer silently.

Kind `premium`, by its inputs:

* `premium`, `start`, `cancel`: a refund by the day; with `end_exclusive` of a commercial policy, without it of a
  CTPL year.
* `base`, `float`: a CTPL premium with its float.
* `reason`: whether a CTPL policy may be cancelled for it (`deregistered`, `laid up`, `confirmed lost`; no other).
* `annual_premium`, `remaining_days`, `term_days`: a vehicle added for the rest of the term.
* `old`, `new`, `remaining_days`, `term_days`: additional premium, negative when premium is returned.
* `own_damage_premium`: what is returned of it after a total loss was paid.
* `annual_premium`, `months`: asks `refund` (a legacy policy cancelled after so many months; the default) or
  `premium` (a legacy policy for so many months).
* `premium` alone: asks `refund` (a commercial policy cancelled before its start; the default) or `penalty` (the
  fine for a vehicle without CTPL).

Where two questions have the same inputs, a case says which one by an input `asks`, or by the names under its
`expected`: `{"premium": 4690, "asks": "penalty"}`. What stands under `expected` is not looked at otherwise.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from service_desk.base.clock import add_years
from service_desk.base.errors import Invalid
from service_desk.base.money import from_fen, to_fen
from service_desk.rules.rating import floated
from service_desk.rules.settlement import endorsement
from service_desk.rules.settlement.cancellation import CTPL_REASONS
from service_desk.rules.settlement.endorsement import Year
from service_desk.rules.settlement.inputs import Inputs
from service_desk.rules.settlement.own_damage import OwnDamageLoss, settle_own_damage
from service_desk.rules.settlement.refunds import (
    Refund,
    refund_before_start,
    refund_by_day,
    refund_by_short_rate,
    short_term_premium,
    uninsured_penalty,
)
from service_desk.rules.settlement.regimes import CTPL_REGIMES, CommercialClause, CtplRegime
from service_desk.rules.settlement.third_party import LiabilityTerms, ThirdPartyLoss, settle_third_party
from service_desk.rules.settlement.working import Source, Step, WorkingLine, percent, yuan
from service_desk.rules.vocabulary import Fault

Answer = tuple[dict[str, Any], tuple[WorkingLine, ...]]


def settle(kind: str, inputs: Mapping[str, Any], *, names: Collection[str] = ()) -> dict[str, Any]:
    """Answer one case: `{"expected": {…}, "working": [{label_key, coverage, formula, amount, clause}]}`.

    `names`: what is asked for, as the names under a case's `expected`; needed only where two questions have the
    same inputs and these do not say it. Invalid, with the field: `settlement_kind_unknown`, `settlement_form_unknown`, `input_missing`,
    `input_unknown`, `amount_invalid`, `rate_invalid`, `date_invalid`, `choice_invalid`, `flag_invalid` …
    """
    form = _form_for(kind, inputs, names)
    reader = Inputs(inputs)
    reader.ignore("asks")
    expected, working = form(reader)
    return {"expected": expected, "working": [line.as_json() for line in working]}


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
        names = case.get("expected") or ()
        names = names if isinstance(names, Mapping) else ()
        return head | settle(case.get("kind", ""), case.get("inputs", {}), names=names)
    except Invalid as error:
        return head | {"error": {"code": error.code, "field": error.field, "params": error.params}}


Form = Callable[[Inputs], Answer]


def _form_for(kind: str, inputs: Mapping[str, Any], names: Collection[str]) -> Form:
    if not isinstance(inputs, Mapping):
        raise Invalid("settlement_form_unknown", field="inputs")
    if kind not in _FORMS:
        raise Invalid("settlement_kind_unknown", field="kind", value=str(kind))
    given = set(inputs) - {"asks"}
    form = _asked_form(given, inputs.get("asks"), names) if kind == "premium" else None
    if form is not None:
        return form
    for needed, found in _FORMS[kind]:
        if needed <= given:
            return found
    raise Invalid("settlement_form_unknown", field="inputs", value=", ".join(sorted(map(str, inputs))))


def _asked_form(given: set[str], asks: Any, names: Collection[str]) -> Form | None:
    """The form where inputs alone do not tell; by what is asked, else by the names of the answer wanted."""
    questions = _QUESTIONS.get(frozenset(given))
    if questions is None:
        return None
    if asks is None:
        return next((form for name, form in questions.items() if name in names), questions["refund"])
    if not isinstance(asks, str) or asks not in questions:
        raise Invalid("choice_invalid", field="asks", value=str(asks), choices=", ".join(questions))
    return questions[asks]


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
    return _amounts({"retained": refund.kept, "refund": refund.refund}), refund.working


def _short_term_premium(inputs: Inputs) -> Answer:
    premium, working = short_term_premium(inputs.amount("annual_premium"), inputs.count("months"))
    inputs.done()
    return _amounts({"premium": premium}), working


def _year(inputs: Inputs) -> Year:
    return Year(inputs.count("remaining_days"), inputs.count("term_days"))


def _added_vehicle(inputs: Inputs) -> Answer:
    change = endorsement.pro_rata_premium(
        inputs.amount("annual_premium"), _year(inputs), step=Step.ADDITIONAL_PREMIUM
    )
    inputs.done()
    return _amounts({"additional_premium": change.amount}), change.working


def _changed_premium(inputs: Inputs) -> Answer:
    change = endorsement.pro_rata_change(inputs.amount("old"), inputs.amount("new"), _year(inputs))
    inputs.done()
    return _amounts({"additional_premium": change.amount}), change.working


def _after_total_loss(inputs: Inputs) -> Answer:
    working = endorsement.no_refund(inputs.amount("own_damage_premium"))
    inputs.done()
    return _amounts({"refund": working[0].amount}), working


def _penalty(inputs: Inputs) -> Answer:
    penalty, working = uninsured_penalty(inputs.amount("premium"))
    inputs.done()
    return _amounts({"penalty": penalty}), working


def _amounts(figures: Mapping[str, Decimal]) -> dict[str, Any]:
    return {name: yuan(amount).replace(",", "") for name, amount in figures.items()}


_FORMS: dict[str, list[tuple[set[str], Form]]] = {
    "claim": [
        ({"loss", "ctpl_regime"}, _third_party),
        ({"repair_cost", "sum_insured"}, _own_damage),
    ],
    "premium": [
        ({"premium", "start", "end_exclusive", "cancel"}, _commercial_refund),
        ({"premium", "start", "cancel"}, _ctpl_refund),
        ({"base", "float"}, _floated_premium),
        ({"old", "new", "remaining_days", "term_days"}, _changed_premium),
        ({"annual_premium", "remaining_days", "term_days"}, _added_vehicle),
        ({"own_damage_premium"}, _after_total_loss),
        ({"reason"}, _ctpl_reason),
    ],
}

_QUESTIONS: dict[frozenset[str], dict[str, Form]] = {
    frozenset({"premium"}): {"penalty": _penalty, "refund": _refund_before_start},
    frozenset({"annual_premium", "months"}): {"refund": _short_rate_refund, "premium": _short_term_premium},
}
