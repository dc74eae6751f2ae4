"""The monthly underwriting figures."""

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import local_date
from service_desk.forms.months import month_code, month_in
from service_desk.presenters import underwriting as words
from service_desk.rules.periods import Period, month_of, months_after
from service_desk.services.reports import underwriting
from service_desk.web.exports import send_book
from service_desk.web.http import actor, current_account

bp = Blueprint("reports_underwriting", __name__)

# The chooser offers so many months back; older ones are reached by the buttons.
_MONTHS_OFFERED = 24


@bp.get("/reports/underwriting")
@login_required
def month() -> ResponseReturnValue:
    """Issued, endorsed and cancelled in a month, compared with the month and the year before."""
    chosen = _month()
    found = underwriting.month_figures(current_account().id, chosen, actor=actor())
    this_month = month_of(local_date(g.now))
    offered = [months_after(this_month.first, -number) for number in range(_MONTHS_OFFERED)]
    return render_template(
        "reports/underwriting.html",
        found=found,
        code=month_code(chosen),
        offered=sorted({month_code(one) for one in [*offered, chosen]}, reverse=True),
        earlier=month_code(months_after(chosen.first, -1)),
        later=month_code(months_after(chosen.first, 1)) if chosen.first < this_month.first else None,
        words=words,
        columns=words.columns(),
        tables=words.tables(found),
        notes=words.notes(found, g.now),
    )


@bp.get("/reports/underwriting.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    chosen = _month()

    def sheets() -> list[TableSheet]:
        found = underwriting.month_figures(current_account().id, chosen, actor=actor())
        return words.sheets(found, g.now)

    return send_book(sheets, f"underwriting-{month_code(chosen)}.xlsx")


def _month() -> Period:
    """The month asked for; the last one that is over for none, nonsense or one that has not begun."""
    this_month = month_of(local_date(g.now))
    asked = month_in(request.args.get("month"))
    if asked is None or asked.first > this_month.first:
        return months_after(this_month.first, -1)
    return asked
