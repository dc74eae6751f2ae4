"""The parties of a claim on a page of their own: who was in it, what each thing costs, how the injured are."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.claim_parties import (
    EstimateForm,
    FollowUpEntryForm,
    PartyForm,
    RemoveForm,
    ReviewForm,
)
from service_desk.forms.fields import Form
from service_desk.models.claims import Assessment, Claim
from service_desk.presenters import claim_parties as words
from service_desk.presenters.claims import plate
from service_desk.presenters.labels import choices, label
from service_desk.rules.claim_flow import ClaimAction, ClaimState, transition
from service_desk.rules.claim_parties import PartyKind, kinds_for
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, submissions
from service_desk.services.claims import assessing, injuries, parties, party_costs, reserves
from service_desk.services.claims.parties import PartyView
from service_desk.web.http import actor, again, attempt, done

bp = Blueprint("claim_parties", __name__)

_ADDED = (PartyKind.OTHER_VEHICLE, PartyKind.PERSON, PartyKind.PROPERTY)
_REVIEWED_IN = (ClaimState.ASSESSED, ClaimState.DOCUMENTS_COMPLETE)


@bp.get("/claims/<number>/parties")
@login_required
def page(number: str) -> ResponseReturnValue:
    """Every party with its items and follow-ups."""
    return render_template("claims/parties.html", **_context(number))


@bp.get("/claims/<number>/parties/<path:_left>")
@login_required
def left_behind(number: str, _left: str) -> ResponseReturnValue:
    """A refused step leaves its address behind; reloaded it is the page."""
    return redirect(url_for("claim_parties.page", number=number))


@bp.post("/claims/<number>/parties/new/<kind>")
@login_required
def add(number: str, kind: str) -> ResponseReturnValue:
    """Enter a party of a kind."""
    if kind not in {one.value for one in _ADDED}:
        raise NotFound("not_found")
    chosen = PartyKind(kind)
    form = _party_form(chosen, f"new-{kind}", sent=True)

    def run() -> None:
        parties.add_party(number, form.facts(chosen), actor=actor(), now=g.now)

    return _run(number, f"new-{kind}", form, run, _("The party was entered."))


@bp.post("/claims/<number>/parties/<int:party_id>/<act>")
@login_required
def party_act(number: str, party_id: int, act: str) -> ResponseReturnValue:
    """Complete a party, estimate a thing of it, follow an injured person, or take a party out."""
    _claim, views = parties.read_parties(number, actor=actor())
    view = next((one for one in views if one.party.id == party_id), None)
    if view is None:
        key = RemoveForm(prefix=f"{party_id}-remove").idempotency_key.data or ""
        if act == "remove" and submissions.was_done("claim_parties", key, actor=actor()):
            return done(_("The party was taken out."), "claim_parties.page", number=number)
        raise NotFound("not_found")
    acts = {"change": _change, "estimate": _estimate, "follow": _follow, "remove": _remove}
    if act not in acts:
        raise NotFound("not_found")
    form, run, said = acts[act](number, view)
    return _run(number, f"{party_id}-{act}", form, run, said)


Asked = tuple[Form, Callable[[], Any], str]


def _change(number: str, view: PartyView) -> Asked:
    form = _party_form(view.party.kind, f"{view.party.id}-change", sent=True)

    def run() -> None:
        facts = form.facts(view.party.kind)
        parties.change_party(number, view.party.id, facts, form.shown_version, actor=actor(), now=g.now)

    return form, run, _("The party was changed.")


def _estimate(number: str, view: PartyView) -> Asked:
    form = _estimate_form(view, sent=True)

    def run() -> None:
        party_costs.estimate_item(number, form.command(view.party.id), actor=actor(), now=g.now)

    return form, run, _("The estimate was entered; the reserve follows it.")


def _follow(number: str, view: PartyView) -> Asked:
    form = _follow_form(view, sent=True)

    def run() -> None:
        injuries.follow_injured(number, form.command(view.party.id), actor=actor(), now=g.now)

    return form, run, _("The follow-up was entered; the reserve follows the forecast.")


def _remove(number: str, view: PartyView) -> Asked:
    form = RemoveForm(prefix=f"{view.party.id}-remove")

    def run() -> None:
        parties.remove_party(number, view.party.id, form.reason.data or "", actor=actor(), now=g.now)

    return form, run, _("The party was taken out.")


@bp.post("/claims/<number>/parties/review")
@login_required
def review(number: str) -> ResponseReturnValue:
    """Change amounts of the assessment after a second look."""
    form = ReviewForm(prefix="review")

    def run() -> None:
        amounts, reason = form.amounts(), form.reason.data or ""
        assessing.review(number, form.assessment, amounts, reason, actor=actor(), now=g.now)

    return _run(number, "review", form, run, _("The assessment was reviewed."))


def _run(number: str, name: str, form: Form, run: Callable[[], Any], said: str) -> ResponseReturnValue:
    """Act once however often the form comes; a refusal shows the page with what was typed."""

    def once() -> str:
        run()
        return number

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("claim_parties", key, once, actor=actor(), now=g.now)):
        return done(said, "claim_parties.page", number=number)
    return again("claims/parties.html", **_context(number, {name: form}))


def _context(number: str, refused: dict[str, Form] | None = None) -> dict[str, Any]:
    claim, views = parties.read_parties(number, actor=actor())
    may_handle = access.may(actor(), Action.HANDLE_CLAIMS)
    is_client = actor().side is Side.CLIENT
    may_edit = may_handle and transition(claim.state, ClaimAction.SET_RESERVE) is not None
    latest = assessing.latest(claim.id) if may_handle else None
    forms = (_forms(claim, views, latest) if may_edit else {}) | (refused or {})
    return {
        "claim": claim,
        "plate": plate(claim.plate),
        "cards": [words.party_card(view, handled=may_handle, for_client=is_client) for view in views],
        "sides": words.reported_sides(claim),
        "added": [kind.value for kind in _ADDED],
        "forms": forms,
        "refused": list(refused or {}),
        "may_edit": may_edit,
        "may_handle": may_handle,
        "is_client": is_client,
        "held": reserves.outstanding_of(claim.id) if may_handle else {},
        "reviewed": assessing.items_of(latest) if latest and "review" in forms else [],
        "words": words,
    }


def _forms(claim: Claim, views: list[PartyView], latest: Assessment | None) -> dict[str, Form]:
    """The forms of the page by name; the fields of each have names of their own."""
    forms: dict[str, Form] = {f"new-{kind.value}": _party_form(kind, f"new-{kind.value}") for kind in _ADDED}
    for view in views:
        name = view.party.id
        forms[f"{name}-change"] = _party_form(view.party.kind, f"{name}-change", view)
        forms[f"{name}-estimate"] = _estimate_form(view)
        forms[f"{name}-remove"] = RemoveForm(formdata=None, prefix=f"{name}-remove")
        if view.party.kind is PartyKind.PERSON:
            forms[f"{name}-follow"] = _follow_form(view)
    if latest is not None and claim.state in _REVIEWED_IN and latest.assessor_id != actor().id:
        forms["review"] = _review_form(latest)
    return forms


def _party_form(
    kind: PartyKind, prefix: str, view: PartyView | None = None, *, sent: bool = False
) -> PartyForm:
    source: dict[str, Any] = {} if sent else {"formdata": None}
    data = words.values_of(view.party) if view else {}
    form = PartyForm(prefix=prefix, data=data, **source)
    asked = {*words.FIELDS[kind], "party_version", "idempotency_key", "csrf_token"}
    for name in [name for name in form._fields if name not in asked]:
        del form[name]
    for name, codes in (("role", "person_role"), ("severity", "injury_severity")):
        if name in form:
            form[name].choices = [("", "—"), *choices(codes)]
    return form


def _estimate_form(view: PartyView, *, sent: bool = False) -> EstimateForm:
    prefix = f"{view.party.id}-estimate"
    form = EstimateForm(prefix=prefix) if sent else EstimateForm(formdata=None, prefix=prefix)
    kinds = kinds_for(view.party.kind, view.party.role)
    form.kind.choices = [(kind.value, label(kind, "loss_kind")) for kind in kinds]
    return form


def _follow_form(view: PartyView, *, sent: bool = False) -> FollowUpEntryForm:
    prefix = f"{view.party.id}-follow"
    known: dict[str, Any] = {"on_day": local_date(g.now), "hospital": view.party.hospital}
    if view.follow_ups:
        last = view.follow_ups[-1]
        known |= {"stage": last.stage.value, "cost": last.cost_fen, "forecast": last.forecast_fen}
    source: dict[str, Any] = {} if sent else {"formdata": None}
    form = FollowUpEntryForm(prefix=prefix, data={} if sent else known, **source)
    form.stage.choices = choices("treatment_stage")
    return form


def _review_form(latest: Assessment) -> ReviewForm:
    rows = [{"amount": item.amount_fen} for item in assessing.items_of(latest)]
    data = {"assessment_id": str(latest.id), "rows": rows}
    return ReviewForm(formdata=None, prefix="review", data=data)
