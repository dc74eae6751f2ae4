"""Outcomes of renewals in words and as spreadsheets."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.periods import Period
from service_desk.rules.renewal import LONGEST_REMINDER
from service_desk.services.fleet.vehicles import name_of
from service_desk.services.renewals import Expiry
from service_desk.services.renewals.outcomes import OutcomeRow
from service_desk.services.renewals.success import EndedPolicy


def early_span(today: date) -> Period:
    """The ends of cover that are asked for early renewals: as far ahead as the board looks, and as far back."""
    reach = timedelta(days=LONGEST_REMINDER)
    return Period(today - reach, today + reach)


def line_choice(one: Expiry) -> tuple[str, str]:
    """A line of a vehicle to tick: with the end the reader saw, in the code as well as in words."""
    words = _("%(line)s, last day %(day)s", line=label(one.line, "policy_line"), day=one.last_day.isoformat())
    return f"{one.line.value}:{one.last_day.isoformat()}", words


def outcomes_sheet(found: Iterable[OutcomeRow], account: str, today: date) -> TableSheet:
    """Recorded outcomes as filtered, in the reader's language."""
    columns = [
        Column(_("Plate"), width=14),
        Column(_("Branch"), width=28),
        Column(_("Class"), width=14),
        Column(_("Line"), width=16),
        Column(_("Last day"), "date"),
        Column(_("Outcome"), width=16),
        Column(_("Other insurer"), width=24),
        Column(_("Covered until"), "date"),
        Column(_("Reason or note"), width=36),
        Column(_("Recorded by"), width=18),
        Column(_("Recorded"), "datetime"),
    ]
    rows: Iterable[list[Any]] = (
        [
            name_of(one.vehicle),
            branch_name(one.branch),
            label(one.vehicle.use_class, "use_class"),
            label(one.outcome.line, "policy_line"),
            one.last_day,
            label(one.outcome.outcome, "renewal_outcome"),
            one.outcome.insurer,
            one.outcome.covered_until,
            one.outcome.note,
            one.recorded_by.name,
            one.outcome.recorded_at,
        ]
        for one in found
    )
    title = _("Outcomes of renewals of %(account)s", account=account)
    notes = [_("As of %(day)s", day=today.isoformat())]
    return TableSheet(_("Outcomes"), title, columns, rows, notes)


def early_sheet(found: Iterable[EndedPolicy], account: str, today: date) -> TableSheet:
    """Policies renewed before their end, in the reader's language."""
    columns = [
        Column(_("Plate"), width=14),
        Column(_("Branch"), width=28),
        Column(_("Class"), width=14),
        Column(_("Line"), width=16),
        Column(_("Policy"), width=22),
        Column(_("Last day"), "date"),
        Column(_("Renewed by"), width=22),
    ]
    rows: Iterable[list[Any]] = (
        [
            name_of(one.vehicle),
            branch_name(one.branch),
            label(one.vehicle.use_class, "use_class"),
            label(one.policy.line, "policy_line"),
            one.policy.number,
            one.last_day,
            one.next_number,
        ]
        for one in found
    )
    title = _("Renewed early: %(account)s", account=account)
    notes = [_("As of %(day)s", day=today.isoformat())]
    return TableSheet(_("Renewed early"), title, columns, rows, notes)
