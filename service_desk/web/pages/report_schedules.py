"""When a report is made and who gets it; a preview; and a run by hand of any period that is over."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.forms.fields import member
from service_desk.forms.reports import RecipientsForm, RunNowForm, ScheduleForm
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.reports import ReportSchedule
from service_desk.presenters import report_documents, report_runs
from service_desk.presenters.audit import Names, people_ids, shown_entry
from service_desk.rules.permissions import Action
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import FREQUENCY, last_full_period
from service_desk.services import access, audit, submissions
from service_desk.services.audit import TrailFilter
from service_desk.services.reports import faults, makers, recipients, runs, schedules
from service_desk.services.reports.overview import failing, next_runs
from service_desk.web.http import STATUS_OF, actor, again, attempt, current_account, done
from service_desk.web.sent_twice import attempt_once, press

bp = Blueprint("report_schedules", __name__)

_ENTRIES_SHOWN = 50


@bp.get("/reports/schedules/<int:schedule_id>")
@login_required
def schedule(schedule_id: int) -> ResponseReturnValue:
    """One schedule: when, who, and who changed it."""
    found = schedules.get_schedule(schedule_id, actor=actor())
    return render_template("reports/schedule.html", **_context(found))


@bp.post("/reports/schedules/<int:schedule_id>")
@login_required
def edit(schedule_id: int) -> ResponseReturnValue:
    """Change when the report is made, or pause it."""
    found = schedules.get_schedule(schedule_id, actor=actor())
    form = _schedule_form(found)
    if attempt_once(
        form,
        lambda: schedules.edit_schedule(
            schedule_id, form.command(), form.shown_version, actor=actor(), now=g.now
        ),
    ):
        return done(_("The schedule was changed."), "report_schedules.schedule", schedule_id=schedule_id)
    return _again(found, schedule_form=form)


@bp.post("/reports/schedules/<int:schedule_id>/recipients")
@login_required
def edit_recipients(schedule_id: int) -> ResponseReturnValue:
    """Change who gets the report, in which language and by what."""
    found = schedules.get_schedule(schedule_id, actor=actor())
    form = _recipients_form(found)
    if attempt_once(
        form,
        lambda: recipients.edit(schedule_id, form.choices(), form.shown_version, actor=actor(), now=g.now),
    ):
        return done(_("The recipients were changed."), "report_schedules.schedule", schedule_id=schedule_id)
    return _again(found, recipients_form=form)


@bp.post("/reports/schedules/<int:schedule_id>/try")
@login_required
def try_now(schedule_id: int) -> ResponseReturnValue:
    """Try again at once what could not be made."""
    press(lambda: faults.try_now(schedule_id, actor=actor(), now=g.now))
    words = _("The report will be tried again within a minute.")
    return done(words, "report_schedules.schedule", schedule_id=schedule_id)


@bp.get("/reports/<kind>/preview")
@login_required
def preview(kind: str) -> ResponseReturnValue:
    """The report of the running period as far as it has gone."""
    known, account = _kind(kind), current_account()
    report = runs.preview(account.id, known, actor=actor(), now=g.now)
    return render_template(
        "reports/preview.html",
        kind=known,
        schedule=schedules.find_schedule(account.id, known, actor=actor()),
        **report_documents.page_context(report, request.args),
    )


@bp.get("/reports/<kind>/run")
@login_required
def run_form(kind: str) -> ResponseReturnValue:
    """Choose the period of a report to be made by hand."""
    known, account = _kind(kind), current_account()
    access.require(actor(), Action.RUN_REPORTS)
    proposed = last_full_period(FREQUENCY[known], g.now, ZoneInfo(account.zone))
    form = RunNowForm(known, formdata=None, data=RunNowForm.values_of(proposed))
    return render_template("reports/run_now.html", **_run_context(known, account, form))


@bp.post("/reports/<kind>/run")
@login_required
def run_now(kind: str) -> ResponseReturnValue:
    """Make the report of a past period by hand. The same form sent twice makes one report."""
    known, account = _kind(kind), current_account()
    access.require(actor(), Action.RUN_REPORTS)
    form, made = RunNowForm(known), []

    def make() -> str:
        return str(runs.run_now(account.id, form.command(), actor=actor(), now=g.now).id)

    def act() -> None:
        key = form.idempotency_key.data or ""
        try:
            made.append(submissions.once("report_run", key, make, actor=actor(), now=g.now))
        except Invalid as refused:
            refused.field = form.period_field if refused.field == "day" else refused.field
            raise

    if attempt(form, act):
        is_sent = form.is_sent.data and recipients.to_send(account.id, known)
        words = (
            _("The report was made and goes to its recipients.")
            if is_sent
            else _("The report was made. It was sent to nobody.")
        )
        return done(words, "reports.run", run_id=int(made[0]))
    return again("reports/run_now.html", **_run_context(known, account, form))


def _again(
    found: ReportSchedule,
    *,
    schedule_form: ScheduleForm | None = None,
    recipients_form: RecipientsForm | None = None,
) -> ResponseReturnValue:
    """The page again after a refusal, with what was typed. Who saw the conflict may send again: the page says
    beside the form what the schedule is now and who changed it."""
    form = schedule_form or recipients_form
    if form is not None and g.get("refusal_status") == STATUS_OF[Conflict]:
        form.version.data = str(found.version)
    return again("reports/schedule.html", **_context(found, schedule_form, recipients_form))


def _kind(code: str) -> ReportKind:
    """The kind an address names; NotFound for one nobody makes."""
    kind: ReportKind | None = member(ReportKind, code)
    if kind is None or kind not in makers.kinds():
        raise NotFound("not_found")
    return kind


def _run_context(kind: ReportKind, account: KeyAccount, form: RunNowForm) -> dict[str, Any]:
    return {
        "kind": kind,
        "frequency": FREQUENCY[kind],
        "form": form,
        "recipients": recipients.to_send(account.id, kind),
        "schedule": schedules.find_schedule(account.id, kind, actor=actor()),
    }


def _context(
    found: ReportSchedule,
    schedule_form: ScheduleForm | None = None,
    recipients_form: RecipientsForm | None = None,
) -> dict[str, Any]:
    listed = recipients.list_for(found)
    account = db.session.get_one(KeyAccount, found.account_id)
    wanted = TrailFilter(entity_kind=ReportSchedule.__tablename__, entity_id=found.id)
    trail = audit.list_entries(wanted, PageRequest(1, _ENTRIES_SHOWN), actor=actor())
    names = Names(audit.people_of(people_ids(entry for entry, _who in trail.rows)), {})
    kind = ReportKind(found.kind)
    latest = runs.latest_runs(found.account_id, actor=actor())
    return {
        "schedule": found,
        "account": account,
        # What is made by hand or previewed is of the account somebody works in, which an administrator's may not be.
        "is_current_account": account.id == current_account().id,
        "kind": kind,
        "next_at": next_runs([found], account, g.now).get(found.id),
        "last_run": latest.get(found.kind),
        "failing": failing(found, account, g.now),
        "schedule_form": schedule_form or _schedule_form(found, shown=True),
        "recipients_form": recipients_form or _recipients_form(found, shown=True),
        "people": {one.person.key: one for one in listed},
        "channels": recipients.list_channels(found, actor=actor()),
        "trail": trail,
        "entries": [shown_entry(entry, who, names, g.now) for entry, who in trail.rows],
        "words": report_runs,
    }


def _schedule_form(found: ReportSchedule, *, shown: bool = False) -> ScheduleForm:
    sent = {"formdata": None} if shown else {}
    form = ScheduleForm(data=ScheduleForm.values_of(found), **sent)
    form.day.choices = report_runs.day_choices(ReportKind(found.kind))
    return form


def _recipients_form(found: ReportSchedule, *, shown: bool = False) -> RecipientsForm:
    sent = {"formdata": None} if shown else {}
    form = RecipientsForm(data=RecipientsForm.values_of(found, recipients.list_for(found)), **sent)
    addable = [(one.key, report_runs.person_words(one)) for one in recipients.list_addable(found)]
    form.added.choices = [("", _("nobody")), *addable]
    return form
