"""Writing a committed list to the vehicles, in bulk: thousands of rows are a dozen statements."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Table, bindparam, insert, select, update

from service_desk.base.clock import end_of_day
from service_desk.models.db import db
from service_desk.models.fleet import (
    BranchRecord,
    FleetImportRow,
    PlateRecord,
    RowVerdict,
    Vehicle,
    VehicleState,
)
from service_desk.models.policies import CoverSource, ExternalCover
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.fleet import states
from service_desk.services.fleet.planning import COVER_FIELDS, Known

T = TypeVar("T")

_VEHICLES = cast(Table, Vehicle.__table__)
_ROWS = cast(Table, FleetImportRow.__table__)
_FACTS = ("plate", "vin", "engine_no", "model", "use_class", "seats", "load_kg", "registered_on", "branch_id")
_HISTORIES: tuple[tuple[str, Any], ...] = (("plate", PlateRecord), ("branch_id", BranchRecord))
# Below the number of parameters any SQLite takes in one statement.
_CHUNK = 500


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split for statements that name each value."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def apply_rows(
    account_id: int, rows: Sequence[FleetImportRow], known: Sequence[Known], *, now: datetime
) -> None:
    """Write the new and changed rows: vehicles, their plate and branch history, and the cover they state.

    Each row keeps the vehicle and the version it left it in, by which an undo sees later changes.
    """
    before = {one.id: one for one in known}
    new = [row for row in rows if row.verdict is RowVerdict.NEW]
    changed = [row for row in rows if row.verdict is RowVerdict.CHANGED]
    ids = _insert_vehicles(account_id, new, now)
    vehicle_of = {row.id: vehicle_id for row, vehicle_id in zip(new, ids, strict=True)}
    vehicle_of |= {row.id: row.vehicle_id for row in changed if row.vehicle_id}
    # Plates leave first, so that two vehicles may swap theirs under the unique key.
    take_plates_off([vehicle_of[row.id] for row in changed if "plate" in (row.before or {})])
    merged = {row.id: _merged(before[vehicle_of[row.id]], row) for row in changed}
    write_facts([{"id": vehicle_of[row.id], "row": row.id, **merged[row.id]} for row in changed])
    _give_plates(new, vehicle_of)
    _write_histories(new, changed, vehicle_of, now)
    _write_covers(account_id, [*new, *changed], vehicle_of, now)
    _remember(new, changed, vehicle_of, before)


def _insert_vehicles(account_id: int, rows: Sequence[FleetImportRow], now: datetime) -> Sequence[int]:
    """Insert without plates: the present holder of a plate may only give it up in the same list."""
    if not rows:
        return []
    values = [
        {
            **facts_of(row.values),
            "plate": None,
            "account_id": account_id,
            "state": VehicleState.OPERATING,
            "created_at": now,
            "import_row_id": row.id,
        }
        for row in rows
    ]
    statement = insert(Vehicle).returning(Vehicle.id, sort_by_parameter_order=True)
    ids = db.session.scalars(statement, values).all()
    states.begin(ids, VehicleState.OPERATING, now=now)
    return ids


def insert_new(
    account_id: int, vehicles: Sequence[tuple[int, Mapping[str, Any]]], now: datetime
) -> Sequence[int]:
    """Insert vehicles whose plates are free, given with the import row each comes from; their histories begin."""
    if not vehicles:
        return []
    values = [
        {
            **facts_of(facts),
            "account_id": account_id,
            "state": VehicleState.OPERATING,
            "created_at": now,
            "import_row_id": row_id,
        }
        for row_id, facts in vehicles
    ]
    statement = insert(Vehicle).returning(Vehicle.id, sort_by_parameter_order=True)
    ids = db.session.scalars(statement, values).all()
    states.begin(ids, VehicleState.OPERATING, now=now)
    for name, model in _HISTORIES:
        begun = [
            {"vehicle_id": id_, name: one[name], "from_at": now}
            for id_, one in zip(ids, values, strict=True)
            if one[name]
        ]
        if begun:
            db.session.execute(insert(model), begun)
    return ids


def facts_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as columns take them."""
    return {
        **{name: values.get(name) for name in _FACTS},
        "engine_no": values.get("engine_no") or "",
        "model": values.get("model") or "",
        "use_class": UseClass(values["use_class"]) if values.get("use_class") else None,
        "registered_on": date.fromisoformat(values["registered_on"]) if values.get("registered_on") else None,
    }


