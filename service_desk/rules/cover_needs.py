"""What a vehicle must be covered for to count as covered: layers by use class, in versions by day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from service_desk.base.clock import start_of_day
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

CARRIED_BY: dict[CoverCode, PolicyLine] = {
    CoverCode.CTPL: PolicyLine.CTPL,
    CoverCode.TPL: PolicyLine.COMMERCIAL,
    CoverCode.OWN_DAMAGE: PolicyLine.COMMERCIAL,
    CoverCode.CARRIER_LIABILITY: PolicyLine.CARRIER_LIABILITY,
}
"""The line whose policies give a layer."""

MAIN_LAYER: dict[PolicyLine, CoverCode] = {
    PolicyLine.CTPL: CoverCode.CTPL,
    PolicyLine.COMMERCIAL: CoverCode.TPL,
    PolicyLine.CARRIER_LIABILITY: CoverCode.CARRIER_LIABILITY,
}
"""What a policy of a line gives when nothing more is known of it, as with cover from elsewhere."""

_PASSENGER_LAYERS = (CoverCode.CTPL, CoverCode.TPL, CoverCode.CARRIER_LIABILITY)
_OTHER_LAYERS = (CoverCode.CTPL, CoverCode.TPL)

USUAL_LAYERS: dict[UseClass, tuple[CoverCode, ...]] = {
    UseClass.COACH: _PASSENGER_LAYERS,
    UseClass.CITY_BUS: _PASSENGER_LAYERS,
    UseClass.TAXI_RENTAL: _PASSENGER_LAYERS,
    UseClass.GOODS: _OTHER_LAYERS,
    UseClass.NON_OPERATING: _OTHER_LAYERS,
}
"""Where no version says otherwise. CTPL and, for passenger carriers, carrier's liability are law (CTPL Regulation
art. 2, Road Transport Regulation art. 35); third-party liability is agreed with the account."""


@dataclass(frozen=True)
class CoverNeeds:
    """The layers each class needs on a day."""

    layers: Mapping[UseClass, tuple[CoverCode, ...]]

    def layers_of(self, use_class: UseClass | None) -> tuple[CoverCode, ...]:
        """The layers a vehicle needs, in their usual order. One of unknown class needs CTPL at least."""
        return (CoverCode.CTPL,) if use_class is None else self.layers[use_class]

    def lines_of(self, use_class: UseClass | None) -> tuple[PolicyLine, ...]:
        """The lines that carry them, each once."""
        return lines_carrying(self.layers_of(use_class))

    def lines_sold(self, use_class: UseClass) -> set[PolicyLine]:
        """The lines a class may have: those that carry its usual layers, and what it needs beyond them."""
        return {*lines_carrying(USUAL_LAYERS[use_class]), *self.lines_of(use_class)}


@dataclass(frozen=True)
class NeedVersion:
    """What one class needs from a day on; `account_id` None is every account's without a version of its own."""

    account_id: int | None
    use_class: UseClass
    effective_on: date
    layers: tuple[CoverCode, ...]


def lines_carrying(layers: Iterable[CoverCode]) -> tuple[PolicyLine, ...]:
    """The lines that carry some layers, each once, in their usual order."""
    wanted = {CARRIED_BY[layer] for layer in layers}
    return tuple(line for line in PolicyLine if line in wanted)


def needs_on(versions: Iterable[NeedVersion], account_id: int, on: date) -> CoverNeeds:
    """What counts for an account on a day: its own latest version of a class before the general one."""
    chosen: dict[UseClass, NeedVersion] = {}
    for one in versions:
        if one.effective_on > on or one.account_id not in (None, account_id):
            continue
        known = chosen.get(one.use_class)
        if known is None or _rank(one) > _rank(known):
            chosen[one.use_class] = one
    return CoverNeeds(
        {
            use_class: chosen[use_class].layers if use_class in chosen else usual
            for use_class, usual in USUAL_LAYERS.items()
        }
    )


def _rank(version: NeedVersion) -> tuple[bool, date]:
    return version.account_id is not None, version.effective_on


Stretch = tuple[datetime, datetime | None]


class NeededTimes:
    """When each class needed each layer, from versions by day: `(first day, needs)` counts until the next."""

    def __init__(self, needs_of: Sequence[tuple[date, CoverNeeds]]) -> None:
        starts = [start_of_day(day) for day, _ in needs_of]
        ends = [*starts[1:], None]
        self._parts = list(zip(starts, ends, (needs for _, needs in needs_of), strict=True))
        self._known: dict[UseClass | None, dict[CoverCode, list[Stretch]]] = {}

    def of(self, use_class: UseClass | None) -> dict[CoverCode, list[Stretch]]:
        """The stretches in which a class needs each layer; layers it never needs are left out."""
        if use_class not in self._known:
            found: dict[CoverCode, list[Stretch]] = {}
            for start, end, needs in self._parts:
                for layer in needs.layers_of(use_class):
                    found.setdefault(layer, []).append((start, end))
            self._known[use_class] = found
        return self._known[use_class]
