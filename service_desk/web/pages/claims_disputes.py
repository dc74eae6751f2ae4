"""Disputes: the page of a claim's disputes for both sides, and the list of those that are open."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms import disputes as forms
from service_desk.forms.disputes import DisputeForm
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.presenters import claims as claim_words
from service_desk.presenters import disputes as words
from service_desk.presenters import sla_clocks
from service_desk.presenters.labels import choices
from service_desk.presenters.sheets.claims import disputes_sheet
from service_desk.rules.claim_flow import ClaimAction, transition
from service_desk.rules.disputes import DECISIONS, Consequence, consequences
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, sla, submissions
from service_desk.services.claims import disputes
from service_desk.services.claims.common import get_claim
from service_desk.services.claims.disputes import DisputeFile, DisputeFilter
from service_desk.services.documents import Upload
from service_desk.web import kept_uploads
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, files, page_request, uploads
from service_desk.web.kept_uploads import KeptUpload

bp = Blueprint("claims_disputes", __name__)

_FORMS: dict[str, type[DisputeForm]] = {
    "raise": forms.RaiseForm,
    "say": forms.SayForm,
    "decider": forms.DeciderForm,
    "decide": forms.DecisionForm,
    "take-back": forms.TakeBackForm,
}


@bp.get("/disputes")
@login_required
def open_disputes() -> ResponseReturnValue:
    """The account's disputes with age and clock: open ones, those one is to decide, and decided ones."""
    account, view, wanted = current_account(), _view(), _wanted()
    page = disputes.list_disputes(account.id, wanted, page_request(), actor=actor(), now=g.now)
    shown = (
        ("open", _("Open"), None),
        ("mine", _("For me to decide"), actor().id),
        ("decided", _("Decided disputes"), None),
    )
    views = [
        {
            "label": label,
            "url": url_for("claims_disputes.open_disputes", view=code),
            "is_current": code == view,
            "count": None
            if code == "decided"
            else disputes.count_open(account.id, actor=actor(), decider_id=decider_id),
        }
        for code, label, decider_id in shown
    ]
    return render_template(
        "disputes/list.html",
        page=page,
        views=views,
        is_open=wanted.is_open,
        words=words,
        plate=claim_words.plate,
    )


def _view() -> str:
    return request.args.get("view", "open")


def _wanted() -> DisputeFilter:
    return DisputeFilter(is_open=_view() != "decided", decider_id=actor().id if _view() == "mine" else None)


