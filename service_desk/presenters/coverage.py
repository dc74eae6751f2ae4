"""The cover calendar as bars and tables, the ratio by branch, and both as spreadsheets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.cover_calendar import LayerPeriod
from service_desk.rules.coverage import Span
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.rules.policy_flow import Term, last_covered_day
from service_desk.services.policies.calendars import Finding, FindingKind, FleetFinding, ShownLayer
from service_desk.services.policies.ratios import BranchCoverage, CoveredVehicle

# Cover from a client's list has no known start; what is stored for it lies far back.
_NO_START = timedelta(days=365 * 20)
FINDING_TONES = {
    FindingKind.GAP: ("bad", "over"),
    FindingKind.OVERLAP: ("warn", "warning"),
    FindingKind.NOT_RENEWED: ("idle", "clock"),
}


@dataclass(frozen=True)
class Piece:
    """A stretch of a bar as the `time_bar` macro takes it: running, double, gap, or paused (nothing required)."""

    seconds: float
    text: str
    state: str
    holder: int


@dataclass(frozen=True)
class Mark:
    at_seconds: float
    text: str
    anchor: str


@dataclass(frozen=True)
class CalendarLine:
    """A line of the table beside a bar: a policy with its term, or what is wrong. `tone` None: nothing is."""

    what: str
    first: str
    last: str
    days: int
    number: str
    tone: str | None
    icon: str


@dataclass(frozen=True)
class LayerRow:
    """One layer of a vehicle: its bar, its days in words, and its lines."""

    code: str
    title: str
    is_required: bool
    words: str
    pieces: list[Piece]
    marks: list[Mark]
    lines: list[CalendarLine]


def layer_rows(layers: Sequence[ShownLayer], now: datetime) -> list[LayerRow]:
    """A vehicle's calendar, a bar a layer."""
    return [_layer_row(layer, now) for layer in layers]


def _layer_row(layer: ShownLayer, now: datetime) -> LayerRow:
    calendar = layer.calendar
    return LayerRow(
        code=calendar.layer.value,
        title=label(calendar.layer, "cover"),
        is_required=layer.is_required,
        words=_("%(covered)s of %(days)s days covered", covered=calendar.covered_days, days=calendar.days),
        pieces=_pieces(layer),
        marks=_marks(calendar.within, now),
        lines=_lines(layer, now),
    )


def _pieces(layer: ShownLayer) -> list[Piece]:
    """The bar's stretches one after another, cut where a policy or a finding begins or ends."""
    within = layer.calendar.within
    edges = {edge for one in layer.calendar.periods for edge in (one.starts_at, one.ends_at)}
    edges |= {edge for one in layer.findings for edge in (one.span.starts_at, one.span.ends_at)}
    inside = sorted(edge for edge in edges if within.starts_at < edge < within.ends_at)
    stops = [within.starts_at, *inside, within.ends_at]
    return [_piece(layer, start, end) for start, end in pairwise(stops)]


def _piece(layer: ShownLayer, start: datetime, end: datetime) -> Piece:
    seconds = (end - start).total_seconds()
    for one in layer.findings:
        if one.span.starts_at <= start < one.span.ends_at:
            state = {FindingKind.GAP: "gap", FindingKind.OVERLAP: "double"}.get(one.kind, "paused")
            return Piece(seconds, label(one.kind, "cover_finding"), state, 0)
    for index, period in enumerate(layer.calendar.periods):
        if period.holds(start):
            # The shade alternates, so that one term is told from the next.
            return Piece(seconds, period.source or _("another insurer"), "running", 2 * (index % 2))
    return Piece(seconds, _("not required"), "paused", 0)


def _marks(within: Span, now: datetime) -> list[Mark]:
    whole = (within.ends_at - within.starts_at).total_seconds()
    term = Term(within.starts_at, within.ends_at)
    marks = [Mark(0, term.first_day.isoformat(), "start"), Mark(whole, term.last_day.isoformat(), "end")]
    if within.starts_at < now < within.ends_at:
        marks.insert(1, Mark((now - within.starts_at).total_seconds(), _("today"), "middle"))
    return marks


