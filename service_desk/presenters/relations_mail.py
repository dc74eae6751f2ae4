"""The calendar file of an invitation, made when its mail is, in the reader's language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from service_desk.adapters.icalendar import Attendee, Meeting, Method, meeting_text, mime_type
from service_desk.adapters.mailer import Attachment
from service_desk.presenters.labels import label
from service_desk.presenters.mail_parts import MailParts

PRODUCT = "-//Service Desk//Relations//EN"


def invitation_parts(params: dict[str, Any]) -> MailParts:
    """What an invitation, its change or its cancellation has attached."""
    method = Method(params["method"])
    text = meeting_calendar(params, method, stamped_at=datetime.fromisoformat(params["stamped_at"]))
    name = f"{params['number']}.ics"
    return MailParts({}, attachments=(Attachment(name, text.encode(), mime_type(method)),))


def meeting_calendar(facts: Mapping[str, Any], method: Method, *, stamped_at: datetime) -> str:
    """An event as calendar text. Only the reader stands in it as attendee: others' addresses are theirs."""
    organiser, attendee = facts["organiser"], facts.get("attendee")
    return meeting_text(
        Meeting(
            uid=facts["uid"],
            sequence=facts["sequence"],
            from_at=datetime.fromisoformat(facts["from_at"]),
            to_at=datetime.fromisoformat(facts["to_at"]),
            summary=facts["title"],
            place=facts["place"],
            description=_description(facts),
            url=f"{current_app.extensions['desk_config'].public_url}{facts['url']}",
            organiser=Attendee(organiser["name"], organiser["email"]),
            attendees=(Attendee(attendee["name"], attendee["email"]),) if attendee else (),
        ),
        PRODUCT,
        method=method,
        stamped_at=stamped_at,
    )


def _description(facts: Mapping[str, Any]) -> str:
    organiser = facts["organiser"]
    lines = [
        label(facts["kind"], "event_kind"),
        _(
            "Organised by %(name)s, %(phone)s",
            name=f"{organiser['name']} {organiser['staff_no']}",
            phone=organiser["phone"] or "—",
        ),
    ]
    if facts["agenda"]:
        lines += ["", _("Agenda"), facts["agenda"]]
    return "\n".join(lines)
