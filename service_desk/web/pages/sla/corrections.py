"""Putting a time of a clock right: what moves with it and what comes of it are shown before it is done."""

from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.sla_timers import CorrectionForm
from service_desk.models.sla import Timer
from service_desk.presenters import sla_timer as timer_words
from service_desk.rules.permissions import Action
from service_desk.services import access, submissions
from service_desk.services.claims import corrections as of_claims
from service_desk.services.enquiries import corrections as of_enquiries
from service_desk.services.sla import corrections
from service_desk.services.sla.corrections import Affected, MatterLife
from service_desk.services.sla.timers import get_timer
from service_desk.web import evidence
from service_desk.web.evidence import Evidence
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.pages.sla.blueprint import bp
from service_desk.web.pages.sla.timers import store_evidence


@bp.route("/timers/<int:timer_id>/entries/<int:entry_id>/correct", methods=["GET", "POST"])
@login_required
def correct_time(timer_id: int, entry_id: int) -> ResponseReturnValue:
    """Put one time right. The button *Show what changes* writes nothing."""
    access.require(actor(), Action.CORRECT_CLOCKS)
    timer = get_timer(timer_id, actor=actor())
    affected = corrections.read_affected(timer_id, entry_id, actor=actor(), now=g.now)
    recorded = affected[0].entry.at
    form = CorrectionForm(data={"at": recorded, "shown_at": recorded.isoformat()})
    if request.method == "GET":
        return render_template("sla/correct_time.html", **_context(timer, affected, form))
    paper = evidence.received(form)
    if request.form.get("action") == "check":
        return _checked(timer, entry_id, form, paper)
    if attempt(form, lambda: _correct_once(timer, entry_id, form, paper)):
        return done(_("The time was corrected; both times are kept."), "sla.timer", timer_id=timer_id)
    return _refused(timer_id, entry_id, form, paper)


def _checked(timer: Timer, entry_id: int, form: CorrectionForm, paper: Evidence) -> ResponseReturnValue:
    found: list[Affected] = []
    form.ask_only_time()

    def look() -> None:
        command = form.correction(entry_id, None)
        found.extend(corrections.preview(timer.id, command, life=_life(timer), actor=actor(), now=g.now))

    if attempt(form, look):
        return render_template("sla/correct_time.html", **_context(timer, found, form, paper))
    return _refused(timer.id, entry_id, form, paper)


def _correct_once(timer: Timer, entry_id: int, form: CorrectionForm, paper: Evidence) -> None:
    def make() -> str:
        command = form.correction(entry_id, store_evidence(timer, paper))
        # What the clock is about keeps the time as well.
        if of_claims.is_of_claim(timer):
            of_claims.correct(timer.id, command, actor=actor(), now=g.now)
        elif of_enquiries.is_of_enquiry(timer):
            of_enquiries.correct(timer.id, command, actor=actor(), now=g.now)
        else:
            corrections.correct(timer.id, command, life=_life(timer), actor=actor(), now=g.now)
        return str(timer.id)

    submissions.once("time_correction", form.idempotency_key.data or "", make, actor=actor(), now=g.now)


def _refused(timer_id: int, entry_id: int, form: CorrectionForm, paper: Evidence) -> ResponseReturnValue:
    timer = get_timer(timer_id, actor=actor())
    affected = corrections.read_affected(timer_id, entry_id, actor=actor(), now=g.now)
    # The page now shows the time as it is, so what is sent again is based on that.
    form.shown_at.data = affected[0].entry.at.isoformat()
    return again("sla/correct_time.html", **_context(timer, affected, form, paper))


def _life(timer: Timer) -> MatterLife:
    if of_claims.is_of_claim(timer):
        return of_claims.life_of(timer, g.now)
    if of_enquiries.is_of_enquiry(timer):
        return of_enquiries.life_of(timer, g.now)
    return corrections.life_of_clocks(timer, g.now)


def _context(
    timer: Timer, affected: list[Affected], form: CorrectionForm, paper: Evidence | None = None
) -> dict[str, Any]:
    return {
        "kept": evidence.still_kept(paper, form) if paper else None,
        "timer": timer,
        "entry": affected[0].entry,
        "effects": timer_words.effects(affected),
        "form": form,
        "words": timer_words,
    }