def _lines(layer: ShownLayer, now: datetime) -> list[CalendarLine]:
    held = [(one.starts_at, _held(one, now)) for one in layer.calendar.periods]
    wrong = [(one.span.starts_at, _wrong(one, now)) for one in layer.findings]
    return [line for _at, line in sorted([*held, *wrong], key=lambda entry: entry[0])]


def _held(period: LayerPeriod, now: datetime) -> CalendarLine:
    has_start = now - period.starts_at < _NO_START
    term = Term(period.starts_at, period.ends_at)
    return CalendarLine(
        what=_("covered") if period.is_ours else _("another insurer: %(name)s", name=period.source or "—"),
        first=term.first_day.isoformat() if has_start else _("start not known"),
        last=term.last_day.isoformat(),
        days=term.days if has_start else 0,
        number=period.source if period.is_ours else "",
        tone=None,
        icon="",
    )


def _wrong(finding: Finding, now: datetime) -> CalendarLine:
    tone, icon = FINDING_TONES[finding.kind]
    term = Term(finding.span.starts_at, finding.span.ends_at)
    return CalendarLine(
        what=label(finding.kind, "cover_finding"),
        first=term.first_day.isoformat(),
        last=last_words(finding, now),
        days=finding.days,
        number="",
        tone=tone,
        icon=icon,
    )


def first_day(span: Span) -> date:
    """The first day on which a span lies."""
    return Term(span.starts_at, span.ends_at).first_day


def last_day(span: Span) -> date:
    """The last day on which a span lies."""
    return last_covered_day(span.ends_at)


def last_words(finding: Finding, now: datetime) -> str:
    """The last day; of a gap that lasts, that it does."""
    return _("goes on") if finding.span.ends_at == now else last_day(finding.span).isoformat()


def length_words(finding: Finding) -> str:
    """`3 days`; hours for what lies within one day."""
    seconds = (finding.span.ends_at - finding.span.starts_at).total_seconds()
    if seconds < timedelta(days=1).total_seconds():
        hours = max(1, round(seconds / 3600))
        return ngettext("%(num)s hour", "%(num)s hours", hours)
    return ngettext("%(num)s day", "%(num)s days", finding.days)


def policies_of(finding: Finding) -> list[tuple[str, bool]]:
    """The policies a finding is about: (number or insurer, is ours)."""
    return [
        (one.source or _("another insurer"), one.is_ours and bool(one.source)) for one in finding.policies
    ]


def findings_sheet(rows: Iterable[FleetFinding], account: str, period: Period, now: datetime) -> TableSheet:
    """The gaps and overlaps listed, as a sheet."""
    columns = [
        Column(_("Branch"), width=26),
        Column(_("Plate")),
        Column(_("Class")),
        Column(_("Cover")),
        Column(_("Finding"), width=22),
        Column(_("First day"), "date"),
        Column(_("Last day"), "date"),
        Column(_("Days"), "int"),
        Column(_("Policies"), width=40),
    ]
    body: Iterable[list[Any]] = (
        [
            branch_name(row.branch),
            row.vehicle.plate or row.vehicle.vin or "",
            label(row.vehicle.use_class, "use_class"),
            label(row.finding.layer, "cover"),
            label(row.finding.kind, "cover_finding"),
            first_day(row.finding.span),
            last_day(row.finding.span) if row.finding.span.ends_at != now else _("goes on"),
            row.finding.days,
            ", ".join(words for words, _ours in policies_of(row.finding)),
        ]
        for row in rows
    )
    title = _("Gaps and overlaps of cover: %(account)s", account=account)
    return TableSheet(_("Gaps and overlaps"), title, columns, body, [period_words(period)])


def period_words(period: Period) -> str:
    """`2026-11-01 to 2026-11-30`; one day alone."""
    if period.first == period.last:
        return period.first.isoformat()
    return _("%(first)s to %(last)s", first=period.first, last=period.last)


