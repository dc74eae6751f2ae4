"""Quote sheets: the list, a new one, one sheet with its floats and taxes, as a workbook and on paper."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet, read_workbook
from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.base.paging import PageRequest
from service_desk.forms.policies import CandidateForm, ids_in
from service_desk.forms.quotes import FloatListForm, FloatsForm, HoldForm, QuoteSheetForm, SheetFilterForm
from service_desk.presenters import policies as words
from service_desk.presenters import quotes as shown
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import current_language, in_language, named, normalise_language
from service_desk.presenters.sheets.policies import quotes_sheet
from service_desk.rules.permissions import Action
from service_desk.rules.price_sheet import read_floats
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, accounts
from service_desk.services.exports import in_portions
from service_desk.services.policies import VehicleTerms, candidates, quote_queries, quote_sheets, rates
from service_desk.services.policies.quote_queries import QuotedVehicle, SheetView
from service_desk.web.exports import chosen_in, send_book, send_list
from service_desk.web.http import (
    actor,
    again,
    as_pdf,
    attempt,
    current_account,
    done,
    page_request,
    uploads,
)

bp = Blueprint("quotes", __name__)


@bp.get("/quotes", endpoint="quotes")
@login_required
def quotes_page() -> ResponseReturnValue:
    """The quote sheets of the account."""
    form = _filter_form()
    wanted = form.wanted(current_account().id)
    page = quote_queries.list_sheets(wanted, page_request(), actor=actor(), now=g.now)
    return render_template("quotes/list.html", form=form, page=page, shown=shown)


def _filter_form() -> SheetFilterForm:
    form = SheetFilterForm(request.args)
    form.state.choices = [("", _("All states")), *choices("quote_state")]
    return form


@bp.get("/quotes.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The quote sheets as filtered, as a spreadsheet."""
    form = _filter_form()
    wanted = form.wanted(current_account().id)
    return send_list(
        lambda page: quote_queries.list_sheets(wanted, page, actor=actor(), now=g.now),
        lambda rows: quotes_sheet(rows, g.now),
        f"quotes-{local_date(g.now)}.xlsx",
        chosen_in(form),
    )


