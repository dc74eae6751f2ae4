"""Events of both sides and agreed items in words: a month of them, what is due, tones, histories, sheets."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, get_day_names
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import local_date
from service_desk.models.relations import AgreedItem, ItemState, ItemStep, ItemStepKind
from service_desk.presenters import times
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sla import Pill
from service_desk.presenters.sla_absences import person as named_person
from service_desk.rules.item_reminders import DAYS_BEFORE
from service_desk.rules.periods import Period
from service_desk.rules.relation_flow import EventState, InviteAnswer, MailedAnswer
from service_desk.rules.relations_due import Cadence, Progress
from service_desk.services.relations.due import DueRow
from service_desk.services.relations.event_lists import EventFile, EventRow
from service_desk.services.relations.item_lists import ItemFile, ItemRow

STATE_TONES = {
    EventState.PLANNED: "idle",
    EventState.HELD: "ok",
    EventState.MINUTED: "ok",
    EventState.CANCELLED: "idle",
}
MAILED_TONES = {MailedAnswer.ACCEPTED: "ok", MailedAnswer.DECLINED: "bad", MailedAnswer.TENTATIVE: "warn"}
ANSWER_TONES = {InviteAnswer.ASKED: "idle", InviteAnswer.ACCEPTED: "ok", InviteAnswer.DECLINED: "bad"}


@dataclass(frozen=True)
class DayCell:
    """A day of the month with its events; `is_inside` is False for the days of other months that fill the weeks."""

    day: date
    events: Sequence[EventRow]
    is_inside: bool
    is_today: bool


@dataclass(frozen=True)
class DueLine:
    """Something due and not planned, in words; `day` is when a planning form begins."""

    what: str
    until: str
    tone: str
    kind: str
    branch_id: int | None
    day: date


@dataclass(frozen=True)
class DueGroup:
    """One promise that is due on a day: of the account, or of several branches."""

    what: str
    lines: Sequence[DueLine]


@dataclass(frozen=True)
class ProgressLine:
    what: str
    promise: str
    wanted: int
    held: int
    planned: int

    @property
    def tone(self) -> str:
        if self.held >= self.wanted:
            return "ok"
        return "" if self.held + self.planned >= self.wanted else "warn"


@dataclass(frozen=True)
class HistoryEntry:
    """A line of an item's history, as the time line takes it."""

    at: datetime
    title: str
    who: str
    detail: str
    tone: str


def month_weeks(rows: Iterable[EventRow], month: Period, today: date, zone: ZoneInfo) -> list[list[DayCell]]:
    """The weeks of a month, Monday first; an event stands on the day it begins."""
    by_day: dict[date, list[EventRow]] = defaultdict(list)
    for row in rows:
        by_day[local_date(row.event.from_at, zone)].append(row)
    monday = month.first - timedelta(days=month.first.weekday())
    weeks = []
    while monday <= month.last:
        days = [monday + timedelta(days=index) for index in range(7)]
        weeks.append(
            [
                DayCell(day, by_day.get(day, ()), month.first <= day <= month.last, day == today)
                for day in days
            ]
        )
        monday += timedelta(days=7)
    return weeks


def month_title(month: date) -> str:
    """The month with its year above a calendar."""
    words: str = format_skeleton("yMMMM", month, locale=get_locale())
    return words


def weekday_heads() -> list[str]:
    """The weekdays above a month, Monday first, shortened."""
    names = get_day_names("abbreviated", "stand-alone", locale=get_locale())
    return [names[index] for index in range(7)]


def clock_span(event_from: datetime, event_to: datetime, zone: ZoneInfo) -> str:
    """`2026-11-23 09:00–11:00`; with the other day where it ends on one."""
    begins, ends = event_from.astimezone(zone), event_to.astimezone(zone)
    if begins.date() == ends.date():
        return f"{begins:%Y-%m-%d %H:%M}–{ends:%H:%M}"
    return f"{begins:%Y-%m-%d %H:%M} – {ends:%Y-%m-%d %H:%M}"


def due_groups(rows: Iterable[DueRow], today: date) -> list[DueGroup]:
    """What is due and not planned, as the page says it; what is due of many branches until one day stands together."""
    groups: dict[tuple[str, date], list[DueRow]] = defaultdict(list)
    for row in rows:
        groups[row.due.cadence.code, row.due.due_on].append(row)
    return [
        DueGroup(label(code, "cadence_code"), [_due_line(row, today) for row in found])
        for (code, _due_on), found in sorted(groups.items(), key=lambda item: len(item[1]))
    ]


def _due_line(row: DueRow, today: date) -> DueLine:
    due = row.due
    what = label(due.cadence.code, "cadence_code")
    day = times.day(due.due_on)
    is_late = due.due_on < today
    return DueLine(
        what=f"{what} · {branch_name(row.branch)}" if row.branch else what,
        until=_("was due by %(day)s, not planned", day=day)
        if is_late
        else _("due by %(day)s, not planned", day=day),
        tone="bad" if is_late else "warn",
        kind=due.cadence.kind.value,
        branch_id=due.branch_id,
        day=max(today, min(due.due_on, max(today, due.warned_from))),
    )


def promise_words(cadence: Cadence) -> str:
    """`2 a year`, `1 a quarter`, `before the holiday`."""
    if cadence.holiday:
        return _("once, in the 30 days before")
    return _("%(times)s × %(period)s", times=cadence.times, period=label(cadence.period, "cadence_period"))


