"""Renewals: the board, and the reminders sent."""

from dataclasses import replace

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.presenters import renewals as words
from service_desk.presenters.labels import label
from service_desk.presenters.languages import named
from service_desk.presenters.sheets.policies import reminders_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, renewals
from service_desk.services.renewals import outcomes
from service_desk.web.exports import send_list
from service_desk.web.http import actor, current_account, page_request
from service_desk.web.renewal_filters import chosen_words, filter_form

bp = Blueprint("renewals", __name__)


@bp.get("/renewals")
@login_required
def board() -> ResponseReturnValue:
    """Cover that has ended or ends within 120 days and is still to be renewed: counts by branch, and the list."""
    account, form = current_account(), filter_form()
    wanted, asked = form.wanted(account.id), page_request()
    every = renewals.count_board(replace(wanted, bucket=None), actor=actor(), now=g.now)
    shown = [row for row in every if wanted.bucket in (None, row.bucket)]
    total = sum(row.ends for row in shown)
    is_issuing = wanted.bucket is not None and access.may(actor(), Action.ISSUE_POLICIES)
    return render_template(
        "renewals/board.html",
        form=form,
        bucket=wanted.bucket,
        buckets=words.bucket_counts(every),
        every_count=sum(row.ends for row in every),
        outcomes=outcomes.count_outcomes(form.outcomes(account.id, None), actor=actor()),
        board=shown,
        lines=words.branch_lines(shown),
        classes=words.classes_on(shown),
        page=renewals.page_of_expiries(wanted, asked, actor=actor(), now=g.now, total=total),
        ids=renewals.vehicle_ids(wanted, actor=actor(), now=g.now) if is_issuing else {},
        words=words,
        named=named,
    )


@bp.get("/renewals.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The cover to be renewed as filtered, as a spreadsheet."""
    account, form = current_account(), filter_form()
    wanted = form.wanted(account.id)
    counted = renewals.count_board(wanted, actor=actor(), now=g.now)
    total = sum(row.ends for row in counted if wanted.bucket in (None, row.bucket))
    chosen = chosen_words(form)
    if wanted.bucket:
        chosen.append((_("Ends"), label(wanted.bucket, "renewal_bucket")))
    today = local_date(g.now)
    return send_list(
        lambda page: renewals.page_of_expiries(wanted, page, actor=actor(), now=g.now, total=total),
        lambda rows: words.board_sheet(rows, named(account.name, account.name_en), today),
        f"renewals-{today}.xlsx",
        chosen,
    )


@bp.get("/renewals/reminders")
@login_required
def reminders() -> ResponseReturnValue:
    """The reminders sent."""
    page = renewals.list_reminders(current_account().id, page_request(), actor=actor())
    return render_template("renewals/reminders.html", page=page, named=named)


@bp.get("/renewals/reminders.xlsx")
@login_required
def export_reminders() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: renewals.list_reminders(account.id, page, actor=actor()),
        lambda rows: reminders_sheet(rows, g.now),
        f"reminders-{local_date(g.now)}.xlsx",
    )
