"""What a desk is set up with, as sheets: promises, calendars, causes, authority, published figures, measures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.market import MarketFigure
from service_desk.models.sla import ServiceLevel, WorkingCalendarRow
from service_desk.models.users import User
from service_desk.presenters import claim_money, sla, sla_levels
from service_desk.presenters.dashboard import MarketWords
from service_desk.presenters.exports import Getter, table
from service_desk.presenters.labels import label
from service_desk.presenters.measures import MeasureWords
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.services.claims.authority import TierRow
from service_desk.services.sla.calendars import DayContent
from service_desk.services.sla.causes import CauseUse


def tiers_sheet(rows: Iterable[TierRow], today: date, now: datetime) -> TableSheet:
    """Who may decide claims up to which amount."""
    fields: list[tuple[Column, Getter[TierRow]]] = [
        (Column(_("Given to"), width=28), claim_money.holder_words),
        (Column(_("Account"), width=24), claim_money.account_words),
        (Column(_("Limit"), "money"), lambda row: row.tier.limit_fen),
        (Column(_("Amount"), width=22), lambda row: claim_money.limit_words(row.tier.limit_fen)),
        (Column(_("In force from"), "date"), lambda row: row.tier.effective_on),
        (Column(_("Ends on"), "date"), lambda row: row.tier.ended_on),
        (Column(_("State")), lambda row: claim_money.tier_state(row.tier, today)[0]),
    ]
    return table(_("Authority over claims"), fields, rows, now)


def levels_sheet(
    rows: Iterable[ServiceLevel],
    scope_of: Callable[[ServiceLevel], str],
    calendars: Sequence[WorkingCalendarRow],
    people: Mapping[int, User],
    today: date,
    now: datetime,
) -> TableSheet:
    """What is promised. `scope_of` says for which matters a level holds."""
    fields: list[tuple[Column, Getter[ServiceLevel]]] = [
        (Column(_("Step"), width=22), lambda row: label(row.step, "clock_step")),
        (Column(_("For"), width=32), scope_of),
        (Column(_("Promise"), width=18), lambda row: sla.promise(row.target_value, row.target_unit)),
        (Column(_("Calendar"), width=18), lambda row: sla.calendar_name(row.calendar_code, calendars)),
        (Column(_("Warning, percent"), "int"), lambda row: row.warn_percent),
        (Column(_("Escalation"), width=40), lambda row: "\n".join(sla_levels.escalation_lines(row, people))),
        (Column(_("In force from"), "date"), lambda row: row.effective_on),
        (Column(_("Ends on"), "date"), lambda row: row.ended_on),
        (Column(_("State")), lambda row: sla_levels.state(row, today)[0]),
        (Column(_("Source"), width=28), lambda row: sla.source_words(row.source)),
    ]
    return table(_("Service levels"), fields, rows, now)


def days_sheet(rows: Iterable[tuple[date, DayContent]], name: str, now: datetime) -> TableSheet:
    """The days of a calendar that differ from their weekday. `name`: which calendar and year."""
    fields: list[tuple[Column, Getter[tuple[date, DayContent]]]] = [
        (Column(_("Date"), "date"), lambda row: row[0]),
        (Column(_("Weekday")), lambda row: label(WEEKDAYS[row[0].weekday()], "weekday")),
        (Column(_("Hours"), width=24), lambda row: sla.hours_words(row[1].hours) or _("day off")),
        (Column(_("Why"), width=24), lambda row: sla.day_words(row[1].label)),
        (Column(_("Provisional")), lambda row: _("provisional") if row[1].is_provisional else ""),
    ]
    return table(name, fields, rows, now)


def causes_sheet(rows: Iterable[CauseUse], now: datetime) -> TableSheet:
    """What a review of a breach may name, in the order in which it is offered."""
    fields: list[tuple[Column, Getter[CauseUse]]] = [
        (Column(_("Cause"), width=28), lambda row: row.cause.name),
        (Column(_("English name"), width=28), lambda row: row.cause.name_en),
        (Column(_("Reviews"), "int"), lambda row: row.review_count),
        (Column(_("State")), lambda row: _("in use") if row.cause.is_active else _("retired")),
    ]
    return table(_("Causes of breaches"), fields, rows, now)


def market_sheet(rows: Iterable[tuple[MarketFigure, MarketWords]], now: datetime) -> TableSheet:
    """What others published, each figure with its source."""
    fields: list[tuple[Column, Getter[tuple[MarketFigure, MarketWords]]]] = [
        (Column(_("Measure"), width=28), lambda row: row[1].measure),
        (Column(_("Of which claims"), width=28), lambda row: row[1].scope),
        (Column(_("Published figure")), lambda row: row[1].value),
        (Column(_("Published for")), lambda row: row[1].published),
        (Column(_("Published by"), width=40), lambda row: row[1].source),
        (Column(_("State")), lambda row: _("shown") if row[0].is_shown else _("hidden")),
    ]
    return table(_("Market figures"), fields, rows, now)


def measures_sheet(rows: Iterable[tuple[str, MeasureWords]], now: datetime) -> TableSheet:
    """Every measure with its definition, after the name of its group."""
    fields: list[tuple[Column, Getter[tuple[str, MeasureWords]]]] = [
        (Column(_("Group"), width=20), lambda row: row[0]),
        (Column(_("Measure"), width=28), lambda row: row[1].name),
        (Column(_("What it counts"), width=60), lambda row: row[1].definition),
        (Column(_("Formula"), width=40), lambda row: row[1].formula),
        (Column(_("Shown as")), lambda row: row[1].unit),
        (Column(_("Better"), width=28), lambda row: row[1].direction),
        (Column(_("Source of the definition"), width=32), lambda row: row[1].source),
    ]
    return table(_("How figures are counted"), fields, rows, now)
