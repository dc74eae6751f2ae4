"""The coverage ratio by branch, the vehicles behind it, gaps and overlaps, and what must be covered."""

from datetime import date

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.forms.coverage import FindingsForm, PeriodForm, RequirementForm, two_years
from service_desk.forms.fields import member
from service_desk.presenters import coverage as words
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import named
from service_desk.presenters.missed_cover import layer_words
from service_desk.rules.coverage import Span
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import CoverCode
from service_desk.services import access, accounts
from service_desk.services.fleet import requirements
from service_desk.services.policies import ratios
from service_desk.services.policies.calendars import FindingKind, FleetFindings
from service_desk.services.policies.ratios import CoveredVehicles
from service_desk.web.exports import chosen_in, send_book, send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request

bp = Blueprint("coverage", __name__)


@bp.get("/coverage")
@login_required
def ratio() -> ResponseReturnValue:
    """The ratio of each branch: on the last day of a period, and over the whole of it."""
    form, period = _this_month()
    lines, total, day = _ratio(period)
    return render_template(
        "coverage/ratio.html",
        form=form,
        period=period,
        day=day,
        today=local_date(g.now),
        lines=lines,
        total=total,
        words=words,
        named=named,
    )


@bp.get("/coverage.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The ratio by branch as a spreadsheet."""
    account = current_account()
    _form, period = _this_month()

    def sheets() -> list[TableSheet]:
        lines, total, day = _ratio(period)
        return [words.ratio_sheet(lines, total, named(account.name, account.name_en), day, period)]

    return send_book(sheets, f"coverage-{account.code}-{period.last}.xlsx")


def _ratio(period: Period) -> tuple[list[words.RatioLine], words.RatioLine, date]:
    account, day = current_account(), min(period.last, local_date(g.now))
    at_day = ratios.coverage_by_branch(account.id, Period(day, day), actor=actor(), now=g.now)
    over = ratios.coverage_by_branch(account.id, period, actor=actor(), now=g.now)
    return *words.ratio_lines(at_day, over), day


def _this_month() -> tuple[PeriodForm, Period]:
    form, today = PeriodForm(request.args), local_date(g.now)
    form.branch.choices = _branch_choices()
    return form, form.period(Period(today.replace(day=1), today))


def _branch_choices() -> list[tuple[str, str]]:
    rows = accounts.list_branches(current_account().id, actor=actor())
    return [("", _("All branches")), *((str(row.id), named(row.name, row.name_en)) for row in rows)]


@bp.get("/coverage/vehicles")
@login_required
def vehicles() -> ResponseReturnValue:
    """The vehicles behind a figure, those with most days missed first."""
    form, period = _this_month()
    return render_template(
        "coverage/vehicles.html",
        form=form,
        period=period,
        only_missed=_only_missed(),
        page=_vehicles(form, period).read(page_request()),
        words=words,
        named=named,
    )


@bp.get("/coverage/vehicles.xlsx")
@login_required
def export_vehicles() -> ResponseReturnValue:
    """The same vehicles as a spreadsheet."""
    account = current_account()
    form, period = _this_month()
    name = named(account.name, account.name_en)
    chosen = [(_("Vehicles"), _("With days missed"))] if _only_missed() else []
    return send_list(
        _vehicles(form, period).read,
        lambda rows: words.vehicles_sheet(rows, name, period),
        f"covered-days-{account.code}-{period.last}.xlsx",
        [*_chosen(form), *chosen],
    )


def _only_missed() -> bool:
    return request.args.get("which") == "missed"


def _chosen(form: PeriodForm) -> list[tuple[str, str]]:
    """The filter but for the days, which the sheet has a line for."""
    days = {str(form.from_on.label.text), str(form.to_on.label.text)}
    return [one for one in chosen_in(form) if one[0] not in days]


def _vehicles(form: PeriodForm, period: Period) -> CoveredVehicles:
    return CoveredVehicles(
        current_account().id,
        period,
        actor=actor(),
        now=g.now,
        branch_id=form.branch_id,
        only_missed=_only_missed(),
    )


@bp.get("/coverage/gaps")
@login_required
def gaps() -> ResponseReturnValue:
    """Gaps and overlaps of the fleet, this year and next unless other days are asked for."""
    form, period = _findings_form()
    return render_template(
        "coverage/gaps.html",
        form=form,
        period=period,
        page=_findings(form, period).read(page_request()),
        words=words,
        named=named,
    )


@bp.get("/coverage/gaps.xlsx")
@login_required
def export_gaps() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    form, period = _findings_form()
    name = named(account.name, account.name_en)
    return send_list(
        _findings(form, period).read,
        lambda rows: words.findings_sheet(rows, name, period, g.now),
        f"cover-gaps-{account.code}-{local_date(g.now)}.xlsx",
        _chosen(form),
    )


def _findings_form() -> tuple[FindingsForm, Period]:
    form = FindingsForm(request.args)
    form.branch.choices = _branch_choices()
    form.kind.choices = [("", _("Gaps and overlaps")), *choices("cover_finding")]
    form.layer.choices = [("", _("Any cover")), *choices("cover")]
    return form, form.period(two_years(local_date(g.now)))


def _findings(form: FindingsForm, period: Period) -> FleetFindings:
    return FleetFindings(
        current_account().id,
        Span(start_of_day(period.first), end_of_day(period.last)),
        actor=actor(),
        now=g.now,
        branch_id=form.branch_id,
        kind=member(FindingKind, form.kind.data),
        layer=member(CoverCode, form.layer.data),
    )


@bp.route("/coverage/needs", methods=["GET", "POST"])
@login_required
def needs() -> ResponseReturnValue:
    """What each class must be covered for, with its versions; who keeps settings adds one."""
    account = current_account()
    form = RequirementForm(
        data={"scope": "account", "effective_on": local_date(g.now), "layers": ["ctpl", "tpl"]}
    )
    form.scope.choices = [
        ("account", named(account.name, account.name_en)),
        ("all", _("every account without its own")),
    ]
    form.use_class.choices = choices("use_class")
    form.layers.choices = choices("cover")

    def act() -> None:
        requirements.set_requirement(form.wanted(account.id), actor=actor(), now=g.now)

    if request.method == "POST":
        access.require(actor(), Action.MANAGE_SETTINGS)
        if attempt(form, act):
            return done(_("The required cover was set."), "coverage.needs")
    context = {
        "form": form,
        "versions": requirements.list_versions(account.id, actor=actor()),
        "in_force": requirements.in_force(account.id, local_date(g.now)),
        "today": local_date(g.now),
        "layer_words": layer_words,
        "named": named,
    }
    return (
        again("coverage/needs.html", **context)
        if form.is_submitted()
        else render_template("coverage/needs.html", **context)
    )
