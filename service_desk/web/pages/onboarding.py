"""New vehicles: ask, approve or refuse, insure, and the register of who did what."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.onboarding import DecisionForm, RequestFilterForm, RequestForm
from service_desk.models.accounts import Branch
from service_desk.models.fleet import VehicleRequest
from service_desk.presenters import onboarding as words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import named
from service_desk.presenters.sheets.policies import requests_sheet
from service_desk.presenters.sla_clocks import ended_rows, open_rows
from service_desk.rules.permissions import Action
from service_desk.rules.vehicle_onboarding import OnboardingAction
from service_desk.services import access, accounts, submissions
from service_desk.services.documents import MAX_FILES
from service_desk.services.policies.onboarding import deciding, finishing, queries, requesting
from service_desk.services.policies.onboarding.common import require_step
from service_desk.services.policies.onboarding.queries import RequestFile, RequestFilter, RequestView
from service_desk.web import kept_uploads
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import (
    actor,
    again,
    attempt,
    current_account,
    done,
    files,
    page_request,
    uploads,
)
from service_desk.web.kept_uploads import KeptUpload

bp = Blueprint("onboarding", __name__)

_Act = Callable[[str, DecisionForm], VehicleRequest]


def _approve(number: str, form: DecisionForm) -> VehicleRequest:
    return deciding.approve(number, form.version.data or 0, actor=actor(), now=g.now)


def _complete(number: str, form: DecisionForm) -> VehicleRequest:
    return finishing.complete(number, form.version.data or 0, actor=actor(), now=g.now)


def _with_reason(act: Callable[..., VehicleRequest]) -> _Act:
    return lambda number, form: act(
        number, form.reason.data or "", form.version.data or 0, actor=actor(), now=g.now
    )


_STEPS: dict[OnboardingAction, _Act] = {
    OnboardingAction.APPROVE: _approve,
    OnboardingAction.REFUSE: _with_reason(deciding.refuse),
    OnboardingAction.COMPLETE: _complete,
    OnboardingAction.DECLINE: _with_reason(deciding.decline),
    OnboardingAction.WITHDRAW: _with_reason(requesting.withdraw),
}


@bp.get("/vehicle-requests", endpoint="requests")
@login_required
def requests_page() -> ResponseReturnValue:
    """The account's requests: those that wait for the reader's side, the open ones, all."""
    account, form = current_account(), _filter_form()
    waiting = queries.count_waiting(account.id, actor=actor())
    wanted = _wanted(form, waiting)
    page = queries.list_requests(account.id, wanted, page_request(), actor=actor())
    return render_template(
        "onboarding/list.html",
        form=form,
        page=page,
        wanted=wanted,
        tabs=_tabs(account.id, wanted, waiting),
        words=words,
        has_branches=len(form.branch.choices) > 2,
    )


def _wanted(form: RequestFilterForm, waiting: int) -> RequestFilter:
    """The view asked for; who has nothing waiting sees what is open first."""
    first = RequestView.WAITING if waiting else RequestView.OPEN
    return form.wanted(request.args.get("view", first.value))


@bp.get("/vehicle-requests.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The requests as filtered, as a spreadsheet."""
    account, form = current_account(), _filter_form()
    wanted = _wanted(form, queries.count_waiting(account.id, actor=actor()))
    return send_list(
        lambda page: queries.list_requests(account.id, wanted, page, actor=actor()),
        lambda rows: requests_sheet(rows, g.now),
        f"vehicle-requests-{local_date(g.now)}.xlsx",
        chosen_in(form),
    )


def _filter_form() -> RequestFilterForm:
    form = RequestFilterForm(request.args)
    branches = accounts.list_branches(current_account().id, actor=actor())
    form.branch.choices = [
        ("", _("All branches")),
        *((str(row.id), named(row.name, row.name_en)) for row in branches),
    ]
    form.state.choices = [("", _("All states")), *choices("onboarding_state")]
    form.validate()
    return form


def _tabs(account_id: int, wanted: RequestFilter, waiting: int) -> list[dict[str, Any]]:
    counts = {RequestView.WAITING: waiting}
    counts[RequestView.OPEN] = queries.count_requests(
        account_id, RequestFilter(RequestView.OPEN), actor=actor()
    )
    return [
        {
            "label": label(view, "request_view"),
            "url": url_for("onboarding.requests", view=view.value),
            "is_current": view is wanted.view,
            "count": counts.get(view),
        }
        for view in RequestView
    ]


@bp.get("/vehicle-requests/register")
@login_required
def register() -> ResponseReturnValue:
    """Who did what on which request, when and for which side."""
    form = _filter_form()
    page = queries.list_register(current_account().id, form.wanted(None), page_request(), actor=actor())
    return render_template(
        "onboarding/register.html",
        form=form,
        page=page,
        words=words,
        has_branches=len(form.branch.choices) > 2,
    )


@bp.get("/vehicle-requests/register.xlsx")
@login_required
def register_export() -> ResponseReturnValue:
    """Exactly what is filtered, as a spreadsheet."""
    account, form, today = current_account(), _filter_form(), local_date(g.now)
    wanted, name = form.wanted(None), named(account.name, account.name_en)
    return send_list(
        lambda page: queries.list_register(account.id, wanted, page, actor=actor()),
        lambda rows: words.register_sheet(rows, wanted, name, today),
        f"new-vehicles-{account.code}-{today}.xlsx",
        chosen_in(form),
    )