@bp.route("/quotes/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """A new sheet: for a part of the fleet, or for the vehicles chosen in a list (`vehicle_id`, repeated)."""
    access.require(actor(), Action.QUOTE)
    if "idempotency_key" not in request.form:
        return _new_page(_with_choices(_new_form()))
    form = _with_choices(QuoteSheetForm())
    made: list[str] = []

    def act() -> None:
        account = current_account()
        chosen = form.chosen_ids() or quote_queries.vehicle_ids_of(form.part(account.id), actor=actor())
        key = form.idempotency_key.data or ""
        made.append(quote_sheets.make(form.command(account.id, chosen), key=key, actor=actor(), now=g.now))

    if attempt(form, act):
        return done(_("The quote sheet was made."), "quotes.quote", number=made[0])
    return again("quotes/new.html", form=form, chosen_count=len(form.chosen_ids()))


def _new_form() -> QuoteSheetForm:
    if request.values.get("all"):
        wanted = CandidateForm(request.values).wanted(current_account().id)
        chosen = tuple(candidates.candidate_ids(wanted, actor=actor(), now=g.now))
    else:
        chosen = ids_in([*request.values.getlist("vehicle_id"), *request.values.getlist("vehicle_ids")])
    valid_until = local_date(g.now) + timedelta(days=quote_sheets.USUAL_VALID_DAYS)
    data = {
        "vehicle_ids": ",".join(map(str, chosen)),
        "branch": request.values.get("branch", ""),
        "use_class": request.values.get("use_class", ""),
        "lines": [line.value for line in PolicyLine],
        "valid_until": valid_until,
    }
    return QuoteSheetForm(formdata=None, data=data)


def _with_choices(form: QuoteSheetForm) -> QuoteSheetForm:
    account = current_account()
    tables = rates.in_force(account.id, local_date(g.now))
    branches = accounts.list_branches(account.id, actor=actor())
    form.branch.choices = [
        ("", _("All branches")),
        *((str(row.id), named(row.name, row.name_en)) for row in branches),
    ]
    form.use_class.choices = [("", _("All classes")), *choices("use_class")]
    form.lines.choices = [(line.value, label(line, "policy_line")) for line in PolicyLine if line in tables]
    form.start.choices = choices("cover_start")
    for line in PolicyLine:
        select = form.cover_set_of(line)
        codes = tables[line].cover_sets if line in tables else []
        select.choices = [(code, words.cover_set(code)) for code in codes]
        if select.data not in codes:
            select.data = codes[0] if codes else ""
    return form


def _new_page(form: QuoteSheetForm) -> ResponseReturnValue:
    return render_template("quotes/new.html", form=form, chosen_count=len(form.chosen_ids()))


@bp.get("/quotes/<number>")
@login_required
def quote(number: str) -> ResponseReturnValue:
    """One sheet, a page of its vehicles."""
    return render_template("quotes/detail.html", **_context(_view(number), HoldForm(formdata=None)))


def _view(number: str, *, is_whole: bool = False) -> SheetView:
    page = None if is_whole else page_request()
    return quote_queries.get_sheet(number, page, actor=actor(), now=g.now)


def _context(view: SheetView, hold_form: HoldForm) -> dict[str, Any]:
    if not hold_form.is_submitted() or hold_form.valid_until.data is None:
        hold_form.valid_until.data = view.sheet.valid_until
    return {"view": view, "hold_form": hold_form, "words": words, "shown": shown}


@bp.post("/quotes/<number>/hold")
@login_required
def hold(number: str) -> ResponseReturnValue:
    """Hold the prices until another day."""
    form = HoldForm()
    if attempt(
        form, lambda: quote_sheets.hold_until(number, form.valid_until.data, actor=actor(), now=g.now)
    ):
        return done(_("The day was changed."), "quotes.quote", number=number)
    return again("quotes/detail.html", **_context(_view(number), form))


@bp.post("/quotes/<number>/again")
@login_required
def quote_again(number: str) -> ResponseReturnValue:
    """A new sheet for the same vehicles at today's prices."""
    key = request.form.get("idempotency_key", "")[:64]
    made = quote_sheets.quote_again(number, key=key, actor=actor(), now=g.now)
    return done(_("Quoted again at the prices of today."), "quotes.quote", number=made)


@bp.route("/quotes/<number>/floats", methods=["GET", "POST"])
@login_required
def floats(number: str) -> ResponseReturnValue:
    """Floats and taxes of a page of vehicles, typed."""
    view = _view(number)
    own = _terms(view)
    form = _offering_floats(FloatsForm.for_vehicles(own)())
    if attempt(form, lambda: quote_sheets.set_terms(number, form.terms(), actor=actor(), now=g.now)):
        return done(
            _("Floats and taxes were saved."),
            "quotes.floats",
            number=number,
            page=view.page.number,
            size=view.page.size,
        )
    context = {
        "form": form,
        "list_form": FloatListForm(formdata=None),
        "view": view,
        "shown": shown,
        "own": own,
    }
    if form.is_submitted():
        return again("quotes/floats.html", **context)
    return render_template("quotes/floats.html", **context)


def _offering_floats(form: FloatsForm) -> FloatsForm:
    offered = shown.float_choices()
    for id_ in form.ids:
        form[f"float-{id_}"].choices = offered
    return form


def _terms(view: SheetView) -> dict[int, VehicleTerms]:
    """Float and tax of each vehicle of the page whose CTPL is priced."""
    return {
        line.vehicle_id: VehicleTerms(CtplFloat(line.ctpl_float or "A4"), line.tax_fen)
        for vehicle in view.page.rows
        for line in vehicle.lines
        if line.line is PolicyLine.CTPL and line.base_fen is not None
    }


@bp.post("/quotes/<number>/floats/file")
@login_required
def float_list(number: str) -> ResponseReturnValue:
    """Floats and taxes from a workbook; nothing is taken when one row is wrong."""
    form = FloatListForm()
    count: list[int] = []

    def act() -> None:
        sent = uploads("file")
        if not sent:
            raise Invalid("file_missing", field="file")
        rows = read_floats(read_workbook(sent[0].content))
        count.append(quote_sheets.set_terms_from_rows(number, rows, actor=actor(), now=g.now))

    if attempt(form, act):
        return done(
            _("Floats and taxes of %(count)s vehicles were read.", count=count[0]),
            "quotes.quote",
            number=number,
        )
    view = _view(number)
    own = _terms(view)
    typed = _offering_floats(FloatsForm.for_vehicles(own)(formdata=None))
    return again("quotes/floats.html", form=typed, list_form=form, view=view, shown=shown, own=own)


@bp.get("/quotes/<number>/floats.xlsx")
@login_required
def floats_workbook(number: str) -> ResponseReturnValue:
    """The vehicles with their floats and taxes, to be filled in and sent back."""
    account_id = quote_sheets.find(number, actor()).account_id

    def sheets() -> list[TableSheet]:
        return [shown.floats_sheet(number, _vehicles(number))]

    return send_book(sheets, f"{number}-floats.xlsx", account_id=account_id)


@bp.get("/quotes/<number>.xlsx")
@login_required
def workbook(number: str) -> ResponseReturnValue:
    """The whole sheet as a workbook."""
    account_id = quote_sheets.find(number, actor()).account_id

    def sheets() -> list[TableSheet]:
        view = quote_queries.get_sheet(number, PageRequest(1, 1), actor=actor(), now=g.now)
        return shown.quote_sheets(view, _vehicles(number))

    return send_book(sheets, f"{number}.xlsx", account_id=account_id)


def _vehicles(number: str) -> Iterable[QuotedVehicle]:
    """All of a sheet, read while they are written."""
    return in_portions(lambda page: quote_queries.list_vehicles(number, page, actor=actor()), portion=500)


@bp.get("/quotes/<number>.pdf")
@login_required
def pdf(number: str) -> ResponseReturnValue:
    """The whole sheet, to hand to the client; `language` when it is to be in another than the reader's."""
    view = _view(number, is_whole=True)
    public = current_app.extensions["desk_config"].public_url
    address = f"{public}{url_for('quotes.quote', number=number)}"
    with in_language(normalise_language(request.args.get("language")) or current_language()):
        return as_pdf(shown.quote_pdf(view, address), number, account_id=view.account.id)
