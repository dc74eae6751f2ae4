"""Certificate cards: for each vehicle what we cover, small enough to be kept in it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import select

from service_desk.base.errors import Invalid
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.deliveries import DeliveryItem, DeliveryRun
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import IssueBatch, Policy
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access

# 200 sheets: what one file prints in a few seconds.
MOST_CARDS = 1_600
_IDS_A_QUERY = 5_000


@dataclass(frozen=True)
class Card:
    """A vehicle with its policies that are in force or still to begin, by line and start."""

    vehicle: Vehicle
    branch: Branch
    policies: Sequence[Policy]


def for_vehicle(vehicle_id: int, *, actor: User, now: datetime) -> list[Card]:
    """The card of one vehicle."""
    vehicle = access.get_visible(actor, Action.READ_POLICIES, Vehicle, Vehicle.id == vehicle_id)
    return _cards([vehicle.id], now)


def for_batch(number: str, *, actor: User, now: datetime) -> list[Card]:
    """The cards of the vehicles of a batch."""
    batch = access.get_visible(actor, Action.READ_POLICIES, IssueBatch, IssueBatch.number == number)
    return _cards(db.session.scalars(select(Policy.vehicle_id).where(Policy.batch_id == batch.id)), now)


def for_branch(branch_id: int, *, actor: User, now: datetime) -> list[Card]:
    """The cards of all vehicles of a branch."""
    branch = access.get_visible(actor, Action.READ_POLICIES, Branch, Branch.id == branch_id)
    return _cards(db.session.scalars(select(Vehicle.id).where(Vehicle.branch_id == branch.id)), now)


def for_run(number: str, *, actor: User, now: datetime) -> list[Card]:
    """The cards that a delivery run brings."""
    run = access.get_visible(actor, Action.ISSUE_POLICIES, DeliveryRun, DeliveryRun.number == number)
    wanted = select(DeliveryItem.vehicle_id).where(
        DeliveryItem.run_id == run.id, DeliveryItem.vehicle_id.is_not(None)
    )
    return _cards([one for one in db.session.scalars(wanted) if one], now)


def _cards(vehicle_ids: Iterable[int], now: datetime) -> list[Card]:
    """Cards by branch and plate; Invalid `no_card` when no vehicle has a policy, `too_many_cards` past the limit."""
    cards = [card for ids in _portions(set(vehicle_ids)) for card in _some(ids, now)]
    if not cards:
        raise Invalid("no_card")
    if len(cards) > MOST_CARDS:
        raise Invalid("too_many_cards", count=len(cards), most=MOST_CARDS)
    return sorted(cards, key=lambda card: (card.branch.name, card.vehicle.plate or "", card.vehicle.id))


def _portions(ids: Collection[int]) -> Iterable[list[int]]:
    ordered = sorted(ids)
    return (ordered[start : start + _IDS_A_QUERY] for start in range(0, len(ordered), _IDS_A_QUERY))


def _some(vehicle_ids: list[int], now: datetime) -> list[Card]:
    statement = (
        select(Policy, Vehicle, Branch)
        .join(Vehicle, Vehicle.id == Policy.vehicle_id)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .where(Policy.vehicle_id.in_(vehicle_ids), Policy.ends_at > now, Policy.ends_at > Policy.starts_at)
        .order_by(Vehicle.id)
    )
    lines = list(PolicyLine)
    cards = []
    for (vehicle, branch), rows in groupby(db.session.execute(statement), lambda row: (row[1], row[2])):
        own = sorted((row[0] for row in rows), key=lambda one: (lines.index(one.line), one.starts_at, one.id))
        cards.append(Card(vehicle, branch, own))
    return cards