def progress_lines(found: Iterable[Progress]) -> list[ProgressLine]:
    """How each promise stands in its period."""
    return [
        ProgressLine(
            label(one.cadence.code, "cadence_code"),
            promise_words(one.cadence),
            one.wanted,
            one.held,
            one.planned,
        )
        for one in found
    ]


def item_pill(item: AgreedItem, now: datetime) -> Pill:
    """Where an item stands: done, dropped, late, pressing from three days before its day, or open."""
    if item.state is ItemState.DONE:
        return Pill("ok", "met", _("done %(day)s", day=times.day(item.ended_at)), None)
    if item.state is ItemState.DROPPED:
        return Pill("idle", "paused", label(item.state, "item_state"), None)
    days = (item.due_on - local_date(now)).days
    if days < 0:
        return Pill("bad", "over", ngettext("%(num)s day overdue", "%(num)s days overdue", -days), None)
    words = ngettext("%(num)s day left", "%(num)s days left", days) if days else _("due today")
    return Pill("warn" if days <= DAYS_BEFORE else "ok", "clock", words, None)


def item_history(file: ItemFile) -> list[HistoryEntry]:
    """What happened to an item, the newest first."""
    item = file.item
    opened = HistoryEntry(
        item.opened_at,
        _("Opened"),
        named_person(file.people[item.opened_by_id]),
        "",
        "",
    )
    return [opened, *(_history_entry(step, file) for step in file.steps)][::-1]


def _history_entry(step: ItemStep, file: ItemFile) -> HistoryEntry:
    titles = {
        ItemStepKind.DUE_MOVED: _(
            "Day moved from %(before)s to %(after)s",
            before=times.day(step.due_before),
            after=times.day(step.due_after),
        ),
        ItemStepKind.GIVEN: _("Given to %(name)s", name=_new_owner(step, file)),
        ItemStepKind.DONE: _("Done"),
        ItemStepKind.DROPPED: _("Dropped"),
    }
    tones = {ItemStepKind.DUE_MOVED: "warn", ItemStepKind.DONE: "ok"}
    return HistoryEntry(
        step.at, titles[step.kind], named_person(file.people[step.by_id]), step.note, tones.get(step.kind, "")
    )


def _new_owner(step: ItemStep, file: ItemFile) -> str:
    return named_person(file.people[step.owner_id]) if step.owner_id else ""


def event_history(file: EventFile) -> list[HistoryEntry]:
    """What became of an event, the newest first."""
    event = file.event
    entries = [
        HistoryEntry(
            event.planned_at, _("Scheduled"), named_person(file.people[event.planned_by_id]), "", ""
        ),
    ]
    if event.held_at:
        entries.append(HistoryEntry(event.held_at, _("Held"), "", "", "ok"))
    entries += [
        HistoryEntry(
            one.written_at,
            _("Minutes, version %(number)s", number=one.number),
            named_person(file.people[one.written_by_id]),
            one.reason,
            "ok",
        )
        for one in reversed(file.versions)
    ]
    return entries[::-1]


def events_sheet(rows: Iterable[EventRow], now: datetime) -> TableSheet:
    """The events of the list."""
    fields: list[tuple[Column, Getter[EventRow]]] = [
        (Column(_("Number")), lambda row: row.event.number),
        (Column(_("State")), lambda row: label(row.event.state, "event_state")),
        (Column(_("Kind"), width=22), lambda row: label(row.event.kind, "event_kind")),
        (Column(_("Title"), width=36), lambda row: row.event.title),
        (Column(_("Branch"), width=22), lambda row: branch_name(row.branch) if row.branch else None),
        (Column(_("Begins at"), "datetime"), lambda row: row.event.from_at),
        (Column(_("Ends at"), "datetime"), lambda row: row.event.to_at),
        (Column(_("Place"), width=28), lambda row: row.event.place),
        (Column(_("Organiser")), lambda row: person(row.organiser)),
        (Column(_("Invited"), "int"), lambda row: row.invited),
        (Column(_("Accepted"), "int"), lambda row: row.accepted),
    ]
    return table(_("Meetings and visits"), fields, rows, now)


def items_sheet(rows: Iterable[ItemRow], now: datetime) -> TableSheet:
    """The agreed items of the list."""
    fields: list[tuple[Column, Getter[ItemRow]]] = [
        (Column(_("State")), lambda row: label(row.item.state, "item_state")),
        (Column(_("To be done by"), "date"), lambda row: row.item.due_on),
        (Column(_("Times moved"), "int"), lambda row: row.item.due_moves),
        (Column(_("Agreed item"), width=40), lambda row: row.item.title),
        (Column(_("Measure agreed"), width=40), lambda row: row.item.measure),
        (Column(_("Owner")), lambda row: person(row.owner)),
        (Column(_("Branch"), width=22), lambda row: branch_name(row.branch) if row.branch else None),
        (Column(_("Comes from"), width=30), _comes_from),
        (Column(_("Result"), width=40), lambda row: row.item.result),
        (Column(_("Ended"), "datetime"), lambda row: row.item.ended_at),
    ]
    return table(_("Agreed items"), fields, rows, now)


def _comes_from(row: ItemRow) -> str:
    source = label(row.item.source, "item_source")
    return f"{source} {row.event.number}" if row.event else source
