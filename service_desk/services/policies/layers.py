"""The layers of cover that vehicles have: each cover of our policies from when to when, and cover from elsewhere.

Functions here take ids that the caller has already found visible.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select

from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.models.policies import Coverage, ExternalCover, Policy
from service_desk.rules.cover_calendar import LayerPeriod
from service_desk.rules.cover_needs import MAIN_LAYER
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies.portions import portions

# Cover known from elsewhere may have no known start: it counts until its end.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

LayersByVehicle = dict[int, list[LayerPeriod]]


def layers_of(
    vehicle_ids: Collection[int], *, since: datetime, until: datetime | None = None
) -> LayersByVehicle:
    """All periods of cover by layer that end after `since` (and begin before `until`), by vehicle."""
    found: LayersByVehicle = defaultdict(list)
    for ids in portions(vehicle_ids):
        policies = policies_read(lambda model, ids=ids: model.vehicle_id.in_(ids), since, until)  # type: ignore[misc]
        stated = _stated_read(ExternalCover.vehicle_id.in_(ids), since)
        _collect(found, db.session.execute(policies), db.session.execute(stated), since, until)
    return found


def account_layers(account_id: int, *, since: datetime, until: datetime | None = None) -> LayersByVehicle:
    """The same for every vehicle of an account."""
    found: LayersByVehicle = defaultdict(list)
    rows = _account_policies(account_id, since, until).rows()
    _collect(found, rows, _account_stated(account_id, since).rows(), since, until)
    return found


@built_once
def _account_policies(account_id: int, since: datetime, until: datetime | None) -> Select[Any]:
    return policies_read(lambda model: model.account_id == account_id, since, until)


@built_once
def _account_stated(account_id: int, since: datetime) -> Select[Any]:
    return _stated_read(ExternalCover.account_id == account_id, since)


def policies_read(
    wanted: Callable[[Any], ColumnElement[bool]], since: datetime, until: datetime | None
) -> Select[Any]:
    """One row a cover of a commercial policy, one a policy of another line, with the times of both."""
    statement = (
        select(
            Policy.vehicle_id,
            Policy.line,
            Policy.starts_at,
            Policy.ends_at,
            Policy.number,
            Coverage.code,
            Coverage.from_at,
            Coverage.to_at,
        )
        .outerjoin(Coverage, and_(Coverage.policy_id == Policy.id, Policy.line == PolicyLine.COMMERCIAL))
        .where(wanted(Policy), Policy.ends_at > since, Policy.ends_at > Policy.starts_at)
    )
    return statement if until is None else statement.where(Policy.starts_at < until)


def _stated_read(wanted: ColumnElement[bool], since: datetime) -> Select[Any]:
    return select(
        ExternalCover.vehicle_id,
        ExternalCover.line,
        ExternalCover.starts_at,
        ExternalCover.ends_at,
        ExternalCover.insurer,
    ).where(wanted, ExternalCover.ends_at > since)


def _collect(
    found: LayersByVehicle,
    policies: Iterable[Any],
    stated: Iterable[Any],
    since: datetime,
    until: datetime | None,
) -> None:
    for vehicle_id, line, starts_at, ends_at, number, code, from_at, to_at in policies:
        # An endorsement ends a cover before its policy, or begins one after it.
        begin = starts_at if from_at is None or from_at < starts_at else from_at
        end = ends_at if to_at is None or to_at > ends_at else to_at
        if begin < end and end > since:
            found[vehicle_id].append(LayerPeriod(begin, end, code or MAIN_LAYER[line], number))
    for vehicle_id, line, starts_at, ends_at, insurer in stated:
        begin = starts_at or LONG_AGO
        if until is None or begin < until:
            found[vehicle_id].append(LayerPeriod(begin, ends_at, MAIN_LAYER[line], insurer, is_ours=False))
