"""Refusals about messages."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "message_empty": _l("Write a message, or choose a photo or a PDF."),
    "message_of_owner": _l(
        "Only who handles the matter, who stands in for them, or a manager writes to the client here."
    ),
    "messages_ended": _l(
        "This matter has been closed for some time, so nothing more is written here. Open a new contact instead."
    ),
    "message_answered_already": _l("Nobody waits for an answer here any more."),
    "message_unanswered": _l(
        "The client waits for an answer to a message. Answer it first, or say why no answer is needed."
    ),
}
