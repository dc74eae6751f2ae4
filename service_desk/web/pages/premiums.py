"""The premium ledger, what a branch owes, and receipts with their money."""

from collections.abc import Callable
from datetime import date

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import local_date
from service_desk.forms.fields import Form, small_number
from service_desk.forms.premiums import (
    AllocateForm,
    LedgerForm,
    PayBackForm,
    ReasonForm,
    ReceiptForm,
)
from service_desk.models.accounts import Branch
from service_desk.presenters import pdf_documents
from service_desk.presenters import premiums as words
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import named
from service_desk.presenters.sheets.premiums import open_sheet, receipts_sheet
from service_desk.rules.permissions import Action
from service_desk.rules.premium import age_bands, age_of
from service_desk.services import access, accounts, premiums
from service_desk.web.exports import send_book, send_list
from service_desk.web.http import (
    actor,
    again,
    as_pdf,
    attempt,
    current_account,
    done,
    page_request,
)
from service_desk.web.papers import address_of
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("premiums", __name__)


@bp.get("/premiums")
@login_required
def ledger() -> ResponseReturnValue:
    """What each branch owes, by age, now or at the end of a day."""
    account, form = current_account(), LedgerForm(request.args)
    is_valid = form.validate()
    day = form.on.data if is_valid else None
    rows = premiums.ledger(account.id, actor=actor(), now=g.now, on=day)
    today = local_date(g.now)
    form.on.data = form.on.data or today
    return render_template(
        "premiums/ledger.html",
        form=form,
        day=day,
        today=today,
        rows=rows,
        totals=premiums.totals(rows),
        ages=age_bands(premiums.terms_of(account.id).age_days),
        credit=premiums.credit_of(account.id, actor=actor()),
        words=words,
        named=named,
    )


