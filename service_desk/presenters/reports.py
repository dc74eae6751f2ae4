"""The weekly claim report in words: spreadsheet, mail, and what the page needs. One set of figures feeds all."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from service_desk.adapters.mailer import Attachment
from service_desk.adapters.spreadsheets import Column, TableSheet, workbook_bytes
from service_desk.base.errors import NotFound
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.languages import named
from service_desk.presenters.sla_reviews import cause_names
from service_desk.rules.claim_flow import ClaimAction, ClaimState, next_action
from service_desk.rules.metrics import Ratio
from service_desk.services.reports import runs
from service_desk.services.reports.figures import (
    BranchFigures,
    Breach,
    OpenClaim,
    Person,
    WeekClaim,
    WeeklyReport,
)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Cell = str | int | float | date | datetime | None


def for_mail(run_id: int) -> tuple[WeeklyReport, Attachment]:
    """The figures a run keeps and its spreadsheet, in the language spoken now."""
    report = runs.find_document(run_id)
    if report is None:
        raise NotFound("not_found")
    return report, Attachment(filename(report), workbook(report), XLSX)


def percent(ratio: Ratio) -> str:
    """`85.7% (6/7)`: the share and what it is made of; a dash when there is nothing to divide by."""
    return f"{share(ratio)} ({fraction(ratio)})" if ratio.whole else "—"


def share(ratio: Ratio) -> str:
    """`85.7%`, or a dash."""
    value = ratio.percent()
    return "—" if value is None else f"{value}%"


def fraction(ratio: Ratio) -> str:
    """`6/7`, or a dash."""
    return f"{ratio.part:,}/{ratio.whole:,}" if ratio.whole else "—"


def period(first: date, last: date) -> str:
    """`2026-11-16 – 2026-11-22`."""
    return f"{first.isoformat()} – {last.isoformat()}"


def step_of(line: OpenClaim) -> str:
    """What the claim waits for: its running clock, or what is to be done where none runs."""
    if line.step:
        return label(line.step, "clock_step")
    action = next_action(ClaimState(line.state))
    # Named for the claims person who is done with it; a reader of the report asks what is waited for.
    if action is ClaimAction.COMPLETE_DOCUMENTS:
        return _("Waiting for documents")
    return label(action, "claim_action")


def lateness(line: Breach) -> str:
    """By how much a promise was broken, once that is known."""
    return _("still open") if line.over_seconds is None else times.duration(line.over_seconds)


def filename(report: WeeklyReport) -> str:
    """The spreadsheet's name; plain letters, so that every mail program keeps it."""
    return f"weekly-claim-report-{report.period_from:%Y%m%d}-{report.period_to:%Y%m%d}.xlsx"


def workbook(report: WeeklyReport) -> bytes:
    """All figures as .xlsx: by branch, the week's claims, all open claims, the week's breaches."""
    return workbook_bytes(
        [_branch_sheet(report), _claims_sheet(report), _open_sheet(report), _breach_sheet(report)]
    )


def _notes(report: WeeklyReport, *more: str) -> list[str]:
    made_at = report.made_at.astimezone(ZoneInfo(report.zone))
    return [
        named(report.account_name, report.account_name_en),
        _(
            "Week %(period)s, made %(made_at)s (%(zone)s)",
            period=period(report.period_from, report.period_to),
            made_at=f"{made_at:%Y-%m-%d %H:%M}",
            zone=report.zone,
        ),
        *more,
    ]


def _branch_sheet(report: WeeklyReport) -> TableSheet:
    columns = [
        Column(_("Branch"), width=26),
        Column(_("Open at start"), "int"),
        Column(_("Claims reported"), "int"),
        Column(_("Claims reopened"), "int"),
        Column(_("Claims closed"), "int"),
        Column(_("Open at end"), "int"),
        Column(_("Estimate (CNY)"), "money"),
        Column(_("Large losses"), "int"),
        Column(_("Survey clocks judged"), "int"),
        Column(_("Surveyed in time"), "int"),
        Column(_("In time"), "percent"),
        Column(_("Scene surveys due"), "int"),
        Column(_("At the first scene"), "int"),
        Column(_("First-scene rate"), "percent"),
        Column(_("Paid (CNY)"), "money"),
        Column(_("Oldest open (days)"), "int"),
    ]
    return TableSheet(
        name=_("By branch"),
        title=_("Weekly claim report"),
        columns=columns,
        rows=[_branch_row(named(line.name, line.name_en), line) for line in report.branches],
        notes=_notes(report, meaning()),
        total=_branch_row(_("Total"), report.total),
    )


