"""The premium ledger, what a branch owes, and receipts."""

from io import BytesIO

from flask import Blueprint, current_app, g, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.premiums import ReceiptForm
from service_desk.presenters import pdf_documents
from service_desk.presenters import premiums as words
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import named
from service_desk.rules.permissions import Action
from service_desk.rules.premium import Age, age_of
from service_desk.services import access, premiums
from service_desk.web.http import actor, again, attempt, current_account, done, page_request, spreadsheet

bp = Blueprint("premiums", __name__)


@bp.get("/premiums")
@login_required
def ledger() -> ResponseReturnValue:
    """What each branch owes, by age."""
    account = current_account()
    rows = premiums.ledger(account.id, actor=actor(), now=g.now)
    return render_template(
        "premiums/ledger.html",
        rows=rows,
        totals=words.totals(rows),
        ages=list(Age),
        tones=words.AGE_TONES,
        credit=premiums.credit_of(account.id, actor=actor()),
        named=named,
    )


@bp.get("/premiums.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The ledger as a spreadsheet."""
    account = current_account()
    rows = premiums.ledger(account.id, actor=actor(), now=g.now)
    book = words.ledger_workbook(rows, named(account.name, account.name_en), local_date(g.now))
    return spreadsheet(book, f"premiums-{local_date(g.now)}.xlsx")


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
        "today": local_date(g.now),
        "age_of": age_of,
        "tones": words.AGE_TONES,
        "named": named,
    }
    if form.is_submitted():
        return again("premiums/branch.html", **context)
    return render_template("premiums/branch.html", **context)


@bp.get("/receipts")
@login_required
def receipts() -> ResponseReturnValue:
    """Receipts, the latest first."""
    page = premiums.list_receipts(current_account().id, page_request(), actor=actor())
    return render_template("premiums/receipts.html", page=page, named=named)


@bp.get("/receipts/<number>")
@login_required
def receipt(number: str) -> ResponseReturnValue:
    """One receipt and what it settled."""
    view = premiums.get_receipt(number, actor=actor())
    return render_template("premiums/receipt.html", view=view, named=named)


@bp.get("/receipts/<number>.pdf")
@login_required
def receipt_pdf(number: str) -> ResponseReturnValue:
    """One receipt, to print."""
    view = premiums.get_receipt(number, actor=actor())
    address = (
        f"{current_app.extensions['desk_config'].public_url}{url_for('premiums.receipt', number=number)}"
    )
    content = pdf_documents.receipt_pdf(view, address)
    return send_file(BytesIO(content), mimetype="application/pdf", download_name=f"{number}.pdf")
