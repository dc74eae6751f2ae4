"""Papers on their way: what waits, runs and their sheets, the hand-over, certificate cards."""

from typing import Any

from flask import Blueprint, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.deliveries import DropForm, HandOverForm, RunForm
from service_desk.forms.fields import small_number
from service_desk.models.accounts import Branch
from service_desk.presenters import deliveries as words
from service_desk.presenters.languages import branch_name, named
from service_desk.presenters.sheets.policies import runs_sheet, waiting_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.policies import cards
from service_desk.services.policies.delivery import queries, runs, waiting
from service_desk.services.policies.delivery.waiting import WaitingFilter
from service_desk.web.exports import send_list
from service_desk.web.http import (
    actor,
    again,
    as_pdf,
    attempt,
    current_account,
    done,
    files,
    page_request,
    uploads,
)
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("policies_delivery", __name__)


@bp.get("/deliveries")
@login_required
def undelivered() -> ResponseReturnValue:
    """What waits, by branch."""
    access.require(actor(), Action.ISSUE_POLICIES)
    rows = waiting.by_branch(current_account().id, actor=actor(), now=g.now)
    return render_template("deliveries/undelivered.html", rows=rows, words=words)


@bp.get("/deliveries.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """What waits, of one branch or all, as a spreadsheet."""
    account = current_account()
    wanted = _wanted(account.id, small_number(request.args.get("branch")))
    return send_list(
        lambda page: waiting.list_waiting(wanted, page, actor=actor(), now=g.now),
        lambda rows: waiting_sheet(rows, named(account.name, account.name_en), g.now),
        f"undelivered-{local_date(g.now)}.xlsx",
        _chosen(wanted),
    )


def _chosen(wanted: WaitingFilter) -> list[tuple[str, str]]:
    chosen = [(_("Late"), _("late"))] if wanted.is_late else []
    if wanted.branch_id is not None:
        row = access.get_visible(actor(), Action.ISSUE_POLICIES, Branch, Branch.id == wanted.branch_id)
        chosen.append((_("Branch"), branch_name(row)))
    return chosen


def _wanted(account_id: int, branch_id: int | None) -> WaitingFilter:
    return WaitingFilter(account_id, branch_id, is_late=request.args.get("late") == "1")


@bp.route("/deliveries/branches/<int:branch_id>", methods=["GET", "POST"])
@login_required
def branch(branch_id: int) -> ResponseReturnValue:
    """What waits for a branch, and the run that brings it: all of it, or what is ticked."""
    row = access.get_visible(actor(), Action.ISSUE_POLICIES, Branch, Branch.id == branch_id)
    form = RunForm(data={"planned_on": local_date(g.now), "carried_by": actor().name})
    made: list[str] = []

    def act() -> None:
        command = form.command(branch_id, everything="everything" in request.form)
        made.append(runs.plan(command, key=form.idempotency_key.data or "", actor=actor(), now=g.now))

    if attempt(form, act):
        return done(_("The run was planned."), "policies_delivery.run", number=made[0])
    page = waiting.list_waiting(_wanted(row.account_id, branch_id), page_request(), actor=actor(), now=g.now)
    context = {"branch": row, "page": page, "form": form, "words": words}
    if form.is_submitted():
        return again("deliveries/branch.html", **context)
    return render_template("deliveries/branch.html", **context)


@bp.get("/deliveries/runs", endpoint="runs")
@login_required
def runs_list() -> ResponseReturnValue:
    """Runs, the latest first; those on their way, or all."""
    page = queries.list_runs(current_account().id, page_request(), actor=actor(), is_open=_is_open())
    tabs = [
        {
            "label": text,
            "url": url_for("policies_delivery.runs", state=code or None),
            "is_current": request.args.get("state", "") == code,
        }
        for code, text in (
            ("", _("All runs")),
            ("open", _("Planned or on their way")),
            ("closed", _("Closed")),
        )
    ]
    return render_template("deliveries/runs.html", page=page, tabs=tabs, words=words)


def _is_open() -> bool | None:
    return {"open": True, "closed": False}.get(request.args.get("state", ""))


@bp.get("/deliveries/runs.xlsx")
@login_required
def export_runs() -> ResponseReturnValue:
    """The runs as filtered, as a spreadsheet."""
    account, is_open = current_account(), _is_open()
    state = _("Planned or on their way") if is_open else _("Closed")
    return send_list(
        lambda page: queries.list_runs(account.id, page, actor=actor(), is_open=is_open),
        lambda rows: runs_sheet(rows, g.now),
        f"delivery-runs-{local_date(g.now)}.xlsx",
        [(_("State"), state)] if is_open is not None else (),
    )


@bp.get("/deliveries/runs/<number>")
@login_required
def run(number: str) -> ResponseReturnValue:
    """One run: its papers, and what became of them."""
    return render_template("deliveries/run.html", **_run_context(number, DropForm()))


def _run_context(number: str, drop_form: DropForm) -> dict[str, Any]:
    return {"view": queries.get_run(number, actor=actor()), "drop_form": drop_form, "words": words}


@bp.get("/deliveries/runs/<number>.pdf")
@login_required
def sheet(number: str) -> ResponseReturnValue:
    """The sheet a run is made with."""
    view = queries.get_run(number, actor=actor())
    content = words.run_sheet_pdf(view, _outside("policies_delivery.hand_over", number=number))
    return as_pdf(content, number, account_id=view.run.account_id)


@bp.post("/deliveries/runs/<number>/out")
@login_required
def send_out(number: str) -> ResponseReturnValue:
    """The carrier has left."""
    runs.send_out(number, actor=actor(), now=g.now)
    return done(_("The run is on its way."), "policies_delivery.run", number=number)


@bp.post("/deliveries/runs/<number>/drop")
@login_required
def drop(number: str) -> ResponseReturnValue:
    """Give a planned run up."""
    form = DropForm()
    if attempt_once(form, lambda: runs.drop(number, form.reason.data or "", actor=actor(), now=g.now)):
        return done(_("The run was given up; its papers wait again."), "policies_delivery.undelivered")
    return again("deliveries/run.html", **_run_context(number, form))


@bp.route("/deliveries/runs/<number>/hand-over", methods=["GET", "POST"])
@login_required
def hand_over(number: str) -> ResponseReturnValue:
    """Record at the branch who signed and what came back; made for a phone."""
    view = queries.get_run(number, actor=actor())
    form = HandOverForm(data={"signed_at": g.now})

    def act() -> None:
        photo = next(iter(uploads("photo")), None)
        key = form.idempotency_key.data or ""
        runs.hand_over(number, form.command(g.now), photo, files=files(), key=key, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The hand-over was recorded."), "policies_delivery.run", number=number)
    if form.is_submitted():
        return again("deliveries/hand_over.html", view=view, form=form, words=words)
    return render_template("deliveries/hand_over.html", view=view, form=form, words=words)


@bp.get("/deliveries/runs/<number>/cards.pdf")
@login_required
def run_cards(number: str) -> ResponseReturnValue:
    """The cards that a run brings."""
    return _cards(cards.for_run(number, actor=actor(), now=g.now), number)


@bp.get("/vehicles/<int:vehicle_id>/card.pdf")
@login_required
def vehicle_card(vehicle_id: int) -> ResponseReturnValue:
    """The card of a vehicle."""
    found = cards.for_vehicle(vehicle_id, actor=actor(), now=g.now)
    return _cards(found, found[0].vehicle.plate or found[0].vehicle.vin or str(vehicle_id))


@bp.get("/batches/<number>/cards.pdf")
@login_required
def batch_cards(number: str) -> ResponseReturnValue:
    """The cards of a batch's vehicles."""
    return _cards(cards.for_batch(number, actor=actor(), now=g.now), number)


@bp.get("/deliveries/branches/<int:branch_id>/cards.pdf")
@login_required
def branch_cards(branch_id: int) -> ResponseReturnValue:
    """The cards of a branch's vehicles."""
    return _cards(cards.for_branch(branch_id, actor=actor(), now=g.now), f"branch-{branch_id}")


def _cards(found: list[cards.Card], name: str) -> ResponseReturnValue:
    content = words.cards_pdf(found, lambda plate: _outside("claim_reports.report", plate=plate))
    return as_pdf(content, f"cards-{name}", account_id=found[0].vehicle.account_id if found else None)


def _outside(endpoint: str, **values: Any) -> str:
    """The address of a page as a paper names it."""
    return f"{current_app.extensions['desk_config'].public_url}{url_for(endpoint, **values)}"