@bp.get("/disputes.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The disputes as filtered, as a spreadsheet."""
    account, wanted = current_account(), _wanted()
    return send_list(
        lambda page: disputes.list_disputes(account.id, wanted, page, actor=actor(), now=g.now),
        lambda rows: disputes_sheet(rows, is_open=wanted.is_open, now=g.now),
        f"disputes-{local_date(g.now)}.xlsx",
        [(_("Who decides"), actor().name)] if wanted.decider_id else (),
    )


@bp.get("/claims/<number>/dispute")
@login_required
def dispute(number: str) -> ResponseReturnValue:
    """The claim's disputes: the open one with what both sides say, or the form to raise one, and those before."""
    return render_template("disputes/dispute.html", **_context(number))


@bp.get("/claims/<number>/dispute/<step>")
@login_required
def step_address(number: str, step: str) -> ResponseReturnValue:  # noqa: ARG001 - the address has it
    """A refused form leaves its address behind; reloaded, it is the dispute's page."""
    return redirect(url_for("claims_disputes.dispute", number=number))


@bp.post("/claims/<number>/dispute/<step>")
@login_required
def act(number: str, step: str) -> ResponseReturnValue:
    """Raise, say, name who decides, decide or take back; the same form sent twice does it once."""
    if step not in _FORMS:
        raise NotFound("not_found")
    get_claim(number, actor=actor())
    form = _build(step, number, sent=True)
    kept = kept_uploads.restore(request.form.getlist("kept"))
    sent = [*uploads(f"{step}-files"), *(one.upload for one in kept)]

    def run() -> str:
        _RUN[step](number, form, sent)
        return number

    if attempt(form, lambda: submissions.once(f"dispute_{step}", form.key, run, actor=actor(), now=g.now)):
        return done(_said()[step], "claims_disputes.dispute", number=number)
    return again(
        "disputes/dispute.html", **_context(number, {step: form}, kept_uploads.keep(sent, or_pdf=True))
    )


def _who(form: Any) -> dict[str, Any]:
    return {"actor": actor(), "now": g.now, "version": form.shown_version}


_RUN: dict[str, Callable[[str, Any, Sequence[Upload]], Any]] = {
    "raise": lambda number, form, sent: disputes.raise_dispute(
        number, form.command(sent), files=files(), **_who(form)
    ),
    "say": lambda number, form, sent: disputes.say(number, form.command(sent), files=files(), **_who(form)),
    "decider": lambda number, form, _sent: disputes.name_decider(number, form.decider_id.data, **_who(form)),
    "decide": lambda number, form, _sent: disputes.decide(number, form.command(), **_who(form)),
    "take-back": lambda number, form, _sent: disputes.take_back(number, form.reason.data or "", **_who(form)),
}


def _said() -> dict[str, str]:
    return {
        "raise": _("The dispute was raised."),
        "say": _("It was added to the dispute."),
        "decider": _("Who decides was named and told."),
        "decide": _("The dispute was decided."),
        "take-back": _("The dispute was taken back."),
    }


def _build(step: str, number: str, *, sent: bool = False) -> Any:
    """A form of the page, its choices filled in; with `sent`, with what this request carries."""
    claim = get_claim(number, actor=actor())
    found = disputes.read_disputes(claim, reader=actor())
    current = next((one for one in found if one.is_open), None)
    source = {} if sent else {"formdata": None}
    shown = current.dispute.version if current else claim.version
    form: Any = _FORMS[step](prefix=step, data={"version": str(shown)}, **source)
    if step == "raise":
        form.topic.choices = choices("dispute_topic")
        if _is_client():
            del form.raised_for
    if step == "say" and _is_client():
        del form.is_internal
    if step == "decider":
        form.decider_id.choices = _deciders(number, current)
    if step == "decide":
        form.outcome.choices = [one for one in choices("dispute_outcome") if one[0] in set(DECISIONS)]
        fitting = {one for outcome in DECISIONS for one in consequences(claim.state, outcome)}
        form.consequence.choices = [
            one for one in choices("dispute_consequence") if Consequence(one[0]) in fitting
        ]
    return form


def _deciders(number: str, current: DisputeFile | None) -> list[tuple[int, str]]:
    if current is None:
        return []
    claim = get_claim(number, actor=actor())
    return [
        (one.id, f"{one.name} · {one.staff_no}") for one in disputes.possible_deciders(claim, current.dispute)
    ]


def _context(
    number: str, sent: dict[str, DisputeForm] | None = None, kept: Sequence[KeptUpload] = ()
) -> dict[str, Any]:
    """All that the page shows. `sent` is the form that was refused, shown as it was typed."""
    claim, refused = get_claim(number, actor=actor()), sent or {}
    found = disputes.read_disputes(claim, reader=actor())
    current = next((one for one in found if one.is_open), None)
    possible = _possible(current, claim.state)
    shown = {step: _build(step, number) for step in possible if step not in refused}
    for form in refused.values():
        # The page now shows things as they are, so what is sent again is based on that.
        form.version.data = str(current.dispute.version if current else claim.version)
    clocks = sla.view_clocks([current.timer]) if current and current.timer else []
    return {
        "claim": claim,
        "owner": db.session.get_one(User, claim.owner_id),
        "current": current,
        "earlier": [one for one in found if not one.is_open],
        "money": words.money(claim, current) if current else None,
        "clock_rows": sla_clocks.open_rows(clocks, g.now),
        "forms": shown | refused,
        "possible": possible,
        "refused": list(refused),
        "kept": list(kept),
        "is_client": _is_client(),
        "words": words,
        "plate": claim_words.plate,
    }


def _possible(current: DisputeFile | None, state: Any) -> list[str]:
    """What this person may do now. The services decide again; this only spares dead buttons."""
    me = actor()
    if transition(state, ClaimAction.DISPUTE) is None or not access.may(me, Action.RAISE_DISPUTES):
        return []
    if current is None:
        return ["raise"]
    found = ["say"]
    if access.may(me, Action.HANDLE_CLAIMS):
        found.append("decider")
    if current.dispute.decider_id == me.id:
        found.insert(0, "decide")
    return [*found, "take-back"]


def _is_client() -> bool:
    return actor().side is Side.CLIENT
