"""Compliance as spreadsheets: the page's figures as values, and the lists behind them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.presenters import sla as clocks
from service_desk.presenters import sla_compliance as words
from service_desk.presenters.exports import filter_note
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.metrics import Ratio
from service_desk.services.sla import seconds_over
from service_desk.services.sla.compliance import ClockRow, Compliance, Figures, Group, Times
from service_desk.services.sla.ledger import seconds_used

Cell = str | int | float | datetime | None


@dataclass(frozen=True)
class About:
    """What stands above every table: whose figures, of which days, under which filter, as of when."""

    account: str
    days: str
    chosen: Sequence[tuple[str, str, str]]
    now: datetime
    zone: ZoneInfo

    def lines(self) -> list[str]:
        filters = filter_note((what, choice) for _key, what, choice in self.chosen)
        made_at = f"{self.now.astimezone(self.zone):%Y-%m-%d %H:%M}"
        return [
            self.account,
            _("%(days)s, %(filters)s. As of %(time)s.", days=self.days, filters=filters, time=made_at),
        ]


def compliance_sheets(
    found: Compliance, groups: Sequence[Group], about: About, *, ranks_staff: bool
) -> list[TableSheet]:
    """The page as sheets; `groups` in the order shown."""
    return [
        _figures_sheet(found, about, ranks_staff),
        _groups_sheet(found, groups, about),
        _trend_sheet(found, about),
        *([_holders_sheet(found, about)] if ranks_staff else []),
        _pauses_sheet(found, about),
        _ages_sheet(found, about),
        _at_risk_sheet(found.at_risk, about),
    ]


def clocks_sheet(rows: Iterable[ClockRow], title: str, time_heading: str | None, about: About) -> TableSheet:
    """A list behind a figure as a sheet, written while it is read. `time_heading`: the list asks for some time."""
    columns = [
        Column(_("Step"), width=22),
        Column(_("Number"), width=20),
        Column(_("Branch"), width=24),
        Column(_("Handler"), width=24),
        Column(_("Clock"), width=24),
        Column(_("Promise")),
        Column(_("Started"), "datetime"),
        Column(_("Due"), "datetime"),
        Column(_("Stopped"), "datetime"),
        Column(_("Used (h)"), "decimal"),
        Column(_("Over (h)"), "decimal"),
        *([Column(time_heading, "decimal", width=16)] if time_heading else []),
        Column(_("Review"), width=14),
    ]
    lines = _clock_lines(rows, about, with_time=time_heading is not None)
    return TableSheet(title, title, columns, lines, notes=about.lines())


def hours(seconds: int | None) -> float | None:
    """Hours as a spreadsheet adds them up."""
    return None if seconds is None else round(seconds / 3600, 4)


def _clock_lines(rows: Iterable[ClockRow], about: About, *, with_time: bool) -> Iterator[list[Cell]]:
    # Of many rows only some differ in these.
    step_words, promise_words = cache(label), cache(clocks.promise)
    for row in rows:
        timer = row.timer
        spent = [hours(row.spent.total if row.spent else 0)] if with_time else []
        yield [
            step_words(timer.step, "clock_step"),
            timer.matter_number,
            branch_name(row.branch) if row.branch else None,
            words.person_name(row.holder),
            clocks.state_words(timer, about.now),
            promise_words(timer.target_value, timer.target_unit),
            timer.started_at,
            timer.due_at,
            timer.stopped_at,
            hours(seconds_used(timer, about.now)),
            hours(seconds_over(timer, about.now)),
            *spent,
            words.review_state(row),
        ]


def _figures_sheet(found: Compliance, about: About, ranks_staff: bool) -> TableSheet:
    total, earlier, standing = found.total, found.total_before, found.standing
    rows: list[list[Cell]] = [
        [_("Compliance rate (%)"), _percent(total.kept), _percent(earlier.kept)],
        [_("Promises kept"), total.met, earlier.met],
        [_("Promises broken"), total.breached, earlier.breached],
        [_("Broken in the period and still open"), total.still_open, earlier.still_open],
        [_("Clocks cancelled in the period"), total.cancelled, earlier.cancelled],
        [_("Median time (h)"), *_time_cells(found.times)[:1], None],
        [_("P90 (h)"), *_time_cells(found.times)[1:2], None],
        [_("Longest time (h)"), *_time_cells(found.times)[2:], None],
        [_("At risk now"), standing.at_risk, None],
        [_("Late and still open"), standing.late, None],
        [_("Breaches not reviewed"), standing.unreviewed_count, None],
    ]
    columns = [
        Column(_("Figure"), width=40),
        Column(words.days(found.wanted.period), "decimal", width=24),
        Column(words.days(found.before), "decimal", width=24),
    ]
    notes = [*about.lines(), *words.how_counted(ranks_staff=ranks_staff)]
    return TableSheet(_("Figures"), _("Compliance"), columns, rows, notes=notes)


def _groups_sheet(found: Compliance, groups: Sequence[Group], about: About) -> TableSheet:
    columns = [
        Column(label(found.by, "compliance_key"), width=30),
        Column(_("Kept"), "int", width=12),
        Column(_("Broken"), "int", width=12),
        Column(_("Cancelled clocks"), "int", width=12),
        Column(_("Compliance rate"), "percent"),
        Column(_("Median time (h)"), "decimal", width=14),
        Column(_("P90 (h)"), "decimal"),
        Column(_("Longest time (h)"), "decimal", width=14),
    ]
    rows = [_group_line(words.group_name(found, group), group.figures, group.times) for group in groups]
    total = _group_line(_("Total"), found.total, found.times)
    title = label(found.by, "compliance_by")
    return TableSheet(title, title, columns, rows, notes=about.lines(), total=total)


def _group_line(name: str, figures: Figures, times: Times | None) -> list[Cell]:
    counts = [figures.met, figures.breached, figures.cancelled]
    return [name, *counts, _portion(figures.kept), *_time_cells(times)]


def _trend_sheet(found: Compliance, about: About) -> TableSheet:
    columns = [
        Column(_("Period"), width=24),
        Column(_("Kept"), "int", width=12),
        Column(_("Broken"), "int", width=12),
        Column(_("Compliance rate"), "percent"),
        Column(_("Change, points"), "decimal", width=14),
    ]
    changes = words.changes(found.trend)
    rows: list[list[Cell]] = [
        [
            words.days(point.key),
            point.figures.met,
            point.figures.breached,
            _portion(point.figures.kept),
            _number(changes[point.key]),
        ]
        for point in found.trend
    ]
    return TableSheet(_("Trend"), _("Trend"), columns, rows, notes=about.lines())


def _holders_sheet(found: Compliance, about: About) -> TableSheet:
    whole = words.total_seconds(found.hours)
    columns = [Column(_("Handler"), width=24), *_spent_columns(), Column(_("Share"), "percent")]
    rows: list[list[Cell]] = [
        [
            words.person_name(found.people[one.holder_id]),
            one.clocks,
            hours(one.spent.before_due),
            hours(one.spent.after_due),
            hours(one.spent.total),
            one.spent.total / whole if whole else None,
        ]
        for one in found.hours.by_holder
    ]
    return TableSheet(_("Hours by person"), _("Hours by person"), columns, rows, notes=about.lines())


def _pauses_sheet(found: Compliance, about: About) -> TableSheet:
    columns = [Column(_("Reason"), width=36), *_spent_columns()]
    rows: list[list[Cell]] = [
        [
            label(one.reason, "pause_reason"),
            one.clocks,
            hours(one.spent.before_due),
            hours(one.spent.after_due),
            hours(one.spent.total),
        ]
        for one in found.hours.by_reason
    ]
    return TableSheet(
        _("Hours by pause reason"), _("Hours by pause reason"), columns, rows, notes=about.lines()
    )


def _spent_columns() -> list[Column]:
    return [
        Column(_("Number of clocks"), "int", width=12),
        Column(_("Before due (h)"), "decimal", width=14),
        Column(_("After due (h)"), "decimal", width=14),
        Column(_("Together (h)"), "decimal", width=14),
    ]


def _ages_sheet(found: Compliance, about: About) -> TableSheet:
    columns = [Column(_("Broken since"), width=24), Column(_("Breaches not reviewed"), "int", width=20)]
    rows: list[list[Cell]] = [
        [label(age, "review_age"), number] for age, number in found.standing.unreviewed.items()
    ]
    title = _("Breaches not reviewed")
    return TableSheet(title, title, columns, rows, notes=about.lines())


def _at_risk_sheet(rows: Iterable[tuple[Timer, User]], about: About) -> TableSheet:
    columns = [
        Column(_("Clock"), width=24),
        Column(_("Step"), width=22),
        Column(_("Number"), width=20),
        Column(_("Handler"), width=24),
        Column(_("Due"), "datetime"),
    ]
    lines: list[list[Cell]] = [
        [
            clocks.state_words(timer, about.now),
            label(timer.step, "clock_step"),
            timer.matter_number,
            words.person_name(holder),
            timer.due_at,
        ]
        for timer, holder in rows
    ]
    return TableSheet(_("Breaks next"), _("Breaks next"), columns, lines, notes=about.lines())


def _time_cells(times: Times | None) -> list[Cell]:
    if times is None:
        return [None, None, None]
    return [hours(times.median), hours(times.p90), hours(times.longest)]


def _portion(ratio: Ratio) -> float | None:
    return ratio.part / ratio.whole if ratio.whole else None


def _percent(ratio: Ratio) -> float | None:
    share = ratio.percent()
    return None if share is None else float(share)


def _number(change: str) -> float | None:
    return None if change == "—" else float(change)
