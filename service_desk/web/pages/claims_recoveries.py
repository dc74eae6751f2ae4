"""Amounts to get back: the account's list, one recovery with what came in, a new one on a claim."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.claim_money import (
    CorrectRecoveryForm,
    ReceiveRecoveryForm,
    RecoveryForm,
    StrikeForm,
    WriteOffForm,
)
from service_desk.forms.claims import StepForm
from service_desk.forms.fields import Form, member, small_number
from service_desk.models.claim_money import Recovery, RecoveryKind, RecoveryState
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.presenters import claim_money as money
from service_desk.presenters import claims as words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, submissions
from service_desk.services.claims import common, recovery_list
from service_desk.services.claims import recoveries as service
from service_desk.services.claims.files import list_branches
from service_desk.services.claims.recovery_list import RecoveryFilter
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request

bp = Blueprint("claims_recoveries", __name__)


@bp.get("/recoveries")
@login_required
def recoveries() -> ResponseReturnValue:
    """The account's recoveries by state, kind, branch and text, with their sums."""
    account, wanted = current_account(), _wanted()
    page = recovery_list.list_recoveries(account.id, wanted, page_request(), actor=actor())
    return render_template(
        "claims/money/recoveries.html",
        page=page,
        wanted=wanted,
        totals=recovery_list.total_recoveries(account.id, wanted, actor=actor()),
        states=list(RecoveryState),
        kinds=choices("recovery_kind"),
        branches=[(b.id, branch_name(b)) for b in list_branches(account.id, actor=actor())],
        tone=money.recovery_tone,
        words=words,
    )


