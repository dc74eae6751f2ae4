"""What was damaged or who was hurt, and where a calculation starts from an assessment."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class LossKind(StrEnum):
    """The kinds of items of an assessment. INJURY and PASSENGER_INJURY are what treatment costs (medical item);
    DEATH and PASSENGER_DEATH are what death and disability cost: lost income, care, funeral, dependants.
    """

    OWN_VEHICLE = "own_vehicle"
    THIRD_PARTY_VEHICLE = "third_party_vehicle"
    PROPERTY = "property"
    INJURY = "injury"
    DEATH = "death"
    PASSENGER_INJURY = "passenger_injury"
    PASSENGER_DEATH = "passenger_death"
    RESCUE = "rescue"


@dataclass(frozen=True)
class LossItem:
    """One damaged thing or hurt person, and the amount agreed for it.

    `party_id` is whom or what it belongs to, `item_id` the estimate that it settles; None where nobody said.
    """

    label: str
    kind: LossKind
    amount_fen: int
    party_id: int | None = None
    item_id: int | None = None


@dataclass(frozen=True)
class VictimLoss:
    """What one party lost, in fen: a person outside our vehicle, a vehicle or a property, or one of our passengers."""

    party_id: int | None
    medical_fen: int = 0
    death_fen: int = 0
    property_fen: int = 0


@dataclass(frozen=True)
class Losses:
    """Losses as a calculation takes them, in fen. Injury counts as medical until somebody splits it.

    `victims` are the parties that `property_fen`, `medical_fen` and `death_fen` are of, as far as they are named.
    `passengers` were in our vehicle, are nobody's third party, and are in none of these sums; those whom nobody
    named are one together. `rescue_fen` is what the rescue of our vehicle cost.
    """

    own_damage_fen: int = 0
    property_fen: int = 0
    medical_fen: int = 0
    death_fen: int = 0
    rescue_fen: int = 0
    victims: tuple[VictimLoss, ...] = ()
    passengers: tuple[VictimLoss, ...] = ()


_OF_VICTIMS = frozenset({LossKind.THIRD_PARTY_VEHICLE, LossKind.PROPERTY, LossKind.INJURY, LossKind.DEATH})
_OF_PASSENGERS = frozenset({LossKind.PASSENGER_INJURY, LossKind.PASSENGER_DEATH})


def losses_of(items: Iterable[LossItem]) -> Losses:
    """Add an assessment's items up by what they are paid under, and by whom it was lost."""
    listed = list(items)
    sums = _sums(listed)
    return Losses(
        own_damage_fen=sums[LossKind.OWN_VEHICLE],
        property_fen=sums[LossKind.THIRD_PARTY_VEHICLE] + sums[LossKind.PROPERTY],
        medical_fen=sums[LossKind.INJURY],
        death_fen=sums[LossKind.DEATH],
        rescue_fen=sums[LossKind.RESCUE],
        victims=_by_party(i for i in listed if i.kind in _OF_VICTIMS and i.party_id is not None),
        passengers=_by_party(item for item in listed if item.kind in _OF_PASSENGERS),
    )


def _sums(items: Iterable[LossItem]) -> dict[LossKind, int]:
    sums = dict.fromkeys(LossKind, 0)
    for item in items:
        sums[item.kind] += item.amount_fen
    return sums


def _by_party(items: Iterable[LossItem]) -> tuple[VictimLoss, ...]:
    """One entry a party, in the order they are first named."""
    of_party: dict[int | None, list[LossItem]] = {}
    for item in items:
        of_party.setdefault(item.party_id, []).append(item)
    return tuple(_victim(party_id, own) for party_id, own in of_party.items())


def _victim(party_id: int | None, items: Iterable[LossItem]) -> VictimLoss:
    sums = _sums(items)
    return VictimLoss(
        party_id,
        medical_fen=sums[LossKind.INJURY] + sums[LossKind.PASSENGER_INJURY],
        death_fen=sums[LossKind.DEATH] + sums[LossKind.PASSENGER_DEATH],
        property_fen=sums[LossKind.THIRD_PARTY_VEHICLE] + sums[LossKind.PROPERTY],
    )
