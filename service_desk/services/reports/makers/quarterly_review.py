"""The quarterly review (季度服务回顾): what both sides go through in their meeting, with what the figures propose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service_desk.models.accounts import KeyAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period, months_after
from service_desk.rules.proposals import Findings, proposals_from
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
from service_desk.services.measures import Reading, Span
from service_desk.services.reports.makers import agreed, meeting, opinions, parts
from service_desk.services.sla import compliance

_RESULTS = (
    C.WRITTEN_PREMIUM,
    C.EARNED_PREMIUM,
    C.CLAIMS_REPORTED,
    C.REPORTED_LOSS,
    C.EARNED_LOSS_RATIO,
    C.SIMPLE_LOSS_RATIO,
    C.CLAIM_FREQUENCY,
    C.AVERAGE_LOSS,
)
_SERVICE = (
    C.PROMISES_KEPT,
    C.BREACHES,
    C.CLOSING_RATE,
    C.CLOSING_CYCLE,
    C.FIRST_SCENE,
    C.FOLLOWED_UP,
    C.FOLLOW_UP_SCORE,
    C.DISSATISFIED,
)
_COVER = (C.OPERATING_VEHICLES, C.COVERAGE, C.COVERAGE_DAYS, C.RENEWAL_DUE, C.RENEWAL_RATE)
_MONEY = (C.PREMIUM_RECEIVED, C.PREMIUM_OUTSTANDING, C.PREMIUM_OVERDUE)
_TILES = (
    C.EARNED_LOSS_RATIO,
    C.PROMISES_KEPT,
    C.CLAIMS_REPORTED,
    C.LARGE_LOSSES,
    C.FOLLOW_UP_SCORE,
    C.COVERAGE,
    C.RENEWAL_RATE,
    C.PREMIUM_OVERDUE,
)
_ASKED = frozenset({*_RESULTS, *_SERVICE, *_COVER, *_MONEY, *_TILES, C.BREACHES_UNREVIEWED})
_BY_BRANCH = (
    C.CLAIMS_REPORTED,
    C.REPORTED_LOSS,
    C.EARNED_PREMIUM,
    C.EARNED_LOSS_RATIO,
    C.CLAIM_FREQUENCY,
    C.PROMISES_KEPT,
)
_COVER_BY_BRANCH = (C.OPERATING_VEHICLES, C.COVERAGE, C.UNINSURED_VEHICLES, C.COVERAGE_DAYS, C.RENEWAL_RATE)


@dataclass(frozen=True)
class _Quarters:
    """The quarter, the one before and the same of the year before: their spans, figures and promises by step."""

    spans: Sequence[Span]
    readings: Sequence[Reading]
    steps: Sequence[Mapping[ClockStep, compliance.Figures]]


_PERIODS = ("this_quarter", "quarter_before", "year_before")


def make(account: KeyAccount, period: Period, *, now: datetime) -> Report:
    """The review of a quarter."""
    found = _read(account, period, now)
    span, earlier = found.spans[0], found.spans[1].period
    names = parts.cause_names()
    breaches, corrections = meeting.breaches(span, names), meeting.open_corrections(span)
    disputes, answers = meeting.disputes(span), meeting.answers(span)
    findings = _findings(found, breaches, corrections, disputes, answers)
    tables, cut = parts.cut_lists(
        (
            _compared("results", found, _RESULTS),
            parts.by_branch(span, _BY_BRANCH),
            _compared("service", found, _SERVICE),
            _steps(found),
            *parts.promises(account, period, now),
            meeting.causes_table(breaches.causes, names),
            breaches.table,
            corrections.table,
            disputes.by_topic,
            disputes.listed,
            meeting.large_losses(span),
            answers.by_theme,
            answers.bad,
            _compared("cover", found, _COVER),
            parts.by_branch(span, _COVER_BY_BRANCH, code="gaps_by_branch", is_shown=_has_gap),
            _compared("receivables", found, _MONEY),
            parts.by_branch(span, _MONEY, code="receivables_by_branch", is_shown=_owes),
            agreed.items_of_last_meeting(span),
            opinions.opinions_by_theme(span),
            _proposals(findings, names),
        )
    )
    return Report(
        ReportKind.QUARTERLY_REVIEW,
        **parts.head(account, period, now),
        tiles=parts.tiles(_TILES, found.readings[0].total, found.readings[1].total),
        tables=tables,
        charts=(
            Chart("by_step", ChartKind.BARS, "by_step", "step", ("kept_now", "kept_before")),
            Chart("loss_by_branch", ChartKind.BARS, "by_branch", "branch", (C.EARNED_LOSS_RATIO,)),
        ),
        notes=("claims_by_report", "reviews_as_made", "proposals_weighed", *cut),
        compared_from=earlier.first,
        compared_to=earlier.last,
    )


def _read(account: KeyAccount, period: Period, now: datetime) -> _Quarters:
    periods = [period, _quarter_after(period, -1), _quarter_after(period, -4)]
    spans = [parts.span_of(account, one, now) for one in periods]
    spans = [spans[0], *map(parts.at_end, spans[1:])]
    steps = [
        compliance.count_steps(
            compliance.ComplianceFilter(account.id, span.period), zone=span.zone, now=span.now
        )
        for span in spans
    ]
    return _Quarters(spans, parts.read_each(spans, _ASKED), steps)


def _quarter_after(period: Period, quarters: int) -> Period:
    """The quarter so many later; a negative number goes back."""
    first = months_after(period.first, 3 * quarters).first
    return Period(first, months_after(first, 2).last)


def _compared(code: str, found: _Quarters, codes: Sequence[C]) -> Table:
    columns = (Column("compared_period", CellKind.LABEL, "report_period"), *map(Column, codes))
    rows = [
        (name, *parts.values_of(reading.total, codes))
        for name, reading in zip(_PERIODS, found.readings, strict=True)
    ]
    return Table(code, columns, rows)


def _steps(found: _Quarters) -> Table:
    now, before, year_before = found.steps
    columns = (
        parts.STEP,
        Column("kept_now", CellKind.RATIO),
        Column("kept_before", CellKind.RATIO),
        Column("kept_year_before", CellKind.RATIO),
        Column("breaches", CellKind.COUNT),
        Column("breaches_open", CellKind.COUNT),
    )
    nothing = compliance.Figures()
    known = [step for step in ClockStep if any(step in one for one in found.steps)]
    rows = [
        (
            step.value,
            *(one.get(step, nothing).kept for one in (now, before, year_before)),
            now.get(step, nothing).breached,
            now.get(step, nothing).still_open,
        )
        for step in known
    ]
    sums = [sum(one.values(), nothing) for one in found.steps]
    total = (None, *(one.kept for one in sums), sums[0].breached, sums[0].still_open)
    return Table("by_step", columns, rows, total if rows else None)


def _findings(
    found: _Quarters,
    breaches: meeting.Reviewed,
    corrections: meeting.Corrections,
    disputes: meeting.Disputes,
    answers: meeting.Answers,
) -> Findings:
    now, year_before = found.readings[0].total, found.readings[2].total
    return Findings(
        kept={step: figures.kept for step, figures in found.steps[0].items()},
        causes=breaches.causes,
        corrections_late=corrections.late,
        breaches_unreviewed=_whole(now[C.BREACHES_UNREVIEWED]),
        disputes_decided=disputes.decided,
        disputes_in_favour=disputes.in_favour,
        dissatisfied=_ratio(now[C.DISSATISFIED]),
        bad_answers=answers.counts,
        coverage=_ratio(now[C.COVERAGE]),
        renewed=_ratio(now[C.RENEWAL_RATE]),
        earned_loss_ratio=_ratio(now[C.EARNED_LOSS_RATIO]),
        frequency=_ratio(now[C.CLAIM_FREQUENCY]),
        frequency_before=_ratio(year_before[C.CLAIM_FREQUENCY]),
        overdue_fen=_whole(now[C.PREMIUM_OVERDUE]),
    )


def _has_gap(values: Mapping[C, Value]) -> bool:
    days = _ratio(values.get(C.COVERAGE_DAYS))
    return days.part < days.whole


def _owes(values: Mapping[C, Value]) -> bool:
    return bool(values.get(C.PREMIUM_OUTSTANDING))


def _ratio(value: object) -> Ratio:
    return value if isinstance(value, Ratio) else Ratio()


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _proposals(findings: Findings, names: Mapping[str, Name]) -> Table:
    columns = (
        Column("proposal", CellKind.LABEL, "report_proposal", is_wide=True),
        parts.STEP,
        Column("cause", CellKind.NAME),
        Column("rests_on_share", CellKind.RATIO),
        Column("rests_on_count", CellKind.COUNT),
        Column("rests_on_amount", CellKind.FEN),
    )
    rows: list[Sequence[Value]] = [
        (
            one.code.value,
            one.step.value if one.step else None,
            names.get(one.cause, Name(one.cause)) if one.cause else None,
            one.share,
            one.count,
            one.fen,
        )
        for one in proposals_from(findings)
    ]
    return Table("meeting_proposals", columns, rows)
