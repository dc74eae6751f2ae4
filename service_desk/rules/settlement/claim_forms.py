"""Claim cases as auditors write them: one cover or one rule each, or a whole claim (`claim_json`)."""

from collections.abc import Sequence
from decimal import Decimal

from service_desk.base.errors import Invalid
from service_desk.base.money import ZERO, round_yuan
from service_desk.rules.legal_days import RestDay
from service_desk.rules.settlement.additional import Theft, settle_glass, settle_theft
from service_desk.rules.settlement.calculation import calculate
from service_desk.rules.settlement.claim_json import calculation_as_json, read_claim
from service_desk.rules.settlement.ctpl import Driver, Standing
from service_desk.rules.settlement.figure_forms import advance_form
from service_desk.rules.settlement.forms import Answer, Form, amounts, plain
from service_desk.rules.settlement.inputs import Inputs
from service_desk.rules.settlement.own_damage import (
    OwnDamageLoss,
    RescueFee,
    settle_own_damage,
    settle_rescue_fee,
)
from service_desk.rules.settlement.recoveries import from_driver, subrogation
from service_desk.rules.settlement.regimes import (
    CTPL_REGIMES,
    FAULT_DEDUCTIBLES,
    FAULT_RATIOS,
    CommercialClause,
    CtplRegime,
    ItemAmounts,
)
from service_desk.rules.settlement.seats import (
    CarrierLiability,
    Occupants,
    OccupantTerms,
    PersonLoss,
    settle_carrier,
    settle_occupants,
)
from service_desk.rules.settlement.shares import share_within, share_yuan
from service_desk.rules.settlement.third_party import LiabilityTerms, ThirdPartyLoss, settle_third_party
from service_desk.rules.settlement.working import Coverage, Source, Step, WorkingLine, require_share, yuan
from service_desk.rules.vocabulary import Fault

ITEMS = ("death", "medical", "property")
COVERAGE_OF = dict(
    zip(ITEMS, (Coverage.CTPL_DEATH, Coverage.CTPL_MEDICAL, Coverage.CTPL_PROPERTY), strict=True)
)
STANDING_WORDS = {"liable": Standing.LIABLE, "no fault": Standing.NO_FAULT, "uninsured": Standing.UNINSURED}


def _whole_claim(inputs: Inputs) -> Answer:
    result = calculate(read_claim(inputs))
    return calculation_as_json(result), result.working


