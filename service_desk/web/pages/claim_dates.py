"""Claims whose dates are out of order, for managers, with the same as a spreadsheet."""

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import member, small_number
from service_desk.presenters import claims as claim_words
from service_desk.presenters import date_order as words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name
from service_desk.rules.periods import Preset, period_of
from service_desk.services.claims.date_order import DateOrderFilter, list_disordered
from service_desk.services.claims.files import list_branches
from service_desk.web.exports import send_list
from service_desk.web.http import actor, current_account, page_request

bp = Blueprint("claim_dates", __name__)


@bp.get("/claims/dates")
@login_required
def disordered() -> ResponseReturnValue:
    """The list, by when the claims were reported and by branch."""
    account = current_account()
    return render_template(
        "claims/dates.html",
        page=list_disordered(account.id, _wanted(), page_request(), actor=actor()),
        wanted=_wanted(),
        period=_preset().value,
        periods=choices("compliance_period"),
        branches=[(b.id, branch_name(b)) for b in list_branches(account.id, actor=actor())],
        words=words,
        plate=claim_words.plate,
    )


@bp.get("/claims/dates.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The list as filtered, a line for each date."""
    account, wanted = current_account(), _wanted()
    return send_list(
        lambda page: list_disordered(account.id, wanted, page, actor=actor()),
        lambda rows: words.sheet(rows, g.now),
        _("dates-out-of-order.xlsx"),
        [(_("Reported"), label(_preset(), "compliance_period"))],
    )


def _preset() -> Preset:
    found: Preset | None = member(Preset, request.args.get("period"))
    return found or Preset.LAST_90_DAYS


def _wanted() -> DateOrderFilter:
    return DateOrderFilter(period_of(_preset(), local_date(g.now)), small_number(request.args.get("branch")))
