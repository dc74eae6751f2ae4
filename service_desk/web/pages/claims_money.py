"""Money of one claim beside its steps: asking for approval, advances, one payment and its return."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_required

from service_desk.base.errors import Invalid
from service_desk.forms.claim_money import AdvanceForm, DecisionForm, PayForm, ReturnForm
from service_desk.forms.claims import StepForm
from service_desk.models.claim_money import AdvanceState, ClaimAdvance
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.presenters import claim_money as money
from service_desk.presenters import claims as words
from service_desk.presenters.labels import choices
from service_desk.presenters.messages import sentence
from service_desk.rules.claim_flow import ClaimAction, transition
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, submissions
from service_desk.services.claims import advances, approving, authority, common, paying
from service_desk.web.http import actor, again, attempt, done

bp = Blueprint("claims_money", __name__)


@bp.post("/claims/<number>/ask-approval")
@login_required
def ask_approval(number: str) -> ResponseReturnValue:
    """Tell those who may approve that the calculation waits."""
    try:
        told = approving.ask_for_approval(number, actor=actor(), now=g.now)
    except Invalid as error:
        db.session.rollback()
        flash(sentence(error), "bad")
    else:
        flash(ngettext("%(num)s person was asked.", "%(num)s people were asked.", told), "ok")
    return redirect(url_for("claims.claim", number=number), 303)


@bp.route("/claims/<number>/advance", methods=["GET", "POST"])
@login_required
def propose(number: str) -> ResponseReturnValue:
    """Propose to pay something before the decision."""
    claim = _claim(number)
    form = AdvanceForm(data={"version": str(claim.version), "basis": "certain_part"})
    form.basis.choices = choices("advance_basis")
    if request.method == "POST":

        def act() -> str:
            advances.propose(number, form.command(), actor=actor(), now=g.now, version=form.shown_version)
            return number

        if attempt(form, lambda: _once("claim_advance", form, act)):
            return done(_("The advance was proposed."), "claims.claim", number=number)
        _renew(form, number)
        return again("claims/money/propose.html", claim=_claim(number), form=form, words=words)
    return render_template("claims/money/propose.html", claim=claim, form=form, words=words)


@bp.route("/claims/<number>/advances/<int:advance_id>", methods=["GET", "POST"])
@login_required
def advance(number: str, advance_id: int) -> ResponseReturnValue:
    """One advance: decide it (POST with `approve` or `refuse`) or, once approved, pay it (POST with `pay`)."""
    claim = _claim(number)
    sent = request.method == "POST"
    pays = "pay" in request.form
    decision, payment = _advance_forms(claim, advances.get_advance(claim, advance_id), sent=sent, pays=pays)
    if not sent:
        return render_template("claims/money/advance.html", **_advance(claim, advance_id, decision, payment))
    form: StepForm = payment if pays else decision

    def act() -> str:
        who: dict[str, Any] = {"actor": actor(), "now": g.now, "version": form.shown_version}
        if pays:
            paying.pay_advance(number, advance_id, payment.command(), **who)
        else:
            approves, note = "approve" in request.form, decision.note.data or ""
            advances.decide(number, advance_id, approves=approves, note=note, **who)
        return number

    if attempt(form, lambda: _once(f"claim_advance_{'pay' if pays else 'decide'}", form, act)):
        said = _("The payment was recorded.") if pays else _("The advance was decided.")
        return done(said, "claims.claim", number=number)
    _renew(form, number)
    return again("claims/money/advance.html", **_advance(_claim(number), advance_id, decision, payment))


def _advance_forms(
    claim: Claim, row: ClaimAdvance, *, sent: bool, pays: bool
) -> tuple[DecisionForm, PayForm]:
    """The two forms of the page; of them the one that was sent carries what was typed."""
    version = {"version": str(claim.version)}
    of_decision: dict[str, Any] = {} if sent and not pays else {"formdata": None}
    of_payment: dict[str, Any] = {} if sent and pays else {"formdata": None}
    return (
        DecisionForm(prefix="decide", data=version, **of_decision),
        PayForm(prefix="advance", data=version | {"amount": row.amount_fen}, **of_payment),
    )


def _advance(claim: Claim, advance_id: int, decision: DecisionForm, payment: PayForm) -> dict[str, Any]:
    row = advances.get_advance(claim, advance_id)
    is_possible = transition(claim.state, ClaimAction.PAY_ADVANCE) is not None
    is_open = is_possible and row.state is AdvanceState.PROPOSED
    amount_fen = claim.paid_fen + row.amount_fen
    is_other = row.proposed_by_id != actor().id
    return {
        "claim": claim,
        "row": row,
        "people": audit.people_of({row.proposed_by_id, row.decided_by_id or row.proposed_by_id}),
        "who_may": advances.who_may_approve(claim, row, now=g.now) if is_open else [],
        "may_decide": is_open
        and is_other
        and authority.may_decide(claim.account_id, amount_fen, actor=actor(), now=g.now),
        "may_pay": is_possible and row.state is AdvanceState.APPROVED,
        "is_open": is_open,
        "decision": decision,
        "payment": payment,
        "words": words,
    }


@bp.route("/claims/<number>/payments/<int:payment_id>", methods=["GET", "POST"])
@login_required
def payment(number: str, payment_id: int) -> ResponseReturnValue:
    """One payment with its whole account number, and recording that the bank sent it back."""
    claim, row = paying.get_payment(number, payment_id, actor=actor())
    form = ReturnForm(data={"version": str(claim.version)})
    if request.method == "POST":

        def act() -> str:
            command = form.command(payment_id)
            paying.return_payment(number, command, actor=actor(), now=g.now, version=form.shown_version)
            return number

        if attempt(form, lambda: _once("claim_return_payment", form, act)):
            return done(_("The payment is recorded as returned."), "claims.claim", number=number)
        _renew(form, number)
        claim, row = paying.get_payment(number, payment_id, actor=actor())
        return again("claims/money/payment.html", **_payment(claim, row, form))
    return render_template("claims/money/payment.html", **_payment(claim, row, form))


def _payment(claim: Claim, row: Any, form: ReturnForm) -> dict[str, Any]:
    ids = {row.paid_by_id, row.returned_by_id or row.paid_by_id}
    may_return = row.returned_at is None and transition(claim.state, ClaimAction.RETURN_PAYMENT) is not None
    return {
        "claim": claim,
        "row": row,
        "form": form,
        "people": audit.people_of(ids),
        "may_return": may_return,
        "money_words": money,
        "words": words,
    }


def _claim(number: str) -> Claim:
    claim = common.get_claim(number, actor=actor())
    access.require(actor(), Action.PAY_CLAIMS)
    return claim


def _once(kind: str, form: StepForm, act: Any) -> str:
    return submissions.once(kind, form.idempotency_key.data or "", act, actor=actor(), now=g.now)


def _renew(form: StepForm, number: str) -> None:
    """Let what is sent again be based on the claim as the page now shows it."""
    form.version.data = str(common.get_claim(number, actor=actor()).version)
