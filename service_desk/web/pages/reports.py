"""Reports: the schedule, the runs with what was sent, and a run by hand."""

from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.errors import NotFound
from service_desk.forms.reports import RunNowForm, ScheduleForm
from service_desk.models.accounts import KeyAccount
from service_desk.models.reports import ReportSchedule
from service_desk.presenters import reports as words
from service_desk.presenters.labels import choices
from service_desk.presenters.sla_reviews import cause_names
from service_desk.rules.permissions import Action
from service_desk.rules.schedule import last_full_week, next_period, sent_at
from service_desk.services import access, submissions
from service_desk.services.reports import runs, schedules
from service_desk.services.reports.figures import WeeklyReport
from service_desk.web.http import actor, again, attempt, current_account, done, page_request

bp = Blueprint("reports", __name__)


@bp.get("/reports", endpoint="reports")
@login_required
def reports_page() -> ResponseReturnValue:
    """When reports are made, to whom they go, and all that were made."""
    account = current_account()
    return render_template("reports/list.html", **_list_context(account, None, None))


@bp.post("/reports/schedule")
@login_required
def schedule() -> ResponseReturnValue:
    """Change when the report is made, or pause it."""
    account = current_account()
    access.require(actor(), Action.EDIT_SCHEDULES)
    found = schedules.find_schedule(account.id, actor=actor())
    if found is None:
        raise NotFound("not_found")
    form = _schedule_form(found)
    if attempt(
        form,
        lambda: schedules.edit_schedule(
            found.id, form.command(), form.shown_version, actor=actor(), now=g.now
        ),
    ):
        return done(_("The schedule was changed."), "reports.reports")
    return again("reports/list.html", **_list_context(account, form, None))


@bp.post("/reports/run")
@login_required
def run_now() -> ResponseReturnValue:
    """Make the report of a past week by hand. The same form sent twice makes one report."""
    account, form = current_account(), RunNowForm()
    access.require(actor(), Action.RUN_REPORTS)
    made: list[str] = []

    def make() -> str:
        return str(runs.run_now(account.id, form.command(), actor=actor(), now=g.now).id)

    def act() -> None:
        key = form.idempotency_key.data or ""
        made.append(submissions.once("report_run", key, make, actor=actor(), now=g.now))

    if attempt(form, act):
        return done(_("The report was made."), "reports.run", run_id=int(made[0]))
    return again("reports/list.html", **_list_context(account, None, form))


@bp.get("/reports/<int:run_id>")
@login_required
def run(run_id: int) -> ResponseReturnValue:
    """One report as it was made, and what became of its mails."""
    found = runs.get_run(run_id, actor=actor())
    return render_template(
        "reports/detail.html",
        run=found,
        report=WeeklyReport.from_json(found.figures),
        deliveries=runs.list_deliveries(found, actor=actor()),
        cause_names=cause_names(),
        words=words,
    )


@bp.get("/reports/<int:run_id>/report.xlsx")
@login_required
def spreadsheet(run_id: int) -> ResponseReturnValue:
    """The report as a spreadsheet, in the reader's language."""
    report = WeeklyReport.from_json(runs.get_run(run_id, actor=actor()).figures)
    return send_file(
        BytesIO(words.workbook(report)),
        mimetype=words.XLSX,
        as_attachment=True,
        download_name=words.filename(report),
    )


@bp.post("/reports/<int:run_id>/mails/<int:notice_id>/again")
@login_required
def send_again(run_id: int, notice_id: int) -> ResponseReturnValue:
    """Queue one of the report's mails again."""
    found = runs.get_run(run_id, actor=actor())
    runs.send_again(found, notice_id, actor=actor(), now=g.now)
    return done(_("The mail will be sent again within a minute."), "reports.run", run_id=run_id)


def _list_context(
    account: KeyAccount, schedule_form: ScheduleForm | None, run_form: RunNowForm | None
) -> dict[str, Any]:
    found = schedules.find_schedule(account.id, actor=actor())
    page = runs.list_runs(account.id, page_request(), actor=actor())
    last_week = last_full_week(g.now, ZoneInfo(account.zone))
    return {
        "schedule": found,
        "next_run": _next_run(found, account),
        "schedule_form": schedule_form or (found and _schedule_form(found, shown=True)),
        "run_form": run_form or RunNowForm(formdata=None, data={"week": last_week, "is_sent": True}),
        "recipients": runs.list_recipients(account.id),
        "page": page,
        "deliveries": runs.count_deliveries([one.id for one in page.rows]),
    }


def _schedule_form(found: ReportSchedule, *, shown: bool = False) -> ScheduleForm:
    form = (
        ScheduleForm(formdata=None, data=ScheduleForm.values_of(found))
        if shown
        else ScheduleForm(data=ScheduleForm.values_of(found))
    )
    form.weekday.choices = [(int(code), name) for code, name in choices("report_weekday")]
    return form


def _next_run(found: ReportSchedule | None, account: KeyAccount) -> Any:
    """The instant of the next scheduled report; None while it is paused."""
    if found is None or not found.is_active:
        return None
    rule = schedules.rule_of(found, account.zone)
    return sent_at(rule, next_period(rule, g.now))