@bp.route("/vehicle-requests/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Ask for a new vehicle. The same form sent twice is one request."""
    access.require(actor(), Action.REQUEST_VEHICLE)
    account = current_account()
    form = RequestForm(data={"wanted_start_on": local_date(g.now)})
    branches = [row for row in accounts.list_branches(account.id, actor=actor()) if row.is_active]
    _offer(form, branches)

    def send(photos: Any) -> str:
        return requesting.request_vehicle(
            account.id,
            form.wanted(),
            photos=photos,
            key=form.idempotency_key.data or "",
            actor=actor(),
            now=g.now,
            files=files(),
        )

    return _form_page(form, branches, None, send)


@bp.route("/vehicle-requests/<number>/correct", methods=["GET", "POST"])
@login_required
def correct(number: str) -> ResponseReturnValue:
    """Correct a refused request and send it again."""
    access.require(actor(), Action.REQUEST_VEHICLE)
    file = queries.read_file(number, actor=actor(), now=g.now)
    form = RequestForm(obj=file.request)
    if not form.is_submitted():
        require_step(file.request, OnboardingAction.CORRECT, actor=actor())
        form.wanted_start_on.data = max(file.request.wanted_start_on, local_date(g.now))
    _offer(form, [file.branch])

    def send(photos: Any) -> str:
        return requesting.correct(
            number,
            form.wanted(),
            form.version.data or 0,
            photos=photos,
            key=form.idempotency_key.data or "",
            actor=actor(),
            now=g.now,
            files=files(),
        )

    return _form_page(form, [file.branch], file, send)


def _offer(form: RequestForm, branches: list[Branch]) -> None:
    form.branch_id.choices = [(row.id, named(row.name, row.name_en)) for row in branches]
    form.use_class.choices = [("", _("Choose a class")), *choices("use_class")]


def _form_page(
    form: RequestForm, branches: list[Branch], file: RequestFile | None, send: Callable[[Any], str]
) -> ResponseReturnValue:
    """The form of a request; photos that came with a refused form need not be chosen again."""
    context: dict[str, Any] = {"form": form, "branches": branches, "file": file, "kept": []}
    if not form.is_submitted():
        return render_template("onboarding/edit.html", **context)
    kept: list[KeptUpload] = kept_uploads.restore(request.form.getlist("kept"))
    sent, numbers = uploads("photos"), []

    def act() -> None:
        numbers.append(send([*(one.upload for one in kept), *sent]))

    if attempt(form, act):
        sent_words = _("Request %(number)s was sent to the group's insurance department.", number=numbers[0])
        return done(sent_words, "onboarding.request", number=numbers[0])
    context["kept"] = [*kept, *kept_uploads.keep(sent[:MAX_FILES])]
    return again("onboarding/edit.html", **context)


@bp.get("/vehicle-requests/<number>", endpoint="request")
@login_required
def request_page(number: str) -> ResponseReturnValue:
    """One request: what is next and whose turn it is, the clocks, what is missing, the register."""
    return render_template("onboarding/detail.html", **_context(number, {}))


def _context(number: str, refused: dict[OnboardingAction, DecisionForm]) -> dict[str, Any]:
    file = queries.read_file(number, actor=actor(), now=g.now)
    forms = {
        action.value: refused.get(action)
        or DecisionForm(formdata=None, data={"version": file.request.version})
        for action in _STEPS
    }
    shown = {action for action in file.possible if action in _STEPS or action is OnboardingAction.CORRECT}
    if file.cover is None or file.cover.missing:
        shown.discard(OnboardingAction.COMPLETE)
    return {
        "file": file,
        "forms": forms,
        "possible": {action.value for action in shown},
        "refused": {action.value for action in refused},
        "running": open_rows(file.clocks, g.now),
        "ended": ended_rows(file.clocks, g.now),
        "pill": words.clock_pill([view.timer for view in file.clocks], g.now, named=True),
        "issue_url": _issue_url(file),
        "photos": words.photos(file),
        "words": words,
    }


def _issue_url(file: RequestFile) -> str | None:
    """The order for this vehicle alone, for the lines that are missing; None where there is nothing to issue."""
    if file.vehicle is None or file.cover is None or not access.may(actor(), Action.ISSUE_POLICIES):
        return None
    if OnboardingAction.ISSUE_PART not in file.possible or not file.cover.missing:
        return None
    wanted = file.request.wanted_start_on
    return url_for(
        "policies.issue",
        vehicle_id=file.vehicle.id,
        line=[line.value for line in file.cover.missing],
        start_on=wanted.isoformat() if wanted > local_date(g.now) else None,
    )


@bp.post("/vehicle-requests/<number>/<step>")
@login_required
def act(number: str, step: str) -> ResponseReturnValue:
    """A step on a request: approve, refuse, decline, withdraw, complete. Sent twice it is done once."""
    action = next((one for one in _STEPS if one.value == step), None)
    if action is None:
        raise NotFound("not_found")
    form = DecisionForm()
    key = form.idempotency_key.data or ""

    def decide() -> None:
        submissions.once(
            f"vehicle_request_{step}",
            key,
            lambda: _STEPS[action](number, form).number,
            actor=actor(),
            now=g.now,
        )

    if attempt(form, decide):
        return done(_done_words(action), "onboarding.request", number=number)
    return again("onboarding/detail.html", **_context(number, {action: form}))


def _done_words(action: OnboardingAction) -> str:
    return {
        OnboardingAction.APPROVE: _("The request was approved. The desk issues the cover now."),
        OnboardingAction.REFUSE: _("The request was refused, and the branch was told why."),
        OnboardingAction.COMPLETE: _("The vehicle operates now."),
        OnboardingAction.DECLINE: _("The request was refused; branch and group were told why."),
        OnboardingAction.WITHDRAW: _("The request was withdrawn."),
    }[action]
