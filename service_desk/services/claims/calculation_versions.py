"""A calculation before it is kept, and what changed between two that were."""

from dataclasses import dataclass
from typing import Any

from service_desk.models.claims import ClaimCalculation
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction
from service_desk.services.claims import calculating
from service_desk.services.claims.calculating import Frozen
from service_desk.services.claims.common import allow, get_claim
from service_desk.services.claims.settlement import list_covers
from service_desk.services.claims.stated import CalculationInputs, stated_again, stated_as_json

# What was found beside what was stated. The whole case follows from both, and would be told twice.
_FOUND = ("loss_on", "ctpl_limits_from", "clause", "covers")


@dataclass(frozen=True)
class Difference:
    """What changed from one version to another: inputs (name, before, after), payments by coverage, the total."""

    inputs: list[tuple[str, Any, Any]]
    lines: list[tuple[str, int, int]]
    total_fen: int


def preview(number: str, command: CalculationInputs, *, actor: User) -> Frozen:
    """What `calculate` would keep now; nothing is written. Refuses what it would refuse."""
    claim = get_claim(number, actor=actor)
    allow(claim, ClaimAction.CALCULATE, actor=actor)
    return calculating.work_out(claim, list_covers(claim.id), calculating.policies_of(claim.id), command)


def difference(before: ClaimCalculation, after: ClaimCalculation) -> Difference:
    """Compare two versions of one claim; a note is no input."""
    was, now_is = _stated_and_found(before), _stated_and_found(after)
    changed = [(name, was[name], now_is[name]) for name in was if was[name] != now_is[name]]
    paid_before, paid_after = _by_coverage(before), _by_coverage(after)
    lines = [
        (coverage, paid_before.get(coverage, 0), paid_after.get(coverage, 0))
        for coverage in dict.fromkeys([*paid_before, *paid_after])
        if paid_before.get(coverage, 0) != paid_after.get(coverage, 0)
    ]
    return Difference(changed, lines, after.total_fen - before.total_fen)


def _stated_and_found(calculation: ClaimCalculation) -> dict[str, Any]:
    """What an older version was not asked counts as left empty."""
    stated = stated_as_json(stated_again(calculation.inputs))
    del stated["note"]
    return stated | {name: calculation.inputs.get(name) for name in _FOUND}


def _by_coverage(calculation: ClaimCalculation) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in calculation.lines:
        sums[line["coverage"]] = sums.get(line["coverage"], 0) + line["pay_fen"]
    return sums
