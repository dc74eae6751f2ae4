"""Open cases of missed cover, where cover changes: a case closes as soon as its vehicle is covered.

It stands here, below the list and the log of `services.renewals`, for issuing closes cases at once.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.renewals import (
    MISSED_COVER,
    CaseState,
    ChaseKind,
    MissedCoverCase,
    MissedCoverEntry,
)
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.vocabulary import CoverCode
from service_desk.services import audit, sla
from service_desk.services.notices import Matter
from service_desk.services.policies.coverage import coverage_of
from service_desk.services.policies.portions import portions


def matter_of(case: MissedCoverCase) -> Matter:
    """A case as a matter of clocks and notices."""
    return Matter(MISSED_COVER, case.id, case.number, case.account_id, case.branch_id)


def settle(vehicle_ids: Collection[int], *, actor: User | None, now: datetime) -> list[MissedCoverCase]:
    """Close the open cases of those vehicles that are covered now; where some layers came, say which are left."""
    cases = [case for ids in portions(vehicle_ids) for case in _open_of(ids)]
    if not cases:
        return []
    covered = coverage_of([case.vehicle_id for case in cases if case.vehicle_id], now)
    closed = []
    for case in cases:
        missing = covered[case.vehicle_id or 0].missing_layers
        if missing:
            update_layers(case, missing, actor=actor, now=now)
        else:
            close(case, CaseState.COVERED, actor=actor, now=now)
            closed.append(case)
    return closed


def _open_of(vehicle_ids: Sequence[int]) -> Sequence[MissedCoverCase]:
    """Held, but for those somebody else holds: whoever issues has locked the vehicles, and must not wait here for the
    watch, which may wait for them. The watch comes round again. Vehicles off the road are the watch's to judge.
    """
    statement = (
        select(MissedCoverCase)
        .join(Vehicle, Vehicle.id == MissedCoverCase.vehicle_id)
        .where(
            MissedCoverCase.vehicle_id.in_(vehicle_ids),
            MissedCoverCase.state == CaseState.OPEN,
            Vehicle.state == VehicleState.OPERATING,
        )
        .order_by(MissedCoverCase.id)
        .with_for_update(of=MissedCoverCase, skip_locked=True)
    )
    return db.session.scalars(statement).all()


def update_layers(
    case: MissedCoverCase, missing: Sequence[CoverCode], *, actor: User | None, now: datetime
) -> bool:
    """Write down that other layers are missing than were; False where they are the same."""
    codes = [layer.value for layer in missing]
    if codes == case.layers:
        return False
    changes = audit.change(case, layers=codes)
    add_entry(case, ChaseKind.LAYERS_CHANGED, actor=actor, now=now, changes=changes)
    audit.record("missed_cover_changed", case, actor=actor, now=now, changes=changes)
    return True


def close(
    case: MissedCoverCase,
    state: CaseState,
    *,
    actor: User | None,
    now: datetime,
    reason: str = "",
    vehicle_state: VehicleState | None = None,
) -> None:
    """End a case: the vehicle is covered, or off the road. Its clock stops and gets its verdict."""
    kind = ChaseKind.COVERED if state is CaseState.COVERED else ChaseKind.STOPPED
    changes = audit.change(case, state=state, closed_at=now)
    told = {"vehicle_state": (VehicleState.OPERATING, vehicle_state)} if vehicle_state else {}
    add_entry(case, kind, actor=actor, now=now, text=reason, changes=told)
    sla.stop(matter_of(case), {ClockStep.COVER_CHASE}, at=now, actor=actor, now=now)
    if reason:
        changes["reason"] = (None, reason)
    audit.record("missed_cover_closed", case, actor=actor, now=now, changes=changes)


def add_entry(
    case: MissedCoverCase,
    kind: ChaseKind,
    *,
    actor: User | None,
    now: datetime,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    **values: Any,
) -> MissedCoverEntry:
    """Write a line of the log."""
    entry = MissedCoverEntry(
        case_id=case.id,
        kind=kind,
        at=now,
        by_id=actor.id if actor else None,
        changes={name: list(pair) for name, pair in (changes or {}).items()},
        **values,
    )
    db.session.add(entry)
    return entry
