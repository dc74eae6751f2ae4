"""Refunds: owed to the client, paid out or credited, and their voucher."""

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.fields import Form, member
from service_desk.forms.premiums import PayoutForm
from service_desk.models.premiums import RefundState
from service_desk.presenters import premiums as words
from service_desk.presenters import premiums_pdf
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import named
from service_desk.presenters.sheets.premiums import refunds_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, premiums
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, as_pdf, current_account, done, page_request
from service_desk.web.papers import address_of
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("premiums_refunds", __name__)


@bp.get("/refunds")
@login_required
def refunds() -> ResponseReturnValue:
    """Refunds of the account, those owed first of all."""
    account, state = current_account(), _state()
    page = premiums.list_refunds(account.id, page_request(), actor=actor(), state=state)
    owed = premiums.owed_by_branch(account.id, actor=actor())
    return render_template(
        "premiums/refunds.html", page=page, owed=owed, state=state, states=list(RefundState), words=words
    )


def _state() -> RefundState | None:
    """The state asked for; those owed unless all or another were asked for."""
    asked = request.args.get("state", RefundState.OWED.value)
    state: RefundState | None = member(RefundState, asked)
    return state


@bp.get("/refunds.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The refunds shown, as a spreadsheet."""
    account, state = current_account(), _state()
    return send_list(
        lambda page: premiums.list_refunds(account.id, page, actor=actor(), state=state),
        lambda rows: refunds_sheet(rows, named(account.name, account.name_en), g.now),
        f"refunds-{local_date(g.now)}.xlsx",
        [(_("State"), label(state, "refund_state"))] if state else (),
    )


@bp.route("/refunds/<number>", methods=["GET", "POST"])
@login_required
def refund(number: str) -> ResponseReturnValue:
    """One refund, and paying it out."""
    view = premiums.get_refund(number, actor=actor())
    form = PayoutForm(data={"paid_on": local_date(g.now), "payee": view.row.branch.name})
    form.method.choices = choices("receipt_method")
    if request.method == "POST":
        access.require(actor(), Action.RECEIVE_PREMIUM)
        if attempt_once(form, lambda: premiums.pay_refund(number, form.command(), actor=actor(), now=g.now)):
            return done(_("The refund was paid out."), "premiums_refunds.refund", number=number)
        view = premiums.get_refund(number, actor=actor())
        return again("premiums/refund.html", view=view, form=form, credit_form=Form(), words=words)
    return render_template("premiums/refund.html", view=view, form=form, credit_form=Form(), words=words)


@bp.post("/refunds/<number>/credit")
@login_required
def credit(number: str) -> ResponseReturnValue:
    """Keep a refund as money received."""
    access.require(actor(), Action.RECEIVE_PREMIUM)
    key = Form().idempotency_key.data or ""
    receipt = premiums.credit_refund(number, key=key, actor=actor(), now=g.now)
    return done(_("The refund was credited; allocate its money now."), "premiums.allocate", number=receipt)


@bp.get("/refunds/<number>.pdf")
@login_required
def voucher(number: str) -> ResponseReturnValue:
    """The voucher of a refund that was paid out, to print and sign."""
    view = premiums.get_refund(number, actor=actor())
    if view.row.refund.state is not RefundState.PAID:
        raise NotFound("not_found")
    content = premiums_pdf.voucher_pdf(view, address_of("premiums_refunds.refund", number))
    return as_pdf(content, number, account_id=view.account.id)
