"""Missed cover (漏保): operating vehicles without a line they must have, found the same day."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select

from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import ExternalCover, Policy
from service_desk.models.users import User
from service_desk.rules.coverage import missing_lines
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, policies


@dataclass(frozen=True)
class MissedCover:
    """An operating vehicle and the required lines it is without. `ended` by line: when cover ended, if it had any."""

    vehicle: Vehicle
    branch: Branch
    missing: tuple[PolicyLine, ...]
    ended: dict[PolicyLine, datetime]

    @property
    def lacks_ctpl(self) -> bool:
        """Whether it may not be on the road at all."""
        return PolicyLine.CTPL in self.missing

    def days_without(self, line: PolicyLine, now: datetime) -> int | None:
        """Days since the last covered day of a line; None when it never had cover that we know of."""
        ended_at = self.ended.get(line)
        return (last_covered_day(now) - last_covered_day(ended_at)).days if ended_at else None


def list_uninsured(
    account_id: int, *, actor: User, now: datetime, branch_id: int | None = None
) -> list[MissedCover]:
    """The vehicles without a required line now; those without CTPL first, then by branch and plate."""
    access.require(actor, Action.READ_RENEWALS)
    statement = _operating(account_id)
    if branch_id is not None:
        statement = statement.where(Vehicle.branch_id.in_(access.branch_tree(branch_id)))
    return _missed(access.visible(actor, Action.READ_RENEWALS, statement, Vehicle), account_id, now)


def account_uninsured(account_id: int, *, now: datetime) -> list[MissedCover]:
    """The same for a whole account and for no actor: what the daily notices are sent from."""
    return _missed(_operating(account_id), account_id, now)


def _operating(account_id: int) -> Select[tuple[Vehicle, Branch]]:
    return (
        select(Vehicle, Branch)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .where(Vehicle.account_id == account_id, Vehicle.state == VehicleState.OPERATING)
        .order_by(Branch.name, Vehicle.plate, Vehicle.id)
    )


def _missed(statement: Select[tuple[Vehicle, Branch]], account_id: int, now: datetime) -> list[MissedCover]:
    periods = policies.account_periods(account_id, since=now)
    lacking = [
        (vehicle, branch, tuple(missing))
        for vehicle, branch in db.session.execute(statement).tuples()
        if (missing := missing_lines(vehicle.use_class, periods.get(vehicle.id, ()), now))
    ]
    ended = _last_ends(account_id, now) if lacking else {}
    found = [
        MissedCover(
            vehicle, branch, missing, {line: at for line in missing if (at := ended.get((vehicle.id, line)))}
        )
        for vehicle, branch, missing in lacking
    ]
    return sorted(found, key=lambda one: not one.lacks_ctpl)


def _last_ends(account_id: int, now: datetime) -> dict[tuple[int, PolicyLine], datetime]:
    found: dict[tuple[int, PolicyLine], datetime] = {}
    ours = select(Policy.vehicle_id, Policy.line, func.max(Policy.ends_at)).where(
        Policy.account_id == account_id, Policy.ends_at > Policy.starts_at, Policy.ends_at <= now
    )
    outside = select(ExternalCover.vehicle_id, ExternalCover.line, func.max(ExternalCover.ends_at)).where(
        ExternalCover.account_id == account_id, ExternalCover.ends_at <= now
    )
    for statement in (
        ours.group_by(Policy.vehicle_id, Policy.line),
        outside.group_by(ExternalCover.vehicle_id, ExternalCover.line),
    ):
        for vehicle_id, line, ended_at in db.session.execute(statement).tuples():
            found[vehicle_id, line] = max(ended_at, found.get((vehicle_id, line), ended_at))
    return found
