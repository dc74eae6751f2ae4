"""Between the claim's rows and the settlement rules: what goes in, and the answer as it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.base.money import from_fen, to_fen
from service_desk.models.claims import Claim, ClaimCover, ClaimPayment
from service_desk.models.db import db
from service_desk.models.policies import Policy
from service_desk.rules import settlement as law
from service_desk.rules.vocabulary import CoverCode
from service_desk.services.claims.stated import CalculationInputs, PersonOnBoard, VictimLoss, stated_as_json

__all__ = ["CalculationInputs", "Frozen", "claim_case", "policies_of", "work_out"]

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Frozen:
    """A calculation as its row keeps it: plain JSON values, money in fen, formulas as text."""

    inputs: dict[str, Any]
    lines: list[dict[str, Any]]
    working: list[dict[str, Any]]
    recoveries: list[dict[str, Any]]
    total_fen: int


def work_out(
    claim: Claim, covers: Sequence[ClaimCover], policies: Mapping[int, Policy], command: CalculationInputs
) -> Frozen:
    """Calculate by the rules in force on the date of loss.

    Own damage without own-damage cover is left out; `nothing_insured` when nothing else was lost.
    `contract_limit_missing` for what was lost under a cover without a limit of its own or by hand; `driver_name_missing` where the
    driver has to pay back; `driver_is_fit` where rescue cost is stated for one whom CTPL covers; `theft_and_damage` where
    the vehicle would be paid twice.
    """
    case = claim_case(claim, covers, policies, command)
    result = law.calculate(case)
    total_fen = to_fen(result.total)
    recoveries = [_recovery(one) for one in result.recoveries]
    if total_fen < claim.paid_fen:
        overpaid = {"kind": law.RecoveryKind.OVERPAID.value, "amount_fen": claim.paid_fen - total_fen}
        recoveries.append(overpaid | {"from": _paid_to(claim)})
    return Frozen(
        inputs=_kept_inputs(command, covers, case),
        lines=[_line(line) for line in result.lines],
        working=[_step(step) for step in result.working],
        recoveries=recoveries,
        total_fen=total_fen,
    )


def _paid_to(claim: Claim) -> str:
    """The payees of a claim, the latest first."""
    statement = select(ClaimPayment.payee).where(ClaimPayment.claim_id == claim.id)
    return ", ".join(dict.fromkeys(db.session.scalars(statement.order_by(ClaimPayment.id.desc()))))


def claim_case(
    claim: Claim, covers: Sequence[ClaimCover], policies: Mapping[int, Policy], command: CalculationInputs
) -> law.ClaimInputs:
    """The whole claim as the rules take it: what was stated, and the cover found at the loss."""
    by_code = {cover.code: cover for cover in covers}
    own_cover = by_code.get(CoverCode.OWN_DAMAGE)
    _require_something(command, own_cover)
    _check_driver(command)
    _check_theft(command)
    loss_on = local_date(claim.loss_at)
    tpl = by_code.get(CoverCode.TPL)
    own = own_cover if own_cover and command.has_own_damage else None
    own_sum = _contract_limit(own, command.own_sum_fen, "own_sum") if own else None
    asks_tpl = tpl is not None and (command.has_third_parties or tpl.limit_fen)
    tpl_limit = _contract_limit(tpl, command.tpl_limit_fen, "tpl_limit") if tpl and asks_tpl else None
    return law.ClaimInputs(
        loss_on=loss_on,
        fault=command.fault,
        ctpl_in_force=CoverCode.CTPL in by_code,
        third_party=_unnamed(command),
        own_damage=_own_damage(command, own, own_sum) if own and own_sum else None,
        tpl_limit=tpl_limit,
        clause=_clause(by_code, policies, loss_on),
        deductible_waiver=command.deductible_waiver,
        absolute_rates=_rates(tpl, command.tpl_rate_percent),
        fault_ratio=None if command.fault_percent is None else _share(command.fault_percent),
        victims=tuple(law.Victim(one.label, _loss(one)) for one in command.victims),
        vehicles=tuple(law.OtherVehicle(one.label, one.standing) for one in command.vehicles),
        driver=command.driver,
        driver_name=command.driver_name,
        rescue_cost=from_fen(command.rescue_cost_fen),
        is_injury_ordered=command.is_injury_ordered,
        payer=command.payer,
        trailer=_trailer(command),
        rescue_fee=_rescue_fee(command, own_sum) if own_sum and command.rescue_fee_fen else None,
        other_party=command.other_party if own else "",
        occupants=_occupants(command),
        carrier=_carrier(command, by_code.get(CoverCode.CARRIER_LIABILITY)),
        glass=from_fen(command.glass_fen) if command.glass_fen else None,
        theft=_theft(command, own_cover),
    )


def _require_something(command: CalculationInputs, own_cover: ClaimCover | None) -> None:
    if not (command.has_third_parties or command.has_own_damage or command.has_others):
        raise Invalid("nothing_to_calculate")
    if not (command.has_third_parties or command.has_others) and own_cover is None:
        raise Invalid("nothing_insured")


def _check_driver(command: CalculationInputs) -> None:
    is_fit = command.driver is law.Driver.FIT
    if is_fit and (command.rescue_cost_fen or command.is_injury_ordered):
        raise Invalid("driver_is_fit", field="driver")
    if not is_fit and not command.driver_name.strip():
        raise Invalid("driver_name_missing", field="driver_name")


def _check_theft(command: CalculationInputs) -> None:
    """Theft pays the whole vehicle, once it stays lost; one that was found again damaged is paid as own damage."""
    if command.is_stolen and (command.has_own_damage or command.glass_fen):
        raise Invalid("theft_and_damage", field="is_stolen")


def _clause(
    by_code: Mapping[str, ClaimCover], policies: Mapping[int, Policy], loss_on: date
) -> law.CommercialClause:
    """The clause of the commercial policy; by the date of loss where the policy is not ours."""
    for code in (CoverCode.TPL, CoverCode.OWN_DAMAGE):
        cover = by_code.get(code)
        policy = policies.get(cover.policy_id) if cover and cover.policy_id else None
        if policy is not None:
            return law.commercial_clause_on(local_date(policy.starts_at))
    return law.commercial_clause_on(loss_on)


def _unnamed(command: CalculationInputs) -> law.ThirdPartyLoss | None:
    loss = _loss(command)
    return loss if loss != law.ThirdPartyLoss() else None


def _loss(lost: CalculationInputs | VictimLoss) -> law.ThirdPartyLoss:
    return law.ThirdPartyLoss(
        death=from_fen(lost.death_fen),
        medical=from_fen(lost.medical_fen),
        property=from_fen(lost.property_fen),
    )


def _contract_limit(cover: ClaimCover, stated_fen: int | None, field: str) -> Decimal:
    """The limit or sum insured of a cover. Lists of policies taken over may lack it; then it is stated by hand, for
    nothing would be paid otherwise. Invalid `contract_limit_missing`.
    """
    limit_fen = cover.limit_fen or stated_fen
    if not limit_fen:
        raise Invalid("contract_limit_missing", field=field)
    return from_fen(limit_fen)


def _own_damage(
    command: CalculationInputs, cover: ClaimCover, sum_insured: Decimal
) -> law.OwnDamageLoss | None:
    if not (command.own_damage_fen or command.is_total_loss):
        return None
    return law.OwnDamageLoss(
        repair_cost=from_fen(command.own_damage_fen),
        sum_insured=sum_insured,
        total_loss=command.is_total_loss,
        absolute_rates=_rates(cover, command.own_rate_percent),
        absolute_amount=from_fen(cover.deductible_fen),
        received_from_third_party=from_fen(command.received_fen),
        salvage_kept_by_insured=from_fen(command.salvage_fen),
        deductible_waiver=command.deductible_waiver,
        uses_fault_ratio=command.uses_fault_ratio,
        other_ctpl_property=from_fen(command.other_ctpl_fen),
    )


def _rescue_fee(command: CalculationInputs, sum_insured: Decimal) -> law.RescueFee:
    """The vehicle counts with its sum insured where its value on the day is not stated."""
    value_fen = command.rescue_vehicle_fen
    return law.RescueFee(
        fee=from_fen(command.rescue_fee_fen),
        vehicle_value=sum_insured if value_fen is None else from_fen(value_fen),
        uninsured_value=from_fen(command.rescue_uninsured_fen),
        sum_insured=sum_insured,
    )


def _trailer(command: CalculationInputs) -> law.Trailer | None:
    if not command.trailer_limit_fen:
        return None
    return law.Trailer(from_fen(command.trailer_limit_fen), command.is_trailer_ours)


def _occupants(command: CalculationInputs) -> law.Occupants | None:
    if not command.occupants:
        return None
    if not command.seat_limit_fen:
        raise Invalid("contract_limit_missing", field="seat_limit")
    return law.Occupants(_persons(command.occupants), from_fen(command.seat_limit_fen))


def _carrier(command: CalculationInputs, cover: ClaimCover | None) -> law.CarrierLiability | None:
    """By the contract: what is stated by hand, else what the cover says."""
    if not command.passengers:
        return None
    limit, fixed, percent = (
        command.passenger_limit_fen,
        command.passenger_deductible_fen,
        command.passenger_deductible_percent,
    )
    if cover is not None:
        limit = cover.per_seat_fen if limit is None else limit
        fixed = cover.deductible_fen if fixed is None else fixed
        percent = cover.absolute_deductible_percent if percent is None else percent
    if not limit:
        raise Invalid("contract_limit_missing", field="passenger_limit")
    return law.CarrierLiability(
        _persons(command.passengers), from_fen(limit), from_fen(fixed or 0), _share(percent or 0)
    )


def _persons(persons: Sequence[PersonOnBoard]) -> tuple[law.PersonLoss, ...]:
    return tuple(law.PersonLoss(one.label, from_fen(one.loss_fen), from_fen(one.ctpl_fen)) for one in persons)


def _theft(command: CalculationInputs, own_cover: ClaimCover | None) -> law.Theft | None:
    if not command.is_stolen:
        return None
    sum_fen = command.theft_sum_fen
    if sum_fen is None:
        sum_fen = own_cover.limit_fen if own_cover else None
    if not sum_fen:
        raise Invalid("contract_limit_missing", field="theft_sum")
    return law.Theft(from_fen(sum_fen), command.missing_documents, command.deductible_waiver)


def _rates(cover: ClaimCover | None, more_percent: int) -> tuple[Decimal, ...]:
    own_percent = cover.absolute_deductible_percent if cover else 0
    return tuple(_share(percent) for percent in (own_percent, more_percent) if percent)


def _share(percent: int) -> Decimal:
    return Decimal(percent) / HUNDRED


def _kept_inputs(
    command: CalculationInputs, covers: Sequence[ClaimCover], case: law.ClaimInputs
) -> dict[str, Any]:
    """What was stated, what was found, and the whole case as auditors can answer it again."""
    regime = law.ctpl_regime_at(case.loss_on)
    return stated_as_json(command) | {
        "loss_on": case.loss_on.isoformat(),
        "clause": case.clause.value,
        "ctpl_limits_from": regime.effective_on.isoformat() if regime else None,
        "covers": [
            {
                "code": cover.code,
                "policy_number": cover.policy_number,
                "limit_fen": cover.limit_fen,
                "deductible_fen": cover.deductible_fen,
                "absolute_deductible_percent": cover.absolute_deductible_percent,
            }
            for cover in covers
        ],
        "case": law.claim_as_json(case),
    }


def policies_of(claim_id: int) -> dict[int, Policy]:
    """The policies of the covers found at the loss, by id."""
    statement = (
        select(Policy)
        .join(ClaimCover, ClaimCover.policy_id == Policy.id)
        .where(ClaimCover.claim_id == claim_id)
    )
    return {policy.id: policy for policy in db.session.scalars(statement)}


def _line(line: law.CalculationLine) -> dict[str, Any]:
    return {
        "coverage": line.coverage.value,
        "loss_fen": to_fen(line.loss),
        "ctpl_limit_fen": None if line.ctpl_limit is None else to_fen(line.ctpl_limit),
        "fault_percent": None if line.fault_ratio is None else _percent(line.fault_ratio),
        "limit_fen": None if line.limit is None else to_fen(line.limit),
        "deductible_percent": _percent(line.deductible_rate),
        "deductible_fen": to_fen(line.deductible_amount),
        "pay_fen": to_fen(line.pay),
        "parts": [{"label": label, "pay_fen": to_fen(part)} for label, part in line.parts],
        "payer": line.payer.value,
    }


def _percent(rate: Decimal) -> str:
    return f"{(rate * HUNDRED).normalize():f}"


def _step(step: law.WorkingLine) -> dict[str, Any]:
    return {
        "label_key": step.label_key.value,
        "coverage": step.coverage.value if step.coverage else None,
        "formula": step.formula,
        "amount_fen": to_fen(step.amount),
        "clause": step.clause.value,
        "about": step.about,
    }


def _recovery(recovery: law.Recovery) -> dict[str, Any]:
    return {
        "kind": recovery.kind.value,
        "amount_fen": to_fen(recovery.amount),
        "from": recovery.debtor,
    }
