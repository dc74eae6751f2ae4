"""Conditions on cover for filtering vehicles in the database. What a vehicle's cover is: `services.policies.coverage`."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Exists, and_, exists, or_

from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Coverage, ExternalCover, Policy
from service_desk.rules.cover_needs import CARRIED_BY, MAIN_LAYER, CoverNeeds
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

EXPIRING_WITHIN = timedelta(days=30)


def holds(line: PolicyLine, at: datetime) -> ColumnElement[bool]:
    """The condition that a vehicle has cover of a line at an instant, whatever layers it gives."""
    return or_(exists().where(*_own(line), Policy.starts_at <= at, Policy.ends_at > at), _stated_at(line, at))


def holds_layer(layer: CoverCode, at: datetime) -> ColumnElement[bool]:
    """The condition that a vehicle has a layer at an instant. Cover from elsewhere gives its line's main layer."""
    line = CARRIED_BY[layer]
    if line is not PolicyLine.COMMERCIAL:
        return holds(line, at)
    ours = exists().where(
        *_own(line), Policy.starts_at <= at, Policy.ends_at > at, _gives(layer, at).correlate(Policy)
    )
    if layer is not MAIN_LAYER[line]:
        return ours
    bare = exists().where(
        *_own(line),
        Policy.starts_at <= at,
        Policy.ends_at > at,
        ~exists().where(Coverage.policy_id == Policy.id).correlate(Policy),
    )
    return or_(ours, bare, _stated_at(line, at))


def _gives(layer: CoverCode, at: datetime) -> Exists:
    return exists().where(
        Coverage.policy_id == Policy.id,
        Coverage.code == layer,
        or_(Coverage.from_at.is_(None), Coverage.from_at <= at),
        or_(Coverage.to_at.is_(None), Coverage.to_at > at),
    )


def _stated_at(line: PolicyLine, at: datetime) -> ColumnElement[bool]:
    begun = or_(ExternalCover.starts_at.is_(None), ExternalCover.starts_at <= at)
    return _stated(line, and_(begun, ExternalCover.ends_at > at))


def ends_soon(at: datetime, within: timedelta = EXPIRING_WITHIN) -> ColumnElement[bool]:
    """The condition that cover of some line ends within a time and nothing of that line follows it."""
    return or_(*(_line_ends_soon(line, at, at + within) for line in PolicyLine))


def is_fully_covered(needs: CoverNeeds, at: datetime) -> ColumnElement[bool]:
    """The condition that every layer the vehicle's class needs holds; a vehicle without a class needs CTPL."""
    return or_(*(_is_covered(use_class, needs, at) for use_class in (*UseClass, None)))


def _is_covered(use_class: UseClass | None, needs: CoverNeeds, at: datetime) -> ColumnElement[bool]:
    of_class = Vehicle.use_class.is_(None) if use_class is None else Vehicle.use_class == use_class
    return and_(of_class, *(holds_layer(layer, at) for layer in needs.layers_of(use_class)))


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