def meaning() -> str:
    """How the figures are counted, in two sentences."""
    return _(
        "Open at start + reported + reopened − closed = open at end; withdrawn and denied claims count as closed. "
        "Estimate and large losses (¥10,000 or more) are of the claims reported in the week."
    )


def _branch_row(name: str, line: BranchFigures) -> list[Cell]:
    return [
        name,
        line.open_start,
        line.reported,
        line.reopened,
        line.closed,
        line.open_end,
        line.estimate_fen,
        line.large_losses,
        line.surveys_judged,
        line.surveys_in_time,
        _portion(line.in_time),
        line.scenes_needed,
        line.scenes_first,
        _portion(line.first_scene),
        line.paid_fen,
        line.oldest_days,
    ]


def _portion(ratio: Ratio) -> float | None:
    return ratio.part / ratio.whole if ratio.whole else None


def _claims_sheet(report: WeeklyReport) -> TableSheet:
    columns = [
        Column(_("Claim no."), width=20),
        Column(_("Plate"), width=12),
        Column(_("Branch"), width=24),
        Column(_("Happened at"), "datetime"),
        Column(_("Reported at"), "datetime"),
        Column(_("Place"), width=32),
        Column(_("State"), width=16),
        Column(_("Estimate (CNY)"), "money"),
        Column(_("Large loss"), width=10),
        Column(_("Owner"), width=30),
    ]
    return TableSheet(
        name=_("Claims of the week"),
        title=_("Claims of the week"),
        columns=columns,
        rows=[_claim_row(line) for line in report.claims],
        notes=_notes(report),
    )


def _claim_row(line: WeekClaim) -> list[Cell]:
    return [
        line.number,
        line.plate,
        named(line.branch, line.branch_en),
        line.loss_at,
        line.reported_at,
        line.place,
        label(line.state, "claim_state"),
        line.estimate_fen,
        _("Yes") if line.is_large else "",
        person_line(line.owner),
    ]


def _open_sheet(report: WeeklyReport) -> TableSheet:
    columns = [
        Column(_("Claim no."), width=20),
        Column(_("Plate"), width=12),
        Column(_("Branch"), width=24),
        Column(_("Reported at"), "datetime"),
        Column(_("Days open"), "int"),
        Column(_("State"), width=16),
        Column(_("Next step"), width=22),
        Column(_("Due"), "datetime"),
        Column(_("Estimate (CNY)"), "money"),
        Column(_("Owner"), width=30),
    ]
    return TableSheet(
        name=_("Open claims"),
        title=_("Open claims at the end of the week"),
        columns=columns,
        rows=[_open_row(line) for line in report.open_claims],
        notes=_notes(report),
    )


def _open_row(line: OpenClaim) -> list[Cell]:
    return [
        line.number,
        line.plate,
        named(line.branch, line.branch_en),
        line.reported_at,
        line.days,
        label(line.state, "claim_state"),
        step_of(line),
        line.due_at,
        line.estimate_fen,
        person_line(line.owner),
    ]


def _breach_sheet(report: WeeklyReport) -> TableSheet:
    columns = [
        Column(_("Claim no."), width=20),
        Column(_("Plate"), width=12),
        Column(_("Branch"), width=24),
        Column(_("Step"), width=22),
        Column(_("Holder"), width=30),
        Column(_("Was due"), "datetime"),
        Column(_("Done at"), "datetime"),
        Column(_("Over by"), width=16),
        Column(_("Cause"), width=24),
    ]
    names = cause_names()
    return TableSheet(
        name=_("Breaches"),
        title=_("Breaches of the week"),
        columns=columns,
        rows=[_breach_row(line, names) for line in report.breaches],
        notes=_notes(report),
    )


def _breach_row(line: Breach, names: Mapping[str, str]) -> list[Cell]:
    return [
        line.number,
        line.plate,
        named(line.branch, line.branch_en),
        label(line.step, "clock_step"),
        person_line(line.holder),
        line.breached_at,
        line.stopped_at,
        lateness(line),
        cause(line, names),
    ]


def cause(line: Breach, names: Mapping[str, str]) -> str:
    """What the review found, by the names of `cause_names`, or that there is none yet."""
    return names.get(line.cause, line.cause) if line.cause else _("not reviewed")


def person_line(person: Person) -> str:
    """`王建军 41000123 13900001234`: whom to ask, in one line."""
    return " ".join(part for part in (person.name, person.staff_no, person.phone) if part)
