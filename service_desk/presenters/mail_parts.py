"""What a mail is made of beyond its notice's parameters."""

from dataclasses import dataclass
from typing import Any

from service_desk.adapters.mailer import Attachment, Picture


@dataclass(frozen=True)
class MailParts:
    """What a kind's templates need beyond its parameters, what is attached, and the pictures its page shows."""

    context: dict[str, Any]
    attachments: tuple[Attachment, ...] = ()
    pictures: tuple[Picture, ...] = ()