@dataclass(frozen=True)
class RatioLine:
    """A branch on the page: at the day, and over the period. `branch` None: all of them."""

    branch: Any
    day: Ratio
    days: Ratio
    missed_vehicles: int


def ratio_lines(
    at_day: Sequence[BranchCoverage], over_period: Sequence[BranchCoverage]
) -> tuple[list[RatioLine], RatioLine]:
    """The branches, those with days missed first, and the sum of them."""
    today = {row.branch.id: row for row in at_day}
    rows = {row.branch.id: row for row in over_period}
    branches = {row.branch.id: row.branch for row in (*at_day, *over_period)}
    lines = [
        RatioLine(
            branch,
            today[id_].days if id_ in today else Ratio(),
            rows[id_].days if id_ in rows else Ratio(),
            rows[id_].missed_vehicles if id_ in rows else 0,
        )
        for id_, branch in branches.items()
    ]
    lines.sort(key=lambda line: (line.days.part - line.days.whole, line.branch.name))
    total = RatioLine(
        None,
        sum((line.day for line in lines), Ratio()),
        sum((line.days for line in lines), Ratio()),
        sum(line.missed_vehicles for line in lines),
    )
    return lines, total


def percent(ratio: Ratio) -> str:
    """`99.49%`; a dash for nothing on the road. Never rounded up to a hundred."""
    share = ratio.percent(2)
    if share is None:
        return "—"
    if ratio.part < ratio.whole and share >= 100:
        return "99.99%"
    return f"{share}%"


def tone(ratio: Ratio) -> str:
    """Green when nothing is missed."""
    return "ok" if ratio.part == ratio.whole else "bad"


def ratio_sheet(
    lines: Sequence[RatioLine], total: RatioLine, account: str, day: date, period: Period
) -> TableSheet:
    """The ratio by branch, as a sheet."""
    columns = [
        Column(_("Branch"), width=28),
        Column(_("On the road"), "int"),
        Column(_("Covered"), "int"),
        Column(_("Coverage ratio"), "percent"),
        Column(_("Vehicle-days on the road"), "int", width=16),
        Column(_("Vehicle-days covered"), "int", width=16),
        Column(_("Coverage ratio of the period"), "percent", width=16),
        Column(_("Vehicles with days missed"), "int", width=16),
    ]
    title = _("Coverage ratio of %(account)s", account=account)
    notes = [
        _("As of %(day)s", day=day.isoformat()),
        _("Period: %(period)s", period=period_words(period)),
        _("A day is judged as it ended; the day that runs, by now."),
    ]
    body = [_ratio_row(line, branch_name(line.branch)) for line in lines]
    return TableSheet(_("Coverage ratio"), title, columns, body, notes, _ratio_row(total, _("Total")))


def _ratio_row(line: RatioLine, name: str) -> list[Any]:
    return [
        name,
        line.day.whole,
        line.day.part,
        _share(line.day),
        line.days.whole,
        line.days.part,
        _share(line.days),
        line.missed_vehicles,
    ]


def _share(ratio: Ratio) -> float | str:
    return ratio.part / ratio.whole if ratio.whole else "—"


def vehicles_sheet(rows: Iterable[CoveredVehicle], account: str, period: Period) -> TableSheet:
    """The vehicles behind a figure, as a sheet."""
    columns = [
        Column(_("Branch"), width=26),
        Column(_("Plate")),
        Column(_("VIN"), width=22),
        Column(_("Class")),
        Column(_("Days on the road"), "int", width=14),
        Column(_("Days covered"), "int", width=14),
        Column(_("Days missed"), "int", width=14),
    ]
    body: Iterable[list[Any]] = (
        [
            branch_name(row.branch),
            row.vehicle.plate or "",
            row.vehicle.vin or "",
            label(row.vehicle.use_class, "use_class"),
            row.days.operating,
            row.days.covered,
            row.days.missed,
        ]
        for row in rows
    )
    title = _("Vehicles and their covered days: %(account)s", account=account)
    return TableSheet(_("Vehicles"), title, columns, body, [period_words(period)])
