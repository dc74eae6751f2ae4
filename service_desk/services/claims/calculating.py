"""Between the claim's rows and the settlement rules: what goes in, and the answer as it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.base.money import from_fen, to_fen
from service_desk.models.claims import Claim, ClaimCover
from service_desk.models.policies import Policy
from service_desk.rules import settlement as law
from service_desk.rules.vocabulary import CoverCode, Fault

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class CalculationInputs:
    """What the calculator states; cover, limits and clause come from the claim.

    `fault_percent` is a court's decision that overrides the share the clause gives the fault. Losses are in fen.
    """

    fault: Fault
    property_fen: int = 0
    medical_fen: int = 0
    death_fen: int = 0
    own_damage_fen: int = 0
    is_total_loss: bool = False
    received_fen: int = 0
    salvage_fen: int = 0
    fault_percent: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Frozen:
    """A calculation as its row keeps it: plain JSON values, money in fen, formulas as text."""

    inputs: dict[str, Any]
    lines: list[dict[str, Any]]
    working: list[dict[str, Any]]
    total_fen: int


def work_out(
    claim: Claim, covers: Sequence[ClaimCover], policies: Mapping[int, Policy], command: CalculationInputs
) -> Frozen:
    """Calculate by the rules in force on the date of loss.

    Own damage without own-damage cover is left out; `nothing_insured` when nothing else was lost.
    """
    by_code = {cover.code: cover for cover in covers}
    third_party_fen = command.property_fen + command.medical_fen + command.death_fen
    own_cover = by_code.get(CoverCode.OWN_DAMAGE)
    if not third_party_fen and not command.own_damage_fen:
        raise Invalid("nothing_to_calculate")
    if not third_party_fen and own_cover is None:
        raise Invalid("nothing_insured")
    loss_on = local_date(claim.loss_at)
    clause = _clause(by_code, policies, loss_on)
    tpl = by_code.get(CoverCode.TPL)
    result = law.calculate(
        law.ClaimInputs(
            loss_on=loss_on,
            fault=command.fault,
            ctpl_in_force=CoverCode.CTPL in by_code,
            third_party=_third_party(command) if third_party_fen else None,
            own_damage=_own_damage(command, own_cover) if own_cover and command.own_damage_fen else None,
            tpl_limit=from_fen(tpl.limit_fen) if tpl and tpl.limit_fen else None,
            clause=clause,
            absolute_rates=_rates(tpl),
            fault_ratio=None if command.fault_percent is None else Decimal(command.fault_percent) / HUNDRED,
        )
    )
    return Frozen(
        inputs=_kept_inputs(command, covers, loss_on, clause),
        lines=[_line(line) for line in result.lines],
        working=[_step(step) for step in result.working],
        total_fen=to_fen(result.total),
    )


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


def _third_party(command: CalculationInputs) -> law.ThirdPartyLoss:
    return law.ThirdPartyLoss(
        death=from_fen(command.death_fen),
        medical=from_fen(command.medical_fen),
        property=from_fen(command.property_fen),
    )


def _own_damage(command: CalculationInputs, cover: ClaimCover) -> law.OwnDamageLoss:
    return law.OwnDamageLoss(
        repair_cost=from_fen(command.own_damage_fen),
        sum_insured=from_fen(cover.limit_fen or 0),
        total_loss=command.is_total_loss,
        absolute_rates=_rates(cover),
        absolute_amount=from_fen(cover.deductible_fen),
        received_from_third_party=from_fen(command.received_fen),
        salvage_kept_by_insured=from_fen(command.salvage_fen),
    )


def _rates(cover: ClaimCover | None) -> tuple[Decimal, ...]:
    percent = cover.absolute_deductible_percent if cover else 0
    return (Decimal(percent) / HUNDRED,) if percent else ()


def _kept_inputs(
    command: CalculationInputs, covers: Sequence[ClaimCover], loss_on: date, clause: law.CommercialClause
) -> dict[str, Any]:
    regime = law.ctpl_regime_at(loss_on)
    return asdict(command) | {
        "fault": command.fault.value,
        "loss_on": loss_on.isoformat(),
        "clause": clause.value,
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
    }


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
    }
