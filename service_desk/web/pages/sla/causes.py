"""The list of causes that reviews may name: added to, worded, ordered, retired."""

from collections.abc import Callable
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.sla_reviews import CauseForm, CauseStepForm
from service_desk.models.sla import BreachCause
from service_desk.presenters import sla_reviews as review_words
from service_desk.presenters.sheets.settings import causes_sheet
from service_desk.services import submissions
from service_desk.services.sla import causes as cause_list
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.pages.sla.blueprint import bp
from service_desk.web.sent_twice import attempt_once


@bp.get("/settings/causes")
@login_required
def causes() -> ResponseReturnValue:
    """The list in its order, retired causes below, and the form for a new one."""
    return render_template("sla/causes.html", **_context(CauseForm()))


@bp.get("/settings/causes.xlsx")
@login_required
def export_causes() -> ResponseReturnValue:
    """The list as a spreadsheet."""
    return send_list(
        whole(cause_list.list_causes(actor=actor())),
        lambda rows: causes_sheet(rows, g.now),
        f"causes-{local_date(g.now)}.xlsx",
        of_desk=True,
    )


@bp.post("/settings/causes")
@login_required
def add_cause() -> ResponseReturnValue:
    """Offer a new cause."""
    form = CauseForm()

    def act() -> None:
        submissions.once(
            "breach_cause",
            form.idempotency_key.data or "",
            lambda: cause_list.add(form.names(), actor=actor(), now=g.now).code,
            actor=actor(),
            now=g.now,
        )

    if attempt(form, act):
        return done(_("The cause was added."), "sla.causes")
    return again("sla/causes.html", **_context(form))


@bp.route("/settings/causes/<code>", methods=["GET", "POST"])
@login_required
def cause(code: str) -> ResponseReturnValue:
    """Word a cause otherwise."""
    row = cause_list.get_cause(code, actor=actor())
    form = CauseForm(obj=row)

    def act() -> None:
        version = form.version.data or 0
        submissions.once(
            "cause_rename",
            form.idempotency_key.data or "",
            lambda: cause_list.rename(code, form.names(), version=version, actor=actor(), now=g.now).code,
            actor=actor(),
            now=g.now,
        )

    if attempt(form, act):
        return done(_("The cause was renamed."), "sla.causes")
    context = {"form": form, "row": row, "heading": review_words.cause_name(row)}
    if request.method == "POST":
        return again("sla/cause.html", **context)
    return render_template("sla/cause.html", **context)


@bp.post("/settings/causes/<code>/<step>")
@login_required
def step_cause(code: str, step: str) -> ResponseReturnValue:
    """Move a cause up, retire it or bring it back."""
    steps: dict[str, tuple[Callable[..., BreachCause], str]] = {
        "up": (cause_list.move_up, _("The cause was moved up.")),
        "retire": (cause_list.retire, _("The cause is offered no longer. Old reviews keep it.")),
        "bring-back": (cause_list.bring_back, _("The cause is offered again.")),
    }
    if step not in steps:
        raise NotFound("not_found")
    act_on, words = steps[step]
    form = CauseStepForm()

    def act() -> None:
        act_on(code, version=form.version.data or 0, actor=actor(), now=g.now)

    if attempt_once(form, act):
        return done(words, "sla.causes")
    return again("sla/causes.html", **_context(CauseForm(formdata=None), refused=form))


def _context(form: CauseForm, refused: CauseStepForm | None = None) -> dict[str, Any]:
    return {
        "form": form,
        "refused": refused,
        "uses": cause_list.list_causes(actor=actor()),
        "cause_name": review_words.cause_name,
    }
