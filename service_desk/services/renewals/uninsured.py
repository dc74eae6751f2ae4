"""Missed cover (漏保): operating vehicles without a layer they must have, found the same day."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.base.money import from_fen
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.users import User
from service_desk.rules import rating
from service_desk.rules.cover_calendar import LayerPeriod, missing_layers, since_when_missing
from service_desk.rules.cover_needs import CARRIED_BY, CoverNeeds, lines_carrying
from service_desk.rules.exposure import Exposure, exposure_without_ctpl
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.rating import VehicleFacts
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services import access
from service_desk.services.fleet import covers, requirements
from service_desk.services.policies import rates
from service_desk.services.policies.layers import layers_of

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MissedCover:
    """An operating vehicle and what it is without: layers, and the lines that carry them.

    `ended` by line and `ended_layers` by layer: when cover ended, if it had any.
    """

    vehicle: Vehicle
    branch: Branch
    missing: tuple[PolicyLine, ...]
    ended: dict[PolicyLine, datetime]
    layers: tuple[CoverCode, ...] = ()
    ended_layers: dict[CoverCode, datetime] = field(default_factory=dict)

    @property
    def lacks_ctpl(self) -> bool:
        """Whether it may not be on the road at all."""
        return PolicyLine.CTPL in self.missing

    @property
    def since_at(self) -> datetime | None:
        """When the first of the missing layers ended; None when none of them ever was known."""
        return min(self.ended_layers.values(), default=None)

    def days_without(self, line: PolicyLine, now: datetime) -> int | None:
        """Days since the last covered day of a line; None when it never had cover that we know of."""
        ended_at = self.ended.get(line)
        return (last_covered_day(now) - last_covered_day(ended_at)).days if ended_at else None


class Exposures:
    """What vehicles without CTPL risk today; reads the account's price tables once."""

    def __init__(self, account_id: int, on: date) -> None:
        self._on = on
        self._table = rates.in_force(account_id, on).get(PolicyLine.CTPL)

    def of(self, vehicle: Vehicle, layers: Collection[CoverCode]) -> Exposure | None:
        """The exposure of a vehicle; None where CTPL is not among what it lacks."""
        if CoverCode.CTPL not in layers:
            return None
        return exposure_without_ctpl(self._premium(vehicle), self._on)

    def _premium(self, vehicle: Vehicle) -> Decimal | None:
        if self._table is None:
            return None
        facts = VehicleFacts(vehicle.use_class, vehicle.seats, vehicle.load_kg)
        try:
            found = rating.premium_for(
                self._table.lines, facts, line=PolicyLine.CTPL, cover_set=self._table.cover_sets[0]
            )
        except Invalid:
            return None
        return from_fen(found.total_fen)


def list_uninsured(
    account_id: int, *, actor: User, now: datetime, branch_id: int | None = None
) -> list[MissedCover]:
    """The vehicles without a required layer now; those without CTPL first, then by branch and plate."""
    needs = requirements.in_force(account_id, local_date(now))
    return _missed(_seen(account_id, needs, actor, now, branch_id), needs, now)


def uninsured_ids(
    account_id: int, *, actor: User, now: datetime, branch_id: int | None = None
) -> Sequence[int]:
    """The same vehicles' ids, by branch and plate."""
    needs = requirements.in_force(account_id, local_date(now))
    statement = _seen(account_id, needs, actor, now, branch_id)
    return db.session.scalars(statement.with_only_columns(Vehicle.id)).all()


def uninsured_among(account_id: int, ids: Collection[int], *, now: datetime) -> list[MissedCover]:
    """Those of an account's vehicles, for callers who have found them by `uninsured_ids`."""
    needs = requirements.in_force(account_id, local_date(now))
    return _missed(_missing(account_id, needs, now).where(Vehicle.id.in_(ids)), needs, now)


def _seen(
    account_id: int, needs: CoverNeeds, actor: User, now: datetime, branch_id: int | None
) -> Select[Any]:
    access.require(actor, Action.READ_RENEWALS)
    statement = _missing(account_id, needs, now)
    if branch_id is not None:
        statement = statement.where(Vehicle.branch_id.in_(access.branch_tree(branch_id)))
    return access.visible(actor, Action.READ_RENEWALS, statement, Vehicle)


def account_uninsured(account_id: int, *, now: datetime) -> list[MissedCover]:
    """The same for a whole account and for no actor: what cases are opened and notices are sent from."""
    needs = requirements.in_force(account_id, local_date(now))
    return _missed(_missing(account_id, needs, now), needs, now)


def _missing(account_id: int, needs: CoverNeeds, now: datetime) -> Select[Any]:
    """The database finds them, by index: a fleet without gaps costs next to nothing."""
    return (
        select(Vehicle, Branch)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .where(
            Vehicle.account_id == account_id,
            Vehicle.state == VehicleState.OPERATING,
            ~covers.is_fully_covered(needs, now),
        )
        .order_by(Branch.name, Vehicle.plate, Vehicle.id)
    )


def _missed(statement: Select[Any], needs: CoverNeeds, now: datetime) -> list[MissedCover]:
    rows = db.session.execute(statement).tuples().all()
    known = layers_of([vehicle.id for vehicle, _ in rows], since=_EVER)
    found = [_judge(vehicle, branch, known.get(vehicle.id, []), needs, now) for vehicle, branch in rows]
    return sorted(found, key=lambda one: not one.lacks_ctpl)


def _judge(
    vehicle: Vehicle, branch: Branch, periods: list[LayerPeriod], needs: CoverNeeds, now: datetime
) -> MissedCover:
    layers = missing_layers(needs.layers_of(vehicle.use_class), periods, now)
    ended_layers = {layer: at for layer in layers if (at := since_when_missing(periods, layer, now))}
    ended: dict[PolicyLine, datetime] = {}
    for layer, at in ended_layers.items():
        line = CARRIED_BY[layer]
        ended[line] = min(at, ended.get(line, at))
    return MissedCover(vehicle, branch, lines_carrying(layers), ended, layers, ended_layers)
