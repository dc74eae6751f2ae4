"""Spreadsheets in any dress: reading them, handing them back with remarks, and writing tables."""

from service_desk.adapters.spreadsheets.annotating import annotate
from service_desk.adapters.spreadsheets.reading import read_workbook
from service_desk.adapters.spreadsheets.tables import (
    XLSX,
    Cell,
    Column,
    ColumnKind,
    TableSheet,
    Value,
    workbook_bytes,
    write_workbook,
)

__all__ = [
    "XLSX",
    "Cell",
    "Column",
    "ColumnKind",
    "TableSheet",
    "Value",
    "annotate",
    "read_workbook",
    "workbook_bytes",
    "write_workbook",
]