def _merged(known: Known, row: FleetImportRow) -> dict[str, Any]:
    return facts_of({**known.values, **row.values})


def take_plates_off(vehicle_ids: Sequence[int]) -> None:
    """Leave vehicles without a plate for the rest of this transaction."""
    for some in chunks(vehicle_ids):
        db.session.execute(update(_VEHICLES).where(_VEHICLES.c.id.in_(some)).values(plate=None))


def write_facts(vehicles: Sequence[Mapping[str, Any]]) -> None:
    """Write every fact of vehicles, given as dicts with `id`, `row` (the import row) and the columns."""
    if not vehicles:
        return
    statement = (
        update(_VEHICLES)
        .where(_VEHICLES.c.id == bindparam("the_id"))
        .values(
            {name: bindparam(f"new_{name}") for name in _FACTS}
            | {"import_row_id": bindparam("the_row"), "version": _VEHICLES.c.version + 1}
        )
    )
    parameters = [
        {"the_id": one["id"], "the_row": one["row"], **{f"new_{name}": one[name] for name in _FACTS}}
        for one in vehicles
    ]
    db.session.execute(statement, parameters)


def _give_plates(new: Sequence[FleetImportRow], vehicle_of: Mapping[int, int]) -> None:
    plates = [{"the_id": vehicle_of[row.id], "new_plate": row.values.get("plate")} for row in new]
    if plates:
        statement = update(_VEHICLES).where(_VEHICLES.c.id == bindparam("the_id"))
        db.session.execute(statement.values(plate=bindparam("new_plate")), plates)


def _write_histories(
    new: Sequence[FleetImportRow],
    changed: Sequence[FleetImportRow],
    vehicle_of: Mapping[int, int],
    now: datetime,
) -> None:
    for name, model in _HISTORIES:
        moved = [row for row in changed if name in (row.before or {})]
        begun = [*(row for row in new if row.values.get(name)), *moved]
        for some in chunks([vehicle_of[row.id] for row in moved]):
            db.session.execute(
                update(model).where(model.vehicle_id.in_(some), model.to_at.is_(None)).values(to_at=now)
            )
        if begun:
            rows = [
                {"vehicle_id": vehicle_of[row.id], name: row.values[name], "from_at": now} for row in begun
            ]
            db.session.execute(insert(model), rows)


def _write_covers(
    account_id: int, rows: Iterable[FleetImportRow], vehicle_of: Mapping[int, int], now: datetime
) -> None:
    stated = {
        (vehicle_of[row.id], PolicyLine(line)): end_of_day(date.fromisoformat(row.values[name]))
        for row in rows
        for name, line in COVER_FIELDS.items()
        if name in (row.values if row.verdict is RowVerdict.NEW else row.before or {})
    }
    set_covers(account_id, stated, now)


def set_covers(account_id: int, ends: Mapping[tuple[int, PolicyLine], datetime], now: datetime) -> None:
    """Note until when the client says vehicles are covered, by vehicle and line."""
    statement = select(ExternalCover.id, ExternalCover.vehicle_id, ExternalCover.line)
    known = {
        (row.vehicle_id, row.line): row.id
        for row in db.session.execute(statement.where(ExternalCover.account_id == account_id))
    }
    said = {"source": CoverSource.CLIENT_LIST, "noted_at": now}
    changes = [{"id": known[key], "ends_at": at, **said} for key, at in ends.items() if key in known]
    additions = [
        {"account_id": account_id, "vehicle_id": key[0], "line": key[1], "ends_at": at, **said}
        for key, at in ends.items()
        if key not in known
    ]
    if changes:
        db.session.execute(update(ExternalCover), changes)
    if additions:
        db.session.execute(insert(ExternalCover), additions)


def _remember(
    new: Sequence[FleetImportRow],
    changed: Sequence[FleetImportRow],
    vehicle_of: Mapping[int, int],
    before: Mapping[int, Known],
) -> None:
    noted = [
        {
            "the_id": row.id,
            "new_vehicle_id": vehicle_of[row.id],
            "new_params": {
                **row.params,
                "version": 1 if row.verdict is RowVerdict.NEW else before[vehicle_of[row.id]].version + 1,
            },
        }
        for row in [*new, *changed]
    ]
    if noted:
        statement = update(_ROWS).where(_ROWS.c.id == bindparam("the_id"))
        db.session.execute(
            statement.values(vehicle_id=bindparam("new_vehicle_id"), params=bindparam("new_params")), noted
        )
