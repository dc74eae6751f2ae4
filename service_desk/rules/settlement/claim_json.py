"""A whole claim's inputs as plain JSON: kept with each calculation, and answered again from the command line.

Amounts are text in yuan, rates text as fractions. Reading refuses what it does not know, so that a file that was
changed by hand is not half understood.
"""

from decimal import Decimal
from enum import Enum
from typing import Any

from service_desk.rules.settlement.additional import Theft
from service_desk.rules.settlement.calculation import Calculation, ClaimInputs, Payer
from service_desk.rules.settlement.ctpl import Driver, OtherVehicle, Standing, ThirdPartyLoss, Victim
from service_desk.rules.settlement.inputs import Inputs
from service_desk.rules.settlement.own_damage import OwnDamageLoss, RescueFee
from service_desk.rules.settlement.regimes import CommercialClause
from service_desk.rules.settlement.seats import CarrierLiability, Occupants, PersonLoss
from service_desk.rules.settlement.third_party import Trailer
from service_desk.rules.vocabulary import Fault

ITEMS = ("death", "medical", "property")


def claim_as_json(inputs: ClaimInputs) -> dict[str, Any]:
    """The inputs as JSON; what is not there is left out."""
    return {name: _plain(value) for name, value in vars(inputs).items() if value not in (None, (), "")}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return {name: _plain(one) for name, one in vars(value).items() if one not in (None, "")}


def read_claim(inputs: Inputs) -> ClaimInputs:
    """Read what `claim_as_json` wrote, or what an auditor wrote like it. Invalid with the field, as `Inputs` says."""
    claim = ClaimInputs(
        loss_on=inputs.day("loss_on"),
        fault=Fault(inputs.choice("fault", list(Fault))),
        ctpl_in_force=inputs.flag("ctpl_in_force"),
        third_party=_loss(inputs.section("third_party")) if inputs.has("third_party") else None,
        own_damage=_own_damage(inputs.section("own_damage")) if inputs.has("own_damage") else None,
        tpl_limit=inputs.amount_or_none("tpl_limit") if inputs.has("tpl_limit") else None,
        clause=CommercialClause(inputs.choice("clause", list(CommercialClause))),
        deductible_waiver=inputs.flag("deductible_waiver", default=False),
        absolute_rates=inputs.amounts("absolute_rates"),
        fault_ratio=inputs.amount("fault_ratio") if inputs.has("fault_ratio") else None,
        victims=tuple(_victim(one) for one in inputs.sections("victims")),
        vehicles=tuple(_vehicle(one) for one in inputs.sections("vehicles")),
        driver=Driver(inputs.choice("driver", list(Driver), default=Driver.FIT)),
        driver_name=inputs.text("driver_name", default=""),
        rescue_cost=inputs.amount("rescue_cost", default=0),
        is_injury_ordered=inputs.flag("is_injury_ordered", default=False),
        payer=Payer(inputs.choice("payer", list(Payer), default=Payer.ORDINARY)),
        trailer=_trailer(inputs.section("trailer")) if inputs.has("trailer") else None,
        rescue_fee=_rescue_fee(inputs.section("rescue_fee")) if inputs.has("rescue_fee") else None,
        other_party=inputs.text("other_party", default=""),
        occupants=_occupants(inputs.section("occupants")) if inputs.has("occupants") else None,
        carrier=_carrier(inputs.section("carrier")) if inputs.has("carrier") else None,
        glass=inputs.amount("glass") if inputs.has("glass") else None,
        theft=_theft(inputs.section("theft")) if inputs.has("theft") else None,
    )
    inputs.done()
    return claim


def calculation_as_json(result: Calculation) -> dict[str, Any]:
    """The answer as auditors get it."""
    return {
        "lines": [
            {"coverage": line.coverage.value, "pay": f"{line.pay:.2f}"}
            | ({"parts": [[name, f"{part:.2f}"] for name, part in line.parts]} if line.parts else {})
            for line in result.lines
        ],
        "recoveries": [
            {"kind": one.kind.value, "amount": f"{one.amount:.2f}", "from": one.debtor}
            for one in result.recoveries
        ],
        "total": f"{result.total:.2f}",
    }


def _loss(inputs: Inputs) -> ThirdPartyLoss:
    loss = ThirdPartyLoss(*(inputs.amount(name, default=0) for name in ITEMS))
    inputs.done()
    return loss


def _victim(inputs: Inputs) -> Victim:
    victim = Victim(inputs.text("label", default=""), _loss(inputs.section("loss")))
    inputs.done()
    return victim


def _vehicle(inputs: Inputs) -> OtherVehicle:
    vehicle = OtherVehicle(
        inputs.text("label", default=""), Standing(inputs.choice("standing", list(Standing)))
    )
    inputs.done()
    return vehicle


def _trailer(inputs: Inputs) -> Trailer:
    trailer = Trailer(inputs.amount("limit"), inputs.flag("is_ours", default=True))
    inputs.done()
    return trailer


def _own_damage(inputs: Inputs) -> OwnDamageLoss:
    loss = OwnDamageLoss(
        repair_cost=inputs.amount("repair_cost"),
        sum_insured=inputs.amount("sum_insured") if inputs.has("sum_insured") else None,
        total_loss=inputs.flag("total_loss", default=False),
        absolute_rates=inputs.amounts("absolute_rates"),
        absolute_amount=inputs.amount("absolute_amount", default=0),
        received_from_third_party=inputs.amount("received_from_third_party", default=0),
        salvage_kept_by_insured=inputs.amount("salvage_kept_by_insured", default=0),
        deductible_waiver=inputs.flag("deductible_waiver", default=False),
        fault_deductible_rate=inputs.amount("fault_deductible_rate")
        if inputs.has("fault_deductible_rate")
        else None,
        uses_fault_ratio=inputs.flag("uses_fault_ratio", default=False),
        other_ctpl_property=inputs.amount("other_ctpl_property", default=0),
    )
    inputs.done()
    return loss


def _rescue_fee(inputs: Inputs) -> RescueFee:
    fee = RescueFee(
        inputs.amount("fee"),
        inputs.amount("vehicle_value"),
        inputs.amount("uninsured_value", default=0),
        inputs.amount("sum_insured") if inputs.has("sum_insured") else None,
    )
    inputs.done()
    return fee


def _persons(inputs: Inputs) -> tuple[PersonLoss, ...]:
    persons = []
    for one in inputs.sections("persons"):
        persons.append(
            PersonLoss(one.text("label", default=""), one.amount("loss"), one.amount("ctpl_due", default=0))
        )
        one.done()
    return tuple(persons)


def _occupants(inputs: Inputs) -> Occupants:
    occupants = Occupants(_persons(inputs), inputs.amount("limit_per_seat"))
    inputs.done()
    return occupants


def _carrier(inputs: Inputs) -> CarrierLiability:
    carrier = CarrierLiability(
        _persons(inputs),
        inputs.amount("limit_per_person"),
        inputs.amount("deductible_fixed", default=0),
        inputs.amount("deductible_rate", default=0),
    )
    inputs.done()
    return carrier


def _theft(inputs: Inputs) -> Theft:
    theft = Theft(
        inputs.amount("sum_insured"),
        inputs.count("missing_documents", default=0),
        inputs.flag("deductible_waiver", default=False),
    )
    inputs.done()
    return theft
