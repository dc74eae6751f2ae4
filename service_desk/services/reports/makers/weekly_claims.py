"""The weekly claim report as a document: by branch, the week's claims, all open claims, the week's breaches."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from service_desk.models.accounts import KeyAccount
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.periods import WEEK, Period
from service_desk.rules.report_document import (
    CellKind,
    Chart,
    ChartKind,
    Column,
    Name,
    Report,
    ReportKind,
    Table,
    Value,
)
from service_desk.services import measures
from service_desk.services.reports import weekly
from service_desk.services.reports.figures import BranchFigures, WeeklyReport
from service_desk.services.reports.makers import claim_parts, parts

_HEADLINES = (
    C.CLAIMS_REPORTED,
    C.LARGE_LOSSES,
    C.SURVEYED_IN_TIME,
    C.FIRST_SCENE,
    C.CLAIMS_CLOSED,
    C.CLAIMS_OPEN_END,
    C.PAID_NET,
    C.BREACHES,
)
_BY_BRANCH = (
    C.CLAIMS_OPEN_START,
    C.CLAIMS_REPORTED,
    C.CLAIMS_REOPENED,
    C.CLAIMS_CLOSED,
    C.CLAIMS_OPEN_END,
    C.ESTIMATE_REPORTED,
    C.LARGE_LOSSES,
    C.SURVEYED_IN_TIME,
    C.FIRST_SCENE,
    C.PAID_NET,
)


def make(account: KeyAccount, period: Period, *, now: datetime) -> Report:
    """The report of a week, or of one as far as it has gone, beside the figures of the whole week before."""
    found = weekly.compute(account.id, period.first, now=now, until=period.last)
    earlier = Period(period.first - WEEK, period.first - timedelta(days=1))
    reading = measures.read(parts.span_of(account, earlier, now), _HEADLINES)
    return _document(found, earlier, reading.total)


def from_kept(data: dict[str, Any]) -> Report:
    """The report of a run that kept its figures before reports had one shape; nothing was compared then."""
    return _document(WeeklyReport.from_json(data), None, {})


def _document(found: WeeklyReport, earlier: Period | None, headlines: Mapping[C, Value]) -> Report:
    return Report(
        kind=ReportKind.WEEKLY_CLAIMS,
        account_id=found.account_id,
        account=Name(found.account_name, found.account_name_en),
        zone=found.zone,
        period_from=found.period_from,
        period_to=found.period_to,
        made_at=found.made_at,
        tiles=parts.tiles(_HEADLINES, _headlines(found), headlines),
        tables=(
            _branches(found),
            claim_parts.claims_table(found.claims),
            claim_parts.open_table(found.open_claims),
            claim_parts.breaches_table(found.breaches),
        ),
        charts=(
            Chart(
                "claims_by_branch",
                ChartKind.BARS,
                "by_branch",
                "branch",
                (C.CLAIMS_REPORTED, C.CLAIMS_CLOSED),
            ),
            Chart("open_by_branch", ChartKind.BARS, "by_branch", "branch", (C.CLAIMS_OPEN_END,)),
        ),
        notes=("claims_balance", "claims_of_period"),
        compared_from=earlier.first if earlier else None,
        compared_to=earlier.last if earlier else None,
    )


def _headlines(found: WeeklyReport) -> dict[C, Value]:
    total = found.total
    return {
        C.CLAIMS_REPORTED: total.reported,
        C.LARGE_LOSSES: total.large_losses,
        C.SURVEYED_IN_TIME: total.in_time,
        C.FIRST_SCENE: total.first_scene,
        C.CLAIMS_CLOSED: total.closed,
        C.CLAIMS_OPEN_END: total.open_end,
        C.PAID_NET: total.paid_fen,
        C.BREACHES: len(found.breaches),
    }


def _branches(found: WeeklyReport) -> Table:
    columns = (parts.BRANCH, *map(Column, _BY_BRANCH), Column("oldest_days", CellKind.DAYS))
    rows = [(Name(line.name, line.name_en), *_branch(line)) for line in found.branches if not line.is_empty]
    return Table("by_branch", columns, rows, (None, *_branch(found.total)))


def _branch(line: BranchFigures) -> Sequence[Value]:
    return (
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
