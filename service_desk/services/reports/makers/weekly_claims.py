"""The weekly claim report as a document: by branch, the week's claims, all open claims, the week's breaches."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from service_desk.models.accounts import KeyAccount
from service_desk.rules.metrics import MeasureCode
from service_desk.rules.periods import Period
from service_desk.rules.report_document import (
    CellKind,
    Chart,
    ChartKind,
    Column,
    Name,
    Report,
    ReportKind,
    Table,
    Tile,
    Value,
)
from service_desk.services.reports import weekly
from service_desk.services.reports.figures import (
    BranchFigures,
    Breach,
    OpenClaim,
    Person,
    WeekClaim,
    WeeklyReport,
)


def make(account: KeyAccount, period: Period, *, now: datetime) -> Report:
    """The report of a week."""
    return _document(weekly.compute(account.id, period.first, now=now))


def from_kept(data: dict[str, Any]) -> Report:
    """The report of a run that kept its figures before reports had one shape."""
    return _document(WeeklyReport.from_json(data))


def _document(found: WeeklyReport) -> Report:
    return Report(
        kind=ReportKind.WEEKLY_CLAIMS,
        account_id=found.account_id,
        account=Name(found.account_name, found.account_name_en),
        zone=found.zone,
        period_from=found.period_from,
        period_to=found.period_to,
        made_at=found.made_at,
        tiles=_tiles(found),
        tables=(_branches(found), _claims(found), _open_claims(found), _breaches(found)),
        charts=(Chart("by_branch", ChartKind.BARS, "by_branch", "branch", (MeasureCode.CLAIMS_REPORTED,)),),
        notes=("weekly_balance",),
    )


def _tiles(found: WeeklyReport) -> tuple[Tile, ...]:
    total = found.total
    return (
        Tile(MeasureCode.CLAIMS_REPORTED, total.reported),
        Tile(MeasureCode.LARGE_LOSSES, total.large_losses),
        Tile(MeasureCode.SURVEYED_IN_TIME, total.in_time),
        Tile(MeasureCode.FIRST_SCENE, total.first_scene),
        Tile(MeasureCode.CLAIMS_CLOSED, total.closed),
        Tile(MeasureCode.CLAIMS_OPEN_END, total.open_end),
        Tile(MeasureCode.PAID_NET, total.paid_fen),
        Tile(MeasureCode.BREACHES, len(found.breaches)),
    )


def _branches(found: WeeklyReport) -> Table:
    measures = (
        MeasureCode.CLAIMS_OPEN_START,
        MeasureCode.CLAIMS_REPORTED,
        MeasureCode.CLAIMS_REOPENED,
        MeasureCode.CLAIMS_CLOSED,
        MeasureCode.CLAIMS_OPEN_END,
        MeasureCode.ESTIMATE_REPORTED,
        MeasureCode.LARGE_LOSSES,
        MeasureCode.SURVEYED_IN_TIME,
        MeasureCode.FIRST_SCENE,
        MeasureCode.PAID_NET,
    )
    return Table(
        "by_branch",
        (
            Column("branch", CellKind.NAME),
            *(Column(code) for code in measures),
            Column("oldest_days", CellKind.DAYS),
        ),
        [_branch(line) for line in found.branches],
        _branch(found.total),
    )


def _branch(line: BranchFigures) -> Sequence[Value]:
    return (
        Name(line.name, line.name_en) if line.branch_id is not None else None,
        line.open_start,
        line.reported,
        line.reopened,
        line.closed,
        line.open_end,
        line.estimate_fen,
        line.large_losses,
        line.in_time,
        line.first_scene,
        line.paid_fen,
        line.oldest_days,
    )


_CLAIM = (
    Column("claim_no", CellKind.TEXT),
    Column("plate", CellKind.TEXT),
    Column("branch", CellKind.NAME),
)


def _claims(found: WeeklyReport) -> Table:
    columns = (
        *_CLAIM,
        Column("loss_at", CellKind.MOMENT),
        Column("reported_at", CellKind.MOMENT),
        Column("place", CellKind.TEXT, is_wide=True),
        Column("state", CellKind.LABEL, "claim_state"),
        Column("estimate", CellKind.FEN),
        Column("is_large", CellKind.LABEL, "yes_no"),
        Column("owner", CellKind.TEXT),
    )
    return Table("claims_of_period", columns, [_claim(line) for line in found.claims], is_detail=True)


def _claim(line: WeekClaim) -> Sequence[Value]:
    return (
        line.number,
        line.plate,
        Name(line.branch, line.branch_en),
        line.loss_at,
        line.reported_at,
        line.place,
        line.state,
        line.estimate_fen,
        str(line.is_large),
        _person(line.owner),
    )


def _open_claims(found: WeeklyReport) -> Table:
    columns = (
        *_CLAIM,
        Column("reported_at", CellKind.MOMENT),
        Column("days_open", CellKind.DAYS),
        Column("state", CellKind.LABEL, "claim_state"),
        Column("step", CellKind.LABEL, "clock_step"),
        Column("due_at", CellKind.MOMENT),
        Column("estimate", CellKind.FEN),
        Column("owner", CellKind.TEXT),
    )
    return Table("open_claims", columns, [_open_claim(line) for line in found.open_claims], is_detail=True)


def _open_claim(line: OpenClaim) -> Sequence[Value]:
    return (
        line.number,
        line.plate,
        Name(line.branch, line.branch_en),
        line.reported_at,
        line.days,
        line.state,
        line.step or None,
        line.due_at,
        line.estimate_fen,
        _person(line.owner),
    )


def _breaches(found: WeeklyReport) -> Table:
    columns = (
        *_CLAIM,
        Column("step", CellKind.LABEL, "clock_step"),
        Column("holder", CellKind.TEXT),
        Column("was_due", CellKind.MOMENT),
        Column("done_at", CellKind.MOMENT),
        Column("over_by", CellKind.DURATION),
        Column("cause", CellKind.TEXT),
    )
    return Table("breaches", columns, [_breach(line) for line in found.breaches], is_detail=True)


def _breach(line: Breach) -> Sequence[Value]:
    return (
        line.number,
        line.plate,
        Name(line.branch, line.branch_en),
        line.step,
        _person(line.holder),
        line.breached_at,
        line.stopped_at,
        line.over_seconds,
        line.cause or None,
    )


def _person(person: Person) -> str:
    """Whom to ask, in one line."""
    return " ".join(part for part in (person.name, person.staff_no, person.phone) if part)
