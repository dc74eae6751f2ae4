"""The last cover of each operating vehicle and line, ours or known from elsewhere: what everything about renewals asks.

Only the last one counts: a vehicle that was renewed has a later one.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    case,
    exists,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import ExternalCover, Policy
from service_desk.models.renewals import RenewalOutcome
from service_desk.rules import renewal
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.rating import VehicleFacts
from service_desk.rules.renewal import BUCKET_DAYS, LONGEST_REMINDER, Bucket
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access
from service_desk.services.renewals.prices import Prices

BOARD_DAYS = LONGEST_REMINDER


@dataclass(frozen=True)
class ExpiryFilter:
    """Which expiries of an account are wanted, up to `within_days` from now and however old; None means any.

    `known_elsewhere`: only vehicles of which some cover is known from elsewhere.
    """

    account_id: int
    within_days: int = BOARD_DAYS
    branch_id: int | None = None
    use_class: UseClass | None = None
    line: PolicyLine | None = None
    bucket: Bucket | None = None
    vehicle_id: int | None = None
    known_elsewhere: bool = False


@dataclass(frozen=True)
class Expiry:
    """The last cover of a vehicle and line. `number` is empty for cover known from elsewhere.

    `premium_fen`: a year's premium of the policy that ends, as endorsed; for cover from elsewhere the price of a new one,
    None when there is no price.
    """

    vehicle_id: int
    plate: str
    use_class: UseClass | None
    branch: Branch
    line: PolicyLine
    ends_at: datetime
    last_day: date
    days_left: int
    bucket: Bucket
    number: str
    premium_fen: int | None


class LastCovers:
    """The last covers that end as filtered and have no outcome recorded, as parts of statements.

    `joined(*columns)` selects columns of Vehicle, Branch, `policy` (none for cover from elsewhere), `line` and `ends_at`.
    """

    def __init__(self, wanted: ExpiryFilter, now: datetime) -> None:
        self._wanted, self._today = wanted, local_date(now)
        self._last = _last_ends(wanted, end_of_day(self._today + timedelta(days=wanted.within_days)))
        self.line: SQLColumnExpression[PolicyLine] = self._last.c.line
        self.ends_at: SQLColumnExpression[datetime] = self._last.c.ends_at
        self.policy = aliased(Policy)

    @property
    def years_premium(self) -> SQLColumnExpression[int]:
        """What a year of the policy costs as it was endorsed."""
        return func.coalesce(self.policy.annual_fen, self.policy.premium_fen)

    @property
    def bucket(self) -> ColumnElement[str]:
        """`rules.renewal.bucket_of` in the database."""
        edges = [(Bucket.OVERDUE, start_of_day(self._today))]
        edges += [(bucket, end_of_day(self._today + timedelta(days=days))) for bucket, days in BUCKET_DAYS]
        return case(
            *((self.ends_at <= edge, literal(bucket.value)) for bucket, edge in edges),
            else_=literal(Bucket.LATER.value),
        )

    def joined(self, *columns: Any) -> Select[Any]:
        """A select of columns of one row a cover."""
        other = aliased(Policy)
        # Two policies of one line may end together; the cover is one all the same.
        latest_id = (
            select(func.max(other.id))
            .where(
                other.vehicle_id == self._last.c.vehicle_id,
                other.line == self.line,
                other.ends_at == self.ends_at,
                other.ends_at > other.starts_at,
            )
            .scalar_subquery()
        )
        return (
            select(*columns)
            .select_from(Vehicle)
            .join(self._last, self._last.c.vehicle_id == Vehicle.id)
            .join(Branch, Branch.id == Vehicle.branch_id)
            .outerjoin(self.policy, self.policy.id == latest_id)
            .where(self._is_wanted(), ~self._has_outcome())
        )

    def _is_wanted(self) -> ColumnElement[bool]:
        wanted = self._wanted
        conditions: list[ColumnElement[bool]] = [
            Vehicle.account_id == wanted.account_id,
            Vehicle.state == VehicleState.OPERATING,
        ]
        if wanted.branch_id is not None:
            conditions.append(Vehicle.branch_id.in_(access.branch_tree(wanted.branch_id)))
        if wanted.use_class is not None:
            conditions.append(Vehicle.use_class == wanted.use_class)
        if wanted.line is not None:
            conditions.append(self.line == wanted.line)
        if wanted.bucket is not None:
            conditions.append(self.bucket == wanted.bucket.value)
        return and_(true(), *conditions)

    def _has_outcome(self) -> ColumnElement[bool]:
        return exists().where(
            RenewalOutcome.vehicle_id == Vehicle.id,
            RenewalOutcome.line == self.line,
            RenewalOutcome.ends_at == self.ends_at,
        )


def _last_ends(wanted: ExpiryFilter, until: datetime) -> Any:
    ours = select(Policy.vehicle_id, Policy.line, Policy.ends_at).where(
        Policy.account_id == wanted.account_id, Policy.ends_at > Policy.starts_at
    )
    outside = select(ExternalCover.vehicle_id, ExternalCover.line, ExternalCover.ends_at).where(
        ExternalCover.account_id == wanted.account_id
    )
    if wanted.vehicle_id is not None:
        ours = ours.where(Policy.vehicle_id == wanted.vehicle_id)
        outside = outside.where(ExternalCover.vehicle_id == wanted.vehicle_id)
    if wanted.known_elsewhere:
        ours = ours.where(Policy.vehicle_id.in_(outside.with_only_columns(ExternalCover.vehicle_id)))
    every = union_all(ours, outside).subquery()
    return (
        select(every.c.vehicle_id, every.c.line, func.max(every.c.ends_at).label("ends_at"))
        .group_by(every.c.vehicle_id, every.c.line)
        .having(func.max(every.c.ends_at) <= until)
        .subquery()
    )


def rows_of(covers: LastCovers) -> Select[Any]:
    """The statement whose rows `expiries` reads, the longest ended first."""
    return covers.joined(
        Vehicle.id,
        Vehicle.plate,
        Vehicle.vin,
        Vehicle.use_class,
        Vehicle.seats,
        Vehicle.load_kg,
        Branch,
        covers.line,
        covers.ends_at,
        covers.policy.number,
        covers.years_premium,
    ).order_by(covers.ends_at, Branch.name, Vehicle.plate, Vehicle.id, covers.line)


def expiries(statement: Select[Any], account_id: int, now: datetime) -> list[Expiry]:
    """The rows of `rows_of` as expiries."""
    today = local_date(now)
    prices = Prices(account_id, today)
    found = []
    for row in db.session.execute(statement):
        vehicle_id, plate, vin, use_class, seats, load_kg, branch, line, ends_at, number, premium_fen = row
        last_day = last_covered_day(ends_at)
        facts = VehicleFacts(use_class, seats, load_kg)
        found.append(
            Expiry(
                vehicle_id=vehicle_id,
                plate=plate or vin or "",
                use_class=use_class,
                branch=branch,
                line=line,
                ends_at=ends_at,
                last_day=last_day,
                days_left=renewal.days_left(last_day, today),
                bucket=renewal.bucket_of(last_day, today),
                number=number or "",
                premium_fen=premium_fen if number else prices.find(facts, line),
            )
        )
    return found


def account_expiries(account_id: int, within_days: int, *, now: datetime) -> list[Expiry]:
    """What is still to be renewed of a whole account and for no actor: what reminders are sent from."""
    return expiries(rows_of(LastCovers(ExpiryFilter(account_id, within_days), now)), account_id, now)
