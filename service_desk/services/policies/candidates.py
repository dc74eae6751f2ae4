"""Vehicles that may want a policy: uncovered, or with cover that ends soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, not_, or_, select

from service_desk.base.clock import end_of_day, local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, search_key
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import ExternalCover, Policy
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access
from service_desk.services.fleet import covers as fleet_covers
from service_desk.services.policies import coverage
from service_desk.services.policies.coverage import VehicleCoverage


@dataclass(frozen=True)
class VehicleFilter:
    """Which vehicles of an account may want a policy of `line`; None means any."""

    account_id: int
    line: PolicyLine = PolicyLine.CTPL
    branch_id: int | None = None
    use_class: UseClass | None = None
    ends_within_days: int | None = None
    is_uncovered: bool = False
    text: str = ""


@dataclass(frozen=True)
class Candidate:
    """A vehicle that may be insured, with its branch and its cover now."""

    vehicle: Vehicle
    branch: Branch
    coverage: VehicleCoverage


def list_candidates(
    wanted: VehicleFilter, page: PageRequest, *, actor: User, now: datetime
) -> Page[Candidate]:
    """Operating vehicles that may want a policy, by branch and plate."""
    access.require(actor, Action.ISSUE_POLICIES)
    statement = _candidates(wanted, actor, now)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(statement.limit(page.size).offset(page.offset)).all()
    covered = coverage.coverage_of([row[0].id for row in rows], now)
    return Page(
        [Candidate(row[0], row[1], covered[row[0].id]) for row in rows], total, page.number, page.size
    )


def candidate_ids(wanted: VehicleFilter, *, actor: User, now: datetime) -> list[int]:
    """The ids of all of them."""
    access.require(actor, Action.ISSUE_POLICIES)
    statement = _candidates(wanted, actor, now)
    return list(db.session.scalars(statement.with_only_columns(Vehicle.id, maintain_column_froms=True)))


def _candidates(wanted: VehicleFilter, actor: User, now: datetime) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [
        Vehicle.account_id == wanted.account_id,
        Vehicle.state == VehicleState.OPERATING,
    ]
    if wanted.branch_id is not None:
        conditions.append(Vehicle.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.use_class is not None:
        conditions.append(Vehicle.use_class == wanted.use_class)
    if wanted.text.strip():
        key = like_pattern(search_key(wanted.text).upper())
        conditions.append(or_(Vehicle.plate.like(key, escape="\\"), Vehicle.vin.like(key, escape="\\")))
    if wanted.is_uncovered:
        conditions.append(not_(fleet_covers.holds(wanted.line, now)))
    elif wanted.ends_within_days is not None:
        until = end_of_day(local_date(now) + timedelta(days=wanted.ends_within_days))
        conditions += [
            _has_cover_until_after(wanted.line, now),
            not_(_has_cover_until_after(wanted.line, until)),
        ]
    statement = (
        select(Vehicle, Branch)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .where(*conditions)
        .order_by(Branch.name, Vehicle.plate, Vehicle.id)
    )
    return access.visible(actor, Action.ISSUE_POLICIES, statement, Vehicle)


def _has_cover_until_after(line: PolicyLine, at: datetime) -> ColumnElement[bool]:
    """Whether any cover of the line, begun or still to begin, ends after an instant."""
    ours = select(Policy.id).where(
        Policy.vehicle_id == Vehicle.id,
        Policy.line == line,
        Policy.ends_at > at,
        Policy.ends_at > Policy.starts_at,
    )
    outside = select(ExternalCover.id).where(
        ExternalCover.vehicle_id == Vehicle.id, ExternalCover.line == line, ExternalCover.ends_at > at
    )
    return or_(ours.exists(), outside.exists())
