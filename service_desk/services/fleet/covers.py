"""Conditions on cover for filtering vehicles in the database. What a vehicle's cover is: `services.policies.coverage`."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_

from service_desk.models.fleet import Vehicle
from service_desk.models.policies import ExternalCover, Policy
from service_desk.rules.coverage import REQUIRED_LINES
from service_desk.rules.vocabulary import PolicyLine

EXPIRING_WITHIN = timedelta(days=30)


def holds(line: PolicyLine, at: datetime) -> ColumnElement[bool]:
    """The condition that a vehicle has cover of a line at an instant."""
    return or_(
        exists().where(*_own(line), Policy.starts_at <= at, Policy.ends_at > at),
        _stated(
            line,
            and_(
                or_(ExternalCover.starts_at.is_(None), ExternalCover.starts_at <= at),
                ExternalCover.ends_at > at,
            ),
        ),
    )


def ends_soon(at: datetime, within: timedelta = EXPIRING_WITHIN) -> ColumnElement[bool]:
    """The condition that cover of some line ends within a time and nothing of that line follows it."""
    return or_(*(_line_ends_soon(line, at, at + within) for line in PolicyLine))


def is_fully_covered(at: datetime) -> ColumnElement[bool]:
    """The condition that every line the vehicle's class needs holds; a vehicle without a class needs CTPL."""
    needed = [
        and_(Vehicle.use_class == use_class, *(holds(line, at) for line in lines))
        for use_class, lines in REQUIRED_LINES.items()
    ]
    return or_(*needed, and_(Vehicle.use_class.is_(None), holds(PolicyLine.CTPL, at)))


def _line_ends_soon(line: PolicyLine, at: datetime, until: datetime) -> ColumnElement[bool]:
    ending = or_(
        exists().where(*_own(line), Policy.starts_at <= at, Policy.ends_at > at, Policy.ends_at <= until),
        _stated(line, and_(ExternalCover.ends_at > at, ExternalCover.ends_at <= until)),
    )
    following = or_(
        exists().where(*_own(line), Policy.ends_at > until), _stated(line, ExternalCover.ends_at > until)
    )
    return and_(ending, ~following)


def _own(line: PolicyLine) -> tuple[ColumnElement[bool], ...]:
    return Policy.vehicle_id == Vehicle.id, Policy.line == line, Policy.ends_at > Policy.starts_at


def _stated(line: PolicyLine, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(ExternalCover.vehicle_id == Vehicle.id, ExternalCover.line == line, condition)