def _third_party(inputs: Inputs) -> Answer:
    lost = _loss(inputs)
    terms = LiabilityTerms(
        regime=_regime(inputs),
        ctpl_in_force=inputs.flag("ctpl_in_force"),
        fault=Fault(inputs.choice("fault", [fault.value for fault in Fault])),
        clause=CommercialClause(inputs.choice("clause", [clause.value for clause in CommercialClause])),
        tpl_limit=inputs.amount_or_none("tpl_limit"),
        deductible_waiver=inputs.flag("deductible_waiver", default=False),
        absolute_rate=inputs.amount("absolute_deductible_rate", default=0),
        fault_ratio=inputs.amount("fault_ratio") if inputs.has("fault_ratio") else None,
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
    return amounts(figures), (*result.working, total)


def _loss(inputs: Inputs) -> ThirdPartyLoss:
    loss = inputs.section("loss")
    lost = ThirdPartyLoss(*(loss.amount(name, default=0) for name in ITEMS))
    loss.done()
    return lost


def _regime(inputs: Inputs) -> CtplRegime:
    """The regime named by the first day it counts for, as the limits table of the examples names it."""
    by_day = {regime.effective_on.isoformat(): regime for regime in CTPL_REGIMES}
    return by_day[inputs.choice("ctpl_regime", list(by_day))]


def _regime_or_newest(inputs: Inputs) -> CtplRegime:
    return _regime(inputs) if inputs.has("ctpl_regime") else CTPL_REGIMES[-1]


def _fault(inputs: Inputs, default: Fault | None = None) -> Fault:
    return Fault(inputs.choice("fault", list(Fault), default=default))


def _clause(inputs: Inputs) -> CommercialClause:
    return CommercialClause(inputs.choice("clause", list(CommercialClause), default=CommercialClause.C2014))


def _ratio(inputs: Inputs, fault: Fault) -> Decimal:
    return inputs.amount("fault_ratio") if inputs.has("fault_ratio") else FAULT_RATIOS[fault]


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
    return amounts({"own_damage_base": result.base, "own_damage_pay": result.pay}), result.working


def _own_damage_by_fault(inputs: Inputs) -> Answer:
    """The clauses of 2006: what the other side's CTPL leaves, times fault."""
    fault = _fault(inputs)
    loss = OwnDamageLoss(
        repair_cost=inputs.amount("repair_cost"),
        sum_insured=None,
        uses_fault_ratio=True,
        other_ctpl_property=inputs.amount("other_ctpl_property"),
        deductible_waiver=inputs.flag("deductible_waiver", default=False),
        fault_deductible_rate=inputs.amount("fault_deductible_rate"),
    )
    ratio = _ratio(inputs, fault)
    inputs.done()
    require_share(ratio, "fault_ratio")
    result = settle_own_damage(loss, fault=fault, fault_ratio=ratio)
    return amounts({"own_damage_pay": result.pay}), result.working


def _own_damage_first(inputs: Inputs) -> Answer:
    """Our own insurer pays first and recovers from the side at fault; we bear none."""
    loss = OwnDamageLoss(
        repair_cost=inputs.amount("repair_cost"),
        sum_insured=None,
        received_from_third_party=inputs.amount("received_from_third_party"),
    )
    if inputs.has("clause"):
        inputs.choice("clause", [*CommercialClause, "2014/2020"])
    inputs.done()
    result = settle_own_damage(loss, fault=Fault.NONE)
    found = list(subrogation(loss, result.pay, ZERO, CTPL_REGIMES[-1], Fault.NONE, ""))
    receivable = sum((one.amount for one in found), ZERO)
    return (
        amounts({"own_damage_pay": result.pay, "subrogation_receivable": receivable}),
        (*result.working, *(one.step for one in found)),
    )


def _rescue_fee(inputs: Inputs) -> Answer:
    rescue = RescueFee(
        inputs.amount("rescue_fee"),
        inputs.amount("vehicle_actual_value"),
        inputs.amount("uninsured_property_value", default=0),
        inputs.amount("sum_insured") if inputs.has("sum_insured") else None,
    )
    inputs.done()
    pay, step = settle_rescue_fee(rescue)
    return amounts({"rescue_fee_share": pay}), (step,)


def _seats(inputs: Inputs) -> Answer:
    losses, fault, clause = inputs.amounts("seat_losses"), _fault(inputs), _clause(inputs)
    owed = inputs.amounts("ctpl_due") or (ZERO,) * len(losses)
    if len(owed) != len(losses):
        raise Invalid("amount_invalid", field="ctpl_due", value=str(len(owed)))
    persons = tuple(PersonLoss("", lost, due) for lost, due in zip(losses, owed, strict=True))
    waived = inputs.flag("deductible_waiver", default=False)
    terms = OccupantTerms(
        ratio=_ratio(inputs, fault),
        fault_deductible=ZERO if waived else FAULT_DEDUCTIBLES[clause][fault],
        absolute_rate=sum(inputs.amounts("absolute_rates"), ZERO),
        source=Source.COMMERCIAL_2014_43_48,
    )
    result = settle_occupants(Occupants(persons, inputs.amount("limit_per_seat")), terms)
    inputs.done()
    return {"seat_pays": [plain(pay) for pay in result.pays], "total": plain(result.total)}, result.working


def _glass(inputs: Inputs) -> Answer:
    step = settle_glass(inputs.amount("actual_loss"), CommercialClause.C2014)
    inputs.done()
    return amounts({"glass_pay": step.amount}), (step,)


def _theft(inputs: Inputs) -> Answer:
    theft = Theft(
        inputs.amount("sum_insured"),
        inputs.count("missing_documents"),
        inputs.flag("deductible_waiver", default=False),
    )
    clause = _clause(inputs)
    inputs.done()
    pay, _rate, step = settle_theft(theft, clause)
    return amounts({"theft_pay": pay}), (step,)


def _vehicles(inputs: Inputs) -> Answer:
    """Several vehicles: what each bears of every item; with one uninsured, also what the insured ones pay first."""
    lost, regime = _loss(inputs), _regime_or_newest(inputs)
    named = [_standing(text) for text in inputs.texts("vehicles")]
    inputs.done()
    names = "_".join(name for name, _ in named)
    answer: dict[str, dict[str, list[str]]] = {}
    working: list[WorkingLine] = []
    for key, counted in (
        ("shares", named),
        ("paid", [one for one in named if one[1] is not Standing.UNINSURED]),
    ):
        if key == "paid" and len(counted) == len(named):
            continue
        of_item = {}
        for item in ITEMS:
            limits = [getattr(_limits(regime, standing), item) for _, standing in counted]
            shares = share_within(getattr(lost, item), limits)
            of_item[item] = [plain(share) for share in shares]
            working += _vehicle_steps(item, getattr(lost, item), limits, counted, shares)
        answer[f"{key}_{names if key == 'shares' else '_'.join(name for name, _ in counted)}"] = of_item
    return answer, tuple(working)


def _standing(text: str) -> tuple[str, Standing]:
    """`A no fault` is vehicle A, without fault."""
    for words, standing in STANDING_WORDS.items():
        if text.endswith(f" {words}"):
            return text.removesuffix(words).strip(), standing
    raise Invalid("choice_invalid", field="vehicles", value=text, choices=", ".join(STANDING_WORDS))


def _limits(regime: CtplRegime, standing: Standing) -> ItemAmounts:
    return regime.no_fault if standing is Standing.NO_FAULT else regime.liable


def _vehicle_steps(
    item: str,
    loss: Decimal,
    limits: Sequence[Decimal],
    named: Sequence[tuple[str, Standing]],
    shares: Sequence[Decimal],
) -> list[WorkingLine]:
    payable = min(round_yuan(loss), sum(limits, ZERO))
    together = " + ".join(map(yuan, limits))
    return [
        WorkingLine(
            Step.CTPL_SHARE,
            COVERAGE_OF[item],
            f"{yuan(payable)} × {yuan(limit)} ÷ ({together})",
            share,
            Source.COURT_TRAFFIC_18,
            name,
        )
        for (name, _), limit, share in zip(named, limits, shares, strict=True)
    ]


def _victims_of(item: str) -> Form:
    def form(inputs: Inputs) -> Answer:
        losses, limit = inputs.amounts(f"{item}_losses"), inputs.amount("limit")
        inputs.done()
        pay = round_yuan(min(sum(losses, ZERO), limit))
        shares, total = share_yuan(pay, losses), yuan(sum(losses, ZERO))
        working = tuple(
            WorkingLine(
                Step.CTPL_VICTIM,
                COVERAGE_OF[item],
                f"{yuan(pay)} × {yuan(lost)} ÷ {total}",
                share,
                Source.COURT_TRAFFIC_19,
            )
            for lost, share in zip(losses, shares, strict=True)
        )
        return {f"ctpl_{item}": [plain(share) for share in shares]}, working

    return form


def _tractor_and_trailer(inputs: Inputs) -> Answer:
    due = inputs.amount("tpl_due")
    limits = (inputs.amount("tractor_limit"), inputs.amount("trailer_limit"))
    inputs.done()
    payable = round_yuan(min(due, limits[0]))
    shares = share_yuan(payable, limits)
    together = " + ".join(map(yuan, limits))
    working = tuple(
        WorkingLine(
            step,
            coverage,
            f"min({yuan(due)}, {yuan(limits[0])}) × {yuan(limit)} ÷ ({together})",
            share,
            Source.COMMERCIAL_2014_29,
        )
        for step, coverage, limit, share in zip(
            (Step.TRACTOR_SHARE, Step.TRAILER_SHARE),
            (Coverage.TPL, Coverage.TPL_TRAILER),
            limits,
            shares,
            strict=True,
        )
    )
    return amounts({"tractor_pay": shares[0], "trailer_pay": shares[1]}), working


def _unfit_driver(inputs: Inputs) -> Answer:
    terms = LiabilityTerms(
        regime=_regime_or_newest(inputs),
        ctpl_in_force=True,
        fault=_fault(inputs, Fault.FULL),
        clause=CommercialClause.C2014,
        tpl_limit=ZERO,
        driver=Driver(inputs.choice("driver", [one for one in Driver if one is not Driver.FIT])),
        rescue_cost=inputs.amount("rescue_medical_cost"),
    )
    lost = ThirdPartyLoss(property=inputs.amount("property", default=0))
    inputs.done()
    result = settle_third_party(lost, terms)
    found = list(from_driver(result, terms, ""))
    receivable = sum((one.amount for one in found), ZERO)
    figures = {
        "ctpl_advance": result.advance,
        "ctpl_property": result.items[2].pay,
        "tpl_pay": result.tpl_pay,
        "recovery_receivable": receivable,
    }
    return amounts(figures), (*result.working, *(one.step for one in found))


def _carrier(inputs: Inputs) -> Answer:
    carrier = CarrierLiability(
        (PersonLoss("", inputs.amount("loss_per_person")),),
        inputs.amount("limit_per_person"),
        inputs.amount("deductible_fixed", default=0),
        inputs.amount("deductible_rate", default=0),
    )
    inputs.done()
    result = settle_carrier(carrier)
    return amounts({"pay": result.total}), result.working


def claim_forms(is_rest_day: RestDay) -> list[tuple[set[str], Form]]:
    """The forms of claims by the inputs that tell them apart; the first that fits is meant."""
    return [
        ({"loss_on", "ctpl_in_force"}, _whole_claim),
        ({"loss", "vehicles"}, _vehicles),
        ({"loss", "ctpl_regime"}, _third_party),
        ({"repair_cost", "sum_insured"}, _own_damage),
        ({"repair_cost", "other_ctpl_property"}, _own_damage_by_fault),
        ({"repair_cost", "received_from_third_party"}, _own_damage_first),
        ({"rescue_fee", "vehicle_actual_value"}, _rescue_fee),
        ({"seat_losses", "limit_per_seat"}, _seats),
        ({"actual_loss"}, _glass),
        ({"sum_insured", "missing_documents"}, _theft),
        *(({f"{item}_losses", "limit"}, _victims_of(item)) for item in ITEMS),
        ({"tpl_due", "tractor_limit", "trailer_limit"}, _tractor_and_trailer),
        ({"rescue_medical_cost", "driver"}, _unfit_driver),
        ({"loss_per_person", "limit_per_person"}, _carrier),
        ({"documents_complete", "determinable_amount", "final_amount"}, advance_form(is_rest_day)),
    ]
