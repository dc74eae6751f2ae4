"""A matter's messages as a paper for its file."""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters import pdf
from service_desk.presenters import times
from service_desk.presenters.exports import as_of, person
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.labels import label
from service_desk.presenters.languages import current_language
from service_desk.presenters.threads import kind_words, read_line, title
from service_desk.rules.messaging import CameBy
from service_desk.rules.permissions import Side
from service_desk.services.messages import MessageView, ThreadView

_HASH_SHOWN = 16


def thread_paper(view: ThreadView, now: datetime) -> bytes:
    """Print all messages in their order, with who wrote and read them and the hash of each file."""
    talked = view.talked
    return pdf.render(
        "sheet",
        {
            "lang": current_language(),
            "labels": {"page": _("Page {page} of {pages}"), "number": _("Number")},
            "document_title": f"{_('Conversation')} {talked.number}",
            "insurer_name": insurer_name(),
            "title": _("Conversation"),
            "number": talked.number,
            "rows": [
                [_("Matter"), f"{label(talked.kind, 'thread_kind')} {title(talked)}"],
                [_("Owner"), f"{person(view.owner)} {view.owner.phone}".strip()],
            ],
            "tables": [_table(view)],
            "notices": [
                as_of(now),
                _(
                    "Messages are neither changed nor deleted. Beside each file stands the beginning of its SHA-256."
                ),
            ],
            "signatures": [],
        },
    )


def _table(view: ThreadView) -> dict[str, Any]:
    columns = [
        {"heading": heading, "wide": wide, "end": False}
        for heading, wide in (
            (_("No."), False),
            (_("Time"), False),
            (_("Who writes"), False),
            (_("What was said"), True),
        )
    ]
    return {
        "title": _("Messages sent"),
        "columns": columns,
        "rows": [_row(one) for one in view.messages],
        "total": [],
    }


def _row(one: MessageView) -> list[str]:
    message = one.message
    side = _("The client") if message.side is Side.CLIENT else _("The desk")
    by_mail = _("by mail, sender not verified") if message.came_by is CameBy.MAIL else ""
    said = [kind_words(message), by_mail, message.body]
    said += [f"{file.filename} ({file.sha256[:_HASH_SHOWN]})" for file in one.files]
    said.append(read_line(one))
    return [
        str(message.number),
        times.minute(message.at),
        f"{side}\n{person(one.author)}",
        "\n".join(words for words in said if words),
    ]
