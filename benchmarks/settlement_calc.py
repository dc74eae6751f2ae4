"""How long a claim's calculation takes with its working, beside the bare arithmetic of the same claim.

The floor is the same claim in plain integers of fen, limits and shares written out: no working, no checks, no choices.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from benchmarks.timing import beside
from service_desk.rules.settlement import (
    ClaimInputs,
    CommercialClause,
    Fault,
    Occupants,
    OwnDamageLoss,
    PersonLoss,
    RescueFee,
    ThirdPartyLoss,
    Victim,
    calculate,
)

D = Decimal
SIMPLE = ClaimInputs(
    loss_on=date(2026, 11, 22),
    fault=Fault.MAIN,
    ctpl_in_force=True,
    tpl_limit=D(1_000_000),
    third_party=ThirdPartyLoss(D(98_000), D(46_000), D(12_000)),
)
RICH = ClaimInputs(
    loss_on=date(2019, 5, 1),
    fault=Fault.MAIN,
    ctpl_in_force=True,
    clause=CommercialClause.C2014,
    tpl_limit=D(500_000),
    victims=(
        Victim("甲", ThirdPartyLoss(D(98_000), D(46_000))),
        Victim("乙", ThirdPartyLoss(D(0), D(21_000), D(12_000))),
        Victim("丙", ThirdPartyLoss(D(0), D(3_000))),
    ),
    own_damage=OwnDamageLoss(D(32_000), D(260_000), absolute_amount=D(500)),
    rescue_fee=RescueFee(D(6_000), D(240_000), D(60_000)),
    other_party="对方",
    occupants=Occupants((PersonLoss("丁", D(12_000)), PersonLoss("戊", D(65_000))), D(50_000)),
)


def measure() -> Iterator[dict[str, Any]]:
    """Calculate an everyday claim (C05), and one with three victims, our vehicle, its rescue and two on board."""
    assert int(calculate(SIMPLE).total * 100) == bare_simple()
    assert int(calculate(RICH).total * 100) == bare_rich()
    yield beside("settlement.calc", lambda: calculate(SIMPLE), bare_simple)
    yield beside("settlement.calc_rich", lambda: calculate(RICH), bare_rich)


def bare_simple() -> int:
    """The everyday claim in fen."""
    losses, limits = (9_800_000, 4_600_000, 1_200_000), (18_000_000, 1_800_000, 200_000)
    ctpl = sum(min(loss, limit) for loss, limit in zip(losses, limits, strict=True))
    excess = sum(max(loss - limit, 0) for loss, limit in zip(losses, limits, strict=True))
    return ctpl + min(excess * 70 // 100, 100_000_000)


def bare_rich() -> int:
    """The rich claim in fen, the parts of the victims left out."""
    losses, limits = (9_800_000, 7_000_000, 1_200_000), (11_000_000, 1_000_000, 200_000)
    ctpl = sum(min(loss, limit) for loss, limit in zip(losses, limits, strict=True))
    excess = sum(max(loss - limit, 0) for loss, limit in zip(losses, limits, strict=True))
    tpl = min(excess * 70 // 100, 50_000_000) * 85 // 100
    own = 3_200_000 * 85 // 100 - 50_000
    rescue = 600_000 * 240_000 // 300_000
    seats = sum(min(loss * 70 // 100, 5_000_000) * 85 // 100 for loss in (1_200_000, 6_500_000))
    return ctpl + tpl + own + rescue + seats


if __name__ == "__main__":
    for one in measure():
        print(f"{one['name']:32} {one['value']:>12.3f} µs  floor {one['floor']:>7.3f}  x {one['ratio']:.2f}")
