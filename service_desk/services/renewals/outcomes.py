"""What became of cover that is not renewed here: recorded, corrected, taken back, and listed."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from service_desk.base.clock import end_of_day
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import CoverSource, ExternalCover
from service_desk.models.renewals import RenewalOutcome
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.renewal import Outcome
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access, audit, submissions
from service_desk.services.fleet import vehicles
from service_desk.services.policies import chase
from service_desk.services.renewals.board import expiries_of_vehicle
from service_desk.services.renewals.covers import Expiry

STATE_AFTER = {Outcome.SOLD: VehicleState.RETIRED, Outcome.SUSPENDED: VehicleState.SUSPENDED}
"""The state a vehicle is offered to be put into with an outcome."""


@dataclass(frozen=True)
class OutcomeDetails:
    """An outcome as typed. `insurer` and `covered_until` (the last covered day) belong to a switched insurer.

    `sets_state`: put the vehicle out of service too, where the outcome says that it is.
    """

    outcome: Outcome
    insurer: str = ""
    covered_until: date | None = None
    note: str = ""
    sets_state: bool = False


@dataclass(frozen=True)
class OutcomeFilter:
    """Which outcomes of an account are wanted; None means any."""

    account_id: int
    outcome: Outcome | None = None
    branch_id: int | None = None
    use_class: UseClass | None = None
    line: PolicyLine | None = None
    vehicle_id: int | None = None


@dataclass(frozen=True)
class OutcomeRow:
    """A recorded outcome with its vehicle, the vehicle's branch, and who recorded it last."""

    outcome: RenewalOutcome
    vehicle: Vehicle
    branch: Branch
    recorded_by: User

    @property
    def last_day(self) -> date:
        return last_covered_day(self.outcome.ends_at)


def record(
    vehicle_id: int,
    ends: dict[PolicyLine, date],
    details: OutcomeDetails,
    *,
    key: str = "",
    actor: User,
    now: datetime,
) -> None:
    """Record why lines of a vehicle are not renewed, each by the last covered day the reader saw.

    The same key twice records once. Invalid: `no_renewal_line_chosen`, `insurer_missing`, `covered_until_missing`,
    `covered_until_too_early`, `reason_missing`. Conflict `expiry_changed` when the cover was renewed, cut or given an
    outcome meanwhile. Writes the outcomes, with a switched insurer its cover, and the vehicle's state if asked.
    """
    access.require(actor, Action.RECORD_RENEWALS)

    def make() -> str:
        _record(vehicle_id, ends, details, actor, now)
        return str(vehicle_id)

    submissions.once("renewal_outcome", key, make, actor=actor, now=now)


def _record(
    vehicle_id: int, ends: dict[PolicyLine, date], details: OutcomeDetails, actor: User, now: datetime
) -> None:
    vehicle = _lock_vehicle(vehicle_id, actor)
    to_do = {
        one.line: one
        for one in expiries_of_vehicle(vehicle.id, account_id=vehicle.account_id, actor=actor, now=now)
    }
    if not ends:
        raise Invalid("no_renewal_line_chosen", field="lines")
    chosen = [to_do[line] for line, last_day in ends.items() if _is_still(to_do.get(line), last_day)]
    if len(chosen) != len(ends):
        raise Conflict("expiry_changed")
    _check(details, max(one.last_day for one in chosen))
    for one in chosen:
        row = RenewalOutcome(
            account_id=vehicle.account_id,
            vehicle_id=vehicle.id,
            line=one.line,
            ends_at=one.ends_at,
            recorded_by_id=actor.id,
            recorded_at=now,
            cover_before=_write_cover(vehicle, one.line, one.ends_at, details, now),
            **_values(details),
        )
        db.session.add(row)
        changes = {name: (None, value) for name, value in _told(row).items()}
        audit.record(
            "renewal_outcome_recorded", row, actor=actor, now=now, label=_label(vehicle, row), changes=changes
        )
    _set_state(vehicle, details, actor, now)
    chase.settle([vehicle.id], actor=actor, now=now)


