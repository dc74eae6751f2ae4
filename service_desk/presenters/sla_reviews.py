"""Breaches and reviews in words: causes, corrections and their days, what was told, the audit as a spreadsheet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.adapters.spreadsheets.tables import Value
from service_desk.base.clock import local_date
from service_desk.models.sla import BreachCause, BreachReview, SlaEvent
from service_desk.models.users import User
from service_desk.presenters import sla as clocks
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.languages import named
from service_desk.presenters.sla import Pill
from service_desk.services.sla import causes
from service_desk.services.sla.breaches import BreachRow, BreachView

# From this many days before its day on, a correction is shown as pressing.
DAYS_AMBER = 3


@dataclass(frozen=True)
class Told:
    """A happening people were told of: what, its true instant, and when the message went out."""

    words: str
    at: datetime
    told_at: datetime


def cause_names() -> dict[str, str]:
    """Every cause's name in the reader's language by its code, retired ones too."""
    return {code: cause_name(cause) for code, cause in causes.all_causes().items()}


def cause_choices() -> list[tuple[str, str]]:
    """What a new review may name."""
    return [(cause.code, cause_name(cause)) for cause in causes.active_causes()]


def cause_name(cause: BreachCause) -> str:
    """A cause in the reader's language."""
    return named(cause.name, cause.name_en)


def person(user: User) -> str:
    """Name and staff number."""
    return f"{user.name} · {user.staff_no}" if user.staff_no else user.name


def correction_pill(review: BreachReview, now: datetime) -> Pill:
    """Where a correction stands: done, late, pressing from three days before its day, or open."""
    if review.corrected_at is not None:
        return Pill("ok", "met", _("done %(day)s", day=times.day(review.corrected_at)), None)
    if review.correction_due_on is None:
        return Pill("idle", "met", _("none needed"), None)
    days = (review.correction_due_on - local_date(now)).days
    title = _("Correct by %(day)s", day=review.correction_due_on.isoformat())
    if days < 0:
        words = ngettext("%(num)s day overdue", "%(num)s days overdue", -days)
        return Pill("bad", "over", words, title)
    words = ngettext("%(num)s day left", "%(num)s days left", days) if days else _("due today")
    return Pill("warn" if days <= DAYS_AMBER else "ok", "clock", words, title)


def told_words(events: Sequence[SlaEvent]) -> list[Told]:
    """What was told of a clock, in order."""
    return [Told(_happening(event.kind), event.at, event.recorded_at) for event in events]


def _happening(code: str) -> str:
    kind, _dash, level = code.rpartition("_")
    if not level.isdecimal():
        return label(code, "clock_happening")
    if kind == "escalation":
        return _("Escalation, level %(level)s", level=level)
    return label(kind, "clock_happening")


def breaches_sheet(
    rows: Iterable[BreachRow], view: BreachView, branches: dict[int, str], now: datetime
) -> TableSheet:
    """The audit list as filtered: the columns of the screen and those a printed list needs."""
    names = cause_names()
    return TableSheet(
        name=_("Breaches"),
        title=_("Breach audit: %(view)s", view=label(view, "breach_view")),
        columns=_columns(),
        rows=(_line(row, branches, names, now) for row in rows),
        notes=[_("As of %(time)s", time=times.minute(now))],
    )


def _columns() -> list[Column]:
    return [
        Column(_("Number"), width=20),
        Column(_("Step"), width=22),
        Column(_("Clock"), width=22),
        Column(_("Branch"), width=24),
        Column(_("Handler"), width=18),
        Column(_("Severity"), width=18),
        Column(_("Promise"), width=16),
        Column(_("Started"), "datetime"),
        Column(_("Due"), "datetime"),
        Column(_("Stopped"), "datetime"),
        Column(_("Cause"), width=24),
        Column(_("Explanation"), width=36),
        Column(_("Signed"), "datetime"),
        Column(_("Correction"), width=36),
        Column(_("Who corrects"), width=18),
        Column(_("Correct by"), "date"),
        Column(_("Standing"), width=16),
    ]


def _line(row: BreachRow, branches: dict[int, str], names: dict[str, str], now: datetime) -> list[Value]:
    timer, review = row.timer, row.review
    return [
        timer.matter_number,
        label(timer.step, "clock_step"),
        clocks.state_words(timer, now),
        branches.get(timer.branch_id or 0, "—"),
        person(row.holder),
        label(timer.severity, "severity"),
        clocks.promise(timer.target_value, timer.target_unit),
        timer.started_at,
        timer.due_at,
        timer.stopped_at,
        *(_reviewed(review, row.owner, names, now) if review else [None] * 7),
    ]


def _reviewed(review: BreachReview, owner: User | None, names: dict[str, str], now: datetime) -> list[Value]:
    return [
        names.get(review.cause, review.cause),
        review.explanation,
        review.signed_at,
        review.correction or None,
        person(owner) if owner else None,
        review.correction_due_on,
        correction_pill(review, now).text,
    ]
