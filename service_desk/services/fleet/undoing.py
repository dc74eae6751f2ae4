"""Taking a committed list back, unless what it brought has been used since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, delete, or_, select, update

from service_desk.base.clock import end_of_day
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.fleet import (
    BranchRecord,
    FleetImport,
    FleetImportRow,
    PlateRecord,
    RowVerdict,
    Vehicle,
    VehicleStateRecord,
)
from service_desk.models.policies import ExternalCover, IssueRefusal, Policy, QuoteLine
from service_desk.models.renewals import (
    MISSED_COVER,
    CaseState,
    ChaseKind,
    MissedCoverCase,
    MissedCoverEntry,
    RenewalOutcome,
    RenewalReminder,
)
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import sla
from service_desk.services.fleet.applying import chunks, facts_of, set_covers, take_plates_off, write_facts
from service_desk.services.fleet.judging import known_vehicles
from service_desk.services.fleet.planning import COVER_FIELDS
from service_desk.services.notices import Matter


@dataclass(frozen=True)
class Blocker:
    """A vehicle that keeps a list from being undone.

    Reasons: changed, insured, quoted, claim, outcome, contact, plate_taken.
    """

    vehicle_id: int
    name: str
    reason: str


def blockers(imported: FleetImport) -> list[Blocker]:
    """The vehicles that were changed, insured or otherwise used since the import, by name."""
    rows = _touched(imported)
    versions = {row.vehicle_id: row.params["version"] for row in rows if row.vehicle_id}
    new_ids = {row.vehicle_id for row in rows if row.verdict is RowVerdict.NEW and row.vehicle_id}
    names, reasons = {}, {}
    for some in chunks(list(versions)):
        statement = select(Vehicle.id, Vehicle.plate, Vehicle.vin, Vehicle.version).where(
            Vehicle.id.in_(some)
        )
        for vehicle in db.session.execute(statement):
            names[vehicle.id] = vehicle.plate or vehicle.vin
            if vehicle.version != versions[vehicle.id]:
                reasons[vehicle.id] = "changed"
        for reason, ids in _used(some, new_ids, imported):
            for vehicle_id in ids:
                reasons.setdefault(vehicle_id, reason)
    reasons |= _plates_taken(rows, set(versions), names)
    return [
        Blocker(vehicle_id, names[vehicle_id] or "", reason) for vehicle_id, reason in sorted(reasons.items())
    ]


def _touched(imported: FleetImport) -> list[FleetImportRow]:
    statement = select(FleetImportRow).where(
        FleetImportRow.import_id == imported.id,
        FleetImportRow.verdict.in_([RowVerdict.NEW, RowVerdict.CHANGED]),
    )
    return list(db.session.scalars(statement.order_by(FleetImportRow.id)))


def _used(some: Sequence[int], new_ids: set[int], imported: FleetImport) -> list[tuple[str, Sequence[int]]]:
    """What hangs on the vehicles: policies issued since; of new ones, anything that names them."""
    new = [vehicle_id for vehicle_id in some if vehicle_id in new_ids]
    policies = select(Policy.vehicle_id).where(
        Policy.vehicle_id.in_(some),
        or_(Policy.vehicle_id.in_(new), Policy.issued_at >= imported.committed_at),
    )
    return [
        ("insured", db.session.scalars(policies).all()),
        ("claim", db.session.scalars(select(Claim.vehicle_id).where(Claim.vehicle_id.in_(new))).all()),
        (
            "contact",
            [
                v
                for v in db.session.scalars(select(Enquiry.vehicle_id).where(Enquiry.vehicle_id.in_(new)))
                if v
            ],
        ),
        *((reason, db.session.scalars(question).all()) for reason, question in named_in(new)),
    ]


def named_in(vehicle_ids: Sequence[int]) -> list[tuple[str, Select[tuple[int]]]]:
    """What names vehicles without insuring them and stays on record: by its reason, the vehicles it names."""
    return [
        (reason, select(model.vehicle_id).where(model.vehicle_id.in_(vehicle_ids)))
        for reason, model in (("outcome", RenewalOutcome), ("quoted", QuoteLine))
    ]


def _plates_taken(
    rows: Sequence[FleetImportRow], touched: set[int], names: dict[int, str | None]
) -> dict[int, str]:
    """Vehicles whose former plate another vehicle has got since, one that this list did not touch."""
    wanted = {row.before["plate"]: row.vehicle_id for row in rows if row.before and row.before.get("plate")}
    taken = {}
    account = select(Vehicle.account_id).where(Vehicle.id.in_(list(touched)[:1])).scalar_subquery()
    for some in chunks(list(wanted)):
        statement = select(Vehicle.id, Vehicle.plate).where(
            Vehicle.plate.in_(some), Vehicle.account_id == account
        )
        for vehicle in db.session.execute(statement):
            owner = wanted[vehicle.plate]
            if vehicle.id not in touched and owner is not None:
                taken[owner] = "plate_taken"
    return {vehicle_id: reason for vehicle_id, reason in taken.items() if vehicle_id in names}


def revert(imported: FleetImport, *, now: datetime) -> None:
    """Take out what the list brought and put back what it changed. The caller has found no blockers."""
    rows = _touched(imported)
    remove_vehicles(
        [row.vehicle_id for row in rows if row.verdict is RowVerdict.NEW and row.vehicle_id], now=now
    )
    before = {
        row.vehicle_id: row.before
        for row in rows
        if row.verdict is RowVerdict.CHANGED and row.vehicle_id and row.before
    }
    known = {one.id: one.values for one in known_vehicles(imported.account_id) if one.id in before}
    take_plates_off([vehicle_id for vehicle_id, old in before.items() if "plate" in old])
    write_facts([{"id": id_, "row": None, **facts_of({**known[id_], **old})} for id_, old in before.items()])
    _restore_histories(list(before), imported.committed_at)
    _restore_covers(imported.account_id, before, now)


def remove_vehicles(vehicle_ids: Sequence[int], *, now: datetime) -> None:
    """Delete vehicles on which nothing hangs, with their histories and the covers noted of them."""
    for some in chunks(vehicle_ids):
        _end_cases(some, now)
        # A refusal keeps the plate it was about.
        for named in (FleetImportRow, IssueRefusal):
            db.session.execute(
                update(named).where(named.vehicle_id.in_(some)).values(vehicle_id=None),
                execution_options={"synchronize_session": False},
            )
        # A reminder's row only keeps it from being sent twice.
        models: tuple[Any, ...] = (
            PlateRecord,
            BranchRecord,
            VehicleStateRecord,
            ExternalCover,
            RenewalReminder,
        )
        for model in models:
            db.session.execute(
                delete(model).where(model.vehicle_id.in_(some)),
                execution_options={"synchronize_session": False},
            )
        db.session.execute(
            delete(Vehicle).where(Vehicle.id.in_(some)), execution_options={"synchronize_session": False}
        )


def _end_cases(vehicle_ids: Sequence[int], now: datetime) -> None:
    """Missed cover of vehicles that were never there: the cases stay on record without them, and nobody is judged."""
    statement = select(MissedCoverCase).where(MissedCoverCase.vehicle_id.in_(vehicle_ids))
    for case in db.session.scalars(statement.with_for_update()).all():
        if case.state is CaseState.OPEN:
            matter = Matter(MISSED_COVER, case.id, case.number, case.account_id, case.branch_id)
            sla.cancel(matter, at=now, actor=None, now=now)
            case.state, case.closed_at = CaseState.STOPPED, now
            db.session.add(
                MissedCoverEntry(
                    case_id=case.id, kind=ChaseKind.STOPPED, at=now, changes={"taken_back": [None, True]}
                )
            )
        case.vehicle_id = None
    db.session.flush()


def _restore_histories(vehicle_ids: Sequence[int], committed_at: datetime | None) -> None:
    models: tuple[Any, ...] = (PlateRecord, BranchRecord)
    for some in chunks(vehicle_ids):
        for model in models:
            own = model.vehicle_id.in_(some)
            options = {"synchronize_session": False}
            db.session.execute(
                delete(model).where(own, model.from_at == committed_at), execution_options=options
            )
            reopened = update(model).where(own, model.to_at == committed_at).values(to_at=None)
            db.session.execute(reopened, execution_options=options)


def _restore_covers(account_id: int, before: Mapping[int, Mapping[str, Any]], now: datetime) -> None:
    covers: dict[tuple[int, PolicyLine], str | None] = {
        (vehicle_id, PolicyLine(line)): old[name]
        for vehicle_id, old in before.items()
        for name, line in COVER_FIELDS.items()
        if name in old
    }
    ends = {key: end_of_day(date.fromisoformat(day)) for key, day in covers.items() if day}
    set_covers(account_id, ends, now)
    for line in PolicyLine:
        gone = [vehicle_id for (vehicle_id, of), day in covers.items() if of is line and not day]
        for some in chunks(gone):
            statement = delete(ExternalCover).where(
                ExternalCover.vehicle_id.in_(some), ExternalCover.line == line
            )
            db.session.execute(statement, execution_options={"synchronize_session": False})
