"""A clock's own page, and what people do there: pause it, let it run again, object to a pause, decide that."""

from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.fields import Form
from service_desk.forms.sla import PauseForm
from service_desk.forms.sla_timers import DecisionForm, ObjectionForm
from service_desk.models.documents import DocumentKind
from service_desk.models.sla import Timer
from service_desk.presenters import sla as words
from service_desk.presenters import sla_bar, sla_ledger, sla_levels
from service_desk.presenters import sla_timer as timer_words
from service_desk.rules.permissions import Action, Side
from service_desk.rules.sla import PauseReason
from service_desk.services import access, documents, sla, submissions
from service_desk.services.sla import objections
from service_desk.services.sla.corrections import correctable
from service_desk.services.sla.ledger import matter_of
from service_desk.services.sla.life import PauseTold, TimerLife, read_life
from service_desk.services.sla.timers import get_timer_to_handle, may_handle
from service_desk.web import evidence
from service_desk.web.evidence import Evidence
from service_desk.web.http import actor, again, attempt, done, files
from service_desk.web.notice_evidence import notice_of
from service_desk.web.pages.sla.blueprint import bp
from service_desk.web.pages.sla.breaches import matter_page, matter_url

UPHELD, REJECTED = "upheld", "rejected"


@bp.get("/timers/<int:timer_id>")
@login_required
def timer(timer_id: int) -> ResponseReturnValue:
    """A clock's own page: what it promises, who held it, what it waited for, what was put right."""
    return render_template("sla/timer.html", **_context(timer_id))


@bp.post("/timers/<int:timer_id>/pauses/<int:entry_id>/object")
@login_required
def object_to_pause(timer_id: int, entry_id: int) -> ResponseReturnValue:
    """Object to a pause, as the client."""
    form = _objection_form(entry_id, sent=True)

    def make() -> str:
        made = objections.object_to_pause(timer_id, entry_id, form.text.data or "", actor=actor(), now=g.now)
        return str(made.id)

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("pause_objection", key, make, actor=actor(), now=g.now)):
        return done(_("Your objection was sent. A manager decides it."), "sla.timer", timer_id=timer_id)
    return again("sla/timer.html", **_context(timer_id, form))


@bp.post("/timers/<int:timer_id>/objections/<int:objection_id>/decide")
@login_required
def decide_objection(timer_id: int, objection_id: int) -> ResponseReturnValue:
    """Uphold an objection or reject it, as the button says."""
    form = _decision_form(objection_id, sent=True)
    answers: list[str] = []

    def make() -> str:
        is_upheld = request.form.get("decision") == "uphold"
        answer, version = form.answer.data or "", form.version.data or 0
        objections.decide(objection_id, answer, version, is_upheld=is_upheld, actor=actor(), now=g.now)
        return UPHELD if is_upheld else REJECTED

    def act() -> None:
        key = form.idempotency_key.data or ""
        answers.append(submissions.once("objection_decision", key, make, actor=actor(), now=g.now))

    if attempt(form, act):
        # Of two buttons pressed in a row the first counts, and so do its words.
        is_upheld = answers[0] == UPHELD
        said = (
            _("The pause is struck off, the client is told.") if is_upheld else _("The client is told why.")
        )
        return done(said, "sla.timer", timer_id=timer_id)
    return again("sla/timer.html", **_context(timer_id, form))


def _context(timer_id: int, refused: Form | None = None) -> dict[str, Any]:
    """All that the page shows. `refused` is a form as it was typed: in its place, or on top where that is gone."""
    life = read_life(timer_id, actor=actor(), now=g.now)
    is_client = actor().side is Side.CLIENT
    pauses = [_shown_pause(pause, life, refused) for pause in life.pauses]
    has_place = any(refused in (one["objection_form"], one["decision_form"]) for one in pauses)
    return {
        "life": life,
        "is_client": is_client,
        "is_open": life.timer.state in sla.OPEN_STATES,
        "may_handle": may_handle(life.timer, actor=actor()),
        "may_review": access.may(actor(), Action.REVIEW_BREACHES),
        "matter_url": matter_url(life.timer),
        "pauses": pauses,
        "overtaken": None if has_place else refused,
        "correctable": correctable(life.timer, life.file.entries, actor=actor()),
        "segments": sla_bar.bar_segments(life.file),
        "marks": sla_bar.bar_marks(life.file),
        "table": sla_ledger.ledger_table(life.file),
        "coming": timer_words.coming(life, g.now, for_client=is_client),
        "words": timer_words,
        "clocks": words,
        "ledger": sla_ledger,
        "level_words": sla_levels,
    }


