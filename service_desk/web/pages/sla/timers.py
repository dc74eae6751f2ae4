"""A clock's own page, and what people do there: pause it, let it run again, put a time right, object."""

from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.sla import PauseForm
from service_desk.models.documents import DocumentKind
from service_desk.models.sla import Timer
from service_desk.presenters import sla as words
from service_desk.presenters import sla_ledger
from service_desk.presenters import sla_timer as timer_words
from service_desk.rules.permissions import Side
from service_desk.services import access, documents, sla, submissions
from service_desk.services.sla.ledger import matter_of
from service_desk.services.sla.life import TimerLife, read_life
from service_desk.services.sla.timers import get_timer_to_handle, may_handle
from service_desk.web.http import actor, again, attempt, done, files, uploads
from service_desk.web.pages.sla.blueprint import bp
from service_desk.web.pages.sla.breaches import matter_page, matter_url


@bp.get("/timers/<int:timer_id>")
@login_required
def timer(timer_id: int) -> ResponseReturnValue:
    """A clock's own page: what it promises, who held it, what it waited for, what was put right."""
    life = read_life(timer_id, actor=actor(), now=g.now)
    return render_template("sla/timer.html", **_life_context(life))


def _life_context(life: TimerLife) -> dict[str, Any]:
    is_client = actor().side is Side.CLIENT
    return {
        "life": life,
        "is_client": is_client,
        "is_open": life.timer.state in sla.OPEN_STATES,
        "may_handle": may_handle(life.timer, actor=actor()),
        "matter_url": matter_url(life.timer),
        "accounts": {account.id: account.name for account in access.list_accounts(actor())},
        "table": sla_ledger.ledger_table(life.file),
        "story": sla_ledger.story(life.file),
        "coming": timer_words.coming(life, g.now, for_client=is_client),
        "words": timer_words,
        "clocks": words,
    }


@bp.route("/timers/<int:timer_id>/pause", methods=["GET", "POST"])
@login_required
def pause(timer_id: int) -> ResponseReturnValue:
    """Pause a clock: why, and the paper that proves it."""
    timer = get_timer_to_handle(timer_id, actor=actor())
    form = PauseForm()
    form.reason.choices = [("", "—"), *words.pause_choices()]
    endpoint, values = matter_page(timer)
    if attempt(form, lambda: _pause_once(timer, form)):
        return done(_("The clock is paused."), endpoint, **values)
    context = {"form": form, "timer": timer, "back": matter_url(timer), "words": words}
    if request.method == "POST":
        return again("sla/pause.html", **context)
    return render_template("sla/pause.html", **context)


@bp.post("/timers/<int:timer_id>/resume")
@login_required
def resume(timer_id: int) -> ResponseReturnValue:
    """End a pause."""
    timer = sla.resume(timer_id, actor=actor(), now=g.now)
    endpoint, values = matter_page(timer)
    return done(_("The clock runs again."), endpoint, **values)


def _pause_once(timer: Timer, form: PauseForm) -> None:
    def make() -> str:
        sla.pause(
            timer.id,
            form.reason.data or "",
            form.note.data or "",
            _store_evidence(timer),
            actor=actor(),
            now=g.now,
        )
        return str(timer.id)

    submissions.once("pause", form.idempotency_key.data or "", make, actor=actor(), now=g.now)


def _store_evidence(timer: Timer) -> int | None:
    for upload in uploads("evidence")[:1]:
        paper = documents.store_paper(
            files(),
            upload,
            DocumentKind.PAUSE_EVIDENCE,
            matter_of(timer),
            field="evidence",
            actor=actor(),
            now=g.now,
        )
        return paper.id
    return None
