"""The duty roster and the hand-overs as sheets."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.enquiries import Handover
from service_desk.models.users import User
from service_desk.presenters import duty as words
from service_desk.presenters.exports import Getter, person, personal, table
from service_desk.presenters.labels import label
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Whose
from service_desk.services.departures import Line
from service_desk.services.duty.reading import ShiftRow


def shifts_sheet(rows: Iterable[ShiftRow], reader: Role, now: datetime) -> TableSheet:
    """The shifts of some days."""
    fields: list[tuple[Column, Getter[ShiftRow]]] = [
        (Column(_("Weekday")), lambda row: words.weekday(row.shift.from_at)),
        (Column(_("From"), "datetime"), lambda row: row.shift.from_at),
        (Column(_("Until"), "datetime"), lambda row: row.shift.to_at),
        (Column(_("Kind")), lambda row: label(row.shift.kind, "duty_kind")),
        (Column(_("Person"), width=20), lambda row: person(row.user)),
        (Column(_("Phone")), lambda row: personal(row.user.phone, reader, Personal.PHONE, Whose.STAFF)),
        (Column(_("Note"), width=30), lambda row: row.shift.note),
    ]
    return table(_("Duty roster"), fields, rows, now)


def handovers_sheet(rows: Iterable[tuple[Handover, User, User]], now: datetime) -> TableSheet:
    """Offers that wait for an answer."""
    fields: list[tuple[Column, Getter[tuple[Handover, User, User]]]] = [
        (Column(_("Kind")), lambda row: label(row[0].matter_kind, "matter_kind")),
        (Column(_("Number"), width=22), lambda row: row[0].matter_number),
        (Column(_("From"), width=20), lambda row: person(row[1])),
        (Column(_("Offered to"), width=20), lambda row: person(row[2])),
        (Column(_("Offered at"), "datetime"), lambda row: row[0].asked_at),
        (Column(_("Note"), width=30), lambda row: row[0].note),
    ]
    return table(_("Hand-overs"), fields, rows, now)


def leaving_sheet(rows: Iterable[Line], now: datetime) -> TableSheet:
    """What is still with somebody who leaves."""
    fields: list[tuple[Column, Getter[Line]]] = [
        (Column(_("Kind"), width=22), lambda row: label(row.kind, "matter_kind")),
        (Column(_("Number"), width=22), lambda row: row.held.number),
        (Column(_("Offered to"), width=20), lambda row: person(row.taker)),
        (Column(_("Offered at"), "datetime"), lambda row: row.offer.asked_at if row.offer else None),
        (
            Column(_("State")),
            lambda row: label(row.offer.state, "handover_state") if row.offer else _("not offered yet"),
        ),
        (Column(_("Reason"), width=30), lambda row: row.offer.refusal_reason if row.offer else ""),
    ]
    return table(_("Open matters"), fields, rows, now)
