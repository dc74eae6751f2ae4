"""Reading and judging the fleet lists that transport groups hand in (domain.md section 11)."""

from service_desk.rules.fleet_list.checking import check, to_json
from service_desk.rules.fleet_list.facts import (
    BranchNames,
    ColumnChoice,
    Field,
    FleetListResult,
    ParsedRow,
    Place,
    Rejection,
    SheetMapping,
    Skipped,
    Verdict,
)
from service_desk.rules.fleet_list.header import HEADER_WORDS
from service_desk.rules.fleet_list.workbook import (
    Cell,
    CellError,
    FileError,
    FileKind,
    Merge,
    Sheet,
    Workbook,
)

__all__ = [
    "HEADER_WORDS",
    "BranchNames",
    "Cell",
    "CellError",
    "ColumnChoice",
    "Field",
    "FileError",
    "FileKind",
    "FleetListResult",
    "Merge",
    "ParsedRow",
    "Place",
    "Rejection",
    "Sheet",
    "SheetMapping",
    "Skipped",
    "Verdict",
    "Workbook",
    "check",
    "to_json",
]