def _lock_vehicle(vehicle_id: int, actor: User) -> Vehicle:
    """The vehicle, so that two clerks with the same row come one after the other."""
    found = access.get_visible(actor, Action.RECORD_RENEWALS, Vehicle, Vehicle.id == vehicle_id)
    return db.session.scalars(
        select(Vehicle)
        .where(Vehicle.id == found.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _is_still(expiry: Expiry | None, last_day: date) -> bool:
    return expiry is not None and expiry.last_day == last_day


def _check(details: OutcomeDetails, last_day: date) -> None:
    if details.outcome is Outcome.SWITCHED:
        if not squeeze(details.insurer):
            raise Invalid("insurer_missing", field="insurer")
        if details.covered_until is None:
            raise Invalid("covered_until_missing", field="covered_until")
        if details.covered_until <= last_day:
            raise Invalid("covered_until_too_early", field="covered_until", day=last_day.isoformat())
    if details.outcome is Outcome.NOT_RENEWING and not squeeze(details.note):
        raise Invalid("reason_missing", field="note")


def _values(details: OutcomeDetails) -> dict[str, Any]:
    """What the row keeps; an insurer belongs to a switched one only."""
    is_switched = details.outcome is Outcome.SWITCHED
    return {
        "outcome": details.outcome,
        "insurer": squeeze(details.insurer)[:200] if is_switched else "",
        "covered_until": details.covered_until if is_switched else None,
        "note": squeeze(details.note)[:200],
    }


def _told(row: RenewalOutcome) -> dict[str, Any]:
    told = {
        "outcome": row.outcome,
        "insurer": row.insurer,
        "covered_until": row.covered_until,
        "note": row.note,
    }
    return {name: value for name, value in told.items() if value}


def _label(vehicle: Vehicle, row: RenewalOutcome) -> str:
    return f"{vehicles.name_of(vehicle)} {row.line.value} {last_covered_day(row.ends_at)}"


def _write_cover(
    vehicle: Vehicle, line: PolicyLine, ends_at: datetime, details: OutcomeDetails, now: datetime
) -> dict[str, Any] | None:
    """Note the other insurer's cover, and return what was known before; None when there is none to note.

    It begins where ours ends. Cover from elsewhere that is only prolonged keeps its start.
    """
    if details.outcome is not Outcome.SWITCHED or details.covered_until is None:
        return None
    cover = _external(vehicle.id, line)
    before = {} if cover is None else _kept(cover)
    if cover is None:
        cover = ExternalCover(account_id=vehicle.account_id, vehicle_id=vehicle.id, line=line)
        db.session.add(cover)
    if cover.ends_at != ends_at:
        cover.starts_at = ends_at
    cover.ends_at = end_of_day(details.covered_until)
    cover.insurer, cover.number, cover.premium_fen = squeeze(details.insurer)[:200], "", None
    cover.source, cover.noted_at = CoverSource.OTHER_INSURER, now
    db.session.flush()
    return before


def _external(vehicle_id: int, line: PolicyLine) -> ExternalCover | None:
    return db.session.scalars(
        select(ExternalCover).where(ExternalCover.vehicle_id == vehicle_id, ExternalCover.line == line)
    ).one_or_none()


def _kept(cover: ExternalCover) -> dict[str, Any]:
    return {
        "starts_at": cover.starts_at.isoformat() if cover.starts_at else None,
        "ends_at": cover.ends_at.isoformat(),
        "insurer": cover.insurer,
        "number": cover.number,
        "premium_fen": cover.premium_fen,
        "source": cover.source.value,
        "noted_at": cover.noted_at.isoformat(),
    }


def _put_cover_back(row: RenewalOutcome) -> None:
    """Undo what an outcome wrote of another insurer's cover, unless a later list has told of it since."""
    if row.cover_before is None or row.covered_until is None:
        return
    cover = _external(row.vehicle_id, row.line)
    if cover is None or cover.ends_at != end_of_day(row.covered_until):
        return
    if not row.cover_before:
        db.session.delete(cover)
    else:
        for name, value in row.cover_before.items():
            is_instant = name.endswith("_at") and value
            setattr(cover, name, datetime.fromisoformat(value) if is_instant else value)
        cover.source = CoverSource(row.cover_before["source"])
    db.session.flush()


def _set_state(vehicle: Vehicle, details: OutcomeDetails, actor: User, now: datetime) -> None:
    state = STATE_AFTER.get(details.outcome)
    if not details.sets_state or state is None or vehicle.state is state:
        return
    reason = squeeze(details.note) or details.outcome.value
    vehicles.set_state(vehicle.id, state, reason, vehicle.version, actor=actor, now=now)


def get(outcome_id: int, *, actor: User) -> OutcomeRow:
    """One recorded outcome; NotFound when the actor may not see its vehicle."""
    statement = _rows().where(RenewalOutcome.id == outcome_id)
    row = db.session.execute(access.visible(actor, Action.READ_RENEWALS, statement, Vehicle)).first()
    if row is None:
        raise NotFound("not_found")
    return OutcomeRow(*row)


def correct(outcome_id: int, details: OutcomeDetails, version: int, *, actor: User, now: datetime) -> None:
    """Change a recorded outcome; the audit trail keeps what it said before. Refusals as in `record`.

    Conflict `stale` when it was changed meanwhile.
    """
    row, vehicle = _get_for_change(outcome_id, version, actor)
    _check(details, last_covered_day(row.ends_at))
    _put_cover_back(row)
    changes = audit.change(row, **_values(details))
    row.cover_before = _write_cover(vehicle, row.line, row.ends_at, details, now)
    row.recorded_by_id, row.recorded_at = actor.id, now
    audit.record(
        "renewal_outcome_corrected", row, actor=actor, now=now, label=_label(vehicle, row), changes=changes
    )
    _set_state(vehicle, details, actor, now)
    chase.settle([vehicle.id], actor=actor, now=now)


def withdraw(outcome_id: int, reason: str, version: int, *, actor: User, now: datetime) -> None:
    """Take an outcome back: the line is to be renewed again. The audit trail keeps what it said, and why not."""
    row, vehicle = _get_for_change(outcome_id, version, actor)
    if not squeeze(reason):
        raise Invalid("reason_missing", field="reason")
    _put_cover_back(row)
    changes: dict[str, tuple[Any, Any]] = {name: (value, None) for name, value in _told(row).items()}
    changes["reason"] = (None, squeeze(reason)[:200])
    audit.record(
        "renewal_outcome_withdrawn", row, actor=actor, now=now, label=_label(vehicle, row), changes=changes
    )
    db.session.delete(row)


def _get_for_change(outcome_id: int, version: int, actor: User) -> tuple[RenewalOutcome, Vehicle]:
    access.require(actor, Action.RECORD_RENEWALS)
    found = get(outcome_id, actor=actor)
    vehicle = _lock_vehicle(found.vehicle.id, actor)
    row = db.session.get(RenewalOutcome, outcome_id, populate_existing=True)
    if row is None or row.version != version:
        raise Conflict("stale")
    return row, vehicle


def _rows() -> Select[Any]:
    return (
        select(RenewalOutcome, Vehicle, Branch, User)
        .join(Vehicle, Vehicle.id == RenewalOutcome.vehicle_id)
        .join(Branch, Branch.id == Vehicle.branch_id)
        .join(User, User.id == RenewalOutcome.recorded_by_id)
    )


def list_outcomes(wanted: OutcomeFilter, page: PageRequest | None, *, actor: User) -> Page[OutcomeRow]:
    """Recorded outcomes, the latest end of cover first; all of them on one page when `page` is None."""
    access.require(actor, Action.READ_RENEWALS)
    statement = _narrowed(_rows(), wanted, actor)
    ordered = statement.order_by(RenewalOutcome.ends_at.desc(), RenewalOutcome.id.desc())
    if page is None:
        rows = [OutcomeRow(*row) for row in db.session.execute(ordered)]
        return Page(rows, len(rows), 1, max(len(rows), 1))
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    found = db.session.execute(ordered.limit(page.size).offset(page.offset))
    return Page([OutcomeRow(*row) for row in found], total, page.number, page.size)


def count_outcomes(wanted: OutcomeFilter, *, actor: User) -> dict[Outcome, int]:
    """Recorded outcomes by kind."""
    access.require(actor, Action.READ_RENEWALS)
    statement = (
        select(RenewalOutcome.outcome, func.count())
        .join(Vehicle, Vehicle.id == RenewalOutcome.vehicle_id)
        .group_by(RenewalOutcome.outcome)
    )
    found = dict(db.session.execute(_narrowed(statement, wanted, actor)).tuples().all())
    return {outcome: found.get(outcome, 0) for outcome in Outcome}


def _narrowed(statement: Select[Any], wanted: OutcomeFilter, actor: User) -> Select[Any]:
    statement = statement.where(RenewalOutcome.account_id == wanted.account_id)
    if wanted.outcome is not None:
        statement = statement.where(RenewalOutcome.outcome == wanted.outcome)
    if wanted.branch_id is not None:
        statement = statement.where(Vehicle.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.use_class is not None:
        statement = statement.where(Vehicle.use_class == wanted.use_class)
    if wanted.line is not None:
        statement = statement.where(RenewalOutcome.line == wanted.line)
    if wanted.vehicle_id is not None:
        statement = statement.where(RenewalOutcome.vehicle_id == wanted.vehicle_id)
    return access.visible(actor, Action.READ_RENEWALS, statement, Vehicle)
