"""What was damaged or who was hurt, and where a calculation starts from an assessment."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class LossKind(StrEnum):
    """The kinds of items of an assessment."""

    OWN_VEHICLE = "own_vehicle"
    THIRD_PARTY_VEHICLE = "third_party_vehicle"
    PROPERTY = "property"
    INJURY = "injury"


@dataclass(frozen=True)
class LossItem:
    """One damaged thing or hurt person, and the amount agreed for it."""

    label: str
    kind: LossKind
    amount_fen: int


@dataclass(frozen=True)
class Losses:
    """Losses as a calculation takes them, in fen. Injury counts as medical until somebody splits it."""

    own_damage_fen: int = 0
    property_fen: int = 0
    medical_fen: int = 0
    death_fen: int = 0


def losses_of(items: Iterable[LossItem]) -> Losses:
    """Add an assessment's items up by what they are paid under."""
    sums = dict.fromkeys(LossKind, 0)
    for item in items:
        sums[item.kind] += item.amount_fen
    return Losses(
        own_damage_fen=sums[LossKind.OWN_VEHICLE],
        property_fen=sums[LossKind.THIRD_PARTY_VEHICLE] + sums[LossKind.PROPERTY],
        medical_fen=sums[LossKind.INJURY],
    )
