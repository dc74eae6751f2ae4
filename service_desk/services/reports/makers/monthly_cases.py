"""The monthly case table (案件处理月报): what came, was closed and paid, how fast, what is open, and every case by name."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from service_desk.models.accounts import KeyAccount
from service_desk.rules.metrics import AgeBand, Alarm, Ratio, alarm_of
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.periods import Period, months_after
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
from service_desk.services.measures import By, Span
from service_desk.services.measures.money import Aged, read_ageing
from service_desk.services.reports.claim_lines import breaches_of, claims_of, closed_lines, open_lines
from service_desk.services.reports.figures import Breach
from service_desk.services.reports.makers import claim_parts, parts
from service_desk.services.sla import compliance

_HEADLINES = (
    C.CLAIMS_REPORTED,
    C.CLAIMS_CLOSED,
    C.CLAIMS_OPEN_END,
    C.CLOSING_RATE,
    C.PAID_NET,
    C.OUTSTANDING,
    C.CLOSING_CYCLE,
    C.ROLLING_CLOSING_RATE,
    C.PROMISES_KEPT,
    C.FOLLOWED_UP,
)
_FLOW = (
    C.CLAIMS_OPEN_START,
    C.CLAIMS_REPORTED,
    C.CLAIMS_REOPENED,
    C.CLAIMS_CLOSED,
    C.CLAIMS_OPEN_END,
    C.CLOSING_RATE,
    C.CLAIMS_DENIED,
    C.CLAIMS_DISPUTED,
)
_MONEY = (
    C.ESTIMATE_REPORTED,
    C.LARGE_LOSSES,
    C.INJURY_CLAIMS,
    C.PAID_NET,
    C.OUTSTANDING,
    C.INJURY_SHARE,
)
_RESERVES = (
    C.RESERVE_OPEN,
    C.RESERVE_NEW,
    C.RESERVE_REOPENED,
    C.RESERVE_INCREASE,
    C.RESERVE_DECREASE,
    C.RESERVE_PAID,
    C.RESERVE_RELEASED,
    C.RESERVE_CLOSE,
)
_SPEED = (
    C.REGISTERED_IN_TIME,
    C.CLOSING_RATE_AMOUNT,
    C.CLOSING_CYCLE,
    C.CLOSING_CYCLE_MEDIAN,
    C.CLOSING_CYCLE_P90,
    C.OPEN_OVER_30_DAYS,
    C.ESTIMATE_DEVIATION,
)
_ALARMS = (C.OPEN_TO_CLOSED_AVERAGE, C.OPEN_OVER_30_DAYS, C.INJURY_SHARE)
_TREND = (C.CLAIMS_REPORTED, C.CLAIMS_CLOSED, C.CLAIMS_OPEN_END)
_TREND_MONTHS = 6


def make(account: KeyAccount, period: Period, *, now: datetime) -> Report:
    """The table of a calendar month, beside the month before."""
    span, earlier = parts.span_of(account, period, now), months_after(period.first, -1)
    branches = parts.branches_of(account.id)
    own = {*_HEADLINES, *_FLOW, *_MONEY, *_SPEED, *_ALARMS}
    by_branch = measures.read(span, own, By.BRANCH)
    by_class = measures.read(span, (*_FLOW, *_MONEY), By.USE_CLASS)
    last_month = measures.read(parts.span_of(account, earlier, now), _HEADLINES).total
    reported, still_open = claims_of(span)
    breaches = breaches_of(span)
    return Report(
        kind=ReportKind.MONTHLY_CASES,
        **parts.head(account, period, now),
        tiles=parts.tiles(_HEADLINES, by_branch.total, last_month),
        tables=(
            claim_parts.by_branch("by_branch", _FLOW, by_branch, branches),
            claim_parts.by_class("by_class", (*_FLOW[:5], *_MONEY), by_class),
            claim_parts.by_branch("money_by_branch", _MONEY, by_branch, branches),
            claim_parts.by_branch("speed_by_branch", _SPEED, by_branch, branches),
            _ageing(span),
            *_trend(account, period, now),
            _steps(span),
            _causes(breaches),
            claim_parts.claims_table(claim.line for claim in reported),
            claim_parts.closed_table(closed_lines(span)),
            claim_parts.open_table(open_lines(span, still_open)),
            claim_parts.breaches_table(breaches),
        ),
        charts=(
            Chart("claims_by_month", ChartKind.LINE, "by_month", "month", _TREND),
            Chart(
                "claims_by_branch",
                ChartKind.BARS,
                "by_branch",
                "branch",
                (C.CLAIMS_REPORTED, C.CLAIMS_CLOSED),
            ),
            Chart("outstanding_by_age", ChartKind.BARS, "ageing", "age", ("outstanding_from_report",)),
        ),
        notes=(
            "claims_balance",
            "reserves_add_up",
            "ageing_days",
            "settled_claims",
            "causes_reviewed",
            *_alarms(by_branch.total),
        ),
        compared_from=earlier.first,
        compared_to=earlier.last,
    )


def _ageing(span: Span) -> Table:
    """The open claims by the days since their report and since their loss."""
    found = read_ageing(span)
    columns = (
        Column("age", CellKind.LABEL, "age_band"),
        Column("open_from_report", CellKind.COUNT),
        Column("outstanding_from_report", CellKind.FEN),
        Column("open_from_loss", CellKind.COUNT),
        Column("outstanding_from_loss", CellKind.FEN),
    )
    pairs = [(band, found.from_report[band], found.from_loss[band]) for band in AgeBand]
    whole = sum(found.from_report.values(), Aged()), sum(found.from_loss.values(), Aged())
    return Table("ageing", columns, [_aged(*pair) for pair in pairs], _aged(None, *whole))


def _aged(band: AgeBand | None, reported: Aged, lost: Aged) -> Sequence[Value]:
    return (band, reported.count, reported.outstanding_fen, lost.count, lost.outstanding_fen)


def _trend(account: KeyAccount, period: Period, now: datetime) -> tuple[Table, Table]:
    """The month and those before it: the flow, and the reserves rolled forward, each month from the one before.

    The reserves are told of the account as a whole: what is held for a single claim is the insurer's own affair, and
    a branch may have only one.
    """
    months = [months_after(period.first, -number) for number in range(_TREND_MONTHS - 1, 0, -1)] + [period]
    totals = [
        (f"{one.first:%Y-%m}", measures.read(parts.span_of(account, one, now), (*_TREND, *_RESERVES)).total)
        for one in months
    ]
    flow, reserves = (
        Table(
            code,
            (Column("month", CellKind.TEXT), *map(Column, codes)),
            [(month, *(total[one] for one in codes)) for month, total in totals],
        )
        for code, codes in (("by_month", _TREND), ("reserves_by_month", _RESERVES))
    )
    return flow, reserves


def _steps(span: Span) -> Table:
    """Promises kept and broken by step, as the compliance page counts them."""
    wanted = compliance.ComplianceFilter(span.account_id, span.period)
    steps = compliance.count_steps(wanted, zone=span.zone, now=span.now)
    columns = (Column("step", CellKind.LABEL, "clock_step"), Column(C.PROMISES_KEPT), Column(C.BREACHES))
    rows = [(step, figures.kept, figures.breached) for step, figures in steps.items()]
    kept = sum((one.kept for one in steps.values()), Ratio())
    return Table("by_step", columns, rows, (None, kept, kept.whole - kept.part))


def _causes(breaches: Sequence[Breach]) -> Table:
    """Why promises were broken, as far as reviews have found it by the end, the commonest first."""
    names = parts.cause_names()
    counts = Counter(one.cause for one in breaches if one.cause)
    rows: list[Sequence[Value]] = [
        (names.get(code, Name(code)), count) for code, count in counts.most_common()
    ]
    rows += [(None, len(breaches) - counts.total())] if len(breaches) > counts.total() else []
    columns = (Column("cause", CellKind.NAME), Column(C.BREACHES))
    return Table("breach_causes", columns, rows, (None, len(breaches)))


def _alarms(total: Mapping[C, Value]) -> list[str]:
    """The notes of the levels that the account has reached."""
    notes = []
    for code in _ALARMS:
        value = total[code]
        alarm: Alarm | None = alarm_of(code, value) if isinstance(value, Ratio) else None
        if alarm is not None:
            notes.append(f"alarm_{code.value}_{alarm.value}")
    return notes
