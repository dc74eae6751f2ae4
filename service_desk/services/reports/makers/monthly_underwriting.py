"""The monthly underwriting table as a document: by branch, class, line and cover."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from service_desk.models.accounts import KeyAccount
from service_desk.rules.metrics import MeasureCode
from service_desk.rules.periods import Period
from service_desk.rules.report_document import CellKind, Column, Name, Report, ReportKind, Table, Tile, Value
from service_desk.rules.underwriting import Compared
from service_desk.services.reports.underwriting import MonthlyUnderwriting, account_month

_FIGURES = (
    Column(MeasureCode.POLICIES_ISSUED),
    Column("vehicles", CellKind.COUNT),
    Column("premium_issued", CellKind.FEN),
    Column(MeasureCode.ENDORSEMENT_PREMIUM),
    Column(MeasureCode.RETURNED_PREMIUM),
    Column(MeasureCode.WRITTEN_PREMIUM),
    Column("premium_month_before", CellKind.FEN),
    Column("premium_year_before", CellKind.FEN),
    Column("vehicle_tax", CellKind.FEN),
)


def make(account: KeyAccount, period: Period, *, now: datetime) -> Report:
    """The report of a calendar month."""
    found = account_month(account, period)
    total = found.total
    return Report(
        kind=ReportKind.MONTHLY_UNDERWRITING,
        account_id=account.id,
        account=Name(account.name, account.name_en),
        zone=account.zone,
        period_from=period.first,
        period_to=period.last,
        made_at=now,
        tiles=(
            Tile(MeasureCode.WRITTEN_PREMIUM, total.now.written_fen, total.month_before.written_fen),
            Tile(MeasureCode.POLICIES_ISSUED, total.now.policies, total.month_before.policies),
        ),
        tables=_tables(found),
        notes=("underwriting_month",),
    )


def _tables(found: MonthlyUnderwriting) -> Sequence[Table]:
    line = Column("line", CellKind.LABEL, "policy_line")
    return (
        _table(
            "by_branch",
            (Column("branch", CellKind.NAME),),
            (((Name(branch.name, branch.name_en),), row) for branch, row in found.branches),
            found.total,
        ),
        _table(
            "by_class",
            (Column("use_class", CellKind.LABEL, "use_class"),),
            (((one.value if one else None,), row) for one, row in found.classes),
            found.total,
        ),
        _table("by_line", (line,), (((one.value,), row) for one, row in found.lines), found.total),
        _table(
            "by_cover",
            (line, Column("cover_set", CellKind.TEXT)),
            (((one.value, cover), row) for (one, cover), row in found.covers),
            found.total,
        ),
    )


def _table(
    code: str,
    naming: Sequence[Column],
    rows: Iterable[tuple[Sequence[Value], Compared]],
    total: Compared,
) -> Table:
    return Table(
        code,
        (*naming, *_FIGURES),
        [(*names, *_figures(row)) for names, row in rows],
        (*(None for _ in naming), *_figures(total)),
    )


def _figures(row: Compared) -> Sequence[int | Decimal]:
    return (
        row.now.policies,
        row.now.vehicles,
        row.now.issued_fen,
        row.now.endorsed_fen,
        row.now.cancelled_fen,
        row.now.written_fen,
        row.month_before.written_fen,
        row.year_before.written_fen,
        row.now.tax_fen,
    )
