"""Figures of renewals: the renewal rate with the policies behind it, and the forecast of premium."""

from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import local_date
from service_desk.forms.fields import member, small_number
from service_desk.forms.months import month_code, month_in
from service_desk.forms.renewals import RenewalFilterForm
from service_desk.presenters import renewal_figures as words
from service_desk.presenters.exports import filter_note
from service_desk.presenters.labels import label
from service_desk.presenters.languages import named
from service_desk.rules.periods import Period, month_of, months_after
from service_desk.rules.renewal import RenewalStatus
from service_desk.services.renewals import success
from service_desk.services.renewals.forecast import forecast as forecast_of
from service_desk.services.renewals.success import SuccessDimension
from service_desk.web.exports import send_book, send_list
from service_desk.web.http import actor, current_account, page_request
from service_desk.web.renewal_filters import branch_choices, chosen_words, filter_form

bp = Blueprint("renewals_figures", __name__)

# The trend around the month chosen.
_MONTHS_BACK, _MONTHS_AHEAD = 8, 3


@bp.get("/renewals/rate")
@login_required
def rate() -> ResponseReturnValue:
    """What became of the vehicles whose policies end in a month: due, renewed, to renew, lost."""
    form, month = filter_form(), _month()
    tables = _tables(form, month)
    return render_template(
        "renewals/rate.html",
        form=form,
        month=month,
        code=month_code(month),
        earlier=month_code(months_after(month.first, -1)),
        later=month_code(months_after(month.first, 1)),
        tables=tables,
        words=words,
    )


@bp.get("/renewals/rate.xlsx")
@login_required
def rate_export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account, form, month = current_account(), filter_form(), _month()

    def sheets() -> list[TableSheet]:
        return words.rate_sheets(
            _tables(form, month),
            month,
            named(account.name, account.name_en),
            filter_note(chosen_words(form)),
            local_date(g.now),
        )

    return send_book(sheets, f"renewal-rate-{month_code(month)}.xlsx")


def _month() -> Period:
    return month_in(request.args.get("month")) or month_of(local_date(g.now))


def _tables(form: RenewalFilterForm, month: Period) -> words.RateTables:
    wanted = form.ended(current_account().id, month)
    asked: dict[str, Any] = {"actor": actor(), "now": g.now}
    months = [months_after(month.first, number) for number in range(-_MONTHS_BACK, _MONTHS_AHEAD + 1)]
    by_month = success.count_by_month(wanted, months, **asked)
    return words.RateTables(
        total=by_month[_MONTHS_BACK],
        branches=words.branch_rows(success.count_by(wanted, SuccessDimension.BRANCH, **asked)),
        classes=words.class_rows(success.count_by(wanted, SuccessDimension.USE_CLASS, **asked)),
        months=words.month_rows(months, by_month),
    )


@bp.get("/renewals/rate/policies")
@login_required
def ended() -> ResponseReturnValue:
    """The policies behind a figure of the rate."""
    form, month = filter_form(), _month()
    status = member(RenewalStatus, request.args.get("status"))
    wanted = form.ended(current_account().id, month)
    return render_template(
        "renewals/ended.html",
        form=form,
        month=month,
        code=month_code(month),
        status=status,
        statuses=list(RenewalStatus),
        page=success.page_of_ended(wanted, page_request(), actor=actor(), now=g.now, status=status),
        words=words,
    )


@bp.get("/renewals/rate/policies.xlsx")
@login_required
def ended_export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account, form, month = current_account(), filter_form(), _month()
    status = member(RenewalStatus, request.args.get("status"))
    wanted = form.ended(account.id, month)
    name = named(account.name, account.name_en)
    chosen = chosen_words(form)
    if status:
        chosen.append((_("State"), label(status, "renewal_status")))
    return send_list(
        lambda page: success.page_of_ended(wanted, page, actor=actor(), now=g.now, status=status),
        lambda rows: words.ended_sheet(rows, name, month),
        f"renewals-{month_code(month)}.xlsx",
        chosen,
    )


@bp.get("/renewals/forecast")
@login_required
def forecast() -> ResponseReturnValue:
    """What renewals would bring in the next twelve months."""
    branch_id = small_number(request.args.get("branch"))
    found = forecast_of(current_account().id, actor=actor(), now=g.now, branch_id=branch_id)
    form = filter_form()
    by_month = words.forecast_by_month(found)
    return render_template(
        "renewals/forecast.html",
        form=form,
        by_month=by_month,
        by_branch=words.forecast_by_branch(found),
        total=words.forecast_total(found),
        bars=words.forecast_bars(by_month),
    )


@bp.get("/renewals/forecast.xlsx")
@login_required
def forecast_export() -> ResponseReturnValue:
    """The same as a spreadsheet, with every month, branch and line apart."""
    account, today = current_account(), local_date(g.now)
    branch_id = small_number(request.args.get("branch"))
    chosen = [(_("Branch"), name) for code, name in branch_choices() if code == str(branch_id)]

    def sheets() -> list[TableSheet]:
        found = forecast_of(account.id, actor=actor(), now=g.now, branch_id=branch_id)
        return words.forecast_sheets(found, named(account.name, account.name_en), today, filter_note(chosen))

    return send_book(sheets, f"renewal-forecast-{today}.xlsx")
