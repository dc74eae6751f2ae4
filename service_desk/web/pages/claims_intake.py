"""A claim's report completed afterwards, and the accident it shares with other vehicles."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.errors import Forbidden
from service_desk.forms.claims_intake import (
    CompleteReportForm,
    LeaveAccidentForm,
    LinkClaimForm,
    ReportNoForm,
)
from service_desk.models.claims import Claim
from service_desk.presenters import claims as words
from service_desk.presenters import claims_intake
from service_desk.rules.permissions import Action
from service_desk.services import access, submissions
from service_desk.services.claims import accidents, completing, report_numbers
from service_desk.services.claims.common import get_claim
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("claims_intake", __name__)

_FIELDS = (
    "loss_at",
    "place",
    "description",
    "other_party",
    "injured_count",
    "reporter_name",
    "callback_phone",
    "late_reason",
)


@bp.route("/claims/<number>/complete", methods=["GET", "POST"])
@login_required
def complete(number: str) -> ResponseReturnValue:
    """The report as it is known, to be completed or corrected by the desk or by whoever reported it."""
    claim = get_claim(number, actor=actor())
    if not completing.may_complete(claim, actor()):
        raise Forbidden("not_allowed", action=Action.REPORT_CLAIM.value)
    known = {name: getattr(claim, name) for name in _FIELDS} | {"version": str(claim.version)}
    form = CompleteReportForm(data=known)
    if not form.is_submitted():
        return render_template("claims/complete.html", **_about(claim), form=form)
    made: list[completing.Completed] = []

    def act() -> None:
        made.append(
            completing.complete(number, form.command(), actor=actor(), now=g.now, version=form.shown_version)
        )

    if attempt_once(form, act):
        flash(_("The report was completed."), "ok")
        if made:
            _say_cover(made[0])
        return redirect(url_for("claims.claim", number=number), 303)
    claim = get_claim(number, actor=actor())
    form.version.data = str(claim.version)
    return again("claims/complete.html", **_about(claim), form=form)


def _say_cover(completed: completing.Completed) -> None:
    if completed.covers is None:
        return
    before, after = completed.covers
    said = claims_intake.cover_change({"covers_before": before, "covers_after": after})
    flash(_("The time of loss was changed: %(cover)s.", cover=said), "ok" if after else "warn")


def _about(claim: Claim) -> dict[str, Any]:
    return {
        "claim": claim,
        "words": words,
        "is_late": words.is_late_report(claim),
        "lateness": claims_intake.lateness(claim),
    }


@bp.route("/claims/<number>/report-no", methods=["GET", "POST"])
@login_required
def report_no(number: str) -> ResponseReturnValue:
    """The insurer's number of the report, to be entered, corrected or taken off by who handles claims."""
    claim = get_claim(number, actor=actor())
    access.require(actor(), Action.HANDLE_CLAIMS)
    form = ReportNoForm(data={"report_no": claim.report_no or "", "version": str(claim.version)})
    if not form.is_submitted():
        return render_template("claims/report_no.html", claim=claim, words=words, form=form)

    def act() -> None:
        report_numbers.enter(number, form.command(), actor=actor(), now=g.now, version=form.shown_version)

    if attempt_once(form, act):
        return done(_("The report number was saved."), "claims.claim", number=number)
    claim = get_claim(number, actor=actor())
    form.version.data = str(claim.version)
    return again("claims/report_no.html", claim=claim, words=words, form=form)


@bp.get("/claims/<number>/accident")
@login_required
def accident(number: str) -> ResponseReturnValue:
    """The accident of a claim: its other vehicles, and for the desk how to link one or leave it."""
    return render_template("claims/accident.html", **_accident(number, LinkClaimForm(), LeaveAccidentForm()))


@bp.post("/claims/<number>/accident")
@login_required
def link(number: str) -> ResponseReturnValue:
    """Say that another claim is of the same accident."""
    form = LinkClaimForm()

    def run() -> str:
        return accidents.link(number, form.command(), actor=actor(), now=g.now).number

    if attempt(form, lambda: _once("accident_link", form, run)):
        return done(_("The claims are linked."), "claims_intake.accident", number=number)
    return again("claims/accident.html", **_accident(number, form, LeaveAccidentForm(formdata=None)))


@bp.post("/claims/<number>/accident/leave")
@login_required
def leave(number: str) -> ResponseReturnValue:
    """Take the claim out of its accident."""
    form = LeaveAccidentForm()

    def run() -> str:
        return accidents.unlink(number, form.reason.data or "", actor=actor(), now=g.now).number

    if attempt(form, lambda: _once("accident_leave", form, run)):
        return done(_("The claim is no part of the accident any more."), "claims.claim", number=number)
    return again("claims/accident.html", **_accident(number, LinkClaimForm(formdata=None), form))


def _once(kind: str, form: Any, run: Any) -> str:
    return submissions.once(kind, form.idempotency_key.data or "", run, actor=actor(), now=g.now)


def _accident(number: str, link_form: LinkClaimForm, leave_form: LeaveAccidentForm) -> dict[str, Any]:
    claim = get_claim(number, actor=actor())
    return {
        "claim": claim,
        "words": words,
        "accident": accidents.read_event(claim, actor=actor()),
        "may_link": access.may(actor(), Action.HANDLE_CLAIMS),
        "link_form": link_form,
        "leave_form": leave_form,
    }
