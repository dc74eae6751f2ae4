"""Lists around claims as sheets: disputes, later demands, outstanding lists and their rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.outstanding import OutstandingList
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.presenters.disputes import outcome_line
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.services.claims.disputes.lists import DisputeRow
from service_desk.services.claims.papers import LaterDemand


def disputes_sheet(rows: Iterable[DisputeRow], *, is_open: bool, now: datetime) -> TableSheet:
    """The disputes of the list: open ones with their clock, decided ones with how they ended."""
    fields: list[tuple[Column, Getter[DisputeRow]]] = [
        (Column(_("Dispute number")), lambda row: row.dispute.number),
        (Column(_("Claim")), lambda row: row.claim.number),
        (Column(_("Plate"), width=12), lambda row: row.claim.plate),
        (Column(_("Branch"), width=22), lambda row: branch_name(row.branch)),
        (Column(_("Disputed matter")), lambda row: label(row.dispute.topic, "dispute_topic")),
        (Column(_("Claimed"), "money"), lambda row: row.dispute.claimed_fen),
        (Column(_("Raised"), "datetime"), lambda row: row.dispute.raised_at),
        (Column(_("Days open") if is_open else _("Took"), "int"), lambda row: row.seconds // 86_400),
        (Column(_("Due"), "datetime"), lambda row: row.timer.due_at if row.timer else None),
        (Column(_("Outcome"), width=26), lambda row: outcome_line(row.dispute)),
        (Column(_("Who decides")), lambda row: person(row.decider)),
        (Column(_("Handler")), lambda row: person(row.owner)),
    ]
    return table(_("Disputes") if is_open else _("Decided disputes"), fields, rows, now)


def later_demands_sheet(rows: Iterable[LaterDemand], now: datetime) -> TableSheet:
    """What was asked of clients a second time."""
    fields: list[tuple[Column, Getter[LaterDemand]]] = [
        (Column(_("Claim")), lambda row: row.claim.number),
        (Column(_("Plate"), width=12), lambda row: row.claim.plate),
        (Column(_("Sent"), "datetime"), lambda row: row.notice.at),
        (Column(_("By")), lambda row: person(row.by)),
        (Column(_("Documents"), "int"), lambda row: len(row.notice.codes)),
        (Column(_("Reason"), width=40), lambda row: row.notice.reason),
    ]
    return table(_("Later demands"), fields, rows, now)


def outstanding_sheet(
    rows: Iterable[tuple[OutstandingList, User, Timer | None]], now: datetime
) -> TableSheet:
    """The outstanding lists that were handed in."""

    def counted(code: str) -> Any:
        return lambda row: row[0].counts.get(code, 0)

    fields: list[tuple[Column, Getter[tuple[OutstandingList, User, Timer | None]]]] = [
        (Column(_("List")), lambda row: row[0].number),
        (Column(_("File"), width=36), lambda row: row[0].filename),
        (Column(_("State")), lambda row: label(row[0].state, "outstanding_state")),
        (Column(_("Due"), "datetime"), lambda row: row[2].due_at if row[2] else None),
        (Column(_("Handed in"), "datetime"), lambda row: row[0].handed_in_at),
        (Column(_("Who answers")), lambda row: person(row[1])),
        (Column(_("To be asked"), "int"), counted("unsure")),
        (Column(_("Differs"), "int"), counted("differs")),
        (Column(_("Not with us"), "int"), counted("not_ours")),
    ]
    return table(_("Outstanding lists"), fields, rows, now)
