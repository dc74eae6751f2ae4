"""Where a calculation starts: the assessment's items put where they are paid, by whom they belong to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_OF_VICTIMS = {
    "third_party_vehicle": "property_fen",
    "property": "property_fen",
    "injury": "medical_fen",
    "death": "death_fen",
}
_ON_BOARD = frozenset({"passenger_injury", "passenger_death"})


@dataclass
class PartyLoss:
    """What one party lost, in fen by CTPL item; `party_id` None: nobody said whose it was."""

    party_id: int | None
    property_fen: int = 0
    medical_fen: int = 0
    death_fen: int = 0


@dataclass
class Start:
    """The losses of an assessment in fen: others' by party, our passengers' by party, our vehicle, its rescue."""

    victims: list[PartyLoss] = field(default_factory=list)
    passengers: dict[int | None, int] = field(default_factory=dict)
    own_damage_fen: int = 0
    rescue_fee_fen: int = 0


def start_of(items: Iterable[Mapping[str, Any]]) -> Start:
    """Sort kept items `{kind, amount_fen, party_id}`; what belongs to the same party adds up."""
    start = Start()
    by_party: dict[int | None, PartyLoss] = {}
    for item in items:
        kind, fen, party = item["kind"], item["amount_fen"], item.get("party_id")
        if kind in _OF_VICTIMS:
            if party not in by_party:
                by_party[party] = PartyLoss(party)
            name = _OF_VICTIMS[kind]
            setattr(by_party[party], name, getattr(by_party[party], name) + fen)
        elif kind in _ON_BOARD:
            start.passengers[party] = start.passengers.get(party, 0) + fen
        elif kind == "own_vehicle":
            start.own_damage_fen += fen
        elif kind == "rescue":
            start.rescue_fee_fen += fen
    start.victims = list(by_party.values())
    return start
