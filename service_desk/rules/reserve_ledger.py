"""The reserve ledger: what is outstanding of a claim by item, and how each movement changes it.

open + new + reopened + increase - decrease + divided - paid - released = close, for an item, a claim, a branch, an
account and any period. *Divided* moves money between the items of one claim, so that it is nought for a whole claim.
All amounts are whole fen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from service_desk.base.money import share
from service_desk.rules.claim_losses import LossKind
from service_desk.rules.metrics import reserve_close


class ReserveItem(StrEnum):
    """What a reserve is held for. UNDIVIDED: an estimate of the whole that nobody has divided yet."""

    OWN_VEHICLE = "own_vehicle"
    THIRD_PARTY = "third_party"
    INJURY = "injury"
    FEES = "fees"
    UNDIVIDED = "undivided"


class MovementKind(StrEnum):
    """How an amount entered or left the ledger. A payment that came back is a negative PAID."""

    NEW = "new"
    REOPENED = "reopened"
    INCREASE = "increase"
    DECREASE = "decrease"
    DIVIDED = "divided"
    PAID = "paid"
    RELEASED = "released"


LEAVING = frozenset({MovementKind.DECREASE, MovementKind.PAID, MovementKind.RELEASED})
"""The kinds that take from what is outstanding; the others add to it."""

Outstanding = Mapping[ReserveItem, int]


@dataclass(frozen=True)
class Movement:
    """An amount of one item. It is above nought, but for DIVIDED (either way) and PAID (below: came back)."""

    item: ReserveItem
    kind: MovementKind
    amount_fen: int

    @property
    def effect_fen(self) -> int:
        """What it adds to what is outstanding."""
        return -self.amount_fen if self.kind in LEAVING else self.amount_fen


@dataclass(frozen=True)
class Roll:
    """A ledger rolled forward over a period: the sums of its movements by kind."""

    opening_fen: int = 0
    new_fen: int = 0
    reopened_fen: int = 0
    increase_fen: int = 0
    decrease_fen: int = 0
    divided_fen: int = 0
    paid_fen: int = 0
    released_fen: int = 0

    @property
    def closing_fen(self) -> int:
        """What is outstanding at the end."""
        return reserve_close(
            open=self.opening_fen,
            came=(self.new_fen, self.reopened_fen, self.increase_fen, self.divided_fen),
            went=(self.decrease_fen, self.paid_fen, self.released_fen),
        )

    def __add__(self, other: "Roll") -> "Roll":
        """Two ledgers of the same period as one."""
        return Roll(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Roll)))


def effect_of(kind: MovementKind, amount_fen: int) -> int:
    """What an amount of a kind adds to what is outstanding."""
    return -amount_fen if kind in LEAVING else amount_fen


def roll(opening_fen: int, sums: Mapping[MovementKind, int]) -> Roll:
    """Roll forward from an opening balance by the sums of a period."""
    return Roll(opening_fen, **{f"{kind.value}_fen": sums.get(kind, 0) for kind in MovementKind})


def outstanding_after(movements: Iterable[Movement]) -> dict[ReserveItem, int]:
    """What is outstanding of each item after all movements of a claim."""
    sums = dict.fromkeys(ReserveItem, 0)
    for movement in movements:
        sums[movement.item] += movement.effect_fen
    return sums


def rebalance(
    held: Outstanding, wanted: Outstanding, *, up: MovementKind, down: MovementKind
) -> list[Movement]:
    """The movements from what is held to what is wanted.

    What one item gives and another gets is *divided*; only what the claim as a whole gains is `up`, loses `down`.
    """
    changes = {item: wanted.get(item, 0) - held.get(item, 0) for item in ReserveItem}
    gains = {item: fen for item, fen in changes.items() if fen > 0}
    losses = {item: -fen for item, fen in changes.items() if fen < 0}
    within = min(sum(gains.values()), sum(losses.values()))
    return [*_split(gains, within, up, 1), *_split(losses, within, down, -1)]


def _split(amounts: Mapping[ReserveItem, int], within: int, kind: MovementKind, sign: int) -> list[Movement]:
    """Take `within` of the amounts as divided, in their order, and the rest as a movement of the whole."""
    movements = []
    for item, fen in amounts.items():
        divided = min(fen, within)
        within -= divided
        if divided:
            movements.append(Movement(item, MovementKind.DIVIDED, sign * divided))
        if fen > divided:
            movements.append(Movement(item, kind, fen - divided))
    return movements


def spread(held: Outstanding, total_fen: int) -> dict[ReserveItem, int]:
    """Scale what is held to a total: by shares downwards, the undivided item takes what is more."""
    now_held = {item: max(held.get(item, 0), 0) for item in ReserveItem}
    before = sum(now_held.values())
    if total_fen >= before:
        now_held[ReserveItem.UNDIVIDED] += total_fen - before
        return now_held
    return dict(zip(now_held, share(total_fen, list(now_held.values())), strict=True))


def retarget(held: Outstanding, total_fen: int, item: ReserveItem) -> dict[ReserveItem, int]:
    """A new total because of one item: the item takes the change, then the undivided part, then all by shares."""
    wanted = {one: max(held.get(one, 0), 0) for one in ReserveItem}
    change = total_fen - sum(wanted.values())
    if change >= 0:
        wanted[item] += change
        return wanted
    for giver in (item, ReserveItem.UNDIVIDED):
        given = min(wanted[giver], -change)
        wanted[giver] -= given
        change += given
    return spread(wanted, total_fen) if change else wanted


def shift(held: Outstanding, changes: Mapping[ReserveItem, int]) -> dict[ReserveItem, int]:
    """Estimates of items that went up or down: what is still undivided is divided first, nothing falls below nought."""
    wanted = {item: max(held.get(item, 0) + changes.get(item, 0), 0) for item in ReserveItem}
    grown = sum(fen for item, fen in changes.items() if fen > 0 and item is not ReserveItem.UNDIVIDED)
    wanted[ReserveItem.UNDIVIDED] = max(wanted[ReserveItem.UNDIVIDED] - grown, 0)
    return wanted


def paid_out(held: Outstanding, amount_fen: int, item: ReserveItem | None = None) -> list[Movement]:
    """A payment by item: of the named one as far as it goes, else by shares of what is outstanding.

    More than all that is outstanding (never allowed by the desk) stays visible as a minus of the undivided part.
    """
    first = min(max(held.get(item, 0), 0), amount_fen) if item else 0
    rest = {one: max(held.get(one, 0), 0) - (first if one is item else 0) for one in ReserveItem}
    parts = _shares(rest, min(amount_fen - first, sum(rest.values())))
    if item:
        parts[item] += first
    parts[ReserveItem.UNDIVIDED] += amount_fen - sum(parts.values())
    return [Movement(one, MovementKind.PAID, fen) for one, fen in parts.items() if fen]


def paid_back(paid: Outstanding, amount_fen: int) -> list[Movement]:
    """A payment that came back, to the items it was paid of."""
    parts = _shares({item: max(paid.get(item, 0), 0) for item in ReserveItem}, amount_fen)
    return [Movement(item, MovementKind.PAID, -fen) for item, fen in parts.items() if fen]


def _shares(weights: Mapping[ReserveItem, int], amount_fen: int) -> dict[ReserveItem, int]:
    if not sum(weights.values()):
        return {item: amount_fen if item is ReserveItem.UNDIVIDED else 0 for item in weights}
    return dict(zip(weights, share(amount_fen, list(weights.values())), strict=True))


_ITEM_OF = {
    LossKind.OWN_VEHICLE: ReserveItem.OWN_VEHICLE,
    LossKind.RESCUE: ReserveItem.OWN_VEHICLE,
    LossKind.THIRD_PARTY_VEHICLE: ReserveItem.THIRD_PARTY,
    LossKind.PROPERTY: ReserveItem.THIRD_PARTY,
    LossKind.INJURY: ReserveItem.INJURY,
    LossKind.DEATH: ReserveItem.INJURY,
    LossKind.PASSENGER_INJURY: ReserveItem.INJURY,
    LossKind.PASSENGER_DEATH: ReserveItem.INJURY,
}


def item_of(kind: LossKind) -> ReserveItem:
    """The reserve that a kind of loss is paid of."""
    return _ITEM_OF[kind]
