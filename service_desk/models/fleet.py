"""Vehicles, their plate and branch history, the imports that brought them in, and requests to enter new ones."""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.vehicle_onboarding import UNDECIDED, OnboardingAction, OnboardingState, Party
from service_desk.rules.vocabulary import UseClass


class VehicleState(StrEnum):
    """PENDING: approved by the group and not yet insured; it becomes operating with its cover."""

    PENDING = "pending"
    OPERATING = "operating"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class ImportKind(StrEnum):
    """What a list is of: vehicles, or policies to take over."""

    FLEET = "fleet"
    POLICIES = "policies"


class ImportState(StrEnum):
    CHECKED = "checked"
    COMMITTED = "committed"
    UNDONE = "undone"
    ABANDONED = "abandoned"


class RowVerdict(StrEnum):
    """QUESTION: a person has to say which vehicle is meant; until then the row stays out."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    QUESTION = "question"


class Vehicle(Versioned, Base):
    """A vehicle of the fleet. A plate may be pending; a VIN may be unknown, never both."""

    __tablename__ = "vehicles"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("account_id", "vin"),
        UniqueConstraint("account_id", "plate"),
        Index(None, "account_id", "branch_id", "state"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"), index=True)
    plate: Mapped[Short | None]
    vin: Mapped[Short | None] = mapped_column(index=True)
    engine_no: Mapped[Short] = mapped_column(default="")
    model: Mapped[Line] = mapped_column(default="")
    use_class: Mapped[UseClass | None] = mapped_column(enum_type(UseClass))
    seats: Mapped[int | None]
    load_kg: Mapped[int | None]
    registered_on: Mapped[date | None]
    state: Mapped[VehicleState] = mapped_column(enum_type(VehicleState), default=VehicleState.OPERATING)
    created_at: Mapped[Instant]
    import_row_id: Mapped[int | None]


class PlateRecord(Base):
    """A plate's time on a vehicle. Plates move between vehicles; the VIN does not."""

    __tablename__ = "plate_records"

    id: Mapped[Id]
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"), index=True)
    plate: Mapped[Short] = mapped_column(index=True)
    from_at: Mapped[Instant]
    to_at: Mapped[Instant | None]


class BranchRecord(Base):
    """A vehicle's time in a branch."""

    __tablename__ = "branch_records"

    id: Mapped[Id]
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"), index=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    from_at: Mapped[Instant]
    to_at: Mapped[Instant | None]


class VehicleStateRecord(Base):
    """A vehicle's time in a state. Kept since the desk keeps it; before, a vehicle counts as it was found then."""

    __tablename__ = "vehicle_state_records"

    id: Mapped[Id]
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"), index=True)
    state: Mapped[VehicleState] = mapped_column(enum_type(VehicleState))
    from_at: Mapped[Instant]
    to_at: Mapped[Instant | None]


class FleetImport(Versioned, Base):
    """One uploaded list: dry run, commit, undo. `content_sha256` makes a repeated commit a no-op.

    Of policies to take over: `answers` is what a person said about its rows, `totals` the file's own sums beside
    ours, `totals_reason` why it was imported with a difference.
    """

    __tablename__ = "fleet_imports"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    kind: Mapped[ImportKind] = mapped_column(enum_type(ImportKind), default=ImportKind.FLEET)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    filename: Mapped[Line]
    content_sha256: Mapped[Short] = mapped_column(index=True)
    mapping: Mapped[Any] = mapped_column(Json)
    state: Mapped[ImportState] = mapped_column(enum_type(ImportState))
    counts: Mapped[dict[str, int]] = mapped_column(Json)
    answers: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    totals: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    totals_reason: Mapped[Line] = mapped_column(default="")
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[Instant]
    committed_at: Mapped[Instant | None]
    undone_at: Mapped[Instant | None]


class FleetImportRow(Base):
    """A row of a list: its verdict, and for a committed one what it changed (so it can be undone)."""

    __tablename__ = "fleet_import_rows"
    __table_args__ = (Index(None, "import_id", "verdict"),)

    id: Mapped[Id]
    import_id: Mapped[int] = mapped_column(ForeignKey("fleet_imports.id"))
    sheet: Mapped[Line | None]
    row_no: Mapped[int]
    verdict: Mapped[RowVerdict] = mapped_column(enum_type(RowVerdict))
    code: Mapped[Short] = mapped_column(default="")
    field: Mapped[Short] = mapped_column(default="")
    value: Mapped[Line] = mapped_column(default="")
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    values: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicles.id"), index=True)


def _one_undecided(field: str) -> Index:
    """The database's own promise that no vehicle stands in two undecided requests. Several NULLs are no clash."""
    undecided = text(f"state IN ({', '.join(repr(state.value) for state in UNDECIDED)})")
    return Index(
        f"uq_vehicle_requests_undecided_{field}",
        "account_id",
        field,
        unique=True,
        sqlite_where=undecided,
        postgresql_where=undecided,
    )


class VehicleRequest(Versioned, Base):
    """A new vehicle asked for, with the facts of its licence as the present round states them.

    `party` is the side that asked, `requested_by_id` who sent the present round and `requested_at` when.
    `vehicle_id` is set by the group's approval; a request that is refused later, or withdrawn, gives it up again.
    """

    __tablename__ = "vehicle_requests"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        Index(None, "account_id", "state", "branch_id"),
        _one_undecided("plate"),
        _one_undecided("vin"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"), index=True)
    state: Mapped[OnboardingState] = mapped_column(enum_type(OnboardingState))
    round: Mapped[int] = mapped_column(default=1)
    party: Mapped[Party] = mapped_column(enum_type(Party))
    plate: Mapped[Short | None]
    vin: Mapped[Short | None]
    engine_no: Mapped[Short] = mapped_column(default="")
    model: Mapped[Line] = mapped_column(default="")
    use_class: Mapped[UseClass] = mapped_column(enum_type(UseClass))
    seats: Mapped[int | None]
    load_kg: Mapped[int | None]
    registered_on: Mapped[date | None]
    wanted_start_on: Mapped[date]
    note: Mapped[Prose] = mapped_column(default="")
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[Instant]
    created_at: Mapped[Instant]
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicles.id"), index=True)


class VehicleRequestStep(Base):
    """One line of the register: who did what for which side, when and why. Written once, never changed.

    `to_state` is the request's state afterwards; `details` holds what the words of the step need.
    """

    __tablename__ = "vehicle_request_steps"

    id: Mapped[Id]
    request_id: Mapped[int] = mapped_column(ForeignKey("vehicle_requests.id"), index=True)
    round: Mapped[int]
    at: Mapped[Instant] = mapped_column(index=True)
    action: Mapped[OnboardingAction] = mapped_column(enum_type(OnboardingAction))
    party: Mapped[Party] = mapped_column(enum_type(Party))
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    to_state: Mapped[OnboardingState] = mapped_column(enum_type(OnboardingState))
    reason: Mapped[Line] = mapped_column(default="")
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
