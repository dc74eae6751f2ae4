"""Outcomes of cover that is not renewed here: the list, and recording, correcting and taking back one."""

from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import member
from service_desk.forms.renewals import OutcomeForm, WithdrawForm
from service_desk.models.fleet import Vehicle
from service_desk.presenters import renewal_outcomes as words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import named
from service_desk.rules.permissions import Action
from service_desk.rules.renewal import Outcome
from service_desk.services import access
from service_desk.services.fleet import queries, vehicles
from service_desk.services.renewals import outcomes, success
from service_desk.services.renewals.board import expiries_of_vehicle
from service_desk.services.renewals.outcomes import OutcomeFilter
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.renewal_filters import chosen_words, filter_form
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("renewals_outcomes", __name__)

RENEWED_EARLY = "renewed_early"


@bp.get("/renewals/outcomes", endpoint="outcomes")
@login_required
def outcomes_page() -> ResponseReturnValue:
    """What became of cover, by outcome; `renewed_early` is found from the policies."""
    account, form = current_account(), filter_form()
    outcome = member(Outcome, request.args.get("outcome"))
    is_early = request.args.get("outcome") == RENEWED_EARLY
    early = form.ended(account.id, words.early_span(local_date(g.now)))
    return render_template(
        "renewals/outcomes.html",
        form=form,
        outcome=outcome,
        is_early=is_early,
        counts=outcomes.count_outcomes(form.outcomes(account.id, None), actor=actor()),
        early_count=success.count_renewed_early(early, actor=actor()),
        page=success.page_of_renewed_early(early, page_request(), actor=actor(), now=g.now)
        if is_early
        else outcomes.list_outcomes(form.outcomes(account.id, outcome), page_request(), actor=actor()),
        named=named,
    )


@bp.get("/renewals/outcomes.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same as filtered, as a spreadsheet."""
    account, form, today = current_account(), filter_form(), local_date(g.now)
    name, chosen = named(account.name, account.name_en), chosen_words(form)
    file_name = f"renewal-outcomes-{today}.xlsx"
    if request.args.get("outcome") == RENEWED_EARLY:
        early = form.ended(account.id, words.early_span(today))
        return send_list(
            lambda page: success.page_of_renewed_early(early, page, actor=actor(), now=g.now),
            lambda rows: words.early_sheet(rows, name, today),
            file_name,
            chosen,
        )
    outcome = member(Outcome, request.args.get("outcome"))
    wanted = form.outcomes(account.id, outcome)
    return send_list(
        lambda page: outcomes.list_outcomes(wanted, page, actor=actor()),
        lambda rows: words.outcomes_sheet(rows, name, today),
        file_name,
        [*chosen, (_("Outcome"), label(outcome, "renewal_outcome"))] if outcome else chosen,
    )


@bp.route("/renewals/vehicles/<int:vehicle_id>/outcome", methods=["GET", "POST"])
@login_required
def record(vehicle_id: int) -> ResponseReturnValue:
    """Record why lines of a vehicle are not renewed; shows what is recorded of it."""
    access.require(actor(), Action.RECORD_RENEWALS)
    vehicle = queries.get_vehicle(vehicle_id, actor=actor())
    form = OutcomeForm()
    to_do = expiries_of_vehicle(vehicle.id, account_id=vehicle.account_id, actor=actor(), now=g.now)
    form.lines.choices = [words.line_choice(one) for one in to_do]
    form.outcome.choices = choices("renewal_outcome")
    if not form.is_submitted():
        wanted = request.args.get("line", "")
        form.lines.data = [code for code, _words in form.lines.pairs if code.startswith(f"{wanted}:")]

    def act() -> None:
        key = form.idempotency_key.data or ""
        outcomes.record(vehicle.id, form.ends(), form.details(), key=key, actor=actor(), now=g.now)

    if form.is_submitted() and attempt(form, act):
        return done(_("The outcome was recorded."), "renewals.board")
    return _show("renewals/outcome.html", form, vehicle, row=None)


@bp.route("/renewals/outcomes/<int:outcome_id>", methods=["GET", "POST"])
@login_required
def correct(outcome_id: int) -> ResponseReturnValue:
    """Correct a recorded outcome."""
    access.require(actor(), Action.RECORD_RENEWALS)
    row = outcomes.get(outcome_id, actor=actor())
    form = OutcomeForm(obj=row.outcome)
    form.outcome.choices = choices("renewal_outcome")
    form.lines.choices = [("", "")]

    def act() -> None:
        version = form.version.data or 0
        outcomes.correct(outcome_id, form.details(), version, actor=actor(), now=g.now)

    if form.is_submitted() and attempt_once(form, act):
        return done(_("The outcome was corrected."), "renewals_outcomes.outcomes")
    return _show("renewals/outcome.html", form, row.vehicle, row=row)


@bp.post("/renewals/outcomes/<int:outcome_id>/withdraw")
@login_required
def withdraw(outcome_id: int) -> ResponseReturnValue:
    """Take an outcome back: the line is to be renewed again."""
    access.require(actor(), Action.RECORD_RENEWALS)
    form = WithdrawForm()

    def act() -> None:
        version = form.version.data or 0
        outcomes.withdraw(outcome_id, form.reason.data or "", version, actor=actor(), now=g.now)

    if attempt_once(form, act):
        return done(_("The outcome was taken back; the line is to be renewed again."), "renewals.board")
    row = outcomes.get(outcome_id, actor=actor())
    shown = OutcomeForm(formdata=None, obj=row.outcome)
    shown.outcome.choices = choices("renewal_outcome")
    shown.lines.choices = [("", "")]
    return _show("renewals/outcome.html", shown, row.vehicle, row=row, withdraw_form=form)


def _show(
    template: str,
    form: OutcomeForm,
    vehicle: Vehicle,
    *,
    row: outcomes.OutcomeRow | None,
    withdraw_form: WithdrawForm | None = None,
) -> ResponseReturnValue:
    context: dict[str, Any] = {
        "form": form,
        "row": row,
        "vehicle": vehicle,
        "name": vehicles.name_of(vehicle),
        "withdraw_form": withdraw_form
        or WithdrawForm(formdata=None, data={"version": row.outcome.version if row else 0}),
        "recorded": outcomes.list_outcomes(
            OutcomeFilter(vehicle.account_id, vehicle_id=vehicle.id), None, actor=actor()
        ).rows,
    }
    if form.is_submitted() or withdraw_form is not None:
        return again(template, **context)
    return render_template(template, **context)