def _shown_pause(pause: PauseTold, life: TimerLife, refused: Form | None) -> dict[str, Any]:
    """A pause with the form that this reader may send about it."""
    objection, me = pause.objection, actor()
    shown: dict[str, Any] = {"pause": pause, "objection_form": None, "decision_form": None, "is_party": False}
    if objections.may_object(life.timer, pause, actor=me, now=g.now):
        shown["objection_form"] = _or_refused(_objection_form(pause.entry.id), refused)
    if objection is None or objection.is_upheld is not None or not access.may(me, Action.REVIEW_BREACHES):
        return shown
    if me.id in objections.parties(objection, list(life.file.entries)):
        return {**shown, "is_party": True}
    form = _or_refused(_decision_form(objection.id), refused)
    # The page now shows the objection as it is, so what is sent again is based on that.
    form.version.data, form.version.raw_data = objection.version, None
    return {**shown, "decision_form": form}


def _or_refused(form: Any, refused: Form | None) -> Any:
    """The form as it was typed where it is this one that was refused."""
    return refused if refused is not None and refused._prefix == form._prefix else form


def _objection_form(entry_id: int, *, sent: bool = False) -> ObjectionForm:
    """A page shows several: their fields have names of their own."""
    prefix = f"pause-{entry_id}"
    return ObjectionForm(prefix=prefix) if sent else ObjectionForm(None, prefix=prefix)


def _decision_form(objection_id: int, *, sent: bool = False) -> DecisionForm:
    prefix = f"objection-{objection_id}"
    return DecisionForm(prefix=prefix) if sent else DecisionForm(None, prefix=prefix)


@bp.route("/timers/<int:timer_id>/pause", methods=["GET", "POST"])
@login_required
def pause(timer_id: int) -> ResponseReturnValue:
    """Pause a clock: why, since when, and the paper that proves it."""
    timer = get_timer_to_handle(timer_id, actor=actor())
    form = PauseForm()
    form.reason.choices = [("", "—"), *words.pause_choices()]
    endpoint, values = _back_to(timer)
    paper = evidence.received(form)
    if paper.upload is None and form.reason.data == PauseReason.WAITING_FOR_CLIENT_DOCUMENTS:
        paper = Evidence(notice_of(timer, actor=actor()), None)
    if attempt(form, lambda: _pause_once(timer, form, paper)):
        return done(_("The clock is paused."), endpoint, **values)
    context = {"form": form, "timer": timer, "back": matter_url(timer), "words": words}
    if request.method == "POST":
        return again("sla/pause.html", kept=evidence.still_kept(paper, form), **context)
    return render_template("sla/pause.html", kept=None, **context)


@bp.post("/timers/<int:timer_id>/resume")
@login_required
def resume(timer_id: int) -> ResponseReturnValue:
    """End a pause."""
    timer = sla.resume(timer_id, actor=actor(), now=g.now)
    endpoint, values = _back_to(timer)
    return done(_("The clock runs again."), endpoint, **values)


def _back_to(timer: Timer) -> tuple[str, dict[str, Any]]:
    """Where the reader came from: the clock's own page, else that of its matter."""
    if request.values.get("next") == "timer":
        return "sla.timer", {"timer_id": timer.id}
    return matter_page(timer)


def _pause_once(timer: Timer, form: PauseForm, paper: Evidence) -> None:
    def make() -> str:
        sla.pause(
            timer.id,
            form.reason.data or "",
            form.note.data or "",
            store_evidence(timer, paper),
            actor=actor(),
            now=g.now,
            at=form.since(g.now),
        )
        return str(timer.id)

    submissions.once("pause", form.idempotency_key.data or "", make, actor=actor(), now=g.now)


def store_evidence(timer: Timer, paper: Evidence) -> int | None:
    """Keep the paper with the clock's matter; None when there was none."""
    if paper.upload is None:
        return None
    stored = documents.store_paper(
        files(),
        paper.upload,
        DocumentKind.PAUSE_EVIDENCE,
        matter_of(timer),
        field="evidence",
        actor=actor(),
        now=g.now,
    )
    return stored.id