@bp.get("/recoveries.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The recoveries as filtered, as a spreadsheet."""
    account, wanted, reader = current_account(), _wanted(), actor().role
    totals = recovery_list.total_recoveries(account.id, wanted, actor=actor())
    return send_list(
        lambda page: recovery_list.list_recoveries(account.id, wanted, page, actor=actor()),
        lambda rows: money.recoveries_sheet(rows, totals, reader, g.now),
        f"recoveries-{local_date(g.now)}.xlsx",
        _chosen(wanted),
    )


def _chosen(wanted: RecoveryFilter) -> list[tuple[str, str]]:
    branches = list_branches(current_account().id, actor=actor())
    return [
        *([(_("State"), label(wanted.state, "recovery_state"))] if wanted.state else []),
        *([(_("Kind"), label(wanted.kind, "recovery_kind"))] if wanted.kind else []),
        *((_("Branch"), branch_name(one)) for one in branches if one.id == wanted.branch_id),
    ]


def _wanted() -> RecoveryFilter:
    """The filter in the address: the open ones unless all or the settled were asked for."""
    return RecoveryFilter(
        state=member(RecoveryState, request.args.get("state", RecoveryState.OPEN.value)),
        kind=member(RecoveryKind, request.args.get("kind")),
        branch_id=small_number(request.args.get("branch")),
        text=request.args.get("q", "")[:100],
    )


@bp.route("/claims/<number>/recovery", methods=["GET", "POST"])
@login_required
def new(number: str) -> ResponseReturnValue:
    """Write down an amount to get back."""
    claim = common.get_claim(number, actor=actor())
    access.require(actor(), Action.RECORD_RECOVERIES)
    form = RecoveryForm()
    form.kind.choices = choices("recovery_kind")

    def act() -> None:
        _once("recovery", form, lambda: str(service.add(number, form.command(), actor=actor(), now=g.now).id))

    if request.method == "POST":
        if attempt(form, act):
            return done(_("The recovery was added."), "claims.claim", number=number)
        return again("claims/money/new_recovery.html", claim=claim, form=form)
    return render_template("claims/money/new_recovery.html", claim=claim, form=form)


@bp.get("/recoveries/<int:recovery_id>")
@login_required
def recovery(recovery_id: int) -> ResponseReturnValue:
    """One recovery with all that came in."""
    return render_template("claims/money/recovery.html", **_context(recovery_id))


@bp.post("/recoveries/<int:recovery_id>/receive")
@login_required
def receive(recovery_id: int) -> ResponseReturnValue:
    """Record money that came in."""
    form = ReceiveRecoveryForm(prefix="receive")
    return _change(
        recovery_id,
        "receive",
        form,
        lambda: service.receive(
            recovery_id, form.command(), actor=actor(), now=g.now, version=form.shown_version
        ),
        _("The money was recorded."),
    )


@bp.post("/recoveries/<int:recovery_id>/write-off")
@login_required
def write_off(recovery_id: int) -> ResponseReturnValue:
    """Give up some or all of what is open."""
    form = WriteOffForm(prefix="off")
    return _change(
        recovery_id,
        "off",
        form,
        lambda: service.write_off(
            recovery_id,
            form.amount.fen or 0,
            form.reason.data or "",
            is_another=bool(form.is_another.data),
            actor=actor(),
            now=g.now,
            version=form.shown_version,
        ),
        _("The amount was written off."),
    )


@bp.post("/recoveries/<int:recovery_id>/correct")
@login_required
def correct(recovery_id: int) -> ResponseReturnValue:
    """State another amount to get back."""
    form = CorrectRecoveryForm(prefix="correct")
    return _change(
        recovery_id,
        "correct",
        form,
        lambda: service.correct(
            recovery_id,
            form.amount.fen or 0,
            form.reason.data or "",
            actor=actor(),
            now=g.now,
            version=form.shown_version,
        ),
        _("The amount was corrected."),
    )


@bp.post("/recoveries/<int:recovery_id>/receipts/<int:receipt_id>/strike")
@login_required
def strike(recovery_id: int, receipt_id: int) -> ResponseReturnValue:
    """Strike off money that was entered by mistake."""
    form = StrikeForm(prefix="strike")
    return _change(
        recovery_id,
        "strike",
        form,
        lambda: service.strike(
            recovery_id,
            receipt_id,
            form.reason.data or "",
            actor=actor(),
            now=g.now,
            version=form.shown_version,
        ),
        _("The receipt was struck off."),
    )


def _change(
    recovery_id: int, name: str, form: StepForm, act: Callable[[], Any], said: str
) -> ResponseReturnValue:
    service.get_recovery(recovery_id, actor=actor())

    def make() -> str:
        act()
        return str(recovery_id)

    if attempt(form, lambda: _once(f"recovery_{name}", form, make)):
        return done(said, "claims_recoveries.recovery", recovery_id=recovery_id)
    return again("claims/money/recovery.html", **_context(recovery_id, {name: form}))


def _once(kind: str, form: Form, make: Callable[[], str]) -> str:
    return submissions.once(kind, form.idempotency_key.data or "", make, actor=actor(), now=g.now)


def _context(recovery_id: int, sent: dict[str, StepForm] | None = None) -> dict[str, Any]:
    row = service.get_recovery(recovery_id, actor=actor())
    claim = common.get_claim(db.session.get_one(Claim, row.claim_id).number, actor=actor())
    forms = _forms(row) | (sent or {})
    for form in forms.values():
        form.version.data = str(row.version)
    return {
        "row": row,
        "claim": claim,
        "receipts": recovery_list.list_receipts(row.id),
        "people": audit.people_of({row.made_by_id}),
        "forms": forms,
        "refused": list(sent or ()),
        "may_correct": service.may_be_corrected(row),
        "tone": money.recovery_tone(row),
        "write_off_words": money.write_off_words(row),
        "title": f"{label(row.kind, 'recovery_kind')} {claim.number}",
    }


def _forms(row: Recovery) -> dict[str, StepForm]:
    amount = {"amount": row.open_fen}
    today = {"received_on": local_date(g.now)}
    return {
        "receive": ReceiveRecoveryForm(formdata=None, prefix="receive", data=amount | today),
        "off": WriteOffForm(formdata=None, prefix="off", data=amount),
        "correct": CorrectRecoveryForm(formdata=None, prefix="correct", data={"amount": row.amount_fen}),
        "strike": StrikeForm(formdata=None, prefix="strike"),
    }
