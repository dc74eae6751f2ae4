"""Messages on a matter's page: what is talked about, until when one may write, which of them are mailed."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from service_desk.base.clock import local_date

# A closed claim may still be asked about for so many days; afterwards a contact of its own is opened.
DAYS_AFTER_CLOSING = 30
# What is written so soon after a message nobody has read yet belongs to the same conversation, and the same mail.
ONE_CONVERSATION = timedelta(minutes=60)
MAX_WORDS = 4000


class ThreadKind(StrEnum):
    """The matters that both sides write about on their page."""

    CLAIM = "claim"
    ENQUIRY = "enquiry"


class CameBy(StrEnum):
    """How a message came. What came by mail bears its author's name because the mail said so, which proves nothing."""

    PAGE = "page"
    MAIL = "mail"


class MessageKind(StrEnum):
    """WORD says something; ANSWER ends the waiting of who wrote, and so does NO_ANSWER, with the reason why."""

    WORD = "word"
    ANSWER = "answer"
    NO_ANSWER = "no_answer"


def last_day(kind: ThreadKind, closed_at: datetime | None) -> date | None:
    """The last day on which one may write about a closed claim; None while it is open, and for a closed contact."""
    if closed_at is None or kind is not ThreadKind.CLAIM:
        return None
    return local_date(closed_at) + timedelta(days=DAYS_AFTER_CLOSING)


def may_write(kind: ThreadKind, closed_at: datetime | None, now: datetime) -> bool:
    """Whether one may still write about the matter. A closed contact is over: what comes after it is a new one."""
    if closed_at is None:
        return True
    last = last_day(kind, closed_at)
    return last is not None and local_date(now) <= last


def is_mailed(
    kind: MessageKind, *, told: tuple[int, datetime] | None, read_up_to: int, now: datetime
) -> bool:
    """Whether a reader gets a mail of a message. `told` is the number and time of the last one of the same side.

    An answer always is mailed. Words that follow one the reader has not read yet, and soon, are in the app alone.
    """
    if kind is not MessageKind.WORD or told is None:
        return True
    number, at = told
    return number <= read_up_to or now - at > ONE_CONVERSATION
