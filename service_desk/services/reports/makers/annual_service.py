"""The annual service record (年度服务报告): years compared, promises kept, results, and what stricter promises had given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel, Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.periods import Period
from service_desk.rules.report_document import (
    CellKind,
    Chart,
    ChartKind,
    Column,
    Report,
    ReportKind,
    Table,
    Value,
)
from service_desk.rules.sla import Target, TargetUnit
from service_desk.rules.sla.history import whole_second
from service_desk.rules.sla.stricter import stricter_than
from service_desk.services.measures import Reading, Span
from service_desk.services.reports.makers import meeting, parts
from service_desk.services.sla import compliance, what_if
from service_desk.services.sla.compliance.wanted import Scope, Verdicts, counted

MOST_YEARS = 3
_SERVICE = (
    C.CLAIMS_REPORTED,
    C.CLAIMS_CLOSED,
    C.CLOSING_RATE,
    C.CLOSING_CYCLE,
    C.CLOSING_CYCLE_MEDIAN,
    C.REGISTERED_IN_TIME,
    C.FIRST_SCENE,
    C.PROMISES_KEPT,
    C.FOLLOWED_UP,
    C.FOLLOW_UP_SCORE,
)
_RESULTS = (
    C.WRITTEN_PREMIUM,
    C.EARNED_PREMIUM,
    C.REPORTED_LOSS,
    C.EARNED_LOSS_RATIO,
    C.SIMPLE_LOSS_RATIO,
    C.CLAIM_FREQUENCY,
    C.AVERAGE_LOSS,
    C.LARGE_LOSSES,
)
_COVER = (C.POLICIES_ISSUED, C.OPERATING_VEHICLES, C.COVERAGE, C.COVERAGE_DAYS, C.RENEWAL_DUE, C.RENEWAL_RATE)
_TILES = (
    C.PROMISES_KEPT,
    C.CLAIMS_CLOSED,
    C.CLOSING_CYCLE,
    C.EARNED_LOSS_RATIO,
    C.LARGE_LOSSES,
    C.COVERAGE_DAYS,
    C.RENEWAL_RATE,
    C.FOLLOW_UP_SCORE,
)
_ASKED = frozenset({*_SERVICE, *_RESULTS, *_COVER, *_TILES})
# A year in which none of these is anything was before the account's time.
_SIGNS = (C.CLAIMS_REPORTED, C.CLAIMS_CLOSED, C.WRITTEN_PREMIUM, C.EARNED_PREMIUM)
_KEPT = ("kept_this_year", "kept_last_year", "kept_two_years_ago")


@dataclass(frozen=True)
class _Years:
    """The year and those before it that are known, the latest first."""

    spans: Sequence[Span]
    readings: Sequence[Reading]
    steps: Sequence[Mapping[ClockStep, compliance.Figures]]


def make(account: KeyAccount, period: Period, *, now: datetime) -> Report:
    """The record of a calendar year beside up to two before it."""
    found = _read(account, period, now)
    span = found.spans[0]
    trials = _trials(span)
    earlier = found.spans[1].period if len(found.spans) > 1 else None
    before = found.readings[1].total if len(found.readings) > 1 else None
    tables, cut = parts.cut_lists(
        (
            _years("service", found, _SERVICE),
            _years("results", found, _RESULTS),
            _years("cover", found, _COVER),
            _steps(found),
            *parts.promises(account, period, now),
            parts.by_branch(span, (C.CLAIMS_REPORTED, C.CLAIMS_CLOSED, C.PROMISES_KEPT, C.EARNED_LOSS_RATIO)),
            meeting.large_losses(span),
            _needs(trials),
            _what_if(trials),
        )
    )
    return Report(
        ReportKind.ANNUAL_SERVICE,
        **parts.head(account, period, now),
        tiles=parts.tiles(_TILES, found.readings[0].total, before),
        tables=tables,
        charts=(
            Chart("by_step", ChartKind.BARS, "by_step", "step", _KEPT[: len(found.spans)]),
            Chart("loss_by_year", ChartKind.BARS, "results", "year", (C.EARNED_LOSS_RATIO,)),
        ),
        notes=("claims_by_report", "what_if_meaning", *cut),
        compared_from=earlier.first if earlier else None,
        compared_to=earlier.last if earlier else None,
    )


def _read(account: KeyAccount, period: Period, now: datetime) -> _Years:
    years = [period, *(_year(period.first.year - back) for back in range(1, MOST_YEARS))]
    spans = [parts.span_of(account, year, now) for year in years]
    spans = [spans[0], *map(parts.at_end, spans[1:])]
    readings = parts.read_each(spans, _ASKED)
    known = next(
        number
        for number in range(MOST_YEARS, 0, -1)
        if number == 1 or any(readings[number - 1].total[code] for code in _SIGNS)
    )
    steps = [
        compliance.count_steps(
            compliance.ComplianceFilter(account.id, span.period), zone=span.zone, now=span.now
        )
        for span in spans[:known]
    ]
    return _Years(spans[:known], readings[:known], steps)


def _year(year: int) -> Period:
    return Period(date(year, 1, 1), date(year, 12, 31))


def _years(code: str, found: _Years, codes: Sequence[C]) -> Table:
    rows = [
        (str(span.period.first.year), *parts.values_of(reading.total, codes))
        for span, reading in zip(found.spans, found.readings, strict=True)
    ]
    return Table(code, (Column("year", CellKind.TEXT), *map(Column, codes)), rows)


def _steps(found: _Years) -> Table:
    nothing = compliance.Figures()
    known = [step for step in ClockStep if any(step in one for one in found.steps)]
    columns = (
        parts.STEP,
        *(Column(code, CellKind.RATIO) for code in _KEPT[: len(found.steps)]),
        Column("breaches", CellKind.COUNT),
    )
    rows = [
        (
            step.value,
            *(one.get(step, nothing).kept for one in found.steps),
            found.steps[0].get(step, nothing).breached,
        )
        for step in known
    ]
    sums = [sum(one.values(), nothing) for one in found.steps]
    total = (None, *(one.kept for one in sums), sums[0].breached)
    return Table("by_step", columns, rows, total if rows else None)


@dataclass(frozen=True)
class _Trial:
    """One promise of the desk and what its clocks of the year say of stricter ones."""

    level: ServiceLevel
    found: what_if.PromiseTrial


def _trials(span: Span) -> list[_Trial]:
    """Every promise by which a clock was judged in the year, in the order of the steps."""
    whole = compliance.ComplianceFilter(span.account_id, span.period)
    scope = Scope(whole, span.zone, whole_second(span.now), has_reviews=False)
    judged = (
        select(Timer.level_id, func.count()).where(*counted(scope, Verdicts.JUDGED)).group_by(Timer.level_id)
    )
    used = dict(db.session.execute(judged).tuples().all())
    levels = db.session.scalars(select(ServiceLevel).where(ServiceLevel.id.in_(used)))
    order = list(ClockStep)
    ordered = sorted(levels, key=lambda one: (order.index(one.step), one.amount_to_fen or 0, one.id))
    return [_Trial(level, _try(scope, level)) for level in ordered]


def _try(scope: Scope, level: ServiceLevel) -> what_if.PromiseTrial:
    of_step = compliance.ComplianceFilter(scope.wanted.account_id, scope.wanted.period, step=level.step)
    own = Target(level.target_value, level.target_unit)
    narrowed = Scope(of_step, scope.zone, scope.now, has_reviews=False)
    return what_if.try_promise(narrowed, level.id, own, stricter_than(own))


_PROMISE = (
    parts.STEP,
    Column("is_urban", CellKind.LABEL, "yes_no"),
    Column("amount_to", CellKind.FEN),
    Column("promise_value", CellKind.COUNT),
    Column("promise_unit", CellKind.LABEL, "target_unit"),
    Column("kept_as_promised", CellKind.RATIO),
)


def _promise(trial: _Trial) -> list[Value]:
    level = trial.level
    return [
        level.step.value,
        None if level.is_urban is None else str(level.is_urban),
        level.amount_to_fen,
        level.target_value,
        level.target_unit.value,
        trial.found.was,
    ]


def _what_if(trials: Sequence[_Trial]) -> Table:
    columns = (
        *_PROMISE,
        Column("stricter_value", CellKind.COUNT),
        Column("stricter_unit", CellKind.LABEL, "target_unit"),
        Column("would_be_kept", CellKind.RATIO),
    )
    rows = [
        (*_promise(trial), target.value, target.unit.value, would)
        for trial in trials
        for target, would in trial.found.would
    ]
    return Table("what_if", columns, rows)


def _needs(trials: Sequence[_Trial]) -> Table:
    """What promise would have been kept how often: working time, or days where the law counts days."""
    columns = (
        *_PROMISE,
        *(Column(f"time_for_{share}", CellKind.DURATION) for share in (90, 95, 99)),
        *(Column(f"days_for_{share}", CellKind.DAYS) for share in (90, 95, 99)),
    )
    return Table("promise_needs", columns, [(*_promise(one), *_needed(one.found)) for one in trials])


def _needed(found: what_if.PromiseTrial) -> list[Value]:
    least: list[Value] = [need.least for need in found.needs] or [None] * 3
    is_days = found.unit is TargetUnit.CALENDAR_DAYS
    nothing: list[Value] = [None] * 3
    return [*nothing, *least] if is_days else [*least, *nothing]
