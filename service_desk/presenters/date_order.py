"""Dates out of order in words, and the list as a spreadsheet."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import CHINA
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.date_order import Disorder
from service_desk.services.claims.date_order import DisorderedClaim


def sentence_of(disorder: Disorder) -> str:
    """`Survey 11-23 08:10 lies before dispatch 11-23 08:15.`"""
    return _(
        "%(later)s (%(later_at)s) lies before %(earlier)s (%(earlier_at)s).",
        later=label(disorder.later, "milestone"),
        later_at=times.minute(disorder.later_at),
        earlier=label(disorder.earlier, "milestone"),
        earlier_at=times.minute(disorder.earlier_at),
    )


def sheet(rows: Iterable[DisorderedClaim], now: datetime) -> TableSheet:
    """Every date that is out of order, a line each."""
    columns = [
        Column(_("Claim")),
        Column(_("Plate"), width=12),
        Column(_("Branch"), width=22),
        Column(_("State")),
        Column(_("Handler")),
        Column(_("Date")),
        Column(_("Date recorded"), "datetime"),
        Column(_("Should not precede")),
        Column(_("Its date"), "datetime"),
    ]
    lines: Iterator[list[str | datetime | None]] = (
        [
            row.claim.number,
            row.claim.plate,
            branch_name(row.branch),
            label(row.claim.state, "claim_state"),
            f"{row.owner.name} {row.owner.staff_no}",
            label(one.later, "milestone"),
            one.later_at,
            label(one.earlier, "milestone"),
            one.earlier_at,
        ]
        for row in rows
        for one in row.disorders
    )
    title = _("Dates out of order")
    notes = [_("As of %(time)s", time=f"{now.astimezone(CHINA):%Y-%m-%d %H:%M}")]
    return TableSheet(name=title, title=title, columns=columns, rows=lines, notes=notes)