@bp.get("/premiums.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The ledger as a spreadsheet, of the same day."""
    account, form = current_account(), LedgerForm(request.args)
    day = form.on.data if form.validate() else None
    shown_day = day or local_date(g.now)

    def sheets() -> list[TableSheet]:
        rows = premiums.ledger(account.id, actor=actor(), now=g.now, on=day)
        return [words.ledger_sheet(rows, named(account.name, account.name_en), shown_day)]

    return send_book(sheets, f"premiums-{shown_day}.xlsx")


@bp.route("/premiums/branches/<int:branch_id>", methods=["GET", "POST"])
@login_required
def branch(branch_id: int) -> ResponseReturnValue:
    """What a branch owes, and the receipt that settles it."""
    row, owed = premiums.open_receivables(branch_id, actor=actor())
    form = ReceiptForm(data={"received_on": local_date(g.now), "payer": row.name, "method": "transfer"})
    form.method.choices = choices("receipt_method")
    numbers: list[str] = []

    def act() -> None:
        key = form.idempotency_key.data or ""
        numbers.append(premiums.receive(form.command(branch_id), key=key, actor=actor(), now=g.now))

    if request.method == "POST":
        access.require(actor(), Action.RECEIVE_PREMIUM)
        if attempt(form, act):
            return done(_("The receipt was recorded."), "premiums.receipt", number=numbers[0])
        row, owed = premiums.open_receivables(branch_id, actor=actor())
    context = {
        "branch": row,
        "owed": owed,
        "form": form,
        "tone_of": _tone_of(row.account_id),
        "named": named,
    }
    if form.is_submitted():
        return again("premiums/branch.html", **context)
    return render_template("premiums/branch.html", **context)


@bp.get("/premiums/branches/<int:branch_id>.xlsx")
@login_required
def export_branch(branch_id: int) -> ResponseReturnValue:
    """What a branch owes, as a spreadsheet."""
    row = access.get_visible(actor(), Action.READ_PREMIUMS, Branch, Branch.id == branch_id)
    return send_list(
        lambda page: premiums.list_open(branch_id, page, actor=actor()),
        lambda rows: open_sheet(rows, g.now),
        f"open-premium-{local_date(g.now)}.xlsx",
        [(_("Branch"), named(row.name, row.name_en))],
        account_id=row.account_id,
    )


def _tone_of(account_id: int) -> Callable[[date], tuple[str | None, str]]:
    """Tells of a due day how bad it is, None when it has not passed, and its age in words."""
    age_days, today = premiums.terms_of(account_id).age_days, local_date(g.now)

    def tone_of(due_on: date) -> tuple[str | None, str]:
        band = age_of(due_on, today, age_days)
        return words.age_tone(band), words.age_words(band)

    return tone_of


@bp.get("/receipts")
@login_required
def receipts() -> ResponseReturnValue:
    """Receipts, the latest first; or those with money that settles nothing yet."""
    only_unallocated = request.args.get("show") == "unallocated"
    page = premiums.list_receipts(
        current_account().id, page_request(), actor=actor(), only_unallocated=only_unallocated
    )
    return render_template(
        "premiums/receipts.html", page=page, named=named, only_unallocated=only_unallocated
    )


@bp.get("/receipts.xlsx")
@login_required
def export_receipts() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account, only = current_account(), request.args.get("show") == "unallocated"
    return send_list(
        lambda page: premiums.list_receipts(account.id, page, actor=actor(), only_unallocated=only),
        lambda rows: receipts_sheet(rows, g.now),
        f"receipts-{local_date(g.now)}.xlsx",
        [(_("Receipts"), _("Unallocated"))] if only else (),
    )


@bp.get("/receipts/<number>")
@login_required
def receipt(number: str) -> ResponseReturnValue:
    """One receipt, what it settled, and what may be done with its money."""
    return render_template("premiums/receipt.html", **_receipt_context(number))


def _receipt_context(number: str, **forms: Form) -> dict[str, object]:
    fresh = {"reverse_form": ReasonForm, "release_form": ReasonForm, "pay_back_form": PayBackForm}
    context: dict[str, object] = {name: make(formdata=None) for name, make in fresh.items()}
    return {**context, **forms, "view": premiums.get_receipt(number, actor=actor()), "named": named}


@bp.post("/receipts/<number>/reverse")
@login_required
def reverse(number: str) -> ResponseReturnValue:
    """Take a receipt back that was recorded wrongly."""
    access.require(actor(), Action.RECEIVE_PREMIUM)
    form = ReasonForm()
    if attempt_once(
        form,
        lambda: premiums.reverse_receipt(number, form.reason.data or "", actor=actor(), now=g.now),
    ):
        return done(_("The receipt was reversed."), "premiums.receipt", number=number)
    return again("premiums/receipt.html", **_receipt_context(number, reverse_form=form))


@bp.post("/receipts/<number>/release")
@login_required
def release_money(number: str) -> ResponseReturnValue:
    """Take back what a receipt settles."""
    access.require(actor(), Action.RECEIVE_PREMIUM)
    form = ReasonForm()
    if attempt_once(
        form, lambda: premiums.release_money(number, form.reason.data or "", actor=actor(), now=g.now)
    ):
        return done(_("The money is unallocated again."), "premiums.receipt", number=number)
    return again("premiums/receipt.html", **_receipt_context(number, release_form=form))


@bp.post("/receipts/<number>/pay-back")
@login_required
def pay_back(number: str) -> ResponseReturnValue:
    """Owe unallocated money back to the client."""
    access.require(actor(), Action.RECEIVE_PREMIUM)
    form = PayBackForm()
    numbers: list[str] = []

    def act() -> None:
        made = premiums.pay_back(
            number,
            form.amount.fen,
            form.reason.data or "",
            is_another=bool(form.is_another.data),
            key=form.idempotency_key.data or "",
            actor=actor(),
            now=g.now,
        )
        numbers.append(made)

    if attempt(form, act):
        return done(_("The refund is to be paid out."), "premiums_refunds.refund", number=numbers[0])
    return again("premiums/receipt.html", **_receipt_context(number, pay_back_form=form))


@bp.route("/receipts/<number>/allocate", methods=["GET", "POST"])
@login_required
def allocate(number: str) -> ResponseReturnValue:
    """Settle premium of the account with unallocated money of a receipt."""
    access.require(actor(), Action.RECEIVE_PREMIUM)
    view = premiums.get_receipt(number, actor=actor())
    branch_id = small_number(request.values.get("branch")) or view.branch.id
    form = AllocateForm()

    def act() -> None:
        key = form.idempotency_key.data or ""
        premiums.allocate_money(number, form.command(), key=key, actor=actor(), now=g.now)

    if request.method == "POST" and attempt(form, act):
        return done(_("The money was allocated."), "premiums.receipt", number=number)
    if form.is_submitted():
        return again("premiums/allocate.html", **_allocate_context(number, branch_id, form))
    return render_template("premiums/allocate.html", **_allocate_context(number, branch_id, form))


def _allocate_context(number: str, branch_id: int, form: AllocateForm) -> dict[str, object]:
    view = premiums.get_receipt(number, actor=actor())
    chosen, owed = premiums.open_receivables(branch_id, actor=actor())
    return {
        "view": view,
        "form": form,
        "branch": chosen,
        "owed": owed,
        "branches": accounts.list_branches(view.account.id, actor=actor()),
        "tone_of": _tone_of(view.account.id),
        "named": named,
    }


@bp.get("/receipts/<number>.pdf")
@login_required
def receipt_pdf(number: str) -> ResponseReturnValue:
    """One receipt, to print."""
    view = premiums.get_receipt(number, actor=actor())
    content = pdf_documents.receipt_pdf(view, address_of("premiums.receipt", number))
    return as_pdf(content, number, account_id=view.account.id)
