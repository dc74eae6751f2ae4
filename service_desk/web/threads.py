"""A matter's messages as its page shows them: read, noted as read by who is shown them, and the forms to write."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from flask import Response, after_this_request, g, request
from sqlalchemy.exc import OperationalError

from service_desk.base.paging import Page, PageRequest
from service_desk.forms.fields import Form
from service_desk.forms.messages import MessageForm, NoAnswerForm
from service_desk.models.claims import Claim
from service_desk.models.db import db, unit_of_work
from service_desk.presenters import threads as words
from service_desk.presenters.claims_timeline import Entry
from service_desk.rules.permissions import Side
from service_desk.services import messages
from service_desk.services.messages import Talked, ThreadFilter, ThreadListView, ThreadRow, ThreadView
from service_desk.web.http import SAFE_METHODS, actor
from service_desk.web.kept_uploads import KeptUpload

log = structlog.get_logger()

PREFIX = "talk-"
# Beside everything else of a matter stand its newest messages and all that are new; the rest has its own page.
ON_MATTER = 5
ON_HOME = 5


@dataclass(frozen=True)
class ThreadPanel:
    """What `messages/_thread.html` shows. `refused` was sent and is shown again; `kept` files came with it."""

    view: ThreadView
    form: MessageForm
    no_answer: NoAnswerForm | None
    refused: Form | None
    kept: Sequence[KeptUpload]
    was_sent: bool

    # The template's words, so that a page which includes it need not know them.
    words = words


def panel_of(
    talked: Talked,
    *,
    most: int = ON_MATTER,
    before: int | None = None,
    refused: Form | None = None,
    kept: Sequence[KeptUpload] = (),
    was_sent: bool = False,
) -> ThreadPanel:
    """A thread for the reader. What is new on it counts as read once the page has been made."""
    view = messages.read_thread(talked, actor=actor(), now=g.now, most=most, before=before)
    _note_read(view)
    can_end = view.clock is not None and view.may_write and actor().side is Side.INSURER
    no_answer = refused if isinstance(refused, NoAnswerForm) else empty_no_answer()
    return ThreadPanel(
        view=view,
        form=refused if isinstance(refused, MessageForm) else empty_form(view),
        no_answer=no_answer if can_end else None,
        refused=refused,
        kept=kept,
        was_sent=was_sent,
    )


def unread_of(account_id: int) -> Page[ThreadRow]:
    """The first of the reader's threads that hold something new, and how many there are: for the home page."""
    wanted = ThreadFilter(view=ThreadListView.NEW)
    return messages.list_threads(account_id, wanted, PageRequest(1, ON_HOME), actor=actor())


def exchanged_on(claim: Claim) -> list[Entry]:
    """The days on which messages about a claim were exchanged, for its time line."""
    return words.exchanged(messages.days_of(messages.of_claim(claim)), "#messages")


def sent_form(view: ThreadView) -> MessageForm:
    """The form as it was sent."""
    return _for(view, MessageForm(prefix=PREFIX))


def empty_form(view: ThreadView) -> MessageForm:
    """The form for the next message."""
    return _for(view, MessageForm(formdata=None, prefix=PREFIX))


def _for(view: ThreadView, form: MessageForm) -> MessageForm:
    if view.clock is None or actor().side is Side.CLIENT:
        del form.is_interim
    return form


def empty_no_answer() -> NoAnswerForm:
    """The form that says why no answer is needed."""
    return NoAnswerForm(formdata=None, prefix=f"{PREFIX}end-")


def sent_no_answer() -> NoAnswerForm:
    """The same as it was sent."""
    return NoAnswerForm(prefix=f"{PREFIX}end-")


def _note_read(view: ThreadView) -> None:
    """A page that is only looked at is read without a writer's lock, so the note comes after it is made."""
    if not view.new or request.method == "HEAD":
        return
    if request.method not in SAFE_METHODS:
        messages.mark_read(view, actor=actor(), now=g.now)
        return

    @after_this_request
    def note(response: Response) -> Response:
        if response.status_code == 200:
            try:
                with unit_of_work():
                    messages.mark_read(view, actor=actor(), now=g.now)
            except OperationalError as error:
                # The page is there all the same; the next one shown notes it.
                db.session.rollback()
                log.warning("reading_not_noted", error=str(error.orig))
        return response
