"""The monthly underwriting table (月度承保报表): by branch, class, line and cover, beside last month and last year."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from service_desk.models.accounts import KeyAccount
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period, months_after
from service_desk.rules.report_document import (
    CellKind,
    Chart,
    ChartKind,
    Column,
    Report,
    ReportKind,
    Table,
    Tile,
    Value,
)
from service_desk.rules.underwriting import Compared, UnderwritingFigures
from service_desk.services.policies.written import WrittenAct, written_acts
from service_desk.services.reports.makers import parts
from service_desk.services.reports.underwriting import MonthlyUnderwriting, account_month

_FIGURES = (
    Column(C.POLICIES_ISSUED),
    Column("vehicles", CellKind.COUNT),
    Column("premium_issued", CellKind.FEN),
    Column("endorsements", CellKind.COUNT),
    Column(C.ENDORSEMENT_PREMIUM),
    Column("cancellations", CellKind.COUNT),
    Column(C.RETURNED_PREMIUM),
    Column(C.WRITTEN_PREMIUM),
    Column("premium_month_before", CellKind.FEN),
    Column("change_on_month", CellKind.RATIO, "change"),
    Column("premium_year_before", CellKind.FEN),
    Column("change_on_year", CellKind.RATIO, "change"),
    Column("vehicle_tax", CellKind.FEN),
)
_ACTS = (
    Column("act_at", CellKind.MOMENT),
    Column("act", CellKind.LABEL, "report_act"),
    Column("policy_no", CellKind.TEXT),
    Column("endorsement_no", CellKind.TEXT),
    parts.PLATE,
    parts.BRANCH,
    parts.USE_CLASS,
    parts.LINE,
    parts.COVER_SET,
    Column("premium", CellKind.FEN),
    Column("vehicle_tax", CellKind.FEN),
)


def make(account: KeyAccount, period: Period, *, now: datetime) -> Report:
    """The report of a calendar month."""
    found = account_month(account, period)
    acts = written_acts(account.id, period.instants(ZoneInfo(account.zone)))
    before = months_after(period.first, -1)
    covers = parts.CoverNames()
    return Report(
        ReportKind.MONTHLY_UNDERWRITING,
        **parts.head(account, period, now),
        tiles=_tiles(found.total),
        tables=(*_tables(found, covers), _acts(account, acts, covers)),
        charts=(
            Chart(
                "by_branch",
                ChartKind.BARS,
                "by_branch",
                "branch",
                (C.WRITTEN_PREMIUM, "premium_month_before"),
            ),
        ),
        notes=_notes(found, acts),
        compared_from=before.first,
        compared_to=before.last,
    )


def _tiles(total: Compared) -> list[Tile]:
    now, before = _values(total.now), _values(total.month_before)
    return [Tile(code, now[code], before[code]) for code in now]


def _values(figures: UnderwritingFigures) -> dict[C, int]:
    return {
        C.POLICIES_ISSUED: figures.policies,
        C.WRITTEN_PREMIUM: figures.written_fen,
        C.ENDORSEMENT_PREMIUM: figures.endorsed_fen,
        C.RETURNED_PREMIUM: figures.cancelled_fen,
    }


def _notes(found: MonthlyUnderwriting, acts: Sequence[WrittenAct]) -> list[str]:
    said = ["underwriting_month"]
    if found.taken_over:
        said.append("taken_over_left_out")
    if len(acts) > parts.MOST_LISTED:
        said.append(parts.LIST_CUT)
    return said


def _tables(found: MonthlyUnderwriting, covers: parts.CoverNames) -> list[Table]:
    branches = (((parts.name_of(branch),), row) for branch, row in found.branches)
    classes = (((one.value if one else None,), row) for one, row in found.classes)
    lines = (((one.value,), row) for one, row in found.lines)
    sets = (((line.value, covers.of(code)), row) for (line, code), row in found.covers)
    return [
        _table("by_branch", (parts.BRANCH,), branches, found.total),
        _table("by_class", (parts.USE_CLASS,), classes, found.total),
        _table("by_line", (parts.LINE,), lines, found.total),
        _table("by_cover", (parts.LINE, parts.COVER_SET), sets, found.total),
    ]


def _table(
    code: str, naming: Sequence[Column], rows: Iterable[tuple[Sequence[Value], Compared]], total: Compared
) -> Table:
    return Table(
        code,
        (*naming, *_FIGURES),
        [(*names, *_figures(row)) for names, row in rows],
        (*(None for _ in naming), *_figures(total)),
    )


def _figures(row: Compared) -> Sequence[Value]:
    return (
        row.now.policies,
        row.now.vehicles,
        row.now.issued_fen,
        row.now.endorsements,
        row.now.endorsed_fen,
        row.now.cancellations,
        row.now.cancelled_fen,
        row.now.written_fen,
        row.month_before.written_fen,
        _change(row.now, row.month_before),
        row.year_before.written_fen,
        _change(row.now, row.year_before),
        row.now.tax_fen,
    )


def _change(now: UnderwritingFigures, before: UnderwritingFigures) -> Ratio:
    """How far premium moved from an earlier month's, of which nothing can be said where that is nought or less."""
    moved = now.written_fen - before.written_fen
    return Ratio(moved, before.written_fen) if before.written_fen > 0 else Ratio()


def _acts(account: KeyAccount, acts: Sequence[WrittenAct], covers: parts.CoverNames) -> Table:
    branches = parts.branches_of(account.id)
    rows = [
        (
            one.at,
            one.kind.value if one.kind else "issue",
            one.number,
            one.endorsement_number or None,
            one.plate or None,
            parts.name_of(branches.get(one.act.branch_id)),
            one.act.use_class.value if one.act.use_class else None,
            one.act.line.value,
            covers.of(one.act.cover_set),
            one.act.premium_fen,
            one.act.tax_fen,
        )
        for one in acts[: parts.MOST_LISTED]
    ]
    return Table("acts", _ACTS, rows, is_detail=True)
