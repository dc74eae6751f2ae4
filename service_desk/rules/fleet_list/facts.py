"""The fields of a fleet list, and what checking one has to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from service_desk.rules.fleet_list.workbook import FileError


class Field(StrEnum):
    """What a column of a fleet list can hold."""

    PLATE = "plate"
    VIN = "vin"
    ENGINE_NO = "engine_no"
    MODEL = "model"
    USE_CLASS = "use_class"
    SEATS = "seats"
    LOAD_T = "load_t"
    REGISTERED_ON = "registered_on"
    CTPL_EXPIRES_ON = "ctpl_expires_on"
    COMMERCIAL_EXPIRES_ON = "commercial_expires_on"
    BRANCH = "branch"


class Verdict(StrEnum):
    """Why a row is refused. The first that applies, in this order, is the row's verdict."""

    IDENTITY_MISSING = "identity_missing"
    CELL_ERROR = "cell_error"
    PLATE_INVALID = "plate_invalid"
    VIN_INVALID = "vin_invalid"
    DATE_INVALID = "date_invalid"
    NUMBER_INVALID = "number_invalid"
    BRANCH_MISSING = "branch_missing"
    BRANCH_UNKNOWN = "branch_unknown"
    CONFLICT = "conflict"


VIN_CHECK_DIGIT = "vin_check_digit"


@dataclass(frozen=True)
class BranchNames:
    """A branch as lists may call it."""

    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnChoice:
    """A person's correction of the columns guessed for one sheet.

    `columns` gives a field its column (from 0), or None to leave it unread; fields not named keep the
    guess. `header_row` is the number of the last header row, None to keep the one found.
    """

    columns: Mapping[Field, int | None]
    header_row: int | None = None


@dataclass(frozen=True)
class SheetMapping:
    """How a sheet was read: the last header row's number, each field's column (from 0), and all headings."""

    sheet: str | None
    header_row: int
    columns: Mapping[Field, int]
    headings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the file as a person finds it."""

    sheet: str | None
    row: int


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """One vehicle, every field in its normalised form. An empty plate with a VIN is a plate still pending."""

    sheet: str | None
    row: int
    plate: str | None
    vin: str | None
    engine_no: str | None
    model: str | None
    use_class: str | None
    seats: int | None
    load_t: Decimal | None
    registered_on: date | None
    ctpl_expires_on: date | None
    commercial_expires_on: date | None
    branch: str
    warnings: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        return Place(self.sheet, self.row)

    def values(self) -> tuple[object, ...]:
        """Every normalised field, without the place: equal values are the same statement about a vehicle."""
        return (
            self.plate,
            self.vin,
            self.engine_no,
            self.model,
            self.use_class,
            self.seats,
            self.load_t,
            self.registered_on,
            self.ctpl_expires_on,
            self.commercial_expires_on,
            self.branch,
        )


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row is refused: `value` is what stands in the cell, `suggestion` a likely correction, never made.

    `others` are the other rows that a conflict concerns.
    """

    sheet: str | None
    row: int
    code: Verdict
    field: Field | None = None
    value: str | None = None
    suggestion: str | None = None
    others: tuple[Place, ...] = ()

    @property
    def place(self) -> Place:
        return Place(self.sheet, self.row)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that says again what an earlier one said."""

    sheet: str | None
    row: int
    same_as: Place

    @property
    def place(self) -> Place:
        return Place(self.sheet, self.row)


@dataclass(frozen=True)
class FleetListResult:
    """What a check found. With a `file_error` all else is empty."""

    file_error: FileError | None = None
    accepted: tuple[ParsedRow, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    mappings: tuple[SheetMapping, ...] = ()

    @property
    def warnings(self) -> dict[str, int]:
        """Each warning with the number of accepted vehicles that have it."""
        counts: dict[str, int] = {}
        for row in self.accepted:
            for code in row.warnings:
                counts[code] = counts.get(code, 0) + 1
        return counts
