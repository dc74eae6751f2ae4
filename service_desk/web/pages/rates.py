"""Price tables: the versions, one version on the page, as a workbook and on paper, and a new one begun."""

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.rates import BeginForm
from service_desk.models.accounts import KeyAccount
from service_desk.presenters import policies as words
from service_desk.presenters import price_tables
from service_desk.presenters.languages import current_language, in_language, named, normalise_language
from service_desk.presenters.sheets.policies import rates_sheet
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access
from service_desk.services.policies import rate_drafts, rates
from service_desk.services.policies.rates import PriceTable
from service_desk.web.exports import send_book, send_list, whole
from service_desk.web.http import (
    actor,
    again,
    as_pdf,
    attempt,
    current_account,
    done,
    uploads,
)
from service_desk.web.sent_twice import press

bp = Blueprint("rates", __name__)


@bp.get("/rates", endpoint="rates")
@login_required
def rates_page() -> ResponseReturnValue:
    """The versions of each line, which is in force today, and the drafts."""
    account = current_account()
    tables = rates.list_tables(account.id, actor=actor())
    in_force = {price.table.id for price in rates.in_force(account.id, local_date(g.now)).values()}
    may_edit = access.may(actor(), Action.MANAGE_SETTINGS)
    return render_template(
        "rates/list.html",
        tables=tables,
        in_force=in_force,
        drafts=rate_drafts.list_drafts(account.id, actor=actor()) if may_edit else [],
        today=local_date(g.now),
    )


@bp.get("/rates.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The price tables as a spreadsheet, a line each."""
    tables = rates.list_tables(current_account().id, actor=actor())
    return send_list(
        whole(tables), lambda rows: rates_sheet(rows, g.now), f"price-tables-{local_date(g.now)}.xlsx"
    )


@bp.get("/rates.pdf")
@login_required
def in_force_pdf() -> ResponseReturnValue:
    """All prices in force today on one paper."""
    access.require(actor(), Action.QUOTE)
    tables = rates.in_force(current_account().id, local_date(g.now))
    if not tables:
        raise NotFound("not_found")
    return _printed([tables[line] for line in PolicyLine if line in tables], "price-table")


@bp.get("/rates/<int:table_id>")
@login_required
def table(table_id: int) -> ResponseReturnValue:
    """One version with its lines."""
    return _table_page(rates.get_table(table_id, actor=actor()))


def _table_page(price: PriceTable) -> ResponseReturnValue:
    return render_template(
        "rates/detail.html",
        price=price,
        has_begun=price.has_begun(local_date(g.now)),
        words=words,
        shown=price_tables,
    )


@bp.get("/rates/<int:table_id>.xlsx")
@login_required
def workbook(table_id: int) -> ResponseReturnValue:
    """One version as a workbook that can be changed and sent back."""
    price = rates.get_table(table_id, actor=actor())
    name = f"price-table-{price.table.line.value}-{price.table.effective_on}.xlsx"
    return send_book(lambda: price_tables.sheets(price), name, account_id=price.table.account_id)


@bp.get("/rates/<int:table_id>.pdf")
@login_required
def table_pdf(table_id: int) -> ResponseReturnValue:
    """One version, to print."""
    price = rates.get_table(table_id, actor=actor())
    return _printed([price], f"price-table-{price.table.line.value}-{price.table.effective_on}")


def _printed(tables: list[PriceTable], name: str) -> ResponseReturnValue:
    """In the language asked for, else the reader's: the client may read another."""
    account = _owner(tables[0])
    with in_language(normalise_language(request.args.get("language")) or current_language()):
        owner = named(account.name, account.name_en)
        content = price_tables.tables_pdf(tables, owner, local_date(g.now))
    return as_pdf(content, name, account_id=account.id)


def _owner(price: PriceTable) -> KeyAccount:
    """Whose prices they are: a link may lead to another account's; general ones are for whom somebody works."""
    own = price.table.account_id
    return access.get_account(actor(), own) if own is not None else current_account()


@bp.route("/rates/<int:table_id>/new-version", methods=["GET", "POST"])
@login_required
def new_version(table_id: int) -> ResponseReturnValue:
    """Begin a new version from this one's lines or from a workbook; nothing counts before it is confirmed."""
    access.require(actor(), Action.MANAGE_SETTINGS)
    price, account, form = rates.get_table(table_id, actor=actor()), current_account(), BeginForm()
    begun: list[int] = []

    def act() -> None:
        sent = uploads("file")
        details = form.command(account.id)
        key = form.idempotency_key.data or ""
        draft_id = rate_drafts.begin(
            table_id, details, sent[0] if sent else None, key=key, actor=actor(), now=g.now
        )
        begun.append(draft_id)

    if attempt(form, act):
        return done(
            _("Nothing counts yet. Change the lines, look at the differences, then make the version."),
            "rates_drafts.draft",
            draft_id=begun[0],
        )
    context = {
        "form": form,
        "price": price,
        "has_begun": price.has_begun(local_date(g.now)),
        "account": account,
        "words": words,
    }
    if form.is_submitted():
        return again("rates/begin.html", **context)
    return render_template("rates/begin.html", **context)


@bp.post("/rates/<int:table_id>/withdraw")
@login_required
def withdraw(table_id: int) -> ResponseReturnValue:
    """Take a version back before it begins."""
    press(lambda: rates.withdraw(table_id, actor=actor(), now=g.now))
    return done(_("The version was withdrawn. The one before it goes on."), "rates.rates")
