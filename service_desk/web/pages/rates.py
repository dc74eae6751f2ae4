"""Price tables: the versions, one version, and a new one."""

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.policies import VersionForm
from service_desk.presenters import policies as words
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.policies import rates
from service_desk.web.http import actor, again, attempt, current_account, done

bp = Blueprint("rates", __name__)


@bp.get("/rates", endpoint="rates")
@login_required
def rates_page() -> ResponseReturnValue:
    """The versions of each line, and which is in force today."""
    account = current_account()
    tables = rates.list_tables(account.id, actor=actor())
    in_force = {price.table.id for price in rates.in_force(account.id, local_date(g.now)).values()}
    return render_template(
        "rates/list.html", tables=tables, in_force=in_force, today=local_date(g.now), words=words
    )


@bp.get("/rates/<int:table_id>")
@login_required
def table(table_id: int) -> ResponseReturnValue:
    """One version with its lines."""
    return render_template("rates/detail.html", price=rates.get_table(table_id, actor=actor()), words=words)


@bp.route("/rates/<int:table_id>/new-version", methods=["GET", "POST"])
@login_required
def new_version(table_id: int) -> ResponseReturnValue:
    """New prices from a day on, beginning with those of this version."""
    access.require(actor(), Action.MANAGE_SETTINGS)
    price, account = rates.get_table(table_id, actor=actor()), current_account()
    form = VersionForm.for_lines(price.ids)()
    if attempt(
        form,
        lambda: rates.change_premiums(table_id, form.command(account.id), actor=actor(), now=g.now),
    ):
        return done(_("The new prices were saved. The old version stays as it was."), "rates.rates")
    context = {"form": form, "price": price, "account": account, "words": words}
    return (
        again("rates/edit.html", **context)
        if form.is_submitted()
        else render_template("rates/edit.html", **context)
    )
