"""Reports: what is made when, all that were made, and one report as it was sent, as of now, or beside another."""

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import member, small_number
from service_desk.presenters import report_documents, report_runs
from service_desk.presenters.sheets.desk import reports_sheet, schedules_sheet
from service_desk.rules.permissions import Action
from service_desk.rules.report_document import ReportKind
from service_desk.services import access
from service_desk.services.reports import comparing, deliveries, runs
from service_desk.services.reports.overview import read_overview
from service_desk.web.exports import send_book, send_list, whole
from service_desk.web.http import actor, as_pdf, current_account, done, page_request
from service_desk.web.sent_twice import press

bp = Blueprint("reports", __name__)


@bp.get("/reports", endpoint="reports")
@login_required
def reports_page() -> ResponseReturnValue:
    """When reports are made, how the last ones fared, and all that were made."""
    account = current_account()
    kind = member(ReportKind, request.args.get("kind"))
    page = runs.list_runs(account.id, page_request(), actor=actor(), kind=kind)
    return render_template(
        "reports/list.html",
        planned=read_overview(account, actor=actor(), now=g.now),
        kind=kind,
        kinds=runs.list_kinds(account.id, actor=actor()),
        page=page,
        deliveries=deliveries.count_deliveries([one.id for one in page.rows]),
        words=report_runs,
    )


@bp.get("/reports.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The reports made, as a spreadsheet."""
    account, kind = current_account(), member(ReportKind, request.args.get("kind"))
    return send_list(
        lambda page: runs.list_runs(account.id, page, actor=actor(), kind=kind),
        lambda rows: reports_sheet(rows, g.now),
        f"reports-{local_date(g.now)}.xlsx",
        [(_("Kind of report"), report_runs.title(kind))] if kind else (),
    )


@bp.get("/reports/schedules.xlsx")
@login_required
def export_schedules() -> ResponseReturnValue:
    """The schedules as the reader sees them, as a spreadsheet."""
    is_whole = access.may(actor(), Action.EDIT_SCHEDULES)
    return send_list(
        whole(read_overview(current_account(), actor=actor(), now=g.now)),
        lambda rows: schedules_sheet(rows, is_whole, g.now),
        f"report-schedules-{local_date(g.now)}.xlsx",
    )


@bp.get("/reports/<int:run_id>")
@login_required
def run(run_id: int) -> ResponseReturnValue:
    """One report as it was made, or as it would be made now, and what became of its mails."""
    found = runs.get_run(run_id, actor=actor())
    is_now = request.args.get("figures") == "now"
    compared = comparing.as_of_now(found, actor=actor(), now=g.now) if is_now else None
    return render_template(
        "reports/detail.html",
        run=found,
        compared=compared,
        difference=compared and report_runs.difference(compared),
        deliveries=deliveries.list_deliveries(found, actor=actor()),
        others=comparing.list_others(found, actor=actor()),
        words=report_runs,
        **report_documents.page_context(
            compared.after if compared else runs.document_of(found), request.args
        ),
    )


@bp.get("/reports/<int:run_id>/compare")
@login_required
def compare(run_id: int) -> ResponseReturnValue:
    """A report beside another of its kind."""
    found = runs.get_run(run_id, actor=actor())
    others = comparing.list_others(found, actor=actor())
    other_id = small_number(request.args.get("other"), digits=18)
    compared = comparing.with_another(found, other_id, actor=actor()) if other_id else None
    return render_template(
        "reports/compare.html",
        run=found,
        others=others,
        other_id=other_id,
        compared=compared,
        difference=compared and report_runs.difference(compared),
        words=report_runs,
    )


@bp.get("/reports/<int:run_id>/report.xlsx")
@login_required
def spreadsheet(run_id: int) -> ResponseReturnValue:
    """The report as a spreadsheet, as it was made, in the reader's language."""
    found = runs.get_run(run_id, actor=actor())
    report = runs.document_of(found)
    name = report_documents.filename(report, "xlsx")
    account_id = found.account_id
    return send_book(lambda: report_documents.sheets(report), name, account_id=account_id)


@bp.get("/reports/<int:run_id>/report.pdf")
@login_required
def paper(run_id: int) -> ResponseReturnValue:
    """The report on paper, as it was made, in the reader's language."""
    found = runs.get_run(run_id, actor=actor())
    report = runs.document_of(found)
    name = report_documents.filename(report, "pdf").removesuffix(".pdf")
    return as_pdf(report_documents.pdf(report), name, account_id=found.account_id)


@bp.post("/reports/<int:run_id>/mails/<int:notice_id>/again")
@login_required
def send_again(run_id: int, notice_id: int) -> ResponseReturnValue:
    """Queue one of the report's mails again."""
    found = runs.get_run(run_id, actor=actor())
    seen = small_number(request.form.get("seen"), digits=18)

    def act() -> str:
        return "sent" if deliveries.send_again(found, notice_id, seen=seen, actor=actor(), now=g.now) else ""

    if press(act):
        return done(_("The mail will be sent again within a minute."), "reports.run", run_id=run_id)
    return done(_("Somebody has sent it again already; it goes out once."), "reports.run", run_id=run_id)
