"""Messages on a matter's page in words: whose they are, who has read them, what the clock says."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.base.clock import local_date
from service_desk.models.documents import Document
from service_desk.models.messages import Message
from service_desk.models.sla import Timer
from service_desk.presenters import sla, times
from service_desk.presenters.claims import plate
from service_desk.presenters.claims_timeline import Entry, Photo
from service_desk.presenters.sla import Pill
from service_desk.rules.messaging import MessageKind, ThreadKind
from service_desk.rules.permissions import Side
from service_desk.services.messages import MessageView, Talked, ThreadRow

_SHORT = 60


def read_line(view: MessageView) -> str:
    """`read by 王建军 11-23 08:45`, everybody of the other side who has; empty when nobody has."""
    read = [f"{one.reader.name} {times.mark(one.at)}" for one in view.readings]
    return _("read by %(who)s", who=_(", ").join(read)) if read else ""


def kind_words(message: Message) -> str:
    """What a message of the desk does beside saying something; empty for a word."""
    return {MessageKind.ANSWER: _("Answer"), MessageKind.NO_ANSWER: _("No answer needed")}.get(
        message.kind, ""
    )


def pictures(view: MessageView) -> list[Photo]:
    """The photos sent along, as the photo strip takes them."""
    return [
        Photo(f"/documents/{one.id}", f"/documents/{one.id}/thumb", one.filename)
        for one in view.files
        if one.width is not None
    ]


def papers(view: MessageView) -> list[Document]:
    """What else was sent along."""
    return [one for one in view.files if one.width is None]


def clock_pill(timer: Timer | None, now: datetime) -> Pill | None:
    """The clock of the answer that somebody waits for."""
    return sla.pill(timer, now, named=False) if timer else None


def title(talked: Talked) -> str:
    """What a matter is called beside its number."""
    return plate(talked.title) if talked.kind is ThreadKind.CLAIM else talked.title


def row_title(row: ThreadRow) -> str:
    """The same for a line of the list."""
    return plate(row.title) if row.claim else row.title


def last_words(row: ThreadRow) -> str:
    """The beginning of the newest message."""
    words = " ".join(row.last.body.split())
    if not words:
        return _("Files only")
    return words if len(words) <= _SHORT else f"{words[: _SHORT - 1]}…"


def exchanged(days: Iterable[tuple[datetime, Side]], url: str) -> list[Entry]:
    """The days on which messages were exchanged, each a line of the claim's time line that leads to them."""
    by_day: dict[date, list[tuple[datetime, Side]]] = defaultdict(list)
    for at, side in days:
        by_day[local_date(at)].append((at, side))
    return [_entry(written, url) for written in by_day.values()]


def _entry(written: list[tuple[datetime, Side]], url: str) -> Entry:
    of_client = sum(side is Side.CLIENT for _at, side in written)
    of_desk = len(written) - of_client
    told = [
        ngettext("%(num)s of the client", "%(num)s of the client", of_client) if of_client else "",
        ngettext("%(num)s of the desk", "%(num)s of the desk", of_desk) if of_desk else "",
    ]
    return Entry(
        at=written[-1][0],
        title=ngettext("%(num)s message", "%(num)s messages", len(written)),
        detail=" · ".join(words for words in told if words),
        url=url,
    )
