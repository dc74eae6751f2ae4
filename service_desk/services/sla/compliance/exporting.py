"""Figures and lists that leave the desk as spreadsheets: a line in the audit trail, and how much at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.services.exports import require_few
from service_desk.services.sla import exports
from service_desk.services.sla.compliance.figures import open_groups
from service_desk.services.sla.compliance.overview import Compliance, read_compliance
from service_desk.services.sla.compliance.rows import (
    ClockRow,
    line_of,
    open_rows,
    rows_of,
    sort_of,
    spent_of,
    statement_of,
)
from service_desk.services.sla.compliance.wanted import ComplianceFilter, Dimension, RowsWanted, Scope

_AT_A_TIME = 1000


@dataclass(frozen=True)
class ExportedClocks:
    """The lines of a list, read while they are written; `total` of them."""

    total: int
    rows: Iterator[ClockRow]


def export_compliance(
    wanted: ComplianceFilter, by: Dimension, *, described: str, actor: User, now: datetime
) -> Compliance:
    """The figures as the page shows them, for a spreadsheet; `described`: the filter as the audit trail keeps it."""
    open_groups(wanted, by, actor=actor, now=now)
    _record(wanted, described, actor, now)
    return read_compliance(wanted, by, actor=actor, now=now)


def export_clocks(
    wanted: ComplianceFilter, rows: RowsWanted, *, sort: str, described: str, actor: User, now: datetime
) -> ExportedClocks:
    """All lines of a list. Invalid("export_too_many_rows") for more than anybody reads."""
    scope = open_rows(wanted, rows, actor=actor, now=now)
    conditions = rows_of(scope, rows)
    total = db.session.scalar(select(func.count()).select_from(Timer).where(*conditions)) or 0
    require_few(total)
    _record(wanted, described, actor, now)
    statement = statement_of(conditions, sort_of(rows, sort)).execution_options(yield_per=_AT_A_TIME)
    return ExportedClocks(total, _lines(scope, rows, statement))


def _lines(scope: Scope, rows: RowsWanted, statement: Select[Any]) -> Iterator[ClockRow]:
    for found in db.session.execute(statement).partitions():
        spent = spent_of(scope, rows, [row[0].id for row in found])
        for row in found:
            yield line_of(row, spent)


def _record(wanted: ComplianceFilter, described: str, actor: User, now: datetime) -> None:
    exports.keep_audit("compliance_exported", wanted.account_id, "filter", described, actor=actor, now=now)
